"""What stands on a receipt is found as receipts write it, and a reading that does not stand there is doubted."""

from __future__ import annotations

import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from babel.dates import format_date
from hypothesis import given
from hypothesis import strategies as st

from bench import receipts
from bench.receipts import Fields, fields_of, scores, table
from bot.expenses.money.money import show
from bot.expenses.values import Money, Read
from bot.expenses.written import amounts, dates, doubtful, merchant, stands_in, total

GERMAN = """BÄCKEREI MÜLLER
Inh. K. Müller
Hauptstraße 5, 10115 Berlin
Tel. 030 / 123 45 67
2 x 1,85            3,70
Kuchen             12,40 A
Zwischensumme      16,10
SUMME EUR          16,10
GEGEBEN BAR        50,00
RÜCKGELD          -33,90
MwSt 7,00 %  Netto 15,05  Steuer 1,05
20.11.26  14:05 Uhr  Bon 4711
"""
AMERICAN = """Welcome!
THE CORNER CAFE
12 Main Street
Sub total   $41.00
Tax 8.875%   $3.64
Tip          $8.00
TOTAL       $52.64
Cash        $60.00
11/20/2026 7:31 PM
"""
INVOICE = """Hotel Zum Löwen GmbH & Co. KG
Rechnung Nr. 2026-1178
Logis 2 Nächte 2 x 1.089,00
Gesamtbetrag inkl. 7 % MwSt
2.178,00 EUR
Netto 2.035,51 MwSt 142,49
Rechnungsdatum: 20. November 2026
"""


def decimals(*values: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(value) for value in values)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Kuchen 12,40 A", decimals("12.40")),
        ("2 x 1,85 3,70", decimals("1.85", "3.70")),
        ("zu zahlen 7, 16", decimals("7.16")),
        ("GEGEBEN 50. 00", decimals("50")),
        ("1'234.50 CHF", decimals("1234.50")),
        ("1 234,56", decimals("1234.56", "234.56")),
        ("1.234", decimals("1234", "1.234")),
        ("-2,84 and 5,00-", decimals("-2.84", "-5")),
        ("3 items, 18 EUR, $12, 7.50", decimals("18", "12", "7.50")),
        ("taxi 18", decimals("18")),
        ("taxi 18, water 1.20", decimals("1.20")),
        ("合計 ¥980", decimals("980")),
        ("合計 1,200円", decimals("1200", "1.2")),
        ("18.40EUR or USD20.50, Rs.500", decimals("18.40", "20.50", "500")),
        ("zu zahlen 12,- Euro", decimals("12")),
        ("A18.40B is no price", ()),
        ("20.11.2026 14:05 Bon 4711/3", ()),
        ("MwSt 7,00 % und 19% von 3,10", decimals("3.10")),
        ("MwSt 7,00 %", ()),
        ("no number", ()),
    ],
)
def test_amounts_are_found_in_a_text(text: str, found: tuple[Decimal, ...]) -> None:
    assert amounts(text) == found


