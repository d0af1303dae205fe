"""Expenses and the rule-based model: which messages ask for which tool, with what, and what it says of their outputs."""

import json
from typing import Any

import pytest

from playground.openai import Call, Say
from playground.openai.model import answer
from tests.playground.test_openai_model import function, told, view

TEXT = {"type": ["string", "null"]}
LIST = {"type": ["array", "null"], "items": {"type": "string"}}
TOOLS = (
    function("current_time", zone=TEXT),
    function("remember", note={"type": "string"}),
    function("who_is", person={"type": "string"}),
    function("read_file", file={"type": "string"}, from_character={"type": ["integer", "null"]}),
    function("capture_expense", files=LIST | {"type": "array"}, words=TEXT),
    function("list_expenses", since=TEXT, until=TEXT, category=TEXT, state=TEXT),
    function(
        "change_expense", expense={"type": "string"}, amount=TEXT, currency=TEXT, date=TEXT, category=TEXT, merchant=TEXT,
        justification=TEXT, attendees=LIST, rate=TEXT, keep_both={"type": ["boolean", "null"]}, remove={"type": ["boolean", "null"]},
    ),
    function("expense_report", do={"type": "string"}, report=TEXT, expenses=LIST, title=TEXT),
)  # fmt: skip
NOW = "[turn 1] Now: Sunday 2026-11-22 10:00 (Europe/Berlin). Asker: Ana Becker. Place:"
DM, CHANNEL = f"{NOW} a direct message.", f"{NOW} a channel thread that others read."


def called(*said: Any, place: str = DM) -> tuple[str, dict[str, Any]] | None:
    """The call that comes of the last message, without what is null; None for words."""
    output = answer(view(("developer", place), *said, tools=TOOLS)).outputs[-1]
    if not isinstance(output, Call):
        return None
    given = json.loads(output.arguments)
    schema = next(t["parameters"] for t in TOOLS if t["name"] == output.name)
    assert given.keys() == schema["properties"].keys(), "strict: every key"
    return output.name, {k: v for k, v in given.items() if v is not None}


def shared(name: str, how: str = "an image, shown here") -> str:
    return f"[shared a file: {name} — {how}]"


@pytest.mark.parametrize(
    ("said", "files", "words"),
    [
        ("taxi 18.40 yesterday to the client", [], "taxi 18.40 yesterday to the client"),
        ("I paid 12 EUR for paper", [], "I paid 12 EUR for paper"),
        (shared("hotel-invoice.pdf", "file_search finds passages in it"), ["hotel-invoice.pdf"], None),
        (f"my receipts\n{shared('a.jpg')}\n{shared('b.jpg')}", ["a.jpg", "b.jpg"], "my receipts"),
        (f"for the fair\n{shared('receipt.jpg')}\n{shared('x.exe', 'you cannot read it: no')}", ["receipt.jpg"], "for the fair"),
    ],
)  # fmt: skip
def test_what_was_spent_is_captured(said: str, files: list[str], words: str | None) -> None:
    expected: dict[str, Any] = {"files": files} | ({"words": words} if words else {})
    assert called(said) == ("capture_expense", expected)


@pytest.mark.parametrize(
    ("said", "arguments"),
    [
        ("make a report", {"do": "create"}),
        (
            "create a report called Lisbon with E-1 and E-2",
            {"do": "create", "title": "Lisbon", "expenses": ["E-1", "E-2"]},
        ),
        ("please submit R-3", {"do": "submit", "report": "R-3"}),
        ("withdraw R-3", {"do": "withdraw", "report": "R-3"}),
        ("take E-2 out of R-3", {"do": "take_out", "report": "R-3", "expenses": ["E-2"]}),
        ("add E-2 to R-3", {"do": "add", "report": "R-3", "expenses": ["E-2"]}),
        ("show R-3", {"do": "show", "report": "R-3"}),
    ],
)
def test_reports_are_asked_for_by_their_names(said: str, arguments: dict[str, Any]) -> None:
    assert called(said) == ("expense_report", arguments)


def test_expenses_are_listed() -> None:
    assert called("list my expenses") == ("list_expenses", {})
    assert called("show my expenses since 1 Nov") == ("list_expenses", {"since": "2026-11-01"})
    assert called("list my expenses", place=CHANNEL) == ("list_expenses", {})  # the tool says where it may be asked


