"""The expense tools, as the journal calls them, over the books in a real database."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.access import Access
from bot.errors import ToolRefused
from bot.expenses.money.money import show
from bot.expenses.office import Office
from bot.expenses.profiles import Profiles
from bot.expenses.values import Money
from bot.models import DM_ROOT, By, Person, ThreadKey
from bot.places import Places
from bot.reading import Reading
from bot.sources import Sources
from bot.tools import Asking, Tool
from bot.tools.capture_expense import capture_expense
from bot.tools.change_expense import Change, change_expense
from bot.tools.expense_report import expense_report
from bot.tools.expenses import MEMBERS_ONLY, PRIVATE
from bot.tools.list_expenses import list_expenses
from playground.openai import script
from playground.openai.script import Script
from playground.slack.state import Person as Stranger
from playground.slack.state import make_id
from tests.asking import NO_SCHEDULING, asking
from tests.file_world import picture
from tests.library_world import World, world
from tests.receipt_answers import POLICY, answer, field, receipt
from tests.test_capture import Desk

__all__ = ["world"]

TOOLS = [capture_expense, list_expenses, change_expense, expense_report]
NO_CHANGE = dict.fromkeys(Change.model_fields)
ARGUMENTS: dict[str, dict[str, Any]] = {
    "capture_expense": {"files": [], "words": "taxi 18.40"},
    "list_expenses": {"since": None, "until": None, "category": None, "state": None},
    "change_expense": NO_CHANGE | {"expense": "E-1", "remove": True},
    "expense_report": {"do": "create", "report": None, "expenses": None, "title": None},
}
DAY = "2026-11-20"


class Ledger(Desk):
    """Ana's direct messages, with books behind them."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        boss = world.server.workspace.person("maria").id
        office = super().office
        office.books.policy = POLICY
        self._office = replace(
            office, policy=POLICY, approver=boss, profiles=Profiles(office.slack, "nobody has this one")
        )

    @property
    def office(self) -> Office:
        return self._office

    def asking(self, person: str = "ana", channel: str = "") -> Asking:
        ws = self.world.server.workspace
        sources = Sources(
            access=Access(Places(self.world.slack, self.world.redis)),
            reading=Reading(self.world.slack),
            library=self.library,
            drawn=self.drawn,
            office=self.office,
            scheduling=NO_SCHEDULING,
            spend=self.spent.append,
            note=lambda _text, _instead: None,
        )
        thread = ThreadKey(self.world.team, channel or ws.dm(person).id, DM_ROOT)
        who = Person(ws.person(person).id, person, "Europe/Berlin")
        asked = asking(self.world.database, who, thread, sources=sources)
        return replace(asked, question=replace(asked.question, files=tuple(self.given)))

    async def use(self, tool: Tool, person: str = "ana", channel: str = "", **arguments: Any) -> dict[str, Any]:
        """A call, as the journal makes it: what comes before its transaction, and then that."""
        asked, parsed = self.asking(person, channel), tool.parse(json.dumps(arguments))
        if not tool.effect:
            told: dict[str, Any] = await tool.run(parsed, asked)
            return told
        asked = replace(asked, known=await tool.before(parsed, asked) if tool.before else None)
        async with self.world.database.begin() as tx:
            told = await tool.run(parsed, replace(asked, transaction=tx))
        json.dumps(told)
        return told

    async def captured(self, *receipts: dict[str, Any], person: str = "ana") -> dict[str, Any]:
        """Expenses that were told in words, and what the model is told of them."""
        self.answers(answer(*receipts))
        return await self.use(
            capture_expense, person, files=[], words="LIDL 20.11.26 SUMME 18,40 EUR, then Bar 2,00, then 3,00"
        )

    async def change(self, expense: str = "E-1", person: str = "ana", **changes: Any) -> dict[str, Any]:
        arguments: dict[str, Any] = NO_CHANGE | {"expense": expense} | changes
        return await self.use(change_expense, person, **arguments)

    async def report(self, do: str, person: str = "ana", **more: Any) -> dict[str, Any]:
        return await self.use(
            expense_report, person, **({"do": do, "report": None, "expenses": None, "title": None} | more)
        )

    async def listed(self, person: str = "ana", **more: Any) -> dict[str, Any]:
        return await self.use(
            list_expenses, person, **({"since": None, "until": None, "category": None, "state": None} | more)
        )


