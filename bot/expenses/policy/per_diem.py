"""Daily rates by place, season and date, from a dated table such as the GSA's. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from bot.expenses.values import Level

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DayOfYear = tuple[int, int]  # month, day


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRate:
    """A row: what a day in a place may cost, in the table's currency's smallest unit; None where the table has no such rate."""

    place: str  # "" in a row for everywhere else
    region: str
    names: tuple[str, ...]  # of the place, as they are compared
    also: tuple[str, ...]  # names of what it lies in, such as counties
    begin: DayOfYear
    end: DayOfYear  # before `begin`: the season runs over New Year
    lodging: int | None
    meals: int | None
    valid_from: date
    valid_to: date

    def covers(self, day: date) -> bool:
        """Whether the row is for that day: of its years, and in its season."""
        return self.valid_from <= day <= self.valid_to and in_season((day.month, day.day), self.begin, self.end)

    @property
    def name(self) -> str:
        """The place as the table names it."""
        return f"{self.place}, {self.region}" if self.region else self.place


@dataclass(frozen=True, slots=True)
class NoRate:
    """Why the table has none, as a sentence. `stale`: the table itself does not cover the day."""

    text: str
    stale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PerDiem:
    """The table, and what it is for: `lodging` and `meals` are keys of categories, "" for none; `provided` is what a meal that was paid for takes off, in percent."""

    name: str
    currency: str
    rows: tuple[PlaceRate, ...]
    lodging: str
    meals: str
    first_last_percent: int
    provided: Mapping[str, int]
    level: Level
    source: str

    def find(self, city: str, day: date) -> PlaceRate | NoRate:
        """The row for a place as people write it ("Portland, OR") on a day. A row without a place is the standard rate of its region."""
        current = [row for row in self.rows if row.valid_from <= day <= row.valid_to]
        if not current:
            return self._outdated(day)
        name, region = self._split(city)
        if not name:
            return NoRate(f"no city is named, so {self.name} was not looked up")
        spellings = {name, compared(city)}  # "Washington DC" may be a name of its own
        for names in ("names", "also"):
            found = [r for r in current if spellings & set(getattr(r, names)) and region in (None, r.region.casefold())]
            places = sorted({row.name for row in found})
            if len(places) > 1:
                return NoRate(f"{self.name} has several places of that name; write it as {' or '.join(places[:3])}")
            if season := [row for row in found if row.covers(day)]:
                return season[0]
            if found:
                return NoRate(f"{self.name} has no rate for {places[0]} in that season")
        regions = {row.region.casefold() for row in self.rows} - {""}
        if region in regions:
            for row in sorted(current, key=lambda r: r.region == ""):  # a region's own before the one for all
                if not row.place and row.region.casefold() in (region, "") and row.covers(day):
                    return row
        hint = f"; name its region too, as in “{self._example()}”" if regions and region not in regions else ""
        return NoRate(f"{self.name} has no rate for this place{hint}")

    def _example(self) -> str:
        return next(row.name for row in self.rows if row.place and row.region)

    def _split(self, city: str) -> tuple[str, str | None]:
        """The place's name as it is compared, and its region: what follows a comma, or a last word that is one of the table's."""
        regions = {row.region.casefold() for row in self.rows} - {""}
        if not regions:
            return compared(city), None
        parts = [part.strip() for part in city.split(",")]
        for at in range(len(parts) - 1, 0, -1):  # "Denver, CO, USA"
            if (region := parts[at].replace(".", "").casefold()) in regions or at == 1:
                return compared(" ".join(parts[:at])), region
        name, _, last = city.strip().rpartition(" ")
        if name and last.isupper() and last.casefold() in regions:
            return compared(name), last.casefold()
        return compared(city), None

    def _outdated(self, day: date) -> NoRate:
        ended = [row.valid_to for row in self.rows if row.valid_to < day]
        begins = [row.valid_from for row in self.rows if row.valid_from > day]
        if ended and not begins:
            return NoRate(f"{self.name} expired on {written(max(ended))}", stale=True)
        return NoRate(f"{self.name} begins only on {written(min(begins))}", stale=True)


def written(day: date) -> str:
    """A day as people read it: "3 Nov 2026"."""
    return f"{day.day} {MONTHS[day.month - 1].title()} {day.year}"


def compared(name: str) -> str:
    """A place's name without case, accents, points and double spaces; "Saint" is "St"."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    return re.sub(r"\bsaint\b", "st", " ".join(re.sub(r"[^\w\s]", "", plain.replace("-", " ")).split()))


def in_season(day: DayOfYear, begin: DayOfYear, end: DayOfYear) -> bool:
    """Whether a day of the year lies in a season, which may run over New Year."""
    if end == (2, 28):
        end = (2, 29)  # a season that ends with February
    return begin <= day <= end if begin <= end else day >= begin or day <= end
