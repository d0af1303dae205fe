"""Every act that a button, a form or the command can ask for, by everybody who has no right to it: nothing happens, and what is not theirs is like what is not there."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select

from bot import tables
from bot.expenses.face import forms
from tests.expense_values import LUNCH
from tests.test_performing import Desk, desk

__all__ = ["desk"]

OWNER, APPROVER, COLLEAGUE, GUEST, FORMER = "ana", "dana", "raj", "gus", "lee"
MISSING = 99
E, R = "number", "report"  # what an act is about
VERSIONS = {E: 2, R: 3}  # the present ones, of what is there
ACTS: list[tuple[str, str, dict[str, Any]]] = [
    ("edit", E, {"values": forms.entered(LUNCH) | {"merchant": "Mine now"}}),
    ("remove", E, {}),
    ("keep_both", E, {}),
    ("edit_form", E, {}),
    ("submit", R, {}),
    ("withdraw", R, {}),
    ("take_out", R, {E: 1}),
    ("approve", R, {}),
    ("send_back", R, {"reason": "Why?"}),
    ("reject", R, {"reason": "Why?"}),
    ("hand_over", R, {"to": "kim"}),
    ("show", "subject", {}),
    ("command", "text", {"channel": "C1"}),
]
THE_APPROVERS = (
    "approve",
    "send_back",
    "reject",
    "hand_over",
    "edit_form",
    "show",
    "command",
)  # who sees it may look at it
THE_OWNERS = ("edit", "edit_form", "remove", "withdraw", "show", "command")


async def written(desk: Desk) -> list[Any]:
    """All that is in the books."""
    found: list[Any] = []
    async with desk.office.database.read() as tx:
        for table in (tables.expenses, tables.reports, tables.expense_events):
            found += [tuple(row) for row in await tx.execute(select(table))]
    return found


async def tried(desk: Desk, person: str, act: tuple[str, str, dict[str, Any]], number: int) -> list[str]:
    """What somebody is told of an act about that number, in words or in its form."""
    do, about, args = act
    args = {**args, about: {"subject": f"R-{number}", "text": f"report R-{number}"}.get(about, number)}
    args |= {"version": VERSIONS[about]} if about in VERSIONS else {}
    args |= {"to": desk.id(args["to"])} if "to" in args else {}
    args |= {"view": desk.view(person)} if do == "edit_form" else {}
    before = len(await desk.said(person))
    await desk.does(person, do, **args)
    said = (await desk.said(person))[before:]
    if "view" in args:
        view = desk.server.workspace.views[args["view"]]
        assert not view.get("submit") or person == APPROVER
        said.append(str(view["blocks"][0]))
    return [re.sub(r'"?block_id.*|(?<=[ER]-)\d+', "", word) for word in said]


@pytest.fixture
async def sent(desk: Desk) -> Desk:
    """E-1 of the owner's is in R-1, which waits for the approver; a former one has handed it over."""
    await desk.keep(OWNER)
    desk.server.workspace.set_manager(OWNER, FORMER)
    await desk.does(OWNER, "command", text="report", channel="C1")
    await desk.does(OWNER, "submit", report=1, version=1)
    await desk.does(FORMER, "hand_over", report=1, version=2, to=desk.id(APPROVER))
    async with desk.office.database.read() as tx:
        versions = [await tx.scalar(select(table.c.version)) for table in (tables.expenses, tables.reports)]
    assert versions == list(VERSIONS.values())
    return desk


@pytest.mark.parametrize("person", [COLLEAGUE, GUEST, FORMER])
async def test_no_act_of_who_may_not_see_it_does_anything_or_tells_whether_it_is_there(sent: Desk, person: str) -> None:
    before = await written(sent)
    for act in ACTS:
        theirs, nothing = await tried(sent, person, act, 1), await tried(sent, person, act, MISSING)
        assert theirs == nothing, act[0]
        assert len(theirs) == 1, "always a word"
        assert await written(sent) == before, act[0]


@pytest.mark.parametrize(("person", "rights"), [(APPROVER, THE_APPROVERS), (OWNER, THE_OWNERS)])
async def test_who_may_see_it_does_only_what_is_theirs_to_do(sent: Desk, person: str, rights: tuple[str, ...]) -> None:
    before = await written(sent)
    for act in ACTS:
        if act[0] not in rights:
            assert len(await tried(sent, person, act, 1)) == 1, act[0]
            assert await written(sent) == before, act[0]
