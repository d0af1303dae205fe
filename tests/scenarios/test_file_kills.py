"""A real process killed while it takes a file in: nothing is doubled, nothing is orphaned, and the answer is whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from bot.settings import Settings
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from tests.conftest import connected
from tests.processes import Bots
from tests.scenarios.seen import answer_to, answers, growing
from tests.scenarios.test_files import file, nothing_is_half_attached, rows

CSV = b"city,limit\n" + b"".join(b"City%d,%d\n" % (n, n) for n in range(100, 300))
HELD = 2.0  # seconds
Held = Callable[[], bool]


def in_download(slack: SlackServer, _: OpenAIServer) -> Held:
    fault = slack.faults.add("files.download", spread=HELD)
    return lambda: fault.hits > 0


def in_upload(_: SlackServer, ai: OpenAIServer) -> Held:
    """OpenAI gets the original, and nobody is left to hear its id."""
    ai.faults.add("/v1/files", status=0, delay=HELD, when=lambda body: bool(body) and "file" in body)
    return lambda: not ai.faults.pending


def in_second_upload(_: SlackServer, ai: OpenAIServer) -> Held:
    """The same of the text for the search."""
    ai.faults.add(
        "/v1/files",
        status=0,
        delay=HELD,
        when=lambda body: bool(body) and "file" in body and body["file"].filename.endswith(".md"),
    )
    return lambda: not ai.faults.pending


def in_attach(_: SlackServer, ai: OpenAIServer) -> Held:
    ai.faults.add("/files", status=0, delay=HELD, when=lambda body: bool(body) and "file_id" in body)
    return lambda: not ai.faults.pending


def in_index(_: SlackServer, ai: OpenAIServer) -> Held:
    ai.indexing.slow["rates.csv.md"] = HELD
    return lambda: any(store.files for store in ai.vector_stores.values())


def in_answer(_: SlackServer, ai: OpenAIServer) -> Held:
    ai.faults.add("/responses", status=0, delay=HELD)
    return lambda: not ai.faults.pending


POINTS = (in_download, in_upload, in_second_upload, in_attach, in_index, in_answer)


async def until(held: Held) -> None:
    async with asyncio.timeout(20):
        while not held():  # noqa: ASYNC110  # the servers tell of no request
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("how", "point"),
    [
        pytest.param(how, point, marks=() if (how, point) == ("run", in_second_upload) else pytest.mark.slow)
        for how in ("run", "workers")
        for point in POINTS
    ],
)
async def test_a_file_lives_through_a_kill(
    settings: Settings,
    start: Bots,
    slack: SlackServer,
    ai: OpenAIServer,
    how: str,
    point: Callable[[SlackServer, OpenAIServer], Held],
) -> None:
    held = point(slack, ai)
    if how == "workers":
        await start.start("web")
    victim = await start.start("worker" if how == "workers" else "run", REDIS_URL=settings.redis_url)
    await connected(slack)
    ts = slack.workspace.say(
        "ana", "general", "@assist what is the limit in City211?", files=[file(slack, "rates.csv", CSV)]
    )
    await until(held)
    await victim.kill()
    await start.start("worker" if how == "workers" else "run", REDIS_URL=settings.redis_url)
    assert "211" in await answer_to(slack, "general", ts, timeout=40)
    assert len(answers(slack, "general", ts)) == 1
    assert not any(growing(m) for m in slack.workspace.messages("general", ts))
    assert sorted(f.filename for f in ai.files.values()) == ["rates.csv", "rates.csv.md"]
    assert [row["state"] for row in rows(settings).values()] == ["ready"]
    nothing_is_half_attached(settings, ai)
