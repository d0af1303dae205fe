"""What stands written on a receipt: amounts, the total, dates, the merchant. Pure.

A model's reading of a file that has text is held against this text: what cannot be found in it is asked about. Nothing here decides a value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import chain

from babel.dates import get_month_names

from bot.expenses.money.money import Unclear, currencies, read_amount
from bot.expenses.money.signs import signs
from bot.expenses.values import Read

MOST_TEXT = 50_000  # characters that are looked at
MOST_EVIDENCE = 300
LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt", "pl", "da", "sv", "nb", "fi")
# Letters that readers of pictures take for digits and the other way round; both sides are written so before they are compared.
ALIKE = str.maketrans({"o": "0", "i": "1", "l": "1", "|": "1", "s": "5", "b": "8", "z": "2", ",": "."})
SPLIT = re.compile(r"(?<=\d)([.,]) (?=\d\d(?!\d))")  # they also put spaces behind marks: "7, 16"

NUMBER = re.compile(r"(?<![\w.,/:])(\d{1,3}(?: \d{3})+(?:[.,]\d{1,3})?|\d[\d.,'’]*)(?![\w/:]|[.,]\d| ?%)")
BESIDE = re.compile(r"([^\W\d_]+|[^\w\s])\.? ?-?$"), re.compile(r"^ ?([^\W\d_]+|[^\w\s])")

SURE = re.compile(
    r"zu (?:be)?zahlen|zahlbetrag|gesamt ?(?:betrag|summe)|end(?:betrag|summe)|rechnungsbetrag"
    r"|amount (?:due|paid)|total (?:due|paid|amount|to pay)|balance due|grand total"
    r"|net [aà] payer|total (?:ttc|[aà] payer)|totale complessivo|importe total|total a pagar|te betalen|att betala|at betale|do zapłaty"
    r"|合計|合计|总计|總計|総計|お会計|합계"
)
LIKELY = re.compile(r"summe|\btotale?\b|totaal|\bsuma\b|\brazem\b|totalt|\bgesamt\b")
PERHAPS = re.compile(r"betrag|\bamount\b|montant|importe|importo|bedrag|belopp|kwota")
WITH_TAX = re.compile(r"\b(?:ink?l|incl?|including|einschl|ttc)\b.{0,12}?(?:mwst|ust|steuer|vat|tax|tva|iva|btw)")
NOT_TOTAL = re.compile(
    r"zwischensumme|sub[- ]?total|sous[- ]total|sub ?totaal|tussentotaal|小計|小计|netto|\bnet\b(?! [aà] payer)|mwst|\bust\b|steuer|\bvat\b|\btax|\btva\b|\biva\b|\bbtw\b"
    r"|gegeben|r[uü]ckgeld|zur[uü]ck|\bchange\b|\bcash\b|\bbar\b|bargeld|tendered|rendu|rabatt|ersparnis|discount|saved|remise|gewicht|\btip\b|trinkgeld|お釣|お預"
)
NUMERIC = re.compile(r"(?<!\d)(\d{4}|\d{1,2})([.,/-]|\. )(\d{1,2})(?:[.,/-]|\. )(\d{4}|\d{1,2})(?!\d)")
CJK = re.compile(r"(\d{4}) ?[年년] ?(\d{1,2}) ?[月월] ?(\d{1,2}) ?[日일]")

COMPANY = re.compile(
    r"\b(?:GmbH|AG|KG|OHG|UG|e\.K|SE|Inc|LLC|Ltd|Limited|PLC|Corp|S\.?A\.?S?|SARL|S\.?r\.?l|S\.?p\.?A|B\.?V|N\.V|A/S|ApS|AB|Oy|sp\. z o\.o)(?=$|[\s.,&)])"
    r"|株式会社|有限公司"
)
TRADE = re.compile(
    r"apothek|pharma|hotel|restaurant|ristorante|trattoria|pizzeria|\bcaf[eé]|b[aä]ckerei|boulangerie|bakery|metzgerei|baumarkt|supermar|\bmar?kt\b|market\b|\btaxi|gasthaus|tankstelle|\bbistro"
)
NO_NAME = re.compile(
    r"https?:|www|@|\btel\b|\bfax\b|phone|receipt|invoice|rechnung|\bkassenbon|beleg|quittung|facture|ticket|scontrino|factura|willkommen|welcome|dank|thank"
    r"|stra(?:ß|ss)e|\bstr\.|street|avenue|\broad\b|\brue\b|\bvia\b|ust-?id|steuer|\bvat\b|datum|\bdate\b|[öo]ffnungszeit|\beur\b|\buhr\b"
)


def amounts(text: str, language: str = "") -> tuple[Decimal, ...]:
    """All amounts of money in a text; of what can be read in two ways both. A number without decimals is one beside a currency's sign, or in a text that has none with decimals."""
    found = tuple(_numbers(text, language))
    plain = not any(decimals for _, decimals, _ in found)
    return tuple(value for values, decimals, signed in found if decimals or signed or plain for value in values)


