"""What the queue does with messages: stored once, edited, cancelled, dead and replayed."""

from __future__ import annotations

import asyncio

import pytest

from bot import keys
from bot.depth import Depth
from bot.lease import Lease
from bot.models import ThreadKey
from bot.queue import TURN_BYTES, TURN_MESSAGES, Queue
from tests.queue_world import (
    FILE,
    ROOT,
    follow_up,
    mention,
    message,
    take,
    take_one,
    texts,
)


async def test_a_message_is_stored_whole(queue: Queue) -> None:
    said = mention(1, text='ünïcode, "quotes" \n\\ 😀 </script>', files=(FILE,))
    assert await queue.put(said) == "stored"
    assert (await take_one(queue)).turn.messages == (said,)


async def test_an_event_is_stored_once(queue: Queue) -> None:
    said = mention(1)
    outcomes = await asyncio.gather(*(queue.put(said) for _ in range(20)))
    assert sorted(outcomes) == ["duplicate"] * 19 + ["stored"]
    assert texts(await take_one(queue)) == [said.text]
    assert await take(queue) == []


async def test_a_redelivery_after_the_answer_starts_nothing(queue: Queue) -> None:
    said = mention(1)
    await queue.put(said)
    await (await take_one(queue)).done()
    assert await queue.put(said) == "duplicate"
    assert await queue.put(mention(1)) == "duplicate", "its twin, late"
    assert await take(queue) == []


@pytest.mark.parametrize("files_first", [True, False])
async def test_a_twin_brings_its_files_and_takes_none_away(queue: Queue, files_first: bool) -> None:
    bare, full = mention(1, text="look: é"), mention(1, text="look: é", files=(FILE,))
    outcomes = [await queue.put(m) for m in ((full, bare) if files_first else (bare, full))]
    assert outcomes == (["stored", "duplicate"] if files_first else ["stored", "merged"])
    (got,) = (await take_one(queue)).turn.messages
    assert (got.files, got.text, got.starts_thread, got.by_mention) == ((FILE,), "look: é", True, True)


async def test_a_twin_that_comes_during_the_turn_is_there_for_a_second_try(queue: Queue) -> None:
    await queue.put(mention(1))
    lease = await take_one(queue)
    assert await queue.put(mention(1, files=(FILE,))) == "merged"
    await lease.hand_on()
    assert (await take_one(queue)).turn.messages[0].files == (FILE,)


async def test_follow_ups_count_when_they_are_the_starters(queue: Queue) -> None:
    assert await queue.put(follow_up(1)) == "ignored", "nobody has mentioned the bot here"
    await queue.put(mention(2))
    assert await queue.put(follow_up(3, user="U2")) == "ignored"
    assert await queue.put(message(4, user="U2", text="a mention")) == "stored"
    assert await queue.put(follow_up(5, user="U2")) == "ignored", "a mention inside the thread starts none"
    assert await queue.put(follow_up(6)) == "stored"
    for waited in (["2.000000"], ["4.000000"], ["6.000000"]):  # a turn has one asker
        lease = await take_one(queue)
        assert [m.ts for m in lease.turn.messages] == waited
        await lease.done()


async def test_messages_of_one_person_in_a_row_share_a_turn(queue: Queue) -> None:
    for ts, who in ((1, "U1"), (2, "U1"), (3, "U2"), (4, "U1")):
        await queue.put(message(ts, user=who, text="a mention"))
    for waited in (["1.000000", "2.000000"], ["3.000000"], ["4.000000"]):
        lease = await take_one(queue)
        assert [m.ts for m in lease.turn.messages] == waited
        await lease.done()


async def test_what_was_ignored_as_a_follow_up_may_come_as_a_mention(queue: Queue) -> None:
    said = follow_up(1)
    assert await queue.put(said) == "ignored"
    assert await queue.put(message(1)) == "stored"


async def test_a_waiting_message_can_be_edited_and_cancelled(queue: Queue) -> None:
    for ts in (1, 2, 3):
        await queue.put(mention(ts, files=(FILE,) if ts == 2 else ()))
    assert await queue.replace_text(ROOT, "1.000000", 'ein "Tippfehler" ü \\') == "changed"
    assert await queue.replace_text(ROOT, "2.000000", "two") == "changed"
    assert await queue.cancel(ROOT, "3.000000") == "changed"
    turn = (await take_one(queue)).turn
    assert [(m.text, m.files) for m in turn.messages] == [('ein "Tippfehler" ü \\', ()), ("two", (FILE,))]
    assert await queue.replace_text(ROOT, "1.000000", "too late") == "1.000000", "its turn has begun"
    assert await queue.cancel(ROOT, "2.000000") == "1.000000", "and this one's, with the same"
    assert not await queue.cancel(ROOT, "9.000000")


async def test_a_thread_whose_only_message_was_cancelled_rests_until_the_next(queue: Queue) -> None:
    await queue.put(mention(1))
    await queue.cancel(ROOT, "1.000000")
    assert await take(queue) == []
    assert (await queue.depth()).ready == 0
    await queue.put(mention(2))
    assert texts(await take_one(queue)) == ["said at 2.000000"]


