"""Images and files in what the local OpenAI's model is asked, as the real client sends them."""

from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from playground.openai import OpenAIServer
from tests.playground.documents import image, pdf

MODEL = "gpt-6.2-sol"


async def uploaded(client: AsyncOpenAI, name: str, content: bytes) -> str:
    return (await client.files.create(file=(name, content), purpose="user_data")).id


def asked(text: str, *parts: dict[str, Any]) -> Any:
    return [{"role": "user", "content": [{"type": "input_text", "text": text}, *parts]}]


def shown(file: str) -> dict[str, Any]:
    return {"type": "input_image", "file_id": file, "detail": "auto"}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
async def test_an_image_is_seen(client: AsyncOpenAI, kind: str) -> None:
    file = await uploaded(client, "photo", image(kind, 40, 30))
    for question in ("What is in this picture?", "And what is this?"):
        response = await client.responses.create(model=MODEL, input=asked(question, shown(file)))
        assert response.output_text == f"**photo** is a {kind} image of 40 × 30 pixels."


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.png", pdf("x")), ("a.heic", b"\0\0\0\x18ftypheic"), ("a.png", image()[:40]), ("a.bmp", image("BMP"))],
)
async def test_what_is_no_image_is_refused(client: AsyncOpenAI, name: str, content: bytes) -> None:
    file = await uploaded(client, name, content)
    with pytest.raises(openai.BadRequestError) as refused:
        await client.responses.create(model=MODEL, input=asked("?", shown(file)))
    assert refused.value.code == "invalid_image_format"
    assert refused.value.param == "input[0].content[1].file_id"


async def test_an_image_is_seen_later_in_the_conversation(client: AsyncOpenAI) -> None:
    conversation = await client.conversations.create()
    file = await uploaded(client, "photo.png", image())
    await client.responses.create(model=MODEL, conversation=conversation.id, input=asked("Look", shown(file)))
    later = await client.responses.create(model=MODEL, conversation=conversation.id, input="Describe the image")
    assert "photo.png" in later.output_text


async def test_a_tool_may_show_an_image(client: AsyncOpenAI) -> None:
    good, bad = await uploaded(client, "a.png", image()), await uploaded(client, "b.png", b"no image")
    said: Any = [
        {"role": "user", "content": "Look at it"},
        {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": [shown(good)]},
    ]
    assert (await client.responses.create(model=MODEL, input=said)).status == "completed"
    said[2]["output"] = [shown(bad)]
    with pytest.raises(openai.BadRequestError) as refused:
        await client.responses.create(model=MODEL, input=said)
    assert refused.value.param == "input[2].output[0].file_id"


async def test_images_and_texts_of_files_cost_tokens(client: AsyncOpenAI) -> None:
    picture, text = await uploaded(client, "a.png", image()), await uploaded(client, "a.txt", b"word " * 4_000)
    counts = [
        (await client.responses.input_tokens.count(model=MODEL, input=asked("?", *parts))).input_tokens
        for parts in ((), (shown(picture),), ({"type": "input_file", "file_id": text},))
    ]
    assert counts[1] - counts[0] == 800
    assert 5_000 <= counts[2] - counts[0] <= 5_100


async def test_a_pdf_and_a_table_are_read(client: AsyncOpenAI) -> None:
    for name, content in (("rules.pdf", pdf("No dogs here")), ("dogs.csv", b"dog,age\nNo dogs here,3\n")):
        file = await uploaded(client, name, content)
        said = asked("What is in this file?", {"type": "input_file", "file_id": file})
        assert "No dogs here" in (await client.responses.create(model=MODEL, input=said)).output_text


@pytest.mark.parametrize(("name", "content"), [("a.zip", b"PK"), ("a.pdf", pdf("x", password="y")), ("a.mp3", b"ID3")])
async def test_files_that_the_model_cannot_read_are_refused(client: AsyncOpenAI, name: str, content: bytes) -> None:
    file = await uploaded(client, name, content)
    with pytest.raises(openai.BadRequestError) as refused:
        await client.responses.create(model=MODEL, input=asked("?", {"type": "input_file", "file_id": file}))
    assert refused.value.param == "input[0].content[1].file_id"


async def test_files_are_50_mb_together_at_most(client: AsyncOpenAI) -> None:
    file = await uploaded(client, "a.txt", b"x" * (26 * 1024 * 1024))
    part = {"type": "input_file", "file_id": file}
    with pytest.raises(openai.BadRequestError, match="too large"):
        await client.responses.create(model=MODEL, input=asked("?", part))
    part = {"type": "input_file", "file_data": "data:text/plain;base64," + "eHh4" * (9 * 1024 * 1024)}
    with pytest.raises(openai.BadRequestError, match="50 MB"):
        await client.responses.create(model=MODEL, input=asked("?", part, part))


@pytest.mark.parametrize("breaks", [True, False])
async def test_a_deleted_file_may_break_its_conversation(ai: OpenAIServer, client: AsyncOpenAI, breaks: bool) -> None:
    ai.deleted_files_break_conversations = breaks
    conversation = await client.conversations.create()
    file = await uploaded(client, "photo.png", image())
    await client.responses.create(model=MODEL, conversation=conversation.id, input=asked("Look", shown(file)))
    await client.files.delete(file)
    if not breaks:
        assert (await client.responses.create(model=MODEL, conversation=conversation.id, input="hi")).output_text
        return
    with pytest.raises(openai.NotFoundError, match=file):
        await client.responses.create(model=MODEL, conversation=conversation.id, input="hi")
    items = [item async for item in client.conversations.items.list(conversation.id)]
    holder = next(item for item in items if item.type == "message" and item.role == "user")
    await client.conversations.items.delete(holder.id or "", conversation_id=conversation.id)
    assert (await client.responses.create(model=MODEL, conversation=conversation.id, input="hi")).output_text
