"""`assist check`: tests every credential, scope and server, and prints a table."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import aiohttp
from redis.exceptions import RedisError

from bot.compose import open_llm, open_redis, open_settings_database
from bot.errors import AssistError, CalendarRefused, OpenAIRefused, Retryable, SettingError, UserFacing
from bot.expenses.money.rates import Rates
from bot.expenses.policy.policy import load_policy
from bot.llm import Llm
from bot.meetings.calendars.choose import make_calendar
from bot.meetings.hours import hours_text, read_hours
from bot.meetings.mail import Mailer
from bot.meetings.people import read_rooms
from bot.meetings.register.register import Register
from bot.meetings.values import Attendee
from bot.pace import Pace
from bot.settings import Settings
from bot.slack import Slack, connect_slack

SCOPES = frozenset(
    [
        "app_mentions:read",
        "assistant:write",
        "channels:history",
        "channels:read",
        "chat:write",
        "commands",
        "files:read",
        "files:write",
        "groups:history",
        "groups:read",
        "im:history",
        "im:read",
        "im:write",
        "mpim:history",
        "mpim:read",
        "search:read.public",
        "usergroups:read",
        "users.profile:read",
        "users:read",
        "users:read.email",
    ]
)
SOON = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table. `state` is ok, warn, fail or `-` (not set)."""

    what: str
    state: str
    detail: str


async def check(settings: Settings) -> int:
    """Prints the table; returns 1 where something fails."""
    findings: list[Finding] = []
    width = 24
    async for finding in _all(settings):
        findings.append(finding)
        print(f"{finding.what:<{width}} {finding.state:<5} {finding.detail}")  # noqa: T201  # the table is what was asked for
    return int(any(f.state == "fail" for f in findings))


async def _all(settings: Settings) -> AsyncIterator[Finding]:
    async for finding in _slack(settings):
        yield finding
    async for finding in _openai(settings):
        yield finding
    yield await _redis(settings)
    yield await _database(settings)
    yield _data_dir(settings.data_dir)
    yield _policy(settings)
    yield await _rates(settings)
    yield await _calendar(settings)
    yield await _mail(settings)
    yield _hours(settings)
    yield _rooms(settings)


async def _slack(settings: Settings) -> AsyncIterator[Finding]:
    if not settings.slack_bot_token:
        yield Finding("SLACK_BOT_TOKEN", "fail", "is missing; `assist playground` needs none")
        return
    async with connect_slack(settings.slack_bot_token, settings.slack_api_url, Pace(None, "")) as slack:
        try:
            me = await slack.identity()
        except AssistError as error:
            yield Finding("SLACK_BOT_TOKEN", "fail", _word(error))
            return
        yield Finding("SLACK_BOT_TOKEN", "ok", f"{me.name} ({me.user}) in {me.team}")
        missing, more = SCOPES - me.scopes, me.scopes - SCOPES
        if not me.scopes:
            yield Finding("Slack scopes", "warn", "the server does not tell which the token has")
        elif missing:
            yield Finding(
                "Slack scopes", "fail", f"missing: {', '.join(sorted(missing))}; reinstall the app from manifest.yaml"
            )
        else:
            yield Finding(
                "Slack scopes",
                "ok",
                f"all {len(SCOPES)}" + (f", and unused: {', '.join(sorted(more))}" if more else ""),
            )
        yield await _app_token(settings, slack)
        yield await _people(slack, "EXPENSES_APPROVER", settings.expenses_approver, "only a manager can approve")
        yield await _people(slack, "EXPENSES_FINANCE", settings.expenses_finance, "nobody sees all expenses")
    if settings.slack_signing_secret:
        yield Finding("SLACK_SIGNING_SECRET", "ok", "is set; only Slack's next request can prove it")
    else:
        yield Finding(
            "SLACK_SIGNING_SECRET", "-" if settings.slack_app_token else "fail", "is not set; HTTP mode needs it"
        )


async def _app_token(settings: Settings, slack: Slack) -> Finding:
    if not settings.slack_app_token:
        return Finding("SLACK_APP_TOKEN", "-", "is not set: events come over HTTP")
    try:
        await slack.client.apps_connections_open(app_token=settings.slack_app_token)
    except Exception as error:  # the SDK's own errors; their text names the method, never the token
        return Finding("SLACK_APP_TOKEN", "fail", f"Socket Mode cannot be opened: {_word(error)}")
    return Finding("SLACK_APP_TOKEN", "ok", "Socket Mode can be opened")


