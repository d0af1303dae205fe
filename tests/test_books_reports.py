"""Reports in the books: what goes into them, how they are sent, and who decides."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from bot import tables
from bot.expenses.values import Money
from tests.books_world import (
    BOSS,
    FINANCE,
    OTHER,
    OWNER,
    SECOND,
    World,
    anywhere,
    refusal,
    world,
)

__all__ = ["anywhere", "world"]


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