def total(text: str, language: str = "") -> Decimal | None:
    """The likely total: the amount on a line that says so, in several languages, or below it. None where no line does."""
    lines = [line for line in text[:MOST_TEXT].splitlines() if line.strip()]
    best: dict[int, Decimal] = {}
    for at, line in enumerate(lines):
        small = WITH_TAX.sub(" ", line.casefold())
        ranks = [rank for rank, label in enumerate((SURE, LIKELY, PERHAPS)) if label.search(small)]
        if not ranks or NOT_TOTAL.search(small):
            continue
        here = amounts(line, language)
        if not here and at + 1 < len(lines) and not re.search(r"[^\W\d_]{4}", lines[at + 1]):
            here = amounts(lines[at + 1], language)
        if here:
            best[ranks[0]] = max(best.get(ranks[0], max(here)), *here)
    return best[min(best)] if best else None


def dates(text: str) -> tuple[date, ...]:
    """All dates in a text, each once: 2026-11-20, 20.11.26, 20 November 2026, Nov 20, 2026, 2026年11月20日. Of what has two readings, such as 03/04/2026, both."""
    text = text[:MOST_TEXT]
    found: list[tuple[int, str, str, str]] = []
    for match in NUMERIC.finditer(text):
        first, mark, middle, last = match.groups()
        if len(first) == 4:
            found.append((match.start(), first, middle, last))
            continue
        found.append((match.start(), last, middle, first))
        if mark in "/-":
            found.append((match.start(), last, first, middle))
        if mark == "-" and len(last) == 2:
            found.append((match.start(), first, middle, last))
    found += [(match.start(), match[1], match[2], match[3]) for match in CJK.finditer(text)]
    months, pattern = _months()
    for match in pattern.finditer(_bare(text)):
        before, month, after, year = match.groups()
        found.append((match.start(), year, str(months[month]), before or after or ""))
    made = (_date(year, month, day) for _, year, month, day in sorted(found, key=lambda each: each[0]))
    return tuple(dict.fromkeys(day for day in made if day))


def merchant(text: str) -> str:
    """The line that most likely names the merchant: one with a company's legal form, or with a trade, or the first that looks like a name. "" where none does."""
    lines = [" ".join(line.split()) for line in text[:MOST_TEXT].splitlines()]
    names = [line for line in lines if _is_name(line)]
    companies = (line for line in names if COMPANY.search(line))
    trades = (line for line in names[:12] if TRADE.search(line.casefold()))
    return next(chain(companies, trades, names[:3]), "")[:200]


def stands_in(evidence: str, text: str) -> bool:
    """Whether words stand in a text, but for spaces, capitals, accents, punctuation, and letters that look like digits. A number is found whole: 8.40 is not in 18.40."""
    wanted, there = _folded(evidence[:MOST_EVIDENCE]).strip(), _folded(text[:MOST_TEXT])
    if not wanted:
        return False
    pattern = re.compile(" ?".join(re.escape(char) for char in wanted.translate(ALIKE) if char != " "))
    for match in pattern.finditer(there.translate(ALIKE)):
        before, after = there[max(match.start() - 1, 0) : match.start()], there[match.end() : match.end() + 1]
        if not (wanted[0].isdigit() and before.isdigit()) and not (wanted[-1].isdigit() and after.isdigit()):
            return True
    return False


def doubtful(read: Mapping[str, Read], text: str) -> tuple[str, ...]:
    """The names among "minor", "spent_on", "merchant" and "currency" whose value was read, and cannot be found in the file's text. None where the file has no text.

    `read` is by the names of Details' fields; the value of "minor" is the amount as printed.
    """
    if not text.strip():
        return ()
    values = ((name, read[name].value) for name in ("minor", "spent_on", "merchant", "currency") if name in read)
    return tuple(name for name, value in values if value and not _is_there(name, value, text))


def _is_there(name: str, value: str, text: str) -> bool:
    if name == "minor":
        return not set(amounts(value)).isdisjoint(amounts(text))
    if name == "spent_on":
        return not set(dates(value)).isdisjoint(dates(text))
    if name == "merchant":
        return stands_in(value, text) or _words_stand_in(value, text)
    return _is_named(value, text)


