"""What OpenAI is given of each kind of file; and files that are made to do harm, which take nothing down with them."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import pytest
from PIL import Image

from bot.errors import FileRefused
from bot.files.documents import MOST_TEXT
from bot.files.download import Download
from bot.files.kinds import kind_of
from bot.files.prepare import Prepared, prepare
from tests.file_world import OLE, TYPES, downloaded, office, pdf, picture, slack_file, xlsx


async def prepared(folder: Path, name: str, content: bytes) -> Prepared:
    download = downloaded(folder, content)
    return await prepare(download, slack_file(name), kind_of(name, "", download.head), folder)


async def refused(folder: Path, name: str, content: bytes) -> str:
    with pytest.raises(FileRefused) as caught:
        await prepared(folder, name, content)
    return str(caught.value)


# -- text and documents --------------------------------------------------------------------------------------------------


async def test_text_is_searched_as_it_is(tmp_path: Path) -> None:
    got = await prepared(tmp_path, "notes.md", "# Café".encode())
    assert got == Prepared("text", tmp_path / "content", "notes.md", None, "", "")
    got = await prepared(tmp_path, "app.log", b"10:00 started")
    assert (got.search, got.search_name) == (tmp_path / "content", "app.log.txt")


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "utf-8-sig"])
async def test_text_in_another_encoding_becomes_utf_8(tmp_path: Path, encoding: str) -> None:
    got = await prepared(tmp_path, "notes.py", "# Größe: 3 €".encode(encoding))
    assert got.search
    assert got.search.read_bytes() == "# Größe: 3 €".encode()
    assert got.search_name == "notes.py.txt"


async def test_long_text_is_cut_with_a_note(tmp_path: Path) -> None:
    got = await prepared(tmp_path, "app.log", b"0123456789abcde\n" * (MOST_TEXT // 16 + 2_000_000 // 16))
    assert got.note == "only its first 16 MB of text can be searched"
    assert got.search
    assert MOST_TEXT <= got.search.stat().st_size <= MOST_TEXT + 1_100_000


async def test_text_with_binary_far_inside_is_refused(tmp_path: Path) -> None:
    content = b"words " * 5000 + b"\0\0"
    assert await refused(tmp_path, "notes.txt", content) == "it is no text, whatever it is called"


async def test_documents_are_searched_as_they_are(tmp_path: Path) -> None:
    for name, content in (
        ("a.docx", office("word/document.xml")),
        ("a.pptx", office("ppt/presentation.xml")),
        ("a.doc", OLE + bytes(3000)),
        ("a.pdf", pdf("Hotels in Berlin cost up to 150 euros")),
    ):
        got = await prepared(tmp_path, name, content)
        assert got == Prepared("text", tmp_path / "content", name, None, "", "")


async def test_a_password_is_told_from_damage(tmp_path: Path) -> None:
    locked = OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(600)
    for name, content in (
        ("a.pdf", pdf("words", password="geheim")),
        ("a.pdf", pdf("words", password="geheim", algorithm="AES-128")),
        ("a.pdf", pdf("words", password="geheim", algorithm="AES-256")),  # today's
        ("a.docx", locked),
        ("a.pptx", locked),
        ("a.xlsx", locked),
    ):
        assert await refused(tmp_path, name, content) == "it is password-protected"
    for name, content in (
        ("a.pdf", b"%PDF-1.7 and then nothing"),
        ("a.docx", office("word/document.xml")[:-30]),
        ("a.xlsx", xlsx({"One": [["a"]]})[:-40]),
        ("a.pptx", office("word/nothing.xml").replace(b"word/nothing", b"ppt/nothings")),
    ):
        assert await refused(tmp_path, name, content) == "it is damaged"
    old = await refused(tmp_path, "a.ppt", OLE + bytes(3000))
    assert old == "I cannot read files of the kind .ppt; please share it as PPTX or PDF"


async def test_a_pdf_that_is_only_locked_against_printing_is_read(tmp_path: Path) -> None:
    got = await prepared(tmp_path, "a.pdf", pdf("Everybody may read this", owner="boss"))
    assert got.kind == "text"


async def test_a_scan_is_given_to_be_looked_at_while_it_is_short(tmp_path: Path) -> None:
    got = await prepared(tmp_path, "receipt.pdf", pdf("Scan 1", "", picture=True))
    assert got == Prepared("scan", None, "", tmp_path / "content", "receipt.pdf", "")
    word = await refused(tmp_path, "book.pdf", pdf(*[""] * 21, picture=True))
    assert word == "it has no text, only pictures of 21 pages; please share fewer pages, or a version with text"
    mixed = await prepared(tmp_path, "book.pdf", pdf(*[""] * 29, "words " * 20, picture=True))
    assert mixed.kind == "text", "a page has words"


# -- tables and recordings -----------------------------------------------------------------------------------------------


async def test_a_table_is_searched_as_text_and_given_as_it_is(tmp_path: Path) -> None:
    got = await prepared(tmp_path, "sales.csv", b"region,amount\nNorth,3\n")
    assert (got.kind, got.search_name, got.given, got.given_name) == (
        "table",
        "sales.csv.md",
        tmp_path / "content",
        "sales.csv",
    )
    assert got.search
    assert got.search.read_text() == "Table sales.csv, row 2\n| region | amount |\n| North | 3 |\n\n"
    got = await prepared(tmp_path, "book.xlsx", xlsx({"One": [["a"], ["b"]]}))
    assert (got.kind, got.search_name, got.given_name) == ("table", "book.xlsx.md", "book.xlsx")


async def test_a_recording_is_given_as_it_is_while_it_can_be_listened_to(tmp_path: Path) -> None:
    got = await prepared(tmp_path, "clip.mov", b"\0\0\0\x14ftypqt  " + bytes(100))
    assert got == Prepared("sound", None, "", tmp_path / "content", "clip.mov.mp4", "")
    long = Download(tmp_path / "content", 40_000_000, "", b"ID3\x04\0", "")
    with pytest.raises(FileRefused) as caught:
        await prepare(long, slack_file("memo.mp3"), "sound", tmp_path)
    assert str(caught.value) == "it is too large to listen to (40 MB; I can up to 25 MB)"
    assert (await prepare(long, slack_file("memo.mp3", transcript="Hello"), "sound", tmp_path)).kind == "sound"


# -- pictures ------------------------------------------------------------------------------------------------------------


async def seen(folder: Path, name: str, content: bytes) -> tuple[Prepared, Image.Image]:
    got = await prepared(folder, name, content)
    assert got.kind == "image"
    assert got.search is None
    assert got.given
    with Image.open(got.given) as image:
        image.load()
        return got, image


@pytest.mark.parametrize(("name", "form"), [("a.png", "PNG"), ("a.jpg", "JPEG"), ("a.webp", "WEBP"), ("a.gif", "GIF")])
async def test_a_picture_that_the_model_takes_stays_as_it_is(tmp_path: Path, name: str, form: str) -> None:
    got, _ = await seen(tmp_path, name, picture(form))
    assert (got.given, got.given_name, got.note) == (tmp_path / "content", name, "")


@pytest.mark.parametrize(
    ("name", "form", "given_name", "becomes"),
    [
        ("a.heic", "HEIF", "a.heic.jpeg", "JPEG"),
        ("a.avif", "AVIF", "a.avif.jpeg", "JPEG"),
        ("a.tiff", "TIFF", "a.tiff.jpeg", "JPEG"),
        ("a.bmp", "BMP", "a.bmp.png", "PNG"),
    ],
)
async def test_other_pictures_are_converted(
    tmp_path: Path, name: str, form: str, given_name: str, becomes: str
) -> None:
    if form == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    got, image = await seen(tmp_path, name, picture(form, (64, 32)))
    assert (got.given_name, image.format, image.size) == (given_name, becomes, (64, 32))


async def test_a_photo_is_turned_upright_and_forgets_where_it_was_taken(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif.get_ifd(0x8825)[1] = "N"
    got, image = await seen(tmp_path, "IMG_1.jpg", picture("JPEG", (40, 20), exif=exif, xmp=b"<x>Home</x>"))
    assert image.size == (20, 40)
    assert got.given_name == "IMG_1.jpg"
    assert got.given
    assert not image.getexif()
    assert b"Exif" not in got.given.read_bytes()
    assert b"Home" not in got.given.read_bytes()
    shades = image.convert("L").tobytes()
    dark, light = shades[5 * 20 + 10], shades[35 * 20 + 10]
    assert dark < light, "what was left is up now"


async def test_large_pictures_are_made_smaller_and_keep_what_is_clear(tmp_path: Path) -> None:
    _, image = await seen(tmp_path, "a.jpg", picture("JPEG", (6000, 3000)))
    assert image.size == (4096, 2048)
    got, image = await seen(tmp_path, "a.png", picture("PNG", (5000, 50), "RGBA"))
    assert (image.format, image.mode, image.size) == ("PNG", "RGBA", (4096, 41))
    assert got.given_name == "a.png"


async def test_deep_shades_of_grey_stay_apart(tmp_path: Path) -> None:
    deep = Image.frombytes("I;16", (2, 1), (20_000).to_bytes(2, "little") + (40_000).to_bytes(2, "little"))
    out = io.BytesIO()
    deep.resize((16, 8), Image.Resampling.NEAREST).save(out, "TIFF")
    _, image = await seen(tmp_path, "a.tiff", out.getvalue())
    shades = image.convert("L").tobytes()
    assert 70 < shades[0] < 90
    assert 145 < shades[15] < 167


async def test_of_an_animation_the_first_picture_is_seen(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), c) for c in ("red", "green", "blue")]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    got, image = await seen(tmp_path, "a.gif", out.getvalue())
    assert (got.note, got.given_name) == ("only the first picture of the animation is seen", "a.gif.png")
    assert image.convert("RGB").getpixel((0, 0)) == (255, 0, 0)


async def test_a_picture_called_pdf_is_seen_as_a_picture(tmp_path: Path) -> None:
    got, _ = await seen(tmp_path, "scan.pdf", picture("PNG"))
    assert got.given_name == "scan.pdf.png"


async def test_a_broken_picture_says_so(tmp_path: Path) -> None:
    word = "it is damaged, or is no picture that I know"
    assert await refused(tmp_path, "a.png", picture("PNG", (300, 300))[:200]) == word
    assert await refused(tmp_path, "a.jpg", b"\xff\xd8\xff\xe0 nothing") == word


# -- made to do harm -----------------------------------------------------------------------------------------------------


def boasting(name: str, size: int) -> bytes:
    """An archive with a member that says it unpacks to `size` bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", TYPES)
        archive.writestr(name, b"0" * 1000)
        archive.infolist()[1].file_size = size
    return out.getvalue()


