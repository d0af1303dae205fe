"""From what somebody shares and says to drafts of expenses: the files are fetched and read before anything is written."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from bot.access import Searchable
from bot.drawn import Drawn, file
from bot.errors import AssistError, FileRefused, PartRefused, Retryable, SourceGone, ToolRefused, UserFacing
from bot.expenses.books.books import Original
from bot.expenses.extraction import MOST_RECEIPTS, NAME, SCHEMA, Given, drafts, instructions, nothing
from bot.expenses.office import Office
from bot.expenses.values import Draft
from bot.files.kinds import MEGABYTE, format_of, megabytes, refusal
from bot.files.library import READY, REFUSED, Record, slack_id
from bot.items import person_hash
from bot.models import Item, Message, Person, SharedFile, ThreadKey, Usage, utcnow

log = structlog.get_logger()

MOST_FILES = 10  # of one call
MOST_BYTES = 20 * MEGABYTE  # of one receipt
MOST_TOGETHER = 60 * MEGABYTE  # of all receipts of a call, which are in memory until they are kept
AT_ONCE = 3
SECONDS = 100.0  # for all files of a call to be taken in, fetched and read
MOST_TEXT = 60_000  # characters of a document, or of what is said in a recording
AGAIN = "Share it again, or ask again in a moment"
TOO_MUCH = f"it is too much beside the other files (at most {megabytes(MOST_BYTES)} a receipt, {megabytes(MOST_TOGETHER)} together). Share it again by itself"
NOT_SHARED = "I find no file of that name in our direct messages; please share it here"


class _SkippedError(AssistError):
    """A file that is of no use; the text says why, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Who hands in what: the message that is being answered, and the thread, which is their direct messages with the bot."""

    person: Person
    thread: ThreadKey
    question: Message
    drawn: Drawn
    spend: Callable[[Usage], None]


@dataclass(frozen=True, slots=True)
class Found:
    """What is to be kept, each with the original that it was read from; and in words what could not be used."""

    drafts: tuple[tuple[Draft, Original | None], ...]
    troubles: tuple[str, ...] = ()


async def read_receipts(office: Office, request: Request, files: Sequence[str], words: str) -> Found:
    """Reads receipts in files of this direct message, by name, id or link, and what was said of them; or the words alone.

    What is wrong with one file is told in words and the others go on. Raises ToolRefused where nothing was found at all.
    """
    await office.rates.refresh()
    reading = _Reading(office, request, words.strip())
    found = await (reading.files(files) if files else reading.words_alone())
    if not found.drafts:
        raise ToolRefused(" ".join(found.troubles))
    return found


class _Reading:
    """One call of the tool."""

    def __init__(self, office: Office, request: Request, words: str) -> None:
        self._office, self._request, self._words = office, request, words
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._until = asyncio.get_running_loop().time() + SECONDS
        self._bytes = 0  # of the originals of this call

    async def words_alone(self) -> Found:
        """What was said was paid, without a receipt."""
        if not self._words:
            return Found((), ("Name the files that are receipts, or give the words that say what was paid.",))
        try:
            answer = await self._ask([_text(self._words)])
        except Retryable as error:
            raise ToolRefused(
                f"{error.said or 'Something that I need did not answer.'} Ask again in a moment."
            ) from error
        except UserFacing as error:
            raise ToolRefused(error.text) from error
        given = Given(source="words", home=self._office.home, text=self._words)
        found = drafts(answer, given, self._office.policy)
        return Found(
            tuple((draft, None) for draft in found),
            ("These words tell of nothing that was paid.",) if not found else (),
        )

    async def files(self, names: Sequence[str]) -> Found:
        """What the files hold."""
        wanted, troubles = await self._wanted(names)
        async with asyncio.TaskGroup() as group:  # a fault in one ends the others, too
            tasks = [group.create_task(self._one(shared)) for shared in wanted]
        each = [task.result() for task in tasks]
        troubles += [trouble for found in each for trouble in found.troubles]
        return Found(tuple(d for found in each for d in found.drafts), tuple(troubles))

    async def _wanted(self, names: Sequence[str]) -> tuple[list[SharedFile], list[str]]:
        """The files that are meant, each once; and what is to be said of names that lead nowhere.

        Many phones call every photo alike: a name means all the files of that name in the question, and as many earlier ones as it is named oftener.
        """
        wanted: dict[str, SharedFile] = {}
        troubles: list[str] = []
        for name, times in Counter(n.strip() for n in names).items():
            shared = [
                f
                for f in self._request.question.files
                if slack_id(name) == f.id or f.name.casefold() == name.casefold()
            ]
            if len(shared) < times:
                shared += await self._earlier(name, times - len(shared), {f.id for f in shared})
            wanted |= {f.id: f for f in shared}
            if not shared:
                troubles.append(f"{name[:100]}: {NOT_SHARED}.")
        given = list(wanted.values())
        if left := ", ".join(f.name for f in given[MOST_FILES:]):
            troubles.append(f"I take at most {MOST_FILES} files at once; these are still to be read: {left[:500]}.")
        return given[:MOST_FILES], troubles

    async def _earlier(self, name: str, most: int, but: Collection[str]) -> list[SharedFile]:
        """The newest files of this direct message that are called so."""
        thread = self._request.thread
        here = Searchable((thread.channel,), workspace=False, everyone=False)
        found = [r for r in await self._office.library.find(thread.team, name, here) if r.slack_file not in but]
        return [SharedFile(r.slack_file, r.name) for r in found[:most]]

    async def _one(self, shared: SharedFile) -> Found:
        """What one file holds; never raises because of it."""
        try:
            async with asyncio.timeout_at(self._until), self._slots:
                return await self._receipts(shared)
        except (FileRefused, _SkippedError) as error:
            why = str(error)
        except TimeoutError:
            why = f"it takes too long to read. {AGAIN}"
        except UserFacing as error:
            why = error.text
        except Retryable as error:
            log.warning("receipt not read", file=shared.id, thread=str(self._request.thread), reason=str(error))
            why = f"{error.said or 'something that I need did not answer.'} {AGAIN}"
        except (AssistError, OSError) as error:
            log.warning(
                "receipt not read", file=shared.id, thread=str(self._request.thread), reason=type(error).__name__
            )
            why = f"it could not be read. {AGAIN}"
        return Found((), (f"{shared.name}: {why.rstrip('.')}.",))

    async def _receipts(self, shared: SharedFile) -> Found:
        told = await self._office.library.look(shared.id)
        if why := refusal(told, MOST_BYTES):
            raise _SkippedError(why)
        async with self._office.downloads.fetch(told.url, expected_size=told.size) as download:
            self._bytes += download.size
            if download.size > MOST_BYTES or self._bytes > MOST_TOGETHER:
                raise _SkippedError(TOO_MUCH)
            form = format_of(told.name, told.mimetype or download.mimetype, download.head)
            try:
                answer, text = await self._answer(shared, form)
            except SourceGone as gone:  # OpenAI has lost it: it is brought there anew
                await self._office.library.make_good(self._request.thread.team, gone)
                answer, text = await self._answer(shared, form)
            given = Given(source="file", home=self._office.home, receipt=download.sha256, text=text)
            found = await asyncio.to_thread(drafts, answer, given, self._office.policy)  # it looks through the text
            if not found:
                seen = nothing(answer).rstrip(" .")
                raise _SkippedError(f"I see no receipt in it{f' ({seen})' if seen else ''}")
            content = await asyncio.to_thread(download.path.read_bytes)  # only now: many may wait for OpenAI at once
        original = Original(download.sha256, told.name, form, content, shared.id)
        more = f"{shared.name}: I read at most {MOST_RECEIPTS} receipts in one file; share any others by themselves."
        return Found(tuple((draft, original) for draft in found), (more,) if len(found) == MOST_RECEIPTS else ())

    async def _answer(self, shared: SharedFile, form: str) -> tuple[dict[str, Any], str]:
        """What the model reads in a file, and the file's text where it has one."""
        library = self._office.library
        record = await library.take(shared, self._request.thread)
        if record.state != READY:
            raise _SkippedError(record.reason if record.state == REFUSED else f"it is still being indexed. {AGAIN}")
        await self._request.drawn.on(*(file(id_) for id_ in record.openai_files))
        text = (await library.text(record))[:MOST_TEXT]
        said = [_text(f"What the person says of it:\n{self._words}")] if self._words else []
        shown = _shown(record, form)
        if shown:
            try:
                return await self._ask([*said, shown]), text
            except PartRefused:
                if not text:
                    raise
                log.info("receipt read by its text alone", file=shared.id, form=form)
        if not text:
            raise _SkippedError("I can read neither words nor a picture in it")
        return await self._ask([*said, _text(f"The text of {record.name}:\n{text}")]), text

    async def _ask(self, parts: Sequence[Item]) -> dict[str, Any]:
        request, office = self._request, self._office
        today = utcnow().astimezone(request.person.zone).date()
        return await office.llm.extract(
            instructions(office.policy, today),
            parts,
            NAME,
            SCHEMA,
            person=person_hash(request.thread.team, request.person.id),
            spend=request.spend,
        )


def _shown(record: Record, form: str) -> Item | None:
    """The picture or the pages, as the model is shown them; of a PDF with text also its pages, which hold what a picture in it says."""
    if record.kind == "image":
        return {"type": "input_image", "file_id": record.given_file, "detail": "high"}
    pages = record.given_file if record.kind == "scan" else record.search_file if form == "pdf" else ""
    return {"type": "input_file", "file_id": pages} if pages else None


def _text(words: str) -> Item:
    return {"type": "input_text", "text": words}
