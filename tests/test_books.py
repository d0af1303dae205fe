"""The books on both databases: what is kept, who sees it, what is refused and how, and what people are told of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from bench.expenses import measure
from bot import tables
from bot.errors import ExpenseRefused
from bot.expenses.audit import verify
from bot.expenses.values import Details, Draft, Expense, Money, Rate, Read, ReportState, TaxLine
from tests.books_world import (
    BOSS,
    FINANCE,
    OTHER,
    OWNER,
    SECOND,
    STRANGER,
    TODAY,
    World,
    details,
    draft,
    opened,
    original,
)  # fmt: skip


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    async with opened(sqlite_url) as world:
        yield world


@pytest.fixture
async def anywhere(url: str) -> AsyncIterator[World]:
    """On SQLite, and on PostgreSQL."""
    async with opened(url) as world:
        yield world


async def whole_trail(world: World) -> bool:
    async with world.database.read() as connection:
        return await verify(connection, world.team) == []


async def refusal(world: World, method: str, *args: Any, by: str = OWNER, **more: Any) -> str:
    """What somebody is told; nothing may have been written."""
    before = await world.dump()
    with pytest.raises(ExpenseRefused) as caught:
        await world.do(method, *args, by=by, **more)
    assert await world.dump() == before
    return str(caught.value)


# -- the whole way -----------------------------------------------------------------------------------------------------------


async def test_an_expense_goes_all_the_way_to_being_paid(anywhere: World) -> None:
    world = anywhere
    report = (await world.submitted(BOSS, SECOND, count=3)).report
    assert (report.number, report.name, report.approver, report.version) == (1, "R-1", BOSS, 2)
    first = await world.do("approve", 1, 2, by=BOSS)
    assert (first.report.state, first.report.approver) == ("submitted", SECOND)
    whole = await world.do("approve", 1, 3, by=SECOND)
    assert (whole.report.state, whole.report.decided_by, len(whole.expenses)) == ("approved", SECOND, 3)
    assert whole.total == Money(sum(e.home.minor for e in whole.expenses), "EUR")
    await world.do("export", [1], by=FINANCE)
    await world.do("pay", [1], by=FINANCE)
    assert (await world.do("report", 1)).report.state == "paid"
    assert await whole_trail(world)
    told = await world.outgoing(OWNER)
    assert ("card", "R-1", "") in told
    assert {("file", "R-1", form) for form in ("pdf", "xlsx", "csv")} <= set(told)
    assert [text for kind, _, text in told if kind == "word"] == [
        f"<@{SECOND}> approved R-1 “{report.title}”.",
        f"R-1 “{report.title}” was paid.",
    ]
    for approver in (BOSS, SECOND):
        assert await world.outgoing(approver) == [("card", "R-1", ""), ("file", "R-1", "pdf")]


async def test_what_is_kept_comes_back_as_it_was(anywhere: World) -> None:
    every = details(
        1,
        tax=(TaxLine("19", 219), TaxLine("", 3)),
        tip_minor=100,
        attendees=("Ann 😀", "王伟"),
        purpose="=HYPERLINK(…)\nof two lines",
        justification="it’s a client",
        minor=9_999_999_999,
    )
    read = {"minor": Read("99.999.999,99", 0.4, "SUMME 99.999.999,99")}
    given = Draft(
        details=every, source="file", read=read, receipt=(file := original(b"%PDF")).sha256, doubts=("minor",)
    )
    kept = await anywhere.do("capture", given, file)
    assert (kept.details, kept.read, kept.doubts, kept.asks) == (every, read, ("minor",), ("minor",))
    assert (kept.state, kept.home, kept.version) == ("needs_info", Money(9_999_999_999, "EUR"), 1)
    assert await anywhere.do("expense", 1) == kept
    assert await anywhere.do("original", 1) == file


async def test_a_word_of_control_characters_and_unheard_of_length_is_kept_cleaned(anywhere: World) -> None:
    kept = await anywhere.expense(merchant="Caf\x00é\x1b[31m\ud800 " + "x" * 5000, purpose="two\nlines\x00")
    assert kept.details.merchant.startswith("Caf é [31m")
    assert len(kept.details.merchant) <= 200
    assert kept.details.purpose == "two\nlines"


# -- one's own, and others' --------------------------------------------------------------------------------------------------


async def test_what_is_somebody_elses_is_refused_like_what_is_not_there(world: World) -> None:
    await world.submitted()
    for person in (OTHER, STRANGER, SECOND):
        for method, number, name in (("expense", 1, "E-1"), ("original", 1, "E-1"), ("report", 1, "R-1")):
            theirs = await refusal(world, method, number, by=person)
            nothing = await refusal(world, method, 999, by=person)
            assert theirs.replace(name, "") == nothing.replace(f"{name[0]}-999", "")
    for person in (OWNER, BOSS, FINANCE):
        assert (await world.do("expense", 1, by=person)).number == 1
        assert (await world.do("report", 1, by=person)).report.number == 1


@pytest.mark.parametrize(
    ("method", "args"),
    [
        ("change", (1, None, {"purpose": "x"})),
        ("remove", (1, None)),
        ("keep_both", (1, None)),
        ("add", (1, None, [1])),
        ("take_out", (1, None, [1])),
        ("submit", (1, None, [SECOND])),
        ("withdraw", (1, None)),
        ("approve", (1, 2)),
        ("send_back", (1, 2, "why")),
        ("reject", (1, 2, "why")),
        ("hand_over", (1, 2, SECOND)),
        ("export", ([1],)),
        ("pay", ([1],)),
    ],
)
async def test_nobody_does_anything_to_what_was_not_sent_to_them(world: World, method: str, args: Any) -> None:
    await world.submitted()
    assert "may see" in await refusal(world, method, *args, by=STRANGER)


async def test_another_workspace_with_the_same_people_and_numbers_sees_and_changes_nothing(world: World) -> None:
    await world.submitted()
    there = World(world.database, world.books, "T2")
    before = await world.dump()
    assert (await there.do("find")).count == 0
    assert await there.do("reports") == await there.do("waiting", by=BOSS) == ()
    for method, args, person in (("report", (1,), OWNER), ("approve", (1, 2), BOSS), ("original", (1,), FINANCE)):
        assert "may see" in await refusal(there, method, *args, by=person)
    await there.approved()
    assert {e.number for e in (await there.do("find")).expenses} == {1, 2}
    assert await there.at(lambda tx: world.books.decided(tx, "T1", TODAY, TODAY, ["approved"])) == ()
    assert await world.dump() == before
    assert await whole_trail(there)


async def test_an_approver_sees_of_a_report_that_was_sent_back_what_they_were_sent(world: World) -> None:
    await world.submitted()
    await world.do("send_back", 1, 2, "More about E-1, please", by=BOSS)
    await world.do("change", 1, None, {"purpose": "something private"})
    await world.do("add", 1, None, [(await world.expense()).number])
    seen = await world.do("report", 1, by=BOSS)
    assert ([e.number for e in seen.expenses], seen.report.state) == ([2], "changes_requested")
    assert seen.total == seen.expenses[0].home
    for number in (1, 3):
        assert "may see" in await refusal(world, "expense", number, by=BOSS)
    assert len((await world.do("report", 1)).expenses) == len((await world.do("report", 1, by=FINANCE)).expenses) == 3


async def test_the_second_approver_sees_a_report_when_it_is_their_turn(world: World) -> None:
    await world.submitted(BOSS, SECOND)
    assert "may see" in await refusal(world, "report", 1, by=SECOND)
    await world.do("approve", 1, 2, by=BOSS)
    assert (await world.do("report", 1, by=SECOND)).report.approver == SECOND
    assert [line.report.number for line in await world.do("waiting", by=SECOND)] == [1]
    assert await world.do("waiting", by=BOSS) == ()


async def test_others_expenses_are_listed_for_finance_alone(world: World) -> None:
    await world.expense(OTHER)
    assert (await world.do("find", owner=OTHER, by=FINANCE)).count == 1
    assert (await world.do("find", by=FINANCE)).count == 0
    for person in (OWNER, BOSS):
        assert "your own" in await refusal(world, "find", owner=OTHER, by=person)


# -- what is found -----------------------------------------------------------------------------------------------------------


async def test_expenses_are_found_by_day_category_and_state_with_totals_over_all(anywhere: World) -> None:
    world = anywhere
    for n, (amount, currency) in enumerate([(100, "EUR"), (250, "EUR"), (5, "USD"), (None, "EUR")]):
        await world.expense(minor=amount, currency=currency, spent_on=TODAY - timedelta(days=5 * n))
    gone = await world.expense()
    await world.do("remove", gone.number, None)
    found = await world.do("find", most=1)
    assert (found.count, [e.number for e in found.expenses]) == (4, [1])
    assert [(t.category, t.money, t.count, t.home) for t in found.totals] == [
        ("meals", Money(350, "EUR"), 2, Money(350, "EUR")),
        ("meals", Money(5, "USD"), 1, Money(0, "EUR")),
    ]
    span = await world.do("find", since=TODAY - timedelta(days=10), until=TODAY - timedelta(days=5))
    assert [e.number for e in span.expenses] == [2, 3]
    assert (await world.do("find", category="lodging")).count == 0
    assert [e.number for e in (await world.do("find", state="discarded")).expenses] == [gone.number]
    unfinished = {e.number for e in (await world.do("find", state="needs_info")).expenses}
    assert 4 in unfinished <= {3, 4}  # 3 has no exchange rate
    await world.do("open_report", "", [1])
    assert [e.number for e in (await world.do("find", state="draft")).expenses] == [1]
    assert "There is no such state" in await refusal(world, "find", state="lost")


async def test_decided_reports_are_found_by_the_day_of_their_approval(anywhere: World) -> None:
    world = anywhere
    await world.approved()
    await world.submitted()
    day, ago = timedelta(days=1), TODAY - timedelta(days=9)
    cases: list[tuple[date, date, list[ReportState], list[int]]] = [
        (ago, TODAY + day, ["approved"], [1]),
        (ago, TODAY - day, ["approved"], []),
        (ago, TODAY + day, ["exported"], []),
    ]
    for since, until, states, found in cases:
        async with world.database.read() as tx:
            wholes = await world.books.decided(tx, "T1", since, until, states)
        assert [w.report.number for w in wholes] == found
        assert all(w.total.minor == sum(e.home.minor for e in w.expenses if e.home) > 0 for w in wholes)


async def test_reports_are_listed_with_their_totals(anywhere: World) -> None:
    world = anywhere
    wholes = [await world.draft_report(), await world.submitted(count=1), await world.draft_report(0)]
    lines = await world.do("reports")
    assert [(x.report, x.total, x.count) for x in lines] == [(w.report, w.total, len(w.expenses)) for w in wholes[::-1]]
    assert [x.report.number for x in await world.do("reports", states=["submitted"])] == [2]
    assert len(await world.do("reports", most=1)) == 1


# -- changing expenses -------------------------------------------------------------------------------------------------------


async def test_what_is_doubtful_is_asked_about_until_it_is_given(world: World) -> None:
    kept = await world.do("capture", replace(draft(1, merchant=""), doubts=("minor",)))
    assert (kept.state, kept.asks) == ("needs_info", ("merchant", "minor"))
    kept = await world.do("change", 1, 1, {"merchant": "Lidl"})
    assert (kept.asks, kept.version) == (("minor",), 2)
    kept = await world.do("change", 1, 2, {"minor": kept.details.minor})
    assert (kept.state, kept.asks, kept.doubts, kept.version) == ("ready", (), (), 3)
    assert await world.do("change", 1, 3, {"minor": kept.details.minor}) == kept  # nothing new is no change


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"owner": OTHER}, "no field called owner"),
        ({"category": "yachts"}, "no such category"),
        ({"payment": "bribe"}, "company card"),
        ({"minor": 10**14}, "larger than I can keep"),
        ({"minor": "12"}, "could not read"),
        ({"minor": True}, "could not read"),
        ({"spent_on": "2026-11-01"}, "could not read"),
        ({"merchant": None}, "could not read"),
        ({"attendees": ["Ann"]}, "could not read"),
        ({"rate": Rate(Decimal(0), TODAY, "")}, "above 0"),
        ({"rate": Rate(Decimal("NaN"), TODAY, "")}, "could not read"),
    ],
)
async def test_what_is_no_value_of_a_field_is_refused_in_words(world: World, changes: Any, said: str) -> None:
    await world.expense()
    assert said in await refusal(world, "change", 1, None, changes)


async def test_a_rate_that_somebody_gives_is_theirs_until_the_currency_changes(world: World) -> None:
    kept = await world.expense(currency="USD", minor=1000)
    assert (kept.home, kept.details.rate) == (None, None)
    kept = await world.do("change", 1, 1, {"rate": Rate(Decimal("0.92"), TODAY, "ECB")})
    assert kept.details.rate == Rate(Decimal("0.92"), TODAY, OWNER)
    assert kept.home is not None
    assert kept.home.currency == "EUR"
    moved = await world.do("change", 1, 2, {"spent_on": TODAY - timedelta(days=3), "minor": 2000})
    assert moved.details.rate == kept.details.rate
    moved = await world.do("change", 1, 3, {"currency": "GBP"})
    assert (moved.details.rate, moved.home) == (None, None)
    home = await world.do("change", 1, 4, {"currency": "EUR"})
    assert (home.details.rate, home.home) == (None, Money(2000, "EUR"))


async def test_a_removed_expense_is_gone_for_good_and_leaves_its_draft(world: World) -> None:
    whole = await world.draft_report()
    gone = await world.do("remove", 1, None)
    assert (gone.state, gone.report) == ("discarded", None)
    after = await world.do("report", 1)
    assert ([e.number for e in after.expenses], after.report.version) == ([2], whole.report.version + 1)
    assert await refusal(world, "remove", 1, gone.version) == "E-1 was removed."
    assert "was removed" in await refusal(world, "change", 1, None, {"city": "Bonn"})


async def test_an_edit_takes_a_submitted_report_back_from_its_approver_and_tells_them(world: World) -> None:
    await world.submitted()
    await world.do("change", 1, None, {"purpose": "Dinner with another client"})
    report = (await world.do("report", 1)).report
    assert (report.state, report.approver, report.version) == ("withdrawn", "", 3)
    words = [text for kind, _, text in await world.outgoing(BOSS) if kind == "word"]
    assert words == [f"<@{OWNER}> took R-1 back: E-1 in it was changed. There is nothing to decide now."]
    assert "R-1 was withdrawn" in await refusal(world, "approve", 1, 2, by=BOSS)
    again = await world.do("submit", 1, 3, [BOSS])
    assert again.report.state == "submitted"
    assert f"<@{OWNER}> sent R-1 again" in (await world.outgoing(BOSS))[-1][2]


@pytest.mark.parametrize("method", ["change", "remove"])
async def test_what_is_settled_stays_as_it_is(world: World, method: str) -> None:
    await world.approved()
    args = ({"city": "Bonn"},) if method == "change" else ()
    said = await refusal(world, method, 1, None, *args)
    assert f"R-1 was approved by <@{BOSS}> on " in said
    assert "cannot be changed any more" in said


async def test_a_version_that_is_not_the_present_one_is_refused(world: World) -> None:
    await world.submitted()
    for version in (0, 1, 3):
        for method, more in (("approve", ()), ("reject", ("no",)), ("send_back", ("no",)), ("hand_over", (SECOND,))):
            assert "changed since you saw it" in await refusal(world, method, 1, version, *more, by=BOSS)
        assert "changed since you saw it" in await refusal(world, "withdraw", 1, version)
    await world.do("withdraw", 1, 2)
    assert "changed since you saw it" in await refusal(world, "change", 1, 1, {"city": "Bonn"})
    assert "changed since you saw it" in await refusal(world, "submit", 1, 2, [BOSS])


# -- reports -----------------------------------------------------------------------------------------------------------------


async def test_a_report_takes_all_that_is_ready_and_is_named_by_its_month(world: World) -> None:
    for _ in range(3):
        await world.expense()
    await world.expense(merchant="")
    await world.expense(OTHER)
    whole = await world.do("open_report", " ", None)
    newest = max(e.details.spent_on for e in whole.expenses)
    assert whole.report.title == f"Expenses {newest:%B} {newest.year}"
    assert {e.number for e in whole.expenses} == {1, 2, 3}
    assert {e.state for e in whole.expenses} == {"in_report"}
    assert "no expenses that are ready" in await refusal(world, "open_report", "", None)


async def test_only_ones_own_that_are_ready_go_into_a_report(world: World) -> None:
    await world.draft_report(1)
    await world.expense(merchant="")
    gone = await world.expense()
    await world.do("remove", gone.number, None)
    await world.expense(OTHER)
    said = await refusal(world, "add", 1, None, [1, 2, 3])
    assert said.splitlines() == [
        "E-1 is in R-1 already.",
        "E-2 is not complete: merchant is missing or doubtful.",
        "E-3 was removed.",
    ]
    assert "may see" in await refusal(world, "add", 1, None, [4])
    assert "does not have E-2" in await refusal(world, "take_out", 1, None, [2])
    out = await world.do("take_out", 1, None, [1])
    assert (out.expenses, out.total) == ((), Money(0, "EUR"))
    assert (await world.do("expense", 1)).state == "ready"


async def test_finance_cannot_put_others_expenses_into_a_report(world: World) -> None:
    await world.expense(OTHER)
    assert f"is <@{OTHER}>'s" in await refusal(world, "open_report", "", [1], by=FINANCE)


async def test_a_report_has_at_most_200_expenses(world: World) -> None:
    numbers = [(await world.expense()).number for _ in range(201)]
    assert "at most 200" in await refusal(world, "open_report", "", numbers)
    whole = await world.do("open_report", "", None)
    assert len(whole.expenses) == 200
    left = (await world.do("find", state="ready")).expenses[0]
    assert "at most 200" in await refusal(world, "add", 1, None, [left.number])


async def test_what_stands_in_the_way_of_submitting_is_told_at_once(world: World) -> None:
    whole = await world.draft_report(2)
    await world.do("change", 1, None, {"merchant": ""})
    said = await refusal(world, "submit", 1, None, [])
    assert said.startswith("R-1 cannot be submitted yet:\n")
    assert "• E-1 is not complete: merchant is missing or doubtful." in said
    assert "• Nobody is known who approves it." in said
    await world.do("change", 1, None, {"merchant": "Lidl"})
    assert "Nobody approves their own" in await refusal(world, "submit", 1, None, [BOSS, OWNER])
    assert "no expenses yet" in await refusal(
        world, "submit", (await world.draft_report(0)).report.number, None, [BOSS]
    )
    assert (await world.do("submit", 1, None, [BOSS, BOSS])).report.approvers == (BOSS,)
    assert whole.report.approvers == ()


async def test_an_amount_reckoned_in_another_home_currency_is_not_submitted(world: World) -> None:
    await world.draft_report()
    world.books.home = "CHF"
    said = await refusal(world, "submit", 1, None, [BOSS])
    assert all(f"E-{n}" in said for n in (1, 2))
    assert "exchange rate" in said


# -- decisions ---------------------------------------------------------------------------------------------------------------


async def test_a_second_press_does_nothing_and_says_so(world: World) -> None:
    await world.submitted(BOSS, SECOND)
    await world.do("approve", 1, 2, by=BOSS)
    assert await refusal(world, "approve", 1, 2, by=BOSS) == f"You approved R-1 already; now it waits for <@{SECOND}>."
    await world.do("approve", 1, 3, by=SECOND)
    assert await refusal(world, "approve", 1, 3, by=SECOND) == "You approved R-1 already."
    assert f"R-1 was approved by <@{SECOND}>" in await refusal(world, "approve", 1, 2, by=BOSS)
    await world.submitted()
    await world.do("send_back", 2, 2, "no", by=BOSS)
    assert await refusal(world, "send_back", 2, 2, "no", by=BOSS) == "You sent R-2 back already."


@pytest.mark.parametrize("method", ["send_back", "reject"])
async def test_who_declines_says_why_and_the_owner_is_told(world: World, method: str) -> None:
    await world.submitted()
    assert "Please say why" in await refusal(world, method, 1, 2, " \n\t", by=BOSS)
    whole = await world.do(method, 1, 2, "Too <dear> & *late*", by=BOSS)
    assert (whole.report.reason, whole.report.decided_by) == ("Too <dear> & *late*", BOSS)
    (word,) = [text for kind, _, text in await world.outgoing(OWNER) if kind == "word"]
    assert word.startswith(f"<@{BOSS}> ")
    assert "Too &lt;dear&gt; &amp; *late*" in word


async def test_a_rejected_report_keeps_its_expenses_for_good(world: World) -> None:
    await world.submitted()
    await world.do("reject", 1, 2, "private", by=BOSS)
    assert {e.report for e in (await world.do("report", 1)).expenses} == {1}
    for method, args in (("submit", ([BOSS],)), ("withdraw", ()), ("take_out", ([1],))):
        assert "R-1 was rejected" in await refusal(world, method, 1, None, *args)
    assert "cannot be changed any more" in await refusal(world, "remove", 1, None)


async def test_nobody_decides_on_their_own_expenses_by_no_way(world: World) -> None:
    await world.submitted(FINANCE, owner=BOSS)
    for method, more in (("approve", ()), ("send_back", ("x",)), ("reject", ("x",)), ("hand_over", (OTHER,))):
        assert "their own expenses" in await refusal(world, method, 1, 2, *more, by=BOSS)
    assert "their own expenses" in await refusal(world, "hand_over", 1, 2, BOSS, by=FINANCE)
    await world.at(lambda tx: tx.execute(update(tables.reports).values(approvers=BOSS, approver=BOSS)))
    assert "their own expenses" in await refusal(world, "approve", 1, 2, by=BOSS)


async def test_a_report_is_handed_over_to_somebody_who_then_decides(world: World) -> None:
    await world.submitted(BOSS, SECOND)
    for to, said in (("", "who is to decide"), ("<!here>", "who is to decide"), (BOSS, "already"), (SECOND, "already")):
        assert said in await refusal(world, "hand_over", 1, 2, to, by=BOSS)
    whole = await world.do("hand_over", 1, 2, OTHER, by=FINANCE)
    assert (whole.report.approvers, whole.report.approver, whole.report.version) == ((OTHER, SECOND), OTHER, 3)
    assert await world.outgoing(OTHER) == [("card", "R-1", ""), ("file", "R-1", "pdf")]
    assert "may see" in await refusal(world, "approve", 1, 3, by=BOSS)
    assert (await world.do("approve", 1, 3, by=OTHER)).report.approver == SECOND


async def test_a_reminder_is_said_once_a_day_and_leaves_buttons_good(world: World) -> None:
    await world.submitted()
    for _ in range(2):
        await world.at(lambda tx: world.books.remind(tx, "T1", 1))
    words = [text for kind, _, text in await world.outgoing(BOSS) if kind == "word"]
    assert len(words) == 1
    assert "waits for your decision" in words[0]
    assert (await world.do("approve", 1, 2, by=BOSS)).report.reminded_at is not None
    before = await world.dump()
    await world.at(lambda tx: world.books.remind(tx, "T1", 1))
    assert await world.dump() == before


async def test_finance_alone_exports_what_is_approved_and_pays_what_is_exported(world: World) -> None:
    await world.approved()
    await world.submitted()
    for method in ("export", "pay"):
        assert "Only finance" in await refusal(world, method, [1], by=OWNER)
        assert "waits for" in await refusal(world, method, [1, 2] if method == "export" else [2], by=FINANCE)
    assert "Only exported" in await refusal(world, "pay", [1], by="cli")
    await world.do("export", [1, 1], by="cli")
    await world.do("pay", [1], by=FINANCE)
    assert "and paid" in await refusal(world, "pay", [1], by=FINANCE)


# -- once, and at once ---------------------------------------------------------------------------------------------------------


async def test_a_form_that_is_stored_again_keeps_one_expense(world: World) -> None:
    assert not await world.do("done", cause="form-1")
    kept = await world.do("capture", draft(1), cause="form-1")
    assert await world.do("done", cause="form-1")
    before = await world.dump()
    assert await world.do("capture", draft(1), cause="form-1") == kept
    assert await world.dump() == before
    assert not await world.do("done")  # a tool's: the journal knows


async def test_several_receipts_in_one_file_share_its_original(world: World) -> None:
    file = original(b"two receipts")
    drafts = [Draft(details=details(n), source="file", receipt=file.sha256, part=n) for n in range(2)]
    kept = [await world.do("capture", d, file, cause="form-1") for d in drafts]
    assert [e.number for e in kept] == [1, 2]
    assert len((await world.dump())["receipts"]) == 1
    with pytest.raises(ValueError, match="not there"):
        await world.do("capture", replace(drafts[0], receipt="0" * 64), None)


async def test_a_name_that_another_owner_gave_the_same_file_is_not_told(world: World) -> None:
    for owner, name in ((OWNER, "divorce lawyer.pdf"), (OTHER, "scan.pdf")):
        given = Draft(details=details(len(owner)), source="file", receipt=original(b"same").sha256)
        await world.do("capture", given, original(b"same", name), by=owner)
    assert (await world.do("original", 2, by=OTHER)).name == "scan.pdf"
    assert (await world.do("original", 1)).name == "divorce lawyer.pdf"


async def test_a_refusal_inside_a_transaction_that_goes_on_leaves_nothing_half_done(world: World) -> None:
    await world.draft_report()

    async def work(tx: Any) -> Expense:
        with pytest.raises(ExpenseRefused):
            await world.books.add(tx, world.by(), 1, None, [1, 999])
        return await world.books.capture(tx, world.by(), draft(50))

    assert (await world.at(work)).number == 3
    assert (await world.do("report", 1)).report.version == 1
    assert await whole_trail(world)


async def test_two_who_approve_at_once_are_told_apart(anywhere: World) -> None:
    world = anywhere
    await world.submitted()
    pressing = (world.do("approve", 1, 2, by=BOSS) for _ in range(5))
    done = await asyncio.gather(*pressing, return_exceptions=True)
    refused = [str(d) for d in done if isinstance(d, ExpenseRefused)]
    assert refused == ["You approved R-1 already."] * 4
    assert [r["action"] for r in (await world.dump())["expense_events"]].count("approved") == 1


async def test_captures_at_once_get_numbers_without_gaps_also_in_a_new_workspace(anywhere: World) -> None:
    world = anywhere
    keeping = (world.do("capture", draft(n), by=f"U{n % 3}") for n in range(12))
    kept = await asyncio.gather(*keeping)
    assert sorted(e.number for e in kept) == list(range(1, 13))
    assert await whole_trail(world)
    assert (await world.dump())["expense_books"][0]["last_event"] == 12


async def test_details_may_be_all_unknown(anywhere: World) -> None:
    kept = await anywhere.do("capture", Draft(details=Details(), source="words"))
    assert (kept.state, kept.home) == ("needs_info", None)
    assert (await anywhere.do("find")).count == 1


async def test_the_benchmark_runs(sqlite_url: str) -> None:
    figures = dict(await measure(sqlite_url, 210, 1))
    assert len(figures) == 13
    assert all(ms and min(ms) > 0 for ms in figures.values())
