"""The English words for days, numbers and lengths of time, as patterns over folded text. Pure."""

from __future__ import annotations

import re
from fractions import Fraction

WEEKDAY = "mon(?:day)?|tue(?:s|sday)?|wed(?:s|nesday)?|thu(?:r|rs|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
MONTH = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?"
)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SMALL = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
NUMBERS = {"a": 1, "an": 1, **{word: n for n, word in enumerate(_SMALL)}}
NUMBERS |= {
    "fifteen": 15,
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "forty-five": 45,
    "fifty": 50,
    "sixty": 60,
    "ninety": 90,
}
NUMBER = r"[0-9]{1,4}|" + "|".join(sorted(NUMBERS, key=len, reverse=True))
ORDINALS = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "fifth": 5,
    "1st": 1,
    "2nd": 2,
    "3rd": 3,
    "4th": 4,
    "5th": 5,
    "last": -1,
}
END = r"(?![\w'@/%]|[.,:][0-9]|-[0-9])"  # a word ends here, and what follows does not change it
_TH = "(?:st|nd|rd|th)"

# One to one, so that what is found in the folded text is at the same place in the text itself.
_FOLD = {
    **{ord(c): c.lower() for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    **dict.fromkeys(map(ord, "\u2018\u2019\u02bc`\xb4"), "'"),
    **dict.fromkeys(map(ord, "“”„«»"), '"'),
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-"),
    **dict.fromkeys(map(ord, "\t\r\n\x0b\x0c\x85\xa0\u2007\u2009\u202f\u3000"), " "),
}
_UNSEEN = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF, 0xAD])


def listed(words: str) -> frozenset[str]:
    """The words that stand there between blanks."""
    return frozenset(words.split())


def seen(text: str) -> str:
    """The text without marks that nobody sees, its blanks all of one kind."""
    return re.sub(r"\s+", " ", text.translate(_UNSEEN))


def fold(text: str) -> str:
    """The same length in small letters, plain quotes, dashes and blanks, as the patterns want it."""
    return text.translate(_FOLD)


def number(word: str) -> int:
    """A number as NUMBER finds it."""
    return NUMBERS[word] if word in NUMBERS else int(word)


def weekday(word: str) -> int:
    """A weekday as WEEKDAY finds it, 0 for Monday."""
    return _WEEKDAYS.index(word[:3])


def month(word: str) -> int:
    """A month as MONTH finds it."""
    return _MONTHS.index(word[:3]) + 1


_LENGTHS = tuple(
    re.compile(pattern + r"(?:'s?(?= time(?!\w)))?" + END)  # "in an hour's time"
    for pattern in (
        r"(?P<fixed>(?:a |one )?half(?:[ -]an?)?[ -]hour|three[ -]quarters of an hour|(?:a )?quarter of an hour|(?:a )?quarter[ -]hour)(?:[ -]long)?",
        rf"(?P<n>{NUMBER}) (?:hours? and a|and a) half(?: hours?)?",
        r"(?P<sign>-)?(?P<n>[0-9]{1,4}(?:[.,][0-9]{1,2})?)[ -]?(?:h|hr|hrs|hours?)(?:,? ?(?:and )?(?P<more>[0-9]{1,2})(?: ?(?:m|min|mins|minutes?))?)?",
        rf"(?P<n>{NUMBER})[ -](?:hrs?|hours?)(?:,? (?:and )?(?P<more>[0-9]{{1,2}}|{'|'.join(n for n in NUMBERS if n not in 'an')}) (?:min|mins|minutes?))?",
        rf"(?P<sign>-)?(?P<min>{NUMBER})[ -]?(?:min|mins|minutes?)",
        r"(?P<sign>-)?(?P<min>[0-9]{1,4})m",
    )
)
_FIXED = {"half": 30, "three": 45, "quarter": 15}
_CLOCK_LIKE = re.compile(r"(?:[5-9]|1[0-9]|2[0-3])h[0-9]{2}|(?:1[3-9]|2[0-3])[ -]?(?:h|hr|hrs)")


def length_at(text: str, at: int) -> tuple[int, int] | None:
    """Minutes of a length of time ("90 min", "an hour and a half") that begins there, and where it ends. "14h30" is a clock, not a length."""
    found = [m for p in _LENGTHS if (m := p.match(text, at))]
    if not found:
        return None
    best = max(found, key=re.Match.end)
    if _CLOCK_LIKE.fullmatch(best.group()):
        return None
    said = best.groupdict()
    if said.get("fixed"):
        minutes = next(m for word, m in _FIXED.items() if word in said["fixed"])
    elif said.get("min"):
        minutes = number(said["min"])
    else:
        word = said["n"].replace(",", ".")
        hours = Fraction(NUMBERS[word]) if word in NUMBERS else Fraction(word)
        exact = hours * 60 + number(said.get("more") or "0") + (30 if "half" in best.group() else 0)
        if exact.denominator != 1:
            return None
        minutes = int(exact)
    return (-minutes if said.get("sign") else minutes), best.end()


def ordinal_day(group: str = "d") -> str:
    """The pattern of a day of the month, "3" or "3rd"."""
    return rf"(?P<{group}>[0-9]{{1,2}}){_TH}?"


def only_ordinal(group: str = "d") -> str:
    """The same where the letters have to be there: "3rd"."""
    return rf"(?P<{group}>[0-9]{{1,2}}){_TH}"
