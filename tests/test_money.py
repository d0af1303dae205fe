"""Amounts are read as they were meant or not at all; nothing is lost in reckoning, and what is shown can be read again."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.expenses.money.money import MOST, Unclear, convert, digits, read_amount, read_rate, show
from bot.expenses.values import Money, Rate

CURRENCIES = st.sampled_from(["EUR", "USD", "GBP", "CHF", "JPY", "KWD", "RSD", "INR", "HUF", "CNY", "XOF", "SEK"])
LANGUAGES = st.sampled_from(
    ["en", "de", "fr", "de-CH", "pt_BR", "es", "it", "pl", "sv", "ja", "hi", "ar", "zh", "en-IN"]
)
MINOR = st.integers(-(10**12), 10**12)
DAY = date(2026, 11, 20)


def rate(value: str) -> Rate:
    return Rate(Decimal(value), DAY, "ECB")


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("18.40", "EUR", 1840),
        ("18,40", "EUR", 1840),
        ("18,4", "EUR", 1840),
        ("1.234,56", "EUR", 123456),
        ("1,234.56", "USD", 123456),
        ("1'234.50", "CHF", 123450),
        ("1’234’567.50", "CHF", 123456750),
        ("1 234,56 €", "EUR", 123456),
        ("1\N{NARROW NO-BREAK SPACE}234,56\N{NO-BREAK SPACE}€", "EUR", 123456),
        ("1.234.567", "EUR", 123456700),
        ("1,23,456.78", "INR", 12345678),
        ("1234.56", "EUR", 123456),
        ("EUR 5", "EUR", 500),
        ("5 euros", "EUR", 500),
        ("18.40EUR", "EUR", 1840),
        ("$12", "USD", 1200),
        ("$12", "MXN", 1200),
        ("US$ 12.00 USD", "USD", 1200),
        ("Rs.500", "INR", 50000),
        ("Fr. 12.50", "CHF", 1250),
        (".50", "EUR", 50),
        ("$.50", "USD", 50),
        ("12,-", "EUR", 1200),
        ("12.–", "CHF", 1200),
        ("¥1,234", "JPY", 1234),
        ("\uff11\uff0c\uff12\uff13\uff14円", "JPY", 1234),
        ("1.234", "JPY", 1234),
        ("1,234.00", "JPY", 1234),
        (
            "\N{ARABIC-INDIC DIGIT ONE}\N{ARABIC-INDIC DIGIT TWO}\N{ARABIC DECIMAL SEPARATOR}\N{ARABIC-INDIC DIGIT FIVE}\N{ARABIC-INDIC DIGIT ZERO}",
            "EUR",
            1250,
        ),
        ("1,234.567", "KWD", 1234567),
        ("0.5", "KWD", 500),
        ("1.234,50", "RSD", 123450),
        ("0", "EUR", 0),
        ("0.500", "EUR", 50),
        ("-5.00", "EUR", -500),
        ("\N{MINUS SIGN}5.00 €", "EUR", -500),
        ("-€5", "EUR", -500),
        ("5.00-", "EUR", -500),
        ("(5.00)", "EUR", -500),
        ("+5", "EUR", 500),
    ],
)
def test_what_people_and_receipts_write_is_read(text: str, currency: str, minor: int) -> None:
    assert read_amount(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency", "language", "minor"),
    [
        ("1.234", "EUR", "de", 123400),
        ("1.234", "EUR", "de-AT", 123400),
        ("1.234", "EUR", "fr", 123400),  # no mark of its own for decimals
        ("1,234", "USD", "en", 123400),
        ("1,234", "USD", "en-US", 123400),
        ("1.234", "KWD", "en", 1234),
        ("1.234", "KWD", "de", 1234000),
        ("1,234", "KWD", "de", 1234),
        ("18,40", "EUR", "en", 1840),  # cannot be thousands in any language
        ("1.000", "EUR", "en", 100),
    ],
)
def test_the_receipts_language_tells_thousands_from_decimals(
    text: str, currency: str, language: str, minor: int
) -> None:
    assert read_amount(text, currency, language) == minor


@pytest.mark.parametrize(
    ("text", "currency", "language", "readings"),
    [
        ("1.234", "EUR", "", (123400,)),
        ("1,234", "USD", "", (123400,)),
        ("1.234", "EUR", "en", (123400,)),
        ("1.234", "EUR", "tlh", (123400,)),  # no language that is known
        ("1.000", "EUR", "", (100000, 100)),
        ("1.234", "KWD", "", (1234000, 1234)),
        ("-1.234", "KWD", "", (-1234000, -1234)),
    ],
)
def test_what_has_two_meanings_is_asked_about(
    text: str, currency: str, language: str, readings: tuple[int, ...]
) -> None:
    read = read_amount(text, currency, language)
    assert isinstance(read, Unclear)
    assert read.readings == readings
    assert show(Money(abs(readings[0]), currency)) in read.text


@pytest.mark.parametrize(
    ("text", "currency", "said"),
    [
        ("", "EUR", "cannot read"),
        ("free", "EUR", "cannot read"),
        ("$12", "EUR", "another currency's sign"),
        ("12 USD", "EUR", "names USD"),
        ("18.405 €", "EUR", "three decimals"),
        ("18.4051", "EUR", "EUR has 2 decimals, and this amount has 4"),
        ("12.50", "JPY", "JPY has no decimals"),
        ("0.0005", "KWD", "KWD has 3 decimals"),
        ("1.234.56", "EUR", "where the decimals"),
        ("12 50", "EUR", "where the decimals"),
        ("1'23", "EUR", "where the decimals"),
        ("18.40 + 2", "EUR", "one amount"),
        ("--5", "EUR", "one amount"),
        ("12²", "EUR", "one amount"),
        ("2 x 5", "EUR", "one amount"),
        ("taxi 18", "EUR", "more than an amount"),
        ("19 %", "EUR", "more than an amount"),
        ("12,", "EUR", "more than an amount"),
        ("50¢", "USD", "another currency's sign"),
        ("9" * 17, "EUR", "too large"),
        ("9" * 5000, "EUR", "cannot read"),
        ("5", "XYZ", "do not know this currency"),
        ("5", "DEM", "do not know this currency"),
    ],
)
def test_what_is_no_amount_is_refused_with_a_word(text: str, currency: str, said: str) -> None:
    read = read_amount(text, currency)
    assert isinstance(read, Unclear)
    assert said in read.text
    assert read.text.endswith((".", "?"))


def test_the_largest_amount_is_read_and_the_next_is_not() -> None:
    assert read_amount(str(MOST), "JPY") == MOST
    assert isinstance(read_amount(str(MOST + 1), "JPY"), Unclear)


def test_currencies_have_the_digits_of_iso_4217() -> None:
    found = {code: digits(code) for code in ("EUR", "JPY", "KWD", "HUF", "RSD", "IQD", "ISK", "BGN")}
    assert found == {"EUR": 2, "JPY": 0, "KWD": 3, "HUF": 2, "RSD": 2, "IQD": 3, "ISK": 0, "BGN": 2}


@pytest.mark.parametrize("code", ["", "XYZ", "eur", "XAU", "XXX", "DEM", "€"])
def test_what_is_no_currency_in_use_has_no_digits(code: str) -> None:
    with pytest.raises(KeyError):
        digits(code)


@pytest.mark.parametrize(
    ("money", "language", "shown"),
    [
        (Money(123456, "EUR"), "en", "€1,234.56"),
        (Money(-5, "EUR"), "en", "-€0.05"),
        (Money(123456, "EUR"), "de", "1.234,56\N{NO-BREAK SPACE}€"),
        (Money(1234, "JPY"), "en", "¥1,234"),
        (Money(1234, "KWD"), "en", "KWD\N{NO-BREAK SPACE}1.234"),
        (Money(123456, "RSD"), "en", "RSD\N{NO-BREAK SPACE}1,234.56"),
        (Money(10**17 + 1, "USD"), "en", "$1,000,000,000,000,000.01"),
        (Money(1234, "XYZ"), "en", "1234 XYZ"),
        (Money(100, "EUR"), "no language", "€1.00"),
    ],
)
def test_amounts_are_shown_as_people_write_them(money: Money, language: str, shown: str) -> None:
    assert show(money, language) == shown


@given(MINOR, CURRENCIES, LANGUAGES)
def test_what_is_shown_is_read_as_the_same(minor: int, currency: str, language: str) -> None:
    assert read_amount(show(Money(minor, currency), language), currency, language) == minor


@given(st.text(), CURRENCIES, st.text(max_size=5))
def test_no_text_breaks_the_reader(text: str, currency: str, language: str) -> None:
    assert isinstance(read_amount(text, currency, language), int | Unclear)


@given(
    st.text(
        "0123456789.,'’ -+()€$¥EURUSD\N{ARABIC DECIMAL SEPARATOR}\N{ARABIC THOUSANDS SEPARATOR}\N{FULLWIDTH DIGIT ONE}\N{FULLWIDTH DIGIT TWO}\N{NO-BREAK SPACE}–",
        max_size=20,
    ),
    CURRENCIES,
    LANGUAGES | st.just(""),
)
def test_what_looks_like_an_amount_is_read_within_bounds(text: str, currency: str, language: str) -> None:
    read = read_amount(text, currency, language)
    for minor in read.readings if isinstance(read, Unclear) else (read,):
        assert abs(minor) <= MOST


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.9215", "0.9215"), (" 0,9215 ", "0.9215"), ("149", "149")]
    + [(odd, None) for odd in ("", "0", "-1", "1.234,5", "NaN", "Infinity", "1e10", "1e-10", "about 2")],
)
def test_a_rate_is_a_number_above_zero(text: str, value: str | None) -> None:
    assert read_rate(text) == (Decimal(value) if value else None)


@given(MINOR, CURRENCIES)
def test_a_rate_of_one_keeps_an_amount(minor: int, currency: str) -> None:
    assert convert(Money(minor, currency), rate("1"), currency) == Money(minor, currency)


@given(MINOR, MINOR, CURRENCIES, CURRENCIES, st.decimals("0.000001", "100000", places=6))
def test_conversion_keeps_sign_and_order(one: int, two: int, currency: str, home: str, value: Decimal) -> None:
    converted = [convert(Money(minor, currency), rate(str(value)), home).minor for minor in sorted((one, two))]
    assert converted == sorted(converted)
    assert (
        convert(Money(-one, currency), rate(str(value)), home).minor
        == -convert(Money(one, currency), rate(str(value)), home).minor
    )


@pytest.mark.parametrize(
    ("money", "value", "home"),
    [
        (Money(100, "KWD"), "3.2", Money(32, "EUR")),  # 0.100 dinars
        (Money(1000, "JPY"), "0.0061335", Money(613, "EUR")),
        (Money(1, "EUR"), "0.5", Money(1, "USD")),
        (Money(-1, "EUR"), "0.5", Money(-1, "USD")),
        (Money(1000, "EUR"), "163.04", Money(1630, "JPY")),
        (Money(10**15, "EUR"), "1.23456789", Money(1234567890000000, "USD")),
    ],
)
def test_conversion_rounds_half_up_to_the_home_currencys_unit(money: Money, value: str, home: Money) -> None:
    assert convert(money, rate(value), home.currency) == home
