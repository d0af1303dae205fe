"""How Slack's history is parsed, read in pages, kept for seconds and put into words."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import buttons
from bot.errors import PlaceClosed, Retryable, ToolRefused
from bot.models import ThreadKey
from bot.reading.links import FOREIGN, NO_LINK, Link, link, moment, permalink
from bot.reading.messages import post
from bot.reading.once import Once
from bot.reading.people import Profile, matching
from bot.reading.transcript import LONGEST, fitting, line
from bot.slack import Identity
from tests.reading_world import World, reading_world

ME = Identity("T1", "U1BOT", "B1BOT", "assist", url="https://acme.slack.com/")
TS, ROOT = "1741942800.000200", "1741942800.000100"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Acme, read in pages of twenty."""
    async with reading_world(tmp_path, page=20) as world:
        yield world


# -- links and moments ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://acme.slack.com/archives/C0ENG/p1741942800000200", Link("C0ENG", TS)),
        (
            f"https://acme.slack.com/archives/C0ENG/p1741942800000200?thread_ts={ROOT}&cid=C0ENG",
            Link("C0ENG", TS, ROOT),
        ),
        (
            f"<https://acme.slack.com/archives/C0ENG/p1741942800000200?thread_ts={ROOT}&amp;cid=C0ENG|this>",
            Link("C0ENG", TS, ROOT),
        ),
        (" <https://ACME.slack.com/archives/C0ENG/p1741942800000200> ", Link("C0ENG", TS)),
        ("https://acme.slack.com/archives/G0ENG/", Link("G0ENG")),
        (f"https://app.slack.com/client/T1/C0ENG/thread/C0ENG-{ROOT}", Link("C0ENG", ROOT, ROOT)),
        ("https://app.slack.com/client/T1/C0ENG/p1741942800000200", Link("C0ENG", TS)),
        ("https://app.slack.com/client/T1/D0ANA", Link("D0ANA")),
        (f"slack://channel?team=T1&id=C0ENG&message={TS}", Link("C0ENG", TS)),
    ],
)
def test_a_link_is_understood_in_each_of_slacks_forms(text: str, found: Link) -> None:
    assert link(text, ME) == found


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("https://globex.slack.com/archives/C0ENG/p1741942800000200", FOREIGN),
        ("https://acme.slack.com.evil.example/archives/C0ENG/p1741942800000200", FOREIGN),
        ("https://acme.slack.com@evil.example/archives/C0ENG/p1741942800000200", FOREIGN),
        ("https://app.slack.com/client/T2/C0ENG", FOREIGN),
        (f"slack://channel?team=T2&id=C0ENG&message={TS}", FOREIGN),
        ("https://acme.slack.com/archives/../api/chat.delete", NO_LINK),
        ("https://acme.slack.com/archives/C0ENG/p17", NO_LINK),
        ("https://acme.slack.com/archives/C0ENG/p1741942800000200?thread_ts=now", NO_LINK),
        ("slack://channel?team=T1&id=https://x&message=1", NO_LINK),
        ("the thread above", NO_LINK),
        ("http://[", NO_LINK),
        ("", NO_LINK),
    ],
)
def test_any_other_link_is_refused_with_a_word(text: str, refusal: str) -> None:
    with pytest.raises(ToolRefused) as refused:
        link(text, ME)
    assert str(refused.value) == refusal


@given(
    channel=st.from_regex(r"[CDG][A-Z0-9]{2,10}", fullmatch=True),
    seconds=st.integers(10**8, 10**10),
    micros=st.integers(0, 999_999),
    reply=st.booleans(),
)
def test_a_link_that_is_given_out_leads_back_to_its_message(
    channel: str, seconds: int, micros: int, reply: bool
) -> None:
    ts = f"{seconds}.{micros:06d}"
    made = permalink(ME.url, channel, ts, ROOT if reply else "")
    assert link(made, ME) == Link(channel, ts, ROOT if reply and ts != ROOT else "")


