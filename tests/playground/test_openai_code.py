"""The local OpenAI's code interpreter, containers and searches, as the real client sees them."""

import io
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from PIL import Image

from playground.openai import Found, OpenAIServer, Script, interprets, searches, text
from playground.openai.file_answers import best_rows

MODEL = "gpt-6.2-sol"
SALES = b"date,region,sales\n2026-01-02,North,100.50\n2026-01-03,South,70\n2026-02-02,North,9.5\n"
ASKED = "Please show sales by region as a chart"


def code(*file_ids: str) -> Any:
    return {"type": "code_interpreter", "container": {"type": "auto", "file_ids": list(file_ids)}}


@pytest.fixture
async def table(client: AsyncOpenAI) -> str:
    return (await client.files.create(file=("sales.csv", SALES), purpose="user_data")).id


def interpreted(response: Any) -> tuple[Any, Any]:
    """The call and the message of a response."""
    call, message = response.output
    assert (call.type, message.type) == ("code_interpreter_call", "message")
    return call, message


async def test_a_chart_of_a_table_is_drawn_and_cited(client: AsyncOpenAI, table: str) -> None:
    stream = await client.responses.create(model=MODEL, input=ASKED, tools=[code(table)], stream=True)
    events: list[Any] = [event async for event in stream]
    names = [event.type for event in events if "code_interpreter" in event.type]
    head, tail = "response.code_interpreter_call.", "response.code_interpreter_call_code."
    assert list(dict.fromkeys(names)) == [
        f"{head}in_progress", f"{tail}delta", f"{tail}done", f"{head}interpreting", f"{head}completed",
    ]  # fmt: skip
    call, message = interpreted(events[-1].response)
    assert "".join(e.delta for e in events if e.type == f"{tail}delta") == call.code
    said = message.content[0]
    assert "- North: 110\n- South: 70\n" in said.text
    picture, data = said.annotations
    assert (picture.filename, data.filename) == ("sales_by_region.png", "sales_by_region.csv")
    for cited in (picture, data):
        assert said.text[cited.start_index : cited.end_index] == f"sandbox:/mnt/data/{cited.filename}"
    got = await client.containers.files.content.retrieve(picture.file_id, container_id=picture.container_id)
    with Image.open(io.BytesIO(got.content)) as image:
        assert (image.format, image.width) == ("PNG", 800)
    got = await client.containers.files.content.retrieve(data.file_id, container_id=call.container_id)
    assert got.content.decode().split() == ["region,sales", "North,110", "South,70"]


async def test_without_a_chart_to_draw_no_code_runs(client: AsyncOpenAI, table: str) -> None:
    for said, tools in (
        ("Hello", [code(table)]), ("A chart of sales by planet", [code(table)]), (ASKED, [code()]), (ASKED, []),
    ):  # fmt: skip
        response = await client.responses.create(model=MODEL, input=said, tools=tools)
        assert [item.type for item in response.output] == ["message"]


async def test_what_code_printed_is_shown_only_where_asked_for(client: AsyncOpenAI, table: str) -> None:
    plain = await client.responses.create(model=MODEL, input=ASKED, tools=[code(table)])
    assert interpreted(plain)[0].outputs is None
    full = await client.responses.create(
        model=MODEL, input=ASKED, tools=[code(table)], include=["code_interpreter_call.outputs"]
    )
    assert "North: 110" in interpreted(full)[0].outputs[0].logs


async def test_a_container_lists_what_came_and_what_was_made(client: AsyncOpenAI, table: str) -> None:
    response = await client.responses.create(model=MODEL, input=ASKED, tools=[code(table)])
    id_ = interpreted(response)[0].container_id
    assert (await client.containers.retrieve(id_)).status == "running"
    files = [file async for file in client.containers.files.list(id_, order="asc")]
    assert [(file.path, file.source) for file in files] == [
        ("/mnt/data/sales.csv", "user"),
        ("/mnt/data/sales_by_region.png", "assistant"),
        ("/mnt/data/sales_by_region.csv", "assistant"),
    ]
    shown = await client.containers.files.retrieve(files[0].id, container_id=id_)
    assert shown.bytes == len(SALES)
    got = await client.containers.files.content.retrieve(files[0].id, container_id=id_)
    assert got.content == SALES
    await client.containers.delete(id_)
    with pytest.raises(openai.NotFoundError):
        await client.containers.retrieve(id_)


