"""Who approves a report: the owner's manager as Slack's profile names them, else a set approver, or whom the policy's tiers name."""

from __future__ import annotations

import structlog

from bot.errors import ExpenseRefused, SlackRefused
from bot.expenses.office import Office
from bot.expenses.policy.policy import MANAGER
from bot.expenses.values import Money
from bot.models import By
from bot.slack import Slack

log = structlog.get_logger()

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
    for user in (await office.profiles.manager(owner) if wanted == MANAGER else wanted, office.approver):
        if user not in ("", owner) and await may_decide(office.slack, user):
            return user
    if office.approver == owner:
        return owner
    log.warning("no approver", person=owner, step=wanted)
    raise ExpenseRefused(NO_MANAGER.format(field=office.profiles.label) if wanted == MANAGER else HAS_LEFT)


async def may_decide(slack: Slack, user: str) -> bool:
    """Whether Slack has them as a person of this workspace or its organisation who is there, now: no bot, and nobody of another company."""
    try:
        told = (await slack.call("users.info", {"user": user}))["user"]
    except SlackRefused:
        return False
    if told["id"] == "USLACKBOT":  # which Slack calls no bot
        return False
    mine = (await slack.identity()).team
    teams = (told.get("team_id"), *((told.get("enterprise_user") or {}).get("teams") or ()))
    return mine in teams and not any(told.get(w) for w in ("deleted", "is_bot", "is_stranger"))