@pytest.fixture
def ledger(world: World) -> Ledger:
    return Ledger(world)


# -- where ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", TOOLS, ids=lambda t: t.name)
async def test_where_others_read_along_nothing_is_done_or_told(ledger: Ledger, tool: Tool) -> None:
    channel = ledger.world.server.workspace.channel("general").id
    with pytest.raises(ToolRefused) as refused:
        await ledger.use(tool, channel=channel, **ARGUMENTS[tool.name])
    assert str(refused.value) == PRIVATE
    assert not ledger.world.ai.requests


@pytest.mark.parametrize("marks", [{"team_id": "T0OTHERCOM"}, {"deleted": True}])
@pytest.mark.parametrize("tool", TOOLS, ids=lambda t: t.name)
async def test_people_of_other_companies_have_no_expenses_here(
    ledger: Ledger, tool: Tool, marks: dict[str, Any]
) -> None:
    ws = ledger.world.server.workspace
    ws.add_person(Stranger(make_id("U", "sam"), "sam", "Sam", "", "Europe/Berlin", **marks))
    with pytest.raises(ToolRefused) as refused:
        await ledger.use(tool, "sam", **ARGUMENTS[tool.name])
    assert str(refused.value) == MEMBERS_ONLY
    assert not ledger.world.ai.requests


# -- capture --------------------------------------------------------------------------------------------------------------


async def test_what_is_captured_is_told_in_short_with_one_question(ledger: Ledger) -> None:
    told = await ledger.captured(receipt(), receipt(merchant=field(None)), receipt(total=field("20,00", 0.4)))
    assert [e["expense"] for e in told["kept"]] == ["E-1", "E-2", "E-3"]
    first = told["kept"][0]
    assert (first["merchant"], first["date"], first["amount"], first["category"]) == ("LIDL", DAY, "€18.40", "Meals")
    assert told["ask_now"]["about"] in ("E-2", "E-3")
    assert isinstance(told["ask_now"]["question"], str)
    assert "not repeat" in told["hint"]


async def test_a_receipts_original_is_in_the_books(ledger: Ledger) -> None:
    content = picture()
    ledger.share("lidl.png", content)
    ledger.answers(answer(receipt()))
    told = await ledger.use(capture_expense, files=["lidl.png"], words=None)
    assert [e["expense"] for e in told["kept"]] == ["E-1"]
    async with ledger.world.database.read() as tx:
        original = await ledger.office.books.original(tx, By(ledger.world.team, ledger.person.id), 1)
    assert original
    assert (original.content, original.name) == (content, "lidl.png")


async def test_what_was_not_kept_is_said_beside_what_was(ledger: Ledger) -> None:
    ledger.share("good.png", picture())
    ledger.answers(answer(receipt()))
    told = await ledger.use(capture_expense, files=["good.png", "lost.png"], words=None)
    assert len(told["kept"]) == 1
    assert told["not_kept"][0].startswith("lost.png: ")


async def test_the_same_receipt_again_is_asked_about_as_a_duplicate(ledger: Ledger) -> None:
    ledger.share("lidl.png", picture())
    for _ in range(2):
        ledger.answers(answer(receipt()))
        told = await ledger.use(capture_expense, files=["lidl.png"], words=None)
    assert told["kept"][0]["state"] == "duplicate_hold"
    assert "same one" in told["ask_now"]["question"]
    kept = await ledger.change("E-2", keep_both=True)
    assert kept["changed"]["state"] != "duplicate_hold"


