"""`assist expenses`: what finance gets, that it gets it once, and what is said when something is wrong."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bot import tables
from bot.cli import _parser
from bot.compose import open_settings_database
from bot.database import Database
from bot.expenses.books.books import Books
from bot.expenses.cli import expenses
from bot.expenses.money.rates import Rates
from bot.expenses.policy.policy import load_policy
from bot.expenses.values import Details, Draft
from bot.models import By, utcnow
from bot.settings import Settings
from playground.slack import SlackServer

TODAY = utcnow().date()
DAYS = ("--from", (TODAY - timedelta(days=2)).isoformat(), "--to", (TODAY + timedelta(days=2)).isoformat())


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    async with open_settings_database(settings) as database:
        yield database


async def approved(database: Database, slack: SlackServer, *amounts: int, team: str = "") -> int:
    """The number of a report of Ana's that Raj has approved."""
    books = Books(load_policy(None, "EUR"), Rates(""), "EUR", frozenset())
    category = next(iter(books.policy.categories))
    ana, raj = (By(team or slack.team_id, person) for person in people(slack))
    for minor in amounts:
        about = Details(
            merchant=f"=Café {minor}", spent_on=TODAY - timedelta(days=minor % 7 + 1), minor=minor, currency="EUR",
            category=category, payment="own", city="Berlin", purpose="Client", justification="Needed",
        )  # fmt: skip
        async with database.begin() as tx:
            await books.capture(tx, ana, Draft(details=about, source="form"))
    async with database.begin() as tx:
        whole = await books.open_report(tx, ana, "November", None)
    async with database.begin() as tx:
        whole = await books.submit(tx, ana, whole.report.number, whole.report.version, [raj.person])
    async with database.begin() as tx:
        await books.approve(tx, raj, whole.report.number, whole.report.version)
    return whole.report.number


def people(slack: SlackServer) -> tuple[str, str]:
    """The owner and the approver."""
    return slack.workspace.person("ana").id, slack.workspace.person("raj").id


async def said(settings: Settings, capsys: pytest.CaptureFixture[str], *words: str | Path, code: int = 0) -> str:
    """What the command prints; its exit code is as expected."""
    capsys.readouterr()
    assert await expenses(settings, _parser().parse_args(["expenses", *map(str, words)])) == code
    printed = capsys.readouterr().out
    assert "xoxb-" not in printed
    return printed


