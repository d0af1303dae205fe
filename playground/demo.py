"""`assist playground`: a Slack workspace in the browser, with the bot in it as a process of its own. Nothing to sign up for."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.errors import SettingError
from bot.settings import Settings
from playground.browser import Browser
from playground.child import Child
from playground.feed import Feed
from playground.guard import own_pages_only
from playground.openai import OpenAIServer
from playground.saved import Saved, claim
from playground.slack import SlackServer

Record = Callable[[dict[str, Any]], None]
HOST = "127.0.0.1"
EXPENSES = Path(__file__).parent / "expenses"  # the sample company's policy, and exchange rates
ROOMS = "Aquarium=aquarium@rooms.example.com, Attic=attic@rooms.example.com"
LINK = "https://meet.example.com/{id}"  # of online meetings; leads nowhere
MOST_BYTES = 600 * 1024 * 1024  # of a request: OpenAI takes files of 512 MB
CONNECT_SECONDS = 60.0
WATCH_SECONDS = 0.5
# What a playground's bot takes over from whoever starts it. Everything else, above all the real Slack, Redis and database, is kept from it.
TAKEN_OVER = (
    "openai_stall_seconds",
    "openai_background",
    "conversation_tokens",
    "conversation_turns",
    "worker_turns",
    "log_level",
    "log_text",
)
REAL_OPENAI = (
    "openai_api_key",
    "openai_base_url",
    "openai_data_residency",
    "openai_model",
    "openai_small_model",
    "openai_fallback_model",
)


async def play(
    settings: Settings, *, port: int, record: Path | None, limits: bool, stop: asyncio.Event | None = None
) -> None:
    """Serves page, Slack and OpenAI on 127.0.0.1:`port` (0: any free one) and runs the bot, until `stop` is set or a signal comes.

    Everything said is kept in DATA_DIR/playground and there again at the next start. `record` is a file that gets every Slack and
    OpenAI call as a line of JSON. Raises SettingError when the port or the folder is taken.
    """
    stop = stop or _stop_on_signals()
    folder = settings.data_dir.absolute() / "playground"
    with claim(folder), _recorder(record) as recorded:
        saved = Saved(folder)
        state = saved.read()
        slack = SlackServer(limits=limits, record=recorded, state=state.get("slack"))
        ai = OpenAIServer(limits=limits, record=recorded, state=state.get("openai"), folder=folder / "openai-files")
        real = bool(settings.openai_api_key)
        feed = Feed(slack.workspace)
        slack.on_change(feed.changed)
        about = {"model": settings.openai_model if real else "", "limits": limits, "bot": "starting"}
        async with AsyncExitStack() as stack:
            origin = await stack.enter_async_context(_served(slack, ai, Browser(slack, feed, about), port))
            slack.origin, ai.base_url = origin, f"{origin}/v1"
            await stack.enter_async_context(saved.kept(slack, ai))

            def told(bot: str) -> None:
                about["bot"] = bot
                feed.tell({"bot": bot})

            child = Child(folder, lambda: _environment(settings, slack, ai, folder, limits=limits), told)
            await stack.enter_async_context(child.running())
            watch = asyncio.create_task(_watch(slack, child, told))
            stack.callback(watch.cancel)
            await _announce(slack, child, stop, origin)
            await stop.wait()
            _print(
                "Stopping: the bot finishes what it is writing, for at most 20 seconds. What is left is finished at the next start."
            )


@asynccontextmanager
async def _served(slack: SlackServer, ai: OpenAIServer, browser: Browser, port: int) -> AsyncIterator[str]:
    """Serves all three from one address; yields it."""
    app = web.Application(client_max_size=MOST_BYTES, middlewares=[own_pages_only])
    browser.mount(app)
    slack.mount(app)
    ai.mount(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, HOST, port).start()
        except OSError as error:
            why = "is taken by another program." if error.errno == errno.EADDRINUSE else f"cannot be used: {error}."
            raise SettingError(
                "--port", f"{port} {why}", f"Choose another: .venv/bin/assist playground --port {port + 1}"
            ) from error
        yield f"http://{HOST}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _environment(
    settings: Settings, slack: SlackServer, ai: OpenAIServer, folder: Path, *, limits: bool
) -> dict[str, str]:
    """The bot's environment. A setting that is not given here is given empty, which also hides what `.env` says."""
    real = bool(settings.openai_api_key)
    finance = slack.workspace.person("ana").id
    openai = {} if real else {"OPENAI_API_KEY": ai.api_key, "OPENAI_BASE_URL": ai.base_url}
    names = (*TAKEN_OVER, *(REAL_OPENAI if real else ()))
    return (
        dict(os.environ)
        | {field.name.upper(): "" for field in fields(Settings)}
        | {name.upper(): _text(getattr(settings, name)) for name in names}
        | openai
        | {
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_API_URL": slack.api_url,
            "SLACK_PACE": _text(limits),
            "DATA_DIR": str(folder),
            "EXPENSES_POLICY": str(EXPENSES / "policy.toml"),
            "EXPENSES_RATES": str(EXPENSES / "ecb-sample.csv"),
            "EXPENSES_FINANCE": finance,
            "EXPENSES_APPROVER": finance,  # for who has no manager in Slack
            "MEETINGS_ROOMS": ROOMS,
            "MEETINGS_LINK": LINK,
            "HOST": HOST,
            "PORT": str(settings.port if _is_free(settings.port) else 0),
        }
    )


def _text(value: object) -> str:
    return ("off", "on")[value] if isinstance(value, bool) else str(value)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


async def _watch(slack: SlackServer, child: Child, told: Callable[[str], None]) -> None:
    """Tells the page when the bot's connection comes or goes; Slack's server has no word for it."""
    connected = False
    while True:
        if (now := slack.delivery.sockets.connections > 0) != connected:
            connected = now
            if child.is_alive:
                told("connected" if now else "starting")
        await asyncio.sleep(WATCH_SECONDS)


async def _announce(slack: SlackServer, child: Child, stop: asyncio.Event, origin: str) -> None:
    """Says where to look once the bot is there, or that it is not."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + CONNECT_SECONDS
    while not slack.delivery.sockets.connections and not stop.is_set():
        if child.failures or loop.time() > deadline:
            _print(f"The bot does not start yet; it is tried again. {child.last_words()}".strip())
            break
        await asyncio.sleep(0.05)
    if not stop.is_set():
        _print(f"Open {origin}\nThe bot's log: {child.log}\nCtrl-C stops; what was said is kept in {child.log.parent}.")


def _stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and Ctrl-C set; a second signal ends the process at once."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def heard(number: signal.Signals) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, heard, number)
    return stop


@contextmanager
def _recorder(path: Path | None) -> Iterator[Record | None]:
    """Writes calls into a new file, each as it is made; None without one."""
    if path is None:
        yield None
        return
    try:
        file = path.open("w", encoding="utf-8", buffering=1)
    except OSError as error:
        raise SettingError("--record", f"{path} cannot be written: {error.strerror}.", "Name another file.") from error
    with file:

        def write(call: dict[str, Any]) -> None:
            file.write(json.dumps(call, ensure_ascii=False, default=str) + "\n")

        yield write


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # a command line prints
