"""Receipts on their way in: which files are meant, what the model is shown of them, what is kept, and a word for each that is of no use."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from bot.drawn import Drawn
from bot.errors import ToolRefused
from bot.expenses import capture
from bot.expenses.capture import Found, Request, read_receipts
from bot.expenses.office import Office
from bot.files.download import Downloads
from bot.jobs import make_office
from bot.models import DM_ROOT, Message, Person, SharedFile, ThreadKey, Usage
from playground.openai import script
from playground.openai.errors import ApiError
from playground.openai.plan import View
from playground.openai.script import Script
from tests.file_world import pdf, picture
from tests.library_world import MOST_BYTES, World, world
from tests.receipt_answers import answer, field, receipt

__all__ = ["world"]

LIDL = answer(receipt(category=field("meals")))


class Desk:
    """Ana's direct messages with the bot."""

    def __init__(self, world: World) -> None:
        self.world, self.spent, self.given = world, list[Usage](), list[SharedFile]()
        ws = world.server.workspace
        self.channel = ws.dm("ana").id
        self.thread = ThreadKey(world.team, self.channel, DM_ROOT)
        self.person = Person(ws.person("ana").id, "Ana", "Europe/Berlin")
        self.library = world.library()
        self.downloads = Downloads(
            world.settings.slack_bot_token, world.settings.slack_api_url, world.folder, MOST_BYTES
        )
        self.drawn = Drawn(world.database, world.team, "conv_1")

    @property
    def office(self) -> Office:
        world = self.world
        return make_office(world.settings, world.slack, world.llm, world.database, self.library, self.downloads)

    def share(self, name: str, content: bytes) -> SharedFile:
        self.given.append(self.world.share(name, content, self.channel))
        return self.given[-1]

    async def read(self, *names: str, words: str = "", before: bool = False) -> Found:
        """The tool's call; the files were shared with the question, or `before` it."""
        shared = () if before else tuple(self.given)
        question = Message(self.thread, "1.0", self.person.id, words, "Ev1", shared)
        request = Request(
            person=self.person, thread=self.thread, question=question, drawn=self.drawn, spend=self.spent.append
        )
        return await read_receipts(self.office, request, names, words)

    def answers(self, *answers: dict[str, Any]) -> None:
        """What the model reads, one request after the other."""
        self.world.ai.script = Script(*(script.text(json.dumps(a)) for a in answers))

    def shown(self) -> list[list[dict[str, Any]]]:
        """The parts of each request for an extraction."""
        asked = [r.body for r in self.world.ai.requests if r.path.endswith("/responses")]
        return [body["input"][0]["content"] for body in asked]


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def of(name: str) -> Any:
    """Whether a request is about the file whose text, or whose words, hold this."""

    def fits(view: View) -> bool:
        return name in json.dumps([view.last_user, [t for _, t in view.texts.values()]])

    return fits


async def test_a_photo_is_read_and_its_original_kept_byte_for_byte(desk: Desk) -> None:
    content = picture("JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0")
    photo = desk.share("lidl.jpg", content)
    desk.answers(LIDL)
    found = await desk.read("lidl.jpg", words="lunch")
    ((draft, original),) = found.drafts
    assert original
    assert (original.content, original.name, original.form, original.slack_file) == (
        content,
        "lidl.jpg",
        "jpeg",
        photo.id,
    )
    assert original.sha256 == draft.receipt == hashlib.sha256(content).hexdigest()
    assert (draft.details.merchant, draft.source, found.troubles) == ("LIDL", "file", ())
    ((said, shown),) = desk.shown()
    assert "lunch" in said["text"]
    assert (shown["type"], shown["detail"]) == ("input_image", "high")
    assert len(desk.spent) == 1
    assert await desk.drawn.all() == (f"file:{shown['file_id']}",)
    assert not list(desk.world.folder.glob("*")), "nothing is left on the disk"


