"""What an expense may cost: limits of its category, daily rates, mileage. Pure; each rule yields notes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import ceil

from bot.expenses.money.money import digits
from bot.expenses.policy.case import Case, people, worth
from bot.expenses.policy.per_diem import NoRate, PerDiem, PlaceRate
from bot.expenses.policy.policy_file import Per
from bot.expenses.values import Level, Note

NIGHTS = re.compile(
    r"(?<!\d)(\d{1,3})\s*[-–]?\s*(?:nights?|nacht|nächte|übernachtung(?:en)?|noches?|nuits?|notti?)\b", re.IGNORECASE
)
KILOMETRES = re.compile(r"(?<![\d.,])(\d{1,6}(?:[.,]\d{1,2})?)\s*(?:km|kilomet\w+)\b", re.IGNORECASE)
TRAVEL_DAY = re.compile(
    r"\b(?:first|last|travel|arrival|departure) day\b|\b(?:an|ab)reisetag\b|\bday of (?:arrival|departure|return)\b",
    re.IGNORECASE,
)
MEALS = {"breakfast": "breakfast|frühstück", "lunch": "lunch|mittagessen", "dinner": "dinner|abendessen"}
PROVIDED = r"\b(?:{})\s+(?:was\s+|were\s+|is\s+|war\s+|ist\s+)?(?:provided|included|inklusive|inbegriffen|gestellt)\b"


PER = {"item": "", "day": " a day", "person": " a person", "person and day": " a person and day", "night": " a night"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The most that something may cost, in a currency's smallest unit; `words` call it what it is."""

    rule: str
    per: Per
    minor: int
    currency: str
    level: Level
    source: str
    words: str = "the limit"


def check_cost(case: Case) -> Iterator[Note]:
    """The limits of the category. A daily rate that is known for the place goes before those a night, a day, or a person and day."""
    rate, category = _place_rate(case), case.category
    if isinstance(rate, PlaceRate):
        yield from _over(case, _rate_bound(case, rate))
    replaced = isinstance(rate, PlaceRate) and bool(rate.place)  # a standard rate is a hint, not more
    limits = [
        limit
        for limit in (category.limits if category else ())
        if not (replaced and limit.per in ("night", "day", "person and day"))
    ]
    if isinstance(rate, NoRate) and (rate.stale or not limits):
        source = case.policy.per_diem.source if case.policy.per_diem else ""
        told = "the limit of the category was used instead" if limits else "your approver decides"
        yield Note("per_diem", "note", f"{rate.text[0].upper()}{rate.text[1:]}: {told} ({source}).", source=source)
    for limit in limits:
        rule = f"limit_{limit.per.replace(' ', '_')}"
        bound = Bound(
            rule=rule,
            per=limit.per,
            minor=limit.minor,
            currency=case.home,
            level=limit.level,
            source=limit.source,
        )
        yield from _over(case, bound)


def _over(case: Case, bound: Bound) -> Iterator[Note]:
    measured = _measured(case, bound.per, bound.currency)
    if measured is None or measured[0] <= bound.minor:
        return
    actual, how = measured
    label = case.category.label if case.category else case.details.category
    shown, limit = case.shown(ceil(actual), bound.currency) + PER[bound.per], case.shown(bound.minor, bound.currency)
    told = f" ({'; '.join(how)})" if how else ""
    text = f"{label}: {shown}{told} is over {bound.words} of {limit} ({bound.source})."
    yield Note(bound.rule, bound.level, text, limit, shown, bound.source)


def _measured(case: Case, per: Per, currency: str) -> tuple[Fraction, list[str]] | None:
    """What an expense comes to for each night or person, or on its day with others, in the smallest unit, and in words how; None where its worth is not known."""
    money, total = case.details.money, worth(case.details, currency, case.home)
    if money is None or total is None:
        return None
    how = [] if money.currency == currency else [f"paid: {case.shown(money.minor, money.currency)}"]
    if per == "night":
        nights = nights_in(case.details.purpose)
        if nights is None:
            how.append("counted as 1 night: name the nights in the purpose if there were more")
        elif nights > 1:
            how.append(f"for {nights} nights")
        return Fraction(total, nights or 1), how
    shared = people(case.details) if per in ("person", "person and day") else 1
    if shared > 1:
        how.append(f"shared by {shared}")
    actual = Fraction(total, shared)
    for other in case.same_day() if per in ("day", "person and day") else ():
        more = worth(other.details, currency, case.home)
        if more is not None and more > 0:
            actual += Fraction(more, people(other.details) if per == "person and day" else 1)
            how.append(f"with {other.name}")
    return actual, how