async def test_a_conversation_keeps_its_container_until_it_expires(
    ai: OpenAIServer, client: AsyncOpenAI, table: str
) -> None:
    conversation = await client.conversations.create()

    async def chart(*file_ids: str) -> Any:
        return await client.responses.create(
            model=MODEL, conversation=conversation.id, input=ASKED, tools=[code(*file_ids)]
        )

    first = interpreted(await chart(table))[0].container_id
    again, message = interpreted(await chart())  # the table is in it still
    assert again.container_id == first
    ai.containers.all[first].last_active_at -= 20 * 60
    assert (await client.containers.retrieve(first)).status == "expired"
    cited = message.content[0].annotations[0]
    with pytest.raises(openai.NotFoundError):
        await client.containers.files.content.retrieve(cited.file_id, container_id=first)
    with pytest.raises(openai.NotFoundError):
        await client.containers.files.list(first)
    assert interpreted(await chart(table))[0].container_id != first


@pytest.mark.parametrize(
    "container",
    [
        None,
        3,
        {"type": "other"},
        {"type": "auto", "files": []},
        {"type": "auto", "file_ids": "file-1"},
        {"type": "auto", "file_ids": ["file-none"]},
        "cntr_none",
    ],
)
async def test_a_container_is_checked(client: AsyncOpenAI, container: Any) -> None:
    tool: Any = {"type": "code_interpreter", "container": container}
    with pytest.raises(openai.BadRequestError) as refused:
        await client.responses.create(model=MODEL, input="hi", tools=[tool])
    assert (refused.value.param or "").startswith("tools")


async def test_code_and_its_files_can_be_scripted(ai: OpenAIServer, client: AsyncOpenAI) -> None:
    said = "Here: [a](sandbox:/mnt/data/a.png)"
    ai.script = Script(
        interprets(said, {"a.png": b"A", "b.csv": b"B"}, code="draw()", logs="ok"),
        interprets("Nothing cited", {"c.png": b"C"}, cited=()),
    )
    response = await client.responses.create(model=MODEL, input="x", include=["code_interpreter_call.outputs"])
    call, message = interpreted(response)
    assert (call.code, call.outputs[0].logs) == ("draw()", "ok")
    linked, plain = message.content[0].annotations
    assert said[linked.start_index : linked.end_index] == "sandbox:/mnt/data/a.png"
    assert (plain.start_index, plain.end_index) == (len(said), len(said))
    for cited, content in ((linked, b"A"), (plain, b"B")):
        got = await client.containers.files.content.retrieve(cited.file_id, container_id=cited.container_id)
        assert got.content == content
    call, message = interpreted(await client.responses.create(model=MODEL, input="x"))
    assert message.content[0].annotations == []
    assert [f.path async for f in client.containers.files.list(call.container_id)] == ["/mnt/data/c.png"]


