"""Receipts as they can be put on a page: pictures upright and small, PDFs page by page. Runs in the child: the files are strangers'."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError
from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DecodedStreamObject, FloatObject, IndirectObject, NameObject

from bot.errors import FileRefused

MOST_SIDE = 1600  # pixels; 200 a printed inch on a page of A4
QUALITY = 80
MOST_PIXELS = 120_000_000  # opened, as in bot/files/pictures.py
MOST_PAGES = 50  # of one PDF
MOST_BYTES = 40_000_000  # of all PDFs in one report: what is made has to fit the child's limit, and Slack
READERS = {"heic": "HEIF"}
DAMAGED = "it is damaged"
LOCKED = "it is password-protected"


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG, its size in pixels, and what it leaves out ("")."""

    content: bytes
    width: int
    height: int
    note: str


@dataclass(frozen=True, slots=True)
class Form:
    """A page of a PDF as an object of the document that is made, with the size and the matrix that turns it upright with its corner at 0, 0."""

    reference: IndirectObject
    width: float
    height: float
    matrix: tuple[float, float, float, float, float, float]


@dataclass(slots=True)
class Originals:
    """Opens receipts one after the other; pages of PDFs go into `writer`."""

    writer: PdfWriter = field(default_factory=PdfWriter)
    written: int = 0

    def open(self, path: Path, form: str) -> Picture | list[Form]:
        """What of a receipt can be shown. Raises FileRefused."""
        return self._pages(path) if form == "pdf" else _picture(path, form)

    def _pages(self, path: Path) -> list[Form]:
        self.written += path.stat().st_size
        if self.written > MOST_BYTES:
            most = MOST_BYTES // 1_000_000
            raise FileRefused(f"the PDF receipts of this report are too large to print together (over {most} MB)")
        with path.open("rb") as file:
            try:
                reader = PdfReader(file)
                if reader.is_encrypted and not reader.decrypt(""):
                    raise FileRefused(LOCKED)
                count = len(reader.pages)
                if not 0 < count <= MOST_PAGES:
                    raise FileRefused(f"it has {count:,} pages; up to {MOST_PAGES} are printed" if count else DAMAGED)
                return [self._form(page) for page in reader.pages]
            except (FileRefused, MemoryError):
                raise
            except Exception as error:  # pypdf raises anything for a broken file
                raise FileRefused(DAMAGED) from error

    def _form(self, page: PageObject) -> Form:
        """The page without its links, forms and scripts: only what it draws is taken over."""
        box = page.cropbox
        left, bottom, right, top = (float(v) for v in (*box.lower_left, *box.upper_right))
        if not (1 <= right - left <= 20_000 and 1 <= top - bottom <= 20_000):
            raise FileRefused(DAMAGED)
        contents = page.get_contents()
        made = DecodedStreamObject()
        made.set_data(b"" if contents is None else contents.get_data())
        made.update(
            {
                NameObject("/Type"): NameObject("/XObject"),
                NameObject("/Subtype"): NameObject("/Form"),
                NameObject("/BBox"): ArrayObject(FloatObject(v) for v in (left, bottom, right, top)),
            }
        )
        for name in ("/Resources", "/Group"):
            if name in page:
                made[NameObject(name)] = page[name].clone(self.writer)
        wide, high = right - left, top - bottom
        upright = {
            0: (wide, high, (1, 0, 0, 1, -left, -bottom)),
            90: (high, wide, (0, -1, 1, 0, -bottom, right)),
            180: (wide, high, (-1, 0, 0, -1, right, top)),
            270: (high, wide, (0, 1, -1, 0, top, -left)),
        }
        width, height, matrix = upright.get(page.rotation % 360, upright[0])
        reference = self.writer._add_object(made.flate_encode())  # noqa: SLF001  # pypdf has no other way to add an object
        return Form(reference, width, height, matrix)


def _picture(path: Path, form: str) -> Picture:
    Image.MAX_IMAGE_PIXELS = None  # ours is a rule, not a warning
    if form == "heic":
        import pillow_heif

        pillow_heif.register_heif_opener()
    try:
        with Image.open(path, formats=[READERS.get(form, form.upper())]) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise FileRefused(f"its picture is too large ({picture.width:,} × {picture.height:,} pixels)")
            more = form in ("gif", "tiff", "webp") and _has_more(picture)
            if form == "jpeg":
                share = MOST_SIDE / max(picture.size)
                picture.draft(
                    "RGB", (int(picture.width * share), int(picture.height * share))
                )  # decoded smaller, much faster
            small = _small(picture)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise FileRefused("it is damaged, or is no picture that I know") from error
    written = BytesIO()
    small.save(written, "jpeg", quality=QUALITY)
    note = "the first of several pictures in the file" if more else ""
    return Picture(written.getvalue(), small.width, small.height, note)


def _has_more(picture: Image.Image) -> bool:
    """Whether there is a second picture. They are not counted: that may take for ever."""
    try:
        picture.seek(1)
    except EOFError:
        return False
    picture.seek(0)
    return True


def _small(picture: Image.Image) -> Image.Image:
    """The picture upright, on white, in grey or colour, and not too large."""
    picture.load()
    picture = ImageOps.exif_transpose(picture)  # first: a copy no longer knows which side is up
    if picture.mode.startswith("I;16"):  # Pillow would cut off the brighter shades
        picture = picture.convert("I").point(lambda shade: shade * (1 / 256)).convert("L")
    clear = picture.has_transparency_data
    picture = picture.convert("RGBA" if clear else "L" if picture.mode in ("1", "L") else "RGB")
    picture.thumbnail((MOST_SIDE, MOST_SIDE))
    if clear:
        white = Image.new("RGB", picture.size, "white")
        white.paste(picture, mask=picture.getchannel("A"))
        return white
    return picture
