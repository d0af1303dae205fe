"""The rule-based model with the tools that read Slack: which one it calls, and what it says of what they read."""

import json
from typing import Any

import pytest

from playground.openai import Call, Say, View
from playground.openai.items import input_items
from playground.openai.limits import MODELS
from playground.openai.model import answer

OPTIONAL = {"type": ["string", "null"]}
EITHER = {"anyOf": [{"type": "string"}, {"type": "null"}]}
TEXT = {"type": "string"}
LINK = "https://acme.slack.com/archives/C1/p1700000000000100"


def function(name: str, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"type": "function", "name": name, "strict": True, "parameters": schema}


TOOLS = (
    function("current_time", zone=OPTIONAL),
    function("remember", note=TEXT),
    function("recall"),
    function("read_thread", link=EITHER, newest_first={"type": "boolean"}),
    function("read_channel", channel=EITHER, since=EITHER, newest_first={"type": "boolean"}),
    function("search_messages", words=TEXT, channel=OPTIONAL, from_person=OPTIONAL),
    function("who_is", person=EITHER),
    function("read_file", file=TEXT, from_character={"type": "integer"}),
    function("list_files"),
    function("forget_file", file=TEXT),
)


def view(*items: Any) -> View:
    said = tuple(item for one in items for item in input_items(one if isinstance(one, list) else [one]))
    return View({}, MODELS[0], said, said[-1:], TOOLS, conversation_id="conv_1")


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


@pytest.mark.parametrize("prefix", ["", "[Ana Ruiz] "])
@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ("what did Ana decide in this thread?", "read_thread", {"link": None}),
        ("What did Raj Patel say about the budget?", "read_thread", {"link": None}),
        ("Summarise this thread", "read_thread", {"link": None}),
        (f"What is in <{LINK}>?", "read_thread", {"link": LINK}),
        ("what was said in #general today?", "read_channel", {"channel": "#general", "since": None}),
        ("What's new in <#C0123|ideas>?", "read_channel", {"channel": "<#C0123|ideas>"}),
        ("search for budget 2026", "search_messages", {"words": "budget 2026", "channel": None}),
        ("Search for oak desks in #ideas.", "search_messages", {"words": "oak desks", "channel": "#ideas"}),
        ("what happened here?", "read_channel", {"channel": None}),
        ("who said “ship it”?", "search_messages", {"words": "“ship it”"}),
        ("Who is Raj?", "who_is", {"person": "Raj"}),
        ("who's <@U7>?", "who_is", {"person": "<@U7>"}),
        ("forget this file", "forget_file", {"file": "this file"}),
        ("Please forget report-v2.pdf!", "forget_file", {"file": "report-v2.pdf"}),
        ("summarise report.pdf", "read_file", {"file": "report.pdf", "from_character": 0}),
        ("Which files do you have?", "list_files", {}),
        ("remember that I read reports", "remember", {"note": "I read reports"}),
    ],
)
def test_it_calls_the_tool_that_reads_what_is_asked_for(
    prefix: str, text: str, name: str, arguments: dict[str, Any]
) -> None:
    (call,) = answer(view(user(prefix + text))).outputs
    assert isinstance(call, Call)
    assert call.name == name
    assert arguments.items() <= json.loads(call.arguments).items()


@pytest.mark.parametrize(
    "text", ["hello", "what did we agree?", "who are you?", "I read a book", "The file is good", "What did I say?"]
)
def test_it_reads_nothing_when_nothing_is_to_be_read(text: str) -> None:
    assert all(isinstance(output, Say) for output in answer(view(user(text))).outputs)


def test_this_file_is_the_one_that_was_spoken_of_last() -> None:
    said = (user("Look at old.pdf"), user("[Ana Ruiz shared plan_v2.docx]"), user("forget this file"))
    (call,) = answer(view(*said)).outputs
    assert isinstance(call, Call)
    assert json.loads(call.arguments) == {"file": "plan_v2.docx"}


