"""The local OpenAI's files, vector stores and transcription, as the real client sees them."""

import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from playground.openai import OpenAIServer

MODEL = "gpt-6.2-sol"
TRAVEL = b"# Travel policy\n\nHotels cost at most 140 EUR a night.\n\nTrains are second class."
LEAVE = b"# Leave\n\nEverybody has 30 days of vacation a year."


@pytest.fixture
async def ai() -> AsyncIterator[OpenAIServer]:
    server = OpenAIServer()
    server.tokens_per_second = server.first_token = 0
    async with server.serving():
        yield server


@pytest.fixture
async def client(ai: OpenAIServer) -> AsyncIterator[AsyncOpenAI]:
    plain = openai.DefaultAsyncHttpxClient(verify=False)  # no TLS here: loading certificates is what takes time
    async with AsyncOpenAI(
        api_key=ai.api_key, base_url=ai.base_url, max_retries=0, timeout=5, http_client=plain
    ) as made:
        yield made


@pytest.fixture
async def store(client: AsyncOpenAI) -> str:
    """A store with a file of channel C1 and one of C2."""
    made = await client.vector_stores.create(name="shared")
    for name, content, channel in (("travel.md", TRAVEL, "C1"), ("leave.md", LEAVE, "C2")):
        file = await client.vector_stores.files.upload_and_poll(
            vector_store_id=made.id,
            file=(name, content),
            attributes={"channel": channel, "year": 2026},
            poll_interval_ms=20,
        )
        assert file.status == "completed"
    return made.id


def only(channel: str) -> Any:
    return {"type": "eq", "key": "channel", "value": channel}


async def test_a_file_is_kept_and_deleted(client: AsyncOpenAI) -> None:
    expires: Any = {"anchor": "created_at", "seconds": 3600}
    file = await client.files.create(file=("räport.txt", b"hello"), purpose="user_data", expires_after=expires)
    assert (file.filename, file.bytes, file.status) == ("räport.txt", 5, "processed")
    assert file.expires_at is not None
    assert file.expires_at - file.created_at in (3600, 3601)
    assert (await client.files.content(file.id)).content == b"hello"
    assert [listed.id async for listed in client.files.list(purpose="user_data")] == [file.id]
    assert (await client.files.delete(file.id)).deleted
    with pytest.raises(openai.NotFoundError):
        await client.files.retrieve(file.id)


async def test_a_large_file_passes_the_host_applications_own_limit(client: AsyncOpenAI) -> None:
    content = b"x" * (3 * 1024 * 1024)
    assert (await client.files.create(file=("big.txt", content), purpose="assistants")).bytes == len(content)


async def test_a_file_needs_a_known_purpose(client: AsyncOpenAI) -> None:
    purpose: Any = "fun"
    with pytest.raises(openai.BadRequestError, match="purpose"):
        await client.files.create(file=("a.txt", b"x"), purpose=purpose)


async def test_search_keeps_to_its_filters(client: AsyncOpenAI, store: str) -> None:
    found = await client.vector_stores.search(store, query="How much may a hotel cost?", filters=only("C1"))
    assert [result.filename for result in found.data] == ["travel.md"]
    assert "140 EUR" in found.data[0].content[0].text
    assert found.data[0].attributes == {"channel": "C1", "year": 2026}
    assert (await client.vector_stores.search(store, query="hotel", filters=only("C2"))).data == []


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"type": "and", "filters": [only("C1"), {"type": "gte", "key": "year", "value": 2026}]}, ["travel.md"]),
        ({"type": "or", "filters": [only("C1"), only("C2")]}, ["leave.md", "travel.md"]),
        ({"type": "in", "key": "channel", "value": ["C2", "C3"]}, ["leave.md"]),
        ({"type": "nin", "key": "channel", "value": ["C2"]}, ["travel.md"]),
        ({"type": "ne", "key": "owner", "value": "U1"}, ["leave.md", "travel.md"]),
        ({"type": "lt", "key": "year", "value": 2026}, []),
        ({"type": "gt", "key": "channel", "value": 3}, []),
    ],
)
async def test_filters_compare_and_combine(client: AsyncOpenAI, store: str, filters: Any, names: list[str]) -> None:
    found = await client.vector_stores.search(store, query="hotel vacation", filters=filters)
    assert sorted(result.filename for result in found.data) == names


async def test_a_changed_attribute_changes_what_is_found(client: AsyncOpenAI, store: str) -> None:
    files = [file async for file in client.vector_stores.files.list(store)]
    for file in files:
        await client.vector_stores.files.update(file.id, vector_store_id=store, attributes={"channel": "C9"})
    found = await client.vector_stores.search(store, query="hotel", filters=only("C9"))
    assert [result.filename for result in found.data] == ["travel.md"]


