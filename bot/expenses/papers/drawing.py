"""A process that draws one report as a PDF and ends. Receipts are strangers' files: one that breaks a library takes only this process with it.

Reads a wish as JSON from its input: `paper` (bot/expenses/papers/paper.py), `target`, and `at`, a file that always names the receipt that is being opened.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, cast

from fpdf import FPDF, FontFace
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DecodedStreamObject, DictionaryObject, NameObject

from bot.errors import FileRefused
from bot.expenses.papers.lettering import FAMILY, add_fonts, printable
from bot.expenses.papers.originals import Form, Originals, Picture
from bot.expenses.papers.paper import Paper, Receipt, read_paper
from bot.files.child import limit

COLUMNS = ("No.", "Date", "Merchant", "Category", "Purpose", "City and attendees", "Amount", "Rate")
WIDTHS = (13, 21, 46, 26, 53, 43, 26, 27, 26)  # mm, of 281
MARGIN, FOOT = 8, 14  # mm
MOST_CELL = 300  # characters: a row has to fit on a page; the XLSX has all
MOST_HEADS = 10
PAGES_SIGN = "\ue000"  # stands for the number of pages until it is known; `printable` takes it out of what people wrote
DARK, GREY, PALE, LINE = (34, 40, 49), (110, 116, 125), (246, 247, 249), (205, 209, 215)
POINTS = 72 / 25.4  # a millimetre
Opened = Picture | list[Form] | str  # a string: why it is not shown


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of a receipt goes: the page of the report, from 0, and left lower corner and scale in points."""

    page: int
    form: Form
    left: float
    bottom: float
    scale: float


class Sheets(FPDF):
    """The document: its fonts, its foot, and text that it can write."""

    def __init__(self, paper: Paper) -> None:
        super().__init__("landscape", "mm", "A4")
        self.paper = paper
        self.known = add_fonts(self)
        self.alias_nb_pages(PAGES_SIGN)
        self.set_margins(MARGIN, MARGIN + 2, MARGIN)
        self.set_auto_page_break(auto=True, margin=FOOT)
        self.set_title(self.clean(f"{paper.name} {paper.title}"))
        self.set_creation_date(datetime.fromisoformat(paper.made))
        self.set_draw_color(*LINE)
        self.set_line_width(0.2)

    def clean(self, text: str, most: int = 2_000) -> str:
        """What can be printed of a text."""
        return printable(text if len(text) <= most else text[: most - 1] + "…", self.known)

    def write_line(self, text: str, size: float, *, bold: bool = False, grey: bool = False, gap: float = 0) -> None:
        """A paragraph over the whole width, and the gap after it."""
        self.set_font(FAMILY, "B" if bold else "", size)
        self.set_text_color(*(GREY if grey else DARK))
        self.multi_cell(0, size * 0.5, text, align="L", new_x="LMARGIN", new_y="NEXT")
        self.ln(gap)

    def footer(self) -> None:
        """On each page."""
        self.set_y(-10)
        self.set_font(FAMILY, "", 7)
        self.set_text_color(*GREY)
        self.cell(0, 4, f"{self.paper.name} · page {self.page_no()} of {PAGES_SIGN}", align="R")


def draw(wish: dict[str, Any]) -> None:
    """Writes the PDF to the target."""
    paper, at = read_paper(wish["paper"]), Path(wish["at"])
    originals = Originals()
    opened = [_opened(originals, receipt, number, at) for number, receipt in enumerate(paper.receipts)]
    at.write_text("")
    pdf = Sheets(paper)
    _head(pdf)
    _rows(pdf)
    _sums(pdf)
    _notes(pdf)
    placed = []
    for receipt, what in zip(paper.receipts, opened, strict=True):
        placed += _receipt(pdf, receipt, what)
    drawn = bytes(pdf.output())
    if not placed:
        Path(wish["target"]).write_bytes(drawn)
        return
    writer = originals.writer
    writer.append(PdfReader(BytesIO(drawn)), import_outline=False)
    for place in placed:
        _place(writer, place)
    writer.metadata = PdfReader(BytesIO(drawn)).metadata
    writer.write(wish["target"])


