"""The local Slack: one workspace, served on localhost over Slack's wire protocol."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from playground.slack.api import WebApi
from playground.slack.calls import Call, Faults
from playground.slack.delivery import Delivery
from playground.slack.downloads import LOGIN_PATH, Downloads
from playground.slack.envelope import Envelope
from playground.slack.events import callback, events_of
from playground.slack.installation import Installation
from playground.slack.limits import Limits
from playground.slack.seed import seed
from playground.slack.snapshot import restore, snapshot
from playground.slack.state import Change, Json
from playground.slack.transfers import Transfers
from playground.slack.workspace import Workspace

KEPT_CALLS = 20_000
_SILENT = ("counted", "interactive", "slash_commands")  # kinds of change that make no event of their own
MAX_UPLOAD = 1024 * 1024 * 1024


class SlackServer:
    """A Slack workspace on localhost.

    limits: enforce rate limits. record: called with {"method", "args"} of each call, as the client sent it.
    state: a `snapshot()` to go on from; without one the workspace is Acme. clock: Unix seconds.
    `app` holds ids, tokens, scopes and subscriptions.
    """

    def __init__(
        self,
        limits: bool = False,
        record: Callable[[Json], Any] | None = None,
        state: Json | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.app = app = Installation()
        self.bot_token, self.app_token, self.signing_secret = app.bot_token, app.app_token, app.signing_secret
        self.team_id, self.app_id, self.bot_id, self.bot_user_id = app.team_id, app.app_id, app.bot_id, app.bot_user_id
        self.workspace = Workspace(app, clock)
        if state:
            restore(self.workspace, state)
        else:
            seed(self.workspace, app)
        self.limits = Limits(on=limits)
        self.faults = Faults()
        self.calls: deque[Call] = deque(maxlen=KEPT_CALLS)
        self.delivery = Delivery(app, self._answered, self._failed)
        self._record = record or (lambda _call: None)
        self._api = WebApi(
            self.workspace, self.limits, self.faults, self._log, self._record, self.delivery.sockets.ticket
        )
        self._downloads = Downloads(self.workspace, self.faults, self._log)
        self._transfers = Transfers(self.workspace, self.faults, self._log, self._record)
        self._watchers: list[Callable[[Json], Any]] = []
        self._waiting: set[asyncio.Event] = set()
        self.workspace.listeners.append(self._changed)

    @property
    def origin(self) -> str:
        """Where it is served, e.g. "http://127.0.0.1:8080"; "" until it is known."""
        return self.app.origin

    @origin.setter
    def origin(self, origin: str) -> None:
        self.app.origin = origin

    @property
    def api_url(self) -> str:
        """The Web API's base, for SLACK_API_URL."""
        return f"{self.app.origin}/api/"

    @property
    def scopes(self) -> set[str]:
        """The bot token's scopes; may be set."""
        return self.app.scopes

    @scopes.setter
    def scopes(self, scopes: set[str]) -> None:
        self.app.scopes = set(scopes)

    @property
    def subscriptions(self) -> set[str]:
        """The events that the app gets, named as in the manifest; may be set."""
        return self.app.subscriptions

    @subscriptions.setter
    def subscriptions(self, subscriptions: set[str]) -> None:
        self.app.subscriptions = set(subscriptions)

    @property
    def retry_delays(self) -> tuple[float, ...]:
        """Seconds before each retry of an event; may be set."""
        return self.delivery.retry_delays

    @retry_delays.setter
    def retry_delays(self, delays: tuple[float, ...]) -> None:
        self.delivery.retry_delays = tuple(delays)

    @property
    def ack_timeout(self) -> float:
        """Seconds that the app has for its ack; may be set."""
        return self.delivery.ack_timeout

    @ack_timeout.setter
    def ack_timeout(self, seconds: float) -> None:
        self.delivery.ack_timeout = seconds

    @property
    def refused(self) -> Counter[str]:
        """How many calls of each method were over the limit."""
        return self.limits.refused

    def mount(self, app: web.Application) -> None:
        """Add the workspace to an application; its address is learned from the first request when nobody set `origin`."""
        app.router.add_route("*", "/api/{method}", self._learn(self._api.handle))
        app.router.add_get("/socket", self.delivery.sockets.serve)
        app.router.add_get("/files-pri/{key}/{name:.*}", self._downloads.download)
        app.router.add_get("/files-tmb/{key}/file.vtt", self._downloads.transcript)
        app.router.add_get(LOGIN_PATH, self._downloads.login)
        app.router.add_post("/upload/{file_id}", self._transfers.upload)
        app.router.add_post("/response/{key}", self._transfers.respond)
        app.on_startup.append(self._begin)
        app.on_shutdown.append(self._end)

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator["SlackServer"]:
        """Serve it alone on 127.0.0.1; port 0 picks a free one."""
        app = web.Application(client_max_size=MAX_UPLOAD)
        self.mount(app)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            self.app.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()

    def deliver_to(self, url: str | None) -> None:
        """HTTP mode: POST everything to this request URL. None: Socket Mode."""
        self.delivery.deliver_to(url)

    async def verify_url(self) -> bool:
        """Whether the request URL answers Slack's url_verification."""
        return await self.delivery.verify_url()

    def snapshot(self) -> Json:
        """The workspace as JSON, to go on from later."""
        return snapshot(self.workspace)

    def send_event(self, event: Json, *, is_ext_shared: bool = False) -> str:
        """Deliver an event made by hand, subscribed or not (tokens_revoked, app_uninstalled …); returns its event_id."""
        event_id = self.workspace.next_id("Ev")
        payload = callback(self.app, event, event_id, int(self.workspace.clock()), is_ext_shared=is_ext_shared)
        self.delivery.put(Envelope("events_api", payload, event_id))
        return event_id

    def on_change(self, watcher: Callable[[Json], Any]) -> None:
        """Call `watcher` with a small dict for each thing that happens: kind, channel, message, user and what else there is."""
        self._watchers.append(watcher)

    async def until(self, condition: Callable[[], Any], timeout: float = 5.0) -> None:
        """Wait until `condition` holds; it is tried again after each change. TimeoutError tells what was said last."""
        changed = asyncio.Event()
        self._waiting.add(changed)
        try:
            async with asyncio.timeout(timeout):
                while not condition():
                    changed.clear()
                    try:
                        # Some conditions turn true by time alone (a status expires): look now and then.
                        async with asyncio.timeout(0.1):
                            await changed.wait()
                    except TimeoutError:
                        continue
        except TimeoutError:
            if condition():
                return
            raise TimeoutError(self._last_words()) from None
        finally:
            self._waiting.discard(changed)

    def _last_words(self) -> str:
        newest = sorted(
            (m["ts"], c.name, m) for c in self.workspace.channels.values() for m in list(c.messages.values())[-5:]
        )[-5:]
        said = [f"#{name} {m.get('user', '?')}: {self.workspace.rendered(m)[:80]}" for _, name, m in newest]
        called = [f"{c.method} {'ok' if c.ok else c.error}" for c in list(self.calls)[-5:]]
        return "not in time. Last messages: " + " | ".join(said) + ". Last calls: " + ", ".join(called)

    def _learn(self, handler: Callable[[web.Request], Any]) -> Callable[[web.Request], Any]:
        async def learning(request: web.Request) -> web.StreamResponse:
            if not self.app.origin:
                self.app.origin = f"{request.scheme}://{request.host}"
            response: web.StreamResponse = await handler(request)
            return response

        return learning

    async def _begin(self, _app: web.Application) -> None:
        self.delivery.running = True

    async def _end(self, _app: web.Application) -> None:
        await self.delivery.close()

    def _log(self, call: Call) -> None:
        self.calls.append(call)
        self._wake()

    def _wake(self) -> None:
        for event in self._waiting:
            event.set()

    def _changed(self, change: Change) -> None:
        """Deliver what the app subscribed to, tell the watchers, wake who waits."""
        if change.kind in ("interactive", "slash_commands"):
            self.delivery.put(Envelope(change.kind, change.extra))
        elif change.kind not in _SILENT:
            self._deliver_events(change)
        if self._watchers:
            told: Json = {
                "kind": change.kind,
                "channel": change.channel.id if change.channel else "",
                "user": change.user,
            } | change.extra
            for watcher in self._watchers:
                watcher(told | {"message": change.message or change.previous})
        self._wake()

    def _deliver_events(self, change: Change) -> None:
        if not self.delivery.running:
            return
        made = list(events_of(self.workspace, change))
        mentioned = any(name == "app_mention" for name, _ in made)
        for name, event in made:
            if name not in self.app.subscriptions or (mentioned and name != "app_mention" and not self.delivery.twins):
                continue
            self.send_event(event, is_ext_shared=bool(change.channel and change.channel.is_ext_shared))

    def _answered(self, envelope: Envelope, payload: Json | None) -> None:
        """Do what an ack asks for."""
        if payload and envelope.type != "events_api":
            self._record({"method": f"ack:{envelope.kind}", "args": payload})
            self.calls.append(Call(f"ack:{envelope.kind}", payload, True, "", time.monotonic()))
        if envelope.kind == "view_submission":
            self.workspace.submitted(envelope.payload["user"]["id"], envelope.payload["view"]["id"], payload or {})
        elif payload and envelope.payload.get("response_url"):
            right = self.workspace.responses.get(envelope.payload["response_url"].rsplit("/", 1)[1])
            if right and ("text" in payload or "blocks" in payload):
                right.left += 1  # an answer in the ack is not one of the five posts
                self._transfers.answer(right, payload)
        self._wake()

    def _failed(self, envelope: Envelope) -> None:
        """Slackbot tells the person that a command got no answer, the client that a form got none."""
        if envelope.kind == "view_submission":
            view, user = envelope.payload["view"]["id"], envelope.payload["user"]["id"]
            self.workspace.view_errors[view] = {"": "We had some trouble connecting. Try again?"}
            self.workspace.show_modal(user)
        if envelope.type == "slash_commands":
            form = envelope.payload
            # Slack tells an app that answers too late from one that it did not reach.
            late = envelope.retry_reason in ("timeout", "http_timeout") and self.delivery.is_reachable
            error = "operation_timeout" if late else "dispatch_failed"
            text = f'{form["command"]} failed with the error "{error}"'
            self.workspace.whisper(
                self.workspace.channel(form["channel_id"]), form["user_id"], {"user": "USLACKBOT", "text": text}
            )
        self._wake()
