"""What expenses and reports look like: within Slack's limits whatever is in them, and with the buttons that their state allows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.blocks import Card
from bot.expenses.books.books import Listing, ReportLine, Total
from bot.expenses.face import buttons
from bot.expenses.face.buttons import Subject, subject
from bot.expenses.face.cards import expense_card, report_card
from bot.expenses.face.commands import Command, read_command
from bot.expenses.face.listing import LISTED, listing_text
from bot.expenses.face.tab import ROWS, Desktop, tab
from bot.expenses.values import Expense, Money, Note, Rate, Read, Report
from bot.files.shelf import Shelf, Shelved
from bot.home import view
from playground.slack.blocks import check_message, check_view
from tests.expense_values import ANA, DANA, LUNCH, NOW, POLICY, RAJ, expense, expenses, report, reports, whole, wholes

NAMES = {ANA: "Ana", DANA: "Dana <b>"}


def labels(card: Card) -> list[str]:
    """What can be pressed."""
    rows = [b for b in card.blocks if b["type"] == "actions"]
    return [e["text"]["text"] if "text" in e else e["placeholder"]["text"] for row in rows for e in row["elements"]]


def said(card: Card) -> str:
    """All of its words."""
    return "\n".join(texts_in(card.blocks))


def texts_in(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["text"]] if isinstance(part.get("text"), str) else []
        return own + [t for v in part.values() if not isinstance(v, str) for t in texts_in(v)]
    return [t for p in part for t in texts_in(p)] if isinstance(part, list | tuple) else []


def of(card: Card) -> Card:
    """The card, which Slack takes."""
    check_message({"blocks": list(card.blocks), "text": card.text})
    assert card.text.strip()
    for part in texts_in(card.blocks):
        part.encode()
    return card


# -- Slack takes them ----------------------------------------------------------------------------------------------------------------


@settings(max_examples=75, deadline=None)
@given(expenses, st.none() | reports)
def test_slack_takes_the_card_of_any_expense(any_expense: Expense, inside: Report | None) -> None:
    card = of(expense_card(any_expense, POLICY, "EUR", inside))
    assert "<@U1>" not in said(card) + card.text, "nobody is called by what a receipt says"


@settings(max_examples=50, deadline=None)
@given(wholes, st.sampled_from([ANA, DANA, RAJ]))
def test_slack_takes_the_card_of_any_report(any_report: Any, viewer: str) -> None:
    of(report_card(any_report, POLICY, viewer, NAMES))


def test_what_a_company_card_paid_is_not_to_be_paid_back() -> None:
    by_card = expense(number=13, details=replace(LUNCH, payment="company"), home=Money(5000, "EUR"))
    words = said(report_card(whole(expense(), by_card), POLICY, ANA, NAMES))
    assert "€68.40" in words
    assert "€18.40 of it to be paid back, the rest by company card" in words
    assert "paid back" not in said(report_card(whole(expense()), POLICY, ANA, NAMES))


def test_slack_takes_the_card_of_a_report_with_two_hundred_expenses() -> None:
    note = Note("limit", "warn", "&" * 500)
    many = [expense(number=n, notes=(note,), details=replace(LUNCH, merchant="&" * 900)) for n in range(1, 201)]
    card = of(report_card(whole(*many), POLICY, ANA, NAMES))
    assert "… and 180 more" in said(card)
    assert "Submit" in labels(card), "the buttons are not what is cut"


@settings(max_examples=10, deadline=None)
@given(st.lists(expenses, max_size=60), st.lists(wholes, max_size=12))
def test_slack_takes_any_home_tab(some: list[Expense], wholes_: list[Any]) -> None:
    lines = [ReportLine(w.report, w.total, len(w.expenses)) for w in wholes_]
    desktop = Desktop(todo=some, ready=some, drafts=lines, waiting=lines, approved=lines, queue=lines)
    shelf = Shelf(tuple(Shelved(f"K{n}", f"{n}.md", "everyone") for n in range(30)), 99)
    check_view(view(shelf, {"expenses": tab(desktop, POLICY)}), "home")


# -- an expense ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "inside", "pressable"),
    [
        ("needs_info", None, ["Edit", "Remove"]),
        ("ready", None, ["Edit", "Remove"]),
        ("duplicate_hold", None, ["Keep both", "Edit", "Remove"]),
        ("discarded", None, []),
        ("in_report", None, ["Edit", "Remove"]),
        ("in_report", "draft", ["Edit", "Remove"]),
        ("in_report", "changes_requested", ["Edit", "Remove"]),
        ("in_report", "submitted", ["Edit"]),
        ("in_report", "approved", []),
        ("in_report", "rejected", []),
        ("in_report", "paid", []),
    ],
)
def test_the_buttons_of_an_expense_are_what_its_state_allows(
    state: str, inside: str | None, pressable: list[str]
) -> None:
    card = expense_card(expense(state=state, report=3), POLICY, "EUR", report(state=inside) if inside else None)
    assert labels(card) == pressable


def test_a_button_carries_the_number_and_the_version_that_were_seen() -> None:
    (row,) = [b for b in expense_card(expense(), POLICY, "EUR").blocks if b["type"] == "actions"]
    assert {subject(e["value"]) for e in row["elements"]} == {Subject("E", 12, 3)}
    remove = row["elements"][1]
    assert remove["confirm"]


def test_a_card_tells_rate_date_and_source_of_a_foreign_amount() -> None:
    rate = Rate(Decimal("0.92"), date(2026, 11, 20), "ECB")
    foreign = expense(details=replace(LUNCH, currency="USD", rate=rate), home=Money(1693, "EUR"))
    assert "1 USD = 0.92 EUR (ECB, 20 Nov 2026)" in said(expense_card(foreign, POLICY, "EUR"))
    told = replace(foreign, details=replace(foreign.details, rate=replace(rate, source=ANA)))
    assert f"(<@{ANA}>, 20 Nov 2026)" in said(expense_card(told, POLICY, "EUR"))
    unknown = expense(details=replace(LUNCH, currency="USD"), home=None)
    assert "no exchange rate yet" in said(expense_card(unknown, POLICY, "EUR"))


def test_what_is_doubtful_is_shown_with_what_it_was_read_from_and_what_a_receipt_says_calls_nobody() -> None:
    read = {"minor": Read("18,40", 0.4, "SUMME 18,40 <@U000000RAJ>"), "merchant": Read("Lidl", 0.9, "LIDL sagt danke")}
    card = expense_card(expense(read=read, doubts=("minor",)), POLICY, "EUR")
    assert "Amount: 18,40, from “SUMME 18,40 &lt;@U000000RAJ&gt;”" in said(card)
    assert "sagt danke" not in said(card), "what is sure needs no evidence"


def test_each_note_has_the_sign_of_its_level() -> None:
    notes = tuple(Note("r", level, f"This is a {level}.") for level in ("block", "warn", "note"))
    lines = said(expense_card(expense(notes=notes), POLICY, "EUR"))
    for sign, level in ((":no_entry:", "block"), (":warning:", "warn"), (":information_source:", "note")):
        assert f"{sign} This is a {level}." in lines


def test_the_open_question_is_put_while_something_is_missing_and_only_then() -> None:
    asked = expense_card(expense(state="needs_info", asks=("currency",)), POLICY, "EUR")
    assert ":question:" in said(asked)
    assert ":question:" not in said(expense_card(expense(), POLICY, "EUR"))


def test_what_may_not_be_sent_as_it_is_is_not_called_ready() -> None:
    card = expense_card(expense(notes=(Note("amount", "block", "The total is -€5.00."),)), POLICY, "EUR")
    assert "To be put right before it can be sent" in said(card)
    assert "To be put right" in card.text
    assert "Ready" not in said(card) + card.text
    desk = dict.fromkeys(("todo", "drafts", "waiting", "approved", "queue"), ())
    blocks = tab(Desktop(ready=[expense(notes=(Note("amount", "block", "The total is -€5.00."),))], **desk), POLICY)
    assert "_The total is -€5.00._" in str(blocks)


def test_the_home_tab_says_where_there_are_more() -> None:
    line, nothing = (
        ReportLine(whole(expense()).report, Money(1840, "EUR"), 1),
        dict.fromkeys(("drafts", "approved"), ()),
    )
    many = [expense()] * (ROWS + 1)
    desk = Desktop(todo=many, ready=many, waiting=[line] * (ROWS + 1), queue=[line] * (ROWS + 1), **nothing)
    shown = str(tab(desk, POLICY))
    for where, times in (("/expenses list` shows them", 2), ("Ask me for your reports", 1), ("what waits for you", 1)):
        assert shown.count(where) == times, where


@pytest.mark.parametrize(
    ("level", "why", "asked"), [("warn", "", True), ("warn", "the fair", False), ("note", "", False)]
)
def test_a_justification_is_asked_for_where_submitting_needs_one(level: Any, why: str, asked: bool) -> None:
    made = expense(notes=(Note("cap", level, "It is much."),), details=replace(LUNCH, justification=why))
    assert ("say why" in said(expense_card(made, POLICY, "EUR"))) is asked


def test_a_missing_rate_is_told_once_and_only_of_an_amount() -> None:
    note = Note("rate", "block", "There is no exchange rate from KWD to EUR.")
    asked = {"state": "needs_info", "home": None, "notes": (note,)}
    words = said(expense_card(expense(details=replace(LUNCH, currency="KWD"), asks=("rate",), **asked), POLICY, "EUR"))
    assert ("I have no exchange rate" in words, "There is no exchange rate" in words) == (True, False)
    nothing = replace(LUNCH, currency="KWD", minor=None)
    words = said(expense_card(expense(details=nothing, asks=("minor",), **asked), POLICY, "EUR"))
    assert "no exchange rate yet" not in words


# -- a report ------------------------------------------------------------------------------------------------------------------------


def test_who_is_to_decide_reads_whose_report_it_is_and_that_it_waits_for_them() -> None:
    shown = whole(expense(), state="submitted")
    card = report_card(shown, POLICY, DANA, NAMES)
    assert "of Ana" in card.text
    assert "Waits for you since" in card.text
    assert "Waits for you since" in said(card)
    theirs = report_card(shown, POLICY, ANA, NAMES)
    assert "Waits for Dana &lt;b&gt; since" in said(theirs)
    assert "of Ana" not in theirs.text


@pytest.mark.parametrize(
    ("state", "owners", "approvers"),
    [
        ("draft", ["Submit", "Take an expense out"], []),
        ("changes_requested", ["Submit", "Take an expense out"], []),
        ("withdrawn", ["Submit", "Take an expense out"], []),
        ("submitted", ["Withdraw"], ["Approve", "Send back…", "Reject…", "Hand over…"]),
        ("approved", [], []),
        ("rejected", [], []),
        ("exported", [], []),
        ("paid", [], []),
    ],
)
def test_the_buttons_of_a_report_are_what_its_state_allows_who_looks(
    state: str, owners: list[str], approvers: list[str]
) -> None:
    shown = whole(expense(), state=state, decided_by=DANA, decided_at=NOW)
    assert labels(report_card(shown, POLICY, ANA, NAMES)) == owners
    assert labels(report_card(shown, POLICY, DANA, NAMES)) == approvers
    assert labels(report_card(shown, POLICY, RAJ, NAMES)) == [], "another who may see it"
    finances = ["Hand over…"] if state == "submitted" else []
    assert labels(report_card(shown, POLICY, RAJ, NAMES, finance=True)) == finances
    assert labels(report_card(shown, POLICY, ANA, NAMES, finance=True)) == owners, "finance's own report"
    assert labels(report_card(shown, POLICY, DANA, NAMES, finance=True)) == approvers


def test_the_approver_of_a_later_step_has_no_buttons_yet() -> None:
    shown = whole(expense(), state="submitted", approvers=(DANA, RAJ))
    assert labels(report_card(shown, POLICY, RAJ, NAMES)) == []
    assert "approval 1 of 2" in said(report_card(shown, POLICY, ANA, NAMES))


def test_an_owner_who_is_also_named_as_approver_has_no_approving_buttons() -> None:
    shown = whole(expense(), state="submitted", approvers=(ANA,))
    assert labels(report_card(shown, POLICY, ANA, NAMES)) == ["Withdraw"]


def test_a_report_tells_its_state_since_when_by_whom_and_why() -> None:
    shown = whole(expense(), state="changes_requested", reason="Hotel <b>?", decided_by=DANA, decided_at=NOW)
    words = said(report_card(shown, POLICY, ANA, NAMES))
    assert f"Sent back by Dana &lt;b&gt; on <!date^{int(NOW.timestamp())}^" in words
    assert "Hotel &lt;b&gt;?" in words


@pytest.mark.parametrize(
    ("state", "words"), [("paid", "_Paid; approved by"), ("exported", "_In the company's books; approved by")]
)
def test_whoever_approved_a_report_is_not_said_to_have_booked_or_paid_it(state: str, words: str) -> None:
    shown = whole(expense(), state=state, decided_by=DANA, decided_at=NOW)
    assert f"{words} Dana &lt;b&gt; on <!date^" in said(report_card(shown, POLICY, ANA, NAMES))


@pytest.mark.parametrize(
    ("state", "why", "told"), [("draft", "", True), ("draft", "It was late.", False), ("submitted", "", False)]
)
def test_a_report_that_is_not_sent_yet_names_the_expense_that_needs_a_justification(
    state: str, why: str, told: bool
) -> None:
    warned = (Note("cap", "warn", "It is much."),)
    of = expense(state="in_report", report=3, notes=warned, details=replace(LUNCH, justification=why))
    assert ("E-12 needs a justification" in said(report_card(whole(of, state=state), POLICY, ANA, NAMES))) is told


def test_totals_by_category_and_currency_add_up_what_the_report_holds() -> None:
    taxi = replace(LUNCH, category="taxi", minor=500)
    shown = whole(expense(), expense(number=13), expense(number=14, details=taxi, home=Money(500, "EUR")))
    lines = said(report_card(shown, POLICY, DANA, NAMES)).splitlines()
    assert [line.split(": ")[0] + line[-4:] for line in lines if line.startswith(("Meals:", "Taxi:"))] == [
        "Meals (2)",
        "Taxi (1)",
    ]


def test_taking_out_names_report_version_and_expense() -> None:
    (row,) = [b for b in report_card(whole(expense()), POLICY, ANA, NAMES).blocks if b["type"] == "actions"]
    menu = row["elements"][1]
    assert subject(menu["options"][0]["value"]) == Subject("R", 3, 7, inside=12)


@given(st.sampled_from("ER"), st.integers(1, 10**9 - 1), st.integers(0, 10**6), st.none() | st.integers(1, 10**9 - 1))
def test_what_a_button_carries_is_read_back(kind: str, number: int, version: int, inside: int | None) -> None:
    value = buttons.carried(f"{kind}-{number}", version, f"E-{inside}" if inside else "")
    assert subject(value) == Subject(kind, number, version, inside or 0)


@given(st.text(max_size=20))
def test_anything_else_is_refused_as_a_subject(text: str) -> None:
    try:
        about = subject(text)
    except ValueError:
        return
    assert about.name.casefold() == text.split("|", maxsplit=1)[0].strip().casefold()


# -- the command ---------------------------------------------------------------------------------------------------------------------

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", Command("list")),
        ("  LIST ", Command("list")),
        ("list november", Command("list", date(2026, 11, 1), date(2026, 11, 30))),
        ("list Dec", Command("list", date(2025, 12, 1), date(2025, 12, 31))),
        ("list feb 2024", Command("list", date(2024, 2, 1), date(2024, 2, 29))),
        ("list 2026-11", Command("list", date(2026, 11, 1), date(2026, 11, 30))),
        ("list last month", Command("list", date(2026, 10, 1), date(2026, 10, 31))),
        ("list this month", Command("list", date(2026, 11, 1), date(2026, 11, 30))),
        ("list 2026-11-01 2026-11-15", Command("list", date(2026, 11, 1), date(2026, 11, 15))),
        ("list 2026-11-15 2026-11-01", Command("help")),
        ("list 2026-13", Command("help")),
        ("list nov 99999999999999999999", Command("help")),
        ("list something", Command("help")),
        ("new", Command("new")),
        ("report", Command("report")),
        ("report r-3", Command("show", report="R-3")),
        ("report E-3", Command("help")),
        ("report 3; drop", Command("help")),
        ("help", Command("help")),
    ],
)
def test_what_follows_the_command_is_read(text: str, wanted: Command) -> None:
    assert read_command(text, TODAY) == wanted


@given(st.text(max_size=40))
def test_no_text_behind_the_command_makes_it_raise(text: str) -> None:
    read_command(text, TODAY)
    read_command(f"list {text}", TODAY)


@settings(max_examples=15, deadline=None)
@given(st.lists(expenses, max_size=40), st.integers(0, 12), st.lists(wholes, max_size=12))
def test_a_list_has_at_most_thirty_lines_and_fits_into_a_message(
    some: list[Expense], sums: int, made: list[Any]
) -> None:
    total = Total("meals", Money(1840, "USD"), 2, Money(1700, "EUR"))
    found = Listing(tuple(some), len(some), (total,) * sums)
    lines = [ReportLine(w.report, w.total, len(w.expenses)) for w in made]
    text = listing_text(found, lines, POLICY, None, None)
    assert text.count("\n") < LISTED
    assert len(text) <= 3_000


def test_a_list_says_what_it_leaves_out_and_totals_are_over_all() -> None:
    total = Total("meals", Money(9_000, "USD"), 50, Money(8_000, "EUR"))
    some = tuple(expense(number=n) for n in range(1, 51))
    text = listing_text(Listing(some, 50, (total,)), (), POLICY, TODAY, TODAY)
    shown = text.count("E-")
    assert f"… and {50 - shown} more" in text
    assert text.startswith("*50 expenses, 22 Nov 2026 to 22 Nov 2026*")


def test_a_list_claims_no_worth_at_home_where_no_rate_is_known() -> None:
    totals = (
        Total("meals", Money(5_000, "KWD"), 1, Money(0, "EUR")),
        Total("taxi", Money(900, "USD"), 1, Money(800, "EUR")),
    )
    text = listing_text(Listing((), 2, totals), (), POLICY, None, None)
    assert [line for line in text.splitlines() if "5.000" in line] == ["Meals: KWD 5.000 (1)"]
    assert "Taxi: $9.00 = €8.00 (1)" in text


def test_times_are_shown_in_the_readers_zone() -> None:
    shown = whole(expense(), state="submitted", submitted_at=datetime(2026, 11, 20, 8, 30, tzinfo=UTC))
    assert "<!date^1795163400^{date_short_pretty}, {time}|20 Nov 2026 08:30 UTC>" in said(
        report_card(shown, POLICY, ANA, NAMES)
    )


def test_the_number_of_somebody_elses_expense_is_on_no_card() -> None:
    note = Note("duplicate", "block", "This receipt was handed in before; your approver will see it.")
    held = expense(state="duplicate_hold", twin=77, notes=(note,))
    card = expense_card(held, POLICY, "EUR")
    assert "77" not in str(card)
    assert note.text in str(card)
