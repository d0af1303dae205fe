"""What may stand in a policy's file, and how its mistakes are told. The file is TOML; docs/expenses.md explains it."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.errors import SettingError

SETTING = "EXPENSES_POLICY"
MOST_BYTES = 256_000
Amount = Annotated[str, Field(pattern=r"^\d{1,9}(\.\d{1,4})?$")]
Words = Annotated[str, Field(min_length=1, max_length=100)]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Approver = Annotated[str, Field(pattern=r"^(manager|[UW][A-Z0-9]{2,20})$")]
Percent = Annotated[int, Field(ge=0, le=100)]
Meal = Literal["breakfast", "lunch", "dinner"]
LevelName = Literal["block", "warn", "note"]
Per = Literal["item", "day", "person", "person and day", "night"]
Need = Literal["attendees", "city", "purpose"]


class Shape(BaseModel):
    """Nothing but the named keys, and no value made to fit."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class LimitShape(Shape):
    """`[[categories.KEY.limits]]`"""

    per: Per
    amount: Amount
    level: LevelName = "warn"
    source: Words | None = None  # without one the category's


class CategoryShape(Shape):
    """`[categories.KEY]`"""

    label: Annotated[str, Field(min_length=1, max_length=60)]  # Slack's menus show 75 characters
    needs: Annotated[list[Need], Field(max_length=3)] = []
    receipt: Literal["above", "always", "never"] = "above"
    limits: Annotated[list[LimitShape], Field(max_length=5)] = []
    source: Words | None = None


class ReceiptsShape(Shape):
    """`[receipts]`"""

    needed_above: Amount | None = None
    level: LevelName = "block"
    source: Words | None = None


class AgeShape(Shape):
    """`[age]`"""

    most_days: Annotated[int, Field(ge=1, le=3650)]
    level: LevelName = "warn"
    source: Words | None = None


class MileageShape(Shape):
    """`[mileage]`"""

    category: Key
    per_km: Amount | None = None
    level: LevelName = "warn"
    source: Words | None = None


class RestrictedShape(Shape):
    """`[[restricted]]`"""

    name: Words
    words: Annotated[list[Words], Field(min_length=1, max_length=200)]
    level: LevelName = "note"
    source: Words | None = None


class ColumnsShape(Shape):
    """`[per_diem.columns]`: what the table calls its columns."""

    place: Words
    region: Words | None = None
    also: Words | None = None  # further names of the place, such as its counties
    season_begin: Words | None = None
    season_end: Words | None = None
    lodging: Words | None = None
    meals: Words | None = None
    valid_from: Words | None = None
    valid_to: Words | None = None


class PerDiemShape(Shape):
    """`[per_diem]`"""

    file: Words
    name: Words
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    columns: ColumnsShape
    valid_from: date | None = None
    valid_to: date | None = None
    standard: Words | None = None  # how the place of a row for everywhere else begins
    lodging: Key | None = None  # the category that the lodging rate is for
    meals: Key | None = None
    first_last_percent: Percent = 100
    provided: Annotated[dict[Meal, Percent], Field(max_length=3)] = {}
    level: LevelName = "warn"
    source: Words | None = None


class TierShape(Shape):
    """`[[tiers]]`"""

    up_to: Amount | None = None
    approvers: Annotated[list[Approver], Field(min_length=1, max_length=5)]


class PolicyShape(Shape):
    """The whole file."""

    name: Words
    version: Annotated[str, Field(min_length=1, max_length=40)]
    valid_from: date | None = None
    valid_to: date | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None  # of every amount in the file
    categories: Annotated[dict[Key, CategoryShape], Field(min_length=1, max_length=80)]  # Slack's menus hold 100
    receipts: ReceiptsShape = ReceiptsShape()
    age: AgeShape | None = None
    mileage: MileageShape | None = None
    restricted: Annotated[list[RestrictedShape], Field(max_length=50)] = []
    per_diem: PerDiemShape | None = None
    tiers: Annotated[list[TierShape], Field(max_length=20)] = []


def wrong(path: Path, what: str) -> SettingError:
    """The error for a policy that cannot be used: what is wrong, and in which file."""
    return SettingError(SETTING, what, f"The file is {path}.")


def read_bounded(path: Path, most: int, policy: Path) -> str:
    """A file's text. Raises SettingError for one that is not there, too big or not UTF-8."""
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except (OSError, ValueError) as error:
        raise wrong(policy, f"{path.name} cannot be read ({type(error).__name__}).") from error
    if len(content) > most:
        raise wrong(policy, f"{path.name} is bigger than {most:,} bytes.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise wrong(policy, f"{path.name} is not UTF-8 (byte {error.start}); save it as UTF-8.") from error


def read_shape(path: Path) -> PolicyShape:
    """The file's content, each key checked for itself. Raises SettingError that names up to three mistakes."""
    text = read_bounded(path, MOST_BYTES, path)
    try:
        raw = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise wrong(path, f"it is not TOML: {error}.") from error
    try:
        return PolicyShape.model_validate(raw)
    except ValidationError as error:
        told = [_mistake(item["loc"], item["type"], item) for item in error.errors()[:3]]
        more = f" … and {error.error_count() - 3} more." if error.error_count() > 3 else ""
        raise wrong(path, " ".join(told) + more) from error


def _mistake(loc: tuple[int | str, ...], kind: str, item: Any) -> str:
    """One of pydantic's findings as a sentence; "tiers 2" is the second of several."""
    names = [f"{part + 1}" if isinstance(part, int) else part for part in loc if part != "[key]"]
    where = ".".join(names)
    if kind == "extra_forbidden":
        return f"{where} is no key that the policy knows; is it misspelt?"
    if kind == "missing":
        return f"{where} is missing."
    pattern = (item.get("ctx") or {}).get("pattern", "")
    if loc[-1] == "[key]":
        return f"{where}: write a key in small letters, digits and underscores, such as client_meals."
    if loc[-1] in ("amount", "up_to", "needed_above", "per_km"):
        return f'{where} must be an amount in quotes with a point, such as "150.00".'
    if "manager" in pattern:
        return f'{where} must be "manager" or a member\'s Slack id, such as "U012AB3CD".'
    if "[A-Z]{3}" in pattern:
        return f'{where} must be a currency\'s three-letter code, such as "EUR".'
    if kind.startswith("date"):
        return f"{where} must be a day without quotes, such as 2026-10-01."
    return f"{where}: {item['msg'][0].lower()}{item['msg'][1:]}."
