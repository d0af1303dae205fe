"""Exchange rates from a dated table: the European Central Bank's CSV, from its address or a file.

The bank publishes about 16:00 CET on working days: how much of each currency one euro was worth. `eurofxref.csv` has the newest day, with a date
such as "20 November 2026"; `eurofxref-hist.csv` all days since 1999, such as "2026-11-20", the newest first. Cells without a rate are "N/A", lines
end with a comma. Each also comes as a zip with that one file in it.
"""

from __future__ import annotations

import asyncio
import re
import stat
import time
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Context, Decimal
from io import BytesIO
from pathlib import Path

import aiohttp
import structlog
from babel.dates import get_month_names
from yarl import URL

from bot.expenses.values import Rate

log = structlog.get_logger()
MOST_BYTES = 20_000_000  # the table since 1999 has 1.8 million
MOST_DAYS = 20_000
MOST_COLUMNS = 200
FRESH_SECONDS = 6 * 3600.0
AGAIN_SECONDS = 600.0  # after a failure
SECONDS = 20.0  # that people wait for the bank at most
REDIRECTS = 3
LAST = timedelta(days=7)  # weekends and holidays are shorter; an older rate has expired
EIGHT = Context(prec=8)  # significant digits of a cross rate
NUMBER = re.compile(r"\d{1,9}(?:\.\d{1,9})?")
MONTHS = list(get_month_names("wide", locale="en").values())
LONG_DATE = re.compile(rf"(\d{{1,2}}) ({'|'.join(MONTHS)}) (\d{{4}})")


@dataclass(frozen=True, slots=True)
class Table:
    """The bank's table. Its rows stay text, an eighth of the memory of numbers; few are ever asked for."""

    columns: dict[str, int]
    days: tuple[date, ...]  # the oldest first
    rows: tuple[str, ...]  # one for each day

    def find(self, currency: str, home: str, on: date) -> Rate | None:
        """The rate of the last day up to `on`, if that is at most a week before; by way of the euro, in eight significant digits."""
        at = bisect_right(self.days, on) - 1
        if at < 0 or on - self.days[at] > LAST:
            return None
        one, other = self._of_euro(currency, at), self._of_euro(home, at)
        return Rate(EIGHT.divide(other, one), self.days[at], "ECB") if one and other else None

    def _of_euro(self, currency: str, at: int) -> Decimal | None:
        """How much of a currency a euro was worth; None for what was not quoted."""
        if currency == "EUR":
            return Decimal(1)
        cell = self.rows[at].split(",")[self.columns[currency]].strip() if currency in self.columns else ""
        value = Decimal(cell) if NUMBER.fullmatch(cell) else Decimal(0)
        return value or None


class Rates:
    """The table, fetched when it is first needed and again when it is a few hours old."""

    def __init__(self, source: str, *, clock: Callable[[], float] = time.monotonic, seconds: float = SECONDS) -> None:
        """`source`: an http or https address or a path of the ECB's CSV or of the zip that holds it; "" for none. `seconds`: that a fetch may take."""
        self._source, self._clock, self._seconds = source, clock, seconds
        self._table: Table | None = None
        self._due = clock()
        self._one = asyncio.Lock()

    async def refresh(self) -> None:
        """Fetches the table if it is not there or old. Never raises: without a table `find` finds nothing, and the log says why.

        A table that cannot be fetched anew stays in use; `find` takes no rate from it that has expired.
        """
        async with self._one:  # whoever comes meanwhile waits for the same fetch
            if not self._source or self._clock() < self._due:
                return
            host = ""
            try:
                if self._source.lower().startswith(("http://", "https://")):
                    address = _address(self._source)
                    host = address.host or ""
                    data = await _fetch(address, self._seconds)
                else:
                    data = await asyncio.to_thread(_read, Path(self._source))
                table = await asyncio.to_thread(read_table, data)
            except (ValueError, OSError, aiohttp.ClientError) as error:  # OSError: TimeoutError too
                self._due = self._clock() + AGAIN_SECONDS
                # Only our own words: other errors may quote an address with a secret in it.
                why = str(error) if type(error) is ValueError else type(error).__name__
                log.warning("exchange rates could not be read", source=host or "file", why=why, kept=bool(self._table))
                return
            self._table, self._due = table, self._clock() + FRESH_SECONDS
            log.info("exchange rates read", source=host or "file", days=len(table.days), newest=str(table.days[-1]))

    def find(self, currency: str, home: str, on: date) -> Rate | None:
        """What one unit of `currency` was worth in `home` on a day: the rate of that day or, over weekends and holidays, of the last day before (at most a week). None where the table has none."""
        if currency == home:
            return Rate(Decimal(1), on, "same")
        return self._table.find(currency, home, on) if self._table else None


