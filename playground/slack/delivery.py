"""How events, commands and interactions reach the app: attempts, acks and retries."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from playground.slack.envelope import Envelope, UnansweredError
from playground.slack.installation import Installation
from playground.slack.sockets import MAX_CONNECTIONS, Sockets
from playground.slack.state import Json
from playground.slack.webhook import Webhook

KEPT = 20_000  # envelopes that stay readable in `events`


class Delivery:
    """Delivers each envelope over Socket Mode, or over HTTP once `deliver_to` named a URL.

    Events are tried again after each of `retry_delays` seconds until acked; commands and interactions are tried once.
    `twins`: a mention comes as `message` too. `duplicate`: each event is sent so many more times.
    `answered(envelope, payload)` is called for each first ack, `failed(envelope)` when a command or an interaction got none.
    """

    def __init__(
        self, app: Installation, answered: Callable[[Envelope, Json | None], None], failed: Callable[[Envelope], None]
    ) -> None:
        self.retry_delays: tuple[float, ...] = (0, 60, 300)
        self.ack_timeout = 3.0
        self.twins = True
        self.duplicate = 0
        self.events: deque[Envelope] = deque(maxlen=KEPT)
        self.sockets = Sockets(app, self._acked)
        self.running = False
        self._app = app
        self._webhook: Webhook | None = None
        self._answered = answered
        self._failed = failed
        self._tasks: set[asyncio.Task[None]] = set()

    def deliver_to(self, url: str | None) -> None:
        """HTTP mode with this request URL; None: Socket Mode."""
        if self._webhook is not None:
            self._start(self._webhook.close())
        self._webhook = Webhook(self._app, url, self._acked) if url else None

    @property
    def is_reachable(self) -> bool:
        """Whether there is anybody to deliver to, as far as is known."""
        return self._webhook is not None or self.sockets.connections > 0

    async def verify_url(self) -> bool:
        """Whether the request URL passes Slack's url_verification."""
        assert self._webhook is not None, "deliver_to(url) first"
        return await self._webhook.verify()

    def put(self, envelope: Envelope) -> None:
        """Deliver. What happened before the workspace was served is history, and is not delivered."""
        if not self.running:
            return
        self.events.append(envelope)
        self._start(self._deliver(envelope))

    def redeliver(self, event_id: str) -> None:
        """Send an event once more, as a retry, acked or not. KeyError when there was none."""
        envelope = next((e for e in self.events if e.event_id == event_id), None)
        if envelope is None:
            raise KeyError(event_id)
        self._start(self._again(envelope))

    def redeliver_all(self) -> None:
        """Send every event once more."""
        for envelope in tuple(self.events):
            if envelope.type == "events_api":
                self._start(self._again(envelope))

    def unacked(self) -> list[Envelope]:
        """What has no ack yet."""
        return [e for e in self.events if e.acked_at is None]

    def disconnect(self, reason: str = "refresh_requested", most: int = MAX_CONNECTIONS) -> asyncio.Task[None]:
        """Send `disconnect` ("refresh_requested", "warning", "link_disabled") on every socket, or the `most` oldest, then close it.

        May be awaited.
        """
        return self._start(self.sockets.disconnect(reason, most))

    def cut(self, most: int = MAX_CONNECTIONS) -> None:
        """Drop every socket, or the `most` oldest, without a goodbye."""
        self.sockets.cut(most)

    async def close(self) -> None:
        """Stop delivering."""
        self.running = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.sockets.close()
        if self._webhook is not None:
            await self._webhook.close()

    async def _deliver(self, envelope: Envelope) -> None:
        delays = self.retry_delays if envelope.type == "events_api" else ()
        for delay in (0, *delays):
            if delay:
                await asyncio.sleep(delay)
            if envelope.acked_at is not None:  # a late ack came while waiting
                return
            envelope.attempts += 1
            envelope.sent_at = time.monotonic()
            try:
                await self._attempt(envelope)
                return
            except UnansweredError as reason:
                envelope.retry_reason = str(reason)
        envelope.lost = True
        if envelope.type != "events_api":
            self._failed(envelope)

    async def _attempt(self, envelope: Envelope) -> None:
        if envelope.type == "events_api":
            for _ in range(self.duplicate):
                self._start(self._copy(envelope))
        await (self._webhook or self.sockets).send(envelope, self.ack_timeout)

    async def _again(self, envelope: Envelope) -> None:
        envelope.attempts += 1
        envelope.sent_at, envelope.retry_reason = time.monotonic(), "timeout"
        await self._copy(envelope)

    async def _copy(self, envelope: Envelope) -> None:
        """One attempt beside the ordinary ones: an ack counts, a missing one does not."""
        with suppress(UnansweredError):
            await (self._webhook or self.sockets).send(envelope, self.ack_timeout)

    def _acked(self, envelope: Envelope, payload: Json | None) -> None:
        if envelope.acked_at is None:
            envelope.acked_at, envelope.answer = time.monotonic(), payload
            self._answered(envelope, payload)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