@pytest.mark.parametrize(
    ("text", "end", "when"),
    [
        ("2025-03-14", False, "2025-03-13T18:30:00+00:00"),
        ("2025-03-14", True, "2025-03-14T18:30:00+00:00"),
        ("2025-03-14T14:00", False, "2025-03-14T08:30:00+00:00"),
        ("2025-03-14T14:00:00Z", False, "2025-03-14T14:00:00+00:00"),
    ],
)
def test_times_are_the_askers(text: str, end: bool, when: str) -> None:
    found = moment(text, ZoneInfo("Asia/Kolkata"), ME, end=end)
    assert datetime.fromtimestamp(float(found), UTC) == datetime.fromisoformat(when)


def test_a_moment_may_be_a_messages_link_or_ts() -> None:
    assert moment(permalink(ME.url, "C1AB", TS), UTC, ME) == moment(TS, UTC, ME) == TS
    for wrong in ("yesterday", "https://acme.slack.com/archives/C1AB", "14.3.2025", "2025-13-01"):
        with pytest.raises(ToolRefused):
            moment(wrong, UTC, ME)


# -- what is a message ------------------------------------------------------------------------------------------------------


def raw(**more: Any) -> dict[str, Any]:
    return {"type": "message", "ts": TS, "user": "U1ANA", "text": "hello"} | more


def own(*blocks: dict[str, Any], text: str = "Hi", **more: Any) -> dict[str, Any]:
    return raw(user=ME.user, bot_id=ME.bot, text=text, blocks=list(blocks), **more)


MARKDOWN = {"type": "markdown", "text": "**Hi**, the whole"}
ASIDE = {"type": "context", "elements": [{"type": "mrkdwn", "text": "_writing…_"}]}
GROWING = buttons.growing(ThreadKey("T1", "C1", ROOT), TS)


@pytest.mark.parametrize(
    "left_out",
    [
        raw(subtype="channel_join"),
        raw(subtype="channel_topic"),
        raw(subtype="tombstone"),
        raw(subtype="huddle_thread"),
        raw(hidden=True),
        raw(is_ephemeral=True),
        raw(text=" "),
        raw(text="", files=[{"id": "F1", "mode": "tombstone"}]),
        own(ASIDE, *GROWING, text="…"),
        own(MARKDOWN, ASIDE, *GROWING),
        own(MARKDOWN, streaming_state="in_progress"),
        own(text="…"),
    ],
)
def test_what_nobody_said_is_left_out(left_out: dict[str, Any]) -> None:
    assert post(left_out, ME) is None


def test_our_answers_are_whole_and_others_keep_their_bots_names() -> None:
    said = post(
        own(MARKDOWN, {"type": "actions", "elements": [{"action_id": buttons.AGAIN}]}, streaming_state="completed"), ME
    )
    assert said
    assert (said.text, said.own, said.markdown) == ("**Hi**, the whole", True, True)
    other = post(raw(user="", subtype="bot_message", bot_id="B9", username="Deploys", text=""), ME)
    assert other is None, "it says nothing"
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "Build 7 failed"}}
    preview = {"is_msg_unfurl": True, "text": "from #payroll"}
    card = {"title": "Ticket 12", "text": "is open"}
    other = post(
        raw(user="", bot_id="B9", username="Deploys", text="", blocks=[section], attachments=[preview, card]), ME
    )
    assert other
    assert (other.author, other.own, other.text) == ("Deploys", False, "Build 7 failed\nTicket 12\nis open")


def test_files_reactions_and_edits_are_seen() -> None:
    files = [
        {"id": "F1", "name": "a.pdf", "size": 7},
        {"id": "F2", "file_access": "check_file_info"},
        {"mode": "tombstone"},
    ]
    said = post(
        raw(files=files, reactions=[{"name": "+1", "users": ["U1"], "count": 3}], edited={"ts": "1"}, reply_count=2), ME
    )
    assert said
    assert [(f.id, f.name, f.size) for f in said.files] == [("F1", "a.pdf", 7), ("F2", "a file", 0)]
    told = line(said, "C1", {"U1": "Raj Patel", "U1ANA": "Ana Becker"}, ZoneInfo("Asia/Kolkata"), ME.url)
    assert told == {
        "at": "Fri 2025-03-14 14:30",
        "by": "Ana Becker",
        "says": "hello",
        "files": ["a.pdf (F1)", "a file (F2)"],
        "reactions": ":+1: Raj Patel, 2 more",
        "replies": 2,
        "edited": True,
        "link": "https://acme.slack.com/archives/C1/p1741942800000200",
    }


