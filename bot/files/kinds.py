"""What a file is, by its content first and its name second, and what is refused. Pure."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit

from bot.errors import FileRefused
from bot.files.slack_file import PAGES, SlackFile

Kind = Literal["text", "table", "image", "scan", "sound"]  # a scan is a PDF that holds pictures of pages, no text

SEARCHED = frozenset(  # what OpenAI's file search takes by these suffixes; other text is given as .txt
    "c cpp cs css doc docx go html java js json md pdf php pptx py rb sh tex ts txt".split()  # noqa: SIM905  # read as one line
)
KINDS: dict[str, Kind] = {
    **dict.fromkeys(SEARCHED | {"ppt"}, "text"),
    **dict.fromkeys(("csv", "xlsx", "xls", "ods"), "table"),
    **dict.fromkeys(("png", "jpeg", "webp", "gif", "heic", "avif", "bmp", "tiff"), "image"),
    **dict.fromkeys(("flac", "mp3", "mp4", "m4a", "ogg", "wav", "webm"), "sound"),
}
SUFFIXES = {  # other spellings
    "jpeg": ("jpg", "jpeg"),
    "heic": ("heic", "heif"),
    "tiff": ("tif", "tiff"),
    "html": ("html", "htm"),
    "md": ("md", "markdown"),
    "csv": ("csv", "tsv"),
    "xlsx": ("xlsx", "xlsm", "xlsb"),
    "ogg": ("ogg", "oga", "opus"),
    "mp4": ("mp4", "mpeg", "mpga"),
}
FORMATS = {suffix: form for form, suffixes in SUFFIXES.items() for suffix in suffixes} | {f: f for f in KINDS}
ARCHIVES = frozenset("7z bz2 cab dmg gz iso lz4 lzma rar tar tbz tgz txz vhd xz zip zst".split())  # noqa: SIM905  # read as one line
PROGRAMS = frozenset(
    "apk appimage class deb dll dylib elf exe ipa jar msi msix pkg pyc pyd rpm scr so wasm".split()  # noqa: SIM905  # read as one line
)
BETTER = {  # documents that are not read, and what to save them as
    **dict.fromkeys(("docm", "dotx", "epub", "msg", "odt", "one", "pages", "pub", "rtf", "vsdx", "wpd"), "PDF or DOCX"),
    **dict.fromkeys(("key", "odp", "ppsx", "ppt", "pptm"), "PDF or PPTX"),
    **dict.fromkeys(("numbers", "parquet", "sqlite", "db", "mdb"), "XLSX or CSV"),
    **dict.fromkeys(("aac", "aiff", "aif", "amr", "avi", "flv", "mkv", "wma", "wmv"), "MP3 or MP4"),
    **dict.fromkeys(("psd", "ai", "eps", "raw", "cr2", "nef", "dng", "jxl"), "PNG or JPEG"),
}
ARCHIVE = "archives are not read; please unpack it and share the files"
PROGRAM = "programs are not read"
EMPTY = "it is empty"
HOSTS = {"google.com": "Google Drive", "dropbox.com": "Dropbox", "box.com": "Box", "onedrive.live.com": "OneDrive"} | {
    "sharepoint.com": "SharePoint",
    "1drv.ms": "OneDrive",
}
MEGABYTE = 1_000_000


def refusal(file: SlackFile, most_bytes: int) -> str:
    """Why a file will not even be downloaded, in words for a person; "" where nothing speaks against it."""
    suffix = suffix_of(file.name)
    if file.external:
        return f"it lives in {_where(file.url)}; I can only read files that are uploaded to Slack"
    if file.mode == "list":
        return "Slack lists are not read; please share it as CSV"
    if not file.url:
        return "Slack offers no download of it"
    if file.size > most_bytes:
        return too_large(file.size, most_bytes)
    if file.size == 0 and file.mode not in PAGES:
        return EMPTY
    if suffix in ARCHIVES:
        return ARCHIVE
    return PROGRAM if suffix in PROGRAMS else ""


def too_large(size: int, most: int) -> str:
    """That a file of `size` bytes is more than `most` bytes; a size of 0 is not known."""
    shown, limit = megabytes(size), megabytes(most)
    return f"it is too large{f' ({shown})' if size and shown != limit else ''}; I read files of up to {limit}"


def megabytes(size: int) -> str:
    """A size as people read it; a megabyte has a million bytes."""
    return f"{max(size / MEGABYTE, 0.1):,.1f}".removesuffix(".0") + " MB"


def kind_of(name: str, mimetype: str, head: bytes) -> Kind:
    """The kind of a file whose content begins with `head`. Raises FileRefused with a word for what is not read."""
    return KINDS[format_of(name, mimetype, head)]


def suffix_of(name: str) -> str:
    """What stands behind a name's last dot, in small letters; "" for none."""
    return name.rpartition(".")[2].lower() if "." in name else ""


def named(name: str, form: str) -> str:
    """The name with a suffix that says what the content is, whatever it was called."""
    return name if suffix_of(name) in SUFFIXES.get(form, (form,)) else f"{name}.{form}"


