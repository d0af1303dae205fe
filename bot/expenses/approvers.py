"""Who approves a report: the owner's manager as Slack's profile names them, else a set approver, or whom the policy's tiers name."""

from __future__ import annotations

from bot.expenses.office import Office
from bot.expenses.values import By, Money


async def find_approvers(office: Office, by: By, total: Money) -> tuple[str, ...]:  # noqa: ARG001  # skeleton
    """Those who have to approve a report of `by.person`'s, one after the other: at least one, never the owner, never a bot or one who has left.

    Raises ExpenseRefused where there is nobody, with what to do; Retryable where Slack does not answer.
    """
    return (office.approver,)
