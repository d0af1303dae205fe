"""A file's way in when something goes wrong: killed at any step, refused, failed; a vector store that is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from bot import keys, tables
from bot.access import Searchable
from bot.errors import FileRefused, Retryable, UserFacing
from bot.files.library import (
    GOING,
    PLACE,
    READY,
    REFUSED,
)
from bot.files.rows import new_record
from bot.files.taking import index_failure
from bot.models import SharedFile
from tests.library_world import SOUND, World, expect, until, world

__all__ = ["world"]
POLICY = b"# Travel\n\nThe hotel limit in Lisbon is 180 EUR a night."
HERE = Searchable(channels=(), workspace=False, everyone=False)


def only(*channels: str, workspace: bool = False, everyone: bool = False) -> Searchable:
    return Searchable(channels, workspace, everyone)


# -- killed between two steps -----------------------------------------------------------------------------------------------------


STEPS: dict[str, tuple[str, Callable[[Any, World], bool]]] = {  # how the request's path ends, and which of those
    "the original is uploaded": ("/v1/files", lambda body, _: "file" in body),
    "the text is uploaded": ("/v1/files", lambda body, _: "file" in body and body["file"].filename.endswith(".md")),
    "the store is made": ("/v1/vector_stores", lambda body, _: bool(body)),
    "the text goes into the store": ("/files", lambda body, _: "file_id" in body),
    "the index is asked": ("", lambda _, world: "/files/file" in world.ai.requests[-1].path),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("answered", [False, True])
async def test_killed_at_any_step_it_is_finished_by_the_next_and_nothing_is_doubled(
    world: World, step: str, answered: bool
) -> None:
    """`answered`: the request was carried out, and only its answer is lost."""
    shared = world.share("rates.csv", b"city,limit\nLisbon,180\n")
    ending, when = STEPS[step]
    world.ai.faults.add(ending, status=0 if answered else 500, delay=0.15, when=lambda body: when(body, world))
    task = asyncio.create_task(world.library().take(shared, world.thread()))
    await until(lambda: not world.ai.faults.pending)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    await asyncio.sleep(0.25 if answered else 0)
    record = expect(await world.library().take(shared, world.thread()), READY)
    assert await world.files() == ["rates.csv", "rates.csv.md"]
    assert list(await world.attached()) == [record.search_file]
    assert len([s async for s in world.llm.client.vector_stores.list()]) == 1


async def test_an_upload_that_could_be_somebody_elses_is_not_adopted(world: World) -> None:
    """Two files of one name and size are cut on their way: which upload is whose cannot be told."""
    one, two = world.share("a.txt", b"content one"), world.share("a.txt", b"content two", "leads")
    await _cut(world, one, "general", status=0)  # it is uploaded, and nobody noted that
    await _cut(world, two, "leads", status=500)
    record = expect(await world.library().take(two, world.thread("leads")), READY)
    assert "content two" in await world.library().text(record)


async def _cut(world: World, shared: SharedFile, channel: str, status: int) -> None:
    """Takes a file in as far as its upload, which has this status."""
    world.ai.faults.add("/v1/files", status=status, delay=0.15, when=bool)
    task = asyncio.create_task(world.library().take(shared, world.thread(channel)))
    await until(lambda: not world.ai.faults.pending)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0.25)


async def test_a_killed_owners_lock_lapses(world: World) -> None:
    shared, thread = world.share("policy.md", POLICY), world.thread()
    lock = keys.file_lock(thread.team, thread.channel, shared.id)
    await world.redis.set(lock, "a dead process", px=300)
    expect(await world.library().take(shared, thread), READY)


async def test_what_another_process_is_taking_in_is_waited_for(world: World) -> None:
    shared = world.share("policy.md", POLICY)
    world.ai.faults.add("/v1/files", status=0, delay=0.5)
    first = asyncio.create_task(world.library().take(shared, world.thread()))
    await asyncio.sleep(0.2)
    assert (await world.library().take(shared, world.thread())).state == READY
    assert (await first).state == READY
    assert world.asked("POST", "/v1/files") == 1


# -- failures, each with its word -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.txt", b"", "empty"),
        ("all.zip", b"PK\x03\x04" + bytes(99), "unpack it and share the files"),
    ],
)
async def test_a_file_that_cannot_be_used_is_refused_in_words_and_costs_openai_nothing(
    world: World, name: str, content: bytes, reason: str
) -> None:
    library, shared = world.library(), world.share(name, content)
    expect(await library.take(shared, world.thread()), REFUSED, reason)
    calls = len(world.server.calls)
    expect(await library.take(shared, world.thread()), REFUSED, reason)
    assert len(world.server.calls) == calls, "it is known"
    assert not world.ai.requests


async def test_a_refused_file_that_is_shared_again_later_is_looked_at_again(world: World) -> None:
    library, shared = world.library(), world.share("policy.md", POLICY)
    world.server.faults.add("files.download", status=404)
    record = await library.take(shared, world.thread())
    assert record.state == REFUSED
    async with world.database.begin() as tx:
        await tx.execute(update(tables.files).values(checked_at=record.checked_at - timedelta(minutes=11)))
    expect(await library.take(shared, world.thread()), READY)


async def test_a_file_deleted_in_slack_is_refused(world: World) -> None:
    shared = world.share("policy.md", POLICY)
    world.server.workspace.delete_file(world.server.workspace.files[shared.id])
    expect(await world.library().take(shared, world.thread()), REFUSED, "deleted")


@pytest.mark.parametrize(
    ("status", "word"), [(400, "this type of file is not supported"), (413, "it is too large"), (415, "this type of")]
)
async def test_openais_refusal_of_an_upload_is_said(world: World, status: int, word: str) -> None:
    world.ai.faults.add("/v1/files", status=status, message="Invalid file: secret-name.md")
    record = await world.library().take(world.share("secret-name.md", POLICY), world.thread())
    assert record.state == REFUSED
    assert record.reason.startswith("OpenAI did not take it: ")
    assert word in record.reason
    assert "secret" not in record.reason
    assert not await world.files()


async def test_a_refused_second_upload_leaves_nothing_of_the_first(world: World) -> None:
    world.ai.faults.add("/v1/files", status=400, when=lambda body: body["file"].filename.endswith(".md"))
    record = await world.library().take(world.share("rates.csv", b"city,limit\n"), world.thread())
    assert (record.state, record.given_file, record.search_file) == (REFUSED, "", "")
    assert not await world.files()


@pytest.mark.parametrize("path", ["/v1/files", "/files", "/v1/vector_stores"])
async def test_while_openai_is_away_the_file_is_left_for_later(world: World, path: str) -> None:
    shared = world.share("policy.md", POLICY)
    world.ai.faults.add(path, status=503, when=bool)
    with pytest.raises(Retryable):
        await world.library().take(shared, world.thread())
    expect(await world.library().take(shared, world.thread()), READY)
    assert await world.files() == ["policy.md"]


async def test_without_money_the_person_is_told(world: World) -> None:
    world.ai.faults.add("/v1/files", status=429, code="insufficient_quota")
    with pytest.raises(UserFacing, match="insufficient_quota") as refused:
        await world.library().take(world.share("policy.md", POLICY), world.thread())
    assert "no credit left" in refused.value.text


async def test_a_text_that_the_index_fails_oddly_is_sent_once_more_as_another_kind(world: World) -> None:
    _failing(world, "policy.md", "unsupported_file", 1)
    record = expect(await world.library().take(world.share("policy.md", POLICY), world.thread()), READY)
    assert await world.files() == ["policy.md.txt"]
    assert "180 EUR" in await world.library().text(record)


async def test_a_text_that_fails_again_is_refused_and_nothing_of_it_is_left(world: World) -> None:
    _failing(world, "policy.md", "server_error", 1)
    _failing(world, "policy.md.txt", "server_error", 1)
    expect(
        await world.library().take(world.share("policy.md", POLICY), world.thread()), REFUSED, "could not be indexed"
    )
    assert await world.files() == []
    assert world.asked("POST", "/v1/files") == 2


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("The file could not be parsed because it is password protected.", "it is password-protected"),
        ("The file is encrypted.", "it is password-protected"),
        ("The file could not be parsed because it is too large.", "it is too large to be searched"),
        ("The file is empty.", "there is no text in it"),
    ],
)
def test_a_failure_of_the_index_is_put_into_words(said: str, word: str) -> None:
    record = new_record("T1", "C1", "F1", "1.0", "a.pdf", PLACE)
    with pytest.raises(FileRefused) as refused:
        raise index_failure(record, "invalid_file", said)
    assert str(refused.value) == word


async def test_a_recording_that_openai_cannot_hear_is_refused(world: World) -> None:
    world.ai.faults.add("/audio/transcriptions", status=400)
    record = await world.library().take(world.share("a.mp3", SOUND, mimetype="audio/mpeg"), world.thread())
    assert (record.state, record.reason) == (REFUSED, "it could not be transcribed")


async def test_no_name_and_no_content_is_logged(world: World) -> None:
    with capture_logs() as logged:
        await world.library().take(world.share("secret-plan.md", b"the secret words"), world.thread())
        await world.library().take(world.share("secret-plan.zip", b"PK\x03\x04 secret"), world.thread())
    assert {"file taken", "file refused"} <= {entry["event"] for entry in logged}
    assert "secret" not in str(logged)


# -- the vector store -------------------------------------------------------------------------------------------------------------


async def test_a_vector_store_that_is_gone_is_made_anew_with_all_that_was_in_it(world: World) -> None:
    library = world.library()
    old = await library.take(world.share("policy.md", POLICY), world.thread())
    await world.llm.client.vector_stores.delete(await world.store().id(world.team))
    new = expect(await library.take(world.share("more.md", b"More of it."), world.thread()), READY)
    assert set(await world.attached()) == {old.search_file, new.search_file}
    assert (await world.attached())[old.search_file]["channel"] == old.channel


async def test_a_vector_store_that_has_expired_is_made_anew_with_all_that_was_in_it(world: World) -> None:
    library = world.library()
    first = expect(await library.take(world.share("one.txt", b"The first file."), world.thread()), READY)
    (expired,) = world.ai.vector_stores.values()
    expired.expires_after, expired.last_active_at = {"anchor": "last_active_at", "days": 1}, 0
    second = expect(await library.take(world.share("two.txt", b"The second file."), world.thread()), READY)
    assert await world.store().id(world.team) != expired.id
    assert set(await world.attached()) == {first.search_file, second.search_file}


async def test_two_processes_that_miss_the_store_make_one(world: World) -> None:
    record = await world.library().take(world.share("policy.md", POLICY), world.thread())
    await world.llm.client.vector_stores.delete(await world.store().id(world.team))
    await asyncio.gather(*(world.library().restore(world.team) for _ in range(3)))
    assert len([s async for s in world.llm.client.vector_stores.list()]) == 1
    assert list(await world.attached()) == [record.search_file]


async def test_a_file_that_openai_lost_with_the_store_is_let_go(world: World) -> None:
    library = world.library()
    record = await library.take(world.share("policy.md", POLICY), world.thread())
    await world.llm.client.files.delete(record.search_file)
    await world.llm.client.vector_stores.delete(await world.store().id(world.team))
    await library.restore(world.team)
    lost = await library.rows.get(record.team, record.channel, record.slack_file)
    assert lost
    assert lost.state == GOING


def _failing(world: World, name: str, code: str, times: int) -> None:
    """The next files of that name fail in the index."""
    indexing: Any = getattr(world.ai, "indexing", None)
    if indexing is None:
        pytest.skip("this playground's index does not fail")
    indexing.fail(name, code, times)
