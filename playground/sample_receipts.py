"""Receipts for whoever tries expenses out in the playground: made on the spot, of the last few days, the same all day long.

The rule-based model has no eyes, so the pictures say in their metadata what they show (playground/openai/extract.py). A JPEG says it in its
comment: the bot takes away EXIF, in which cameras note places and people.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from fpdf import FPDF
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

PAPER, INK, DESK = (250, 248, 240), (40, 38, 36), (96, 84, 72)


@dataclass(frozen=True, slots=True)
class Sample:
    """A receipt that can be shared by one click. `make` gives its bytes on a day; blocking: to be run in a thread."""

    name: str
    title: str
    make: Callable[[date], bytes]


def _hotel(today: date) -> bytes:
    """A PDF with text, over the sample policy's limit for hotels."""
    day = today - timedelta(3)
    lines = [
        "Hotel Adler Berlin GmbH",
        "Invoice 2026-4711",
        "10117 Berlin",
        f"Date: {day:%d.%m.%Y}",
        "Guest: A. Becker",
        "1 night, single room  176.64",
        "VAT 7 %  12.36",
        "Total EUR 189.00",
        "Paid by card",
    ]
    document = FPDF(format=(148, 210))
    document.set_creation_date(datetime(today.year, today.month, today.day, tzinfo=UTC))
    document.add_page()
    for n, line in enumerate(lines):
        document.set_font("helvetica", "B" if n in (0, 7) else "", 16 if n == 0 else 11)
        document.cell(0, 9, line, new_x="LMARGIN", new_y="NEXT")
    return bytes(document.output())


def _taxi(today: date) -> bytes:
    """A photo of a slip of paper."""
    day = today - timedelta(1)
    lines = [
        "Taxi Lisboa 24",
        "Receipt",
        f"Date: {day:%d.%m.%Y}",
        "Airport - Chiado",
        "VAT 6 %  1.04",
        "Total EUR 18.40",
        "Cash",
    ]
    out = io.BytesIO()
    _photo(lines).save(out, "JPEG", quality=80, comment="\n".join(lines).encode())
    return out.getvalue()


def _ramen(today: date) -> bytes:
    """A photo of a Japanese receipt: its letters are in the description; in the picture, whose font lacks them, stands how they sound."""
    day = today - timedelta(5)
    described = [
        "ラーメン一番 🍜 渋谷店",
        "領収書",
        f"{day.year}年{day.month}月{day.day}日",
        "醤油ラーメン 2点",
        "合計 ¥2,640",
        "消費税 10 % 240",
    ]
    drawn = [
        "Ramen Ichiban Shibuya",
        "RYOUSHUUSHO",
        f"{day}",
        "Shoyu ramen x2",
        "Goukei 2,640 yen",
        "Shouhizei 10 % 240",
    ]
    info, out = PngInfo(), io.BytesIO()
    info.add_itxt("Description", "\n".join(described))
    _photo(drawn).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def _photo(lines: list[str]) -> Image.Image:
    """A slip of paper on a desk, a little askew."""
    slip = Image.new("RGB", (360, 60 + 44 * len(lines)), PAPER)
    draw = ImageDraw.Draw(slip)
    for n, line in enumerate(lines):
        draw.text((28, 28 + 44 * n), line, fill=INK, font=ImageFont.load_default(size=26 if n == 0 else 21))
    photo = Image.new("RGB", (slip.width + 120, slip.height + 100), DESK)
    tilted = slip.convert("RGBA").rotate(2.5, expand=True, resample=Image.Resampling.BICUBIC)
    photo.paste(tilted, (50, 40), tilted)
    return photo


SAMPLES = {
    sample.name: sample
    for sample in (
        Sample("hotel-invoice.pdf", "Hotel in Berlin (PDF, €189)", _hotel),
        Sample("taxi-receipt.jpg", "Taxi in Lisbon (photo, €18.40)", _taxi),
        Sample("ramen-receipt.png", "Ramen in Tokyo (photo, ¥2,640)", _ramen),
    )
}
