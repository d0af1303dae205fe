"""Amounts, currencies, days and kinds of spending in plain text, by fixed rules: what the rule-based model reads of money. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

SIGNS = {"€": "EUR", "£": "GBP", "¥": "JPY", "￥": "JPY", "円": "JPY", "$": "USD", "₹": "INR", "zł": "PLN", "₩": "KRW"}
UNSURE_SIGNS = "$¥￥"  # several countries write them
CODES = (
    "EUR", "USD", "GBP", "CHF", "JPY", "KWD", "BHD", "INR", "PLN", "SEK", "NOK", "DKK", "CZK", "HUF", "RON", "TRY", "CAD", "AUD", "NZD", "SGD", "HKD", "CNY", "KRW", "BRL", "MXN", "ZAR", "ILS", "THB", "AED",
)  # fmt: skip
_CODE = rf"(?:{'|'.join(CODES)})"
_SIGN = rf"(?:{'|'.join(map(re.escape, SIGNS))})"
# Digits, in groups or not; not part of a date, a time, a percentage or a word.
AMOUNT = r"(?<![\w.,:/-])-?\d+(?:[.,'’\u00a0\u202f]\d{3})*(?:[.,]\d{1,3})?(?![\d:/%]|[.,-]\d|\s?%|\w)"
_AFTER_SIGN = r"-?\d+(?:[.,'’\u00a0\u202f]\d{3})*(?:[.,]\d{1,3})?"
MONEY = re.compile(
    rf"(?P<before>{_SIGN}|\b{_CODE}\b)\s?(?P<first>{_AFTER_SIGN})(?!\d)"
    rf"|(?<![\w.,:/-])(?P<last>{_AFTER_SIGN})\s?(?P<after>{_SIGN}|{_CODE}\b|euros?\b|dollars?\b|pounds?\b|yen\b)",
    re.IGNORECASE,
)
_NAMED = {"euro": "EUR", "dollar": "USD", "pound": "GBP", "yen": "JPY"}
_DECIMAL = re.compile(r"(?<![\w.,:/-])-?\d+[.,]\d{2}(?![\d:/%]|[.,-]\d|\s?%)")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?P<month>jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-zä]*\.?"
_ISO = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")
_DOTTED = re.compile(r"(?<![\d.])(\d{1,2})\.(\d{1,2})\.(\d{4}|\d{2})(?![\d.])")
_SLASHED = re.compile(r"(?<![\d/])(\d{1,2})/(\d{1,2})/(\d{4})(?![\d/])")
_KANJI = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日")
_DAY_MONTH = re.compile(
    rf"(?<!\d)(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?\s+{_MONTH}(?:,?\s+(?P<year>\d{{4}}))?", re.IGNORECASE
)
_MONTH_DAY = re.compile(rf"\b{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(?P<year>\d{{4}}))?", re.IGNORECASE)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SPOKEN = re.compile(
    rf"\b(day before yesterday|yesterday|today|(?:last |on |this )?({'|'.join(_WEEKDAYS)}))\b", re.IGNORECASE
)
# Words that tell a kind of spending, and what policies call it, the closest name first.
KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"taxi|cab|uber|lyft|bolt ride", ("taxi", "travel", "transport")),
    (r"hotel|lodging|overnight stay|room|übernachtung|zimmer|ホテル", ("lodging", "hotel", "travel")),
    (r"lunch|dinner|breakfast|restaurant|meal|caf[eé]|bistro|ramen|pizza|ラーメン", ("meals", "meal", "food")),
    (r"mileage|drove|driven|\d+ ?km", ("mileage", "travel")),
    (r"train|flight|bahn|airline|rail|bus|metro|tram|parking|fuel|rental car", ("travel", "transport")),
    (r"phone|sim card|mobile|roaming", ("phone", "telephone")),
    (r"licen[cs]e|software|subscription|hosting", ("software",)),
    (r"course|training|conference|workshop|ticket for", ("training", "travel")),
    (r"gift|flowers|present for", ("gifts", "gift")),
    (r"concert|theatre|entertain\w*", ("entertainment",)),
    (r"paper|pens?|toner|office|cable|adapter|keyboard|stationery|postage", ("supplies", "office")),
)  # fmt: skip


@dataclass(frozen=True)
class Amount:
    """An amount: its digits as written, the currency's code or "", how sure that is, and the words it stands in."""

    text: str
    currency: str
    sure: float
    words: str


def amounts(text: str) -> Iterator[Amount]:
    """Every amount that has a currency beside it."""
    for match in MONEY.finditer(text):
        mark = match["before"] or match["after"]
        code = SIGNS.get(mark) or _NAMED.get(mark.lower().rstrip("s")) or mark.upper()
        sure = 0.75 if mark in UNSURE_SIGNS else 0.95
        yield Amount(match["first"] or match["last"], code, sure, match[0])


def first_amount(text: str) -> Amount | None:
    """The first amount with a currency; else the first number that is written like one, such as 18.40."""
    for amount in amounts(text):
        return amount
    match = _DECIMAL.search(text)
    return Amount(match[0], "", 0.9, match[0]) if match else None


def day(text: str, today: date | None) -> tuple[date, float, str] | None:
    """The first day that a text names, how sure it is, and the words. Days without a year are the last such before `today`."""
    if match := _ISO.search(text) or _KANJI.search(text):
        return _made(int(match[1]), int(match[2]), int(match[3]), 0.97, match[0])
    if match := _DOTTED.search(text):
        year = int(match[3]) + (2000 if len(match[3]) == 2 else 0)
        return _made(year, int(match[2]), int(match[1]), 0.95, match[0])
    if match := _SLASHED.search(text):  # day and month may be exchanged
        one, other = int(match[1]), int(match[2])
        if one > 12 or other > 12:
            return _made(int(match[3]), min(one, other), max(one, other), 0.95, match[0])
        return _made(int(match[3]), one, other, 0.9 if one == other else 0.5, match[0])
    if match := _DAY_MONTH.search(text) or _MONTH_DAY.search(text):
        return _named(match, today)
    return _spoken(text, today) if today else None


def _made(year: int, month: int, number: int, sure: float, words: str) -> tuple[date, float, str] | None:
    try:
        return date(year, month, number), sure, words
    except ValueError:
        return None


def _named(match: re.Match[str], today: date | None) -> tuple[date, float, str] | None:
    short = match["month"].lower().replace("ä", "a").replace("mai", "may").replace("okt", "oct").replace("dez", "dec")
    month, number = _MONTHS.index(short) + 1, int(match["day"])
    if match["year"]:
        return _made(int(match["year"]), month, number, 0.95, match[0])
    if today is None:
        return None
    late = (month, number) > (today.month, today.day)
    return _made(today.year - late, month, number, 0.85, match[0])


def _spoken(text: str, today: date) -> tuple[date, float, str] | None:
    match = _SPOKEN.search(text)
    if not match:
        return None
    word = match[1].lower()
    if match[2]:
        back = (today.weekday() - _WEEKDAYS.index(match[2].lower())) % 7 or 7
        return today - timedelta(back), 0.85, match[0]
    back = {"today": 0, "yesterday": 1}.get(word, 2)
    return today - timedelta(back), 0.95, match[0]


def kind(text: str) -> tuple[tuple[str, ...], str] | None:
    """What a text was spent on: the names that a policy may have for it, and the word that says so."""
    for words, names in KINDS:
        if match := re.search(rf"(?:\b|(?<=[^\x00-\x7f]))(?:{words})(?:s\b|\b|(?=[^\x00-\x7f]))", text, re.IGNORECASE):
            return names, match[0]
    return None
