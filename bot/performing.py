"""Doing what people do by buttons, forms and commands: what the business jobs have in common."""

from __future__ import annotations

from abc import ABC
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from bot.acts import Act
from bot.database import Database
from bot.delivery import outgoing
from bot.errors import AssistError, SlackRefused
from bot.modals import View, trouble
from bot.models import By
from bot.slack import Slack

log = structlog.get_logger()

Args = Mapping[str, Any]  # what an act is done to
Do = Callable[[By, Args], Awaitable[None]]


class Performing(ABC):
    """The acts of one job. `about` is the title of what is opened ("Expense"); `refusals` say to the person, in their text, what cannot be done."""

    about: str
    refusals: tuple[type[AssistError], ...]

    def __init__(self, slack: Slack, database: Database, acts: Mapping[str, Do]) -> None:
        """`acts` by name: "expense.remove"."""
        self._slack, self._database, self._acts = slack, database, acts

    async def perform(self, act: Act) -> None:
        """Does it once, however often it is asked; says to the person what cannot be done. Raises Retryable."""
        by = By(act.team, act.user, act.id)
        do = self._acts.get(act.do)
        if not do:
            log.warning("act not known", do=act.do, act=act.id)
            return
        try:
            await do(by, act.args)
        except self.refusals as refused:
            log.info("act refused", do=act.do, act=act.id, person=act.user)
            await self.refused(by, act.args, str(refused))
        log.info("act", do=act.do, act=act.id, team=act.team, person=act.user, again=act.again)

    async def refused(self, by: By, args: Args, text: str) -> None:
        """Says it in the form that they wait for, or in their direct messages."""
        if "view" in args:
            await self.put_form(args, trouble(text, self.about))
        else:
            await self.say(by, text)

    async def put_form(self, args: Args, view: View) -> None:
        """Puts the form into the place of "one moment"; one that was closed meanwhile needs none."""
        try:
            await self._slack.call("views.update", {"view_id": args["view"], "view": view})
        except SlackRefused as error:
            log.info("form not shown", view=args["view"], error=error.error)

    async def say(self, by: By, text: str) -> None:
        """Says something in their direct messages, once for each act."""
        async with self._database.begin() as tx:
            await outgoing.say(tx, by.team, by.person, "", text, by.cause)