def test_mentions_and_links_are_words() -> None:
    said = post(raw(text="<@U1RAJ> see <#C9|eng> and <https://x.example/a?b=1&amp;c|the page>, 1 &lt; 2"), ME)
    assert said
    told = line(said, "C1", {"U1RAJ": "Raj"}, UTC, ME.url)
    assert told["says"] == "@Raj see #eng and [the page](https://x.example/a?b=1&c), 1 < 2"
    assert told["by"] == "U1ANA", "a name that Slack does not tell stays an id"


@given(st.lists(st.text(max_size=80), min_size=1, max_size=30), st.integers(50, 2_000))
def test_what_is_told_keeps_within_its_budget(texts: list[str], budget: int) -> None:
    lines = [{"says": text} for text in texts]
    count = fitting(lines, budget)
    sizes = [len(json.dumps(each, ensure_ascii=False)) + 2 for each in lines]
    assert count == 1 or sum(sizes[:count]) <= budget
    assert count == len(lines) or sum(sizes[: count + 1]) > budget


def test_one_endless_message_does_not_take_all_the_room() -> None:
    said = post(raw(text="x" * (LONGEST + 5)), ME)
    assert said
    assert line(said, "C1", {}, UTC, ME.url)["says"].endswith("x… (5 more characters)")


# -- whom a name means ------------------------------------------------------------------------------------------------------

PEOPLE = [
    Profile("U1", "Maria García", "maria", "Maria García"),
    Profile("U2", "Mario Gómez", "mario", "Mario Gómez"),
    Profile("U3", "Max", "mg", "Max Gardner"),
    Profile("U4", "Maria Gone", "maria.g", "Maria Gone", deleted=True),
]


@pytest.mark.parametrize(
    ("said", "ids"),
    [
        ("maria", ["U1"]),
        ("@Maria", ["U1"]),
        ("maria garcia", ["U1"]),
        ("mari g", ["U1", "U2", "U4"]),
        ("Max Gardner", ["U3"]),
        ("gard", ["U3"]),
        ("aria", []),
        ("@", []),
        ("", []),
    ],
)
def test_people_are_found_by_what_they_are_called(said: str, ids: list[str]) -> None:
    assert [p.id for p in matching(said, PEOPLE)] == ids


# -- asked once ---------------------------------------------------------------------------------------------------------------


async def test_a_question_is_asked_once_until_it_is_old_or_older_than_what_it_is_about() -> None:
    asked = 0

    async def ask() -> int:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.01)
        return asked

    once: Once[int] = Once(60, 2, 1)
    assert await asyncio.gather(*(once.get("a", ask) for _ in range(5))) == [1] * 5
    assert await once.get("a", ask, since=time.time() + 5) == 2, "something was said since"
    assert await once.get("a", ask) == 2
    assert [await once.get(k, ask) for k in "bca"] == [3, 4, 5], "only two are kept"


async def test_a_failure_is_not_kept_and_nobody_waits_for_ever() -> None:
    async def fail() -> int:
        raise Retryable("away")

    async def hang() -> int:
        await asyncio.sleep(0.2)
        return 1

    once: Once[int] = Once(60, 2, 0.02)
    for ask in (fail, fail, hang):
        with pytest.raises(Retryable):
            await once.get("a", ask)
    await asyncio.sleep(0.3)
    assert await once.get("a", fail) == 1, "what came late serves the next"


# -- read in pages ------------------------------------------------------------------------------------------------------------


async def test_a_long_thread_is_read_whole_page_by_page_and_kept_for_seconds(world: World) -> None:
    said = world.talk("engineering", (f"message {n}" for n in range(83)))
    channel = world.id("engineering")
    for _ in range(5):
        span = await world.reading.thread(channel, said[0], asked=said[-1])
    assert [p.ts for p in span.posts] == said
    assert (span.whole, span.total) == (True, 83)
    pages = world.calls("conversations.replies")
    assert pages == 5
    assert (await world.reading.thread(channel, said[40])).posts == span.posts, "by the link of a reply"
    assert [p.ts for p in (await world.reading.thread(channel, said[0], after=said[79])).posts] == said[80:]


