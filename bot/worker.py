"""Leases to turns. It keeps leases alive, and holds the one broad except: whatever happens in a turn, the person gets a word."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from bot import buttons, ledger, metrics
from bot.control import Control
from bot.desk import Desk, Tally
from bot.errors import AssistError, LeaseLost, Retryable, UserFacing
from bot.lease import BEAT_SECONDS, Lease
from bot.models import ACT, ACTS_ROOT, GONE
from bot.queue import Queue, Ready
from bot.turn import Story

log = structlog.get_logger()

TELL_SECONDS = 4.0  # how long somebody waits for a worker before they are told their place in line
BLOCK_MS = 4000  # below the client's socket timeout; what comes meanwhile comes at once
TICK_SECONDS = 1.5  # with LEASE_SECONDS below 10; an idle worker's only other command is the read that blocks
TRIES = 6
BACKOFF = (1, 2, 4, 8, 15)  # seconds before the second, third … try, a fifth more or less
MOST_LEASES = 50  # a turn that this many workers have had kills its workers
DRAIN_SECONDS = 20.0
APOLOGY = "Something went wrong on my side, and I could not finish this. Please ask again; if it stays like this, tell whoever runs me (reference {reference})."
GAVE_UP = "{said} I tried {tries} times. Please ask again later (reference {reference})."


class Worker:
    """Runs turns until it is told to drain."""

    def __init__(self, queue: Queue, desk: Desk, *, most_turns: int, log_text: bool = False) -> None:
        self._queue, self._desk, self._most, self._log_text = queue, desk, most_turns, log_text
        self._running: set[asyncio.Task[None]] = set()
        self._leases: dict[str, Lease] = {}  # of the turns that run here, by thread
        self._control = Control(queue)
        self._room = asyncio.Event()
        self._draining = asyncio.Event()
        self._due = asyncio.Event()  # a retry of this worker's is due
        self._over = False  # all that ran has ended
        self._telling: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Takes turns until `drain` is called, then lets the running ones finish, or hands them on."""
        await self._patiently(self._queue.open)
        loops = [asyncio.create_task(loop()) for loop in (self._take_turns, self._tick)]
        hearing = asyncio.create_task(self._hear_stops())
        try:
            drained = asyncio.create_task(self._draining.wait())
            ended, _ = await asyncio.wait([drained, hearing, *loops], return_when=asyncio.FIRST_COMPLETED)
            drained.cancel()
            for loop in ended - {drained}:
                loop.result()  # a worker that takes no turns must not look alive
        finally:
            await _cancelled(*loops, *([self._telling] if self._telling else ()))
            await self._finish_running()
            self._over = True
            await _cancelled(hearing)  # only now: what still runs may be stopped

    def drain(self) -> None:
        """Takes no more turns."""
        self._draining.set()

    # -- the loops -------------------------------------------------------------------------------------------------------

    async def _take_turns(self) -> None:
        while not self._draining.is_set():  # a cancellation alone may be lost: redis-py swallows one while it connects
            room = self._most - len(self._running)
            if room <= 0:
                self._room.clear()
                await self._room.wait()
                continue
            try:
                for ready in await self._queue.take(room, BLOCK_MS):
                    self._start(ready)
            except RedisError as error:
                log.warning("queue away", error=type(error).__name__)
                await asyncio.sleep(0.5)

    async def _tick(self) -> None:
        """Now and then: retries that are due, and leases whose worker went silent."""
        while not self._draining.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), TICK_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311  # spreads the workers; guards nothing
            self._due.clear()
            try:
                tick = await self._queue.tick(max(0, self._most - len(self._running)))
                for ready in tick.ready:
                    self._start(ready)
                if tick.waited > TELL_SECONDS:
                    self._tell_places()
            except RedisError as error:
                log.warning("queue away", error=type(error).__name__)

    def _tell_places(self) -> None:
        """Beside the tick, which waits for nobody: Slack may be slow."""
        if not self._telling or self._telling.done():
            self._telling = asyncio.create_task(self._tell_line())

    async def _tell_line(self) -> None:
        """Whoever has waited long for a worker is told their place in line, once, with a button to take the message back."""
        try:
            line = await self._queue.line(TELL_SECONDS)
        except RedisError as error:
            log.warning("queue away", error=type(error).__name__)
            return
        for place in line:
            thread = place.thread
            for ts, user in () if thread.root == ACTS_ROOT else place.messages:
                text = f"Many are asking just now: you are number {place.place} in line here. I will answer."
                blocks = buttons.offer(text, buttons.CANCEL, "Cancel", thread, ts)
                with suppress(AssistError):  # a note adorns
                    await self._desk.slack.whisper(thread.channel, user, thread.thread_ts, text, blocks)

    async def _hear_stops(self) -> None:
        """Tells the turns that run here that they are to stop. One that changes hands meanwhile learns it from its lease."""
        after = ""
        while not self._over:
            try:
                after, stops = await self._control.stops(after)
            except RedisError as error:
                log.warning("queue away", error=type(error).__name__)
                await asyncio.sleep(0.5)
                continue
            for stop in stops:
                lease = self._leases.get(stop.thread)
                if lease and lease.turn.messages[0].ts == stop.first:
                    lease.stop(stop.user)

    async def _patiently(self, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                return await step()
            except RedisError as error:
                log.warning("queue away", error=type(error).__name__)
                await asyncio.sleep(1)

    def _start(self, ready: Ready) -> None:
        task = asyncio.create_task(self._lease_and_work(ready), name=f"thread {ready.thread}")
        self._running.add(task)
        metrics.running.set(len(self._running))
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        metrics.running.set(len(self._running))
        self._room.set()
        if not task.cancelled() and (error := task.exception()):
            log.error("worker failed", error=type(error).__name__, exc_info=error)

    async def _finish_running(self) -> None:
        tasks = list(self._running)
        if tasks:
            log.info("draining", turns=len(tasks))
            _, late = await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    # -- one turn ----------------------------------------------------------------------------------------------------------

    async def _lease_and_work(self, ready: Ready) -> None:
        try:
            await self._queue.calm()
            lease = await self._queue.lease(ready)
        except RedisError as error:  # the entry stays pending, and comes again when it is old
            log.warning("queue away", error=type(error).__name__)
            return
        if lease:
            if lease.turn.leases > 1:
                log.info("turn resumed", turn=lease.turn.id, leases=lease.turn.leases)
            await self._work(lease)

    async def _work(self, lease: Lease) -> None:
        story = Story(self._desk, lease)
        self._leases[str(lease.key)] = lease
        turn_task = asyncio.current_task()
        assert turn_task
        beating = asyncio.create_task(self._beat(lease, turn_task))
        showing = asyncio.create_task(self._show(story))  # not by the heart: Slack may be slow
        outcome = "crashed"
        try:
            outcome = await self._answer(lease, story)
        except LeaseLost:
            outcome = "lost"
        except asyncio.CancelledError:
            outcome = "lost"
            if not lease.lost:  # this process is stopping
                outcome = "handed on"
                await story.close()
                with suppress(LeaseLost):
                    await lease.hand_on()
        finally:
            if self._leases.get(str(lease.key)) is lease:
                del self._leases[str(lease.key)]
            with suppress(asyncio.CancelledError):  # by the heart's last beat; what follows must not be cut short
                await _cancelled(beating, showing)
            await story.close()
            await self._tell(lease, story.tally, outcome)

    async def _answer(self, lease: Lease, story: Story) -> str:
        """Runs the turn and closes the lease; returns the outcome for log and ledger."""
        turn = lease.turn
        try:
            if turn.leases > MOST_LEASES:
                raise AssistError(f"the turn has had {turn.leases} workers")
            await story.run()
            await lease.done()
            return "stopped" if story.stopped else "refused" if story.tally.refused else "answered"
        except LeaseLost:
            raise
        except Retryable as error:
            if turn.attempt + 1 < TRIES:
                wait = _pause(error.after, turn.attempt)
                log.info("turn put back", turn=turn.id, seconds=wait, reason=str(error))
                if wait > 1:
                    await story.pause(f"{error.said or 'is held up'} Trying again in {wait:.0f} s…")
                await story.close()
                await lease.retry(wait)
                metrics.retries.inc()
                asyncio.get_running_loop().call_later(
                    wait + 0.01, self._due.set
                )  # the tick of others finds it a little later
                return "retry"
            said = error.said or "Something that I need did not answer."
            return await self._give_up(
                lease, story, error, GAVE_UP.replace("{said}", said).replace("{tries}", str(TRIES))
            )
        except UserFacing as error:
            if error.replay:
                return await self._give_up(lease, story, error, error.text)
            await story.fail(error.text)
            await lease.done()
            return "failed"
        except (
            Exception
        ) as error:  # the one broad except: whatever it was, the person gets a word and the operator the details
            return await self._give_up(lease, story, error, APOLOGY)

    async def _give_up(self, lease: Lease, story: Story, error: Exception, text: str) -> str:
        """Tells the person, and keeps the messages for an operator to replay."""
        reference = secrets.token_hex(4)
        expected = isinstance(error, Retryable | UserFacing)
        log.error(
            "turn failed",
            turn=lease.turn.id,
            reference=reference,
            reason=str(error) if expected else type(error).__name__,
            exc_info=None if expected else error,
        )
        try:
            await story.fail(text.replace("{reference}", reference))
        except LeaseLost:
            raise
        except Exception as again:  # Slack itself is what fails: the dead list is all that is left
            log.exception("nobody could be told", turn=lease.turn.id, reference=reference, error=type(again).__name__)
        await lease.bury(f"{type(error).__name__}: {error}"[:300] if expected else type(error).__name__, reference)
        return "failed"

    async def _show(self, story: Story) -> None:
        """Shows what waits behind a turn, and keeps what lapses in Slack."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                await story.show_waiting()
            except (RedisError, AssistError) as error:  # it adorns; a lease that is lost the heart finds too
                log.debug("not shown", error=type(error).__name__)

    async def _beat(self, lease: Lease, turn_task: asyncio.Task[None]) -> None:
        """Keeps the lease alive; stops the turn when it is lost."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                await lease.beat()
            except LeaseLost:
                if not lease.closing:
                    turn_task.cancel()
                return
            except RedisError as error:  # the next beat will tell; writes to Slack look at the lease themselves
                log.debug("beat failed", turn=lease.turn.id, error=type(error).__name__)

    async def _tell(self, lease: Lease, tally: Tally, outcome: str) -> None:
        """One line per turn, the metrics, and the ledger. Acts have a line of their own."""
        if lease.turn.kind == ACT:
            return
        turn, seconds = lease.turn, time.monotonic() - tally.started

        def since(at: float | None) -> float | None:
            return None if at is None else round(at - tally.started, 3)

        said = (
            {"text": "\n".join(m.text for m in turn.messages)} if self._log_text else {}
        )  # one string: strings are redacted
        log.info(
            "turn",
            turn=turn.id, team=turn.thread.team, channel=turn.thread.channel, thread=turn.thread.root, person=turn.asker,
            messages=len(turn.messages), attempt=turn.attempt, resumed=turn.resumed, model=tally.model,
            tokens_in=tally.usage.input_tokens, tokens_cached=tally.usage.cached_tokens, tokens_out=tally.usage.output_tokens,
            first_token=since(tally.first_token), first_text=since(tally.first_text), seconds=round(seconds, 3),
            edits=tally.edits, rounds=tally.rounds, tools=tally.tool_calls, searches=tally.hosted.file_searches, computations=tally.hosted.code_runs,
            outcome=outcome, **said,
        )  # fmt: skip
        metrics.turns.labels(outcome).inc()
        metrics.edits.inc(tally.edits)
        metrics.turn_seconds.observe(seconds)
        if tally.first_text is not None:
            metrics.first_text.observe(tally.first_text - tally.started)
        metrics.count_tokens(tally.model, tally.usage - turn.usage)  # what earlier tries spent, they have counted
        if outcome in ("answered", "refused", "stopped", "failed") and turn.kind != GONE:
            try:
                await ledger.record(self._desk.database, turn, tally, outcome=outcome, seconds=seconds)
            except (Retryable, SQLAlchemyError) as error:
                log.error("usage not recorded", turn=turn.id, error=type(error).__name__)


async def _cancelled(*tasks: asyncio.Task[Any]) -> None:
    """Cancels the tasks and waits for their end."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _pause(named: float | None, attempt: int) -> float:
    """Seconds before the next try, spread so that turns that failed together do not come back together; never earlier than was named."""
    if named is not None:
        return named + random.uniform(0.01, 0.1 + min(5.0, named / 5))  # noqa: S311  # spreads retries; guards nothing
    return BACKOFF[min(attempt, len(BACKOFF) - 1)] * random.uniform(0.8, 1.2)  # noqa: S311  # likewise
