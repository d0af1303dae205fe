"""`assist expenses export | paid | audit`: what finance and the operator do with the books, on the machine that has the database."""

from __future__ import annotations

import argparse
import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from bot import tables
from bot.compose import open_settings_database
from bot.database import Database
from bot.errors import AssistError, ExpenseRefused, Retryable
from bot.expenses.books.audit import verify
from bot.expenses.books.books import Books, Whole
from bot.expenses.books.reading import OPERATOR
from bot.expenses.money.money import show
from bot.expenses.money.rates import Rates
from bot.expenses.papers.documents import make_export
from bot.expenses.policy.policy import load_policy
from bot.expenses.values import SETTLED, Money
from bot.models import By
from bot.pace import Pace
from bot.settings import Settings
from bot.slack import Slack, connect_slack


async def expenses(settings: Settings, args: argparse.Namespace) -> int:
    """Carries out one of the actions; 1 where it could not be done, or the trail is not whole."""
    try:
        async with _opened(settings, args.team) as office:
            match args.action:
                case "export":
                    return await office.export(args)
                case "paid":
                    return await office.paid(args.reports)
            return await office.audit()
    except ExpenseRefused as refused:
        _say(f"assist: {_without_mentions(str(refused))} Nothing was changed.")
    except _NoTeam as error:
        _say(f"assist: {error}")
    except Retryable as error:
        _say(f"assist: {error.said or error}")
    return 1


class _NoTeam(AssistError):
    """Nobody said whose books are meant."""


@dataclass(frozen=True, slots=True)
class _Office:
    database: Database
    slack: Slack | None  # None where its token is missing or refused
    books: Books
    team: str

    async def export(self, args: argparse.Namespace) -> int:
        """Writes the reports that were approved in some days; with --mark those that were not exported yet, once."""
        if args.since > args.until:
            _say(f"assist: --from {args.since} is after --to {args.until}.")
            return 1
        form = args.format or (args.out.suffix.lower().lstrip(".") if args.out else "csv")
        if form not in ("csv", "xlsx"):
            _say("assist: the file is written as csv or xlsx; name one with --format.")
            return 1
        path = args.out or Path(f"expenses {args.since} to {args.until}.{form}")
        if await asyncio.to_thread(path.exists):
            _say(f"assist: {path} is there already. Name another file with --out.")
            return 1
        states = ("approved",) if args.mark else SETTLED
        async with self.database.read() as tx:
            reports = await self.books.decided(tx, self.team, args.since, args.until, states)
        if not reports:
            _say(f"No {'new ' if args.mark else ''}approved reports from {args.since} to {args.until}.")
            return 0
        try:
            await make_export(form, reports, self.books.policy, await self._names(reports), path)
        except OSError as error:
            _say(f"assist: {path} cannot be written: {error.strerror}.")
            return 1
        if args.mark:
            await self._mark(reports, path)
        _say(f"{path}: {_counted(reports)}{', marked as exported' if args.mark else ''}")
        return 0

    async def _mark(self, reports: Sequence[Whole], path: Path) -> None:
        """All of them or none; a file of reports that are not marked would be paid twice, so it goes."""
        try:
            async with self.database.begin() as tx:
                await self.books.export(tx, By(self.team, OPERATOR), [whole.report.number for whole in reports])
        except BaseException:
            await asyncio.to_thread(path.unlink, missing_ok=True)
            raise

    async def paid(self, numbers: Sequence[int]) -> int:
        """Notes that exported reports were paid: all of them or none."""
        async with self.database.begin() as tx:
            await self.books.pay(tx, By(self.team, OPERATOR), numbers)
        _say(f"Paid: {', '.join(f'R-{n}' for n in numbers)}. Their owners are told.")
        return 0

    async def audit(self) -> int:
        """Verifies the audit trail."""
        async with self.database.read() as tx:
            problems = await verify(tx, self.team)
        for problem in problems:
            _say(problem)
        _say(f"{len(problems)} problem(s)." if problems else f"The audit trail of {self.team} is whole.")
        return int(bool(problems))

    async def _names(self, reports: Sequence[Whole]) -> dict[str, str]:
        """People's names as Slack has them; ids where it does not tell."""
        ids = {whole.report.owner for whole in reports} | {whole.report.decided_by for whole in reports}
        ids |= {e.details.rate.source for whole in reports for e in whole.expenses if e.details.rate}
        people = sorted(i for i in ids if re.fullmatch(r"[UW][A-Z0-9]+", i))
        return {person: (await self.slack.person(person)).name for person in people} if self.slack else {}


@asynccontextmanager
async def _opened(settings: Settings, wanted: str) -> AsyncIterator[_Office]:
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_settings_database(settings))
        slack, team = None, ""
        if settings.slack_bot_token:
            pace = Pace(None, "")
            client = await stack.enter_async_context(
                connect_slack(settings.slack_bot_token, settings.slack_api_url, pace)
            )
            try:
                slack, team = client, (await client.identity()).team
            except AssistError as error:
                _say(f"Slack does not answer ({error}): people are named by their ids.")
        policy = load_policy(
            Path(settings.expenses_policy) if settings.expenses_policy else None, settings.expenses_currency
        )
        books = Books(policy, Rates(""), settings.expenses_currency, frozenset())
        yield _Office(database, slack, books, wanted or team or await _only_team(database))


async def _only_team(database: Database) -> str:
    async with database.read() as tx:
        teams = list(await tx.scalars(select(tables.expense_books.c.team)))
    if len(teams) != 1:
        there = f"{', '.join(sorted(teams))} are in the database" if teams else "there are no expenses in the database"
        raise _NoTeam(f"whose expenses? Name the workspace with --team; {there}.")
    return str(teams[0])


def _counted(reports: Sequence[Whole]) -> str:
    expenses_ = sum(len(whole.expenses) for whole in reports)
    homes = sorted({whole.total.currency for whole in reports})
    totals = [Money(sum(w.total.minor for w in reports if w.total.currency == home), home) for home in homes]
    return f"{len(reports)} report(s), {expenses_} expense(s), {' and '.join(show(t) for t in totals)}"


def _without_mentions(text: str) -> str:
    """A word for people in Slack as a terminal shows it."""
    return re.sub(r"<@(\w+)>", r"\1", text)


def _say(line: str) -> None:
    print(line)  # noqa: T201  # a command line prints
