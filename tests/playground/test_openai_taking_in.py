"""How the local OpenAI keeps files and takes them into vector stores, as the real client sees it."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest
from openai import AsyncOpenAI
from openai.types.vector_stores import VectorStoreFile

from playground.openai import OpenAIServer
from tests.playground.documents import docx, image, pdf, pptx, zipped


@pytest.fixture
async def store(client: AsyncOpenAI) -> str:
    return (await client.vector_stores.create(name="s")).id


async def taken(client: AsyncOpenAI, store: str, name: str, content: bytes, **more: Any) -> VectorStoreFile:
    return await client.vector_stores.files.upload_and_poll(
        vector_store_id=store, file=(name, content), poll_interval_ms=20, **more
    )


async def text_of(client: AsyncOpenAI, store: str, file: str) -> str:
    return "".join([part.text or "" async for part in client.vector_stores.files.content(file, vector_store_id=store)])


# -- files


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_files_are_listed_by_purpose_page_by_page(client: AsyncOpenAI) -> None:
    made = [await client.files.create(file=(f"{n}.txt", b"x"), purpose="user_data") for n in range(5)]
    await client.files.create(file=("other.txt", b"x"), purpose="assistants")
    page = await client.files.list(purpose="user_data", order="asc", limit=2)
    assert [file.id for file in page.data] == [file.id for file in made[:2]]
    rest = await client.files.list(purpose="user_data", order="asc", after=page.data[-1].id)
    assert [file.id for file in rest.data] == [file.id for file in made[2:]]
    assert (await client.files.list()).data[0].filename == "other.txt"


async def test_contents_lie_on_the_disk_and_go_with_their_file(ai: OpenAIServer, client: AsyncOpenAI) -> None:
    file = await client.files.create(file=("a.bin", b"x" * 3_000_000), purpose="user_data")
    path = ai.files[file.id].path
    assert path.stat().st_size == 3_000_000
    await client.files.delete(file.id)
    assert not path.exists()
    purpose: Any = "fun"
    with pytest.raises(openai.BadRequestError):
        await client.files.create(file=("b.bin", b"x"), purpose=purpose)
    assert names(path.parent) == [], "a refused upload leaves nothing"


async def test_a_large_upload_is_never_held_in_memory(ai: OpenAIServer) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(60):
            yield b"x" * 1024 * 1024

    form = aiohttp.FormData({"purpose": "user_data"})
    form.add_field("file", pieces(), filename="big.bin")
    headers = {"authorization": f"Bearer {ai.api_key}"}
    tracemalloc.start()
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{ai.base_url}/files", data=form, headers=headers) as response,
        ):
            assert (await response.json())["bytes"] == 60 * 1024 * 1024
        assert tracemalloc.get_traced_memory()[1] < 20 * 1024 * 1024
    finally:
        tracemalloc.stop()


async def test_an_upload_that_breaks_off_leaves_nothing(ai: OpenAIServer, client: AsyncOpenAI) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"x" * 2 * 1024 * 1024
        raise ConnectionResetError

    file = await client.files.create(file=("a.txt", b"x"), purpose="user_data")
    form = aiohttp.FormData({"purpose": "user_data"})
    form.add_field("file", pieces(), filename="big.bin")
    headers = {"authorization": f"Bearer {ai.api_key}"}
    async with aiohttp.ClientSession() as session:
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            await session.post(f"{ai.base_url}/files", data=form, headers=headers)
    folder = ai.files[file.id].path.parent
    for _ in range(100):
        if len(names(folder)) == 1:
            break
        await asyncio.sleep(0.02)
    assert names(folder) == [file.id]


async def test_files_survive_a_restart_in_their_folder(tmp_path: Path) -> None:
    first = OpenAIServer(folder=tmp_path)
    async with first.serving(), AsyncOpenAI(api_key=first.api_key, base_url=first.base_url) as client:
        file = await client.files.create(file=("a.txt", b"hello"), purpose="user_data")
        lost = await client.files.create(file=("b.txt", b"lost"), purpose="user_data")
    state = first.snapshot()
    assert "content" not in state["files"][0]
    first.files[lost.id].path.unlink()
    (tmp_path / "upload-1").write_bytes(b"half")
    second = OpenAIServer(folder=tmp_path, state=state)
    async with second.serving(), AsyncOpenAI(api_key=second.api_key, base_url=second.base_url) as client:
        assert (await client.files.content(file.id)).content == b"hello"
        with pytest.raises(openai.NotFoundError):
            await client.files.retrieve(lost.id)
    assert set(second.files) == {file.id}
    assert names(tmp_path) == [file.id]


async def test_what_assistants_got_is_not_given_back(client: AsyncOpenAI) -> None:
    file = await client.files.create(file=("a.txt", b"x"), purpose="assistants")
    with pytest.raises(openai.BadRequestError, match="Not allowed to download"):
        await client.files.content(file.id)


# -- taking in


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", pdf("The limit is 140 EUR")),
        ("a.docx", docx("Hotels", "The limit is 140 EUR &amp; more")),
        ("a.pptx", pptx("Hotels", "The limit is 140 EUR")),
        ("a.html", b"<style>p {}</style><p>The limit is <b>140</b> EUR</p>"),
        ("a.txt", "The limit is 140 EUR".encode("utf-16")),
        ("a.json", b'{"The limit is": "140 EUR"}'),
    ],
)
async def test_a_documents_text_is_found(client: AsyncOpenAI, store: str, name: str, content: bytes) -> None:
    file = await taken(client, store, name, content)
    assert (file.status, file.last_error) == ("completed", None)
    text = await text_of(client, store, file.id)
    assert "140" in text
    assert "<" not in text
    found = await client.vector_stores.search(store, query="What is the limit?")
    assert [passage.filename for passage in found.data] == [name]


@pytest.mark.parametrize(
    ("name", "content", "code", "word"),
    [
        ("a.pdf", pdf("secret", password="x"), "invalid_file", "password"),
        ("a.pdf", pdf(""), "invalid_file", "no text"),
        ("a.pdf", image(), "unsupported_file", "image"),
        ("a.pdf", b"%PDF-1.7 broken", "invalid_file", "not a valid PDF"),
        ("a.docx", b"no zip", "invalid_file", "damaged"),
        ("a.docx", zipped({"other.xml": "x"}), "invalid_file", "no text"),
        ("a.txt", b" \n ", "invalid_file", "empty"),
        ("a.md", b"\xff\x00\xfe", "unsupported_file", "UTF-8"),
        ("a.xlsx", b"x", "unsupported_file", ".xlsx"),
        ("noext", b"x", "unsupported_file", "extension"),
    ],
)
async def test_what_cannot_be_taken_in_fails_with_a_reason(
    client: AsyncOpenAI, store: str, name: str, content: bytes, code: str, word: str
) -> None:
    file = await taken(client, store, name, content)
    assert file.status == "failed"
    assert file.last_error
    assert file.last_error.code == code
    assert word in file.last_error.message
    assert await text_of(client, store, file.id) == ""
    assert (await client.vector_stores.search(store, query="secret text x")).data == []


async def test_too_much_text_fails(client: AsyncOpenAI, store: str) -> None:
    file = await taken(client, store, "big.txt", b"too long " * 2_300_000)
    assert file.last_error
    assert "too large" in file.last_error.message


async def test_now_and_then_a_good_file_fails(ai: OpenAIServer, client: AsyncOpenAI, store: str) -> None:
    ai.indexing.fail(".md", times=2)
    files = [await taken(client, store, f"{n}.md", b"good") for n in range(3)]
    assert [file.last_error and file.last_error.code for file in files] == ["server_error", "server_error", None]


async def test_a_slow_file_stays_in_progress(ai: OpenAIServer, client: AsyncOpenAI, store: str) -> None:
    ai.indexing.slow["slow.md"] = 60.0
    with pytest.raises(TimeoutError):
        await taken(client, store, "slow.md", b"later", max_wait_seconds=0.2)
    await taken(client, store, "fast.md", b"now")
    pending = client.vector_stores.files.list(store, filter="in_progress")
    assert [file.status async for file in pending] == ["in_progress"]
    assert (await client.vector_stores.retrieve(store)).status == "in_progress"


async def test_a_file_that_is_deleted_meanwhile_is_nowhere(ai: OpenAIServer, client: AsyncOpenAI, store: str) -> None:
    ai.indexing.seconds = 0.1
    file = await client.files.create(file=("a.md", b"gone"), purpose="assistants")
    await client.vector_stores.files.create(store, file_id=file.id)
    await client.files.delete(file.id)
    await asyncio.sleep(0.2)
    assert [f.id async for f in client.vector_stores.files.list(store)] == []
    with pytest.raises(openai.NotFoundError):
        await client.vector_stores.files.retrieve(file.id, vector_store_id=store)


async def test_passages_keep_to_the_chunking_strategy(client: AsyncOpenAI, store: str) -> None:
    lines = "\n".join(f"Row {n} holds the number {n * 7}." for n in range(400))
    strategy: Any = {"type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 20}}
    await taken(client, store, "rows.txt", lines.encode(), chunking_strategy=strategy)
    found = await client.vector_stores.search(store, query="row number", max_num_results=50)
    texts = [passage.content[0].text for passage in found.data]
    assert len(texts) > 20
    assert max(map(len, texts)) <= 400
    exact = await client.vector_stores.search(store, query="number 2793", max_num_results=1)
    assert "Row 399 holds the number 2793." in exact.data[0].content[0].text
    wrong: Any = {"type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 60}}
    with pytest.raises(openai.BadRequestError, match="chunking_strategy"):
        await taken(client, store, "rows.txt", b"x", chunking_strategy=wrong)


async def test_a_stores_files_are_listed_by_state_page_by_page(client: AsyncOpenAI, store: str) -> None:
    for name in ("a.md", "b.csv", "c.md", "d.md"):
        await taken(client, store, name, b"text")
    failed = [file async for file in client.vector_stores.files.list(store, filter="failed")]
    assert len(failed) == 1
    page = await client.vector_stores.files.list(store, filter="completed", order="asc", limit=2)
    assert len(page.data) == 2
    rest = await client.vector_stores.files.list(store, filter="completed", order="asc", after=page.data[-1].id)
    assert len(rest.data) == 1
    wrong: Any = "done"
    with pytest.raises(openai.BadRequestError, match="filter"):
        await client.vector_stores.files.list(store, filter=wrong)


async def test_a_store_that_is_gone_is_404_everywhere(ai: OpenAIServer, client: AsyncOpenAI, store: str) -> None:
    del ai.vector_stores[store]
    tool: Any = {"type": "file_search", "vector_store_ids": [store]}
    with pytest.raises(openai.NotFoundError):
        await client.vector_stores.search(store, query="x")
    with pytest.raises(openai.NotFoundError):
        await taken(client, store, "a.md", b"x")
    with pytest.raises(openai.NotFoundError):
        await client.responses.create(model="gpt-6.2-sol", input="hello", tools=[tool])


async def test_an_unused_store_expires(ai: OpenAIServer, client: AsyncOpenAI) -> None:
    store = await client.vector_stores.create(name="s", expires_after={"anchor": "last_active_at", "days": 1})
    assert store.expires_at == (store.last_active_at or 0) + 24 * 3600
    ai.vector_stores[store.id].last_active_at -= 25 * 3600
    assert (await client.vector_stores.retrieve(store.id)).status == "expired"
    with pytest.raises(openai.BadRequestError, match="expired"):
        await client.vector_stores.search(store.id, query="x")
    with pytest.raises(openai.BadRequestError, match="expires_after"):
        await client.vector_stores.create(name="s", expires_after={"anchor": "last_active_at", "days": 0})
