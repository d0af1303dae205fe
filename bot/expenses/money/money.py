"""Amounts of money: how they are read, reckoned with and written. Integer minor units and ISO 4217 codes. Pure."""

from __future__ import annotations

import copy
import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import cache, lru_cache
from typing import Literal

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.numbers import NumberPattern, get_decimal_symbol, get_group_symbol, get_territory_currencies

from bot.expenses.money.signs import signs
from bot.expenses.values import Money, Rate

MOST = 10**15  # minor units either way; fits every database's BigInteger, also when a report adds up thousands
MOST_TEXT = 100  # characters
RATES = Decimal("1e-9"), Decimal("1e9")  # the least and the most
SINCE = date(2015, 1, 1)  # receipts and books outlive a currency
# ISO 4217's minor units where they are not 2. Babel has CLDR's digits, which say 0 for money such as RSD, whose receipts print two.
ZERO = frozenset(["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"])  # fmt: skip
THREE = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
EXACT = Context(prec=100)  # nothing is rounded before it is meant to be
HINT = "Please write it as digits, such as 18.40."

DECIMAL, GROUPS = "\N{ARABIC DECIMAL SEPARATOR}", "\N{ARABIC THOUSANDS SEPARATOR}"
SAME = {
    **dict.fromkeys(
        map(ord, "’\N{LEFT SINGLE QUOTATION MARK}\N{ACUTE ACCENT}\N{MODIFIER LETTER APOSTROPHE}`" + GROUPS), "'"
    ),
    **dict.fromkeys(map(ord, "–—\N{MINUS SIGN}"), "-"),
    ord(DECIMAL): ".",
}
WHOLE = re.compile(r"[.,] ?(?:-{1,2}|=)(?=\D*$)")  # "5,-" and "5.–": no cents
CORE = re.compile(r"\d+(?:[.,' ]\d+)*")
GROUPED = {mark: re.compile(rf"[1-9]\d{{0,2}}(?:{re.escape(mark)}\d{{3}})+") for mark in ".,' "}
INDIAN = re.compile(r"[1-9]\d?(?:,\d\d)+,\d{3}")
BESIDE = re.compile(r"(?<=[^\W\d_])(?=\d)")  # CLDR's rule: a space between letters and digits
FIXES = re.compile(r"[^\W\d_]+\.?|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Unclear:
    """An amount that cannot be taken as it is: `text` says why and what to do; `readings` are the amounts that it may mean, in minor units, where that is the trouble."""

    text: str
    readings: tuple[int, ...] = ()


@cache
def currencies() -> frozenset[str]:
    """The codes of all currencies in use: legal tender somewhere since 2015."""
    territories = get_global("territory_currencies")
    return frozenset(code for t in territories for code in get_territory_currencies(t, SINCE, date.max))


def digits(currency: str) -> int:
    """How many digits a currency has behind its decimal mark by ISO 4217: EUR 2, JPY 0, KWD 3. Raises KeyError for what is no currency in use."""
    if currency not in currencies():
        raise KeyError(currency)
    return 0 if currency in ZERO else 3 if currency in THREE else 2


def read_amount(text: str, currency: str, language: str = "") -> int | Unclear:
    """An amount as somebody wrote it, in minor units: "1.234,56", "18.40 €", "1'234.50", "(5.00)", "12,-", "1,23,456.78". Never raises.

    `language` is the receipt's, such as "de" or "pt-BR"; without it what has two meanings is Unclear. The rule for points and commas:
    of two kinds the last is the decimal mark; one that comes several times groups thousands; so does an apostrophe or a space.
    A single one that other than three digits follow is the decimal mark. Three digits after it ("1.234") are thousands where the
    language groups with it, and in a currency without decimals; decimals where the language has it as its decimal mark and the
    currency has three; else it is Unclear: "1.234" euros in English may be a slip, a German's thousands or a price of fuel. What mark a language uses is CLDR's say (`babel.numbers.get_decimal_symbol`).

    More decimals than the currency has are Unclear unless they are zeros. Signs and codes of the currency may stand around the
    number; any other is Unclear. 0 and negative amounts are amounts.
    """
    try:
        places = digits(currency)
    except KeyError:
        return Unclear("I do not know this currency. Please give its three letters, such as EUR.")
    plain = _plain(text)
    core = CORE.search(plain)
    if core is None or len(plain) > MOST_TEXT:
        return Unclear(f"I cannot read this as an amount. {HINT}")
    before, number, after = plain[: core.start()], core.group(), plain[core.end() :]
    if re.search(r"(?:^|[^\w.,])[.,]$", before):  # ".50"; in "Rs.500" the point belongs to the letters
        before, number = before[:-1], f"{before[-1]}{number}"
    sign, around = _sign(before, after)
    if sign is None or any(c.isdigit() for c in around):
        return Unclear(f"I cannot read this as one amount. {HINT}")
    if strange := _strange(around, currency, language):
        return Unclear(strange)
    read = _number(number, places, currency, language)
    if isinstance(read, Unclear):
        return Unclear(read.text, tuple(sign * r for r in read.readings))
    if read > MOST:
        return Unclear("This amount is too large for me. Is it right?")
    return sign * read


def show(money: Money, language: str = "en") -> str:
    """An amount as people write it: "€1,234.56"; in English unless told otherwise. What is no known currency is shown with its code: "1234 XYZ", in minor units."""
    try:
        places = digits(money.currency)
    except KeyError:
        return f"{money.minor} {money.currency}"
    locale, pattern = _pattern(language, places)
    value = Decimal(money.minor).scaleb(-places, EXACT)
    text = pattern.apply(value, locale, currency=money.currency, currency_digits=False)
    return BESIDE.sub("\N{NO-BREAK SPACE}", text)


def convert(money: Money, rate: Rate, home: str) -> Money:
    """The amount in the home currency, rounded half up (away from zero) to its smallest unit. Raises KeyError for what is no currency in use."""
    shift = digits(home) - digits(money.currency)
    value = EXACT.multiply(Decimal(money.minor), rate.value).scaleb(shift, EXACT)
    return Money(int(value.to_integral_value(ROUND_HALF_UP, EXACT)), home)


def read_rate(text: str) -> Decimal | None:
    """An exchange rate as somebody wrote it: "0.9215", "0,9215". None for what is none."""
    try:
        rate = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        return None
    return rate if rate.is_finite() and RATES[0] <= rate <= RATES[1] else None


def marks_of(language: str) -> tuple[str, str]:
    """A language's decimal mark and its mark for thousands, by CLDR; ("", "") for a language that is not known."""
    locale = _locale(language)
    return (get_decimal_symbol(locale), get_group_symbol(locale)) if locale else ("", "")


@lru_cache(256)
def _locale(language: str) -> Locale | None:
    try:
        return Locale.parse(language.replace("-", "_")) if language else None
    except (ValueError, UnknownLocaleError):
        return None


@lru_cache(256)
def _pattern(language: str, places: int) -> tuple[Locale, NumberPattern]:
    """A language's way to write amounts, with the currency's digits. Babel would take CLDR's."""
    locale = _locale(language) or Locale("en")
    pattern = copy.copy(locale.currency_formats["standard"])
    pattern.frac_prec = (places, places)
    return locale, pattern


def _plain(text: str) -> str:
    """Digits of every script, full-width forms and the many dashes, spaces and apostrophes as ASCII; marks that are not seen, gone."""
    found = []
    for char in text[: 2 * MOST_TEXT]:
        kind = unicodedata.category(char)
        if kind == "Nd":
            found.append(str(unicodedata.decimal(char)))
        elif "\uff00" <= char <= "\uffef":
            found.append(unicodedata.normalize("NFKC", char))
        elif kind != "Cf":
            found.append(" " if kind == "Zs" or char in "\t\r\n" else char)
    return WHOLE.sub("", "".join(found).translate(SAME).strip())


def _sign(before: str, after: str) -> tuple[Literal[1, -1] | None, str]:
    """Whether an amount is negative, and what stands around it without its sign; no sign at all where there are several."""
    around = f"{before} {after}"
    if around.count("(") == around.count(")") == 1 and "(" in before:
        around = around.replace("(", "").replace(")", "")
        return (None, "") if re.search(r"[-+]", around) else (-1, around)
    signs_there = re.findall(r"[-+]", around)
    if len(signs_there) > 1:
        return None, ""
    return (-1 if signs_there == ["-"] else 1), re.sub(r"[-+]", " ", around)


def _strange(around: str, currency: str, language: str) -> str:
    """What is wrong with what stands around an amount; "" where it names the currency or nothing."""
    own = signs(currency, language)
    for word in around.split():
        if word.casefold().rstrip(".") in own:
            continue
        for part in FIXES.findall(word):
            if part.casefold().rstrip(".") in own:
                continue
            if part.upper() in currencies():
                return f"The amount names {part.upper()}, but the currency is {currency}. Which is right?"
            if unicodedata.category(part[0]) == "Sc":
                return f"The amount has another currency's sign than {currency}. Which is right?"
            return f"There is more than an amount here. {HINT}"
    return ""


def _number(number: str, places: int, currency: str, language: str) -> int | Unclear:
    """A number of ASCII digits and marks, in minor units."""
    marks = re.findall(r"\D", number)
    if len(set(marks)) > 1 and marks[-1] in ".," and marks.count(marks[-1]) == 1:
        whole, decimals = number.rsplit(marks[-1], 1)
        return _minor(_ungrouped(whole), decimals, places, currency)
    if len(marks) != 1 or marks[0] in "' ":
        return _minor(_ungrouped(number), "", places, currency)
    mark, (whole, decimals) = marks[0], number.split(marks[0])
    if not GROUPED[mark].fullmatch(number):
        return _minor(whole or "0", decimals, places, currency)
    grouped, split = _minor(whole + decimals, "", places, currency), _minor(whole, decimals, places, currency)
    decimal_mark, _ = marks_of(language)
    if places == 0 or (decimal_mark and decimal_mark != mark):
        return grouped
    if isinstance(grouped, Unclear) or (decimal_mark == mark and isinstance(split, int)):
        return split
    if isinstance(split, Unclear):
        told = f"This may mean {show(Money(grouped, currency))}, or have three decimals, which {currency} does not."
        return Unclear(f"{told} Please write it with its decimals, such as 1234.00.", (grouped,))
    both = " or ".join(show(Money(r, currency)) for r in (grouped, split))
    return Unclear(f"This can mean {both}. Please write it with all its decimals.", (grouped, split))


def _ungrouped(number: str) -> str | None:
    """A whole number without the marks between its thousands; None where they are in the wrong places."""
    if number.isdigit():
        return number
    grouped = any(pattern.fullmatch(number) for pattern in GROUPED.values()) or INDIAN.fullmatch(number)
    return re.sub(r"\D", "", number) if grouped else None


def _minor(whole: str | None, decimals: str, places: int, currency: str) -> int | Unclear:
    if whole is None:
        return Unclear(f"I cannot tell where the decimals of this amount begin. {HINT}")
    if decimals[places:].strip("0"):
        can = f"has {places} decimals" if places else "has no decimals"
        return Unclear(f"{currency} {can}, and this amount has {len(decimals)}. Please write what was paid.")
    return int(whole + decimals[:places].ljust(places, "0"))
