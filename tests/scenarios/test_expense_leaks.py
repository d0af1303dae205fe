"""Expenses are their owner's, and of those whom they were sent to: a model that calls every tool for every kind of asker about everybody's expenses, wherever that person may write."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import select

from bot import tables
from bot.database import Database, default_url, open_database
from bot.expenses.books.books import Books
from bot.expenses.money.rates import Rates
from bot.expenses.policy.policy import load_policy
from bot.expenses.values import Draft
from bot.models import By
from bot.settings import Settings
from bot.tools.change_expense import Change
from bot.tools.expenses import MEMBERS_ONLY, PRIVATE
from playground.openai import OpenAIServer, Script, calls, text
from playground.slack import SlackServer
from playground.slack.state import Person, make_id
from tests.access_world import populate
from tests.books_world import details, original
from tests.conftest import connected, running
from tests.scenarios.expense_seen import messages
from tests.scenarios.seen import answers

OWNER, FIRST, SECOND, DEPUTY, FINANCE = "kim", "dana", "maria", "lee", "carol"
NOBODY = ("raj", "gus", "gil", "sam")  # a colleague, guests, somebody of another company
ASKERS = (FIRST, SECOND, DEPUTY, FINANCE, *NOBODY)
# Reports and what is in them: who may see them, beside finance.
SENT: dict[int, set[str]] = {
    1: set(),  # a draft
    2: {FIRST},  # waits for the first of two
    3: {FIRST, SECOND},  # waits for the second
    4: {DEPUTY},  # was handed over by the first
    5: {FIRST},  # approved
    6: {FIRST},  # sent back; another expense was put into it since, which nobody was sent
}
LOOSE, ADDED = 7, 8  # expenses: in no report; in R-6 since it was sent back
MISSING = 99
EVIL = "<!channel> <https://evil.example|Approve> <@U000000ANA|me> &lt;!here&gt;\nFAKE line"


def secret(number: int) -> str:
    """What only stands in an expense of the owner's."""
    return f"quokka{number:02}q"


def seen_by(asker: str) -> set[int]:
    """The owner's expenses that somebody may see."""
    if asker == FINANCE:
        return {*SENT, LOOSE, ADDED}
    return {number for number, people in SENT.items() if asker in people}


@dataclass(frozen=True)
class Company:
    """The owner's books, and who is who."""

    slack: SlackServer
    database: Database
    books: Books

    def by(self, name: str) -> By:
        return By(self.slack.team_id, self.slack.workspace.person(name).id)

    async def do(self, name: str, method: str, *args: Any) -> Any:
        async with self.database.begin() as tx:
            return await getattr(self.books, method)(tx, self.by(name), *args)

    async def fill(self) -> None:
        """Expenses 1 to 6 in the reports of these numbers, and two more."""
        for number in (*SENT, LOOSE, ADDED):
            words = f"{secret(number)} {EVIL} "
            file = original(words.encode(), f"{secret(number)} {EVIL}.pdf")
            texts = {
                "merchant": f"{words} Bistro {number * 7919}",
                "purpose": words,
                "justification": words,
                "city": words,
            }
            said = details(number, attendees=(words,), **texts)
            await self.do(OWNER, "capture", Draft(details=said, source="file", receipt=file.sha256), file)
        for number in SENT:
            await self.do(OWNER, "open_report", f"Trip {secret(number)} {EVIL}", [number])
        first, second, deputy = (self.by(n).person for n in (FIRST, SECOND, DEPUTY))
        for number in (2, 3, 4, 5, 6):
            await self.do(OWNER, "submit", number, None, (first, second) if number < 4 else (first,))
        await self.do(FIRST, "approve", 3, 2)
        await self.do(FIRST, "hand_over", 4, 2, deputy)
        await self.do(FIRST, "approve", 5, 2)
        await self.do(FIRST, "send_back", 6, 2, f"No {secret(6)} {EVIL}")
        await self.do(OWNER, "add", 6, None, [ADDED])

    async def owners(self) -> list[Any]:
        """All that is written of the owner's."""
        found: list[Any] = []
        async with self.database.read() as tx:
            for table in (tables.expenses, tables.reports):
                rows = await tx.execute(select(table).where(table.c.owner == self.by(OWNER).person))
                found += [dict(row._mapping) for row in rows]
        return found


Asked = list[tuple[int, str, dict[str, Any]]]  # whose number it is (0: nobody's), the tool, its arguments
NO_CHANGE: dict[str, Any] = dict.fromkeys(Change.model_fields)


