"""The fonts of a report's PDF, and text as they can write it. Runs in the child."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from fpdf import FPDF
from fpdf.bidi import BidiParagraph
from fpdf.enums import TextDirection
from fpdf.fonts import TTFFont

FONTS = Path(__file__).parent / "fonts"
FAMILY = "DejaVu"
FALLBACKS = {"NotoEmoji": "NotoEmoji-Regular.ttf", "DroidSansFallback": "DroidSansFallback.ttf"}
UNKNOWN = "?"
ASIDE = "\u200e"  # ends text from right to left, so that what stands behind it does not go before it
SELECTORS = range(0xFE00, 0xFE10)  # which form of the character before; the fonts have one


def add_fonts(pdf: FPDF) -> frozenset[int]:
    """Gives a PDF its fonts; returns the characters that they have."""
    pdf.add_font(FAMILY, "", FONTS / "DejaVuSans.ttf")
    pdf.add_font(FAMILY, "B", FONTS / "DejaVuSans-Bold.ttf")
    for family, file in FALLBACKS.items():
        pdf.add_font(family, "", FONTS / file)
    pdf.set_fallback_fonts(list(FALLBACKS), exact_match=False)
    pdf.set_font(FAMILY, "", 8)
    return frozenset(code for font in pdf.fonts.values() if isinstance(font, TTFFont) for code in font.cmap)


def printable(text: str, known: frozenset[int]) -> str:
    """The text without what cannot be seen, with "?" for what no font has; lines stay lines.

    Text from right to left is put into the order in which it is seen. Arabic letters are not joined: that takes a text shaper, which is not here.
    """
    composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    seen = "".join(_printed(c, known) for c in composed)
    return "\n".join(_ordered(line) for line in seen.split("\n"))


def _printed(character: str, known: frozenset[int]) -> str:
    if character in ("\n", ASIDE):
        return character
    if character.isspace():
        return " "
    # "C": controls, joiners, what turns the text around, halves of characters, private ones (the page's own sign for the number of pages is one)
    if unicodedata.category(character)[0] == "C" or ord(character) in SELECTORS:
        return "" if unicodedata.category(character) != "Cn" else UNKNOWN
    return character if ord(character) in known else UNKNOWN


def _ordered(line: str) -> str:
    if any(unicodedata.bidirectional(c) in {"R", "AL"} for c in line):
        line = BidiParagraph(text=line, base_direction=TextDirection.LTR).get_reordered_string()
    return line.replace(ASIDE, "")
