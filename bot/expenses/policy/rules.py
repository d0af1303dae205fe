"""What the policy says of an expense or a report. Pure: values in, notes out.

The texts are plain words: whoever shows them escapes them. Rules of what may be spent are in bot/expenses/policy/limits.py.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from bot.expenses.money.money import show
from bot.expenses.policy.case import Case, people
from bot.expenses.policy.limits import check_cost, check_mileage
from bot.expenses.policy.per_diem import written
from bot.expenses.policy.policy import Limit, Policy
from bot.expenses.values import Expense, Level, Money, Note, Report

AHEAD = timedelta(
    days=1
)  # the latest day anywhere is tomorrow for most people most of the day; an age counts from theirs
TABLES = ("ECB", "same")  # sources of rates that nobody typed in
LONG_AGO = timedelta(days=3 * 365)  # longer ago than anybody waits: the year was misread
ORDER: dict[Level, int] = {"block": 0, "warn": 1, "note": 2}
NEEDS = {
    "attendees": "the names of the people it was for are needed; add the attendees",
    "city": "the city is needed; add where it was",
    "purpose": "it has to say what it was for; add the purpose",
}


def check_expense(
    expense: Expense, others: Sequence[Expense], policy: Policy, home: str, today: date
) -> tuple[Note, ...]:
    """What the policy says of one expense, the gravest first. `others` are the owner's further expenses of the same day, for limits a day; `home` is the home currency.

    What is missing altogether (no amount, no date) is asked for, and is no note. `today` is the latest day that it can be for the owner.
    """
    case = Case(expense, others, policy, home, today)
    notes = [note for rule in RULES for note in rule(case)]
    return tuple(sorted(notes, key=lambda note: ORDER[note.level]))


def _amount(case: Case) -> Iterator[Note]:
    minor, money = case.details.minor, case.details.money
    if minor is not None and minor <= 0:
        shown = show(money) if money else "zero or less"
        yield Note("amount", "block", f"The total is {shown}; it has to be more than zero.", actual=shown)


def _rate(case: Case) -> Iterator[Note]:
    money = case.details.money
    if money and case.worth is None:
        text = f"There is no exchange rate from {money.currency} to {case.home}; give the rate that your bank used."
        yield Note("rate", "block", text, actual=show(money))
    elif money and case.details.rate and case.details.rate.source not in TABLES:
        rate = f"{case.details.rate.value.normalize():f}"
        text = f"The exchange rate, {rate} {case.home} for 1 {money.currency}, was given by the owner; it is in no bank's table here."
        yield Note("rate", "note", text, actual=rate)


def _day(case: Case) -> Iterator[Note]:
    spent, policy = case.details.spent_on, case.policy
    if spent is None:
        return
    day = written(spent)
    if spent > case.today:
        yield Note(
            "date", "block", f"The date, {day}, is in the future. Please put it right.", written(case.today), day
        )
        return
    if case.today - spent > LONG_AGO:
        yield Note("date", "warn", f"The date, {day}, is more than three years ago. Is the year right?", actual=day)
    elif policy.age and (old := (case.today - spent - AHEAD).days) > policy.age.days:
        limit, actual = f"{policy.age.days} days", f"{old} days"
        text = f"It is {actual} old; the limit is {limit} ({policy.age.source})."
        yield Note("age", policy.age.level, text, limit, actual, policy.age.source)
    for bound, outside, words in (
        (policy.valid_from, policy.valid_from and spent < policy.valid_from, "begins only on"),
        (policy.valid_to, policy.valid_to and spent > policy.valid_to, "ended on"),
    ):
        if bound and outside:
            text = f"{policy.title} {words} {written(bound)}, and the expense is of {day}: your approver decides."
            yield Note("policy_dates", "note", text, written(bound), day, policy.title)


def _category(case: Case) -> Iterator[Note]:
    details, category = case.details, case.category
    if category is None:
        if details.category:
            text = f"“{details.category[:40]}” is no category of the policy ({case.policy.title}); choose another one."
            yield Note("category", "block", text, actual=details.category[:40], source=case.policy.title)
        return
    for need in category.needs:
        if not getattr(details, need):
            text = f"{category.label}: {NEEDS[need]} ({category.source})."
            yield Note("needs", "block", text, source=category.source)


def _receipt(case: Case) -> Iterator[Note]:
    rule, category = case.policy.receipts, case.category
    if case.expense.receipt or rule is None or (category and category.receipt == "never"):
        return
    if category and category.receipt == "always":
        text = f"{category.label}: a receipt is always needed; share a photo or PDF of it ({rule.source})."
        yield Note("receipt", rule.level, text, source=rule.source)
    elif rule.above is not None and case.worth is not None and case.worth > rule.above:
        limit, actual = case.shown(rule.above), case.shown(case.worth)
        text = f"There is no receipt for {actual}; above {limit} one is needed ({rule.source})."
        yield Note("receipt", rule.level, text, limit, actual, rule.source)


def _parts(case: Case) -> Iterator[Note]:
    """Tax and tip are parts of the total."""
    money = case.details.money
    if money is None or money.minor <= 0:
        return
    minor, currency = money.minor, money.currency
    tax, tip = sum(line.minor for line in case.details.tax), case.details.tip_minor or 0
    total = case.shown(minor, currency)
    for rule, part, name in (("tax", tax, "tax"), ("tip", tip, "tip")):
        if part > minor or part < 0:
            shown = case.shown(part, currency)
            wrong = "less than nothing" if part < 0 else f"more than the total of {total}"
            yield Note(rule, "warn", f"The {name}, {shown}, is {wrong}. Is that right?", total, shown)
    if 0 <= tax <= minor and 0 <= tip <= minor < tax + tip:
        shown = case.shown(tax + tip, currency)
        yield Note(
            "tax", "warn", f"Tax and tip, {shown}, are more than the total of {total}. Is that right?", total, shown
        )


def _restricted(case: Case) -> Iterator[Note]:
    read = [text for field in case.expense.read.values() for text in (field.value, field.evidence)]
    text = " ".join((case.details.merchant, case.details.purpose, *read)).casefold()
    for rule in case.policy.restricted:
        found = [w for w in rule.words if re.search(rf"(?<!\w){re.escape(w.casefold())}(?!\w)", text)]
        if found:
            words = ", ".join(f"“{word}”" for word in found[:5])
            yield Note(
                "restricted", rule.level, f"It names {words}: {rule.name} ({rule.source}).", "", words, rule.source
            )


RULES = (_amount, _rate, _day, _category, _receipt, check_cost, check_mileage, _parts, _restricted)


# -- reports -------------------------------------------------------------------------------------------------------------------


def check_report(report: Report, expenses: Sequence[Expense], policy: Policy) -> tuple[Note, ...]:
    """What the policy says of a report as a whole, beside its expenses' own notes: blocks, and notes for the approver; a warning would have no place for a justification."""
    if not expenses:
        return (Note("empty", "block", "The report is empty; add an expense."),)
    notes = (*_months(expenses), *_aged(report, expenses, policy))
    if any(e.home and e.home.currency != policy.currency for e in expenses):
        return notes  # reckoned in an earlier home currency: the policy's amounts say nothing of it
    return (*_approval(expenses, policy), *notes, *_split(expenses, policy))