# -- change ---------------------------------------------------------------------------------------------------------------


async def test_the_same_value_again_settles_a_doubt(ledger: Ledger) -> None:
    told = await ledger.captured(receipt(total=field("18,40", 0.4)))
    assert told["ask_now"]["question"].startswith("I read a total of €18.40")
    told = await ledger.change(amount="18.40")
    assert told["changed"]["state"] == "ready"
    assert "ask_now" not in told


async def test_a_currency_that_was_missing_is_all_it_takes_to_read_the_amount(ledger: Ledger) -> None:
    ledger.share("lidl.png", picture())
    ledger.answers(answer(receipt(currency=field(None))))
    told = await ledger.use(capture_expense, files=["lidl.png"], words=None)
    assert told["ask_now"]["question"] == "In which currency is the total of 18,40?"
    assert (await ledger.change(currency="eur"))["changed"]["amount"] == "€18.40"


async def test_each_field_can_be_changed_in_words(ledger: Ledger) -> None:
    await ledger.captured(receipt())
    told = await ledger.change(
        amount="1.234,50", currency="USD", date="2026-11-19", category="Taxi and ride", merchant="Yellow Cab", purpose="client",
        justification="late", attendees=["Kim ", " "], city="New York", payment="company", tip="2", rate="0,9",
    )  # fmt: skip
    shown = told["changed"]
    assert (shown["amount"], shown["date"], shown["merchant"], shown["category"]) == (
        "$1,234.50",
        "2026-11-19",
        "Yellow Cab",
        "Taxi and ride",
    )
    async with ledger.world.database.read() as tx:
        expense = await ledger.office.books.expense(tx, By(ledger.world.team, ledger.person.id), 1)
    details = expense.details
    assert (details.attendees, details.city, details.payment, details.tip_minor) == (
        ("Kim",),
        "New York",
        "company",
        200,
    )
    assert details.rate
    assert (str(details.rate.value), details.rate.source) == ("0.9", ledger.person.id)
    assert expense.home == Money(111105, "EUR")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({}, "Nothing was given"),
        ({"amount": "1.234"}, "1,234|1.234"),
        ({"amount": "lots"}, "amount"),
        ({"currency": "BTX"}, "no|not"),
        ({"currency": "JPY"}, "Give the amount in JPY too"),
        ({"date": "yesterday"}, "YYYY-MM-DD"),
        ({"category": "yachts"}, "there are: meals"),
        ({"rate": "-1"}, "rate"),
        ({"rate": "NaN"}, "rate"),
        ({"expense": "R-1"}, "E-12"),
        ({"expense": "E-99", "merchant": "x"}, "E-99"),
    ],
)
async def test_what_cannot_be_taken_is_refused_with_what_to_do(
    ledger: Ledger, changes: dict[str, Any], word: str
) -> None:
    await ledger.captured(receipt())
    before = await ledger.listed()
    with pytest.raises(ToolRefused, match=word):
        await ledger.change(**changes)
    assert await ledger.listed() == before


async def test_an_expense_is_removed(ledger: Ledger) -> None:
    await ledger.captured(receipt())
    assert (await ledger.change(remove=True))["changed"]["state"] == "discarded"
    assert (await ledger.listed())["count"] == 0


async def test_nobody_changes_or_sees_anothers_expense_and_it_is_as_if_it_were_not_there(ledger: Ledger) -> None:
    await ledger.captured(receipt())
    words = set()
    for name in ("E-1", "E-99"):
        with pytest.raises(ToolRefused) as refused:
            await ledger.change(name, "raj", merchant="mine")
        words.add(str(refused.value).replace(name, "E"))
    assert len(words) == 1
    assert (await ledger.listed("raj"))["count"] == 0


# -- lists and reports ----------------------------------------------------------------------------------------------------