async def _people(slack: Slack, setting: str, ids: str, without: str) -> Finding:
    if not ids:
        return Finding(setting, "-", f"is not set: {without}")
    names = []
    for user in ids.split(","):
        try:
            told = (await slack.call("users.info", {"user": user}))["user"]
        except AssistError as error:
            return Finding(setting, "fail", f"{user}: {_word(error)}")
        if told.get("deleted") or told.get("is_bot"):
            return Finding(setting, "fail", f"{user} has left, or is a bot")
        names.append(f"{told.get('real_name') or told.get('name')} ({user})")
    return Finding(setting, "ok", ", ".join(names))


def _policy(settings: Settings) -> Finding:
    path = Path(settings.expenses_policy) if settings.expenses_policy else None
    try:
        policy = load_policy(path, settings.expenses_currency)
    except SettingError as error:
        return Finding(error.name, "fail", f"{error.what} {error.where}".strip())
    return Finding("EXPENSES_POLICY", "ok" if path else "-", f"{policy.title}, {len(policy.categories)} categories")


async def _rates(settings: Settings) -> Finding:
    if settings.expenses_rates == "none":
        return Finding("EXPENSES_RATES", "-", "none: every rate is asked for")
    rates = Rates(settings.expenses_rates)
    await rates.refresh()
    home, today = settings.expenses_currency, datetime.now(UTC).date()
    foreign = "USD" if home == "EUR" else "EUR"
    rate = rates.find(foreign, home, today)
    if rate is None:
        return Finding("EXPENSES_RATES", "warn", f"no rate of {foreign} of this week: rates will be asked for")
    return Finding("EXPENSES_RATES", "ok", f"1 {foreign} = {rate.value.normalize():f} {home} on {rate.on}")


async def _calendar(settings: Settings) -> Finding:
    if settings.calendar == "local":
        return Finding("CALENDAR", "-", "local: the assistant's own database")
    person = calendar_to_try(settings)
    async with AsyncExitStack() as stack:
        try:
            database = await stack.enter_async_context(open_settings_database(settings))
            calendar = make_calendar(settings, database, Register(external=True, mails=False))
            stack.push_async_callback(calendar.close)
            if person is None:
                told = "can only be tried with a calendar that it has: name a room in MEETINGS_ROOMS"
                return Finding("CALENDAR", "warn", f"{calendar.name} {told}")
            return Finding("CALENDAR", "ok", f"{calendar.name}: {await calendar.check(person)}")
        except SettingError as error:
            return Finding(error.name, "fail", f"{error.what} {error.where}".strip())
        except AssistError as error:
            return Finding("CALENDAR", "fail", _word(error))


def calendar_to_try(settings: Settings) -> Attendee | None:
    """Somebody whose calendar there is: the first room, else the account that reads all calendars."""
    with suppress(SettingError):
        for name, address in read_rooms(settings.meetings_rooms).items():
            return Attendee(id=address, name=name, email=address, kind="room")
    user = settings.caldav_user
    if settings.calendar == "caldav" and user:
        return Attendee(id=user, name=user, email=user if "@" in user else f"{user}@localhost")
    return None


async def _mail(settings: Settings) -> Finding:
    if not settings.smtp_url:
        return Finding("SMTP_URL", "-", "is not set: people are told of meetings in Slack alone")
    if not settings.smtp_from:
        return Finding("SMTP_FROM", "fail", "is missing: invitations are sent from it")
    try:
        told = await Mailer(settings.smtp_url, settings.smtp_from).check()
    except SettingError as error:
        return Finding(error.name, "fail", f"{error.what} {error.where}".strip())
    except AssistError as error:
        return Finding("SMTP_URL", "fail", _word(error))
    return Finding("SMTP_URL", "ok", told)


def _hours(settings: Settings) -> Finding:
    try:
        hours = read_hours(settings.meetings_hours, "UTC")
    except ValueError as error:
        return Finding("MEETINGS_HOURS", "fail", f"cannot be read: {error}. See docs/settings.md.")
    return Finding("MEETINGS_HOURS", "ok", hours_text(hours))


def _rooms(settings: Settings) -> Finding:
    try:
        rooms = read_rooms(settings.meetings_rooms)
    except SettingError as error:
        return Finding(error.name, "fail", f"{error.what} {error.where}".strip())
    if not rooms:
        return Finding("MEETINGS_ROOMS", "-", "is not set: no room can be booked")
    return Finding("MEETINGS_ROOMS", "ok", ", ".join(rooms))


