"""Cards, words and files come into people's direct messages: each once, in order, and cards stay true."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, update
from structlog.testing import capture_logs

from bot import tables
from bot.blocks import SECTION
from bot.delivery import outgoing
from bot.delivery.bringing import words
from bot.delivery.claims import MOST_PEOPLE, Claims, Outgoing
from bot.delivery.delivery import Delivery
from bot.delivery.outgoing import EVENT, MAIL
from bot.jobs import make_delivery
from bot.models import utcnow
from tests.delivery_world import World, world
from tests.housekeeping_world import TEAM
from tests.scenarios.seen import calls_of

__all__ = ["world"]

POST, EDIT, COMPLETE = "chat.postMessage", "chat.update", "files.completeUploadExternal"


# -- words -----------------------------------------------------------------------------------------------------------------


async def test_words_come_once_each_in_the_order_in_which_they_were_noted(world: World) -> None:
    await world.say("ana", "one", "two", "three")
    await world.say("raj", "for Raj")
    await world.deliver()
    await world.say("ana", "two", "four")
    await world.deliver()
    assert world.texts("ana") == ["one", "two", "three", "four"]
    assert world.texts("raj") == ["for Raj"]


async def there(world: World, text: str, seconds: float) -> None:
    """Waits until Ana has it."""
    await world.server.until(lambda: text in world.texts("ana"), timeout=seconds)


async def test_a_change_by_this_process_is_brought_at_once(world: World) -> None:
    async with world.delivering():
        await asyncio.sleep(0.1)
        for text in ("one", "two", "three"):  # a busy machine may take longer to commit than the deliverer waits for it
            await world.say("ana", text)
            with suppress(TimeoutError):
                await there(world, text, 3.5)  # before the next look
                return
            await there(world, text, 5)
    pytest.fail("only the next look has brought it")


@pytest.mark.parametrize("fault", [{"error": "ratelimited"}, {"status": 500}, {"error": "missing_scope"}])
async def test_what_fails_is_tried_again_and_what_comes_after_it_waits(world: World, fault: dict[str, Any]) -> None:
    world.server.faults.add(POST, when=lambda args: args["text"] == "one", **fault)
    await world.say("ana", "one", "two")
    await world.deliver()
    assert world.texts("ana") == ["one", "two"]


async def test_what_fails_again_and_again_stands_in_nobodys_way(world: World) -> None:
    world.server.faults.add(POST, when=lambda args: args["text"] == "one", status=500, times=None)
    await world.say("ana", "one", "two")
    await world.say("raj", "for Raj")
    async with world.delivering():
        await world.server.until(lambda: world.texts("raj") == ["for Raj"], timeout=2)
        for _ in range(4):
            await asyncio.sleep(0.4)
            await world.hurry()
        await world.server.until(lambda: world.texts("ana") == ["two"])
    assert await world.waiting() == 1


async def test_what_is_being_brought_when_the_process_is_told_to_stop_is_brought_to_its_end(world: World) -> None:
    fault = world.server.faults.add(POST, delay=1.0)
    delivery = make_delivery(world.office, world.scheduling)
    async with asyncio.timeout(10), asyncio.TaskGroup() as running:
        await world.say("ana", "one")
        running.create_task(delivery.run())
        await world.server.until(lambda: fault.hits)
        drained = running.create_task(delivery.drain())
        await world.say("raj", "for the next worker")  # which wakes the deliverer up
        await drained
    assert [(row.body, row.shown, bool(row.ts)) for row in await world.rows()] == [
        ("one", 1, True),
        ("for the next worker", 0, False),
    ]


async def test_what_a_stop_cuts_off_on_its_way_elsewhere_is_the_next_ones_at_once(world: World) -> None:
    begun, subject = asyncio.Event(), "M-1"

    async def never_ends(_row: Outgoing) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with world.database.begin() as tx:
        await outgoing.keep(tx, TEAM, EVENT, subject, subject)
    delivery = Delivery(world.office.slack, world.database, world.office.folder, {}, {EVENT: never_ends}, ())
    running = asyncio.create_task(delivery.run())
    await asyncio.wait_for(begun.wait(), 5)
    running.cancel()
    await asyncio.wait([running])
    (row,) = await world.rows()
    assert row.due_at <= utcnow()


async def test_somebody_who_has_left_is_given_up_with_a_line_in_the_log(world: World) -> None:
    world.server.workspace.person("kim").deleted = True
    await world.say("kim", "one")
    with capture_logs() as logs:
        await world.deliver()
    assert [(entry["person"], entry["error"]) for entry in logs if entry["event"] == "not delivered"] == [
        (world.person("kim"), "conversations.open: user_disabled")
    ]
    assert not calls_of(world.server, POST)


async def test_long_words_are_cut_at_the_ends_of_lines(world: World) -> None:
    lines = [f"line {n} " + "x" * 100 for n in range(100)]
    await world.say("ana", "\n".join(lines))
    await world.deliver()
    (message,) = world.dm("ana")
    assert "\n".join(b["text"]["text"] for b in message["blocks"]).split("\n") == lines


@given(st.text(min_size=1, max_size=9_000).filter(str.strip))
def test_words_of_any_kind_fit_into_slacks_sections_and_lose_nothing(text: str) -> None:
    card = words(text)
    parts = [b["text"]["text"] for b in card.blocks]
    assert all(0 < len(p) <= SECTION for p in parts)
    assert "".join(parts).split() == text.split() or len(text) > SECTION
    assert "".join("".join(parts).split()) == "".join(text.split())


# -- cards -----------------------------------------------------------------------------------------------------------------


async def test_a_card_is_posted_once_and_then_edited_with_what_is_true(world: World) -> None:
    world.expense("Taxi")
    await world.card("ana", "E-1")
    await world.deliver()
    (first,) = world.dm("ana")
    world.expense("Taxi Lisbon")
    async with world.database.begin() as tx:
        await outgoing.changed(tx, TEAM, "E-1")
        await outgoing.changed(tx, TEAM, "E-1")
    await world.deliver()
    (second,) = world.dm("ana")
    assert first["ts"] == second["ts"]
    assert len(calls_of(world.server, EDIT)) == 1
    (row,) = await world.rows()
    assert (row.shown, row.wanted) == (3, 3)


async def test_a_change_while_the_card_is_posted_is_shown_after_it(world: World) -> None:
    world.expense("Taxi")
    held = world.server.faults.add(POST, delay=0.5)
    await world.card("ana", "E-1")
    async with world.delivering(), world.delivering():  # the second must not begin meanwhile
        await world.server.until(lambda: held.hits)
        async with world.database.begin() as tx:
            await outgoing.changed(tx, TEAM, "E-1")
        await world.brought()
    assert len(calls_of(world.server, POST)) == 1
    assert len(calls_of(world.server, EDIT)) == 1


async def test_a_card_that_was_deleted_is_posted_anew(world: World) -> None:
    world.expense("Taxi")
    await world.card("ana", "E-1")
    await world.deliver()
    (first,) = world.dm("ana")
    workspace = world.server.workspace
    workspace.remove(workspace.dm(workspace.person("ana")), first["ts"])
    await world.card("ana", "E-1")
    await world.deliver()
    (second,) = world.dm("ana")
    assert second["ts"] != first["ts"]


async def test_a_report_shows_its_people_by_name_to_each_of_them(world: World) -> None:
    world.report("Taxi")
    await world.card("ana", "R-3")
    await world.card("raj", "R-3")
    await world.deliver()
    assert len(world.dm("ana")) == len(world.dm("raj")) == 1
    assert {a["user"] for a in calls_of(world.server, "users.info")} == {world.person("ana"), world.person("raj")}


async def test_who_may_not_see_it_any_more_is_shown_a_line_and_who_never_saw_it_nothing(world: World) -> None:
    world.report("Taxi")
    await world.card("raj", "R-3")
    await world.deliver()
    world.books.readers.clear()
    await world.card("raj", "R-3")
    await world.card("kim", "R-3")
    await world.deliver()
    assert world.texts("raj") == ["R-3 is no longer with you."]
    assert world.texts("kim") == []


async def test_a_card_that_slack_does_not_take_comes_in_plain_words(world: World) -> None:
    world.expense("Taxi")
    world.server.faults.add(POST, error="invalid_blocks")
    await world.card("ana", "E-1")
    await world.deliver()
    (message,) = world.dm("ana")
    assert [b["text"]["type"] for b in message["blocks"]] == ["plain_text"]


async def test_a_card_that_cannot_be_rendered_does_not_stop_what_others_get(world: World) -> None:
    world.books.readers.add(world.person("ana"))
    world.books.expenses[1] = None  # type: ignore[assignment]  # a fault of ours
    await world.card("ana", "E-1")
    await world.say("raj", "for Raj")
    async with world.delivering():
        await world.server.until(lambda: world.texts("raj") == ["for Raj"])
    (row, _) = await world.rows()
    assert (row.shown, row.ts) == (0, "")


# -- several workers, and dead ones -------------------------------------------------------------------------------------------


async def test_two_workers_bring_each_thing_once(world: World) -> None:
    people = ("ana", "raj", "kim", "lee", "maria")
    for name in people:
        await world.say(name, *(f"{n}" for n in range(4)))
    async with world.delivering(), world.delivering():
        await world.brought()
    assert all(world.texts(name) == ["0", "1", "2", "3"] for name in people)


async def test_what_a_killed_worker_had_begun_is_due_again_after_a_while(world: World) -> None:
    await world.say("ana", "one")
    claims = Claims(world.database, TEAM)
    (row,) = await claims.line(world.person("ana"))
    assert await claims.claim(row)
    assert await claims.claim(row) is None
    assert await claims.people([outgoing.WORD]) == []
    (there,) = await world.rows()
    assert 15 < (there.due_at - utcnow()).total_seconds() <= 20


async def test_who_was_slow_writes_nothing_more(world: World) -> None:
    await world.say("ana", "one")
    held = world.server.faults.add("conversations.open", delay=1.0)
    async with world.delivering():
        await world.server.until(lambda: held.hits)
        await world.hurry()  # it has passed to another worker
        (row,) = await Claims(world.database, TEAM).line(world.person("ana"))
        assert await Claims(world.database, TEAM).claim(row)
        await asyncio.sleep(1.5)
        assert not calls_of(world.server, POST)


@pytest.mark.parametrize("kind", ["word", "card", "file"])
@pytest.mark.parametrize("nth", [1, 2, 3])
async def test_killed_after_any_of_its_notes_each_thing_comes_once(world: World, kind: str, nth: int) -> None:
    await _noted(world, kind)
    left, there = nth, asyncio.Event()

    def committed(_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            there.set()

    engine = world.database.engine.sync_engine
    event.listen(engine, "commit", committed)
    async with world.delivering():
        await asyncio.wait_for(there.wait(), 3)
    event.remove(engine, "commit", committed)
    await world.hurry()
    await world.deliver()
    assert len(world.dm("ana")) == 1


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        ("word", "conversations.open"),
        ("word", POST),
        ("card", POST),
        ("file", "files.getUploadURLExternal"),
        ("file", COMPLETE),
    ],
)
async def test_killed_while_a_call_is_on_its_way_each_thing_comes_once(world: World, kind: str, method: str) -> None:
    """The call has its effect, and nobody hears of it."""
    await _noted(world, kind)
    held = world.server.faults.add(method, delay=0.3)
    async with world.delivering():
        await world.server.until(lambda: held.hits)
    await asyncio.sleep(0.4)
    await world.hurry()
    await world.deliver()
    assert len(world.dm("ana")) == 1


async def test_a_post_without_an_answer_is_found_again(world: World) -> None:
    world.server.faults.add(POST, lost=True)
    await world.say("ana", "one", "two")
    await world.deliver()
    assert world.texts("ana") == ["one", "two"]


async def _noted(world: World, kind: str) -> None:
    if kind == "word":
        await world.say("ana", "one")
    elif kind == "card":
        world.expense("Taxi")
        await world.card("ana", "E-1")
    else:
        world.report("Taxi")
        await world.give("ana", "R-3", "csv")


# -- reminders, tidiness ------------------------------------------------------------------------------------------------------


async def test_who_has_let_a_report_wait_too_long_is_reminded_once_a_while(world: World) -> None:
    await world.submitted(days=4, number=3)
    await world.submitted(days=2, number=4)
    await world.submitted(days=9, number=5, reminded=1)
    await world.submitted(days=9, number=6, reminded=3.5)
    async with world.delivering(), world.delivering():
        async with asyncio.timeout(8):
            while len(world.books.reminded) < 2:  # noqa: ASYNC110  # the database tells nobody
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)  # for what should not be
    assert sorted(world.books.reminded) == [3, 6]


async def test_nobody_is_reminded_where_that_is_not_wanted_or_nothing_waits(world: World) -> None:
    await world.submitted(days=4)
    object.__setattr__(world.office, "remind_days", 0)
    async with world.delivering():
        await asyncio.sleep(0.3)
    assert world.books.reminded == []


async def test_old_words_are_forgotten_and_cards_are_not(world: World) -> None:
    world.expense("Taxi")
    await world.say("ana", "one")
    await world.card("ana", "E-1")
    await world.deliver()
    old = utcnow().replace(year=2020)
    async with world.database.begin() as tx:
        await tx.execute(update(tables.outgoing).values(created_at=old))
    await world.say("ana", "two")
    await Claims(world.database, TEAM).prune()
    assert [row.kind for row in await world.rows()] == ["card", "word"]


async def test_another_workspaces_rows_are_left_alone(world: World) -> None:
    async with world.database.begin() as tx:
        await outgoing.say(tx, "T0OTHER", world.person("ana"), "", "not here", "key")
    await world.say("ana", "here")
    async with world.delivering():
        await world.server.until(lambda: world.texts("ana") == ["here"])
        await asyncio.sleep(0.3)
    assert world.texts("ana") == ["here"]


async def test_words_do_not_wait_for_many_invitations_by_mail(world: World) -> None:
    async def hang(row: Outgoing) -> None:  # a bearer's signature
        await asyncio.Event().wait()

    async with world.database.begin() as tx:
        for n in range(MOST_PEOPLE + 20):
            await outgoing.keep(tx, TEAM, MAIL, f"p{n}@else.example", "M-7")
    await world.say("ana", "hello")
    delivery = Delivery(world.office.slack, world.database, world.office.folder, {}, {MAIL: hang}, ())
    task = asyncio.create_task(delivery.run())
    try:
        async with asyncio.timeout(3):
            while world.texts("ana") != ["hello"]:  # noqa: ASYNC110  # Slack tells nobody
                await asyncio.sleep(0.02)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
