"""People's wishes in the queue: which turn they hit, and what stays of it."""

from __future__ import annotations

from dataclasses import replace

from bot import keys
from bot.control import Control
from bot.models import AGAIN, GONE
from bot.queue import Queue
from tests.queue_world import ROOT, mention, message, silence, take, take_one, texts

FIRST = "1.000000"


async def test_a_stop_hits_only_the_answer_that_its_button_stood_below(queue: Queue) -> None:
    control = Control(queue)
    await queue.put(mention(1))
    first = await take_one(queue)
    await queue.put(mention(2))
    await first.done()
    await take_one(queue)
    got = await control.stop(ROOT, "U1", "3.000000", event_id="E1", first=FIRST)
    assert got == ("idle", "")
    assert await control.stop(ROOT, "U1", "3.000000", event_id="E2", first="2.000000") == ("stopped", "")


async def test_a_stop_that_is_heard_late_names_the_turn_that_was_meant(queue: Queue) -> None:
    control = Control(queue)
    after, _ = await control.stops("")
    await queue.put(mention(1))
    await take_one(queue)
    await control.stop(ROOT, "U1", "2.000000", event_id="E1")
    _, (stop,) = await control.stops(after)
    assert (stop.first, stop.user) == (FIRST, "U1")


async def test_a_stop_that_found_nothing_ends_nothing_when_it_is_delivered_again(queue: Queue) -> None:
    control = Control(queue)
    await queue.put(mention(1))
    await (await take_one(queue)).done()
    assert (await control.stop(ROOT, "U1", "2.000000", event_id="E1"))[0] == "idle"
    assert await control.again(ROOT, FIRST, "3.000000")
    await take_one(queue)
    assert (await control.stop(ROOT, "U1", "2.000000", event_id="E1"))[0] == "duplicate"
    assert (await control.stop(ROOT, "U1", "2.500000", event_id="E2"))[0] == "idle", "wished for before"


async def test_an_answer_that_is_to_come_again_keeps_all_of_its_messages(queue: Queue) -> None:
    control = Control(queue)
    for n in (1, 2):
        await queue.put(mention(n))
    await (await take_one(queue)).done()
    assert await control.again(ROOT, FIRST, "9.000000")
    assert not await control.again(ROOT, FIRST, "9.100000"), "it is on its way"
    assert await queue.cancel(ROOT, FIRST) == FIRST, "a deletion finds a turn that began"
    lease = await take_one(queue)
    assert (lease.turn.kind, lease.turn.id) == (AGAIN, "C1-1.000000")
    assert texts(lease) == ["said at 1.000000", "said at 2.000000"]


async def test_a_running_turn_keeps_its_words_when_it_is_wanted_again_and_its_worker_dies(queue: Queue) -> None:
    control = Control(queue)
    await queue.put(mention(1))
    await take_one(queue)
    assert await control.again(ROOT, FIRST, "2.000000")
    await queue.cancel(ROOT, FIRST)
    await silence(queue)
    (ready,) = (await queue.tick(10)).ready
    lease = await queue.lease(ready, settle=0)
    assert lease
    assert texts(lease) == ["said at 1.000000"]


async def test_stop_withdraws_no_deletion(queue: Queue) -> None:
    control = Control(queue)
    await queue.put(mention(1))
    await (await take_one(queue)).done()
    assert await control.take_back(ROOT, FIRST, "U1", wish="2.000000", event_id="E1")
    assert (await control.stop(ROOT, "U1", "3.000000", event_id="E2"))[0] == "idle"
    assert (await take_one(queue)).turn.kind == GONE


async def test_what_was_deleted_cannot_be_had_again(queue: Queue) -> None:
    control = Control(queue)
    await queue.put(mention(1))
    await (await take_one(queue)).done()
    await control.take_back(ROOT, FIRST, "U1", wish="2.000000", event_id="E1")
    await (await take_one(queue)).done()
    assert not await control.again(ROOT, FIRST, "3.000000")
    assert await take(queue) == []


async def test_a_changed_word_lives_no_longer_than_its_turn(queue: Queue) -> None:
    control = Control(queue)
    await queue.put(replace(message(1), text="old", starts_thread=True))
    await (await take_one(queue)).done()
    assert await control.reword(ROOT, FIRST, FIRST, "new") == "U1"
    assert not await queue.redis.exists(keys.messages(ROOT))
    assert await queue.redis.ttl(keys.answered("T1", "C1", FIRST)) > 0
    await control.again(ROOT, FIRST, "2.000000")
    assert texts(await take_one(queue)) == ["new"]
