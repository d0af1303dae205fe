"""The only reader of the environment. A missing or malformed setting stops the start with its name, its purpose and where to get it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from babel.numbers import is_currency
from dotenv import dotenv_values
from dotenv.parser import parse_stream

from bot.errors import SettingError

RESIDENCIES = ("global", "us", "eu", "ae", "au", "in", "jp")
ECB_RATES = "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist.zip"
APPS_PAGE = "api.slack.com/apps → your app"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, checked; those that hold secrets are not in its repr. docs/settings.md and .env.example name each one; a test compares."""

    slack_bot_token: str = field(default="", repr=False)
    slack_app_token: str = field(default="", repr=False)
    slack_signing_secret: str = field(default="", repr=False)
    slack_api_url: str = "https://slack.com/api/"
    openai_api_key: str = field(default="", repr=False)
    openai_base_url: str = ""
    openai_data_residency: str = ""
    openai_model: str = "gpt-6.2-sol"
    openai_small_model: str = "gpt-6-luna"
    openai_fallback_model: str = "gpt-6-luna"
    openai_vector_store_id: str = ""
    openai_transcribe_model: str = "gpt-transcribe"
    openai_stall_seconds: float = 90.0
    openai_background: bool = False
    files_megabytes: int = 200
    files_keep_days: int = 0
    files_left_hours: int = 24
    expenses_currency: str = "EUR"
    expenses_policy: str = ""
    expenses_rates: str = ECB_RATES
    expenses_approver: str = ""
    expenses_manager_field: str = "Manager"
    expenses_remind_days: int = 3
    expenses_finance: str = ""
    calendar: str = "local"
    caldav_url: str = ""
    caldav_user: str = ""
    caldav_password: str = field(default="", repr=False)
    google_credentials: str = ""
    google_calendar_url: str = "https://www.googleapis.com/calendar/v3"
    microsoft_tenant: str = ""
    microsoft_client_id: str = ""
    microsoft_client_secret: str = field(default="", repr=False)
    microsoft_login_url: str = "https://login.microsoftonline.com"
    microsoft_graph_url: str = "https://graph.microsoft.com/v1.0"
    smtp_url: str = field(default="", repr=False)
    smtp_from: str = ""
    meetings_hours: str = "Mon-Fri 09:00-17:00"
    meetings_notice_minutes: int = 15
    meetings_buffer_minutes: int = 0
    meetings_remind_minutes: int = 10
    meetings_rooms: str = ""
    meetings_link: str = ""
    conversation_tokens: int = 32_000
    conversation_turns: int = 100
    redis_url: str = field(default="", repr=False)
    redis_wait_replicas: int = 0
    redis_tls_verify: bool = True
    database_url: str = field(default="", repr=False)
    data_dir: Path = Path("data")
    host: str = "0.0.0.0"  # noqa: S104  # Slack and load balancers come from outside
    port: int = 3000
    worker_port: int = 0
    worker_turns: int = 256
    slack_pace: bool = True
    streaming: str = "auto"
    log_level: str = "INFO"
    log_text: bool = False

    def require_slack(self) -> None:
        """Raises SettingError unless events can be received and answered."""
        self.require_slack_token()
        if not self.slack_app_token and not self.slack_signing_secret:
            raise SettingError(
                "SLACK_APP_TOKEN",
                "is missing: it opens Socket Mode. For HTTP events set SLACK_SIGNING_SECRET instead.",
                f"Get it at {APPS_PAGE} → Basic Information → App-Level Tokens (connections:write).",
            )

    def require_slack_token(self) -> None:
        """Raises SettingError unless Slack can be called."""
        if not self.slack_bot_token:
            raise SettingError(
                "SLACK_BOT_TOKEN",
                "is missing: the bot speaks with it.",
                f"Get it at {APPS_PAGE} → OAuth & Permissions → Bot User OAuth Token.",
            )

    def require_openai(self) -> None:
        """Raises SettingError unless OpenAI can be called."""
        if not self.openai_api_key:
            raise SettingError(
                "OPENAI_API_KEY", "is missing: answers come from OpenAI.", "Get one at platform.openai.com/api-keys."
            )


def _address(raw: Mapping[str, str], name: str) -> str:
    value = raw.get(name, "")
    if value and not re.fullmatch(r"[^\s@<>,]+@[^\s@<>,]+", value):
        raise SettingError(name, "must be an e-mail address.", "See docs/settings.md.")
    return value