def format_of(name: str, mimetype: str, head: bytes) -> str:
    """A key of KINDS: the suffix that says best what the content is. Raises FileRefused as `kind_of` does."""
    suffix = suffix_of(name)
    if not head:
        raise FileRefused(EMPTY)
    if form := next((f for f, fits in MAGIC if fits(head)), ""):
        return form
    if any(fits(head) for fits in PROGRAM_MAGIC):
        raise FileRefused(PROGRAM)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zipped(suffix, head)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _compound(suffix)
    if head[4:8] == b"ftyp":
        return _iso_media(suffix, mimetype, head[8:12])
    if head.startswith(ARCHIVE_MAGIC) or head[257:262] == b"ustar":
        raise FileRefused(ARCHIVE)
    if not is_text(head) or head.startswith(b"{\\rtf"):
        raise _unread(suffix, KINDS.get(FORMATS.get(suffix, "")))
    return _text_format(suffix, mimetype, head)


def is_text(head: bytes) -> bool:
    """Whether bytes are text in some encoding: no NUL but in UTF-16 and UTF-32, which say what they are, and hardly a control character."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
        return True
    controls = sum(head.count(bytes([c])) for c in range(32) if c not in b"\t\n\r\f\x1b")
    return b"\0" not in head and controls * 200 <= len(head)


def _text_format(suffix: str, mimetype: str, head: bytes) -> str:
    form = FORMATS.get(suffix, "")
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()[:20].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "html"
    if form == "csv" or (mimetype in ("text/csv", "text/tab-separated-values") and form != "txt"):
        return "csv"
    return form if form in SEARCHED and form not in ("pdf", "doc", "docx", "pptx") else "txt"


def _zipped(suffix: str, head: bytes) -> str:
    if b"application/vnd.oasis.opendocument.spreadsheet" in head[:200]:
        return "ods"
    if suffix in BETTER or b"mimetypeapplication/" in head[:100]:
        raise _unread(suffix)
    if b"META-INF/MANIFEST.MF" in head or b"AndroidManifest.xml" in head or suffix in PROGRAMS:
        raise FileRefused(PROGRAM)
    if b"[Content_Types].xml" in head or b"_rels/" in head or suffix in ("docx", "pptx", "xlsx", "xlsm", "xlsb"):
        for form, folder in (("docx", b"word/"), ("xlsx", b"xl/"), ("pptx", b"ppt/")):
            if folder in head:
                return form
        if FORMATS.get(suffix) in ("docx", "pptx", "xlsx"):
            return FORMATS[suffix]
    raise FileRefused(ARCHIVE)


def _compound(suffix: str) -> str:
    """Microsoft's older container; a DOCX, XLSX or PPTX with a password is one too, which only its content tells."""
    form = {"docx": "doc", "xlsx": "xls", "xlsm": "xls", "pptx": "ppt"}.get(suffix, suffix)
    if form in ("doc", "xls", "ppt"):
        return form
    raise FileRefused(PROGRAM) if suffix == "msi" else _unread(suffix)


def _iso_media(suffix: str, mimetype: str, brand: bytes) -> str:
    if brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"):
        return "heic"
    if brand in (b"avif", b"avis"):
        return "avif"
    sounds = brand.startswith((b"M4A", b"M4B")) or suffix == "m4a" or mimetype.startswith("audio/")
    return "m4a" if sounds else "mp4"  # QuickTime's .mov too: the same family


def _unread(suffix: str, expected: Kind | None = None) -> FileRefused:
    if expected:
        return FileRefused(f"it is damaged, or is no {suffix.upper()} file at all")
    better = f"; please share it as {BETTER[suffix]}" if suffix in BETTER else ""
    called = f"files of the kind .{suffix}" if suffix.isalnum() and len(suffix) <= 10 else "files of this kind"
    return FileRefused(f"I cannot read {called}{better}")


def _where(url: str) -> str:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    return next((name for end, name in HOSTS.items() if host == end or host.endswith(f".{end}")), "another service")


def _begins(*starts: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(starts)


MAGIC: tuple[tuple[str, Callable[[bytes], bool]], ...] = (
    ("pdf", lambda head: b"%PDF-" in head[:1024]),
    ("png", _begins(b"\x89PNG\r\n\x1a\n")),
    ("jpeg", _begins(b"\xff\xd8\xff")),
    ("gif", _begins(b"GIF87a", b"GIF89a")),
    ("webp", lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP"),
    ("wav", lambda head: head[:4] == b"RIFF" and head[8:12] == b"WAVE"),
    ("bmp", lambda head: head[:2] == b"BM" and head[6:10] == bytes(4)),
    ("tiff", _begins(b"II*\0", b"MM\0*")),
    ("mp3", _begins(b"ID3", b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2")),
    ("ogg", _begins(b"OggS")),
    ("flac", _begins(b"fLaC")),
    ("webm", lambda head: head[:4] == b"\x1a\x45\xdf\xa3" and b"webm" in head[:64]),
)
PROGRAM_MAGIC: tuple[Callable[[bytes], bool], ...] = (
    _begins(b"\x7fELF", b"\0asm", b"dex\n", b"!<arch>\n", b"\xca\xfe\xba\xbe", b"\xed\xab\xee\xdb"),
    _begins(b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe"),
    lambda head: head[:2] == b"MZ" and b"\0" in head,
)
ARCHIVE_MAGIC = (b"Rar!", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"MSCF\0")