def _opened(originals: Originals, receipt: Receipt, number: int, at: Path) -> Opened:
    at.write_text(str(number))
    try:
        return receipt.refused or originals.open(Path(receipt.path), receipt.form)
    except FileRefused as refused:
        return str(refused)
    except MemoryError:
        return "it needs too much memory to open"


def _head(pdf: Sheets) -> None:
    paper = pdf.paper
    pdf.add_page()
    top = pdf.get_y()
    pdf.set_font(FAMILY, "B", 15)
    pdf.set_text_color(*DARK)
    pdf.cell(0, 8, pdf.clean(paper.total), align="R")
    pdf.set_xy(pdf.l_margin, top)
    pdf.set_font(FAMILY, "B", 15)
    pdf.multi_cell(190, 8, f"Expense report {paper.name}", align="L", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font(FAMILY, "", 11)
    pdf.multi_cell(190, 6, pdf.clean(paper.title, 200), align="L", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(2)
    pdf.set_font(FAMILY, "", 8)
    label = FontFace(color=GREY)
    with pdf.table(
        col_widths=(26, 114, 26, 115), first_row_as_headings=False, borders_layout="NONE", line_height=4.2,
        text_align="LEFT", v_align="TOP", padding=(0.3, 1, 0.3, 0),
    ) as table:  # fmt: skip
        half = (len(paper.facts) + 1) // 2
        for number in range(half):
            row = table.row()
            for name, told in paper.facts[number::half]:
                row.cell(name, style=label)
                row.cell(pdf.clean(told, MOST_CELL))
            for _ in range(4 - 2 * len(paper.facts[number::half])):
                row.cell("")
    pdf.ln(4)


def _rows(pdf: Sheets) -> None:
    heads = (*COLUMNS, f"In {pdf.paper.home}")
    align = (*["LEFT"] * 6, "RIGHT", "LEFT", "RIGHT")
    _table(pdf, heads, pdf.paper.rows, WIDTHS, align, size=7.5)
    if pdf.paper.bare:
        pdf.write_line(pdf.clean(pdf.paper.bare), 7.5, grey=True)
    pdf.ln(3)


def _sums(pdf: Sheets) -> None:
    heads = ("Category", "Currency", "Expenses", "Sum", f"In {pdf.paper.home}")
    rows = (*pdf.paper.totals, ("Total", "", str(len(pdf.paper.rows)), "", pdf.paper.total))
    _title(pdf, "Totals", room=min(20 + 6 * len(rows), 120))
    _table(pdf, heads, rows, (60, 22, 20, 35, 35), ("LEFT", "LEFT", "RIGHT", "RIGHT", "RIGHT"), last_bold=True)
    pdf.ln(3)


def _notes(pdf: Sheets) -> None:
    _title(pdf, "Policy notes")
    if not pdf.paper.notes:
        pdf.write_line("The policy has nothing to remark.", 8)
        return
    heads = ("Expense", "Level", "What the policy says", "Justification")
    _table(pdf, heads, pdf.paper.notes, (16, 20, 140, 105), ("LEFT",) * 4, most=1_000)


def _title(pdf: FPDF, text: str, room: float = 24) -> None:
    """`room`: the millimetres that belong together: a title does not stand alone at the end of a page."""
    if pdf.will_page_break(room):
        pdf.add_page()
    pdf.set_font(FAMILY, "B", 10)
    pdf.set_text_color(*DARK)
    pdf.cell(0, 7, text, new_x="LMARGIN", new_y="NEXT")


def _table(
    pdf: Sheets, heads: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[float], align: Sequence[str],
    *, size: float = 8, most: int = MOST_CELL, last_bold: bool = False,
) -> None:  # fmt: skip
    pdf.set_font(FAMILY, "", size)
    pdf.set_text_color(*DARK)
    bold = FontFace(emphasis="BOLD")
    with pdf.table(
        col_widths=tuple(widths), width=sum(widths), align="LEFT", text_align=tuple(align), v_align="TOP",
        borders_layout="HORIZONTAL_LINES", line_height=size * 0.5, padding=(0.9, 1, 0.9, 1),
        headings_style=FontFace(emphasis="BOLD", color=GREY, fill_color=PALE),
    ) as table:  # fmt: skip
        table.row(heads)
        for number, cells in enumerate(rows, 1):
            row = table.row(style=bold if last_bold and number == len(rows) else None)
            for cell in cells:
                row.cell(pdf.clean(cell, most))


def _receipt(pdf: Sheets, receipt: Receipt, what: Opened) -> list[Place]:
    """Draws a receipt's pages; returns where the pages of a PDF are to be put."""
    if isinstance(what, str):
        _receipt_head(pdf, receipt, "")
        pdf.write_line(pdf.clean(f"This receipt is not shown: {what}. The original is kept, unchanged."), 9)
        return []
    if isinstance(what, Picture):
        _receipt_head(pdf, receipt, what.note)
        left, top, scale = _fit(pdf, what.width, what.height, 25.4 / 200)
        pdf.image(BytesIO(what.content), left, top, what.width * scale, what.height * scale)
        return []
    places = []
    for number, form in enumerate(what, 1):
        _receipt_head(pdf, receipt, f"page {number} of {len(what)}" if len(what) > 1 else "")
        left, top, scale = _fit(pdf, form.width, form.height, 1 / POINTS)
        bottom = pdf.h - top - form.height * scale
        places.append(Place(pdf.page_no() - 1, form, left * POINTS, bottom * POINTS, scale * POINTS))
    return places


def _receipt_head(pdf: Sheets, receipt: Receipt, note: str) -> None:
    pdf.add_page(orientation="portrait")
    heads = receipt.heads
    for head in heads[:MOST_HEADS]:
        pdf.write_line(pdf.clean(head, 200), 10, bold=True)
    if len(heads) > MOST_HEADS:
        pdf.write_line(f"and {len(heads) - MOST_HEADS} more", 9)
    name = f"{receipt.name} · {note}" if note else receipt.name
    pdf.write_line(pdf.clean(name, 200), 7, grey=True)
    pdf.write_line(f"SHA-256 {receipt.sha256}", 7, grey=True, gap=3)


def _fit(pdf: Sheets, width: float, height: float, most: float) -> tuple[float, float, float]:
    """Left, top and scale of what is put below the heading, in the middle; millimetres a unit, at most `most`."""
    top = pdf.get_y()
    scale = min(most, pdf.epw / width, (pdf.h - FOOT - top) / height)
    return pdf.l_margin + (pdf.epw - width * scale) / 2, top, scale


def _place(writer: PdfWriter, place: Place) -> None:
    """Draws a page of a receipt on a page of the report, below what stands there."""
    page, form = writer.pages[place.page], place.form
    name = NameObject(f"/Receipt{form.reference.idnum}")
    objects = cast(DictionaryObject, page["/Resources"]).setdefault(NameObject("/XObject"), DictionaryObject())
    objects.get_object()[name] = form.reference
    scale, turned = f"{place.scale:.5f}", " ".join(f"{v:.4f}" for v in form.matrix)
    drawn = DecodedStreamObject()
    drawn.set_data(f"q {scale} 0 0 {scale} {place.left:.3f} {place.bottom:.3f} cm {turned} cm {name} Do Q".encode())
    first = writer._add_object(drawn)  # noqa: SLF001  # pypdf has no other way to add an object
    page[NameObject("/Contents")] = ArrayObject([first, page.raw_get("/Contents")])


def main() -> None:
    """One wish. Ends with 0 where the PDF is there."""
    limit()
    draw(json.load(sys.stdin))


if __name__ == "__main__":
    main()
