"""Who approves: the manager of Slack's profile, the set approver, the policy's tiers; never the owner, a bot, somebody who has left."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from structlog.testing import capture_logs

from bot.errors import ExpenseRefused, Retryable
from bot.expenses.approvers import find_approvers
from bot.expenses.office import Office
from bot.expenses.policy.policy import MANAGER, Policy
from bot.expenses.profiles import Profiles
from bot.expenses.values import Money
from bot.models import By
from tests.delivery_world import World, world
from tests.housekeeping_world import TEAM
from tests.scenarios.seen import calls_of

__all__ = ["world"]

PROFILE = "users.profile.get"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiers(Policy):
    """A policy that names these, above the given total in the second tier's place."""

    steps: tuple[str, ...] = (MANAGER,)
    above: int = 0

    def approvers(self, total_minor: int) -> tuple[str, ...]:
        return self.steps if total_minor >= self.above else self.steps[:1]


def office(world: World, *steps: str, approver: str = "", above: int = 0) -> Office:
    """An office whose policy names these for the steps (people by name, or MANAGER)."""
    ids = tuple(s if s == MANAGER else world.person(s) for s in steps or (MANAGER,))
    policy = Tiers(name="Test", version="1", steps=ids, above=above)
    return replace(world.office, policy=policy, approver=world.person(approver) if approver else "")


async def found(world: World, office: Office, owner: str = "ana", minor: int = 1000) -> list[str]:
    """The handles of those who have to approve."""
    people = world.server.workspace.people
    ids = await find_approvers(office, By(TEAM, world.person(owner)), Money(minor, "EUR"))
    return [people[i].name for i in ids]


@pytest.fixture
def managed(world: World) -> World:
    """Raj is Ana's manager; Kim's, Lee's and Gus' profiles name nobody."""
    workspace = world.server.workspace
    workspace.set_manager("ana", "raj")
    for name in ("kim", "lee", "gus"):
        workspace.set_manager(name, None)
    return world


async def test_the_manager_of_the_profile_approves(managed: World) -> None:
    assert await found(managed, office(managed, approver="maria")) == ["raj"]


async def test_the_fields_label_is_what_the_company_calls_it(managed: World) -> None:
    assert await found(
        managed, replace(office(managed, approver="maria"), profiles=Profiles(managed.office.slack, "Boss"))
    ) == ["maria"]
    assert await found(
        managed, replace(office(managed, approver="maria"), profiles=Profiles(managed.office.slack, "MANAGER"))
    ) == ["raj"]


async def test_labels_are_asked_for_only_until_they_are_known(managed: World) -> None:
    managed.server.workspace.set_manager("maria", "lee")
    for owner in ("kim", "ana", "maria", "kim"):
        await found(managed, office(managed, approver="gus"), owner)
    assert [bool(a.get("include_labels")) for a in calls_of(managed.server, PROFILE)] == [True, True, False, False]


async def test_who_has_no_manager_has_the_set_approver(managed: World) -> None:
    assert await found(managed, office(managed, approver="maria"), "kim") == ["maria"]


async def test_a_field_that_names_nobody_of_slack_is_no_manager(managed: World) -> None:
    managed.server.workspace.person("ana").manager = "Dana Whoever"
    assert await found(managed, office(managed, approver="maria")) == ["maria"]


async def test_a_manager_who_has_left_or_is_a_bot_or_a_stranger_or_the_owner_does_not_approve(managed: World) -> None:
    workspace = managed.server.workspace
    stranger = workspace.add_stranger("zoe", "Zoe Else", channel="general")
    bot = workspace.person(workspace.app.bot_user_id)
    workspace.person("raj").deleted = True
    for manager in ("raj", "ana", stranger, bot):
        workspace.set_manager("ana", manager)
        assert await found(managed, office(managed, approver="maria")) == ["maria"]


async def test_tiers_name_who_approves_one_after_the_other_each_once(managed: World) -> None:
    steps = office(managed, MANAGER, "maria", "raj", "lee", above=5000)
    assert await found(managed, steps, minor=4999) == ["raj"]
    assert await found(managed, steps, minor=5000) == ["raj", "maria", "lee"]


async def test_the_owner_is_left_out_of_the_tiers(managed: World) -> None:
    assert await found(managed, office(managed, MANAGER, "maria"), "maria") == ["dana"]
    assert await found(managed, office(managed, MANAGER, "maria", approver="kim"), "kim") == ["maria"]


async def test_somebody_named_by_the_policy_who_has_left_is_replaced_by_the_set_approver(managed: World) -> None:
    managed.server.workspace.person("lee").deleted = True
    assert await found(managed, office(managed, MANAGER, "lee", approver="maria")) == ["raj", "maria"]
    with pytest.raises(ExpenseRefused, match="whom the policy names"):
        await found(managed, office(managed, MANAGER, "lee"))


async def test_nobody_to_approve_is_told_with_what_to_do(managed: World) -> None:
    with pytest.raises(ExpenseRefused, match=r"the field “Manager”.* set an approver"):
        await found(managed, office(managed), "kim")
    with pytest.raises(ExpenseRefused, match="the only approver that I find is you"):
        await found(managed, office(managed, approver="kim"), "kim")


async def test_without_the_scope_the_set_approver_decides_and_the_log_says_why_once(managed: World) -> None:
    managed.server.faults.add(PROFILE, error="missing_scope", times=None)
    with capture_logs() as logs:
        assert await found(managed, office(managed, approver="maria")) == ["maria"]
        assert await found(managed, office(managed, approver="maria")) == ["maria"]
    assert [entry["error"] for entry in logs] == [f"{PROFILE}: missing_scope"]


@pytest.mark.parametrize("method", [PROFILE, "users.info"])
async def test_a_slack_that_does_not_answer_is_no_missing_manager(managed: World, method: str) -> None:
    managed.server.faults.add(method, status=500)
    with pytest.raises(Retryable):
        await found(managed, office(managed, approver="maria"))
