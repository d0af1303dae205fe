"""Tables as text for a search that knows only text: short blocks, each with the table's name and its header. Runs in the child.

OpenAI cuts a text into chunks of 512 tokens wherever they end. A block of half a chunk, with chunks that overlap by half, stands whole in one of them.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum

from bot.errors import FileRefused
from bot.files.documents import DAMAGED, LOCKED, encoding_of

BLOCK = 700  # characters: some 250 tokens, fewer of words, more of numbers
CAPTION = 200  # characters
MOST_ROWS = 50_000
MOST_TEXT = 8_000_000  # characters
PIECE = 100_000  # characters of a line that are looked at for the delimiter
LOOKED_AT = 20  # rows, for the delimiter and the header
Row = Sequence[str]


def render(source: Path, form: str, name: str, target: Path) -> str:
    """Writes a table's text to `target`; returns a note on what was left out. Raises FileRefused."""
    written = rows = 0
    with target.open("w", encoding="utf-8") as file:
        for sheet, all_rows in _sheets(source, form):
            caption = f"Table {name}" + (f", sheet {sheet}" if sheet else "")
            for count, block in blocks(caption, all_rows):
                if rows >= MOST_ROWS or written >= MOST_TEXT:
                    return f"only its first {rows:,} rows can be searched; calculations use all"
                written += file.write(block + "\n\n")
                rows += count
    if not written:
        raise FileRefused("it has no rows")
    return ""


def blocks(caption: str, rows: Iterable[tuple[int, Row]]) -> Iterator[tuple[int, str]]:
    """The text of numbered rows, and how many rows each piece of it holds. What stands above the header goes into each caption."""
    rows = ((n, r) for n, r in rows if any(r))
    first = list(islice(rows, LOOKED_AT))
    if not first:
        return
    at = header_at([r for _, r in first])
    title = " ".join(c for _, r in first[:at] for c in r if c)[:100]
    if title:
        caption = f"{caption}, {title}"
    caption = caption[:CAPTION]
    header = [c or f"column {n}" for n, c in enumerate(first[at][1], 1)]
    head = _line(header)  # without Markdown's line of dashes, which would cost a tenth of the room
    narrow = len(caption) + len(head) < BLOCK // 2
    lines: list[tuple[int, str]] = []
    size = 0
    for number, row in chain(first[at + 1 :], rows):
        line = _line([*row, *[""] * (len(header) - len(row))])
        room = BLOCK - len(caption) - len(head) - 25  # for the rows' numbers
        if lines and (size + len(line) + 1 > room or not narrow):
            yield len(lines), _block(caption, head, lines)
            lines, size = [], 0
        if not narrow or len(line) > room:
            yield from _spread(caption, header, number, row)
        else:
            lines.append((number, line))
            size += len(line) + 1
    if lines or len(first) == at + 1:
        yield max(1, len(lines)), _block(caption, head, lines)


def header_at(rows: Sequence[Row]) -> int:
    """Where the header is: the first row that is nearly as full as the fullest."""
    full = [sum(map(bool, row)) for row in rows]
    return next(n for n, count in enumerate(full) if count * 3 >= max(full) * 2)


def delimiter_of(sample: Sequence[str]) -> str:
    """What separates the cells: the mark by which most lines have the same number of them, and the more of these the better.

    A comma is the last to be taken for it: where others fit as well it is in the numbers.
    """

    def fit(mark: str) -> tuple[float, int]:
        widths = Counter(len(row) for row in csv.reader(sample, delimiter=mark) if row)
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
        return (count / widths.total(), width) if width > 1 else (0, 0)

    return max((";", "\t", "|", ","), key=fit)


def _spread(caption: str, header: Row, number: int, row: Row) -> Iterator[tuple[int, str]]:
    """A row too wide for a line, as a line for each cell; over several blocks if it must be."""
    top = f"{caption}, row {number}"
    room = max(BLOCK - len(top), BLOCK // 3)
    text, count = "", 1
    for name, cell in zip([*header, *[""] * (len(row) - len(header))], row, strict=False):
        value = f"{name[:100]}: {cell}" if name else cell
        for piece in (value[i : i + room] for i in range(0, len(value), room)) if cell else ():
            if text and len(text) + len(piece) + 1 > room:
                yield count, top + text
                text, count = "", 0
            text += "\n" + piece
    if text:
        yield count, top + text


def _block(caption: str, head: str, lines: Sequence[tuple[int, str]]) -> str:
    if not lines:
        return f"{caption}, no rows\n{head}"[: BLOCK * 2]
    span = f"row {lines[0][0]}" if len(lines) == 1 else f"rows {lines[0][0]}-{lines[-1][0]}"
    return "\n".join((f"{caption}, {span}", head, *(line for _, line in lines)))


def _line(row: Row) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def _sheets(source: Path, form: str) -> Iterator[tuple[str, Iterator[tuple[int, Row]]]]:
    if form == "csv":
        yield "", _separated(source)
        return
    try:
        workbook = CalamineWorkbook.from_path(source)
        names = [s.name for s in workbook.sheets_metadata if s.typ == SheetTypeEnum.WorkSheet]
        for name in names:
            sheet = workbook.get_sheet_by_name(name)
            rows = ([_shown(c) for c in row] for row in sheet.iter_rows())
            yield _shown(name), enumerate(rows, 1)
    except PasswordError as error:
        raise FileRefused(LOCKED) from error
    except CalamineError as error:
        raise FileRefused(DAMAGED) from error


def _separated(source: Path) -> Iterator[tuple[int, Row]]:
    csv.field_size_limit(MOST_TEXT)
    encoding = encoding_of(source)
    with source.open(encoding=encoding, errors="replace", newline="") as file:
        delimiter = delimiter_of(list(islice(iter(lambda: file.readline(PIECE), ""), LOOKED_AT)))
        file.seek(0)
        try:
            for number, row in enumerate(csv.reader(file, delimiter=delimiter), 1):
                yield number, [" ".join(c.split()) for c in row]
        except csv.Error as error:
            raise FileRefused(DAMAGED) from error


def _shown(value: Any) -> str:
    """A cell as text: dates in ISO's way, whole numbers without a fraction."""
    match value:
        case bool():
            return str(value).upper()
        case float():
            return f"{value:.15g}"
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime():
            return value.isoformat(" ", "seconds")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
    return " ".join(str(value).split())
