"""Transcription of sound: what a test has set, else an honest stand-in."""

import asyncio
import hashlib
import math
import wave
from collections.abc import Mapping

from aiohttp import web

from playground.openai.errors import ApiError, invalid
from playground.openai.exchange import Exchange, Route, Upload
from playground.openai.limits import Model
from playground.openai.validation import check_model

LIMIT = 25 * 1024 * 1024
BYTES_PER_SECOND = 16_000  # of compressed sound: good enough for a guess
TYPES = ("flac", "mp3", "mp4", "mpeg", "mpga", "m4a", "ogg", "wav", "webm")
FORMATS = ("json", "text")


class Audio:
    """`transcripts` holds what is heard, by the upload's name or by the SHA-256 of its content in hexadecimal."""

    def __init__(self, models: Mapping[str, Model]) -> None:
        self.transcripts: dict[str, str] = {}
        self._models = models

    def routes(self) -> list[Route]:
        """Method, path below /v1, handler."""
        return [("POST", "/audio/transcriptions", self._transcribe)]

    async def _transcribe(self, exchange: Exchange) -> web.Response:
        upload = exchange.body.get("file")
        model = check_model(exchange.body, self._models)
        if not model.hears:
            message = f"The model '{model.id}' does not support the endpoint '/v1/audio/transcriptions'."
            raise invalid(message, param="model", code="unsupported_model")
        if not isinstance(upload, Upload):
            raise invalid("'file' is a required property", param="file")
        suffix = upload.filename.rpartition(".")[2].lower()
        if suffix not in TYPES:
            raise invalid(f"Unsupported file format {suffix}. Supported formats: {list(TYPES)}", param="file")
        if upload.size > LIMIT:
            raise ApiError(413, f"Maximum content size limit ({LIMIT}) exceeded ({upload.size} bytes read)")
        if not upload.size:
            message = "Audio file is too short. Minimum audio length is 0.1 seconds."
            raise invalid(message, param="file", code="audio_too_short")
        format_ = exchange.body.get("response_format", "json")
        if format_ not in FORMATS:
            raise invalid(f"response_format '{format_}' is not compatible with model.", param="response_format")
        text, seconds = await asyncio.to_thread(self._heard, upload)
        if format_ == "text":
            return web.Response(text=text + "\n")
        usage = {"type": "duration", "seconds": seconds}
        return web.json_response({"text": text, "languages": [], "usage": usage})

    def _heard(self, upload: Upload) -> tuple[str, int]:
        digest = hashlib.sha256(upload.path.read_bytes()).hexdigest()
        seconds = _seconds(upload)
        stand_in = f"This is the playground's stand-in for a transcript of about {seconds} seconds of sound."
        return self.transcripts.get(upload.filename, self.transcripts.get(digest, stand_in)), seconds


def _seconds(upload: Upload) -> int:
    try:
        with wave.open(str(upload.path)) as sound:
            frames, rate = sound.getnframes(), sound.getframerate()
            return -(-int(frames) // int(rate))
    except (wave.Error, EOFError, ZeroDivisionError):
        return math.ceil(upload.size / BYTES_PER_SECOND)
