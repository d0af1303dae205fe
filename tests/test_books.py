"""The books on both databases: what is kept, who sees it, what is refused and how, and what people are told of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.expenses.books.books import FILES
from bot.expenses.values import Draft, Money, Rate, Read, ReportState, TaxLine
from tests.books_world import (
    BOSS,
    FINANCE,
    OTHER,
    OWNER,
    SECOND,
    STRANGER,
    TODAY,
    World,
    anywhere,
    details,
    draft,
    original,
    refusal,
    whole_trail,
    world,
)

__all__ = ["anywhere", "world"]


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
        f"<@{SECOND}> approved R-1 “{report.title}”. {FILES}",
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
