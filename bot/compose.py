"""The composition root of `assist run`, `web` and `worker`: builds the parts, runs them, takes them down in order."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TypeVar

import structlog
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, RedisError

from bot.allowance import Allowance
from bot.conversations import Conversations
from bot.database import Database, default_url, open_database
from bot.desk import Desk
from bot.embedded import embedded_valkey
from bot.errors import AssistError, SettingError, SlackRefused, UserFacing
from bot.fallback import Fallback
from bot.files.download import Downloads, keep_swept
from bot.files.housekeeping import Housekeeping
from bot.files.knowledge import Knowledge
from bot.files.library import Library
from bot.files.made import MadeFiles
from bot.files.store import Store
from bot.health import Health, serve
from bot.jobs import make_delivery, make_office, make_performer, make_scheduling
from bot.llm import Llm, connect_openai
from bot.pace import Pace
from bot.queue import Queue
from bot.reading import Reading
from bot.redis_client import Cluster, connect
from bot.settings import Settings
from bot.slack import Slack, connect_slack
from bot.tools import TOOLS
from bot.worker import Worker
from handlers.app import make_app
from handlers.receiver import http_events
from handlers.socket_mode import SocketMode

log = structlog.get_logger()

Answer = TypeVar("Answer")


async def run(settings: Settings, *, receive: bool, work: bool, stop: asyncio.Event | None = None) -> None:
    """Receives events, works on turns, or both, until `stop` is set or a signal comes. Raises SettingError."""
    settings.require_slack_token()
    if receive:
        settings.require_slack()
    if work:
        settings.require_openai()
    stop = stop or stop_on_signals()
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(open_redis(settings, stop))
        queue = Queue(redis, _process_name(), wait_replicas=settings.redis_wait_replicas)
        pace = Pace(queue.redis if settings.slack_pace else None, settings.slack_bot_token)
        slack = await stack.enter_async_context(
            connect_slack(
                settings.slack_bot_token, settings.slack_api_url, pace, redis=queue.redis, streaming=settings.streaming
            )
        )
        me = await _ask(slack.identity, "SLACK_BOT_TOKEN", "OAuth & Permissions", stop)
        app_token = settings.slack_app_token if receive else ""
        page = "Basic Information → App-Level Tokens"
        socket = await _ask(lambda: slack.socket_url(app_token), "SLACK_APP_TOKEN", page, stop) if app_token else ""
        worker = await _worker(stack, settings, queue, slack) if work else None
        working = asyncio.create_task(worker.run()) if worker else None
        try:
            async with AsyncExitStack() as doors:  # closed first, so that nothing new comes in while turns finish
                port = await _open_doors(doors, settings, queue, slack, receive=receive, socket_url=socket)
                log.info("ready", workspace=me.team, bot=me.name, receives=receive, works=work, port=port)
                await _until(stop, working)
        finally:
            if worker and working:
                worker.drain()
                await working


async def _open_doors(
    doors: AsyncExitStack, settings: Settings, queue: Queue, slack: Slack, *, receive: bool, socket_url: str
) -> int:
    """Serves HTTP and opens Socket Mode; returns the port that is served, 0 for none."""
    name, port = ("PORT", settings.port) if receive else ("WORKER_PORT", settings.worker_port)
    app = make_app(slack, queue, settings.slack_signing_secret, settings.files_left_hours) if receive else None
    sockets = SocketMode(app, lambda: slack.socket_url(settings.slack_app_token)) if app and socket_url else None
    routes = Health(queue, slack, sockets.is_open if sockets else None).routes()
    if app and not settings.slack_app_token:
        routes.append(http_events(app))
    if receive or port:
        port = await doors.enter_async_context(serve(routes, settings.host, port, name))
    if sockets:
        await doors.enter_async_context(sockets.running(socket_url))
    return port


async def _worker(stack: AsyncExitStack, settings: Settings, queue: Queue, slack: Slack) -> Worker:
    database = await stack.enter_async_context(open_settings_database(settings))
    llm = await stack.enter_async_context(open_llm(settings, queue.redis))
    stack.push_async_callback(_ended, asyncio.create_task(keep_swept(settings.data_dir / "tmp"), name="sweep"))
    downloads = make_downloads(settings)
    library, knowledge = make_library(settings, queue.redis, slack, llm, database, downloads)
    office = make_office(settings, slack, llm, database, library, downloads)
    scheduling = make_scheduling(settings, slack, llm, database, queue.redis)
    stack.push_async_callback(scheduling.calendar.close)
    if scheduling.mailer:
        stack.callback(scheduling.mailer.close)
    delivery = make_delivery(office, scheduling)
    stack.push_async_callback(_ended, asyncio.create_task(delivery.run(), name="delivery"))
    stack.push_async_callback(delivery.drain)
    days, hours = settings.files_keep_days, settings.files_left_hours
    housekeeping = Housekeeping(slack, llm, library, knowledge, queue.redis, keep_days=days, left_hours=hours)
    stack.push_async_callback(_ended, asyncio.create_task(housekeeping.run(), name="housekeeping"))
    conversations = Conversations(
        llm, slack, database, library, most_tokens=settings.conversation_tokens, most_turns=settings.conversation_turns
    )
    desk = Desk(
        slack=slack,
        llm=llm,
        conversations=conversations,
        database=database,
        access=scheduling.access,
        reading=Reading(slack),
        library=library,
        made=MadeFiles(slack, llm, database, settings.data_dir / "tmp"),
        tools=TOOLS,
        office=office,
        scheduling=scheduling,
        perform=make_performer(office, scheduling, queue.redis),
    )
    return Worker(queue, desk, most_turns=settings.worker_turns, log_text=settings.log_text)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def make_downloads(settings: Settings) -> Downloads:
    """What fetches files from Slack."""
    most = settings.files_megabytes * 1_000_000
    return Downloads(settings.slack_bot_token, settings.slack_api_url, settings.data_dir / "tmp", most)


def make_library(
    settings: Settings, redis: Redis | Cluster, slack: Slack, llm: Llm, database: Database, downloads: Downloads
) -> tuple[Library, Knowledge]:
    """The files that people share, and those that an admin gives."""
    most, folder = settings.files_megabytes * 1_000_000, settings.data_dir / "tmp"
    given, model = settings.openai_vector_store_id, settings.openai_transcribe_model
    store = Store(llm, redis, given=given, transcribe_model=model)
    library = Library(slack, database, redis, store, downloads, most_bytes=most)
    return library, Knowledge(library, redis, folder, most)


@asynccontextmanager
async def open_redis(settings: Settings, stop: asyncio.Event | None = None) -> AsyncIterator[Redis | Cluster]:
    """The Redis or the cluster of REDIS_URL, or the embedded Valkey. One that is away is waited for until `stop`; without that, raises RedisError."""
    async with AsyncExitStack() as stack:
        url = settings.redis_url or await stack.enter_async_context(embedded_valkey(settings.data_dir))
        if url.startswith("rediss:") and not settings.redis_tls_verify:
            url += f"{'&' if '?' in url else '?'}ssl_cert_reqs=none"
        redis = await _connected(url, stop)
        stack.push_async_callback(redis.aclose)
        yield redis


async def _connected(url: str, stop: asyncio.Event | None) -> Redis | Cluster:
    while True:
        try:
            return await connect(url)
        except AuthenticationError as error:
            raise SettingError(
                "REDIS_URL", f"is refused by Redis ({error}).", "Check its user and password."
            ) from error
        except RedisError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                where = "Name its authority with ?ssl_ca_certs=/path/to/ca.pem, or see REDIS_TLS_VERIFY."
                raise SettingError("REDIS_URL", "leads to a server whose certificate is not trusted.", where) from error
            if not stop:
                raise
            log.warning("queue away", error=type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 1)
                raise SystemExit(0) from error


@asynccontextmanager
async def open_settings_database(settings: Settings) -> AsyncIterator[Database]:
    """The database of DATABASE_URL, or SQLite under DATA_DIR."""
    async with open_database(settings.database_url or default_url(settings.data_dir)) as database:
        yield database


@asynccontextmanager
async def open_llm(settings: Settings, redis: Redis | None = None) -> AsyncIterator[Llm]:
    """OpenAI with the models that are set. Its limits are kept in `redis`; without one they are not kept."""
    stall = settings.openai_stall_seconds
    async with connect_openai(
        settings.openai_api_key, settings.openai_base_url, settings.openai_data_residency, stall
    ) as client:
        yield Llm(
            client,
            allowance=Allowance(redis, settings.openai_api_key),
            fallback=Fallback(settings.openai_model, settings.openai_fallback_model),
            small_model=settings.openai_small_model,
            stall_seconds=stall,
            background=settings.openai_background,
        )


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and Ctrl-C set; a second signal ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def heard(number: signal.Signals) -> None:
        log.info("stopping", signal=number.name)
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, heard, number)
    return stop


async def _ask(ask: Callable[[], Awaitable[Answer]], setting: str, page: str, stop: asyncio.Event) -> Answer:
    """Slack's answer. Waits for a Slack that is away; a token that Slack refuses stops the start."""
    while True:
        try:
            return await ask()
        except (UserFacing, SlackRefused) as error:
            where = f"Copy it again from api.slack.com/apps → your app → {page}."
            raise SettingError(setting, f"is refused by Slack ({error}).", where) from error
        except AssistError as error:
            log.warning("Slack cannot be reached", error=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 5)
                raise SystemExit(0) from error


async def _until(stop: asyncio.Event, working: asyncio.Task[None] | None) -> None:
    """Waits for the stop; a worker that ends by itself is a fault."""
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([stopped, *([working] if working else [])], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if working and working.done():
        working.result()


def _process_name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