async def test_what_is_stored_expires_some_day(queue: Queue) -> None:
    said = mention(1)
    await queue.put(said)
    lease = await take_one(queue)
    await lease.done()
    lives = {str(k): await queue.redis.ttl(k) for k in await queue.redis.keys("*") if k != keys.READY}
    assert all(seconds > 600 for seconds in lives.values()), lives


async def test_an_edit_that_overtakes_its_message_counts(queue: Queue) -> None:
    assert not await queue.replace_text(ROOT, "1.000000", "later text")
    assert await queue.put(mention(1, files=(FILE,))) == "stored"
    lease = await take_one(queue)
    assert texts(lease) == ["later text"]
    assert lease.turn.messages[0].files == (FILE,)


async def test_a_message_whose_deletion_overtook_it_is_not_answered(queue: Queue) -> None:
    assert not await queue.cancel(ROOT, "1.000000")
    assert await queue.put(mention(1)) == "cancelled"
    assert await take(queue) == []


async def test_edits_of_what_people_say_among_themselves_are_not_kept(queue: Queue) -> None:
    await queue.replace_text(ROOT, "1.000000", "private words", for_bot=False)
    assert not [k async for k in queue.redis.scan_iter("*early*")]


# -- many, large, dead ------------------------------------------------------------------------------------------------------


async def test_a_thousand_messages_are_one_turn_and_the_rest_another(queue: Queue) -> None:
    said = [mention(ts) for ts in range(1, TURN_MESSAGES + 8)]
    assert set(await asyncio.gather(*map(queue.put, said))) == {"stored"}
    lease = await take_one(queue)
    assert lease.turn.messages == tuple(said[:TURN_MESSAGES])
    await lease.done()
    assert (await take_one(queue)).turn.messages == tuple(said[TURN_MESSAGES:])


async def test_a_turn_takes_no_more_text_than_it_can_read_but_always_one_message(queue: Queue) -> None:
    for ts, size in enumerate((TURN_BYTES + 1, 10, TURN_BYTES // 2, TURN_BYTES // 2), start=1):
        await queue.put(mention(ts, text="x" * size))
    sizes = []
    while leases := await take(queue):
        sizes.append([float(m.ts) for m in leases[0].turn.messages])
        await leases[0].done()
    assert sizes == [[1], [2, 3], [4]]


async def _die(queue: Queue) -> Lease:
    lease = await take_one(queue)
    await lease.bury("why", "ref1")
    return lease


async def test_a_dead_turn_can_be_read_and_replayed_once(queue: Queue) -> None:
    said = [mention(1, files=(FILE,)), mention(2, text="zwei ü")]
    for m in said:
        await queue.put(m)
    buried = await _die(queue)
    assert await take(queue) == []
    (dead,) = await queue.dead()
    assert (dead.thread, dead.messages, dead.reason, dead.reference) == (ROOT, tuple(said), "why", "ref1")
    assert await queue.replay(dead.id)
    assert not await queue.replay(dead.id)
    assert await queue.dead() == []
    again = (await take_one(queue)).turn
    assert (again.id, again.resumed, again.attempt) == (buried.turn.id, True, 0), (
        "its answer may stand in Slack already"
    )
    assert [(m.ts, m.text, m.files) for m in again.messages] == [(m.ts, m.text, m.files) for m in said]


async def test_a_dead_turn_holds_nothing_up(queue: Queue) -> None:
    await queue.put(mention(1))
    lease = await take_one(queue)
    await queue.put(mention(2))
    await lease.bury("why", "ref1")
    running = await take_one(queue)
    assert texts(running) == ["said at 2.000000"]
    (dead,) = await queue.dead()
    await queue.replay(dead.id)
    assert await take(queue) == [], "the replay waits for the running turn"
    await running.done()
    assert texts(await take_one(queue)) == ["said at 1.000000"]


@pytest.mark.parametrize("dead_id", ["0-1", "9999999999999-0"])
async def test_what_is_not_dead_cannot_be_replayed(queue: Queue, dead_id: str) -> None:
    assert not await queue.replay(dead_id)


async def test_the_depth_counts_what_waits_runs_and_is_dead(queue: Queue) -> None:
    assert await queue.depth() == Depth(0, 0, 0, 0, 0)
    for n in range(1, 5):
        await queue.put(mention(n, ThreadKey("T1", "C1", f"{n}.000000")))
    first, second = await take(queue, 2)
    await first.bury("why", "ref")
    await second.retry(60)
    await take(queue, 1)
    depth = await queue.depth()
    assert (depth.ready, depth.running, depth.delayed, depth.dead) == (1, 1, 1, 1)
    assert 0 <= depth.oldest < 30


async def test_what_others_say_counts_once_however_often_slack_delivers_it(queue: Queue) -> None:
    await queue.put(mention(1))
    await (await take_one(queue)).done()
    heard = follow_up(2, user="U2", files=(FILE,))
    assert await queue.put(heard) == "ignored"
    assert await queue.put(heard) == "duplicate"
    await queue.put(follow_up(3))
    turn = (await take_one(queue)).turn
    assert (turn.others, turn.heard_files) == (1, (FILE,))
