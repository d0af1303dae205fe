"""Who approves a report: the owner's manager as Slack's profile names them, else a set approver, or whom the policy's tiers name."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import structlog

from bot.errors import ExpenseRefused, SlackRefused, UserFacing
from bot.expenses.office import Office
from bot.expenses.policy.policy import MANAGER
from bot.expenses.values import By, Money
from bot.slack import Slack

log = structlog.get_logger()

LABEL_SECONDS = 3600.0  # labels are asked for rarely: Slack limits that strictly
NO_MANAGER = (
    "I don't know who approves your reports: I find no manager in your Slack profile, and no other approver is set. "
    "Please have your manager put into your profile (the field “{field}”), or ask whoever runs me to set an approver."
)
HAS_LEFT = (
    "I don't know who approves your reports: whom the policy names for reports of this size is not in this workspace (any more). "
    "Please ask whoever runs me to set another approver."
)
ONLY_YOU = (
    "I don't know who approves your reports: the only approver that I find is you, and nobody approves their own. "
    "Please ask whoever runs me to set another approver."
)
_fields: WeakKeyDictionary[Slack, tuple[float, str]] = WeakKeyDictionary()  # until when it counts, and the field's id
_warned: WeakSet[Slack] = WeakSet()  # of a missing scope


async def find_approvers(office: Office, by: By, total: Money) -> tuple[str, ...]:
    """Those who have to approve a report of `by.person`'s, one after the other: at least one, never the owner, never a bot or one who has left.

    Raises ExpenseRefused where there is nobody, with what to do; Retryable where Slack does not answer.
    """
    steps = [await _approver(office, by.person, wanted) for wanted in office.policy.approvers(total.minor)]
    others = tuple(dict.fromkeys(user for user in steps if user != by.person))
    if not others:
        raise ExpenseRefused(ONLY_YOU)
    return others


async def _approver(office: Office, owner: str, wanted: str) -> str:
    """Who decides at one step; the owner where it would be themselves: then the other steps have to do."""
    if wanted == owner:
        return owner
    for user in (await _manager(office, owner) if wanted == MANAGER else wanted, office.approver):
        if await _may_approve(office.slack, user, owner):
            return user
    if office.approver == owner:
        return owner
    log.warning("no approver", person=owner, step=wanted)
    raise ExpenseRefused(NO_MANAGER.format(field=office.manager_field) if wanted == MANAGER else HAS_LEFT)


async def _manager(office: Office, person: str) -> str:
    """Whom a person's profile names as manager; "" for nobody, and where the app may not see profiles."""
    slack, label = office.slack, office.manager_field.casefold()
    until, field = _fields.get(slack, (0.0, ""))
    try:
        if time.monotonic() < until:
            return _person_in(await _profile_fields(slack, {"user": person}), field)
        fields = await _profile_fields(slack, {"user": person, "include_labels": True})
    except SlackRefused as refused:
        log.warning("no profile", person=person, error=str(refused))
        return ""
    except UserFacing as error:  # without the scope users.profile:read the set approver has to do
        if slack not in _warned:
            _warned.add(slack)
            log.warning("managers not known", error=str(error))
        return ""
    for id_, told in fields.items():
        if str(told.get("label") or "").strip().casefold() == label:
            _fields[slack] = (time.monotonic() + LABEL_SECONDS, id_)
            return _person_in(fields, id_)
    return ""


async def _profile_fields(slack: Slack, args: Mapping[str, Any]) -> Mapping[str, Any]:
    """The custom fields of a profile by their ids: value, alt, and label where that was asked for. Slack tells of none in several ways."""
    fields = (await slack.call("users.profile.get", args))["profile"].get("fields")
    return fields if isinstance(fields, dict) else {}


def _person_in(fields: Mapping[str, Any], field: str) -> str:
    """The person's id that a field of the type "user" holds. A manager's name in words is no id."""
    found = re.fullmatch(r"\s*<?@?([UW][A-Z0-9]{2,})>?\s*", str((fields.get(field) or {}).get("value") or ""))
    return found[1] if found else ""


async def _may_approve(slack: Slack, user: str, owner: str) -> bool:
    """Whether somebody is a living member of this workspace or its organisation, and not the owner."""
    if not user or user == owner:
        return False
    try:
        told = (await slack.call("users.info", {"user": user}))["user"]
    except SlackRefused:
        return False
    mine = (await slack.identity()).team
    teams = (told.get("team_id"), *((told.get("enterprise_user") or {}).get("teams") or ()))
    return not told.get("deleted") and not told.get("is_bot") and told["id"] != "USLACKBOT" and mine in teams
