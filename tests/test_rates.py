"""Exchange rates come from the bank's dated table, whole and of the right days, or there are none."""

from __future__ import annotations

import asyncio
import io
import os
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs
from yarl import URL

from bot.expenses.money.rates import MOST_BYTES, SECONDS, Rates, next_address, read_table
from bot.expenses.values import Rate

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SAMPLE = Path(__file__).parent.parent / "playground" / "expenses" / "ecb-sample.csv"
FRIDAY = date(2026, 11, 20)
# As the bank writes them; the kroon and the rouble are no longer quoted.
HISTORY = b"""Date,USD,JPY,EEK,GBP,HUF,RUB,
2026-11-20,1.1620,178.40,N/A,0.8760,386.20,N/A,
2026-11-19,1.1600,178.00,N/A,0.8750,386.00,N/A,
2026-11-18,1.1580,177.60,N/A,N/A,385.80,N/A,
"""
DAILY = b"Date, USD, JPY, GBP, \n20 November 2026, 1.1620, 178.40, 0.8760, \n"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def zipped(*files: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(files):
            archive.writestr(f"{number}.csv", content)
    return target.getvalue()


def answering(*bodies: bytes | int) -> tuple[Handler, list[str]]:
    """Gives out one after the other, a number as a status, the last for ever; and what was asked for."""
    left, asked = list(bodies), []

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        body = left.pop(0) if len(left) > 1 else left[0]
        return web.Response(status=body) if isinstance(body, int) else web.Response(body=body)

    return handler, asked


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[TestServer]:
    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    server = TestServer(app)
    async with server:
        yield server


async def why_not(handler: Handler, seconds: float = SECONDS) -> str:
    """What the log says of a table that an address does not give out; nothing is found then."""
    async with served(handler) as server:
        the_rates = Rates(str(server.make_url("/rates.zip?key=secret")), seconds=seconds)
        with capture_logs() as logged:
            await the_rates.refresh()
        assert the_rates.find("USD", "EUR", FRIDAY) is None
    (line,) = logged
    assert line["log_level"] == "warning"
    assert "secret" not in str(line)
    return str(line["why"])


@pytest.mark.parametrize("data", [HISTORY, DAILY, zipped(HISTORY), zipped(DAILY), b"\xef\xbb\xbf" + HISTORY])
def test_the_banks_forms_are_read(data: bytes) -> None:
    assert read_table(data).find("EUR", "USD", FRIDAY) == Rate(Decimal("1.1620"), FRIDAY, "ECB")


@pytest.mark.parametrize(
    ("currency", "home", "value"),
    [
        ("USD", "EUR", "0.86058520"),
        ("HUF", "EUR", "0.0025893320"),
        ("EUR", "JPY", "178.40"),
        ("USD", "GBP", "0.75387263"),
        ("GBP", "USD", "1.3264840"),
    ],
)
def test_a_rate_goes_by_way_of_the_euro_in_eight_significant_digits(currency: str, home: str, value: str) -> None:
    assert read_table(HISTORY).find(currency, home, FRIDAY) == Rate(Decimal(value), FRIDAY, "ECB")


@pytest.mark.parametrize(
    ("on", "used"),
    [
        (date(2026, 11, 19), date(2026, 11, 19)),
        (date(2026, 11, 22), FRIDAY),  # a Sunday
        (date(2026, 11, 27), FRIDAY),
        (date(2026, 11, 28), None),  # expired
        (date(2062, 1, 1), None),
        (date(2026, 11, 18), date(2026, 11, 18)),
        (date(2026, 11, 17), None),  # before the first
        (date.min, None),
        (date.max, None),
    ],
)
def test_the_rate_is_of_the_day_or_at_most_a_week_before(on: date, used: date | None) -> None:
    rate = read_table(HISTORY).find("EUR", "USD", on)
    assert (rate.on if rate else None) == used


@pytest.mark.parametrize("currency", ["EEK", "RUB", "XYZ", "", "Date", "usd", "KWD"])
def test_what_is_not_quoted_has_no_rate(currency: str) -> None:
    table = read_table(HISTORY)
    assert table.find(currency, "EUR", FRIDAY) is None
    assert table.find("EUR", currency, FRIDAY) is None


def test_a_day_without_a_quote_is_not_filled_from_another() -> None:
    assert read_table(HISTORY).find("GBP", "EUR", date(2026, 11, 18)) is None


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not the bank's table"),
        (b"\n\n", "not the bank's table"),
        (b"<!DOCTYPE html><title>Sign in</title>", "web page"),
        (b"Day,USD,\n2026-11-20,1.1,\n", "not the bank's table"),
        (b"Date,USD,\n", "no days"),
        (HISTORY.decode().encode("utf-16"), "UTF-8"),
        (HISTORY[:-40], "line 4 is cut"),
        (b"Date,USD,JPY,\n2026-11-20,1.1620,178.4", "line 2 is cut"),
        (b"Date,USD,\n31 February 2026,1.1,\n", "line 2"),
        (b"Date,USD,\nyesterday,1.1,\n", "line 2"),
        (b"Date," + b"USD," * 300 + b"\n", "not the bank's table"),
        (b"Date,\n" + b"2026-11-20,\n" * 20_001, "20000 days"),
        (zipped(HISTORY, DAILY), "one file"),
        (zipped(), "one file"),
        (zipped(HISTORY)[:-30], "damaged"),
        (zipped(bytes(MOST_BYTES + 1)), "too large"),
        (zipped(bytes(MOST_BYTES + 1)).replace((MOST_BYTES + 1).to_bytes(4, "little"), b"\x09\x00\x00\x00"), "damaged"),
    ],
)
def test_what_is_not_the_whole_table_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_table(data)


