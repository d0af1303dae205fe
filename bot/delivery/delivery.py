"""Brings what is noted in the table `outgoing` to where it is to stand: cards, words and files in Slack, and what bearers take elsewhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import structlog
from sqlalchemy import event

from bot import metrics
from bot.database import Database
from bot.delivery.bringing import Bringing
from bot.delivery.claims import Claim, Claims
from bot.delivery.outgoing import CARD, EVENT, FILE, MAIL, WORD
from bot.delivery.subjects import Bearer, Round, Subjects
from bot.errors import AssistError, LeaseLost, PlaceClosed, Retryable, SlackRefused, UserFacing
from bot.slack import Slack

log = structlog.get_logger()

LOOK_SECONDS = 4.0  # between two looks, where this process changes nothing itself: for what others have left
SOON_SECONDS = 0.1  # after a change by this process, of which we hear a moment before it is there
PEOPLE_AT_ONCE = 24  # PDFs are made two at a time: who waits for one must not hold up the words of others
MAILS_AT_ONCE = 3  # each takes a thread, and files and forms need threads too
# Each lane has room of its own: a slow mail server, with hundreds to mail, holds up neither words nor the calendar. No more mails are begun than are sent
# at once: those that waited for their turn would still be sent while the process stops, and be cut off.
LANES = {(CARD, WORD, FILE): PEOPLE_AT_ONCE, (EVENT,): PEOPLE_AT_ONCE, (MAIL,): MAILS_AT_ONCE}
ROUND_SECONDS, PRUNE_SECONDS = 60.0, 3600.0
END_SECONDS = 11.0  # for what is being brought when the process is told to stop: longer than a write to Slack, and than a word of a mail server
LONGEST_WAIT = 600.0  # seconds between two tries
HELD_TRIES = 3  # so often what fails holds up what comes after it for the same person: their words keep their order
FILE_TRIES = 6  # of a file that cannot be made
MOST_TRIES = 500  # more than three days
NOBODY = frozenset({"user_not_found", "user_disabled", "user_not_visible", "cannot_dm_bot", "invalid_user_combination"})
NO_FILE = "I could not make {subject} as {form}. Please tell whoever runs me."


class Delivery:
    """The deliverer of one worker; several may run, each delivery is one's at a time."""

    def __init__(
        self,
        slack: Slack,
        database: Database,
        folder: Path,
        subjects: Mapping[str, Subjects],
        bearers: Mapping[str, Bearer],
        rounds: Sequence[Round],
    ) -> None:
        """`subjects` by the letter that their names begin with, `bearers` by their kinds of rows; `rounds` are made once a minute."""
        self._slack, self._database, self._folder = slack, database, folder
        self._subjects, self._bearers, self._rounds = subjects, bearers, rounds
        self._changed = asyncio.Event()  # this process changes something in the database
        self._serving: dict[str, asyncio.Task[None]] = {}  # by person
        self._slots = {lane: asyncio.Semaphore(width) for lane, width in LANES.items()}
        self._bringing: Bringing | None = None
        self._draining = False
        self._round_at = self._prune_at = 0.0
        self._going: dict[int, asyncio.Task[None]] = {}  # rounds, by their place in the order

    async def run(self) -> None:
        """Delivers until it is cancelled, or drained; never raises."""
        engine = self._database.engine.sync_engine
        event.listen(engine, "commit", self._hear)
        try:
            while not self._draining:  # a cancellation alone may be lost in a library
                self._changed.clear()
                try:
                    await self._look()
                # A deliverer that ended would not be missed until people ask where their words are.
                except Exception as error:
                    told = None if isinstance(error, AssistError) else error
                    log.warning("delivery: no look", error=type(error).__name__, exc_info=told)
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):  # wait_for may lose a cancellation that comes with it
                        await self._changed.wait()
                    await asyncio.sleep(SOON_SECONDS)
            if tasks := list(self._serving.values()):
                await asyncio.wait(tasks)  # `drain` says for how long
        finally:
            event.remove(engine, "commit", self._hear)
            tasks = [*self._serving.values(), *self._going.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def drain(self) -> None:
        """Begins nothing more, and waits a little for what is being brought; what takes longer is another worker's."""
        self._draining = True
        if tasks := list(self._serving.values()):
            await asyncio.wait(tasks, timeout=END_SECONDS)

    def _hear(self, _connection: object) -> None:
        self._changed.set()

    async def _look(self) -> None:
        """Begins to serve those for whom something is due. Goes its rounds and tidies up now and then."""
        team, now = (await self._slack.identity()).team, time.monotonic()
        bringing = self._bringing = self._bringing or Bringing(
            self._slack, Claims(self._database, team), self._subjects, self._bearers, self._folder
        )
        for lane in LANES:
            for person in await bringing.claims.people(lane):
                if person not in self._serving and not self._draining:
                    self._serving[person] = asyncio.create_task(self._serve(bringing, person, self._slots[lane]))
        if now >= self._round_at:
            self._round_at = now + ROUND_SECONDS
            for place, each in enumerate(self._rounds):  # side by side: a slow calendar must not hold up reminders
                if place not in self._going or self._going[place].done():
                    self._going[place] = asyncio.create_task(self._go_round(each, team))
        if now >= self._prune_at:
            self._prune_at = now + PRUNE_SECONDS
            await bringing.claims.prune()

    async def _go_round(self, round_: Round, team: str) -> None:
        try:
            await round_(team)
        except Exception as error:  # tried again in a minute
            told = None if isinstance(error, AssistError) else error
            log.warning("round failed", error=type(error).__name__, exc_info=told)

    async def _serve(self, bringing: Bringing, person: str, slots: asyncio.Semaphore) -> None:
        """Brings what waits for one person, in the order in which it was noted."""
        try:
            async with slots:
                for row in await bringing.claims.line(person):
                    if self._draining:
                        return
                    claim = await bringing.claims.claim(row)
                    if not (claim and await self._bring(bringing, claim)) and row.tries < HELD_TRIES:
                        return  # it is another worker's, or will be tried again soon
        except AssistError as error:  # the database is away, or the row went to another worker
            log.info("delivery put off", person=named(person), error=str(error))
        except Exception as error:  # what is wrong with one person's must not end the others'
            log.exception("delivery failed", person=named(person), error=type(error).__name__)
        finally:
            del self._serving[person]

    async def _bring(self, bringing: Bringing, claim: Claim) -> bool:
        """Brings one row, and says whether those behind it may go. Raises LeaseLost, and Retryable where the database is away."""
        try:
            await bringing.bring(claim)
        except LeaseLost:
            raise
        except asyncio.CancelledError:
            # This process stops. Where the other side knows again what was half done, the next one goes on at once, else when the claim has run out.
            if claim.row.kind in self._bearers:
                await claim.later(0)
            raise
        except Exception as error:  # whatever it was, it is tried again, and the operator sees what it was
            return await self._failed(bringing, claim, error)
        metrics.deliveries.labels("brought").inc()
        return True

    async def _failed(self, bringing: Bringing, claim: Claim, error: Exception) -> bool:
        row, tries = claim.row, claim.row.tries + 1
        gone = isinstance(error, PlaceClosed) or (isinstance(error, SlackRefused) and error.error in NOBODY)
        told = {
            "outgoing": row.id,
            "person": named(row.person),
            "kind": row.kind,
            "subject": row.subject,
            "tries": tries,
        }
        word = str(error) if isinstance(error, AssistError) else type(error).__name__
        if gone or tries >= MOST_TRIES:
            log.error("not delivered", **told, error=word)
            await claim.done()
            metrics.deliveries.labels("given up").inc()
            return True
        expected = isinstance(error, Retryable | UserFacing)
        log.warning("delivery failed", **told, error=word, exc_info=None if isinstance(error, AssistError) else error)
        if row.kind == FILE and tries >= FILE_TRIES and not expected:
            await bringing.say(claim, NO_FILE.format(subject=row.subject, form=row.body.upper()))
            return True
        after = error.after if isinstance(error, Retryable) else None
        wait = max(after or 0, min(LONGEST_WAIT, 2.0 ** min(row.tries, 10)))
        await claim.later(wait)
        asyncio.get_running_loop().call_later(wait, self._changed.set)
        metrics.deliveries.labels("put off").inc()
        return False


def named(person: str) -> str:
    """Whom a row is for, as the log may have it: no e-mail address. Pure."""
    return "somebody by mail" if "@" in person else person