def read_table(data: bytes) -> Table:
    """The table in a CSV, or in a zip with one CSV. Raises ValueError that says what is wrong with it."""
    text = _text(_unzipped(data) if data.startswith(b"PK") else data)
    lines = [line for line in text.splitlines() if line.strip()]
    head = [cell.strip() for cell in lines[0].split(",")] if lines else []
    if not head or head[0] != "Date" or len(head) > MOST_COLUMNS:
        page = text.lstrip()[:200].lower().startswith(("<!doctype html", "<html"))
        raise ValueError("it is a web page, not the bank's table" if page else "it is not the bank's table")
    if len(lines) > MOST_DAYS:
        raise ValueError(f"it has more than {MOST_DAYS} days")
    rows: dict[date, str] = {}
    for number, line in enumerate(lines[1:], 2):
        first, count = line.split(",", 1)[0].strip(), line.count(",") + 1
        day = _day(first)
        if day is None or count != len(head):  # a number that was cut would be a wrong rate
            raise ValueError(f"line {number} is cut or malformed")
        rows[day] = line
    if not rows:
        raise ValueError("it has no days")
    days = tuple(sorted(rows))
    columns = {code: at for at, code in enumerate(head) if re.fullmatch(r"[A-Z]{3}", code)}
    return Table(columns, days, tuple(rows[day] for day in days))


def _day(text: str) -> date | None:
    """A date in either of the bank's forms."""
    try:
        if long := LONG_DATE.fullmatch(text):
            return date(int(long[3]), MONTHS.index(long[2]) + 1, int(long[1]))
        return date.fromisoformat(text)
    except ValueError:
        return None


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None


def _unzipped(data: bytes) -> bytes:
    """The only file of a zip, if it is not too large."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) != 1:
                raise ValueError("the zip does not hold one file")
            if entries[0].file_size > MOST_BYTES:
                raise ValueError("the file in the zip is too large")
            with archive.open(entries[0]) as file:
                found = file.read(MOST_BYTES + 1)  # whatever was announced
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError):  # cut, locked, odd
        raise ValueError("the zip is damaged") from None
    if len(found) > MOST_BYTES:
        raise ValueError("the file in the zip is too large")
    return found


def _read(path: Path) -> bytes:
    """A file's content. Raises ValueError, OSError."""
    about = path.stat()
    if not stat.S_ISREG(about.st_mode):
        raise ValueError("it is not a file")
    if about.st_size > MOST_BYTES:
        raise ValueError("it is too large")
    return path.read_bytes()


def _address(text: str) -> URL:
    """Raises ValueError for what is none, and does not quote it: it may hold a secret."""
    try:
        return URL(text)
    except ValueError:
        raise ValueError("the address is malformed") from None


async def _fetch(address: URL, seconds: float) -> bytes:
    """What an address gives out. Raises ValueError, OSError, aiohttp.ClientError."""
    # No environment's proxy, no cookies, nothing unpacked on the way: what comes is as large as it looks.
    timeout, jar = aiohttp.ClientTimeout(total=seconds, connect=5), aiohttp.DummyCookieJar()
    async with (
        asyncio.timeout(seconds),  # redirects and all
        aiohttp.ClientSession(timeout=timeout, cookie_jar=jar, auto_decompress=False) as session,
    ):
        for _ in range(REDIRECTS + 1):
            headers = {"Accept-Encoding": "identity"}
            async with session.get(address, headers=headers, allow_redirects=False) as response:
                if response.status in (301, 302, 303, 307, 308):
                    address = next_address(address, response.headers.get("Location", ""))
                    continue
                if response.status != 200:
                    raise ValueError(f"HTTP {response.status}")
                return await _body(response)
    raise ValueError("it redirects in circles")


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_chunked(64 * 1024):
        body += piece
        if len(body) > MOST_BYTES:
            raise ValueError("it is too large")
    return bytes(body)


def next_address(address: URL, location: str) -> URL:
    """Where a redirect leads: to the same host by https, or nowhere. Raises ValueError."""
    target = address.join(_address(location))
    if target.scheme != "https" or target.host != address.host:
        raise ValueError("it redirects to another host, or away from https")
    return target