async def test_spreadsheets_are_refused(client: AsyncOpenAI, store: str) -> None:
    file = await client.vector_stores.files.upload_and_poll(
        vector_store_id=store, file=("sums.csv", b"a,b\n1,2"), poll_interval_ms=20
    )
    assert file.status == "failed"
    assert file.last_error is not None
    assert file.last_error.code == "unsupported_file"
    shown = await client.vector_stores.retrieve(store)
    assert (shown.file_counts.completed, shown.file_counts.failed) == (2, 1)


async def test_attributes_have_limits(client: AsyncOpenAI, store: str) -> None:
    file = await client.files.create(file=("a.md", b"x"), purpose="assistants")
    wrong: tuple[Any, ...] = ({f"k{n}": n for n in range(17)}, {"k": ["a"]}, {"k": "x" * 513})
    for attributes in wrong:
        with pytest.raises(openai.BadRequestError):
            await client.vector_stores.files.create(store, file_id=file.id, attributes=attributes)


async def test_a_batch_takes_files_in(client: AsyncOpenAI) -> None:
    store = await client.vector_stores.create(name="s")
    files = [await client.files.create(file=(name, b"x"), purpose="assistants") for name in ("a.md", "b.xlsx")]
    batch = await client.vector_stores.file_batches.create_and_poll(
        store.id, file_ids=[file.id for file in files], poll_interval_ms=20
    )
    assert batch.status == "completed"
    assert (batch.file_counts.completed, batch.file_counts.failed) == (1, 1)


async def test_a_deleted_file_leaves_every_store(client: AsyncOpenAI, store: str) -> None:
    found = await client.vector_stores.search(store, query="hotel")
    await client.files.delete(found.data[0].file_id)
    assert (await client.vector_stores.search(store, query="hotel")).data == []


async def test_an_answer_from_files_cites_them(client: AsyncOpenAI, store: str) -> None:
    conversation = await client.conversations.create()
    tool: Any = {"type": "file_search", "vector_store_ids": [store], "filters": only("C1")}
    stream = await client.responses.create(
        model=MODEL,
        input="How much may a hotel cost according to the policy?",
        conversation=conversation.id,
        tools=[tool],
        include=["file_search_call.results"],
        stream=True,
    )
    events = [event async for event in stream]
    names = [event.type for event in events]
    searched = [f"response.file_search_call.{state}" for state in ("in_progress", "searching", "completed")]
    assert [name for name in names if "file_search" in name] == searched
    assert "response.output_text.annotation.added" in names
    final: Any = events[-1]
    call, message = final.response.output
    assert [result.filename for result in call.results] == ["travel.md"]
    assert "140 EUR" in message.content[0].text
    assert message.content[0].annotations[0].filename == "travel.md"
    # Without include the results stay away.
    kept = [item async for item in client.conversations.items.list(conversation.id, order="asc")]
    assert kept[1].to_dict()["results"] is None


async def test_an_answer_does_not_see_past_its_filter(client: AsyncOpenAI, store: str) -> None:
    tool: Any = {"type": "file_search", "vector_store_ids": [store], "filters": only("C2")}
    response = await client.responses.create(model=MODEL, input="What does the policy say on hotels?", tools=[tool])
    assert "140" not in response.output_text
    assert "I don't know" in response.output_text


async def test_an_attached_file_is_read(client: AsyncOpenAI) -> None:
    file = await client.files.create(file=("leave.md", LEAVE), purpose="user_data")
    asked: Any = [{"role": "user", "content": [
        {"type": "input_file", "file_id": file.id}, {"type": "input_text", "text": "What is in this file?"},
    ]}]  # fmt: skip
    response = await client.responses.create(model=MODEL, input=asked)
    assert "30 days of vacation" in response.output_text
    asked[0]["content"][0]["file_id"] = "file-none"
    with pytest.raises(openai.NotFoundError):
        await client.responses.create(model=MODEL, input=asked)


async def test_stores_survive_a_restart(ai: OpenAIServer, store: str) -> None:
    restarted = OpenAIServer(state=json.loads(json.dumps(ai.snapshot())))
    async with restarted.serving(), AsyncOpenAI(api_key=restarted.api_key, base_url=restarted.base_url) as client:
        found = await client.vector_stores.search(store, query="hotel", filters=only("C1"))
    assert [result.filename for result in found.data] == ["travel.md"]
