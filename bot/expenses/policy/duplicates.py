"""Whether an expense was handed in before. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from bot.expenses.values import Expense

How = Literal["file", "same", "near"]
SURENESS: tuple[How, ...] = ("file", "same", "near")
ALIKE = 0.8  # of difflib's ratio: "Starbucks Coffee" and "Starbuck Cofee"
LONGEST = 100  # of a merchant's name as it is compared: difflib's work grows with the square
FORMS = frozenset(  # what companies add to their names
    "ab ag as bv co corp corporation eg gmbh inc kg kgaa limited llc llp ltd mbh nv ohg oy oyj plc sa sarl sas se sl spa srl ug und and".split()  # noqa: SIM905  # read as one line
)
CJK_FORMS = re.compile("株式会社|有限会社|合同会社|股份有限公司|有限公司|주식회사")  # written without a space


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The earlier expense, and how alike: the same file; the same owner, date, amount and currency; or nearly so."""

    number: int
    how: How


def find_duplicate(new: Expense, earlier: Sequence[Expense]) -> Duplicate | None:
    """The earlier expense that this one repeats, the surest likeness first, then the lowest number; None for none.

    `earlier` may be anybody's of the workspace: the same file counts whoever shared it, all else only for one owner. Discarded
    ones do not count; the caller leaves them out. The receipts on one picture (the same file, other parts) never repeat each other.
    """
    found = [
        (SURENESS.index(how), other.number)
        for other in earlier
        if other.number != new.number and (how := _how_alike(new, other))
    ]
    return Duplicate(min(found)[1], SURENESS[min(found)[0]]) if found else None


def _how_alike(new: Expense, other: Expense) -> How | None:
    if new.receipt and new.receipt == other.receipt:
        return "file" if new.part == other.part else None
    one, two = new.details, other.details
    if new.owner != other.owner or one.minor is None or two.minor is None or not one.currency:
        return None
    if one.spent_on is None or two.spent_on is None or one.currency != two.currency:
        return None
    days, equal = abs((one.spent_on - two.spent_on).days), one.minor == two.minor
    if equal and days == 0:
        return "same"
    close = days == 0 and abs(one.minor - two.minor) * 100 <= max(abs(one.minor), abs(two.minor))
    if ((equal and days == 1) or close) and same_merchant(one.merchant, two.merchant):
        return "near"
    return None


def same_merchant(one: str, two: str) -> bool:
    """Whether two names are likely one company's: "Lidl" and "LIDL Dienstleistung GmbH & Co. KG"."""
    first, second = sorted((_words(one), _words(two)), key=lambda words: (len(words), words))
    if not first:
        return False
    if second[: len(first)] == first:
        return True
    return SequenceMatcher(None, " ".join(first), " ".join(second), autojunk=False).ratio() >= ALIKE


def _words(name: str) -> list[str]:
    """A name's words without case, accents, signs and legal form; a name of nothing else stays whole."""
    folded = unicodedata.normalize("NFKD", CJK_FORMS.sub("", name).casefold())
    plain = "".join(c for c in folded if not unicodedata.combining(c))[:LONGEST]
    words = re.findall(r"\w+", plain)
    return [w for w in words if w not in FORMS] or words or plain.split()
