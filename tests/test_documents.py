"""Reports as files: what stands in them, that what people wrote stays text, and receipts that are made to do harm."""

from __future__ import annotations

import io
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from hypothesis import given
from hypothesis.strategies import text
from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.generic import RectangleObject

from bot.errors import Retryable
from bot.expenses.money.money import show
from bot.expenses.papers import pdf
from bot.expenses.papers.documents import Content, make
from bot.expenses.papers.lettering import printable
from bot.expenses.papers.originals import Originals
from bot.expenses.values import Money, Note
from tests.report_world import NAMES, POLICY, RATE, content, expense, invoice, photo, sha256

FORMULA = '=HYPERLINK("http://x","y")'


def vast() -> bytes:
    """A picture of very many pixels, each black or white."""
    written = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(written, "png", compress_level=1)
    return written.getvalue()


async def pages(report: Content, folder: Path) -> list[str]:
    """The text of each page of a report's PDF."""
    return [" ".join(page.extract_text().split()) for page in PdfReader(await make("pdf", report, folder)).pages]


# -- the report ----------------------------------------------------------------------------------------------------------


async def test_a_report_says_whose_it_is_what_was_spent_and_who_approved_it(tmp_path: Path) -> None:
    lunch = expense(
        1, purpose="Lunch with a client", city="Berlin", attendees=("Tom Stone", "Li Wei"), payment="company",
        notes=(Note("cap", "warn", "Meals are limited to 15.00."),), justification="The client chose.",
    )  # fmt: skip
    taxi = expense(2, "Yellow Cab", minor=2000, currency="USD", category="gone", rate=RATE, home=Money(1843, "EUR"))
    (page,) = await pages(content(lunch, taxi), tmp_path)
    for said in (
        "Expense report R-3", "Expenses November 2026", "Employee Anna Berg", "Period 19 Nov 2026", "approved",
        "Submitted 20 Nov 2026", "Decided 20 Nov 2026 by Dana Voss", "Travel policy, version 2026-3",
        "E-1 19 Nov 2026 Café Łódź Meals Lunch with a client company card Berlin Tom Stone, Li Wei",
        "Yellow Cab gone", "1 USD = 0.9213 20 Nov 2026, ECB", show(Money(2000, "USD")), show(Money(1843, "EUR")),
        "E-1 warning Meals are limited to 15.00. The client chose.", "Without a receipt: E-1, E-2",
        f"Meals EUR 1 {show(Money(1840, 'EUR'))}", f"Total 2 {show(Money(3683, 'EUR'))}", "R-3 · page 1 of 1",
    ):  # fmt: skip
        assert said in page, page


NAMES_SHOWN = {
    "Zażółć Ωμέγα Москва ₹": "Zażółć Ωμέγα Москва ₹",
    "寿司 すし 한국 식당": "寿司 すし 한국 식당",
    "Pizza 🍕 👩\u200d🍳": "Pizza 🍕 👩🍳",
    "Bar ไทย": "Bar ???",
    "a\x00b\u202ec\ue000d\ud800e": "abcde",
    "<b>x</b> **y** {nb}": "<b>x</b> **y** {nb}",
    FORMULA: FORMULA,
    "": "",
}


async def test_names_of_all_scripts_are_printed(tmp_path: Path) -> None:
    some = [expense(n, name, receipt="ab" * 32) for n, name in enumerate(NAMES_SHOWN, 1)]
    first, second = await pages(content(*some), tmp_path)
    for number, shown in enumerate(NAMES_SHOWN.values(), 1):
        assert f"E-{number} 19 Nov 2026 {shown} Meals".replace("  ", " ") in first
        assert f"E-{number} {shown}, 19 Nov 2026, {show(Money(1840, 'EUR'))}" in second
        assert "This receipt is not shown: it does not fit beside the other receipts of this report." in second
    assert "R-3 · page 2 of 2" in second


@given(text())
def test_only_what_the_fonts_have_is_printed(written: str) -> None:
    known = frozenset(range(0x20, 0x250)) | frozenset(range(0x5D0, 0x5EB))
    assert {ord(c) for c in printable(written, known)} <= known | {0x0A}


