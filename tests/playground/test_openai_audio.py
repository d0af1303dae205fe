"""The local OpenAI's transcription, as the real client sees it."""

import hashlib
import io
import wave

import openai
import pytest
from openai import AsyncOpenAI

from playground.openai import OpenAIServer

MODEL = "gpt-transcribe"


def sound(seconds: int) -> bytes:
    """Silence."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8_000)
        file.writeframes(b"\x80" * 8_000 * seconds)
    return out.getvalue()


async def test_a_stand_in_says_how_long_it_was(client: AsyncOpenAI) -> None:
    for name, content, seconds in (("note.wav", sound(7), 7), ("note.m4a", b"\0" * 40_000, 3)):
        heard = await client.audio.transcriptions.create(model=MODEL, file=(name, content))
        assert f"stand-in for a transcript of about {seconds} seconds" in heard.text
        assert heard.usage
        assert heard.usage.type == "duration"
        assert heard.usage.seconds == seconds


async def test_a_test_says_what_is_heard(ai: OpenAIServer, client: AsyncOpenAI) -> None:
    ai.transcripts["memo.mp3"] = "Buy oak desks."
    ai.transcripts[hashlib.sha256(sound(1)).hexdigest()] = "Call Raj."
    for name, content, said in (("memo.mp3", b"ID3", "Buy oak desks."), ("any.wav", sound(1), "Call Raj.")):
        assert (await client.audio.transcriptions.create(model=MODEL, file=(name, content))).text == said


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [("note.txt", b"x", 400), ("note.mp3", b"", 400), ("note.mp3", b"x" * (25 * 1024 * 1024 + 1), 413)],
)
async def test_what_is_no_sound_or_too_much_is_refused(
    client: AsyncOpenAI, name: str, content: bytes, status: int
) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        await client.audio.transcriptions.create(model=MODEL, file=(name, content))
    assert refused.value.status_code == status


async def test_a_model_that_does_not_hear_is_refused(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="does not support"):
        await client.audio.transcriptions.create(model="gpt-6.2-sol", file=("note.wav", sound(1)))
    assert MODEL in [model.id async for model in client.models.list()]