async def test_a_pdf_with_text_is_shown_with_its_pages_and_a_scan_too(desk: Desk) -> None:
    desk.share("invoice.pdf", pdf("Hotel Adler, total 180,00 EUR, thank you for your stay in Berlin"))
    desk.share("scan.pdf", pdf("", picture=True))
    desk.answers(LIDL, LIDL)
    found = await desk.read("invoice.pdf", "scan.pdf")
    assert [original.form for _, original in found.drafts if original] == ["pdf", "pdf"]
    assert [[p["type"] for p in parts] for parts in desk.shown()] == [["input_file"], ["input_file"]]


async def test_where_openai_does_not_take_the_pages_the_text_is_read(desk: Desk) -> None:
    desk.share("invoice.pdf", pdf("Hotel Adler, total 180,00 EUR, thank you for your stay in Berlin"))
    param = "input[0].content[0].file_id"
    refused = script.Step(lambda: ApiError(400, "Not supported.", code="unsupported_file", param=param))
    desk.world.ai.script = Script(refused, script.text(json.dumps(LIDL)))
    found = await desk.read("invoice.pdf")
    assert len(found.drafts) == 1
    assert "Hotel Adler" in desk.shown()[1][0]["text"]


async def test_a_document_is_read_by_its_text(desk: Desk) -> None:
    desk.share("mail.txt", b"Your ride on Friday: 18,40 EUR")
    desk.answers(LIDL)
    ((_, original),) = (await desk.read("mail.txt")).drafts
    assert original
    assert original.form == "txt"
    ((part,),) = desk.shown()
    assert (part["type"], "Your ride on Friday" in part["text"]) == ("input_text", True)


async def test_words_alone_are_read_as_they_are(desk: Desk) -> None:
    taxi = receipt(
        total=field("18.40"), spent_on=field("2026-11-21", evidence="yesterday"), currency=field("EUR", evidence="")
    )
    desk.answers(answer(taxi))
    ((draft, original),) = (await desk.read(words="taxi 18.40 yesterday to the client")).drafts
    assert (original, draft.source, draft.details.minor, draft.doubts) == (None, "words", 1840, ("currency",))
    assert desk.shown() == [[{"type": "input_text", "text": "taxi 18.40 yesterday to the client"}]]


async def test_several_receipts_in_one_picture_share_their_original(desk: Desk) -> None:
    desk.share("ten.png", picture())
    desk.answers(answer(*(receipt(merchant=field(f"Shop {n}")) for n in range(10))))
    found = await desk.read("ten.png")
    assert [draft.part for draft, _ in found.drafts] == list(range(10))
    assert len({id(original) for _, original in found.drafts}) == 1


async def test_what_is_wrong_with_one_file_is_said_and_the_others_go_on(desk: Desk) -> None:
    desk.share("cat.png", picture(size=(30, 30)))
    desk.share("good.txt", b"Taxi 18,40 EUR")
    desk.share("tool.exe", b"MZ\0\0")
    desk.world.ai.script = Script(
        script.text(json.dumps(LIDL), match=of("Taxi 18,40")),
        script.text(json.dumps(answer(nothing="a cat"))),
    )
    found = await desk.read("cat.png", "good.txt", "tool.exe", "nowhere.pdf")
    assert len(found.drafts) == 1
    assert set(found.troubles) == {
        "cat.png: I see no receipt in it (a cat).",
        "tool.exe: programs are not read.",
        f"nowhere.pdf: {capture.NOT_SHARED}.",
    }


async def test_a_receipt_that_is_too_large_is_told_so_and_not_fetched(desk: Desk) -> None:
    desk.share("huge.txt", b"x" * (capture.MOST_BYTES + 1))
    with pytest.raises(ToolRefused, match=r"huge.txt: it is too large.*up to 20 MB"):
        await desk.read("huge.txt")
    assert desk.shown() == []


async def test_files_that_are_too_much_together_are_left_for_later(desk: Desk) -> None:
    names = [f"{n}.bmp" for n in range(5)]
    for n, name in enumerate(names):
        desk.share(name, picture("BMP", (2300 + n, 2300)))
    desk.world.ai.script = Script()
    desk.world.ai.script.forever(script.text(json.dumps(LIDL)))
    found = await desk.read(*names)
    assert len(found.drafts) == 3
    assert len([t for t in found.troubles if "too much beside the other files" in t]) == 2


