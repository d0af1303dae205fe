"""Random sequences of actions by several people, right and wrong ones. What they may come to is written here anew, not taken from the books' own rules."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from decimal import ROUND_HALF_UP, Decimal
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from bot.database import default_url
from bot.errors import ExpenseRefused
from bot.expenses.books.audit import verify
from bot.expenses.values import Draft, Rate
from tests.books_world import BOSS, FINANCE, OTHER, OWNER, PEOPLE, SECOND, TODAY, Dump, World, draft, opened, original

Rows = Mapping[int, Mapping[str, Any]]
Result = TypeVar("Result")
# From which states to which each action leads.
REPORT_MOVES = {
    "add": {(s, s) for s in ("draft", "changes_requested", "withdrawn")},
    "take_out": {(s, s) for s in ("draft", "changes_requested", "withdrawn")},
    "submit": {(s, "submitted") for s in ("draft", "changes_requested", "withdrawn")},
    "withdraw": {("submitted", "withdrawn")},
    "approve": {("submitted", "submitted"), ("submitted", "approved")},
    "send_back": {("submitted", "changes_requested")},
    "reject": {("submitted", "rejected")},
    "hand_over": {("submitted", "submitted")},
    "export": {("approved", "exported")},
    "pay": {("exported", "paid")},
}
EDITS = {(s, s) for s in ("draft", "changes_requested", "withdrawn")} | {("submitted", "withdrawn")}
OWNERS = ("change", "remove", "keep_both", "add", "take_out", "submit", "withdraw")
DECISIONS = ("approve", "send_back", "reject")
OPEN = ("draft", "changes_requested", "withdrawn")
PLACES = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}

people = st.sampled_from(PEOPLE)
owners, approvers = st.sampled_from([OWNER, OWNER, OTHER]), st.sampled_from([BOSS, BOSS, SECOND])
offs = st.sampled_from([0] * 6 + [-1, 1])  # beside the present version
currencies = st.sampled_from(["EUR", "EUR", "USD", "JPY", "KWD"])
values = st.sampled_from(["0.9", "0.0061234", "2.8175", "1"])
teams = count(1)


class Loop:
    """Runs coroutines; one loop and one database for all sequences, each of which has a workspace of its own."""

    def __init__(self, folder: Path) -> None:
        self.runner = asyncio.Runner()
        self.context = opened(default_url(folder))
        self.world = self.run(self.context.__aenter__())

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(work)

    def close(self) -> None:
        self.run(self.context.__aexit__(None, None, None))
        self.runner.close()


class BooksMachine(RuleBasedStateMachine):
    """One workspace and its people."""

    loop: Loop

    @initialize(owner=owners, chain=st.lists(approvers, min_size=1, max_size=2), sent=st.booleans())
    def begin(self, owner: str, chain: list[str], sent: bool) -> None:
        self.world = World(self.loop.world.database, self.loop.world.books, f"T{next(teams)}")
        self.dump: Dump = self.loop.run(self.world.dump())
        self.drafts = 0
        for person in (owner, owner, OWNER, OTHER):
            self.act("capture", person, self.draft())
        self.act("open_report", owner, "", [1, 2])
        if sent:
            self.act("submit", owner, 1, None, chain)

    @rule(
        person=owners,
        known=st.sampled_from([True, True, True, False]),
        currency=currencies,
        value=st.one_of(st.none(), values),
        file=st.integers(0, 9),
    )
    def capture(self, person: str, known: bool, currency: str, value: str | None, file: int) -> None:
        rate = Rate(Decimal(value), TODAY, person) if value else None
        changes: dict[str, Any] = {"currency": currency, "rate": rate}
        given = self.draft(**changes, **({} if known else {"merchant": ""}))
        self.act("capture", person, given, original(b"%d" % file) if file < 3 else None)

    @rule(data=st.data(), amount=st.integers(-5, 10**6))
    def change(self, data: st.DataObject, amount: int) -> None:
        self.act(
            "change", *self.some(data, "expenses", "owner", "ready", "in_report"), {"minor": amount, "merchant": "Bar"}
        )

    @rule(data=st.data(), currency=currencies, value=values, amount=st.integers(1, 10**6))
    def exchange(self, data: st.DataObject, currency: str, value: str, amount: int) -> None:
        who = self.some(data, "expenses", "owner", "ready", "in_report")
        rate = data.draw(st.sampled_from([{}, {"rate": Rate(Decimal(value), TODAY, "")}]))
        self.act("change", *who, {"minor": amount, "currency": currency, **rate})

    @rule(data=st.data(), method=st.sampled_from(["remove", "keep_both"]))
    def drop(self, data: st.DataObject, method: str) -> None:
        self.act(method, *self.some(data, "expenses", "owner", "ready", "duplicate_hold"))

    @rule(data=st.data(), person=owners)
    def open_report(self, data: st.DataObject, person: str) -> None:
        self.act("open_report", person, "", data.draw(st.one_of(st.none(), self.ready(person))))

    @rule(data=st.data(), adding=st.booleans())
    def move(self, data: st.DataObject, adding: bool) -> None:
        person, number, version = self.some(data, "reports", "owner", *OPEN)
        inside = [e["number"] for e in self.dump["expenses"] if e["report"] == number]
        chosen = self.ready(person) if adding else st.lists(st.sampled_from([*inside, 1]), max_size=3)
        self.act("add" if adding else "take_out", person, number, version, data.draw(chosen))

    @rule(data=st.data(), chain=st.lists(st.one_of(approvers, approvers, people), min_size=1, max_size=2))
    def submit(self, data: st.DataObject, chain: list[str]) -> None:
        self.act("submit", *self.some(data, "reports", "owner", *OPEN), chain)

    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        self.act("withdraw", *self.some(data, "reports", "owner", "submitted"))

    @rule(
        data=st.data(),
        method=st.sampled_from(["approve"] * 3 + ["send_back", "reject"]),
        reason=st.sampled_from(["why", " "]),
    )
    def decide(self, data: st.DataObject, method: str, reason: str) -> None:
        self.act(
            method, *self.some(data, "reports", "approver", "submitted"), *(() if method == "approve" else (reason,))
        )

    @rule(data=st.data(), to=people)
    def hand_over(self, data: st.DataObject, to: str) -> None:
        self.act("hand_over", *self.some(data, "reports", "approver", "submitted"), to)

    @rule(data=st.data(), person=st.one_of(st.just(FINANCE), people), method=st.sampled_from(["export", "pay"]))
    def pass_on(self, data: st.DataObject, person: str, method: str) -> None:
        wanted = "approved" if method == "export" else "exported"
        self.act(method, person, [self.some(data, "reports", "owner", wanted)[1]])

    @rule(person=people, owner=people, number=st.integers(1, 8))
    def read(self, person: str, owner: str, number: int) -> None:
        """Nobody sees but what is theirs, was sent to them, or all as finance; reading changes nothing."""
        expenses, reports = by_number(self.dump, "expenses"), by_number(self.dump, "reports")
        report, expense = reports.get(number), expenses.get(number)
        assert self.tried("report", person, number) == bool(report and sees(person, report))
        of = reports.get(expense["report"]) if expense else None
        sent = expense and of and sees(person, of) and (of["state"] not in OPEN or as_sent(expense, of))
        whole = expense and person in (expense["owner"], FINANCE)
        assert self.tried("expense", person, number) == bool(whole or sent)
        assert self.tried("find", person, owner=owner) == (person in (owner, FINANCE))
        assert self.loop.run(self.world.dump()) == self.dump

    # -- what has to be true ----------------------------------------------------------------------------------------------------

    def draft(self, **changes: Any) -> Draft:
        self.drafts += 1
        return draft(self.drafts, **changes)

    def some(self, data: st.DataObject, table: str, role: str, *states: str) -> tuple[str, int, int]:
        """Somebody, an expense or a report, and a version of it: mostly those that fit together, else nothing would get far."""
        rows = by_number(self.dump, table)
        fitting = [n for n, row in rows.items() if row["state"] in states]
        number = data.draw(st.sampled_from([*fitting * 4, *rows, len(rows) + 1]))
        row = rows.get(number, {"version": 1, role: ""})
        right = row[role] or OWNER
        return data.draw(st.sampled_from([right] * 8 + [*PEOPLE])), number, row["version"] + data.draw(offs)

    def ready(self, person: str) -> st.SearchStrategy[list[int]]:
        mine = [e["number"] for e in self.dump["expenses"] if (e["owner"], e["state"]) == (person, "ready")]
        return st.lists(st.sampled_from([*mine, *mine, *mine, 1]), max_size=3)

    def tried(self, method: str, person: str, *args: Any, **more: Any) -> bool:
        try:
            self.loop.run(self.world.do(method, *args, by=person, **more))
        except ExpenseRefused:
            return False
        return True

    def act(self, method: str, person: str, *args: Any) -> None:
        """Does it; whether it was refused or not, the books have to be in order, and what happened has to be this person's to do."""
        before, done = self.dump, self.tried(method, person, *args)
        self.dump = after = self.loop.run(self.world.dump())
        if not done:
            assert after == before
            return
        self.check_versions(before, after)
        if method in OWNERS or method in (*DECISIONS, "hand_over", "export", "pay"):
            self.check_right(method, person, before, args)
        self.check_states(method, before, after)
        self.loop.run(self.check_sums(after))

    def check_right(self, method: str, person: str, before: Dump, args: tuple[Any, ...]) -> None:
        table = "expenses" if method in ("change", "remove", "keep_both") else "reports"
        (number, version) = (args[0][0], None) if method in ("export", "pay") else args[:2]
        row = by_number(before, table)[number]
        assert version in (None, row["version"])
        if method in OWNERS:
            assert person == row["owner"]
        elif method in DECISIONS:
            assert person == row["approver"] != row["owner"]
        elif method == "hand_over":
            assert person in (row["approver"], FINANCE)
            assert row["owner"] not in (person, args[2])
        else:
            assert person == FINANCE
        if method in ("send_back", "reject"):
            assert args[2].strip()

    def check_versions(self, before: Dump, after: Dump) -> None:
        """Versions grow with each change, numbers have no gaps, the trail only grows."""
        for table in ("expenses", "reports"):
            old, new = by_number(before, table), by_number(after, table)
            assert sorted(new) == list(range(1, len(new) + 1))
            assert old.keys() <= new.keys()
            assert all(new[n] == old[n] or new[n]["version"] == old[n]["version"] + 1 for n in old)
        assert after["expense_events"][: len(before["expense_events"])] == before["expense_events"]

    def check_states(self, method: str, before: Dump, after: Dump) -> None:
        old, new = by_number(before, "reports"), by_number(after, "reports")
        for number, row in new.items():
            move = (old[number]["state"], row["state"]) if number in old else ("", "draft")
            if number not in old:
                assert (method, row["state"]) == ("open_report", "draft")
            elif row != old[number]:
                assert move in REPORT_MOVES.get(method, EDITS), (method, move)
            approvers = row["approvers"].split()
            assert row["approver"] == (approvers[row["step"]] if row["state"] == "submitted" else "")
            assert row["owner"] not in approvers
        for expense in after["expenses"]:
            assert (expense["report"] is not None) == (expense["state"] == "in_report")
            assert expense["state"] != "ready" or expense["asks"] == "[]"
            if expense["report"] is not None:
                of = new[expense["report"]]
                assert expense["owner"] == of["owner"]
                assert of["state"] in OPEN or (expense["asks"], expense["home_currency"]) == ("[]", "EUR")
        for number, row in by_number(before, "expenses").items():
            now = by_number(after, "expenses")[number]
            assert row["state"] != "discarded" or now == row
            settled = row["report"] is not None and old[row["report"]]["state"] not in (*OPEN, "submitted")
            assert not settled or now == row

    async def check_sums(self, after: Dump) -> None:
        """Totals are the sums of what is there, and the trail is whole."""
        live = [e for e in after["expenses"] if e["state"] != "discarded"]
        for expense in live:
            assert expense["home_minor"] == in_euros(expense)
        async with self.world.database.read() as tx:
            for row in after["reports"]:
                whole = await self.world.books.report(tx, self.world.by(FINANCE), row["number"])
                inside = [e for e in live if e["report"] == row["number"]]
                assert whole.total.minor == sum(e["home_minor"] or 0 for e in inside)
                assert len(whole.expenses) == len(inside)
            for owner in {e["owner"] for e in live}:
                found = await self.world.books.find(tx, self.world.by(owner))
                mine = [e for e in live if e["owner"] == owner]
                assert found.count == len(mine)
                for code in PLACES:
                    spent = sum(t.money.minor for t in found.totals if t.money.currency == code)
                    assert spent == sum(e["minor"] or 0 for e in mine if e["currency"] == code)
                assert sum(t.home.minor for t in found.totals) == sum(e["home_minor"] or 0 for e in mine)
            assert await verify(tx, self.world.team) == []


