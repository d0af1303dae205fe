"""Structured logs: one JSON object a line on stdout. Secrets never reach a line, whoever wrote it."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import structlog

SECRET = re.compile(r"\b(xox[a-z]-|xapp-|sk-)[\w-]+|(?<=://)[^/@\s:]*:[^/@\s]+(?=@)")
OURS = ("bot", "handlers", "playground")
QUOTING = ("caldav",)  # warns with pieces of what the server sent: titles and addresses of people's events


def set_up_logs(level: str) -> None:
    """Sends our lines, and the libraries' warnings, to stdout as JSON."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _redact,
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ],
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    handler.addFilter(_ours_or_grave)
    logging.basicConfig(handlers=[handler], level=level, force=True)


def _ours_or_grave(record: logging.LogRecord) -> bool:
    """Libraries log payloads and SQL parameters below WARNING. Their loggers' own levels would not do: Bolt sets its anew."""
    if record.name.startswith("slack_bolt") and "`token` will be unused" in record.getMessage():
        return False  # Bolt finds SLACK_BOT_TOKEN in the environment by itself, and says that our client comes first
    whose = record.name.split(".")[0]
    return whose in OURS or (record.levelno >= logging.WARNING and whose not in QUOTING)


def _redact(_: Any, __: str, event: Any) -> Any:
    """Blanks tokens, keys and the passwords in URLs, in every string of a line."""
    return {k: SECRET.sub("•••", v) if isinstance(v, str) else v for k, v in event.items()}
