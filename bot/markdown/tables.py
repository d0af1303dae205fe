"""Tables that Slack would refuse, as aligned text in a code fence."""

import re
import unicodedata

from bot.markdown.lines import Line, cells, scan
from bot.markdown.words import inline

_ROWS, _COLUMNS, _CHARACTERS = 100, 20, 10_000  # the most Slack takes in one table
_WIDTHS = (48, 24, 12)  # a wider cell pushes its row, so that one long cell does not blow up every row
_TICKS = re.compile("`+")


def align_tables(text: str, native: int, room: int) -> str:
    """The text with the first `native` tables as they are, unless one is too large; every other one as aligned text in a fence.

    `room` is how many characters the result may have. If need be, columns are aligned less far, and at last a table's source is shown.
    """
    if "|" not in text:
        return text
    tables = _tables(text)
    kept = [table for table in tables if _fits(text, table)][:native]
    others = [table for table in tables if table not in kept]
    if not others:
        return text
    for width in _WIDTHS:
        shown = _replaced(text, others, width)
        if len(shown) <= room:
            return shown
    return _replaced(text, others, 0)


def columns(text: str) -> int:
    """How many columns of a fixed-width font the text takes: East Asian characters and emoji take two, marks none."""
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.category(char) in {"Mn", "Me", "Cf"}
        else 2
        if unicodedata.east_asian_width(char) in "WF"
        else 1
        for char in text
    )


def _tables(text: str) -> list[list[Line]]:
    tables: list[list[Line]] = []
    for line in scan(text):
        if line.kind == "table":
            if line.opens:
                tables.append([])
            tables[-1].append(line)
    return tables


def _fits(text: str, table: list[Line]) -> bool:
    rows = [cells(text[line.start : line.end]) for line in table if line is not table[1]]
    size = sum(len(cell) for row in rows for cell in row)
    return len(rows) <= _ROWS and max(map(len, rows)) <= _COLUMNS and size <= _CHARACTERS


def _replaced(text: str, tables: list[list[Line]], width: int) -> str:
    parts = []
    done = 0
    for table in tables:
        source = text[table[0].start : table[-1].end]
        body = _aligned(source.split("\n"), width) if width else source
        fence = "`" * max(3, *(len(run) + 1 for run in _TICKS.findall(body)), 3)
        parts += [text[done : table[0].start], fence, "\n", body, "\n", fence]
        done = table[-1].end
    return "".join([*parts, text[done:]])


def _aligned(source: list[str], width: int) -> str:
    rows = [
        [" ".join(inline(cell.replace("\\|", "|"), urls=True).split()) for cell in cells(line)]
        for at, line in enumerate(source)
        if at != 1
    ]
    right = [mark.endswith(":") and not mark.startswith(":") for mark in cells(source[1])]
    count = len(right)
    widths = [max((min(columns(row[at]), width) for row in rows if at < len(row)), default=0) for at in range(count)]
    lines = []
    for row in rows:
        padded = []
        for at, cell in enumerate(row):
            gap = " " * (widths[at] - columns(cell)) if at < count else ""
            padded.append(gap + cell if at < count and right[at] else cell + gap)
        lines.append(" | ".join(padded).rstrip())
    lines.insert(1, "-+-".join("-" * size for size in widths))
    return "\n".join(lines)