def test_a_language_settles_thousands() -> None:
    assert amounts("1.234 EUR", "de") == decimals("1234")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (GERMAN, "16.10"),
        (AMERICAN, "52.64"),
        (INVOICE, "2178"),
        ("Betrag 5,00\nzu zahlen 7,00\nSumme 9,00", "7"),
        ("Total 20.00\nTip 3.00\nGrand total 23.00", "23"),
        ("Sous-total 10,00\nTotal TTC 12,00\nNet à payer 12,00", "12"),
        ("小計 900\n合計 ¥980\nお預り 1,000", "980"),
        ("Total (incl. VAT) 23.80\nVAT 3.80", "23.80"),
        ("Gesamt 20,00 3,80 23,80", "23.80"),
        ("SUBTOTAL 5.00\nCHANGE 2.00", None),
        ("Kaffee 5,00", None),
        ("Total", None),
        ("", None),
    ],
)
def test_the_total_is_what_a_line_says_is_one(text: str, found: str | None) -> None:
    assert total(text, "de") == (Decimal(found) if found else None)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (GERMAN, [date(2026, 11, 20)]),
        (AMERICAN, [date(2026, 11, 20)]),
        ("2026-11-20T14:05", [date(2026, 11, 20)]),
        ("2026/11/20", [date(2026, 11, 20)]),
        ("20.11. 2026", [date(2026, 11, 20)]),
        ("20,11.2026", [date(2026, 11, 20)]),
        ("04.03.2026", [date(2026, 3, 4)]),
        ("03/04/2026", [date(2026, 4, 3), date(2026, 3, 4)]),
        ("26-11-20", [date(2020, 11, 26), date(2026, 11, 20)]),
        ("Nov 20, 2026", [date(2026, 11, 20)]),
        ("Sept. 3rd, 2026", [date(2026, 9, 3)]),
        ("20-NOV-26", [date(2026, 11, 20)]),
        ("20 de noviembre de 2026", [date(2026, 11, 20)]),
        ("le 20 août 2026", [date(2026, 8, 20)]),
        ("2026年11月20日", [date(2026, 11, 20)]),
        ("01.02.2062", [date(2062, 2, 1)]),
        ("20.11.2026 and again 20.11.2026", [date(2026, 11, 20)]),
        ("31.02.2026", []),
        ("November 2026", []),
        ("05251/56677, 14:05, 1.234,56", []),
    ],
)
def test_dates_are_found_in_a_text_with_all_their_readings(text: str, found: list[date]) -> None:
    assert list(dates(text)) == found


@given(
    st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.sampled_from(["en", "de", "fr", "es", "it", "nl", "pt", "sv"])
)
def test_a_date_is_found_as_a_language_writes_it_out(day: date, language: str) -> None:
    for form in ("long", "medium"):
        assert day in dates(f"Datum: {format_date(day, form, locale=language)}, 12:00")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (GERMAN, "BÄCKEREI MÜLLER"),
        (AMERICAN, "THE CORNER CAFE"),
        (INVOICE, "Hotel Zum Löwen GmbH & Co. KG"),
        ("4711\nwww.shop.example\nShop of Things\nReceipt", "Shop of Things"),
        ("??\nEinkauf\nObst 2,00\nSupermarkt Nord AG, Kiel", "Supermarkt Nord AG, Kiel"),
        ("=HYPERLINK(1)\n12,50", "=HYPERLINK(1)"),
        ("12,50\n***", ""),
        ("", ""),
    ],
)
def test_the_merchant_is_a_line_that_looks_like_a_name(text: str, found: str) -> None:
    assert merchant(text) == found


@pytest.mark.parametrize(
    ("evidence", "stands"),
    [
        ("SUMME EUR 16,10", True),
        ("summe  eur 16.10", True),
        ("Bäckerei Muller", True),
        ("BACKEREI MÜLLER Inh.", True),  # over the end of a line
        ("5umme EUR", True),
        ("SUMMEEUR", True),
        ("\uff11\uff12,\uff14\uff10", True),
        ("2,40", False),  # part of 12,40
        ("16,1", False),
        ("SUMME EUR 16,20", False),
        ("Bäckerei Meier", False),
        ("", False),
        ("***", False),
    ],
)
def test_evidence_stands_in_a_text_but_for_what_readers_of_pictures_confuse(evidence: str, stands: bool) -> None:
    assert stands_in(evidence, GERMAN) is stands


def reading(**values: str) -> dict[str, Read]:
    return {name: Read(value, 0.99, value) for name, value in values.items()}