def test_text_from_right_to_left_stands_as_it_is_seen() -> None:
    known = frozenset(range(0x20, 0x600))
    assert printable("שלום 12", known) == "12 םולש"
    assert printable("E-1 שלום\u200e, 19 Nov", known) == "E-1 םולש, 19 Nov", "what stands behind it stays there"


async def test_texts_of_any_length_fit(tmp_path: Path) -> None:
    long = "寿" * 5_000
    note = Note("cap", "warn", long)
    many = [
        expense(n, long, purpose=long, city="x" * 3_000, attendees=(long,) * 20, notes=(note,), justification=long)
        for n in (1, 2)
    ]
    report = content(*many, title="t" * 3_000, reason="r" * 3_000, receipts={1: ("n" * 500, "jpeg", photo())})
    found = await pages(report, tmp_path)
    assert "E-2" in " ".join(found)
    assert "…" in found[0]


async def test_a_draft_of_which_little_is_known_is_drawn(tmp_path: Path) -> None:
    draft: dict[str, Any] = {
        "state": "draft",
        "submitted_at": None,
        "decided_at": None,
        "decided_by": "",
        "approvers": (),
        "step": 0,
    }
    (page,) = await pages(content(expense(spent_on=None, minor=None, home=None), **draft), tmp_path)
    for said in ("State draft", "Submitted not yet", "Decided not yet", "Period no dates", "unknown"):
        assert said in page


async def test_heads_of_the_table_stand_on_each_page(tmp_path: Path) -> None:
    found = await pages(content(*(expense(n) for n in range(1, 61))), tmp_path)
    assert len(found) > 2
    assert all("Merchant Category Purpose" in page for page in found[: len(found) - 1])
    assert f"R-3 · page 1 of {len(found)}" in found[0]


async def test_the_same_report_gives_the_same_file(tmp_path: Path) -> None:
    receipts = {1: ("a.jpg", "jpeg", photo()), 2: ("b.pdf", "pdf", invoice())}
    report = content(expense(1), expense(2, "寿司"), receipts=receipts)
    for form in ("pdf", "xlsx", "csv"):
        first = (await make(form, report, tmp_path)).read_bytes()
        assert (await make(form, report, tmp_path)).read_bytes() == first


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_file_is_named_for_people_and_stays_in_its_folder(tmp_path: Path) -> None:
    report = content(expense())
    assert (await make("csv", report, tmp_path)).name == "R-3 Anna Berg 2026-11.csv"
    odd = Content(whole=report.whole, policy=POLICY, names={"U1": "../../🍕" * 100}, originals={})
    path = await make("csv", odd, tmp_path)
    assert path.parent == tmp_path
    assert len(path.name.encode()) < 255
    assert names_in(tmp_path) == sorted({path.name, "R-3 Anna Berg 2026-11.csv"})


# -- receipts ------------------------------------------------------------------------------------------------------------


async def test_receipts_are_shown_under_the_names_of_their_expenses(tmp_path: Path) -> None:
    scan, bill = photo(), invoice(2)
    receipts = {1: ("scan.jpg", "jpeg", scan), 2: ("scan.jpg", "jpeg", scan), 3: ("bill.pdf", "pdf", bill)}
    path = await make("pdf", content(expense(1), expense(2), expense(3, "Adler"), receipts=receipts), tmp_path)
    reader = PdfReader(path)
    _, first, second, third = (" ".join(page.extract_text().split()) for page in reader.pages)
    assert first.startswith("E-1 Café Łódź, 19 Nov 2026")
    assert "E-2 Café Łódź" in first, "one picture of two expenses is shown once"
    assert f"scan.jpg SHA-256 {sha256(scan)}" in first
    assert "bill.pdf · page 1 of 2" in second
    assert "Hotel Adler 1" in second
    assert "Hotel Adler 2" in third
    assert "R-3 · page 4 of 4" in third
    assert len(reader.pages[1].images) == 1
    assert not any("/Annots" in page for page in reader.pages), "links of a stranger's PDF stay behind"
    assert names_in(tmp_path) == [path.name], "nothing is left beside it"