async def test_zip_bombs_are_not_opened(tmp_path: Path) -> None:
    for name, member in (("a.docx", "word/document.xml"), ("a.xlsx", "xl/workbook.xml")):
        word = await refused(tmp_path, name, boasting(member, 4_000_000_000))
        assert word == "it unpacks to 4,000 MB, which I do not open"


async def test_a_spreadsheet_that_wants_more_memory_than_there_is_takes_only_its_child_down(tmp_path: Path) -> None:
    book = xlsx({"One": [["a", "b"]]})
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            content = old.read(member)
            if "sheet1" in member.filename:  # two cells, and 134 million empty ones between them
                content = content.replace(b"<row><c ", b'<row r="1"><c r="A1" ', 1)
                content = content.replace(
                    b"</sheetData>", b'<row r="8192"><c r="XFD8192"><v>1</v></c></row></sheetData>'
                )
            new.writestr(member, content)
    word = await refused(tmp_path, "a.xlsx", out.getvalue())
    assert word == "it needs too much memory to open"


async def test_a_picture_bomb_is_not_unpacked(tmp_path: Path) -> None:
    small = bytearray(picture("PNG"))
    small[16:24] = (60_000).to_bytes(4, "big") * 2
    small[29:33] = zlib.crc32(bytes(small[12:29])).to_bytes(4, "big")
    word = await refused(tmp_path, "a.png", bytes(small))
    assert word == "its picture is too large (60,000 × 60,000 pixels); please share a smaller one"


