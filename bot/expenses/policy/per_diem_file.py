"""Reads a table of daily rates from CSV, whose columns the policy names. Every mistake is told with its line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from io import StringIO
from itertools import combinations
from pathlib import Path
from typing import NoReturn

from bot.expenses.money.money import digits
from bot.expenses.policy.per_diem import MONTHS, DayOfYear, PerDiem, PlaceRate, compared, in_season
from bot.expenses.policy.policy_file import PerDiemShape, read_bounded, wrong

MOST_BYTES = 5_000_000
MOST_ROWS = 20_000


def load_per_diem(policy: Path, shape: PerDiemShape, source: str) -> PerDiem:
    """The table that a policy names, beside its file. Raises SettingError that says which line is wrong."""
    try:
        places = digits(shape.currency)
    except KeyError as error:
        raise wrong(policy, f"per_diem.currency: {shape.currency} is no currency in use.") from error
    if not (shape.columns.lodging or shape.columns.meals):
        raise wrong(policy, "per_diem.columns names neither a column for lodging nor one for meals.")
    for key in ("lodging", "meals"):
        if getattr(shape, key) and not getattr(shape.columns, key):
            raise wrong(policy, f"per_diem.{key} names a category, but per_diem.columns has no column for it.")
    text = read_bounded(policy.parent / shape.file, MOST_BYTES, policy)
    rows = tuple(_Table(policy, shape, places).rows(text))
    if not rows:
        raise wrong(policy, f"{shape.file} has no rows.")
    _refuse_overlaps(policy, shape.file, rows)
    return PerDiem(
        name=shape.name,
        currency=shape.currency,
        rows=rows,
        lodging=shape.lodging or "",
        meals=shape.meals or "",
        first_last_percent=shape.first_last_percent,
        provided={str(meal): percent for meal, percent in shape.provided.items()},
        level=shape.level,
        source=source,
    )


def _refuse_overlaps(policy: Path, file: str, rows: tuple[PlaceRate, ...]) -> None:
    """Two rates for one place on one day: nobody could say which one counts."""
    by_name: dict[tuple[str, str], list[PlaceRate]] = {}
    for row in rows:
        for name in row.names or ("",):
            by_name.setdefault((row.region, name), []).append(row)
    for same in by_name.values():
        for one, other in combinations(same, 2):
            together = one.valid_from <= other.valid_to and other.valid_from <= one.valid_to
            if together and (
                in_season(other.begin, one.begin, one.end) or in_season(one.begin, other.begin, other.end)
            ):
                raise wrong(policy, f"{file} has two rates for {one.name or 'everywhere else'} at the same time.")


class _Table:
    """The CSV's lines, one after the other."""

    def __init__(self, policy: Path, shape: PerDiemShape, places: int) -> None:
        self._policy, self._shape, self._places = policy, shape, places
        self._line = 1

    def _wrong(self, what: str) -> NoReturn:
        raise wrong(self._policy, f"{self._shape.file}, line {self._line}: {what}")

    def rows(self, text: str) -> Iterator[PlaceRate]:
        reader = csv.DictReader(StringIO(text, newline=""), strict=True)
        try:
            missing = set(self._shape.columns.model_dump(exclude_none=True).values()) - set(reader.fieldnames or ())
            if missing:
                raise wrong(self._policy, f"{self._shape.file} has no column “{min(missing)}”.")
            for count, row in enumerate(reader):
                self._line = reader.line_num
                if count >= MOST_ROWS:
                    raise wrong(self._policy, f"{self._shape.file} has more than {MOST_ROWS:,} rows.")
                if any(row.values()):
                    yield self._row(row)
        except csv.Error as error:
            raise wrong(self._policy, f"{self._shape.file} is no CSV ({error}).") from error

    def _row(self, row: Mapping[str | None, str | None]) -> PlaceRate:
        columns = self._shape.columns
        if None in row:
            self._wrong("it has more cells than the table has columns.")

        def cell(column: str | None) -> str:
            return " ".join(((row.get(column) if column else "") or "").split())

        place, standard = cell(columns.place), self._shape.standard
        everywhere = bool(standard) and place.startswith(standard or "")
        if not place:
            self._wrong("it names no place.")
        begin, end = cell(columns.season_begin), cell(columns.season_end)
        if bool(begin) != bool(end):
            self._wrong("a season needs its first and its last day.")
        valid_from = self._date(cell(columns.valid_from)) or self._shape.valid_from
        valid_to = self._date(cell(columns.valid_to)) or self._shape.valid_to
        if valid_from is None or valid_to is None:
            self._wrong(
                "from when and until when is it valid? Say so in columns, or in per_diem.valid_from and valid_to."
            )
        if valid_to < valid_from:
            self._wrong("it ends before it begins.")
        return PlaceRate(
            place="" if everywhere else place,
            region=cell(columns.region),
            names=() if everywhere else self._names(place),
            also=self._names(cell(columns.also)),
            begin=self._day(begin) if begin else (1, 1),
            end=self._day(end) if end else (12, 31),
            lodging=self._amount(cell(columns.lodging)),
            meals=self._amount(cell(columns.meals)),
            valid_from=valid_from,
            valid_to=valid_to,
        )

    @staticmethod
    def _names(text: str) -> tuple[str, ...]:
        """Several: "Boston / Cambridge". What stands in brackets explains them."""
        text = re.sub(r"\([^)]*\)", "", text)
        return tuple(dict.fromkeys(name for part in text.split("/") if (name := compared(part))))

    def _amount(self, text: str) -> int | None:
        if not text:
            return None
        minor = Decimal(text).scaleb(self._places) if re.fullmatch(r"\d{1,9}(\.\d{1,4})?", text, re.ASCII) else None
        if minor is None or minor != minor.to_integral_value():
            self._wrong(f"“{text[:40]}” is no amount in {self._shape.currency}; write it as 126 or 126.50.")
        return int(minor)

    def _date(self, text: str) -> date | None:
        """It is written "2025-10-01" or "October 1, 2025"."""
        if not text:
            return None
        try:
            if match := re.fullmatch(r"([A-Za-z]{3,9})\.? (\d{1,2}), (\d{4})", text):
                return date(int(match[3]), MONTHS.index(match[1][:3].lower()) + 1, int(match[2]))
            return date.fromisoformat(text)
        except ValueError:
            self._wrong(f"“{text[:40]}” is no date; write it as 2025-10-01.")

    def _day(self, text: str) -> DayOfYear:
        """It is written "10-01" or "October 1"."""
        try:
            if match := re.fullmatch(r"([A-Za-z]{3,9})\.? (\d{1,2})", text):
                day = date(
                    2000, MONTHS.index(match[1][:3].lower()) + 1, int(match[2])
                )  # a leap year: 29 February is a day
            else:
                day = date.fromisoformat(f"2000-{text}")
        except ValueError:
            self._wrong(f"“{text[:40]}” is no day of the year; write it as 10-01.")
        return day.month, day.day
