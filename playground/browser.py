"""What the page in the browser asks for: the workspace as one person sees it, and everything that person can do."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from playground.feed import Feed, may_see
from playground.sample_receipts import SAMPLES
from playground.slack import Channel, File, Person, SlackServer
from playground.slack.files import brief

Json = dict[str, Any]
PAGE = Path(__file__).parent / "page"
SHOWN = 1_000  # messages of a channel that a page gets when it loads
MOST_FILE_BYTES = 25 * 1024 * 1024  # the whole state is written at each save
HOME_SECONDS = 3.0
SHOWN_INLINE = ("image/png", "image/jpeg", "image/gif", "image/webp")  # what a browser draws and never runs
_HEADER_SAFE = {ord('"'): "'", ord("\\"): "_"} | dict.fromkeys(range(32), "_")


class Browser:
    """The page and its API under /playground. `about` tells of the model and of the bot; it may change."""

    def __init__(self, slack: SlackServer, feed: Feed, about: Json) -> None:
        self._slack, self._ws, self._feed, self._about = slack, slack.workspace, feed, about

    def mount(self, app: web.Application) -> None:
        """Adds the routes."""
        app.router.add_get("/", _index)
        app.router.add_static("/page/", PAGE)
        app.router.add_get("/playground/state", self.state)
        app.router.add_get("/playground/live", self.live)
        app.router.add_get("/playground/files/{file}", self.file)
        app.router.add_get("/archives/{tail:.*}", _permalink)
        app.router.add_get("/files/{tail:.*}", _permalink)
        for name in (
            "say",
            "command",
            "sample",
            "edit",
            "delete",
            "delete_file",
            "react",
            "press",
            "submit",
            "close",
            "home",
        ):
            app.router.add_post(f"/playground/{name}", self._acting(getattr(self, f"_{name}")))
        app.on_shutdown.append(self._feed.close)

    async def state(self, request: web.Request) -> web.Response:
        """Everything that `?person=` may see: people, channels with their latest messages and statuses, files, the open modal."""
        person = self._person(request.query.get("person", "ana"))
        self._ws.dm(person)
        channels = [self._channel(c) for c in self._ws.channels.values() if may_see(c, person)]
        whispers = [m for m in self._ws.ephemerals[-SHOWN:] if m["to"] == person.id]
        app, modal = self._slack.app, self._ws.modal(person)
        return web.json_response(
            {
                "files": [self._file(f, person) for f in self._ws.files.values() if self._may_have(f, person)],
                "modal": modal,
                "errors": self._ws.view_errors.get(modal["id"], {}) if modal else {},
                "team": app.team_name,
                "commands": sorted(app.commands),
                "samples": [{"name": s.name, "title": s.title} for s in SAMPLES.values()],
                "bot_user_id": app.bot_user_id,
                "me": person.id,
                "people": [_person(p) for p in self._ws.people.values()],
                "channels": channels,
                "whispers": whispers,
                "about": self._about,
            }
        )

    async def live(self, request: web.Request) -> web.WebSocketResponse:
        """What happens from now on, as `?person=` sees it."""
        return await self._feed.serve(request, self._person(request.query.get("person", "ana")))

    async def file(self, request: web.Request) -> web.StreamResponse:
        """A file's bytes: with `?inline` a picture is shown, anything else is saved and never shown, as it may be anything."""
        person, file = self._person(request.query.get("person", "")), self._ws.files.get(request.match_info["file"])
        if file is None or file.content is None or not self._may_have(file, person):
            raise web.HTTPNotFound(text="There is no such file.")
        inline = "inline" in request.query and file.mimetype in SHOWN_INLINE
        name = file.name.encode("ascii", "replace").decode().translate(_HEADER_SAFE)
        headers = {
            "Content-Type": file.mimetype if inline else "application/octet-stream",
            "Content-Disposition": f'{"inline" if inline else "attachment"}; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
        }
        if isinstance(file.content, Path):
            return web.FileResponse(file.content, headers=headers)
        return web.Response(body=file.content, headers=headers)

    def _acting(
        self, act: Callable[[Person, Json], Awaitable[Json]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        """A handler of JSON or a form that names its person; what Slack's client would not let her do is a 400 with the reason."""

        async def handle(request: web.Request) -> web.Response:
            if (request.content_length or 0) > MOST_FILE_BYTES:
                return web.json_response({"error": "The playground takes files of up to 25 MB."}, status=413)
            try:
                body: Json = (
                    await request.json() if request.content_type == "application/json" else await _form(request)
                )
                return web.json_response(await act(self._person(body["person"]), body))
            except (KeyError, TypeError, ValueError, StopIteration) as error:
                said = str(error) if type(error) is ValueError else "There is no such thing here."
                return web.json_response({"error": said}, status=400)

        return handle

    async def _say(self, person: Person, body: Json) -> Json:
        """Posts `text` into `channel` (and `thread_ts`), or invokes a slash command; answers {"ts": …}.

        Files come as a form's parts called "file", or in JSON as `files`: [{"name": …, "content": base64}].
        """
        text, channel = str(body.get("text") or ""), self._place(person, body)
        files = [f if isinstance(f, tuple) else _decoded(f) for f in body.get("files") or ()]
        if not text.strip() and not files:
            raise ValueError("There is nothing to send.")
        command, _, rest = text.partition(" ")
        thread_ts = body.get("thread_ts") or None
        if command.startswith("/") and command[1:].replace("-", "").replace("_", "").isalnum():
            self._ws.command(person, channel, command, rest.strip(), thread_ts=thread_ts)
            return {}
        return {"ts": self._ws.say(person, channel, text, thread_ts=thread_ts, files=files)}

    async def _command(self, person: Person, body: Json) -> Json:
        """Invokes the slash command `command` with `text` in `channel`; what comes of it is seen in the channel."""
        self._ws.command(person, self._place(person, body), str(body["command"]), str(body.get("text") or "").strip())
        return {}

    async def _sample(self, person: Person, body: Json) -> Json:
        """Shares the sample receipt `name` in `channel`; answers {"ts": …}."""
        sample, channel = SAMPLES[body["name"]], self._place(person, body)
        today = datetime.fromtimestamp(self._ws.clock(), UTC).date()
        content = await asyncio.to_thread(sample.make, today)
        return {"ts": self._ws.say(person, channel, "", files=[(sample.name, content)])}

    async def _edit(self, person: Person, body: Json) -> Json:
        channel, ts = self._own(person, body)
        self._ws.edit(person, channel, ts, str(body["text"]))
        return {}

    async def _delete(self, person: Person, body: Json) -> Json:
        channel, ts = self._own(person, body)
        self._ws.delete(person, channel, ts)
        return {}

    async def _delete_file(self, person: Person, body: Json) -> Json:
        """As in Slack: one's own files, an admin everybody's."""
        file = self._ws.files[body["file"]]
        if not self._may_have(file, person):
            raise KeyError(file.id)
        if file.user != person.id and not person.is_admin:
            raise ValueError("Only its owner and admins can delete a file.")
        self._ws.delete_file(file)
        return {}

    async def _react(self, person: Person, body: Json) -> Json:
        channel = self._place(person, body)
        given = {r["name"]: r["users"] for r in channel.messages[body["ts"]].get("reactions", ())}
        name = str(body["name"])
        self._ws.react(person, channel, body["ts"], name, added=person.id not in given.get(name, ()))
        return {}

    async def _press(self, person: Person, body: Json) -> Json:
        """A button of a message (`channel`, `ts`) or of a view (`view_id`)."""
        if view_id := body.get("view_id"):
            self._ws.press_view(person, view_id, body["action_id"], body.get("value"))
        else:
            self._ws.press(person, self._place(person, body), body["ts"], body["action_id"], body.get("value"))
        return {}

    async def _submit(self, person: Person, body: Json) -> Json:
        """A modal (`view_id`) with `values` as in `Workspace.submit`; a form's part "file BLOCK ACTION" is a file for that field."""
        values: Json = json.loads(body["values"]) if isinstance(body["values"], str) else body["values"]
        for block_id, action_id, name, content in body.get("inputs", ()):
            held = values.setdefault(block_id, {}).setdefault(action_id, None) or []
            values[block_id][action_id] = [*held, self._ws.add_file(person, name, content)]
        self._ws.submit(person, self._own_modal(person, body), values)
        return {}

    async def _close(self, person: Person, body: Json) -> Json:
        self._ws.close_view(person, self._own_modal(person, body))
        return {}

    def _own_modal(self, person: Person, body: Json) -> str:
        view = self._ws.modal(person)
        if view is None or view["id"] != body["view_id"]:
            raise ValueError("This window is not open any more.")
        return str(view["id"])

    async def _home(self, person: Person, _: Json) -> Json:
        """Opens the app's Home tab and waits a moment for what the bot puts there."""
        before = self._home_view(person)
        self._ws.open_home(person)
        with suppress(TimeoutError):  # the bot is away: what it showed last is shown
            await self._slack.until(lambda: self._home_view(person) != before, HOME_SECONDS)
        return {"view": self._home_view(person)}

    def _home_view(self, person: Person) -> Json | None:
        return self._ws.views.get(self._ws.homes.get(person.id, ""))

    def _person(self, key: str) -> Person:
        try:
            person = self._ws.person(key)
        except KeyError:
            raise web.HTTPBadRequest(text="There is no such person.") from None
        if person.is_bot:
            raise web.HTTPBadRequest(text="The bot speaks for itself.")
        return person

    def _place(self, person: Person, body: Json) -> Channel:
        """The channel that is written to. A public one is joined by writing, where Slack's client would ask first."""
        channel = self._ws.channel(body["channel"])
        if not may_see(channel, person):
            raise KeyError(channel.id)
        if person.id not in channel.members:
            self._ws.join(person, channel)
        return channel

    def _own(self, person: Person, body: Json) -> tuple[Channel, str]:
        channel, ts = self._place(person, body), str(body["ts"])
        if channel.messages[ts].get("user") != person.id:
            raise ValueError("Only your own messages can be changed.")
        return channel, ts

    def _may_have(self, file: File, person: Person) -> bool:
        shared = any(may_see(self._ws.channels[c], person) for c, _ in file.shares)
        return not file.deleted and (file.user == person.id or shared)

    def _file(self, file: File, person: Person) -> Json:
        seen = [c for c, _ in file.shares if may_see(self._ws.channels[c], person)]
        return brief(self._ws, file) | {"channels": seen}

    def _channel(self, channel: Channel) -> Json:
        ws = self._ws
        newest = sorted(channel.messages)[-SHOWN:]
        roots = {channel.messages[ts].get("thread_ts", ts) for ts in newest}
        kept = [channel.messages[ts] for ts in sorted(roots.union(newest)) if ts in channel.messages]
        statuses = {ts: status for ts in roots if (status := ws.status(channel, ts))}
        return {
            "id": channel.id,
            "name": channel.name,
            "kind": channel.kind,
            "is_archived": channel.is_archived,
            "members": sorted(channel.members),
            "messages": kept,
            "statuses": statuses,
        }


async def _index(_: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE / "index.html")


async def _permalink(request: web.Request) -> web.StreamResponse:
    """A link to a message or a file: the page opens what it names."""
    raise web.HTTPFound(f"/#{request.rel_url}")


async def _form(request: web.Request) -> Json:
    """A form's fields; its files as (name, content) under "files", those of a modal's fields under "inputs"."""
    form = await request.post()
    body: Json = {k: v for k, v in form.items() if isinstance(v, str)} | {"files": [], "inputs": []}
    for name, part in form.items():
        if isinstance(part, web.FileField):
            content = await asyncio.to_thread(part.file.read)
            _, *field = name.split(" ")
            if field:
                body["inputs"].append((*field, part.filename, content))
            else:
                body["files"].append((part.filename, content))
    return body


def _decoded(file: Json) -> tuple[str, bytes]:
    return str(file["name"]), base64.b64decode(file["content"], validate=True)


def _person(person: Person) -> Json:
    return {
        "id": person.id,
        "name": person.name,
        "real_name": person.real_name,
        "title": person.title,
        "tz": person.tz,
        "is_bot": person.is_bot,
        "is_guest": person.is_restricted,
        "is_admin": person.is_admin,
        "team_id": person.team_id,
    }
