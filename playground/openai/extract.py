"""What a file is and says: told by its content, as the services behind OpenAI's API read it. Blocking: to be run in a thread."""

import csv
import html
import io
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Literal

from PIL import Image
from pypdf import PasswordType, PdfReader
from pypdf.errors import PyPdfError
from python_calamine import CalamineError, CalamineWorkbook

from playground.openai.limits import CHARACTERS_PER_TOKEN

MOST_TOKENS = 5_000_000  # of one file in a vector store
MOST_CHARACTERS = MOST_TOKENS * CHARACTERS_PER_TOKEN
MOST_ROWS = 1_000  # of a sheet that the model reads as input_file
MOST_UNPACKED = 64 * 1024 * 1024  # bytes of one member of a DOCX or PPTX
IMAGES = {"PNG": "png", "JPEG": "jpeg", "WEBP": "webp", "GIF": "gif"}
TABLES = (".csv", ".tsv", ".xlsx")
MARKUP = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
OFFICE_TEXT = re.compile(r"<[wa]:t(?:\s[^>]*)?>([^<]*)<")
OFFICE_PARTS = {".docx": re.compile(r"word/document\.xml"), ".pptx": re.compile(r"ppt/slides/slide(\d+)\.xml")}

SHOWS = ", which shows:\n"  # stands between what a picture is and its description
_EXIF_DESCRIPTION = 0x010E

Code = Literal["invalid_file", "unsupported_file", "server_error"]


@dataclass(frozen=True)
class Look:
    """A file's text, or what is wrong with it as `last_error` says it; `image` is its type where it is one that is seen.

    `scanned`: nothing is wrong but that there is no text in it.
    """

    text: str = ""
    fault: tuple[Code, str] | None = None
    image: str = ""
    scanned: bool = False


def look(path: Path, filename: str) -> Look:
    """Read a file; never raises for what is in it."""
    suffix = PurePath(filename).suffix.lower()
    try:
        if image := _image(path):
            return image
        if suffix == ".pdf":
            return _pages(_pdf(path))
        if suffix in OFFICE_PARTS:
            return _texts(_office(path, OFFICE_PARTS[suffix]))
        if suffix == ".xlsx":
            return _texts([_sheets(path)])
        return _plain(path, suffix)
    except FaultError as fault:
        return Look(fault=(fault.code, str(fault)), scanned=fault.no_text)


class FaultError(Exception):
    """A file cannot be taken in."""

    def __init__(self, message: str, code: Code = "invalid_file", *, no_text: bool = False) -> None:
        super().__init__(message)
        self.code: Code = code
        self.no_text = no_text


def _image(path: Path) -> Look | None:
    try:
        with Image.open(path, formats=list(IMAGES)) as image:
            width, height = image.size
            kind = IMAGES[image.format or ""]
            image.verify()
        with Image.open(path, formats=list(IMAGES)) as image:  # one that was verified is of no further use
            shows = _description(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    text = f"a {kind.upper()} image of {width} × {height} pixels" + (SHOWS + shows if shows else "")
    return Look(text, ("unsupported_file", "It is an image."), kind)


def _description(image: Image.Image) -> str:
    """What a picture says of itself, which is all that the playground's model sees of it: its stand-in for eyes.

    The EXIF field ImageDescription, a PNG's text "Description", or a JPEG's comment.
    """
    told = image.getexif().get(_EXIF_DESCRIPTION) or image.info.get("Description") or image.info.get("comment") or ""
    text = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
    return text.replace("\r\n", "\n").strip("\0 \n")


def _texts(texts: Iterable[str]) -> Look:
    kept: list[str] = []
    size = 0
    for text in texts:
        kept.append(text)
        size += len(text)
        if size > MOST_CHARACTERS:
            raise FaultError(f"The file is too large: it has more than {MOST_TOKENS} tokens.")
    text = "\n\n".join(kept).strip()
    if not text:
        raise FaultError("The file could not be parsed because it is empty: no text was found in it.", no_text=True)
    return Look(text)


def _pages(pdf: PdfReader) -> Look:
    """A PDF's text. Of one that has only pictures of pages, its "Subject" says what they show, as a picture's description does."""
    try:
        return _texts(page.extract_text() for page in pdf.pages)
    except FaultError as fault:
        if not fault.no_text:
            raise
        shows = str((pdf.metadata and pdf.metadata.subject) or "")
        return Look(shows, fault=(fault.code, str(fault)), scanned=True)


def _pdf(path: Path) -> PdfReader:
    try:
        reader = PdfReader(path)
        if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
            raise FaultError("The file could not be parsed because it is password protected.")
        len(reader.pages)
    except (PyPdfError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise FaultError("The file could not be parsed because it is not a valid PDF.") from None
    return reader


def _office(path: Path, part: re.Pattern[str]) -> Iterable[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted((n for n in archive.namelist() if part.fullmatch(n)), key=lambda n: (len(n), n))
            for name in names:
                with archive.open(name) as member:
                    xml = member.read(MOST_UNPACKED).decode(errors="replace")
                paragraphs = re.split(r"</[wa]:p>", xml)
                yield "\n\n".join(html.unescape("".join(OFFICE_TEXT.findall(p))) for p in paragraphs).strip()
    except (zipfile.BadZipFile, OSError, RuntimeError, ValueError, NotImplementedError):
        raise FaultError("The file could not be parsed because it is damaged.") from None


def _sheets(path: Path) -> str:
    """The first sheet as CSV, which is what the model gets of a spreadsheet."""
    try:
        rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    except (CalamineError, OSError, ValueError):
        raise FaultError("The file could not be parsed because it is not a valid spreadsheet.") from None
    out = io.StringIO()
    csv.writer(out).writerows(rows[: MOST_ROWS + 1])
    return out.getvalue()


def _plain(path: Path, suffix: str) -> Look:
    if path.stat().st_size > 2 * MOST_CHARACTERS:  # not worth reading
        raise FaultError(f"The file is too large: it has more than {MOST_TOKENS} tokens.")
    content = path.read_bytes()
    try:
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise FaultError("The file's content does not fit its type, or is not UTF-8.", "unsupported_file") from None
    if "\0" in text:
        raise FaultError("The file's content is not text.", "unsupported_file")
    return _texts([html.unescape(MARKUP.sub(" ", text)) if suffix in (".html", ".htm") else text])