def message(by: str, says: str, n: int = 1) -> dict[str, Any]:
    return {"at": f"Fri 2026-11-20 14:0{n}", "by": by, "says": says, "link": f"{LINK}{n}"}


THREAD = [
    message("Ana Becker", "Should we go with pine?", 1),
    message("Raj Patel", "We decided on steel, I think.", 2),
    message("Ana Becker", "I asked around. Let's go with oak for the desks. Thanks all.", 3),
    message("Ana Becker", "See you on Monday.", 4),
]


def told(question: str, output: Any) -> str:
    call = {"type": "function_call", "call_id": "c1", "name": "read_thread", "arguments": "{}"}
    result = {"type": "function_call_output", "call_id": "c1", "output": json.dumps(output)}
    (said,) = answer(view(user(question), call, result)).outputs
    assert isinstance(said, Say)
    return said.text


def test_it_finds_who_decided_what() -> None:
    said = told("what did Ana decide in this thread?", {"read": "4 of 4", "messages": THREAD})
    assert said == f"Ana Becker decided: “Let's go with oak for the desks.” ([Fri 2026-11-20 14:03]({LINK}3))"
    assert "on steel" in told("What was decided about steel in this thread?", {"messages": THREAD})
    assert "no decision by Zoe" in told("What did Zoe decide in this thread?", {"messages": THREAD})


def test_it_lists_what_was_read_with_links() -> None:
    said = told("What was said in #general?", {"messages": THREAD})
    assert said.count(f"]({LINK}") == 4
    assert "- **Raj Patel**: We decided on steel, I think. ([Fri 2026-11-20 14:02]" in said
    theirs = told("What did Raj say?", {"messages": THREAD})
    assert "steel" in theirs
    assert "oak" not in theirs
    elsewhere = told("search for steel", {"messages": [message("Raj", "Steel it is.") | {"in": "#eng"}]})
    assert "**Raj** in #eng: Steel it is." in elsewhere
    assert "nothing in it" in told("What was said in #general?", {"messages": []})
    many = told("What was said in #general?", {"messages": [message("Ana", f"word {n}") for n in range(20)]})
    assert "And 5 more." in many


def test_it_lists_files_with_links() -> None:
    file = {"name": "a.md", "id": "F1", "kind": "text", "link": LINK, "shared": "2026-11-20 14:03", "by": "Ana Becker"}
    given = {"name": "b.md", "by": "given to the assistant by an admin", "cannot be read": "it is empty"}
    said = told("which files are there?", {"files": [file, given], "more": 2})
    assert f"\n- [a.md]({LINK}), shared by Ana Becker, 2026-11-20 14:03\n" in said
    assert "- **b.md**, given to the assistant by an admin, cannot be read: it is empty" in said
    assert said.endswith("And 2 more.")
    assert "F1" not in said
    assert told("which files are there?", {"files": [], "more": 0}) == "There are no files here that I can read."


def test_what_the_bot_says_of_shared_files_is_not_repeated() -> None:
    lines = (
        "[shared a file: a.md — file_search finds passages in it]",
        "[shared a file: b.zip — you cannot read it: no archives]",
    )
    (said,) = answer(view(user("\n".join(("Here they are", *lines))))).outputs
    assert isinstance(said, Say)
    assert said.text == "I have a.md now: ask me about it. I could not read b.zip."
    voice = "[shared a file: v.m4a — a recording; what is said in it:\nSay: it works]"
    (said,) = answer(view(user(voice))).outputs
    assert isinstance(said, Say)
    assert said.text == "it works"


def test_it_passes_on_a_refusal_and_a_profile() -> None:
    assert told("What was said in #hr?", {"error": "I can't read that here."}).endswith("I can't read that here.")
    profile = {"name": "Raj Patel", "title": "Buyer", "local_time": "14:03"}
    assert told("Who is Raj?", profile) == "name: Raj Patel, title: Buyer, local time: 14:03"