async def test_searches_can_be_scripted(ai: OpenAIServer, client: AsyncOpenAI) -> None:
    store = await client.vector_stores.create(name="s")
    file = await client.vector_stores.files.upload_and_poll(
        vector_store_id=store.id, file=("rules.md", b"No dogs."), poll_interval_ms=20, attributes={"channel": "C1"}
    )
    ai.script = Script(
        searches("No.", "rules.md", match="dogs"),
        searches("Made up.", "x.md", results=[Found("file-x", "x.md", "text", 0.9)], queries=["q"]),
        text("done"),
    )
    tool: Any = {"type": "file_search", "vector_store_ids": [store.id]}

    async def asked(question: str) -> tuple[Any, Any]:
        response: Any = await client.responses.create(
            model=MODEL, input=question, tools=[tool], include=["file_search_call.results"]
        )
        return response.output[0], response.output[1].content[0].annotations

    call, (cited,) = await asked("Are dogs allowed?")
    assert [(found.file_id, found.attributes) for found in call.results] == [(file.id, {"channel": "C1"})]
    assert (cited.file_id, cited.index) == (file.id, 3)
    call, (cited,) = await asked("?")
    assert (call.queries, cited.file_id) == (["q"], "file-x")
    assert (await client.responses.create(model=MODEL, input="?")).output_text == "done"


TABLE = """| Id | City | From | Lodging | Meals |
|---|---|---|---:|---:|
| 1 | Boston | May | 300 | 92 |
| 2 | Denver | May | 215 | 79 |
| 2 | Denver | July | 165 | 79 |
"""


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("What is the hotel limit in Boston?", ["City: Boston, Lodging: 300"]),
        ("hotel limit in Denver", ["City: Denver, From: May, Lodging: 215", "City: Denver, From: July, Lodging: 165"]),
        ("What about Denver in July?", ["City: Denver, From: July"]),
        ("What is said about Paris?", []),
    ],
)
def test_rows_that_fit_a_question_are_told_as_far_as_they_fit_or_differ(question: str, rows: list[str]) -> None:
    assert best_rows(question, TABLE)[1] == "\n- ".join(rows)
    assert best_rows(question, "\n".join(TABLE.splitlines()[3:])) == (0, ""), "the header is in another passage"


def test_a_table_without_a_line_of_dashes_has_its_header_below_its_name() -> None:
    header, _, *rows = TABLE.splitlines()
    told = "City: Boston, Lodging: 300"
    named = "\n".join(("2 | Denver | May | 99 | 79 |", "", "Table rates.csv, rows 2-4", header, *rows))
    assert best_rows("What is the hotel limit in Boston?", named)[1] == told
    assert best_rows("hotel limit in Boston", "\n".join(("1 | Boston | 9 |", *rows))) == (0, ""), "it begins in a row"


async def test_a_statement_is_no_question_unless_it_is_answered_well(client: AsyncOpenAI) -> None:
    store = await client.vector_stores.create(name="s")
    await client.vector_stores.files.upload_and_poll(
        vector_store_id=store.id, file=("t.md", TABLE.encode()), poll_interval_ms=20
    )
    tool: Any = {"type": "file_search", "vector_store_ids": [store.id]}
    for said, told in (("Hotel limit in Boston", "Lodging: 300"), ("Boston is nice and I like tea", "Noted")):
        response = await client.responses.create(model=MODEL, input=said, tools=[tool])
        assert told in response.output_text


async def test_the_row_of_a_table_that_answers_is_cited(client: AsyncOpenAI) -> None:
    store = await client.vector_stores.create(name="s")
    rows = "\n".join(f"| City {n} | {n + 100} | {n} |" for n in range(20))
    table = f"| City | Lodging | Meals |\n|---|---:|---:|\n{rows}\n| Denver | 215 | 79 |\n"
    policy = b"# Expenses\n\nHotels: the limit is the table's number for the city."
    for name, content in (("per_diem.md", table.encode()), ("policy.md", policy)):
        await client.vector_stores.files.upload_and_poll(
            vector_store_id=store.id, file=(name, content), poll_interval_ms=20
        )
    tool: Any = {"type": "file_search", "vector_store_ids": [store.id]}
    response: Any = await client.responses.create(model=MODEL, input="What is the hotel limit in Denver?", tools=[tool])
    said = response.output[1].content[0]
    assert "City: Denver, Lodging: 215" in said.text
    assert "79" not in said.text
    cited = {annotation.filename: annotation.index for annotation in said.annotations}
    assert said.text[: cited["per_diem.md"]].endswith("Lodging: 215")