@pytest.mark.parametrize("cell", ["0", "0.0", "-1", "1e9", "NaN", "Infinity", "1.1.1", "x", "", "9" * 12])
def test_a_cell_that_is_no_rate_is_none(cell: str) -> None:
    assert read_table(f"Date,USD,\n2026-11-20,{cell},\n".encode()).find("USD", "EUR", FRIDAY) is None


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda more: HISTORY + more))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    try:
        table = read_table(data)
    except ValueError:
        return
    assert table.days


def test_the_playgrounds_sample_quotes_every_working_day_and_says_that_it_is_made_up() -> None:
    table = read_table(SAMPLE.read_bytes())
    days = [date(2026, 10, 1) + timedelta(n) for n in range(61)]
    assert list(table.days) == [day for day in days if day.weekday() < 5]
    assert len(table.columns) == 29
    for code in table.columns:
        assert all(table.find(code, "EUR", day) for day in table.days)
    assert b"all figures are made up" in SAMPLE.read_bytes().splitlines()[0]


async def test_the_same_currency_needs_no_table() -> None:
    the_rates = Rates("")
    with capture_logs() as logged:
        await the_rates.refresh()
    assert the_rates.find("KWD", "KWD", FRIDAY) == Rate(Decimal(1), FRIDAY, "same")
    assert the_rates.find("USD", "EUR", FRIDAY) is None
    assert logged == []