def lines(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


async def states(database: Database) -> Sequence[str]:
    async with database.read() as tx:
        return list(await tx.scalars(select(tables.reports.c.state).order_by(tables.reports.c.number)))


async def test_approved_reports_are_exported_marked_once_and_paid(
    settings: Settings, slack: SlackServer, database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await approved(database, slack, 1840, 2000)
    await approved(database, slack, 500)
    look = tmp_path / "look.csv"
    told = await said(settings, capsys, "export", *DAYS, "--out", look)
    assert "2 report(s), 3 expense(s)" in told
    assert [row["Report"] for row in lines(look)] == ["R-1", "R-1", "R-2"]
    assert all(row["Merchant"].startswith("'=Café") for row in lines(look))
    assert not any(row["Employee"] in people(slack) for row in lines(look)), "people have names"
    assert await states(database) == ["approved", "approved"], "a look changes nothing"

    told = await said(settings, capsys, "export", *DAYS, "--mark", "--out", tmp_path / "one.xlsx")
    assert "marked as exported" in told
    assert await states(database) == ["exported", "exported"]
    assert "No new approved reports" in await said(settings, capsys, "export", *DAYS, "--mark", "--out", tmp_path / "two.csv")  # fmt: skip
    assert not (tmp_path / "two.csv").exists()
    await said(settings, capsys, "export", *DAYS, "--out", tmp_path / "again.csv")
    assert {row["State"] for row in lines(tmp_path / "again.csv")} == {"exported"}

    assert "Paid: R-1, R-2." in await said(settings, capsys, "paid", "R-1", "r-2")
    assert await states(database) == ["paid", "paid"]
    assert "Nothing was changed." in await said(settings, capsys, "paid", "R-1", code=1)
    assert "is whole" in await said(settings, capsys, "audit")


async def test_only_the_days_that_were_named_are_exported(
    settings: Settings, slack: SlackServer, database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await approved(database, slack, 1840)
    days = ("--from", "2020-01-01", "--to", "2020-12-31", "--out", tmp_path / "a.csv")
    assert "No approved reports" in await said(settings, capsys, "export", *days)
    assert not (tmp_path / "a.csv").exists()


async def test_a_payment_of_several_is_noted_for_all_or_none(
    settings: Settings, slack: SlackServer, database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await approved(database, slack, 1840)
    await said(settings, capsys, "export", *DAYS, "--mark", "--out", tmp_path / "a.csv")
    await approved(database, slack, 500)
    told = await said(settings, capsys, "paid", "R-1", "R-2", code=1)
    assert "R-2" in told
    assert "<@" not in told
    assert await states(database) == ["exported", "approved"]


async def test_what_cannot_be_done_is_said(
    settings: Settings, slack: SlackServer, database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await approved(database, slack, 1840)
    there = tmp_path / "there.csv"
    there.write_text("mine")
    assert "there already" in await said(settings, capsys, "export", *DAYS, "--mark", "--out", there, code=1)
    assert there.read_text() == "mine"
    nowhere = tmp_path / "nowhere" / "a.csv"
    assert "cannot be written" in await said(settings, capsys, "export", *DAYS, "--mark", "--out", nowhere, code=1)
    assert await states(database) == ["approved"], "what was not written is not marked"
    wrong = ("export", "--from", "2026-11-30", "--to", "2026-11-01")
    assert "is after" in await said(settings, capsys, *wrong, code=1)
    assert "as csv or xlsx" in await said(settings, capsys, "export", *DAYS, "--out", tmp_path / "a.pdf", code=1)


async def test_a_trail_that_was_changed_is_found(
    settings: Settings, slack: SlackServer, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    await approved(database, slack, 1840)
    async with database.begin() as tx:
        await tx.execute(
            update(tables.expense_events).where(tables.expense_events.c.number == 2).values(actor="U0EVIL")
        )
    assert "problem(s)" in await said(settings, capsys, "audit", code=1)


async def test_without_slack_the_only_workspace_is_meant_and_people_have_ids(
    settings: Settings, slack: SlackServer, database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = replace(settings, slack_bot_token="")
    assert "there are no expenses" in await said(alone, capsys, "audit", code=1)
    await approved(database, slack, 1840)
    await said(alone, capsys, "export", *DAYS, "--out", tmp_path / "a.csv")
    assert lines(tmp_path / "a.csv")[0]["Employee"] == people(slack)[0]
    await approved(database, slack, 1840, team="T0OTHER")
    assert "--team" in await said(alone, capsys, "audit", code=1)
    assert "T0OTHER is whole" in await said(alone, capsys, "audit", "--team", "T0OTHER")
    refused = replace(settings, slack_bot_token="xoxb-wrong")
    assert "Slack does not answer" in await said(refused, capsys, "audit", "--team", "T0OTHER")


def test_days_and_reports_are_read_as_people_write_them(capsys: pytest.CaptureFixture[str]) -> None:
    args = _parser().parse_args(["expenses", "export", "--from", "2026-11-01", "--to", "2026-11-30"])
    assert (args.since, args.until) == (date(2026, 11, 1), date(2026, 11, 30))
    assert _parser().parse_args(["expenses", "paid", "R-3", "r-4", "5"]).reports == [3, 4, 5]
    for words in (["paid", "E-3"], ["paid"], ["export", "--from", "1.11.2026", "--to", "2026-11-30"], ["export"]):
        with pytest.raises(SystemExit):
            _parser().parse_args(["expenses", *words])
    assert "a day is written as 2026-11-30" in capsys.readouterr().err
