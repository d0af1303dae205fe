"""Sees to the files in the background: duties that are due, files that are to go, and at the start and each night the comparison with Slack.

Of all workers one does it at a time. Whatever it does may be done twice, so a killed one is simply followed by another.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
import zlib
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import structlog
from redis.exceptions import RedisError

from bot import keys, tables
from bot.admins import is_admin
from bot.duties import RECONCILE, Duties
from bot.errors import AssistError, FileRefused, Retryable, SlackRefused, UserFacing
from bot.files.knowledge import NO_TEXT, Knowledge, is_local
from bot.files.library import EVERYONE, GOING, KNOWLEDGE, REFUSED, TAKING, Library, Record
from bot.files.reconcile import HOUR, Reconciliation, is_due
from bot.llm import Llm
from bot.models import SharedFile, ThreadKey, utcnow
from bot.mrkdwn import escaped
from bot.pace import POST
from bot.slack import Slack

log = structlog.get_logger()

LOOK_SECONDS = 8.0  # between two looks at what is to be done
LEASE_SECONDS = 25  # how long a killed housekeeper is waited for
BUSY_SECONDS = 1.0  # the same while more is due than is looked at in one go
LOOKED_AT = 20  # duties in one go
AT_ONCE, TAKEN_AT_ONCE = 4, 2  # duties; files that are taken in, which may last minutes, stand in nobody's way
FAILURES = 3  # files that could not be erased, until the others are left for later too
STALE_SECONDS = 3600  # a file that is taken in that long is given up
SWEEP = "sweep"
_files = tables.files.c


class Housekeeping:
    """The housekeeper of one worker."""

    def __init__(
        self,
        slack: Slack,
        llm: Llm,
        library: Library,
        knowledge: Knowledge,
        redis: Any,
        *,
        keep_days: int,
        left_hours: int,
    ) -> None:
        """`keep_days`: how long shared files are kept, 0 for as long as Slack has them; `left_hours`: how long those of channels that the bot has left."""
        self._slack, self._library, self._knowledge, self._redis = slack, library, knowledge, redis
        self._rows, self._duties = library.rows, Duties(redis)
        self._compare = Reconciliation(
            slack=slack, llm=llm, library=library, duties=self._duties, keep_days=keep_days, left_hours=left_hours
        )
        self._me = secrets.token_hex(8)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._slots, self._taking = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(TAKEN_AT_ONCE)
        self._sweeping = asyncio.Lock()

    async def run(self) -> None:
        """Looks after the files until it is cancelled; never raises."""
        begun = False
        try:
            while True:
                try:
                    if not begun:  # what happened while no worker ran
                        await self._duties.add(RECONCILE)
                        begun = True
                    await self._look()
                except Exception as error:  # a housekeeper that ended would not be missed until files stayed
                    log.warning("housekeeping", error=type(error).__name__)
                pause = BUSY_SECONDS if len(self._running) >= LOOKED_AT else LOOK_SECONDS
                await asyncio.sleep(pause * random.uniform(0.75, 1.25))  # noqa: S311  # spreads the looks of many workers
        finally:
            await self._stop()

    async def once(self) -> bool:
        """One look, and all that it finds; False where another process is the housekeeper."""
        if not await self._look():
            return False
        while self._running:
            await asyncio.wait(self._running.values())
        return True

    async def _look(self) -> bool:
        """Begins what is due and not begun."""
        if not await self._mine():
            return False
        team = (await self._slack.identity()).team
        last = float(await self._redis.get(keys.RECONCILED) or 0)
        if is_due(last, time.time(), zlib.crc32(team.encode()) % HOUR):  # not all workspaces at the same minute
            await self._duties.add_new(RECONCILE)
        in_line = sum(
            name.startswith("take:") for name in self._running
        )  # they stay due, and must hide nothing behind them
        for duty in await self._duties.due(LOOKED_AT + in_line):
            if duty not in self._running:
                self._begin(duty, self._do_in_turn(duty, team))
        if SWEEP not in self._running:
            self._begin(SWEEP, self._sweep(team))
        return True

    async def _mine(self) -> bool:
        """Becomes the housekeeper, or stays it."""
        if await self._redis.set(keys.HOUSEKEEPER, self._me, nx=True, ex=LEASE_SECONDS):
            return True
        owner = await self._redis.get(keys.HOUSEKEEPER)
        if owner != self._me:
            return False
        await self._redis.expire(keys.HOUSEKEEPER, LEASE_SECONDS)
        return True

    async def _stop(self) -> None:
        for task in self._running.values():
            task.cancel()
        if self._running:
            await asyncio.wait(self._running.values())
        try:
            async with asyncio.timeout(1):
                if await self._mine():
                    await self._redis.delete(keys.HOUSEKEEPER)
        except (RedisError, TimeoutError) as error:
            log.info("housekeeping not handed on", error=type(error).__name__)

    def _begin(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._running[name] = task = asyncio.create_task(self._kept(name, work))
        task.add_done_callback(lambda _: self._running.pop(name, None))

    async def _kept(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """A duty that fails stays noted and is due again in a minute."""
        try:
            await work
        except AssistError as error:
            log.warning("duty not done", duty=name, error=str(error))
        except Exception as error:  # one duty that cannot be done must not end the others
            log.exception("duty failed", duty=name, error=type(error).__name__)

    async def _do_in_turn(self, duty: str, team: str) -> None:
        async with self._taking if duty.startswith("take:") else self._slots:
            await self._do(duty, team)

    async def _do(self, duty: str, team: str) -> None:
        mark = await self._duties.begin(duty)
        word, _, about = duty.partition(":")
        match word:
            case "deleted":
                await self._forget([r for r in await self._rows_of(team, about) if not is_local(r)])
            case "left":
                if await self._compare.has_left(about):
                    await self._forget(await self._rows.where(_files.team == team, _files.channel == about))
            case "remove":
                await self._forget([r for r in await self._rows_of(team, about) if r.channel == KNOWLEDGE])
            case "take" if about.count("|") == 2:
                await self._take(team, *about.split("|"))
            case "reconcile":
                began = time.time()
                await self._compare.run()
                await self._redis.set(keys.RECONCILED, began)
                await self._sweep(team)
                await self._knowledge.show(team)
            case _:
                log.warning("duty not known", duty=duty)
        await self._duties.done(mark)
        log.info("duty done", duty=duty)

    async def _rows_of(self, team: str, file: str) -> list[Record]:
        return await self._rows.where(_files.team == team, _files.slack_file == file)

    async def _forget(self, records: list[Record]) -> None:
        """Has files found no more at once, and erased."""
        for record in records:
            await self._library.forget(record.team, record.channel, record.slack_file)
        if any(r.channel == KNOWLEDGE for r in records):
            await self._knowledge.show(records[0].team)
        for record in records:
            await self._library.erase(record)

    async def _sweep(self, team: str) -> None:
        """Erases what is to go, and gives up what has been on its way for too long without anybody at it."""
        async with self._sweeping:
            before = utcnow() - timedelta(seconds=STALE_SECONDS)
            stuck = await self._rows.where(_files.team == team, _files.state == TAKING, _files.created_at < before)
            for record in stuck:
                lock = keys.file_lock(record.team, record.channel, record.slack_file)
                if not await self._redis.exists(lock):
                    await self._library.forget(record.team, record.channel, record.slack_file)
            going, failures = await self._rows.where(_files.team == team, _files.state == GOING), 0
            for record in going:
                try:
                    await self._library.erase(record)
                except AssistError as error:  # the others need not wait for it, unless OpenAI is away
                    log.warning("file not erased", file=record.slack_file, channel=record.channel, error=str(error))
                    failures += 1
                    if failures >= FAILURES:
                        return
            if any(r.channel == KNOWLEDGE for r in going):
                await self._knowledge.show(team)

    async def _take(self, team: str, file: str, visibility: str, admin: str) -> None:
        """Takes in what an admin gave in the Home tab, and tells them what came of it."""
        if not await is_admin(self._slack, admin):
            log.warning("knowledge from somebody who is no admin (any more)", person=admin, file=file)
            return
        place = ThreadKey(team, KNOWLEDGE, "")
        try:
            name = (await self._library.look(file)).name
            record = await self._library.take(SharedFile(file, name), place, visibility=visibility)
        except FileRefused as refused:
            await self._tell(admin, f"I cannot use a file that you gave me: {refused}.")
            return
        except UserFacing as error:
            await self._tell(admin, f"I could not take a file that you gave me. {error.text}")
            return
        if record.state == TAKING:
            raise Retryable("it is being indexed")
        if record.state == GOING:  # removed meanwhile
            return
        if record.state == REFUSED or not record.search_file:  # an image, say: nothing that a search could find
            await self._tell(admin, f"I cannot use *{escaped(record.name)}*: {record.reason or NO_TEXT}.")
            await self._forget([record])  # so that it can be given again
            return
        await self._knowledge.show(team)
        who = (
            "everyone, also guests and people of other companies,"
            if record.visibility == EVERYONE
            else "everybody in the workspace"
        )
        await self._tell(admin, f"*{escaped(record.name)}* can be searched by {who} now.")

    async def _tell(self, user: str, text: str) -> None:
        try:
            dm = await self._slack.open_dm(user)
            await self._slack.pace.take(POST, dm)
            await self._slack.post(dm, None, [{"type": "section", "text": {"type": "mrkdwn", "text": text}}], text)
        except SlackRefused as refusal:  # somebody whom nobody can write to: the Home tab shows what came of it
            log.warning("admin not told", person=user, error=str(refusal))