# -- daily rates ---------------------------------------------------------------------------------------------------------------


def _place_rate(case: Case) -> PlaceRate | NoRate | None:
    """The table's row for the place and day; why there is none; None where the table has nothing to do with it."""
    table, details = case.policy.per_diem, case.details
    if not table or not details.category or details.category not in (table.lodging, table.meals):
        return None
    if details.spent_on is None or details.money is None:
        return None
    found = table.find(details.city, details.spent_on)
    if isinstance(found, PlaceRate):
        where = found.name or details.city
        if (found.lodging if details.category == table.lodging else found.meals) is None:
            return NoRate(f"{table.name} has no rate of this kind for {where}")
        if worth(details, table.currency, case.home) is None:
            return NoRate(f"{table.name} is in {table.currency}, and no exchange rate leads there")
    return found


def _rate_bound(case: Case, rate: PlaceRate) -> Bound:
    table = case.policy.per_diem
    assert table
    lodging = case.details.category == table.lodging
    most, words = (
        (rate.lodging or 0, "the rate") if lodging else _meals_rate(table, rate.meals or 0, case.details.purpose)
    )
    return Bound(
        rule="per_diem",
        per="night" if lodging else "person and day",
        minor=most,
        currency=table.currency,
        level=table.level if rate.place else "note",
        source=f"{table.name}, {rate.name or 'places that it does not name'}; {table.source}",
        words=words,
    )


def _meals_rate(table: PerDiem, full: int, purpose: str) -> tuple[int, str]:
    """A day's rate for meals, less what the purpose tells: a first or last day, meals that were provided."""
    percent, why = 100, []
    if table.first_last_percent < 100 and TRAVEL_DAY.search(purpose):
        percent = table.first_last_percent
        why.append(f"{percent} % on a first or last day")
    for meal, less in table.provided.items():
        if re.search(PROVIDED.format(f"(?:{MEALS[meal]})"), purpose, re.IGNORECASE):
            percent -= less
            why.append(f"less {less} % for {meal}")
    most = Decimal(full * max(percent, 0)) / 100
    return int(most.quantize(Decimal(1), ROUND_HALF_UP)), f"the rate ({', '.join(why)})" if why else "the rate"


# -- by car --------------------------------------------------------------------------------------------------------------------


def check_mileage(case: Case) -> Iterator[Note]:
    """Kilometres that the purpose names, times the rate."""
    rule, total = case.policy.mileage, case.worth
    if rule is None or case.details.category != rule.category or total is None:
        return
    if rule.per_km is None:
        text = f"The policy names no rate for a kilometre: your approver decides ({rule.source})."
        yield Note("mileage", "note", text, source=rule.source)
        return
    driven = [Decimal(km.replace(",", ".")) for km in KILOMETRES.findall(case.details.purpose)]
    each = f"{rule.per_km} {case.home} a km"
    if not driven:
        text = f"The purpose does not say how many kilometres were driven, at {each} ({rule.source})."
        yield Note("mileage", "note", text, each, source=rule.source)
        return
    ways = (sum(driven), *driven)  # there and back, or one of them is said of the other: "240 km, 2 x 120 km"
    due = [int((km * rule.per_km).scaleb(digits(case.home)).quantize(Decimal(1), ROUND_HALF_UP)) for km in ways]
    if total not in due:
        actual, limit = case.shown(total), case.shown(due[0])
        text = f"Mileage: {ways[0]} km at {each} are {limit}, not {actual} ({rule.source})."
        yield Note("mileage", rule.level, text, limit, actual, rule.source)


def nights_in(purpose: str) -> int | None:
    """How many nights a purpose names ("fair in Lyon, 3 nights"); None for none."""
    found = NIGHTS.search(purpose)
    return int(found[1]) or None if found else None