def _numbers(text: str, language: str) -> Iterator[tuple[tuple[Decimal, ...], bool, bool]]:
    """Each number that may be an amount: its readings, whether it has decimals, whether a currency's sign is beside it."""
    for line in text[:MOST_TEXT].splitlines():
        plain = SPLIT.sub(r"\1", CJK.sub(" ", NUMERIC.sub(" ", unicodedata.normalize("NFKC", line))))
        plain = _apart(plain)
        for match in NUMBER.finditer(plain):
            number = match.group().rstrip(".,'’")
            before, after = plain[: match.start()][-12:], plain[match.end() :][:12]
            minus = (
                "-"
                if re.search(r"(?:^|[^\w)])-$", before) or (after[:1] == "-" and match.group()[-1].isdigit())
                else ""
            )  # "12,-" has no cents
            values: list[Decimal] = []
            for each in {number, number.rsplit(" ", 1)[-1]}:  # "2 180,00" may be two things
                read = read_amount(minus + each, "KWD", language)  # three decimals: the most that money has
                values += [Decimal(r) / 1000 for r in (read.readings if isinstance(read, Unclear) else (read,))]
            beside = BESIDE[0].search(before), BESIDE[1].search(after)
            signed = any(each and each[1].casefold() in _all_signs() for each in beside)
            yield tuple(sorted(values, reverse=True)), not number.replace(" ", "").isdigit(), signed


@cache
def _all_signs() -> frozenset[str]:
    return frozenset().union(*(signs(code) for code in currencies()))


@cache
def _attached() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A currency's code or word right behind a number and right before one: "18.40EUR", "1,200円", "Rs.500". A single Latin letter may be anything."""
    words = [re.escape(s) for s in _all_signs() if s.isalpha() and (len(s) > 1 or not s.isascii())]
    names = "|".join(sorted(words, key=len, reverse=True))
    behind, before = rf"(?<=\d)(?=(?:{names})(?![^\W\d_]))", rf"(?<![^\W\d_])({names})\.?(?=\d)"
    return re.compile(behind, re.IGNORECASE), re.compile(before, re.IGNORECASE)


def _apart(line: str) -> str:
    """A line with a space between its numbers and the words for currencies."""
    behind, before = _attached()
    return before.sub(r"\1 ", behind.sub(" ", line))


def _date(year: str, month: str, day: str) -> date | None:
    try:
        found = date(int(year) + (2000 if len(year) <= 2 else 0), int(month), int(day))
    except ValueError:
        return None
    return found if 1990 <= found.year < 2100 else None


@cache
def _months() -> tuple[dict[str, int], re.Pattern[str]]:
    """The months by their names and short names, and how a date with one is written."""
    found: dict[str, int] = {}
    for language in LANGUAGES:
        for width in ("wide", "abbreviated"):
            for number, name in get_month_names(width, locale=language).items():
                found.setdefault(_bare(name).rstrip("."), number)
    names = "|".join(sorted((re.escape(n) for n in found if len(n) >= 3), key=len, reverse=True))
    day, year = r"(?<!\d)(\d{1,2})(?:st|nd|rd|th)?", r"(\d{4}|\d{2})(?!\d)"
    gap = r"[ .,/-]{0,3}(?:de )?"
    return found, re.compile(
        rf"(?:{day}{gap})?(?<![^\W\d_])({names}){gap}(?:(?<=\D)(\d{{1,2}})(?:st|nd|rd|th)?[ ,]+)?{year}"
    )


def _bare(text: str) -> str:
    """Small letters without accents; as long as the text, so that places stay."""
    return "".join((unicodedata.normalize("NFKD", char)[:1] or " ").casefold()[:1] or " " for char in text)


def _is_name(line: str) -> bool:
    letters = sum(char.isalpha() for char in line)
    solid = len(line.replace(" ", ""))
    return letters >= 3 and letters >= 0.6 * solid and not NO_NAME.search(line.casefold())


def _folded(text: str) -> str:
    """A text for comparing: NFKC, small letters, no accents; of punctuation only the marks in numbers."""
    flat = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    flat = SPLIT.sub(r"\1", "".join(char for char in flat if not unicodedata.combining(char)))
    flat = re.sub(r"[^\w.,]|_|(?<!\d)[.,]|[.,](?!\d)", " ", flat.replace("|", "l"))
    return " ".join(flat.split())


def _words_stand_in(value: str, text: str) -> bool:
    """Whether each word of some length stands in a text, in any order: names are written in many ways."""
    words = [word for word in re.findall(r"[^\W_]+", value) if len(word) >= 3]
    return bool(words) and all(stands_in(word, text) for word in words)


def _is_named(currency: str, text: str) -> bool:
    """Whether a currency's code, sign or word is in a text. A short word, such as "kr", counts beside a number."""
    code, small = currency.strip().upper(), text[:MOST_TEXT].casefold()
    for sign in signs(code) if code in currencies() else ():
        name = re.escape(sign)
        if not sign[0].isalpha():
            pattern = name
        elif len(sign) <= 2:
            pattern = rf"(?<![^\W\d_]){name}\.? ?(?=-?\d)|(?<=\d) ?{name}(?![^\W\d_])"
        else:
            pattern = rf"(?<![^\W\d_]){name}(?![^\W\d_])"
        if re.search(pattern, small):
            return True
    return False
