"""Files from Slack to OpenAI: once, in order, with a word for each failure; found where they may be; gone without a trace."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.access import Searchable
from bot.drawn import Drawn, file
from bot.errors import Retryable
from bot.files.attached import WORDS, Attachments
from bot.files.library import (
    EVERYONE,
    GOING,
    KNOWLEDGE,
    PLACE,
    READY,
    TAKING,
    WORKSPACE,
    search_filter,
    slack_id,
)
from bot.files.rows import new_record
from bot.models import ThreadKey
from playground.openai.search import allowed
from tests.library_world import SOUND, World, expect, png, until, world

__all__ = ["world"]
POLICY = b"# Travel\n\nThe hotel limit in Lisbon is 180 EUR a night."
HERE = Searchable(channels=(), workspace=False, everyone=False)


def only(*channels: str, workspace: bool = False, everyone: bool = False) -> Searchable:
    return Searchable(channels, workspace, everyone)


# -- taken in -------------------------------------------------------------------------------------------------------------------


async def test_a_text_is_stored_searchable_where_it_was_shared(world: World) -> None:
    shared, thread = world.share("policy.md", POLICY), world.thread()
    record = expect(await world.library().take(shared, thread), READY)
    assert (record.kind, record.name, record.size) == ("text", "policy.md", len(POLICY))
    assert record.permalink.startswith("http")
    ana = world.server.workspace.person("ana").id
    attributes = {"team": world.team, "channel": thread.channel, "thread": thread.root, "uploader": ana}
    attributes |= {"slack_file": shared.id, "visibility": PLACE}
    assert await world.attached() == {record.search_file: attributes}
    tools = await world.library().tools(thread, only(thread.channel))
    assert any("180 EUR" in text for text in await world.found("hotel limit in Lisbon", tools))
    assert not list(world.folder.iterdir())


async def test_what_is_stored_is_cut_into_chunks_of_512_tokens(world: World) -> None:
    record = await world.library().take(world.share("policy.md", POLICY), world.thread())
    got = await world.llm.client.vector_stores.files.retrieve(
        record.search_file, vector_store_id=await world.store().id(world.team)
    )
    assert got.chunking_strategy
    assert got.chunking_strategy.to_dict()["static"] == {"max_chunk_size_tokens": 512, "chunk_overlap_tokens": 256}


async def test_an_image_is_uploaded_to_be_seen_and_not_to_be_searched(world: World) -> None:
    record = expect(await world.library().take(world.share("logo.png", png()), world.thread()), READY)
    assert (record.kind, record.search_file) == ("image", "")
    assert (await world.llm.client.files.retrieve(record.given_file)).purpose == "vision"
    assert not await world.attached()


async def test_a_table_is_searched_as_text_and_given_to_code_as_it_is(world: World) -> None:
    record = await world.library().take(world.share("rates.csv", b"city,limit\nLisbon,180\n"), world.thread())
    assert (record.kind, await world.files()) == ("table", ["rates.csv", "rates.csv.md"])
    search, code = await world.library().tools(world.thread(), only(world.thread().channel))
    assert search["type"] == "file_search"
    assert code == {"type": "code_interpreter", "container": {"type": "auto", "file_ids": [record.given_file]}}
    assert await world.library().tools(world.thread(), HERE) == [
        {"type": "code_interpreter", "container": {"type": "auto"}}
    ], "nothing of the place may be read"


async def test_a_recording_is_transcribed_told_and_searched(world: World) -> None:
    shared = world.share("voice.mp3", SOUND, mimetype="audio/mpeg")
    record = expect(await world.library().take(shared, world.thread()), READY)
    assert record.words
    assert record.heard >= 1
    tools = await world.library().tools(world.thread(), only(world.thread().channel))
    assert await world.found(record.words, tools)
    again = await world.library().take(shared, world.thread())
    assert record.words in again.words
    assert world.asked("POST", "/audio/transcriptions") == 1


async def test_of_a_long_recording_the_model_is_told_where_the_rest_is(world: World) -> None:
    shared = world.share("all-hands.mp3", SOUND, mimetype="audio/mpeg")
    file = world.server.workspace.files[shared.id]
    file.transcription, file.transcript = "complete", "so we said " * (WORDS // 10)

    async def status(_: str) -> None:
        return

    attachments = Attachments(world.library(), world.thread(), status, lambda _text, _instead: None)
    drawn = Drawn(world.database, world.team, "conv_1")
    line = (await attachments.take([shared], [], drawn))[shared.id].line
    assert WORDS < len(line) < WORDS + 200
    assert line.endswith("read_file has the rest")


async def test_taken_in_again_it_costs_no_call(world: World) -> None:
    library, shared = world.library(), world.share("policy.md", POLICY)
    first = await library.take(shared, world.thread())
    calls = len(world.ai.requests), len(world.server.calls)
    again = await library.take(shared, world.thread())
    assert (again.search_file, again.state) == (first.search_file, READY)
    assert (len(world.ai.requests), len(world.server.calls)) == calls


async def test_one_file_taken_in_by_two_processes_at_once_is_stored_once(world: World) -> None:
    shared = world.share("policy.md", POLICY)
    records = await asyncio.gather(*(world.library().take(shared, world.thread()) for _ in range(3)))
    assert {r.state for r in records} == {READY}
    assert len({r.search_file for r in records}) == 1
    assert await world.files() == ["policy.md"]


async def test_the_same_content_is_stored_once_a_channel_also_when_it_comes_twice_at_once(world: World) -> None:
    shared = [world.share(name, POLICY) for name in ("a.md", "b.md", "c.md")]
    records = await asyncio.gather(*(world.library().take(s, world.thread()) for s in shared))
    assert [r.state for r in records] == [READY] * 3
    assert len({r.search_file for r in records}) == 1
    assert len(await world.files()) == 1


async def test_the_same_content_in_two_channels_is_stored_twice(world: World) -> None:
    library = world.library()
    one = await library.take(world.share("policy.md", POLICY), world.thread())
    two = await library.take(world.share("policy.md", POLICY, "leads"), world.thread("leads"))
    assert one.search_file != two.search_file
    assert {a["channel"] for a in (await world.attached()).values()} == {one.channel, two.channel}


async def test_a_file_shared_again_belongs_to_the_thread_where_it_is_talked_of_now(world: World) -> None:
    library, shared = world.library(), world.share("rates.csv", b"city,limit\n")
    await library.take(shared, world.thread(root="1.0"))
    await library.take(shared, world.thread(root="2.0"))
    assert [r.slack_file for r in await library.of_thread(world.thread(root="2.0"), ["table"])] == [shared.id]
    assert not await library.of_thread(world.thread(root="1.0"))


async def test_fifty_files_at_once_all_arrive(world: World) -> None:
    library = world.library()
    shared = [world.share(f"note-{n}.txt", f"note number {n}".encode()) for n in range(50)]
    records = await asyncio.gather(*(library.take(s, world.thread()) for s in shared))
    assert {r.state for r in records} == {READY}
    assert len(await world.attached()) == 50


# -- found where it may be ----------------------------------------------------------------------------------------------------------


async def test_without_files_there_is_no_search_and_openai_is_not_asked(world: World) -> None:
    tools = await world.library().tools(world.thread(), only(world.thread().channel, workspace=True, everyone=True))
    assert tools == [{"type": "code_interpreter", "container": {"type": "auto"}}]
    assert not world.ai.requests


async def test_a_file_of_another_channel_is_neither_found_nor_a_reason_to_search(world: World) -> None:
    library = world.library()
    await library.take(world.share("payroll.md", b"Salaries: 100", "leads"), world.thread("leads"))
    here = only(world.thread().channel, workspace=True, everyone=True)
    assert [t["type"] for t in await library.tools(world.thread(), here)] == ["code_interpreter"]
    await library.take(world.share("policy.md", POLICY), world.thread())
    tools = await library.tools(world.thread(), here)
    assert await world.found("hotel", tools)
    assert not await world.found("salaries payroll", tools)
    assert [r.name for r in await library.listed(world.team, here)] == ["policy.md"]
    assert not await library.find(world.team, "payroll.md", here)


async def test_knowledge_is_found_by_its_visibility(world: World) -> None:
    library = world.library()
    for name, visibility in (("staff.md", WORKSPACE), ("all.md", EVERYONE)):
        text = f"holiday rules of {name}".encode()
        record = await library.take(
            world.share(name, text), ThreadKey(world.team, KNOWLEDGE, ""), visibility=visibility
        )
        assert (record.state, record.visibility) == (READY, visibility)
    full = await library.tools(world.thread(), only(workspace=True, everyone=True))
    guest = await library.tools(world.thread(), only(everyone=True))
    assert len(await world.found("holiday rules", full)) == 2
    assert await world.found("holiday rules", guest) == ["holiday rules of all.md"]
    assert await library.channels(world.team) == (KNOWLEDGE,)


async def test_the_tools_stay_the_same_while_nothing_changes(world: World) -> None:
    library, thread = world.library(), world.thread()
    for n in range(12):
        table = new_record(world.team, thread.channel, f"F{n}", thread.root, f"t{n}.csv", PLACE)
        given_file = f"file-{7 * n % 12:02}"
        await library.rows.add(replace(table, kind="table", state=READY, search_file="file-t", given_file=given_file))
    first = await library.tools(thread, only(thread.channel, "C2", "C1"))
    assert first == await world.library().tools(thread, only("C1", "C2", thread.channel))
    given = first[1]["container"]["file_ids"]
    assert (len(given), given) == (10, sorted(given))
    assert set(given) == {r.given_file for r in (await library.of_thread(thread))[-10:]}
    elsewhere = await library.tools(world.thread(root="2.0"), only(thread.channel))
    assert elsewhere[1]["container"] == {"type": "auto"}


async def test_what_openai_cites_leads_back_to_the_file(world: World) -> None:
    library = world.library()
    record = await library.take(world.share("policy.md", POLICY), world.thread())
    assert (await library.stored_as(world.team, [record.search_file, "file-other"])) == {
        record.search_file: replace(record, words="", note="", heard=0.0)
    }
    assert not await library.stored_as("T-OTHER", [record.search_file])


async def test_a_file_that_is_indexed_late_is_ready_the_next_time(world: World) -> None:
    """As after a worker that was stopped while it waited."""
    library, shared = world.library(), world.share("policy.md", POLICY)
    record = await library.take(shared, world.thread())
    await library.rows.change(record, state=TAKING)
    assert [r.slack_file for r in await library.late(world.thread())] == [shared.id]
    assert not await library.of_thread(world.thread())
    expect(await library.take(shared, world.thread()), READY)
    assert world.asked("POST", "/v1/files") == 1


CHANNELS = st.sampled_from(["", "C1", "C2", "G1", "D1", "C11"])
VISIBLE = st.sampled_from([PLACE, WORKSPACE, EVERYONE])


@given(
    channels=st.lists(CHANNELS, max_size=4),
    workspace=st.booleans(),
    everyone=st.booleans(),
    team=st.sampled_from(["T1", "T2"]),
    channel=CHANNELS,
    visibility=VISIBLE,
)
def test_the_filter_lets_through_what_the_rule_says_and_nothing_else(
    channels: list[str], workspace: bool, everyone: bool, team: str, channel: str, visibility: str
) -> None:
    filters = search_filter("T1", Searchable(tuple(channels), workspace, everyone))
    attributes = {
        "team": team,
        "channel": channel,
        "visibility": visibility,
        "thread": "1",
        "uploader": "U",
        "slack_file": "F",
    }
    here = channel != KNOWLEDGE and channel in channels
    wide = (visibility == WORKSPACE and workspace) or (visibility == EVERYONE and everyone)
    assert (filters is not None and allowed(filters, attributes)) == (team == "T1" and (here or wide))


# -- let go -------------------------------------------------------------------------------------------------------------------------


async def test_a_forgotten_file_is_not_found_at_once_and_then_is_gone_at_openai(world: World) -> None:
    library = world.library()
    record = await library.take(world.share("rates.csv", b"city,limit\nLisbon,180\n"), world.thread())
    going = await library.forget(record.team, record.channel, record.slack_file)
    assert going
    here = only(record.channel)
    assert await library.tools(world.thread(), here) == [{"type": "code_interpreter", "container": {"type": "auto"}}]
    assert not await library.listed(world.team, here)
    assert not await library.stored_as(world.team, record.openai_files)
    for _ in range(2):  # it may be repeated
        await library.erase(going)
    assert await world.files() == []
    assert await world.attached() == {}
    assert await library.rows.get(record.team, record.channel, record.slack_file) is None
    assert await library.forget(record.team, record.channel, record.slack_file) is None


async def test_content_that_another_file_of_the_channel_has_stays(world: World) -> None:
    library = world.library()
    one = await library.take(world.share("a.md", POLICY), world.thread())
    two = await library.take(world.share("b.md", POLICY), world.thread())
    await library.erase(one)
    assert list(await world.attached()) == [two.search_file]
    await library.erase(two)
    assert await world.files() == []


async def test_a_forgotten_file_leaves_the_conversations_that_were_told_of_it(world: World) -> None:
    library = world.library()
    image = await library.take(world.share("logo.png", png()), world.thread())
    other = await library.take(world.share("other.png", png(9)), world.thread())
    conversation = await world.llm.create_conversation(
        [_seen(image.given_file), _seen(other.given_file), _says("hello")], {}
    )
    await Drawn(world.database, world.team, conversation).on(file(image.given_file), file(other.given_file))
    await library.erase(image)
    left = str(await world.llm.items(conversation, 10))
    assert image.given_file not in left
    assert other.given_file in left
    assert "hello" in left


async def test_while_a_conversation_is_locked_the_file_is_erased_later(world: World) -> None:
    library = world.library()
    image = await library.take(world.share("logo.png", png()), world.thread())
    conversation = await world.llm.create_conversation([_seen(image.given_file)], {})
    await Drawn(world.database, world.team, conversation).on(file(image.given_file))
    world.ai.faults.add("", status=400, code="conversation_locked", when=lambda _: _deleting(world))
    with pytest.raises(Retryable, match="locked"):
        await library.erase(image)
    assert await world.files() == [], "the search does not wait for it"
    assert await library.rows.get(image.team, image.channel, image.slack_file)
    await library.erase(image)
    assert await world.llm.items(conversation, 10) == []
    assert not await library.rows.get(image.team, image.channel, image.slack_file)


async def test_a_file_that_is_shared_again_after_it_was_forgotten_is_taken_in_anew(world: World) -> None:
    library, shared = world.library(), world.share("policy.md", POLICY)
    old = await library.take(shared, world.thread())
    await library.forget(old.team, old.channel, old.slack_file)
    new = expect(await library.take(shared, world.thread()), READY)
    assert list(await world.attached()) == [new.search_file]
    assert new.search_file != old.search_file


@pytest.mark.parametrize("asked", ["/v1/files", "/files/file"])
async def test_forgotten_while_it_is_taken_in_it_does_not_come_back(world: World, asked: str) -> None:
    """While it is uploaded, and while it is indexed."""
    library, shared = world.library(), world.share("policy.md", POLICY)
    world.ai.faults.add("", status=0, delay=0.3, when=lambda _: asked in world.ai.requests[-1].path)
    task = asyncio.create_task(library.take(shared, world.thread()))
    await until(lambda: not world.ai.faults.pending)
    going = await library.forget(world.team, world.thread().channel, shared.id)
    assert going
    assert (await task).state == GOING
    await library.erase(going)
    assert await world.files() == []


@pytest.mark.parametrize(
    ("text", "id_"),
    [
        ("F0ABC123", "F0ABC123"),
        ("https://acme.slack.com/files/U012/F0ABC123/policy.pdf", "F0ABC123"),
        ("<https://acme.slack.com/files/U012/F0ABC123/policy.pdf|policy.pdf>", "F0ABC123"),
        ("policy.pdf", ""),
        ("FINANCE.pdf", ""),
        ("my F0ABC123 notes", ""),
    ],
)
def test_a_slack_file_is_known_by_its_id_or_link(text: str, id_: str) -> None:
    assert slack_id(text) == id_


def _seen(file_id: str) -> dict[str, Any]:
    return {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_image", "file_id": file_id, "detail": "auto"}],
    }


def _says(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": text}


def _deleting(world: World) -> bool:
    return world.ai.requests[-1].method == "DELETE" and "/conversations/" in world.ai.requests[-1].path
