"""Documents: whether they open, whether they have text, and text in UTF-8. Runs in the child."""

from __future__ import annotations

import codecs
import mmap
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.errors import FileRefused

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

LOCKED = "it is password-protected"
DAMAGED = "it is damaged"
MOST_UNPACKED = 500_000_000  # bytes
MOST_TEXT = 16_000_000  # bytes; OpenAI searches 5 million tokens of a file
SCAN_PAGES, SCAN_BYTES = 20, 30_000_000  # of a PDF whose pages the model must look at
SAMPLE = 8  # pages that are looked at for text
FEW = 50  # characters; less beside a picture is a stamp on a scan
PIECE = 1024 * 1024
NEEDED = {"docx": "word/document", "pptx": "ppt/presentation", "xlsx": "xl/workbook", "ods": "content.xml"}
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")  # the stream of a locked DOCX, PPTX or XLSX


def has_text(source: Path) -> bool:
    """Whether a PDF has text; False is a scan that is short enough to be looked at. Raises FileRefused for one that is locked, damaged or long."""
    from pypdf import PdfReader  # most of a child's time where the file is no PDF

    with source.open("rb") as file:
        try:
            reader = PdfReader(file)
            if reader.is_encrypted and not _opens(reader):
                raise FileRefused(LOCKED)
            count = len(reader.pages)
        except FileRefused:
            raise
        except Exception as error:  # pypdf raises anything for a broken file
            raise FileRefused(DAMAGED) from error
        if not count:
            raise FileRefused("it has no pages")
        sample = {0, 1, 2, *range(3, count, max(1, count // SAMPLE)), count - 1}
        if any(_is_text(reader, n) for n in sorted(sample) if n < count):
            return True
    if count > SCAN_PAGES or source.stat().st_size > SCAN_BYTES:
        pages = f"{count:,} pages" if count > 1 else "a page"
        raise FileRefused(f"it has no text, only pictures of {pages}; please share fewer pages, or a version with text")
    return False


def check_office(source: Path, form: str) -> None:
    """Raises FileRefused for a DOCX, PPTX or spreadsheet that is locked, damaged, or unpacks to too much."""
    if form in ("doc", "ppt", "xls"):
        with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if content.find(ENCRYPTED) >= 0:
                raise FileRefused(LOCKED)
        if form == "ppt":
            raise FileRefused("I cannot read files of the kind .ppt; please share it as PPTX or PDF")
        return
    try:
        with zipfile.ZipFile(source) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise FileRefused(DAMAGED) from error
    if any(m.flag_bits & 1 for m in members):
        raise FileRefused(LOCKED)
    unpacked = sum(m.file_size for m in members)
    if unpacked > MOST_UNPACKED:
        raise FileRefused(f"it unpacks to {unpacked // 1_000_000:,} MB, which I do not open")
    if not any(m.filename.startswith(NEEDED[form]) for m in members):
        raise FileRefused(DAMAGED)


def to_utf8(source: Path, target: Path) -> tuple[bool, str]:
    """Writes text to `target` where it is not UTF-8, or too long; tells whether it did, and a note. Raises FileRefused."""
    encoding = encoding_of(source)
    if encoding == "utf-8" and source.stat().st_size <= MOST_TEXT:
        return False, ""
    written = 0
    with source.open(encoding=encoding, errors="replace", newline="") as text, target.open("wb") as file:
        while written < MOST_TEXT and (piece := text.read(PIECE)):
            written += file.write(piece.encode())
        cut = bool(text.read(1))
    return True, f"only its first {MOST_TEXT // 1_000_000} MB of text can be searched" if cut else ""


def encoding_of(source: Path) -> str:
    """The encoding of a text: what it says itself, else UTF-8 where all of it is, else Windows'. Raises FileRefused where it is none."""
    with source.open("rb") as file:
        start = file.read(4)
        for mark, encoding in (
            (codecs.BOM_UTF8, "utf-8-sig"),
            (codecs.BOM_UTF32_LE, "utf-32"),  # begins as UTF-16's
            (codecs.BOM_UTF32_BE, "utf-32"),
            (codecs.BOM_UTF16_LE, "utf-16"),
            (codecs.BOM_UTF16_BE, "utf-16"),
        ):
            if start.startswith(mark):
                return encoding
        decoder: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
        piece = start
        while piece:
            if b"\0" in piece:
                raise FileRefused("it is no text, whatever it is called")
            try:
                decoder = decoder and _fed(decoder, piece)
            except UnicodeDecodeError:
                decoder = None
            piece = file.read(PIECE)
    return "utf-8" if decoder else "cp1252"


def _fed(decoder: codecs.IncrementalDecoder, piece: bytes) -> codecs.IncrementalDecoder:
    decoder.decode(piece)
    return decoder


def _opens(reader: PdfReader) -> bool:
    """Whether an encrypted PDF opens without a password: many are only locked against printing."""
    return bool(reader.decrypt(""))


def _is_text(reader: PdfReader, number: int) -> bool:
    """Whether a page has text to be searched. A page that pypdf cannot read may be one that OpenAI can."""
    try:
        page = reader.pages[number]
        characters = sum(not c.isspace() for c in page.extract_text())
        return characters >= FEW or (characters > 0 and not _has_picture(page))
    except MemoryError:
        raise
    except Exception:
        return True


def _has_picture(page: PageObject) -> bool:
    resources: Any = page.get("/Resources")
    objects: Any = (resources.get_object() if resources else {}).get("/XObject")
    found = objects.get_object().values() if objects else ()
    return any(o.get_object().get("/Subtype") == "/Image" for o in found)
