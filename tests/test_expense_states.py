"""The guards of expenses and reports, and what follows from their fields: pure, with notes and rates as one likes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ExpenseRefused
from bot.expenses.books.derived import Neighbours, kept_both, latest_day, priced, settled, worth
from bot.expenses.books.fields import clean
from bot.expenses.books.states import (
    MOVES,
    Deed,
    adding_refusal,
    expense_refusal,
    may_see,
    report_refusal,
    standing,
    submitting_refusals,
    was_sent,
)  # fmt: skip
from bot.expenses.money.rates import Rates
from bot.expenses.policy.policy import load_policy
from bot.expenses.values import Details, Expense, ExpenseState, Money, Note, Rate, Report, ReportState
from tests.books_world import details

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
REPORT = Report(
    team="T1", number=3, owner="UOWN", title="Trip", state="submitted", version=4, approvers=("UA", "UB"), step=0, reason="",
    decided_by="", submitted_at=NOW, decided_at=None, reminded_at=None, created_at=NOW, changed_at=NOW,
)  # fmt: skip
EXPENSE = Expense(
    team="T1", number=5, owner="UOWN", state="ready", version=2, source="words", details=details(1), home=Money(100, "EUR"), read={},
    receipt="", part=0, notes=(), asks=(), doubts=(), report=None, twin=None, created_at=NOW, changed_at=NOW,
)  # fmt: skip
POLICY = load_policy(None, "EUR")
DECIDED = replace(REPORT, decided_by="UB", decided_at=NOW, step=1)
deeds, states = st.sampled_from(get_args(Deed)), st.sampled_from(get_args(ReportState))


def told(report: Report, deed: Deed, person: str, version: int | None = 4, *, finance: bool = False) -> str:
    return report_refusal(report, deed, person, version, finance=finance)


@pytest.mark.parametrize(
    ("state", "owner", "approver", "finance"),
    [
        ("draft", "change add take_out submit", "", ""),
        ("changes_requested", "change add take_out submit", "", ""),
        ("withdrawn", "change add take_out submit", "", ""),
        ("submitted", "change withdraw", "approve send_back reject hand_over", "hand_over"),
        ("approved", "", "", "export"),
        ("exported", "", "", "pay"),
        ("rejected", "", "", ""),
        ("paid", "", "", ""),
    ],
)
def test_who_may_do_what_in_which_state(state: ReportState, owner: str, approver: str, finance: str) -> None:
    report = replace(DECIDED, state=state, step=0)
    for person, may in (("UOWN", owner), ("UA", approver), ("UF", finance), ("UB", ""), ("UX", "")):
        assert [d for d in MOVES if not told(report, d, person, finance=person == "UF")] == may.split(), person


@given(deeds, states, st.sampled_from(["UOWN", "UA", "UB", "UX"]), st.integers(3, 5), st.booleans(), st.integers(0, 1))
def test_only_the_version_that_was_seen_is_decided_on_and_never_ones_own(
    deed: Deed, state: ReportState, person: str, version: int, finance: bool, step: int
) -> None:
    report = replace(DECIDED, state=state, step=step)
    if not told(report, deed, person, version, finance=finance):
        assert version == report.version
        assert person != "UOWN" or deed not in ("approve", "send_back", "reject", "hand_over")
        assert deed not in ("approve", "send_back", "reject") or person == report.approver


@pytest.mark.parametrize(
    ("report", "deed", "person", "said"),
    [
        (replace(DECIDED, state="approved"), "change", "UOWN", "R-3 was approved by <@UB> on 21 Nov 2026 (UTC). It cannot be changed any more."),
        (replace(DECIDED, state="approved"), "approve", "UB", "You approved R-3 already."),
        (replace(DECIDED, state="approved"), "reject", "UB", "R-3 was approved by you on 21 Nov 2026 (UTC). There is nothing to decide."),
        (replace(REPORT, step=1), "approve", "UA", "You approved R-3 already; now it waits for <@UB>."),
        (REPORT, "approve", "UB", "R-3 waits for <@UA>, not for you."),
        (REPORT, "add", "UOWN", "R-3 waits for <@UA>, since 21 Nov 2026 (UTC). Withdraw it first."),
        (replace(REPORT, state="draft"), "withdraw", "UOWN", "R-3 is a draft: it was not submitted. There is nothing to take back."),
        (replace(DECIDED, state="rejected"), "submit", "UOWN", "R-3 was rejected by <@UB> on 21 Nov 2026 (UTC). It cannot be changed any more."),
        (REPORT, "approve", "UOWN", "Nobody decides on their own expenses: R-3 is yours."),
        (REPORT, "submit", "UA", "Only <@UOWN>, whose report it is, can do that to R-3."),
    ],
)  # fmt: skip
def test_a_refusal_says_what_is_the_case(report: Report, deed: Deed, person: str, said: str) -> None:
    assert told(report, deed, person) == said


@given(states, st.sampled_from(["", "UA", "UB", "UOWN"]), st.booleans())
def test_there_is_a_word_for_every_state(state: ReportState, viewer: str, decided: bool) -> None:
    assert standing(replace(DECIDED if decided else REPORT, state=state), viewer).startswith("R-3 ")


def test_who_sees_a_report() -> None:
    assert [may_see(REPORT, p, finance=False) for p in ("UOWN", "UA", "UB", "UX")] == [True, True, False, False]
    assert may_see(REPORT, "UX", finance=True)
    assert may_see(replace(REPORT, step=1), "UB", finance=False)
    draft = replace(REPORT, state="draft", approvers=(), submitted_at=None)
    assert not may_see(draft, "UA", finance=False)
    assert not was_sent(EXPENSE, draft)


@given(st.sampled_from(get_args(ExpenseState)))
def test_only_what_is_ready_goes_into_a_report(state: ExpenseState) -> None:
    expense = replace(EXPENSE, state=state, asks=("minor", "spent_on"))
    assert (adding_refusal(expense, "UOWN") == "") == (state == "ready")
    assert adding_refusal(expense, "UX")


def test_what_is_blocked_missing_or_not_justified_is_not_submitted() -> None:
    block, warn = Note("hotel", "block", "Over <b>"), Note("taxi", "warn", "Too far")
    assert submitting_refusals(replace(EXPENSE, notes=(Note("x", "note", "y"),))) == []
    assert submitting_refusals(replace(EXPENSE, notes=(block, warn))) == [
        "E-5: Over &lt;b&gt;",
        "E-5 needs a justification: Too far",
    ]
    justified = replace(EXPENSE, details=replace(EXPENSE.details, justification="No bus"), notes=(warn,))
    assert submitting_refusals(justified) == []
    assert submitting_refusals(replace(justified, notes=(block,))) == ["E-5: Over &lt;b&gt;"]
    missing = replace(EXPENSE, asks=("minor", "spent_on"), home=None)
    assert submitting_refusals(missing) == ["E-5 is not complete: amount and date are missing or doubtful."]
    assert submitting_refusals(replace(EXPENSE, home=None)) == ["E-5 has no exchange rate."]


def test_who_changes_an_expense() -> None:
    assert expense_refusal(EXPENSE, None, "UOWN", 2) == expense_refusal(EXPENSE, REPORT, "UOWN", None) == ""
    assert "Only <@UOWN>" in expense_refusal(EXPENSE, REPORT, "UA", 2)
    assert "E-5 is in R-3. R-3 was approved" in expense_refusal(EXPENSE, replace(DECIDED, state="approved"), "UOWN", 2)
    assert "changed since" in expense_refusal(EXPENSE, None, "UOWN", 1)


# -- what follows from the fields ----------------------------------------------------------------------------------------------


def test_the_latest_day_is_that_of_the_line_islands() -> None:
    assert latest_day(datetime(2026, 11, 21, 9, 59, tzinfo=UTC)) == date(2026, 11, 21)
    assert latest_day(datetime(2026, 11, 21, 10, tzinfo=UTC)) == date(2026, 11, 22)


def test_a_table_without_the_rate_leaves_it_open() -> None:
    foreign = details(1, currency="USD", rate=Rate(Decimal(2), NOW.date(), "ECB"))
    assert priced(foreign, Details(), "UOWN", Rates(""), "EUR").rate is None
    assert worth(replace(foreign, rate=None), "EUR") is None
    assert worth(Details(), "EUR") is None
    own = Rate(Decimal(2), NOW.date(), "UOWN")
    assert priced(replace(foreign, rate=own), foreign, "UOWN", Rates(""), "EUR").rate == own
    at_home = details(1, rate=own)
    assert priced(at_home, at_home, "UOWN", Rates(""), "EUR").rate is None


def test_an_amount_that_is_worth_more_than_can_be_kept_is_refused() -> None:
    paid = details(1, minor=10**13 + 1, currency="USD", rate=Rate(Decimal(10**9), NOW.date(), "U"))
    with pytest.raises(ExpenseRefused, match="larger than I can keep"):
        settled(replace(EXPENSE, details=paid), Neighbours(), POLICY, "EUR", NOW.date())


def test_a_duplicate_waits_until_its_owner_keeps_both() -> None:
    held = replace(EXPENSE, twin=4, notes=(Note("duplicate", "block", "Like E-4.", actual="same"),))
    kept = settled(held, Neighbours(), POLICY, "EUR", NOW.date())
    assert (kept.state, kept.twin) == ("duplicate_hold", 4)
    both = kept_both(kept)
    assert both.state == "ready"
    assert [(n.level, n.text) for n in both.notes if n.rule == "duplicate"] == [
        ("note", "Like E-4. Its owner says that both are right.")
    ]
    again = settled(both, Neighbours(), POLICY, "EUR", NOW.date())
    assert (again.state, again.twin) == ("ready", 4)
    alone = settled(held, Neighbours(earlier=[]), POLICY, "EUR", NOW.date())
    assert (alone.state, alone.twin) == ("ready", None)


@given(st.text(), st.integers(0, 50))
def test_a_cleaned_text_can_be_kept_anywhere(text: str, most: int) -> None:
    kept = clean(text, most)
    assert len(kept) <= most
    assert "\0" not in kept
    assert clean(kept, most) == kept == kept.encode().decode()


def test_nothing_that_turns_or_hides_what_stands_beside_it_is_kept() -> None:
    assert clean("Bar \u202e\u2066\u200f81.00\u200b\ufeff", 50) == "Bar 81.00"
    assert (
        clean("\u0646\u0645\u06cc\u200c\u062f\u0627 👩\u200d🍳", 50)
        == "\u0646\u0645\u06cc\u200c\u062f\u0627 👩\u200d🍳"
    )
