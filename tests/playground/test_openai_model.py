"""The rule-based model: what it answers to what it sees."""

import json
from typing import Any

import pytest

from playground.openai import Call, Say, View
from playground.openai.items import input_items
from playground.openai.limits import MODELS
from playground.openai.meeting_calls import meeting_call
from playground.openai.model import answer

SOL, LUNA = MODELS[0], MODELS[1]


def function(name: str, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"type": "function", "name": name, "strict": True, "parameters": schema}


TOOLS = (
    function("current_time", zone={"type": ["string", "null"]}),
    function("remember", note={"type": "string"}),
    function("recall"),
    function("schedule_meeting", title={"type": "string"}, start={"type": "string"}, attendees={
        "type": "array", "items": {"type": "string"}}),
)  # fmt: skip


def view(*said: Any, tools: tuple[Any, ...] = (), **body: Any) -> View:
    """Messages as (role, text), or as texts of the user."""
    items = tuple(
        input_items([one if isinstance(one, dict) else dict(zip(("role", "content"), one, strict=True))])[0]
        for one in (("user", one) if isinstance(one, str) else one for one in said)
    )
    return View(body, SOL, items, items[-1:], tools, conversation_id="conv_1")


def told(*said: Any, **more: Any) -> str:
    outputs = answer(view(*said, **more)).outputs
    assert isinstance(outputs[-1], Say)
    return outputs[-1].text


def called(text: str) -> Call:
    (output,) = answer(view(text, tools=TOOLS)).outputs
    assert isinstance(output, Call)
    return output


@pytest.mark.parametrize(
    ("said", "change"),
    [
        ("add @kim to M-3", {"add": ["@kim"]}),
        ("Please add Kim Lee and pat@else.example to M-3", {"add": ["Kim Lee", "pat@else.example"]}),
        ("add @dana to M-3 as optional", {"optional": ["@dana"]}),
        ("make Raj optional in M-3", {"optional": ["Raj"]}),
        ("remove Raj from M-3", {"remove": ["Raj"]}),
        ("rename M-3 to “Budget review”.", {"title": "Budget review"}),
        ("rename M-3 to Budget review and add Kim to M-3", {"title": "Budget review", "add": ["Kim"]}),
        ("move M-3 to Tuesday 10:00", {}),
    ],
)
def test_a_booked_meeting_is_changed_in_words(said: str, change: dict[str, Any]) -> None:
    name, arguments = meeting_call(said) or ("", {})
    assert (name, arguments["meeting"]) == ("reschedule_meeting", "M-3")
    assert {k: arguments[k] for k in ("title", "description", "add", "optional", "remove") if arguments[k]} == change
    assert bool(arguments["when"]["said"]) == (not change)


def test_it_greets_by_name_and_says_what_it_is() -> None:
    greeting = told(("developer", "Asker: Ana Ruiz (<@U1>), guest"), "hello")
    assert greeting.startswith("Hello, Ana Ruiz!")
    assert "not a language model" in greeting
    assert "not a language model" not in told("The sky is blue.")


@pytest.mark.parametrize(
    ("said", "question", "expected"),
    [
        ("My name is Zoe Park.", "What is my name?", "Zoe Park"),
        ("We agreed to ship on 12 May.", "What did we agree?", "ship on 12 May"),
        ("We decided on oak desks.", "what did we decide?", "oak desks"),
        ("The budget is 4,000 EUR.", "What do you know about the budget?", "4,000 EUR"),
        ("The launch code is 7788.", "what is the launch code?", "7788"),
        ("I like green tea.", "What did I say about tea?", "green tea"),
        ("Shipping takes 3 days.", "how long does it take to ship?", "3 days"),
    ],
)
@pytest.mark.parametrize("role", ["user", "developer"])
def test_it_recalls_what_was_said_or_summed_up(said: str, question: str, expected: str, role: str) -> None:
    assert expected in told((role, said), ("assistant", "Noted."), question)
    assert expected not in told("Something else.", question)


@pytest.mark.parametrize("context", [
    "Name: Ana Ruiz", "You are talking to Ana Ruiz (U1).", "User: Ana Ruiz, channel name: General",
    "Channel name: General\nAsked by Ana Ruiz",
])  # fmt: skip
def test_it_finds_the_askers_name(context: str) -> None:
    assert told(("developer", context), "what is my name?") == "Your name is Ana Ruiz."


@pytest.mark.parametrize("prefix", ["", "[Ana Ruiz] ", "Ana Ruiz: ", "<@U1>: ", "Ana Ruiz (U1): "])
def test_it_understands_messages_that_carry_the_speakers_name(prefix: str) -> None:
    assert told(prefix + "hello").startswith("Hello")
    assert told(prefix + "say: remember me", tools=TOOLS) == "remember me"


