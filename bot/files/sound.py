"""The words of a recording: Slack's own transcript where it has one, else OpenAI's."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import structlog

from bot.errors import FileRefused, OpenAIRefused, Retryable
from bot.files.download import Download, Downloads
from bot.files.prepare import Prepared
from bot.files.slack_file import SlackFile
from bot.files.store import Store

log = structlog.get_logger()

MOST_BYTES = 25_000_000  # that OpenAI transcribes
LONGEST_VTT = 10_000_000
TIMES = re.compile(r"^(\d+:)?\d+:\d+[.,]\d+ --> ")
TAGS = re.compile(r"</?[^<>]*>")


async def heard_in(
    store: Store, downloads: Downloads, file: SlackFile, download: Download, prepared: Prepared
) -> tuple[str, float]:
    """The words, and the seconds that OpenAI is paid for. Raises FileRefused, Retryable."""
    words, heard = file.transcript or await _slacks(downloads, file), 0.0
    if not words:
        if download.size > MOST_BYTES:
            raise FileRefused("it is too large to listen to (I can up to 25 MB)")
        try:
            words, heard = await store.transcribe(prepared.given or download.path, prepared.given_name or file.name)
        except OpenAIRefused as refused:
            log.warning("not transcribed", file=file.id, refusal=str(refused))
            raise FileRefused("it could not be transcribed") from refused
    if not words.strip():
        raise FileRefused("nothing is said in it")
    return words, heard


def as_text(words: str, name: str, prepared: Prepared, folder: Path) -> Prepared:
    """The words as the text that goes into the store; the recording itself does not."""
    path = folder / "transcript.md"
    path.write_text(f"# Transcript of {name}\n\n{words}\n", encoding="utf-8")
    return replace(prepared, search=path, search_name=f"Transcript of {name}.md", given=None)


async def _slacks(downloads: Downloads, file: SlackFile) -> str:
    """Slack's captions as text, "" where there are none."""
    if not file.vtt:
        return ""
    try:
        async with downloads.fetch(file.vtt, expected_size=0) as captions:
            if captions.size > LONGEST_VTT:
                return ""
            return said(await asyncio.to_thread(captions.path.read_text, "utf-8", "replace"))
    except (FileRefused, Retryable) as error:  # OpenAI can listen, too
        log.info("no captions", file=file.id, error=type(error).__name__)
        return ""


def said(vtt: str) -> str:
    """What is said in WebVTT captions, without its times."""
    lines: list[str] = []
    for block in re.split(r"\n\s*\n", vtt.replace("\r\n", "\n")):
        rows = block.split("\n")
        at = next((n for n, row in enumerate(rows) if TIMES.match(row.strip())), None)
        lines += [TAGS.sub("", row).strip() for row in rows[at + 1 :]] if at is not None else []
    return "\n".join(line for line in lines if line)