def _read_dotenv(path: Path) -> dict[str, str | None]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(str(path), "cannot be read as UTF-8 text.", "See .env.example.") from error
    for binding in parse_stream(StringIO(text)):
        if binding.error or (binding.key and binding.value is None):
            raise SettingError(str(path), f"line {binding.original.line} is not NAME=value.", "See .env.example.")
    return dotenv_values(stream=StringIO(text))


def read_settings(env: Mapping[str, str] | None = None, dotenv: Path | None = Path(".env")) -> Settings:
    """Settings from the environment over `.env`. Raises SettingError for the first one that is malformed."""
    file = _read_dotenv(dotenv) if dotenv and dotenv.is_file() else {}
    raw = {k: v.strip() for k, v in {**file, **(os.environ if env is None else env)}.items() if v and v.strip()}

    def prefixed(name: str, prefix: str, where: str) -> str:
        value = raw.get(name, "")
        if value and not value.startswith(prefix):
            raise SettingError(name, f"must start with {prefix}.", where)
        return value

    def url(name: str, schemes: tuple[str, ...], default: str = "") -> str:
        value = raw.get(name, default)
        if value and not value.startswith(tuple(f"{s}://" for s in schemes)):
            raise SettingError(
                name, f"must start with {' or '.join(f'{s}://' for s in schemes)}.", "See docs/settings.md."
            )
        return value

    def number(name: str, default: float, low: float, high: float) -> float:
        try:
            value = float(raw.get(name, default))
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise SettingError(name, f"must be a number from {low:g} to {high:g}.", "See docs/settings.md.")
        return value

    def whole(name: str, default: int, low: int, high: int) -> int:
        value = number(name, default, low, high)
        if not value.is_integer():
            raise SettingError(name, f"must be a whole number from {low} to {high}.", "See docs/settings.md.")
        return int(value)

    def one_of(name: str, default: str, words: tuple[str, ...]) -> str:
        value = raw.get(name, default).lower()
        if value not in words:
            raise SettingError(name, f"must be {', '.join(words[:-1])} or {words[-1]}.", "See docs/settings.md.")
        return value

    def flag(name: str, default: str, words: tuple[str, str]) -> bool:
        return one_of(name, default, words) == words[0]

    residency = raw.get("OPENAI_DATA_RESIDENCY", "")
    if residency and residency not in RESIDENCIES:
        raise SettingError(
            "OPENAI_DATA_RESIDENCY", f"must be one of {', '.join(RESIDENCIES)}.", "See docs/settings.md."
        )
    if residency and raw.get("OPENAI_BASE_URL"):
        raise SettingError("OPENAI_DATA_RESIDENCY", "excludes OPENAI_BASE_URL.", "Set one of the two.")
    approver, finance = raw.get("EXPENSES_APPROVER", ""), raw.get("EXPENSES_FINANCE", "")
    for name, ids in (("EXPENSES_APPROVER", [approver] if approver else []), ("EXPENSES_FINANCE", finance.split(","))):
        if not all(re.fullmatch(r"\s*([UW][A-Z0-9]+)?\s*", i) for i in ids):
            raise SettingError(
                name,
                "must be a Slack member id, such as U012AB3CD (several with commas in between).",
                "In Slack: the person's profile → ⋮ → Copy member ID.",
            )
    currency = raw.get("EXPENSES_CURRENCY", "EUR").upper()
    if not is_currency(currency):
        raise SettingError("EXPENSES_CURRENCY", "must be a currency's three-letter code, such as EUR.", "ISO 4217.")
    level = raw.get("LOG_LEVEL", "INFO").upper()
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise SettingError("LOG_LEVEL", "must be DEBUG, INFO, WARNING or ERROR.", "See docs/settings.md.")
    return Settings(
        slack_bot_token=prefixed("SLACK_BOT_TOKEN", "xoxb-", f"Get it at {APPS_PAGE} → OAuth & Permissions."),
        slack_app_token=prefixed("SLACK_APP_TOKEN", "xapp-", f"Get it at {APPS_PAGE} → Basic Information."),
        slack_signing_secret=raw.get("SLACK_SIGNING_SECRET", ""),
        slack_api_url=url("SLACK_API_URL", ("https", "http"), "https://slack.com/api/").rstrip("/") + "/",
        openai_api_key=raw.get("OPENAI_API_KEY", ""),
        openai_base_url=url("OPENAI_BASE_URL", ("https", "http")),
        openai_data_residency=residency,
        openai_model=raw.get("OPENAI_MODEL", "gpt-6.2-sol"),
        openai_small_model=raw.get("OPENAI_SMALL_MODEL", "gpt-6-luna"),
        openai_fallback_model=raw.get("OPENAI_FALLBACK_MODEL", "gpt-6-luna"),
        openai_vector_store_id=prefixed("OPENAI_VECTOR_STORE_ID", "vs_", "Leave it unset to have one made."),
        openai_transcribe_model=raw.get("OPENAI_TRANSCRIBE_MODEL", "gpt-transcribe"),
        openai_stall_seconds=number("OPENAI_STALL_SECONDS", 90, 0.1, 3600),
        openai_background=flag("OPENAI_BACKGROUND", "off", ("on", "off")),
        files_megabytes=whole("FILES_MEGABYTES", 200, 1, 512),
        files_keep_days=whole("FILES_KEEP_DAYS", 0, 0, 3650),
        files_left_hours=whole("FILES_LEFT_HOURS", 24, 0, 8760),
        expenses_currency=currency,
        expenses_policy=raw.get("EXPENSES_POLICY", ""),
        expenses_rates=raw.get("EXPENSES_RATES", ECB_RATES),
        expenses_approver=approver,
        expenses_manager_field=raw.get("EXPENSES_MANAGER_FIELD", "Manager"),
        expenses_remind_days=whole("EXPENSES_REMIND_DAYS", 3, 0, 365),
        expenses_finance=",".join(i.strip() for i in finance.split(",") if i.strip()),
        calendar=one_of("CALENDAR", "local", ("local", "caldav", "google", "microsoft")),
        caldav_url=url("CALDAV_URL", ("https", "http")),
        caldav_user=raw.get("CALDAV_USER", ""),
        caldav_password=raw.get("CALDAV_PASSWORD", ""),
        google_credentials=raw.get("GOOGLE_CREDENTIALS", ""),
        google_calendar_url=url(
            "GOOGLE_CALENDAR_URL", ("https", "http"), "https://www.googleapis.com/calendar/v3"
        ).rstrip("/"),
        microsoft_tenant=raw.get("MICROSOFT_TENANT", ""),
        microsoft_client_id=raw.get("MICROSOFT_CLIENT_ID", ""),
        microsoft_client_secret=raw.get("MICROSOFT_CLIENT_SECRET", ""),
        microsoft_login_url=url("MICROSOFT_LOGIN_URL", ("https",), "https://login.microsoftonline.com").rstrip("/"),
        microsoft_graph_url=url("MICROSOFT_GRAPH_URL", ("https", "http"), "https://graph.microsoft.com/v1.0").rstrip(
            "/"
        ),
        smtp_url=url("SMTP_URL", ("smtp", "smtps")),
        smtp_from=_address(raw, "SMTP_FROM"),
        meetings_hours=raw.get("MEETINGS_HOURS", "Mon-Fri 09:00-17:00"),
        meetings_notice_minutes=whole("MEETINGS_NOTICE_MINUTES", 15, 0, 10_080),
        meetings_buffer_minutes=whole("MEETINGS_BUFFER_MINUTES", 0, 0, 120),
        meetings_remind_minutes=whole("MEETINGS_REMIND_MINUTES", 10, 0, 1440),
        meetings_rooms=raw.get("MEETINGS_ROOMS", ""),
        meetings_link=url("MEETINGS_LINK", ("https", "http")),
        conversation_tokens=whole("CONVERSATION_TOKENS", 32_000, 100, 900_000),
        conversation_turns=whole("CONVERSATION_TURNS", 100, 2, 10_000),
        redis_url=url("REDIS_URL", ("redis", "rediss", "unix")),
        redis_wait_replicas=whole("REDIS_WAIT_REPLICAS", 0, 0, 10),
        redis_tls_verify=flag("REDIS_TLS_VERIFY", "on", ("on", "off")),
        database_url=raw.get("DATABASE_URL", ""),
        data_dir=Path(raw.get("DATA_DIR", "data")),
        host=raw.get("HOST", "0.0.0.0"),  # noqa: S104  # likewise
        port=whole("PORT", 3000, 0, 65535),
        worker_port=whole("WORKER_PORT", 0, 0, 65535),
        worker_turns=whole("WORKER_TURNS", 256, 1, 5000),
        streaming=one_of("STREAMING", "auto", ("auto", "edits", "native")),
        slack_pace=flag("SLACK_PACE", "on", ("on", "off")),
        log_level=level,
        log_text=flag("LOG_TEXT", "off", ("on", "off")),
    )
