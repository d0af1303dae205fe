"""One thing that is delivered to the app, and what came of it."""

from dataclasses import dataclass

from playground.slack.state import Json


class UnansweredError(Exception):
    """An attempt without an ack; its text is Slack's retry reason, e.g. "timeout"."""


@dataclass(slots=True)
class Envelope:
    """`type` is Socket Mode's: "events_api", "slash_commands" or "interactive". Times are time.monotonic().

    `sent_at` is that of the latest attempt; `lost` means that no attempt was acked and none will follow.
    """

    type: str
    payload: Json
    event_id: str = ""
    attempts: int = 0
    sent_at: float = 0.0
    acked_at: float | None = None
    retry_reason: str = ""
    lost: bool = False
    answer: Json | None = None

    @property
    def kind(self) -> str:
        """What it is for the app: the event's type, the interaction's type, or "slash_commands"."""
        if self.type == "events_api":
            return str(self.payload["event"]["type"])
        return str(self.payload.get("type", self.type)) if self.type == "interactive" else self.type