def attack(file: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Every tool at everything of the owner's, and at what is not there."""
    for number in (*SENT, LOOSE, ADDED, MISSING):
        change: dict[str, Any] = {**NO_CHANGE, "expense": f"E-{number}"}
        for wish in ({"purpose": "mine now"}, {"keep_both": True}, {"remove": True}):
            yield number, "change_expense", {**change, **wish}
        report: dict[str, Any] = {"report": None, "expenses": [f"E-{number}"], "title": None}
        yield number, "expense_report", report | {"do": "create"}
    for number in (*SENT, MISSING):
        report = {"report": f"R-{number}", "expenses": [f"E-{number}"], "title": None}
        for do in ("show", "submit", "withdraw", "add", "take_out"):
            yield number, "expense_report", report | {"do": do}
    yield from (
        (0, "list_expenses", {"since": None, "until": None, "category": None, "state": state})
        for state in (None, "needs_info", "ready", "in_report", "duplicate_hold", "discarded")
    )
    for number, name in ((1, "hotel.pdf"), (1, file), (MISSING, "missing.pdf"), (MISSING, "F0NOWHERE99")):
        yield number, "capture_expense", {"files": [name], "words": None}


@pytest.fixture
async def company(settings: Settings, slack: SlackServer) -> AsyncIterator[Company]:
    populate(slack)
    slack.workspace.add_person(Person(make_id("U", FINANCE), FINANCE, "Carol", "", "Europe/Berlin"))
    finance = frozenset({slack.workspace.person(FINANCE).id})
    async with open_database(default_url(settings.data_dir)) as database:
        books = Books(load_policy(None, "EUR"), Rates(""), "EUR", finance)
        made = Company(slack, database, books)
        await made.fill()
        yield made


def shape(output: str) -> str:
    """A refusal without its number."""
    return re.sub(r"\b([ER])-\d+", r"\1-n", re.sub("hotel.pdf|missing.pdf|F[A-Z0-9]{8,}", "file", output))


def asked_from(slack: SlackServer) -> list[tuple[str, str]]:
    """Every asker in their direct messages; one also where others read along, and in a thread of theirs."""
    return [*((asker, "dm") for asker in ASKERS), *(("raj", where) for where in ("thread", "town", "trio"))]


async def test_no_tool_tells_or_changes_more_than_ones_own_and_what_one_was_sent(
    settings: Settings, slack: SlackServer, ai: OpenAIServer, company: Company, capfd: pytest.CaptureFixture[str]
) -> None:
    file = slack.workspace.add_file(OWNER, "hotel.pdf", secret(1).encode())
    slack.workspace.dm(OWNER)
    before, asked = await company.owners(), list(attack(file.id))
    settings = replace(settings, expenses_finance=slack.workspace.person(FINANCE).id)
    ai.script = Script()
    stands: dict[tuple[str, str], tuple[str, str | None]] = {}
    for asker, where in asked_from(slack):
        ai.script.add(calls(*((tool, args) for _, tool, args in asked), match=(word := f"zebra-{asker}-{where}")))
        ai.script.add(text(f"Done: {word}", match=word))
    async with running(settings):
        await connected(slack)
        for asker, where in asked_from(slack):
            place = slack.workspace.dm(asker) if where in ("dm", "thread") else slack.workspace.channel(where)
            root = str(slack.workspace.bot_post(place, {"text": "hello"})["ts"]) if where == "thread" else None
            word = f"{'' if place.kind == 'im' else '@assist '}zebra-{asker}-{where}"
            ts = slack.workspace.say(asker, place, word, thread_ts=root)
            stands[asker, where] = (place.id, root or (None if where == "dm" else ts))
        said = {f"Done: zebra-{asker}-{where}": at for (asker, where), at in stands.items()}
        await slack.until(lambda: all(w in "\n".join(answers(slack, *at)) for w, at in said.items()), timeout=90)
    assert await company.owners() == before
    bodies = [r.body for r in ai.requests if r.path == "/v1/responses"]
    for asker, where in stands:
        body = next(b for b in bodies if f"zebra-{asker}-{where}" in json.dumps(b["input"]))
        items = ai.conversations[body["conversation"]].items
        outputs = {i["call_id"]: i["output"] for i in items if i["type"] == "function_call_output"}
        given = [outputs[i["call_id"]] for i in items if i["type"] == "function_call"][-len(asked) :]
        check(asker, where, list(zip(asked, given, strict=True)))
    shown = [text for asker in (OWNER, *ASKERS) for m in messages(slack, asker) for text in marked(m)]
    assert sum("quokka" in text for text in shown) > 50
    assert not [text for text in shown if re.search(r"<!channel|<!here|<https://evil|\|me>", text)]
    made = [block for asker in (OWNER, *ASKERS) for m in messages(slack, asker) for block in sections(m)]
    assert made
    assert all(block["text"]["verbatim"] for block in made), "or Slack makes links of addresses in what people wrote"
    logged = capfd.readouterr()
    assert "turn" in logged.out
    assert "quokka" not in logged.out + logged.err


def check(asker: str, where: str, done: list[tuple[tuple[int, str, dict[str, Any]], str]]) -> None:
    """Each is told what they may see and no more; what is not theirs is refused like what is not there."""
    outputs = [output for _, output in done]
    if where in ("town", "trio"):
        assert {json.loads(o)["error"] for o in outputs} == {PRIVATE}
        return
    if asker == "sam":
        assert {json.loads(o)["error"] for o in outputs} == {MEMBERS_ONLY}
        return
    may = seen_by(asker)
    assert {n for n in (*SENT, LOOSE, ADDED) if any(secret(n) in o for o in outputs)} == may - {LOOSE}
    refused: dict[str, set[str]] = {}
    for (number, tool, args), output in done:
        if number and number not in may:
            told = str([args.get(name) for name in ("do", "purpose", "keep_both", "remove")])
            refused.setdefault(tool + told, set()).add(shape(output))
    for wish, words in refused.items():
        assert len(words) == 1, (asker, wish, words)
        assert "error" in next(iter(words)), (asker, wish)


def marked(node: Any) -> list[str]:
    """All texts in a message or a block that Slack reads as markup."""
    if isinstance(node, list):
        return [text for inner in node for text in marked(inner)]
    if not isinstance(node, dict) or node.get("type") == "plain_text":
        return []
    own = [node["text"]] if isinstance(node.get("text"), str) else []
    return own + [text for name, inner in node.items() if name != "metadata" for text in marked(inner)]


def sections(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The paragraphs of a card, or of what is said about one."""
    return [block for block in message.get("blocks") or () if block["type"] == "section" and "text" in block]