async def test_a_page_from_before_the_question_is_read_again(world: World) -> None:
    (root,) = world.talk("engineering", ["first"])
    channel = world.id("engineering")
    await world.reading.thread(channel, root)
    world.say("raj", "engineering", "second", thread_ts=root)
    asked = f"{time.time():.6f}"
    assert len((await world.reading.thread(channel, root, asked=asked)).posts) == 2


async def test_a_channels_span_is_read_from_its_newest_end(world: World) -> None:
    said = [world.say("ana", "random", f"note {n}") for n in range(50)]
    channel = world.id("random")
    whole = await world.reading.channel(channel, oldest=said[4], latest=said[45])
    assert ([p.ts for p in whole.posts], whole.whole) == (said[5:45], True)
    newest = await world.reading.channel(channel, most=10)
    assert ([p.ts for p in newest.posts], newest.whole) == (said[30:], False)


async def test_when_slack_goes_away_midway_what_was_read_counts(world: World) -> None:
    said = world.talk("engineering", (f"message {n}" for n in range(40)))
    world.server.faults.add("conversations.replies", after=1, status=503, times=None)
    span = await world.reading.thread(world.id("engineering"), said[0])
    assert (len(span.posts), span.whole, span.failed) == (20, False, True)
    world.server.faults.clear()
    world.server.faults.add("conversations.history", status=503, times=None)
    with pytest.raises(Retryable):
        await world.reading.channel(world.id("engineering"))


async def test_a_message_that_is_gone_is_said_to_be(world: World) -> None:
    with pytest.raises(PlaceClosed, match="thread_not_found"):
        await world.reading.thread(world.id("engineering"), TS)


# -- what stands around a question ----------------------------------------------------------------------------------------------


async def test_the_thread_around_a_first_mention_is_told_of(world: World) -> None:
    ana = world.say("ana", "engineering", "Which database?", files=[("numbers.xlsx", b"1")])
    for n in range(11):
        world.say(("raj", "kim")[n % 2], "engineering", f"view {n}", thread_ts=ana)
    asked = world.say("lee", "engineering", "@assist what was decided?", thread_ts=ana)
    thread = ThreadKey(world.server.team_id, world.id("engineering"), ana)
    around = await world.reading.about(thread, asked)
    assert around
    assert (around.messages, around.people, around.more_people) == (12, ("Ana Becker", "Raj Patel", "Kim Novak"), 0)
    assert around.link == f"{world.server.origin}/archives/{thread.channel}/p{ana.replace('.', '')}"
    assert around.files == ("numbers.xlsx",)


async def test_nothing_is_told_where_there_is_nothing_or_the_bot_took_part(world: World) -> None:
    channel, team = world.id("engineering"), world.server.team_id
    root = world.say("ana", "engineering", "@assist hello")
    assert await world.reading.about(ThreadKey(team, channel, root), root) is None, "the question begins the thread"
    await world.slack.post(channel, root, [MARKDOWN], "Hi")
    asked = world.say("ana", "engineering", "and now?", thread_ts=root)
    assert await world.reading.about(ThreadKey(team, channel, root), asked) is None, "it knows what was said"
    assert await world.reading.about(ThreadKey(team, "C0NONE", root), asked) is None
    dm = ThreadKey(team, world.server.workspace.dm("ana").id, "dm")
    assert await world.reading.about(dm, asked) is None


async def test_names_of_many_people_are_looked_up_at_once(world: World) -> None:
    ids = [world.server.workspace.person(p).id for p in ("ana", "raj")] + [f"U0GONE{n}" for n in range(30)]
    names = await world.reading.called(ids)
    assert (names[ids[0]], names[ids[1]]) == ("Ana Becker", "Raj Patel")
    assert world.calls("users.list") == 1
    assert world.calls("users.info") <= 20
