"""The expense policy: a versioned file that people can read, checked when the bot starts. Pure but for reading the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

from bot.errors import SettingError
from bot.expenses.money.money import currencies, digits
from bot.expenses.policy.per_diem import PerDiem
from bot.expenses.policy.per_diem_file import load_per_diem
from bot.expenses.policy.policy_file import MileageShape, Need, Per, PolicyShape, TierShape, read_shape, wrong
from bot.expenses.values import Level

MANAGER = "manager"  # among a tier's approvers: the owner's manager as Slack's profile names them
BUNDLED = Path(__file__).parent / "policy.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The most that a category may cost, in the home currency's smallest unit.

    `per`: "item" is one expense; "day" all of the owner's of the category on a day; "person" the share of each who was there;
    "person and day" those shares added up over a day; "night" one night of a stay.
    """

    per: Per
    minor: int
    level: Level
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A kind of expense. `needs` are names of Details' fields that it cannot do without."""

    key: str
    label: str
    needs: tuple[Need, ...] = ()
    receipt: Literal["above", "always", "never"] = "above"  # the policy's threshold
    limits: tuple[Limit, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipts:
    """From which amount on a receipt is needed; None: only where a category always wants one."""

    above: int | None
    level: Level
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """How old an expense may be when it is handed in."""

    days: int
    level: Level
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mileage:
    """What a kilometre in one's own car is worth, in the home currency (not in its smallest unit); None: the policy does not say."""

    category: str
    per_km: Decimal | None
    level: Level
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restricted:
    """Words that an approver should know of: alcohol, tobacco."""

    name: str
    words: tuple[str, ...]
    level: Level
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Who approves reports up to a total; None: all the rest."""

    up_to: int | None
    approvers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The whole policy. `version` and `name` are named in notes and on reports; amounts are in `currency`, the home currency."""

    name: str
    version: str
    currency: str = ""  # "" for a policy without any amount
    valid_from: date | None = None
    valid_to: date | None = None
    categories: Mapping[str, Category] = field(default_factory=dict)
    receipts: Receipts | None = None
    age: Age | None = None
    mileage: Mileage | None = None
    restricted: tuple[Restricted, ...] = ()
    per_diem: PerDiem | None = None
    tiers: tuple[Tier, ...] = ()

    @property
    def title(self) -> str:
        """Name and version, as notes name the policy."""
        return f"{self.name} {self.version}"

    def tier(self, total_minor: int) -> Tier:
        """The tier that a report of this total in the home currency falls into."""
        for tier in self.tiers:
            if tier.up_to is None or total_minor <= tier.up_to:
                return tier
        return Tier(up_to=None, approvers=(MANAGER,))

    def approvers(self, total_minor: int) -> tuple[str, ...]:
        """Who has to approve a report of this total in the home currency, one after the other: Slack user ids, or MANAGER."""
        return self.tier(total_minor).approvers


def load_policy(path: Path | None, home: str) -> Policy:
    """The policy of a file; without one the bundled policy, which has categories and no limits. Raises SettingError with what is wrong in the file, or for a home currency that nobody pays in (any more)."""
    if home not in currencies():
        raise SettingError("EXPENSES_CURRENCY", "must be a currency that is in use, such as EUR.", "ISO 4217.")
    path = path or BUNDLED
    return _Reading(path, read_shape(path), home).policy()


class _Reading:
    """A file's content on its way to the policy, each part checked against the others."""

    def __init__(self, path: Path, shape: PolicyShape, home: str) -> None:
        self._path, self._shape, self._home = path, shape, home
        self._title = f"{shape.name} {shape.version}"

    def policy(self) -> Policy:
        shape = self._shape
        if shape.valid_from and shape.valid_to and shape.valid_to < shape.valid_from:
            raise wrong(self._path, "valid_to is before valid_from.")
        if shape.currency not in (None, self._home):
            raise wrong(self._path, f"currency is {shape.currency}, but EXPENSES_CURRENCY is {self._home}.")
        categories = self._categories()
        receipts, age, per_diem = shape.receipts, shape.age, shape.per_diem
        if per_diem:
            for key in ("lodging", "meals"):
                self._known(f"per_diem.{key}", getattr(per_diem, key))
        return Policy(
            name=shape.name,
            version=shape.version,
            currency=shape.currency or "",
            valid_from=shape.valid_from,
            valid_to=shape.valid_to,
            categories=categories,
            receipts=Receipts(
                above=None
                if receipts.needed_above is None
                else self._minor("receipts.needed_above", receipts.needed_above),
                level=receipts.level,
                source=self._source(receipts.source),
            ),
            age=Age(days=age.most_days, level=age.level, source=self._source(age.source)) if age else None,
            mileage=self._mileage(shape.mileage) if shape.mileage else None,
            restricted=tuple(
                Restricted(name=r.name, words=tuple(r.words), level=r.level, source=self._source(r.source))
                for r in shape.restricted
            ),
            per_diem=load_per_diem(self._path, per_diem, self._source(per_diem.source)) if per_diem else None,
            tiers=self._tiers(shape.tiers),
        )

    def _source(self, *words: str | None) -> str:
        """Where a rule stands: the policy's name, and the first of these that is given."""
        return ", ".join([self._title, *[w for w in words if w][:1]])

    def _minor(self, where: str, amount: str) -> int:
        if self._shape.currency is None:
            raise wrong(self._path, f'{where} is an amount, so the file has to say currency = "{self._home}".')
        places = digits(self._home)
        minor = Decimal(amount).scaleb(places)
        if minor != minor.to_integral_value():
            raise wrong(self._path, f"{where}: {self._home} has {places} digits behind the point.")
        return int(minor)

    def _known(self, where: str, category: str | None) -> None:
        if category is not None and category not in self._shape.categories:
            raise wrong(self._path, f"{where} is “{category}”, which is none of the categories.")

    def _categories(self) -> dict[str, Category]:
        categories: dict[str, Category] = {}
        labels: dict[str, str] = {}
        for key, shape in self._shape.categories.items():
            other = labels.setdefault(shape.label.casefold(), key)
            if other != key:
                raise wrong(self._path, f"categories.{key} has the same label as categories.{other}.")
            if len({limit.per for limit in shape.limits}) < len(shape.limits):
                raise wrong(self._path, f"categories.{key}.limits has two limits for the same: which one counts?")
            categories[key] = Category(
                key=key,
                label=shape.label,
                needs=tuple(dict.fromkeys(shape.needs)),
                receipt=shape.receipt,
                limits=tuple(
                    Limit(
                        per=limit.per,
                        minor=self._minor(f"categories.{key}.limits.{n}.amount", limit.amount),
                        level=limit.level,
                        source=self._source(limit.source, shape.source),
                    )
                    for n, limit in enumerate(shape.limits, 1)
                ),
                source=self._source(shape.source),
            )
        return categories

    def _mileage(self, shape: MileageShape) -> Mileage:
        self._known("mileage.category", shape.category)
        if shape.per_km is not None and self._shape.currency is None:
            raise wrong(self._path, f'mileage.per_km is an amount, so the file has to say currency = "{self._home}".')
        return Mileage(
            category=shape.category,
            per_km=None if shape.per_km is None else Decimal(shape.per_km),  # 0.385 a kilometre is no whole cent
            level=shape.level,
            source=self._source(shape.source),
        )

    def _tiers(self, shapes: Sequence[TierShape]) -> tuple[Tier, ...]:
        tiers: list[Tier] = []
        for n, shape in enumerate(shapes, 1):
            up_to = None if shape.up_to is None else self._minor(f"tiers.{n}.up_to", shape.up_to)
            if (up_to is None) != (n == len(shapes)):
                raise wrong(self._path, f"tiers.{n}: every tier but the last needs up_to, and the last has none.")
            before = tiers[-1].up_to if tiers else None
            if up_to is not None and before is not None and up_to <= before:
                raise wrong(self._path, f"tiers.{n}.up_to must be more than that of the tier before it.")
            if len(set(shape.approvers)) < len(shape.approvers):
                raise wrong(self._path, f"tiers.{n}.approvers names somebody twice.")
            tiers.append(Tier(up_to=up_to, approvers=tuple(shape.approvers)))
        return tuple(tiers)