def _approval(expenses: Sequence[Expense], policy: Policy) -> Iterator[Note]:
    total = sum(expense.home.minor for expense in expenses if expense.home)
    tier = policy.tier(total)
    below = [t.up_to for t in policy.tiers if t.up_to is not None and t.up_to < total]
    if below and tier.approvers != policy.tiers[0].approvers:
        limit, actual = show(Money(below[-1], policy.currency)), show(Money(total, policy.currency))
        count = len(tier.approvers)
        who = f"{count} approvals, one after the other" if count > 1 else "another approver than smaller reports"
        text = f"The total of {actual} is over {limit}, so it needs {who} ({policy.title})."
        yield Note("tier", "note", text, limit, actual, policy.title)


def _months(expenses: Sequence[Expense]) -> Iterator[Note]:
    days = sorted(e.details.spent_on for e in expenses if e.details.spent_on)
    if days and (days[0].year, days[0].month) != (days[-1].year, days[-1].month):
        text = f"The expenses are of several months, from {written(days[0])} to {written(days[-1])}."
        yield Note("months", "note", text, actual=f"{written(days[0])} to {written(days[-1])}")


def _aged(report: Report, expenses: Sequence[Expense], policy: Policy) -> Iterator[Note]:
    """What grew too old while it lay in the report, and has no note of its own."""
    if policy.age is None:
        return
    handed_in = max(filter(None, (report.changed_at, report.submitted_at))).date()
    old = [
        e.name
        for e in expenses
        if e.details.spent_on
        and (handed_in - e.details.spent_on).days > policy.age.days
        and not any(note.rule in ("age", "date") for note in e.notes)
    ]
    if old:
        limit = f"{policy.age.days} days"
        text = f"Older than {limit} by now: {_listed(old)} ({policy.age.source})."
        yield Note("age", "note", text, limit, _listed(old), policy.age.source)


def _split(expenses: Sequence[Expense], policy: Policy) -> Iterator[Note]:
    """Expenses of one day and category that each keep to a limit, and together do not: perhaps one bill, handed in as several."""
    days: dict[tuple[date, str], list[Expense]] = defaultdict(list)
    for expense in expenses:
        if expense.details.spent_on and expense.home:
            days[expense.details.spent_on, expense.details.category].append(expense)
    for (day, key), same in sorted(days.items()):
        category = policy.categories.get(key)
        for limit in category.limits if category and len(same) > 1 else ():
            if limit.per in ("item", "person"):
                yield from _together(day, category.label if category else key, same, limit, policy)


def _together(day: date, label: str, same: Sequence[Expense], limit: Limit, policy: Policy) -> Iterator[Note]:
    total = sum(e.home.minor for e in same if e.home)
    shared = max(people(e.details) for e in same) if limit.per == "person" else 1
    each = all(
        e.home.minor <= limit.minor * (people(e.details) if limit.per == "person" else 1) for e in same if e.home
    )
    if each and total > limit.minor * shared:
        bound, actual = show(Money(limit.minor, policy.currency)), show(Money(total, policy.currency))
        names = _listed([e.name for e in same])
        for_each = " a person" if limit.per == "person" else ""
        text = f"{label} on {written(day)}: {names} are {actual} together, and the limit is {bound}{for_each} ({limit.source})."
        yield Note("split", "note", text, bound, actual, limit.source)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