@pytest.mark.parametrize(
    ("question", "said", "changes"),
    [
        ("In which currency was it?", "EUR", {"currency": "EUR"}),
        ("In which currency was it?", "it was 18.40 EUR", {"amount": "18.40", "currency": "EUR"}),
        ("How much was it in all, in EUR?", "I paid 18.40", {"amount": "18.40"}),
        ("On which day was it?", "yesterday", {"date": "2026-11-21"}),
        ("Who was it paid to?", "Lidl", {"merchant": "Lidl"}),
        ("Which category does it belong to: Meals, Taxi?", "taxi", {"category": "taxi"}),
        ("Who took part?", "Raj and Kim", {"attendees": ["Raj", "Kim"]}),
        ("I have no exchange rate for USD. Which rate does your bank show?", "0.92", {"rate": "0.92"}),
        ("I read a total of €18.40 from “SUMME 18,40”. Is that right?", "yes, that's right", {"amount": "18.40"}),
        ("I read the date Friday, 20 November 2026. Is that right?", "yes", {"date": "2026-11-20"}),
        ("I take the amount to be in EUR. Is that right?", "yes", {"currency": "EUR"}),
        ("I would put it under Meals. Is that right?", "correct", {"category": "Meals"}),
        ("This looks like an expense that was handed in before. Are both to be kept?", "keep both", {"keep_both": True}),
    ],
)  # fmt: skip
def test_the_answer_to_a_question_changes_the_expense(question: str, said: str, changes: dict[str, Any]) -> None:
    asked = ("assistant", f"I kept **E-12** (Taxi).\nE-12: {question}")
    assert called(asked, said) == ("change_expense", {"expense": "E-12"} | changes)


def test_an_expense_is_changed_by_its_name_too() -> None:
    assert called("E-3 category is taxi") == ("change_expense", {"expense": "E-3", "category": "taxi"})
    assert called("remove E-4") == ("change_expense", {"expense": "E-4", "remove": True})
    because = {"expense": "E-5", "justification": "because of the fair"}
    assert called("E-5: because of the fair") == ("change_expense", because)
    question = ("assistant", "E-12: Who was it paid to?")
    assert called(question, "taxi 9.00 EUR today") == ("capture_expense", {"files": [], "words": "taxi 9.00 EUR today"})


@pytest.mark.parametrize(
    "said",
    [
        "hello",
        "The budget is 4,000 EUR.",
        "what does the policy say about expenses?",
        "what is the hotel limit in Denver?",
        "say: taxi 18.40 EUR",
        f"what is in this?\n{shared('photo.png')}",
        shared("photo.png"),
        "yes",
        "EUR",
    ],
)
def test_what_is_no_expense_stays_what_it_was(said: str) -> None:
    assert called(said) is None


def test_other_tools_are_called_as_before() -> None:
    assert called("remember that I paid 12 EUR for lunch") == ("remember", {"note": "I paid 12 EUR for lunch"})
    assert called(("assistant", "E-1: Who was it paid to?"), "what time is it?") == ("current_time", {})
    assert called(("assistant", "E-1: Who was it paid to?"), "Who is Raj?") == ("who_is", {"person": "Raj"})
    assert called("taxi 18.40 EUR yesterday", place=CHANNEL) is None


def test_what_the_tools_gave_is_told_with_the_question_last() -> None:
    kept = {
        "expense": "E-1",
        "merchant": "Taxi",
        "amount": "€18.40",
        "state": "needs_info",
        "notes": ["warn: Too much."],
    }
    output = {
        "kept": [kept],
        "not_kept": ["cat.jpg: I see no receipt in it."],
        "ask_now": {"about": "E-1", "question": "On which day was it?"},
        "hint": "Code shows the card.",
    }
    call = {"type": "function_call", "call_id": "c1", "name": "capture_expense", "arguments": "{}"}
    done = {"type": "function_call_output", "call_id": "c1", "output": json.dumps(output)}
    said = told("taxi 18.40", call, done, tools=TOOLS)
    assert said.splitlines() == [
        "I kept **E-1** (Taxi, €18.40). Too much.",
        "Not kept: cat.jpg: I see no receipt in it.",
        "E-1: On which day was it?",
    ]
    assert called(("assistant", said), "yesterday") == ("change_expense", {"expense": "E-1", "date": "2026-11-21"})


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (
            {"expenses": [], "count": 0, "totals": [], "reports": []},
            "You have no expenses here.",
        ),
        (
            {"expenses": [{"expense": "E-1", "merchant": "Taxi", "state": "needs_info", "notes": ["warn: Too much."]}], "totals": []},
            "- **E-1** (Taxi, needs info). Too much",
        ),
        (
            {"submit": {"report": "R-3", "state": "submitted", "total": "€20.00", "expenses": ["E-1"]},
             "approvers_in_turn": ["Dana Weiss"]},
            "**R-3** is submitted: 1 expense, €20.00.\nIt goes to Dana Weiss.",
        ),
        ({"error": "Expenses are private."}, "That did not work: Expenses are private."),
    ],
)  # fmt: skip
def test_lists_reports_and_refusals_are_told(output: dict[str, Any], expected: str) -> None:
    call = {"type": "function_call", "call_id": "c1", "name": "expense_report", "arguments": "{}"}
    done = {"type": "function_call_output", "call_id": "c1", "output": json.dumps(output)}
    plan = answer(view(("developer", DM), "submit R-3", call, done, tools=TOOLS))
    (said,) = plan.outputs
    assert isinstance(said, Say)
    assert said.text == expected
