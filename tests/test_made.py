"""Files that the model's code made: which of them come into the thread, and where."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from bot import tables
from bot.files.made import Computed, shared_in
from bot.files.names import JOINERS, clean_name
from bot.models import AGAIN
from bot.responses import Made
from tests.made_world import BOTH, CHART, COMPLETE, World, world
from tests.reply_world import lease
from tests.scenarios.seen import calls_of

__all__ = ["lease", "world"]


async def test_cited_files_come_into_the_thread_in_one_message_with_their_content(world: World) -> None:
    assert await world.deliver() == []
    assert world.shared() == [["chart.png", "sales.csv"]]
    assert sorted(f.content for f in world.slack.workspace.files.values() if f.content) == [
        b"region,sum\nnorth,1\n",
        b"\x89PNG chart",
    ]
    (args,) = calls_of(world.slack, COMPLETE)
    assert args["thread_ts"] == world.lease.key.root
    assert not world.openai.asked["list"]


async def test_delivered_once_they_are_not_delivered_again(world: World) -> None:
    await world.deliver()
    assert await world.deliver() == []
    assert world.shared() == [["chart.png", "sales.csv"]]
    assert world.openai.asked["content"] == 2


async def test_files_that_the_answer_links_to_come_too_but_nobodys_input(world: World) -> None:
    world.openai.add("cfile_3", "report.csv", b"r")
    notes = await world.deliver(Computed((CHART,), ("cntr_1",), ("chart.png", "report.csv", "input.csv")))
    assert world.shared() == [["chart.png", "report.csv"]]
    assert notes == ["input.csv could not be shared: OpenAI no longer has it. Ask me to make it again."]


async def test_where_nothing_is_cited_only_new_images_come(world: World) -> None:
    await world.deliver(Computed((CHART,), ("cntr_1",)))
    world.openai.add("cfile_4", "second.PNG")
    world.openai.add("cfile_5", "notes.txt")
    world.lease.turn = replace(world.lease.turn, id="C1-another")
    assert await world.deliver(Computed((), ("cntr_1",))) == []
    assert world.shared() == [["chart.png"], ["second.PNG"]]


async def test_where_no_code_ran_nothing_is_asked_of_anybody(world: World) -> None:
    assert await world.deliver(Computed()) == []
    assert not world.openai.asked
    assert not calls_of(world.slack, COMPLETE)


async def test_in_a_dm_they_come_at_the_top_level(world: World) -> None:
    dm = await world.client.open_dm(world.lease.turn.asker)
    assert await world.made.deliver(world.lease, BOTH, dm, None) == []
    (args,) = calls_of(world.slack, COMPLETE)
    assert args["channel_id"] == dm
    assert "thread_ts" not in args


async def test_more_than_ten_are_left_out_with_a_word(world: World) -> None:
    made = [Made("cntr_1", f"cfile_{n}x", f"{n}.png") for n in range(17)]
    for m in made:
        world.openai.add(m.file, m.name)
    notes = await world.deliver(Computed(tuple(made)))
    assert notes == ["I share at most 10 files at a time; left out: 10.png, 11.png, 12.png, 13.png, 14.png and 2 more."]
    assert world.shared() == [[f"{n}.png" for n in range(10)]]


async def test_an_answer_given_anew_takes_the_files_of_the_one_before_away(world: World) -> None:
    await world.deliver()
    again = [replace(m, kind=AGAIN) for m in world.lease.turn.messages]
    world.lease.turn = replace(world.lease.turn, messages=tuple(again))
    world.openai.add("cfile_9", "better.png")
    new = Computed((Made("cntr_1", "cfile_9", "better.png"),), ("cntr_1",))
    assert await world.deliver(new) == []
    assert await world.deliver(new) == []
    assert sorted(f.name for f in world.slack.workspace.files.values() if f.deleted) == ["chart.png", "sales.csv"]
    assert [f.name for f in world.slack.workspace.files.values() if not f.deleted] == ["better.png"]
    assert world.shared() == [["better.png"]], "nor does a message say that there were others"


async def test_the_message_of_a_file_that_is_kept_stays(world: World) -> None:
    await world.deliver()
    await world.made.take_back(world.lease.key.team, world.lease.turn.id, keep=["cfile_1"])
    (message,) = (m for m in world.slack.workspace.messages("general", world.lease.key.root) if m.get("files"))
    assert [f.get("name", f["mode"]) for f in message["files"]] == ["chart.png", "tombstone"]


async def test_what_a_person_has_shared_on_stays_theirs(world: World) -> None:
    await world.deliver()
    chart = next(f for f in world.slack.workspace.files.values() if f.name == "chart.png")
    world.slack.workspace.say("raj", "random", "look", files=[chart])
    await world.made.take_back(world.lease.key.team, world.lease.turn.id)
    assert all(f.deleted for f in world.slack.workspace.files.values())
    assert [m["text"] for m in world.slack.workspace.messages("random")] == ["look"]
    assert world.shared() == []


async def test_a_turns_files_can_be_taken_back(world: World) -> None:
    await world.deliver()
    await world.made.take_back(world.lease.key.team, world.lease.turn.id)
    assert all(f.deleted for f in world.slack.workspace.files.values())
    async with world.database.read() as connection:
        assert not (await connection.execute(select(tables.made_files))).all()


async def test_the_message_that_brings_files_is_not_taken_for_a_lost_part_of_the_answer(world: World) -> None:
    thread, turn = world.lease.key, world.lease.turn
    await world.deliver()
    found = await world.client.answer_parts(thread, turn.id, turn.messages[0].ts, streamed=True)
    assert found == []
    assert thread.thread_ts
    recipient = (thread.team, turn.asker)
    ts = await world.client.start_stream(thread.channel, thread.thread_ts, "Begun", recipient)
    found = await world.client.answer_parts(thread, turn.id, turn.messages[0].ts, streamed=True)
    assert [said.ts for said in found] == [ts]


# -- the values ----------------------------------------------------------------------------------------------------------

MADE = st.builds(Made, st.text(), st.text(), st.text())
COMPUTED = st.builds(
    Computed, st.lists(MADE).map(tuple), st.lists(st.text()).map(tuple), st.lists(st.text()).map(tuple)
)


@given(COMPUTED)
def test_what_was_computed_survives_being_noted(computed: Computed) -> None:
    assert Computed.from_json(computed.to_json()) == computed
    assert Computed.from_json("") == Computed()


@given(COMPUTED, COMPUTED)
def test_rounds_add_up_and_the_same_twice_counts_once(one: Computed, two: Computed) -> None:
    both = one + two
    assert set(both.made) == {*one.made, *two.made}
    assert both + two == both + one == both


@given(st.text())
def test_a_name_from_a_container_is_short_and_has_no_path_and_nothing_invisible(path: str) -> None:
    name = clean_name(path)
    assert 0 < len(name) <= 120
    assert "/" not in name
    assert re.sub(f"[{JOINERS}]", "", name).isprintable()
    assert clean_name("a\u2028b\n .png") == "a b .png"
    assert clean_name("/mnt/data/a\u202egnp.exe") == "agnp.exe"
    assert clean_name("x" * 200 + ".png").endswith(".png")


def test_slacks_file_object_tells_where_a_file_is_shared() -> None:
    file: dict[str, Any] = {
        "shares": {"public": {"C1": [{}]}, "private": {"G1": [{}]}},
        "channels": ["C2"],
        "ims": ["D1"],
        "groups": None,
    }
    assert shared_in(file) == {"C1", "G1", "C2", "D1"}
    assert shared_in({}) == set()
