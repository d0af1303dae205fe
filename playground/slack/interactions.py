"""Buttons and slash commands: what a person does with what the app shows in its conversations."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playground.slack import text as slack_text
from playground.slack.installation import Installation
from playground.slack.state import Change, Channel, Json, Person
from playground.slack.views import Views

RESPONSE_SECONDS, RESPONSE_POSTS = 1800, 5


@dataclass(slots=True)
class ResponseUrl:
    """The right to post a few answers to a command or a button, whoever is in the channel."""

    channel: str
    user: str
    expires: float
    ts: str = ""
    left: int = RESPONSE_POSTS


class Interactions(Views):
    """The part of the workspace that answers clicks, commands and submissions."""

    def __init__(self, app: Installation, clock: Callable[[], float]) -> None:
        super().__init__(app, clock)
        self.responses: dict[str, ResponseUrl] = {}
        self.ephemerals: list[Json] = []

    def press(self, person: str | Person, channel: str | Channel, ts: str, action_id: str, value: Any = None) -> None:
        """A person uses the element `action_id` of a message; `value` is the choice where there is one."""
        who, place = self.person(person), self.channel(channel)
        whisper = self.whispered(place.id, ts)
        if whisper and whisper["to"] != who.id:
            raise KeyError(ts)
        message = whisper or place.messages[ts]
        container: Json = {"type": "message", "message_ts": ts, "channel_id": place.id, "is_ephemeral": bool(whisper)}
        if message.get("thread_ts"):
            container["thread_ts"] = message["thread_ts"]
        payload = (
            self._interaction("block_actions", who)
            | {
                "container": container,
                "channel": self._brief(place),
            }
            | ({} if whisper else {"message": dict(message)})
        )  # Slack does not keep what only one person sees
        payload |= {"state": {"values": {}}, "response_url": self._response_url(place, who, ts)}
        self._act(payload, message.get("blocks", []), action_id, value)

    def command(
        self,
        person: str | Person,
        channel: str | Channel,
        command: str,
        text: str = "",
        *,
        thread_ts: str | None = None,
    ) -> None:
        """A person invokes a slash command by typing it. ValueError, in Slack's words, where its client does not send it."""
        who, place = self.person(person), self.channel(channel)
        if command not in self.app.commands:
            raise ValueError(f"{command} is not a valid command.")
        if thread_ts:
            raise ValueError(f"{command} is not supported in threads. Sorry!")
        if who.id not in place.members:
            raise ValueError(f"{who.name} is not in {place.name}")
        text = slack_text.typed(self, text, named=True) if self.app.commands[command] else text
        payload = {
            "token": self.app.verification_token, "team_id": self.app.team_id, "team_domain": self.app.team_domain,
            "channel_id": place.id, "channel_name": self._brief(place)["name"],
            "user_id": who.id, "user_name": who.name, "command": command, "text": text, "api_app_id": self.app.app_id,
            "is_enterprise_install": "false", "response_url": self._response_url(place, who), "trigger_id": self.trigger(who),
        }  # fmt: skip
        self.emit(Change("slash_commands", place, user=who.id, extra=payload))

    def whisper(self, channel: Channel, user: str, message: Json) -> str:
        """Show a message to one person only; returns its ts."""
        ts = self.next_ts()
        self.ephemerals.append(message | {"ts": ts, "channel": channel.id, "to": user})
        self.emit(Change("ephemeral", channel, self.ephemerals[-1], user=user))
        return ts

    def whispered(self, channel: str, ts: str) -> Json | None:
        """The message of that ts that one person sees."""
        return next((m for m in self.ephemerals if m["ts"] == ts and m["channel"] == channel), None)

    def unwhisper(self, channel: Channel, message: Json, content: Json | None) -> None:
        """Replace what one person sees, or take it away."""
        at = self.ephemerals.index(message)
        if content is None:
            del self.ephemerals[at]
            self.emit(Change("ephemeral", channel, {"ts": message["ts"], "deleted": True}, user=message["to"]))
            return
        kept = {k: v for k, v in message.items() if k not in ("text", "blocks", "attachments")}
        self.ephemerals[at] = kept | content
        self.emit(Change("ephemeral", channel, self.ephemerals[at], user=message["to"]))

    def _brief(self, channel: Channel) -> Json:
        return {
            "id": channel.id,
            "name": {"im": "directmessage", "group": "privategroup"}.get(channel.kind, channel.name),
        }

    def _response_url(self, channel: Channel, who: Person, ts: str = "") -> str:
        now = self.clock()
        self.responses = {k: r for k, r in self.responses.items() if r.expires > now}
        key = uuid.uuid4().hex
        self.responses[key] = ResponseUrl(channel.id, who.id, now + RESPONSE_SECONDS, ts)
        return f"{self.app.origin}/response/{key}"
