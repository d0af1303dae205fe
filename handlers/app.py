"""Every listener on one screen. A listener returns only after what it heard is stored; then Bolt acks, and Slack stops redelivering.

`process_before_response=True` makes that so: Bolt would otherwise ack an event before its listener has run. A listener that raises gives
Slack an HTTP 500, or no ack over Socket Mode, and Slack delivers again.
"""

from __future__ import annotations

import re
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot import buttons
from bot.control import Control
from bot.duties import Duties
from bot.expenses.face import buttons as expense
from bot.home import Tab
from bot.meetings.face import buttons as meet
from bot.queue import Queue
from bot.slack import Slack
from handlers.expenses import Expenses
from handlers.files import Files
from handlers.home import Home
from handlers.knowledge import Knowledge
from handlers.meetings import Meetings
from handlers.messages import Messages
from handlers.presses import Presses


def make_app(slack: Slack, queue: Queue, signing_secret: str, files_left_hours: int) -> AsyncApp:
    """The Bolt app. `signing_secret` may be empty for Socket Mode, whose envelopes need no signature."""

    async def authorize(**_: Any) -> AuthorizeResult:
        # Bolt's own asks auth.test at the first event and, where that fails, acks the event unheard. Ours was asked at the start.
        me = await slack.identity()
        return AuthorizeResult(
            enterprise_id=None, team_id=me.team, bot_id=me.bot, bot_user_id=me.user, bot_token=slack.client.token
        )

    app = AsyncApp(
        name="assist",  # else Bolt looks through all modules for its caller's file
        # without a token: with one, Bolt would take its own
        client=AsyncWebClient(base_url=slack.client.base_url, timeout=slack.client.timeout),
        authorize=authorize,
        signing_secret=signing_secret or None,
        request_verification_enabled=bool(signing_secret),
        process_before_response=True,
    )
    control = Control(queue)
    messages, presses = Messages(queue, control, slack), Presses(queue, control, slack)
    expenses, meetings = Expenses(queue, slack), Meetings(queue, slack)
    duties, tab = Duties(queue.redis), Tab(slack, queue.redis)
    home, files, knowledge = Home(tab, queue, slack), Files(duties, files_left_hours), Knowledge(slack, duties, tab)
    app.event("app_mention")(messages.heard)
    app.event("message")(messages.heard)  # new ones, edits and deletions, in channels, groups and DMs
    app.event("app_home_opened")(home.opened)
    app.event("file_deleted")(files.heard)
    app.event("channel_left")(files.heard)
    app.event("group_left")(files.heard)
    app.event("member_joined_channel")(files.heard)
    app.event("agent_session_stopped")(presses.session_stopped)
    app.action(buttons.STOP)(presses.stop)
    app.action(buttons.AGAIN)(presses.again)
    app.action(buttons.CANCEL)(presses.cancel)
    app.action(buttons.ADD_KNOWLEDGE)(knowledge.pressed)
    app.action(buttons.REMOVE_KNOWLEDGE)(knowledge.pressed)
    app.view(buttons.GIVE_KNOWLEDGE)(knowledge.given)
    for action in (*expense.DONE_AT_ONCE, *expense.REASONS, expense.EDIT, expense.NEW, expense.HAND_OVER):
        app.action(action)(expenses.pressed)
    for form in (expense.EXPENSE_FORM, expense.NEW_FORM, expense.REASON_FORM, expense.HAND_OVER_FORM):
        app.view(form)(expenses.submitted)
    app.command(expense.COMMAND)(expenses.commanded)
    app.action(meet.ACTIONS)(meetings.pressed)
    for form in (meet.NEW_FORM, meet.CHANGE_FORM, meet.DETAILS_FORM, meet.MOVE_FORM, meet.HOURS_FORM):
        app.view(form)(meetings.submitted)
    app.command(meet.COMMAND)(meetings.commanded)
    app.event(re.compile(".*"))(messages.not_ours)  # an event without a listener would go unacked and come again
    return app