def test_it_says_that_it_does_not_know_and_what() -> None:
    answered = told("hi", "What is the capital of Peru?")
    assert "I don't know" in answered
    assert "capital of Peru" in answered


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ("What time is it?", "current_time", {"zone": None}),
        ("Please remember that I prefer mornings", "remember", {"note": "I prefer mornings"}),
        ("What do you remember?", "recall", {}),
        ('Schedule a meeting "Roadmap" on 2026-12-01 10:00 with <@U2> and <@U3>', "schedule_meeting",
         {"title": "Roadmap", "start": "2026-12-01 10:00", "attendees": ["U2", "U3"]}),
    ],
)  # fmt: skip
def test_it_calls_the_tool_that_is_asked_for(text: str, name: str, arguments: dict[str, Any]) -> None:
    call = called(text)
    assert (call.name, json.loads(call.arguments)) == (name, arguments)


def test_it_calls_no_tool_that_is_not_offered() -> None:
    assert "I don't know" in told("What time is it?")


def test_it_says_what_the_tools_gave() -> None:
    def output(n: int, value: str) -> dict[str, str]:
        return {"type": "function_call_output", "call_id": f"c{n}", "output": value}

    def call(n: int, name: str) -> dict[str, str]:
        return {"type": "function_call", "call_id": f"c{n}", "name": name, "arguments": "{}"}

    assert told("time?", call(1, "current_time"), output(1, '{"text": "12:30 in Berlin"}')) == "12:30 in Berlin"
    noted = told(
        "What time is it?", call(1, "current_time"), output(1, "noon"), ("developer", "Be brief."), tools=TOOLS
    )
    assert noted == "noon"
    both = told("x", call(1, "recall"), call(2, "remember"), output(1, "[]"), output(2, '{"error": "full"}'))
    assert both == "- **recall**: Nothing was found.\n- **remember**: That did not work: full"


def test_it_shows_markdown_of_the_wanted_size() -> None:
    assert "|---|" in told("show me a table")
    assert "```python" in told("Please show me code")
    assert "1. **First**" in told("show me a list")
    assert told("count to 4") == "1, 2, 3, 4"
    assert told("say: hello *you*") == "hello *you*"
    assert len(told("write 300 words").split()) == 300
    for size in (1, 700, 3000, 12_000, 50_000):
        text = told(f"write {size} characters")
        assert len(text) == size
        assert text.count("```") % 2 == 0
    assert told("write 4 paragraphs").count("\n\n") == 3


def test_structured_output_keeps_to_its_schema() -> None:
    schema = {"type": "object", "properties": {"kind": {"enum": ["bug", "wish"]}, "amount": {"type": "number"}}}
    given = told("A wish for 12.5 EUR", text={"format": {"type": "json_schema", "name": "x", "schema": schema}})
    assert json.loads(given) == {"kind": "wish", "amount": 12.5}


def test_a_summary_keeps_the_facts_over_ten_rounds() -> None:
    facts = ["My name is Zoe Park.", "We agreed to ship on 12 May.", "The budget is 4,000 EUR."]
    summary = "\n".join(f"user: {fact}" for fact in facts)
    for n in range(10):
        small_talk = [f"How are you today, part {n} of {k}?" for k in range(5)] + ["thanks, great " * 40]
        said = [("developer", summary), *small_talk, f"Fact {n}: shelf {n} holds box {n * 7}. " + "padding " * 60]
        summary = told(*said, instructions="Summarise the conversation so far.")
        assert len(summary) <= 6_000
    for fact in facts:
        assert fact in summary
    assert "Fact 9" in summary
    assert "How are you" not in summary


def test_the_same_view_gets_the_same_answer() -> None:
    seen = view("We agreed on oak.", "what did we agree?")
    assert answer(seen) == answer(seen)


def test_a_part_of_this_day_is_no_name() -> None:
    name, asked = meeting_call("find 45 minutes with Raj and Kim this afternoon") or ("", {})
    assert (name, asked["people"], asked["when"]["said"]) == ("find_times", ["Raj", "Kim"], "this afternoon")


@pytest.mark.parametrize(
    ("said", "name", "when"),
    [
        ("meet team sync next Tuesday 2pm 30 min with Raj", "create_meeting", {"said": "next Tuesday 2pm"}),
        ("find 30 minutes with Raj tomorrow at 11:30 Tokyo time", "find_times", {"zone": "Tokyo time"}),
        ("move M-3 to Friday 4 Dec 1pm", "reschedule_meeting", {"said": "Friday 4 Dec 1pm", "days": []}),
    ],
)
def test_a_time_is_handed_over_as_it_was_said(said: str, name: str, when: dict[str, Any]) -> None:
    tool, asked = meeting_call(said) or ("", {"when": {}})
    assert tool == name
    assert {k: asked["when"][k] for k in when} == when