async def test_pictures_are_made_small_and_turned_upright(tmp_path: Path) -> None:
    lying = Image.Exif()
    lying[0x0112] = 6  # turn right to see it upright
    lying[0x010E] = "secret place"
    picture = photo(size=(4000, 2000), exif=lying)
    path = await make("pdf", content(expense(), receipts={1: ("a.jpg", "jpeg", picture)}), tmp_path)
    shown = PdfReader(path).pages[1].images[0].image
    assert shown
    assert shown.size == (800, 1600)
    assert b"secret" not in path.read_bytes()


async def shown_pictures(files: list[tuple[str, bytes]], folder: Path) -> list[Image.Image]:
    """The pictures in a report whose expenses have these receipts."""
    receipts = {number: ("a", form, data) for number, (form, data) in enumerate(files, 1)}
    path = await make("pdf", content(*(expense(n) for n in receipts), receipts=receipts), folder)
    shown = [image.image for page in PdfReader(path).pages for image in page.images]
    assert len(shown) == len(files)
    return [picture for picture in shown if picture]


async def test_pictures_of_all_kinds_are_shown(tmp_path: Path) -> None:
    pillow_heif.register_heif_opener()
    forms = ("png", "gif", "webp", "tiff", "bmp", "heic", "avif", "jpeg")
    files = [(form, photo({"heic": "HEIF"}.get(form, form), (60, 40))) for form in forms]
    for form, picture in zip(forms, await shown_pictures(files, tmp_path), strict=True):
        assert picture.convert("RGB").getpixel((30, 20)) == pytest.approx((255, 0, 0), abs=25), form


async def test_a_picture_of_any_mode_is_as_bright_as_it_was(tmp_path: Path) -> None:
    white = Image.new("RGB", (40, 40), "white")
    grey = Image.new("I;16", (40, 40), 200 * 256)
    clear = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    files = []
    for picture in (white.convert("P"), white.convert("LA"), white.convert("1"), white.convert("CMYK"), clear, grey):
        written = io.BytesIO()
        form = "tiff" if picture.mode == "CMYK" else "png"
        picture.save(written, form)
        files.append((form, written.getvalue()))
    shades = [picture.convert("L").getpixel((20, 20)) for picture in await shown_pictures(files, tmp_path)]
    assert shades[:-1] == [255] * 5
    assert shades[-1] == pytest.approx(200, abs=2)


async def test_of_several_pictures_in_a_file_the_first_is_shown_with_a_word(tmp_path: Path) -> None:
    more = [Image.new("RGB", (60, 40), colour) for colour in ("blue", "green")]
    data = photo("tiff", (60, 40), save_all=True, append_images=more)
    _, page = await pages(content(expense(), receipts={1: ("scan.tif", "tiff", data)}), tmp_path)
    assert "scan.tif · the first of several pictures in the file" in page


@pytest.mark.parametrize(("turn", "corner"), [(0, (0, 1)), (90, (1, 1)), (180, (1, 0)), (270, (0, 0)), (-90, (0, 0))])
def test_turned_and_cropped_pages_of_a_pdf_stand_upright(tmp_path: Path, turn: int, corner: tuple[int, int]) -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(invoice())))
    writer.pages[0].cropbox = RectangleObject((10, 400, 310, 800))
    writer.pages[0].rotate(turn)
    writer.write(tmp_path / "b.pdf")
    forms = Originals().open(tmp_path / "b.pdf", "pdf")
    assert isinstance(forms, list)
    (form,) = forms
    a, b, c, d, e, f = form.matrix
    corners = {(a * x + c * y + e, b * x + d * y + f) for x in (10, 310) for y in (400, 800)}
    assert corners == {(x, y) for x in (0, form.width) for y in (0, form.height)}
    top_left = (a * 10 + c * 800 + e, b * 10 + d * 800 + f)
    assert top_left == (corner[0] * form.width, corner[1] * form.height)


