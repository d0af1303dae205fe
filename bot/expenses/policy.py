"""The expense policy: a versioned file that people can read, checked when the bot starts. Pure but for reading the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MANAGER = "manager"  # among a tier's approvers: the owner's manager as Slack's profile names them


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A kind of expense."""

    key: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The whole policy. `version` and `name` are named in notes and on reports."""

    name: str
    version: str
    categories: Mapping[str, Category] = field(default_factory=dict)

    def approvers(self, total_minor: int) -> tuple[str, ...]:  # noqa: ARG002  # skeleton
        """Who has to approve a report of this total in the home currency, one after the other: Slack user ids, or MANAGER."""
        return (MANAGER,)


def load_policy(path: Path | None, home: str) -> Policy:  # noqa: ARG001  # skeleton
    """The policy of a file; without one the bundled policy, which has categories and no limits. Raises SettingError with what is wrong in the file."""
    return Policy(name="Skeleton", version="0", categories={"meals": Category(key="meals", label="Meals")})