def test_a_reading_that_stands_in_the_text_is_not_doubted() -> None:
    read = reading(minor="16,10", spent_on="2026-11-20", merchant="Bäckerei Müller", currency="EUR", city="Paris")
    assert doubtful(read, GERMAN) == ()
    read = reading(minor="$52.64", spent_on="2026-11-20", merchant="Corner Café", currency="USD")
    assert doubtful(read, AMERICAN) == ()
    read = reading(minor="2178.00", spent_on="20.11.2026", merchant="Hotel Zum Löwen", currency="EUR")
    assert doubtful(read, INVOICE) == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("minor", "16,70"),
        ("minor", "161,00"),
        ("minor", "2"),  # a count
        ("minor", "cheap"),
        ("spent_on", "2026-11-21"),
        ("spent_on", "yesterday"),
        ("merchant", "Bäckerei Meier"),
        ("currency", "USD"),
        ("currency", "HUF"),
    ],
)
def test_a_reading_that_does_not_stand_in_the_text_is_doubted(name: str, value: str) -> None:
    assert doubtful(reading(**{name: value}), GERMAN) == (name,)


def test_a_currencys_short_words_count_beside_a_number_only() -> None:
    assert doubtful(reading(currency="SEK"), "Att betala 120,00 kr") == ()
    assert doubtful(reading(currency="SEK"), "kr kr Att betala") == ("currency",)
    assert doubtful(reading(currency="ZAR"), "Total R120.00") == ()
    assert doubtful(reading(currency="ZAR"), "Room R") == ("currency",)


def test_what_is_missing_is_not_doubted_nor_is_a_file_without_text() -> None:
    assert doubtful(reading(minor="", currency=""), GERMAN) == ()
    assert doubtful(reading(minor="5", merchant="Nobody"), " \n") == ()


@given(st.integers(0, 10**9), st.sampled_from(["EUR", "USD", "JPY", "KWD"]), st.sampled_from(["en", "de", "fr", "it"]))
def test_a_total_as_a_language_writes_it_is_not_doubted(minor: int, currency: str, language: str) -> None:
    text = f"Shop\nSumme {show(Money(minor, currency), language)}\n1,50\n"
    plain = f"{Decimal(minor).scaleb(-{'JPY': 0, 'KWD': 3}.get(currency, 2)):f}"
    for value in (plain, show(Money(minor, currency), language)):
        assert doubtful(reading(minor=value, currency=currency), text) == ()


@given(st.text(max_size=200) | st.text("0123456789 .,-/:€$EURTotalSumme\n年月日", max_size=80), st.text(max_size=30))
def test_no_text_breaks_the_readers(text: str, other: str) -> None:
    merchant(text)
    total(text, other)
    dates(text)
    assert doubtful(reading(minor=other, spent_on=other, merchant=other, currency=other), text) is not None


# -- the score of bench/receipts.py --------------------------------------------------------------------------------------


def test_a_reading_is_scored_against_the_pictures_name(tmp_path: Path) -> None:
    for name in ("müller_20112026_02_01610.jpg", "cafe_20112026_1_05264.JPG", "notes.txt", "shop_99112026_1_100.jpg"):
        (tmp_path / name).touch()
    texts = {"m": GERMAN, "c": AMERICAN.replace("52.64", "52.46").replace("11/20/2026", "")}
    found = scores(tmp_path, lambda picture: fields_of(texts[picture.name[0]]))
    assert [score.right for score in found] == [(False, False, True), (True, True, True)]
    assert list(table(found))[1:] == [
        "| cafe_20112026_1_05264.JPG | wrong: 5246 | not read | right |",
        "| müller_20112026_02_01610.jpg | right | right | right |",
        "| 2 pictures | 1 right | 1 right | 2 right |",
    ]


def test_an_empty_reading_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "cafe_20112026_1_05264.jpg").touch()
    (score,) = scores(tmp_path, lambda _: Fields(None, None, ""))
    assert score.right == (False, False, False)


def test_without_tesseract_nothing_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cafe_20112026_1_05264.jpg").touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    for arguments in ([], ["--ocr"]):
        monkeypatch.setattr(sys, "argv", ["receipts", str(tmp_path), *arguments])
        assert receipts.main() == 1
        assert capsys.readouterr().out.startswith("not measured")