BOMB = zlib.compress(b" " * 50_000_000)
HARMFUL = {
    "locked": ("pdf", invoice(password="hunter2"), "it is password-protected"),
    "broken pdf": ("pdf", b"%PDF-1.7 nothing more", "it is damaged"),
    "long pdf": ("pdf", invoice(51), "it has 51 pages; up to 50 are printed"),
    "broken picture": ("jpeg", photo()[:50], "it is damaged, or is no picture that I know"),
    "cut picture": ("png", photo("png", (300, 300))[:-60], "it is damaged, or is no picture that I know"),
    "not what it says": ("jpeg", photo("png"), "it is damaged, or is no picture that I know"),
    "too many pixels": ("png", vast(), "its picture is too large (12,000 × 12,000 pixels)"),
    "web page": ("html", b"<script>alert(1)</script>", "files of the kind .html are kept and not printed"),
    "mail": ("txt", "Taxi 18,40 €".encode(), "files of the kind .txt are kept and not printed"),
}


async def test_a_receipt_that_cannot_be_shown_has_a_page_that_says_so(tmp_path: Path) -> None:
    receipts = {n: (name, form, data) for n, (name, (form, data, _)) in enumerate(HARMFUL.items(), 1)}
    last = len(receipts) + 1
    receipts[last] = ("good.jpg", "jpeg", photo())
    _, *found, good = await pages(content(*(expense(n) for n in receipts), receipts=receipts), tmp_path)
    for page, (name, (_, data, why)) in zip(found, HARMFUL.items(), strict=True):
        assert f"This receipt is not shown: {why}. The original is kept, unchanged." in page
        assert f"{name} SHA-256 {sha256(data)}" in page
    assert good.startswith(f"E-{last} ")


def endless(pages: int) -> bytes:
    """A small PDF each of whose pages unpacks to 50 MB."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(invoice(pages))))
    written = io.BytesIO()
    writer.write(written)
    raw = b"%PDF-1.4\n"
    kids = b" ".join(b"%d 0 R" % (n + 4) for n in range(pages))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count %d/Kids[%s]>>" % (pages, kids),
        b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(BOMB), BOMB),
        *(b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 3 0 R>>" for _ in range(pages)),
    ]
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(raw))
        raw += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
    return raw + end % (len(objects) + 1, table, len(objects) + 1, len(raw))


@pytest.mark.slow
async def test_a_receipt_that_takes_for_ever_is_left_out_and_the_others_are_shown(tmp_path: Path) -> None:
    receipts = {1: ("a.jpg", "jpeg", photo()), 2: ("evil.pdf", "pdf", endless(50)), 3: ("b.pdf", "pdf", invoice())}
    report = content(expense(1), expense(2), expense(3), receipts=receipts)
    target = tmp_path / "report.pdf"
    paper = pdf.paper_of(report.whole, POLICY, NAMES, report.originals)
    await pdf.draw(paper, report.originals, target, seconds=8)
    _, good, evil, last = PdfReader(target).pages
    assert good.images
    assert "it cannot be opened; it may be damaged" in " ".join(evil.extract_text().split())
    assert "Hotel Adler" in last.extract_text()


async def test_a_drawing_that_never_ends_is_given_up(tmp_path: Path) -> None:
    report = content(expense())
    paper = pdf.paper_of(report.whole, POLICY, NAMES, report.originals)
    with pytest.raises(Retryable):
        await pdf.draw(paper, {}, tmp_path / "report.pdf", seconds=0.01)
    assert names_in(tmp_path) == []


def test_the_process_that_draws_loads_neither_the_bot_nor_a_network() -> None:
    """It starts in a fraction of a second."""
    told = "import bot.expenses.papers.drawing, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", told], capture_output=True, check=True, text=True).stdout.split()
    assert "bot.files.child" in loaded
    assert not {"sqlalchemy", "openai", "slack_sdk", "bot.settings", "redis"} & set(loaded)