def in_euros(expense: Mapping[str, Any]) -> int | None:
    """What an expense is worth in cents, by plain arithmetic; None where no rate leads there. No table is there: rates are the owners' own."""
    code, minor = expense["currency"], expense["minor"]
    if code == "EUR":
        assert expense["rate"] == ""
        return int(minor)
    if not expense["rate"]:
        return None
    assert expense["rate_source"] == expense["owner"]
    euros = Decimal(minor).scaleb(-PLACES[code]) * Decimal(expense["rate"])
    return int(euros.scaleb(2).to_integral_value(ROUND_HALF_UP))


def by_number(dump: Dump, table: str) -> Rows:
    return {row["number"]: row for row in dump[table]}


def as_sent(expense: Mapping[str, Any], report: Mapping[str, Any]) -> bool:
    return report["submitted_at"] is not None and expense["changed_at"] <= report["submitted_at"]


def sees(person: str, report: Mapping[str, Any]) -> bool:
    return person in (report["owner"], FINANCE, *report["approvers"].split()[: report["step"] + 1])


def run_machine(folder: Path, sequences: int, steps: int) -> None:
    loop = Loop(folder)
    try:
        machine = type("Machine", (BooksMachine,), {"loop": loop})
        checks = list(HealthCheck)
        how = settings(
            max_examples=sequences,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=checks,
            database=None,
        )
        run_state_machine_as_test(machine, settings=how)
    finally:
        loop.close()


def test_whatever_people_do_the_books_are_in_order(tmp_path: Path) -> None:
    run_machine(tmp_path, 10, 25)


@pytest.mark.slow
def test_a_thousand_sequences_leave_the_books_in_order(tmp_path: Path) -> None:
    run_machine(tmp_path, 1000, 30)