async def test_a_list_has_totals_by_category_and_what_is_to_be_asked(ledger: Ledger) -> None:
    await ledger.captured(
        receipt(),
        receipt(merchant=field("Bar"), total=field("2,00")),
        receipt(merchant=field(None), total=field("3,00")),
    )
    told = await ledger.listed()
    assert [e["expense"] for e in told["expenses"]] == ["E-3", "E-2", "E-1"]
    assert told["totals"] == [{"category": "Meals", "count": 3, "total": "€23.40"}]
    assert told["expenses"][0]["to_be_asked"] == ["merchant"]
    assert (await ledger.listed(state="ready"))["count"] == 2
    assert (await ledger.listed(since="2026-11-21"))["count"] == 0
    assert (await ledger.listed(category="taxi"))["count"] == 0


async def test_a_report_goes_to_its_approver_and_back(ledger: Ledger) -> None:
    await ledger.captured(receipt(), receipt(merchant=field("Bar"), total=field("2,00"), tax=[]))
    made = (await ledger.report("create", title="Trip"))["create"]
    assert (made["report"], made["title"], made["state"], made["total"]) == ("R-1", "Trip", "draft", "€20.40")
    taken = await ledger.report("take_out", report="R-1", expenses=["E-2"])
    assert taken["take_out"]["total"] == "€18.40"
    assert (await ledger.report("add", report="R-1", expenses=["e2"]))["add"]["total"] == show(Money(2040, "EUR"))
    sent = await ledger.report("submit", report="R-1")
    assert sent["submit"]["state"] == "submitted"
    assert (await ledger.listed(state="submitted"))["count"] == 2
    assert (await ledger.listed(state="draft"))["count"] == 0
    assert len(sent["approvers_in_turn"]) == 1
    (waits,) = (await ledger.listed("maria"))["waiting_for_the_askers_decision"]
    assert (waits["report"], waits["of"]) == ("R-1", ledger.person.id)
    assert (await ledger.report("show", "maria", report="R-1"))["show"]["total"] == "€20.40"
    assert (await ledger.report("withdraw", report="R-1"))["withdraw"]["state"] == "withdrawn"


async def test_a_report_of_all_that_is_ready_says_what_is_not(ledger: Ledger) -> None:
    await ledger.captured(receipt(), receipt(merchant=field(None), total=field("3,00")), receipt())
    told = await ledger.report("create")
    assert told["create"]["total"] == "€18.40"
    assert told["left_out"] == {"E-2": "needs_info", "E-3": "duplicate_hold"}


async def test_a_report_without_its_name_or_expenses_is_asked_for(ledger: Ledger) -> None:
    for do in ("add", "submit", "withdraw", "show", "take_out"):
        with pytest.raises(ToolRefused, match="Say which"):
            await ledger.report(do)


async def test_no_words_approve(ledger: Ledger) -> None:
    await ledger.captured(receipt())
    await ledger.report("create")
    await ledger.report("submit", report="R-1")
    for do in ("approve", "reject", "send_back", "export"):
        with pytest.raises(ToolRefused, match="do:"):
            await ledger.report(do, "maria", report="R-1")
    with pytest.raises(ToolRefused):
        await ledger.report("withdraw", "maria", report="R-1")
    assert (await ledger.listed())["reports"][0]["state"] == "submitted"


async def test_what_the_books_refuse_is_told_in_their_words_and_nothing_is_changed(ledger: Ledger) -> None:
    await ledger.captured(receipt(merchant=field(None)))
    with pytest.raises(ToolRefused, match="E-1"):
        await ledger.report("create", expenses=["E-1"])
    assert (await ledger.listed())["reports"] == []


async def test_openai_away_leaves_nothing_behind(ledger: Ledger) -> None:
    ledger.world.ai.script = Script(script.http_error(503))
    with pytest.raises(ToolRefused, match="Ask again"):
        await ledger.use(capture_expense, files=[], words="taxi 18.40")
    assert (await ledger.listed())["count"] == 0
