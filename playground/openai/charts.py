"""Sums of a table as a bar chart and a file: what the rule-based model's code interpreter can do."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from PIL import Image, ImageDraw, ImageFont

from playground.openai.search import words

ASKED = re.compile(r"\b(charts?|plot|graph|diagram|spreadsheet|csv)\b", re.IGNORECASE)
BY = re.compile(r"\b(?:by|per|for each) ([\w -]{1,60})", re.IGNORECASE)
MOST_BARS = 30
WIDTH, BAR, LEFT, TOP = 800, 34, 200, 50  # pixels
CODE = """import csv
from collections import defaultdict

sums = defaultdict(float)
with open("/mnt/data/{name}", newline="") as file:
    for row in csv.DictReader(file):
        sums[row["{by}"]] += float(row["{of}"])
print(dict(sums))
"""


@dataclass(frozen=True)
class Chart:
    """A chart as PNG, its numbers as CSV, the code that is said to have made them, and the answer's text."""

    image_name: str
    image: bytes
    data_name: str
    data: bytes
    code: str
    text: str


def chart(question: str, tables: Mapping[str, str]) -> Chart | None:
    """A chart of the first table that has the column which the question sums by; None when none is asked for."""
    by = BY.search(question)
    if not ASKED.search(question) or by is None:
        return None
    for name, text in tables.items():
        rows = list(csv.reader(io.StringIO(text), _dialect(text)))
        if len(rows) < 2:
            continue
        columns = _columns(rows, by[1], question)
        if columns:
            return _drawn(name, rows, *columns)
    return None


def _dialect(text: str) -> type[csv.Dialect]:
    try:
        return csv.Sniffer().sniff(text[:4096], ",;\t|")
    except csv.Error:
        return csv.excel


def _columns(rows: list[list[str]], by: str, question: str) -> tuple[int, int] | None:
    """The column to sum by and the numeric one to sum: one that the question names, else the first."""
    header = rows[0]
    wanted, asked = set(words(by)), set(words(question))
    key = next((n for n, name in enumerate(header) if set(words(name)) and set(words(name)) <= wanted), None)
    numeric = [n for n in range(len(header)) if n != key and _is_numeric(rows[1:], n) and header[n].lower() != "id"]
    if key is None or not numeric:
        return None
    return key, next((n for n in numeric if asked & set(words(header[n]))), numeric[0])


def _is_numeric(rows: Sequence[Sequence[str]], column: int) -> bool:
    cells = [row[column] for row in rows if len(row) > column and row[column].strip()]
    return bool(cells) and all(_number(cell) is not None for cell in cells)


def _number(cell: str) -> float | None:
    try:
        return float(cell.replace(",", "").strip().lstrip("$€£"))
    except ValueError:
        return None


def _drawn(name: str, rows: list[list[str]], key: int, value: int) -> Chart:
    by, of = rows[0][key].strip(), rows[0][value].strip()
    sums: dict[str, float] = {}
    for row in rows[1:]:
        if len(row) > max(key, value) and row[key].strip():
            sums[row[key].strip()] = sums.get(row[key].strip(), 0.0) + (_number(row[value]) or 0.0)
    out = io.StringIO()
    csv.writer(out).writerows([(by, of), *((group, f"{total:g}") for group, total in sums.items())])
    stem = f"{_slug(of)}_by_{_slug(by)}"
    title = f"{of} by {by}"
    lines = "\n".join(f"- {group}: {_shown(total)}" for group, total in list(sums.items())[:MOST_BARS])
    if len(sums) > MOST_BARS:
        lines += f"\n- and {len(sums) - MOST_BARS} more, in the data"
    text = f"{title}, from {name}:\n{lines}\n\n[Chart](sandbox:/mnt/data/{stem}.png), "
    text += f"[data](sandbox:/mnt/data/{stem}.csv)"
    code = CODE.format(name=PurePath(name).name, by=by, of=of)
    return Chart(f"{stem}.png", _bars(title, sums), f"{stem}.csv", out.getvalue().encode(), code, text)


def _shown(total: float) -> str:
    return f"{total:,.2f}".removesuffix(".00")


def _slug(name: str) -> str:
    return re.sub(r"\W+", "_", name.lower()).strip("_") or "column"


def _bars(title: str, sums: Mapping[str, float]) -> bytes:
    """A bar chart as PNG."""
    shown = list(sums.items())[:MOST_BARS]
    most = max((abs(total) for _, total in shown), default=0) or 1
    image = Image.new("RGB", (WIDTH, TOP + BAR * len(shown) + 20), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(16)
    draw.text((20, 14), title, "black", font=font)
    for n, (group, total) in enumerate(shown):
        top = TOP + n * BAR
        length = int((WIDTH - LEFT - 130) * abs(total) / most)
        draw.text((20, top + 4), group[:20], "black", font=font)
        draw.rectangle((LEFT, top, LEFT + length, top + BAR - 10), "#1264a3" if total >= 0 else "#e01e5a")
        draw.text((LEFT + length + 8, top + 4), _shown(total), "black", font=font)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
