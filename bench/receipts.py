"""How well receipts are read: `python -m bench.receipts FOLDER --ocr`.

The pictures' names are the truth: merchant_ddmmyyyy_items_total.jpg, the total in cents. With `--ocr` tesseract reads the text (Debian: tesseract-ocr and
tesseract-ocr-deu) and `bot.expenses.written` finds the fields in it. That is a score of those two, not of a model, which sees the picture itself.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from bot.expenses.written import dates, merchant, stands_in, total

NAME = re.compile(r"([^_]+)_(\d{8})_\d+_(\d+)\.(?:jpe?g|png)", re.IGNORECASE)
OCR_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Fields:
    """What a receipt says, or what was read of it: the total in cents."""

    total: int | None
    date: date | None
    merchant: str


@dataclass(frozen=True, slots=True)
class Score:
    """One picture: what it says, and what was read."""

    name: str
    truth: Fields
    read: Fields

    @property
    def right(self) -> tuple[bool, bool, bool]:
        """Whether total, date and merchant are right: the merchant's name has to stand in what was read."""
        truth, read = self.truth, self.read
        return truth.total == read.total, truth.date == read.date, stands_in(truth.merchant, read.merchant)


Reader = Callable[[Path], Fields]


def truth(name: str) -> Fields | None:
    """What a picture's name tells of it; None for another name."""
    if not (match := NAME.fullmatch(name)):
        return None
    try:
        day = datetime.strptime(match[2], "%d%m%Y").date()  # noqa: DTZ007 - a day, in no zone
    except ValueError:
        return None
    return Fields(int(match[3]), day, match[1])


def scores(folder: Path, read: Reader) -> list[Score]:
    """Reads every picture of a folder whose name tells what it says."""
    named = ((path, truth(path.name)) for path in sorted(folder.iterdir()))
    return [Score(path.name, fields, read(path)) for path, fields in named if fields]


def by_ocr(languages: str) -> Reader:
    """Tesseract reads the text, `bot.expenses.written` the fields."""

    def read(picture: Path) -> Fields:
        command = ["tesseract", str(picture), "-", "-l", languages, "--psm", "4", "--dpi", "300"]
        done = subprocess.run(  # noqa: S603 - no shell, and the folder is one's own
            command, capture_output=True, check=True, timeout=OCR_SECONDS, env={**os.environ, "OMP_THREAD_LIMIT": "1"}
        )
        return fields_of(done.stdout.decode("utf-8", "replace"))

    return read


def fields_of(text: str) -> Fields:
    """The fields in a text, without a look at the picture."""
    amount, days = total(text), dates(text)
    return Fields(None if amount is None else round(amount * 100), days[0] if days else None, merchant(text))


def table(found: Sequence[Score]) -> Iterable[str]:
    """The scores as Markdown, their sum last."""
    yield "| picture | total | date | merchant |\n|---|---|---|---|"
    for score in found:
        read = score.read
        cells = ("" if read.total is None else str(read.total), str(read.date or ""), read.merchant)
        told = ("right" if ok else f"wrong: {c}" if c else "not read" for ok, c in zip(score.right, cells, strict=True))
        yield f"| {score.name} | {' | '.join(told)} |"
    sums = (sum(column) for column in zip(*(score.right for score in found), strict=True))
    yield f"| {len(found)} pictures | {' | '.join(f'{n} right' for n in sums)} |"


def main() -> int:
    """Prints the table, or why nothing was measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.receipts", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ocr", action="store_true", help="read the text with tesseract")
    parser.add_argument("--languages", default="deu+eng", help="tesseract's, of the receipts (deu+eng)")
    arguments = parser.parse_args()
    if not arguments.ocr or not shutil.which("tesseract"):
        print("not measured:", "tesseract is not there" if arguments.ocr else "give --ocr to measure with tesseract")
        return 1
    found = scores(arguments.folder, by_ocr(arguments.languages))
    if not found:
        print("not measured: no picture's name is of the form merchant_ddmmyyyy_items_total.jpg")
        return 1
    print(*table(found), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