@pytest.mark.parametrize("data", [HISTORY, zipped(HISTORY)])
async def test_a_file_is_read(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "rates"
    path.write_bytes(data)
    the_rates = Rates(str(path))
    await the_rates.refresh()
    assert the_rates.find("EUR", "USD", FRIDAY) == Rate(Decimal("1.1620"), FRIDAY, "ECB")


async def test_what_is_no_file_is_told_in_the_log(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").touch()
    os.truncate(tmp_path / "large", MOST_BYTES + 1)
    for name, why in (
        ("none", "FileNotFoundError"),
        ("", "not a file"),
        ("pipe", "not a file"),
        ("large", "too large"),
    ):
        with capture_logs() as logged:
            await Rates(str(tmp_path / name)).refresh()
        assert why in logged[0]["why"]


async def test_an_address_is_fetched_once_for_all_who_wait_and_again_after_six_hours() -> None:
    handler, asked = answering(zipped(HISTORY))
    clock = Clock()
    async with served(handler) as server:
        the_rates = Rates(str(server.make_url("/eurofxref-hist.zip")), clock=clock)
        await asyncio.gather(*(the_rates.refresh() for _ in range(5)))
        assert the_rates.find("EUR", "JPY", FRIDAY) == Rate(Decimal("178.40"), FRIDAY, "ECB")
        clock.now += 6 * 3600 - 1
        await the_rates.refresh()
        assert asked == ["/eurofxref-hist.zip"]
        clock.now += 2
        await the_rates.refresh()
    assert len(asked) == 2


async def test_after_a_failure_the_old_table_stays_and_ten_minutes_pass() -> None:
    handler, asked = answering(HISTORY, 500, DAILY)
    clock = Clock()
    async with served(handler) as server:
        the_rates = Rates(str(server.make_url("/")), clock=clock)
        await the_rates.refresh()
        clock.now += 6 * 3600 + 1
        await the_rates.refresh()
        assert the_rates.find("HUF", "EUR", FRIDAY), "the old table"
        clock.now += 599
        await the_rates.refresh()
        assert len(asked) == 2
        clock.now += 2
        await the_rates.refresh()
        assert the_rates.find("HUF", "EUR", FRIDAY) is None, "the new one"
        assert the_rates.find("USD", "EUR", FRIDAY)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (500, "HTTP 500"),
        (403, "HTTP 403"),
        (b"<html><title>Sign in</title>", "web page"),
        (HISTORY[:-40], "line 4 is cut"),
        (bytes(MOST_BYTES + 1), "too large"),
        (zipped(bytes(MOST_BYTES + 1)), "too large"),
    ],
)
async def test_an_address_that_gives_something_else_out_is_told_in_the_log(body: bytes | int, said: str) -> None:
    assert said in await why_not(answering(body)[0])


async def test_a_body_that_breaks_off_is_not_taken() -> None:
    async def breaks_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(HISTORY))})
        await response.prepare(request)
        await response.write(HISTORY[:-56])  # at the end of a line
        assert request.transport
        request.transport.close()
        return response

    assert await why_not(breaks_off) == "ClientPayloadError"


async def test_nobody_waits_longer_than_the_timeout() -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.5)
        return web.Response(body=HISTORY)

    assert "Timeout" in await why_not(slow, seconds=0.1)


async def test_an_address_without_a_server_is_told_in_the_log(free_port: int) -> None:
    with capture_logs() as logged:
        await Rates(f"http://127.0.0.1:{free_port}/").refresh()
        await Rates("http://127.0.0.1:99999/").refresh()
    assert [line["why"] for line in logged] == ["ClientConnectorError", "the address is malformed"]


async def test_a_redirect_to_another_host_is_not_followed() -> None:
    handler, asked = answering(HISTORY)
    async with served(handler) as other:

        async def elsewhere(request: web.Request) -> web.StreamResponse:
            raise web.HTTPFound(str(other.make_url("/").with_host("localhost")))

        assert "another host" in await why_not(elsewhere)
    assert asked == []


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/b.zip", "https://ecb.example/b.zip"),
        ("https://ecb.example/c?d=e", "https://ecb.example/c?d=e"),
        ("http://ecb.example/b.zip", None),
        ("//evil.example/b.zip", None),
        ("https://ecb.example.evil.example/", None),
        ("https://ecb.example@evil.example/", None),
        ("file:///etc/passwd", None),
        ("https://ecb.example:99999/", None),
    ],
)
def test_a_redirect_stays_on_the_host_and_on_https(location: str, target: str | None) -> None:
    address = URL("https://ecb.example/a.zip")
    if target:
        assert next_address(address, location) == URL(target)
    else:
        with pytest.raises(ValueError, match=r"another host|malformed"):
            next_address(address, location)