async def test_a_file_of_another_place_is_not_there(desk: Desk) -> None:
    other = desk.world.share("raj.png", picture(), "general")
    await desk.library.take(other, desk.world.thread("general"))
    for wanted in ("raj.png", other.id):
        with pytest.raises(ToolRefused, match=r"I find no file of that name"):
            await desk.read(wanted)
    assert desk.shown() == []


async def test_photos_that_are_all_called_alike_are_each_read(desk: Desk) -> None:
    shared = [desk.share("image.png", picture(size=(20 + n, 20))) for n in range(2)]
    desk.answers(LIDL, LIDL)
    found = await desk.read("image.png")
    assert {original.slack_file for _, original in found.drafts if original} == {f.id for f in shared}


async def test_a_name_that_is_given_twice_means_the_two_newest(desk: Desk) -> None:
    shared = [desk.share("image.png", picture(size=(20 + n, 20))) for n in range(3)]
    for file in shared:
        await desk.library.take(file, desk.thread)
    desk.answers(LIDL, LIDL)
    found = await desk.read("image.png", "image.png", before=True)
    assert {original.slack_file for _, original in found.drafts if original} == {f.id for f in shared[1:]}


async def test_more_files_than_are_taken_at_once_are_named(desk: Desk) -> None:
    shared = [desk.share(f"{n}.txt", f"Taxi {n},00 EUR".encode()) for n in range(capture.MOST_FILES + 1)]
    desk.world.ai.script = Script()
    desk.world.ai.script.forever(script.text(json.dumps(LIDL)))
    found = await desk.read(*(f.name for f in shared))
    assert len(found.drafts) == capture.MOST_FILES
    assert found.troubles == ("I take at most 10 files at once; these are still to be read: 10.txt.",)


async def test_openai_away_is_a_kind_word_not_a_fault(desk: Desk) -> None:
    desk.share("good.txt", b"Taxi 18,40 EUR")
    desk.world.ai.script = Script(script.http_error(503), script.http_error(503))
    with pytest.raises(ToolRefused, match=r"OpenAI has a problem\..*Ask again in a moment"):
        await desk.read(words="taxi 18.40")
    with pytest.raises(ToolRefused, match=r"good.txt: OpenAI has a problem\. Share it again"):
        await desk.read("good.txt")


async def test_a_refusal_of_the_model_is_told(desk: Desk) -> None:
    desk.world.ai.script = Script(script.refusal("No."))
    with pytest.raises(ToolRefused, match="refuses to read this"):
        await desk.read(words="taxi 18.40")


async def test_nothing_given_and_nothing_paid_are_told(desk: Desk) -> None:
    with pytest.raises(ToolRefused, match="Name the files"):
        await desk.read()
    desk.answers(answer(nothing="small talk"))
    with pytest.raises(ToolRefused, match="nothing that was paid"):
        await desk.read(words="hello there")


async def test_a_file_that_openai_has_lost_is_brought_there_again(desk: Desk) -> None:
    photo = desk.share("lidl.png", picture())
    record = await desk.library.take(photo, desk.thread)
    await desk.world.llm.client.files.delete(record.given_file)
    desk.answers(LIDL)
    found = await desk.read("lidl.png", before=True)
    assert len(found.drafts) == 1


@pytest.mark.parametrize(
    "odd",
    [{}, {"receipts": None}, {"receipts": [5]}, {"receipts": [{"merchant": 5}]}, {"receipts": [receipt(total=None)]}],
)
async def test_an_answer_of_another_shape_costs_that_file_alone(desk: Desk, odd: dict[str, Any]) -> None:
    desk.share("odd.txt", b"Odd 1,00 EUR")
    desk.share("good.txt", b"Taxi 18,40 EUR")
    desk.world.ai.script = Script(
        script.text(json.dumps(odd), match=of("Odd 1,00")), script.text(json.dumps(LIDL), match=of("Taxi 18,40"))
    )
    found = await desk.read("odd.txt", "good.txt")
    assert [draft.details.merchant for draft, _ in found.drafts if draft.details.minor] == ["LIDL"]
