"""Every listener on one screen. A listener returns only after what it heard is stored; then Bolt acks, and Slack stops redelivering.

`process_before_response=True` makes that so: Bolt would otherwise ack an event before its listener has run. A listener that raises gives
Slack an HTTP 500, or no ack over Socket Mode, and Slack delivers again.
"""

from __future__ import annotations

import re

from slack_bolt.async_app import AsyncApp

from bot.queue import Queue
from bot.slack import Slack
from handlers.home import Home
from handlers.messages import Messages


def make_app(slack: Slack, queue: Queue, signing_secret: str) -> AsyncApp:
    """The Bolt app. `signing_secret` may be empty for Socket Mode, whose envelopes need no signature."""
    app = AsyncApp(
        client=slack.client,
        signing_secret=signing_secret or None,
        request_verification_enabled=bool(signing_secret),
        process_before_response=True,
    )
    messages, home = Messages(queue), Home(slack)
    app.event("app_mention")(messages.heard)
    app.event("message")(messages.heard)  # new ones, edits and deletions, in channels, groups and DMs
    app.event("app_home_opened")(home.opened)
    app.event(re.compile(".*"))(messages.not_ours)  # an event without a listener would go unacked and come again
    return app
