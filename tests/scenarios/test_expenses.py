"""Expenses from end to end, as a person lives them: receipts in, notes, a report, its approval, a PDF that shows the receipts. On SQLite and on PostgreSQL."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo
from pypdf import PdfReader

from bot.database import open_database
from bot.expenses.books import audit
from bot.expenses.face import buttons
from bot.settings import Settings
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from tests.conftest import connected, running
from tests.file_world import pdf
from tests.scenarios.expense_seen import messages, press, shows, told
from tests.scenarios.seen import whole

ROOT = Path(__file__).parents[2]
DAY = date.today() - timedelta(days=3)  # noqa: DTZ011  # a day of the receipts; near enough in every zone


def photo(*lines: str) -> bytes:
    """A picture of a receipt. The playground's model has no eyes: it reads the description."""
    picture, about = Image.new("RGB", (600, 900), "white"), PngInfo()
    for n, line in enumerate(lines):
        ImageDraw.Draw(picture).text((40, 60 + 40 * n), line, fill="black")
    about.add_text("Description", "\n".join(lines))
    out = io.BytesIO()
    picture.save(out, "PNG", pnginfo=about)
    return out.getvalue()


HOTEL = pdf(f"Hotel Aurora Lisboa Invoice {DAY} 1 night Total EUR 189.00")
TAXI = photo("Taxi Blitz GmbH", f"{DAY}", "Summe 23,40 EUR")


@pytest.fixture(params=["sqlite_url", pytest.param("postgresql_url", marks=pytest.mark.slow)])
def database_url(request: pytest.FixtureRequest) -> str:
    """Each of the databases that the bot runs on."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture
async def acme(
    settings: Settings, slack: SlackServer, ai: OpenAIServer, database_url: str
) -> AsyncIterator[SlackServer]:
    """The whole bot with the playground's policy; Dana is Raj's manager."""
    slack.workspace.set_manager("raj", "dana")
    policy = str(ROOT / "playground" / "expenses" / "policy.toml")
    async with running(replace(settings, expenses_policy=policy, database_url=database_url)):
        await connected(slack)
        yield slack


async def say(slack: SlackServer, text: str, **files: bytes) -> str:
    """Raj writes to the bot, perhaps with files; its answer."""
    dm = slack.workspace.dm("raj")
    before = len(spoken(slack))
    shared = [slack.workspace.add_file("raj", name.replace("_", "."), content) for name, content in files.items()]
    slack.workspace.say("raj", dm, text, files=shared)
    await slack.until(lambda: len(spoken(slack)) > before and whole(slack, dm.id), timeout=30)
    return spoken(slack)[-1]


def spoken(slack: SlackServer) -> list[str]:
    """The bot's answers to Raj, without cards and words about decisions."""
    own = [
        m for m in messages(slack, "raj") if not str((m.get("metadata") or {}).get("event_payload")).count("outgoing")
    ]
    return [slack.workspace.rendered(m) for m in own]


def files(slack: SlackServer, person: str) -> dict[str, bytes]:
    """The files that the bot has given somebody in their direct messages and the threads there."""
    dm = slack.workspace.dm(person)
    said = [m for m in dm.messages.values() if m.get("bot_id") or m.get("subtype") == "file_share"]
    mine = [f for m in said if m["user"] == slack.bot_user_id for f in m.get("files") or ()]
    return {f["name"]: content(slack, f["id"]) for f in mine}


def content(slack: SlackServer, file: str) -> bytes:
    """What is in a file."""
    held = slack.workspace.files[file].content
    return held.read_bytes() if isinstance(held, Path) else held or b""


async def test_three_receipts_become_an_approved_report(acme: SlackServer, database_url: str) -> None:
    said = await say(acme, "my receipts", hotel_pdf=HOTEL, taxi_png=TAXI)
    assert "E-1" in said
    assert "E-2" in said
    hotel = await shows(acme, "raj", "E-1")
    assert "189.00" in str(hotel)
    assert "150.00" in str(hotel), "over the limit, which is named"
    assert "Who was it paid to?" in said
    await say(acme, "Hotel Aurora Lisboa")
    await shows(acme, "raj", "E-1", "Hotel Aurora")
    assert "23.40" in str(await shows(acme, "raj", "E-2"))
    # The third in words; a question is answered in words too.
    await say(acme, f"I paid 12.50 EUR for lunch at Bistro Paris on {DAY}")
    assert "12.50" in str(await shows(acme, "raj", "E-3"))
    # The same photo again is held.
    await say(acme, "another receipt", taxi_png=TAXI)
    held = await shows(acme, "raj", "E-4", pressable="Keep both")
    press(acme, "raj", held, buttons.REMOVE)
    await shows(acme, "raj", "E-4", "removed")
    await say(acme, "E-1: because the conference hotel was the only one with a room")
    await shows(acme, "raj", "E-1", "conference hotel")
    await say(acme, "make a report")
    report = await shows(acme, "raj", "R-1", "224.90", pressable="Submit")
    press(acme, "raj", report, buttons.SUBMIT)
    asked = await shows(acme, "dana", "R-1", "189.00", "150.00", "conference hotel", pressable="Approve")
    await acme.until(lambda: any(n.endswith(".pdf") for n in files(acme, "dana")), timeout=30)
    press(acme, "dana", asked, buttons.APPROVE)
    await told(acme, "raj", "approved")
    approved = await shows(acme, "raj", "R-1", "pproved")
    assert not [b for b in approved["blocks"] if b["type"] == "actions"]
    decided = await shows(acme, "raj", "E-1", "In R-1, approved")
    assert not [b for b in decided["blocks"] if b["type"] == "actions"], "its card too"
    await acme.until(lambda: len(files(acme, "raj")) >= 3, timeout=30)
    given = files(acme, "raj")
    assert {Path(n).suffix for n in given} == {".pdf", ".xlsx", ".csv"}
    paper = PdfReader(io.BytesIO(next(c for n, c in given.items() if n.endswith(".pdf"))))
    text = "\n".join(p.extract_text() for p in paper.pages)
    for words in (
        "R-1",
        "Hotel Aurora",
        "Taxi Blitz",
        "Bistro Paris",
        "189.00",
        "224.90",
        "conference hotel",
        "Invoice",
    ):
        assert words in text
    assert sum(len(p.images) for p in paper.pages) >= 1, "the photo"
    async with open_database(database_url) as database, database.read() as connection:
        assert await audit.verify(connection, acme.team_id) == []