def children() -> list[int]:
    """The processes that open files for this one."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and b"bot.files.child" in (entry / "cmdline").read_bytes():
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                found += [int(entry.name)] if parent == os.getpid() else []
        except OSError:
            continue
    return found


def environment(process: int) -> bytes:
    return Path(f"/proc/{process}/environ").read_bytes()


async def until_children(count: int) -> list[int]:
    async with asyncio.timeout(10):
        while len(now := children()) != count:  # noqa: ASYNC110  # the system tells of no process that begins
            await asyncio.sleep(0.02)
    return now


def endless(folder: Path) -> Download:
    """A file that never ends, nor begins."""
    folder.mkdir()
    os.mkfifo(folder / "content")
    return Download(folder / "content", 10, "", b"words", "")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes as Linux shows them")
async def test_at_most_two_children_work_they_know_no_secret_and_end_with_who_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    tasks = [
        asyncio.create_task(prepare(endless(tmp_path / str(n)), slack_file("a.txt"), "text", tmp_path))
        for n in range(4)
    ]
    for child in await until_children(2):
        assert b"xoxb-secret" not in environment(child)
    await asyncio.sleep(0.2)
    assert len(children()) == 2
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert children() == []


async def test_a_file_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match=r"^it takes too long to open$"):
        await prepare(endless(tmp_path / "a"), slack_file("a.txt"), "text", tmp_path, seconds=0.5)


async def test_many_files_at_once_are_all_prepared(tmp_path: Path) -> None:
    got = await asyncio.gather(*(prepared(tmp_path / str(n), f"{n}.txt", b"words %d" % n) for n in range(12)))
    assert [p.search.read_bytes() for p in got if p.search] == [b"words %d" % n for n in range(12)]


def test_what_opens_strangers_files_cannot_even_talk_to_the_network() -> None:
    code = "import sys, pypdf, bot.files.child, bot.files.documents, bot.files.pictures, bot.files.tables; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert {"pypdf", "PIL", "python_calamine"} <= set(run.stdout.split())
    assert not {"aiohttp", "slack_sdk", "openai", "redis", "bot.settings"} & set(run.stdout.split())