async def _openai(settings: Settings) -> AsyncIterator[Finding]:
    if not settings.openai_api_key:
        yield Finding("OPENAI_API_KEY", "fail", "is missing")
        return
    async with open_llm(settings) as llm:
        try:
            models = await llm.models()
        except AssistError as error:
            yield Finding("OPENAI_API_KEY", "fail", _word(error))
            return
        yield Finding("OPENAI_API_KEY", "ok", f"{len(models)} models")
        if store := settings.openai_vector_store_id:
            yield await _vector_store(llm, store)
    today = datetime.now(UTC).date()
    yield model_finding("OPENAI_MODEL", settings.openai_model, models, today)
    yield model_finding("OPENAI_SMALL_MODEL", settings.openai_small_model, models, today)
    if settings.openai_fallback_model == settings.openai_model:
        yield Finding("OPENAI_FALLBACK_MODEL", "-", "is none: the same as OPENAI_MODEL")
    else:
        yield model_finding("OPENAI_FALLBACK_MODEL", settings.openai_fallback_model, models, today)
    yield model_finding("OPENAI_TRANSCRIBE_MODEL", settings.openai_transcribe_model, models, today)


async def _vector_store(llm: Llm, store: str) -> Finding:
    try:
        async with llm.asking(30) as client:
            await client.vector_stores.retrieve(store)
    except OpenAIRefused:
        return Finding("OPENAI_VECTOR_STORE_ID", "fail", f"OpenAI has no {store}; leave it unset to have one made")
    except AssistError as error:
        return Finding("OPENAI_VECTOR_STORE_ID", "fail", _word(error))
    return Finding("OPENAI_VECTOR_STORE_ID", "ok", store)


def model_finding(name: str, model: str, models: dict[str, str | None], today: date) -> Finding:
    """Whether a model is offered, and whether it will be switched off within 60 days."""
    if model not in models:
        return Finding(name, "fail", f"{model} is not offered to this key")
    end = models[model]
    if not end:
        return Finding(name, "ok", model)
    left = date.fromisoformat(end[:10]) - today
    state = "fail" if left <= timedelta(0) else "warn" if left <= SOON else "ok"
    return Finding(name, state, f"{model} is switched off on {end[:10]}")


async def _redis(settings: Settings) -> Finding:
    where = "REDIS_URL" if settings.redis_url else "embedded Valkey"
    try:
        async with open_redis(settings) as redis:
            info = await redis.info()
            policy = info.get("maxmemory_policy", "noeviction")
            durable = "append-only file" if info.get("aof_enabled") else "NO append-only file: a crash loses messages"
    except (RedisError, AssistError, OSError) as error:
        return Finding(where, "fail", _word(error))
    state = "ok" if info.get("aof_enabled") and policy == "noeviction" else "warn"
    version = info.get("valkey_version") or info.get("redis_version")
    return Finding(where, state, f"version {version}, {durable}, {policy}")


async def _database(settings: Settings) -> Finding:
    async with AsyncExitStack() as stack:
        try:
            database = await stack.enter_async_context(open_settings_database(settings))
        except AssistError as error:
            return Finding("DATABASE_URL", "fail", str(error))
        except (
            Exception
        ) as error:  # drivers raise their own; the text may hold the URL's password, so only the class is shown
            return Finding("DATABASE_URL", "fail", type(error).__name__)
        return Finding("DATABASE_URL", "ok", f"{database.engine.dialect.name}, tables up to date")


def _data_dir(path: Path) -> Finding:
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".writable"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        return Finding("DATA_DIR", "fail", f"{path}: {error.strerror}")
    return Finding("DATA_DIR", "ok", str(path))


def _word(error: Exception) -> str:
    """What is wrong and what to do, in words; never a secret."""
    data = getattr(getattr(error, "response", None), "data", None)
    if isinstance(data, dict) and data.get("error"):
        return str(data["error"])
    if isinstance(error, SettingError):
        return str(error)
    if isinstance(error, UserFacing):
        return f"{error.text} ({error})"
    if isinstance(error, CalendarRefused):
        return f"{error} ({error.reason})" if error.reason else str(error)
    if isinstance(error, Retryable):
        return f"{error.said or 'no answer.'} Is the address right, and the network open? ({error})"
    if isinstance(error, RedisError):
        return f"cannot be reached or used ({str(error).rstrip('.')}). Is the server running?"
    return "no answer" if isinstance(error, aiohttp.ClientError) else type(error).__name__
