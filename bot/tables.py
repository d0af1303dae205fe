"""The tables of the database. A change here needs a migration in bot/migrations/versions; a test compares the two."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Boolean, Column, DateTime, Dialect, Index, Integer, MetaData, Table, Text, TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC times. SQLite keeps no offset: without this it would give back naive ones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy passes it
        if value is not None and value.tzinfo is None:
            raise ValueError("a naive time would be read as UTC, which it may not be")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy passes it
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={"pk": "pk_%(table_name)s", "ix": "ix_%(table_name)s_%(column_0_N_name)s"},
)

# Usage of every turn, also of failed ones: they cost as well. `outcome` is answered, failed, refused, …; `thread` is the root's ts.
turns = Table(
    "turns",
    metadata,
    Column("team", Text, primary_key=True),
    Column("turn", Text, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("thread", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("model", Text, nullable=False),
    Column("input_tokens", Integer, nullable=False),
    Column("cached_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("reasoning_tokens", Integer, nullable=False),
    Column("tool_calls", Integer, nullable=False),
    Column("rounds", Integer, nullable=False),
    Column("edits", Integer, nullable=False),
    Column("first_token_ms", Integer),  # null: the turn ended before a token came
    Column("total_ms", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Index(None, "team", "started_at"),
    Index(None, "team", "person", "started_at"),
)

# What each turn asked its tools to do. call_ids change when a response is asked for again, so a call is known by its arguments:
# `arguments_hash` is the SHA-256 of their canonical JSON, `occurrence` counts identical calls in the turn.
journal = Table(
    "journal",
    metadata,
    Column("team", Text, primary_key=True),
    Column("turn", Text, primary_key=True),
    Column("tool", Text, primary_key=True),
    Column("arguments_hash", Text, primary_key=True),
    Column("occurrence", Integer, primary_key=True, autoincrement=False),
    Column("arguments", Text, nullable=False),  # JSON
    Column("response_id", Text, nullable=False),
    Column("call_id", Text, nullable=False),
    Column("outcome", Text),  # JSON; null: not known
    Column("created_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
)

# What people asked the assistant to keep in mind. `channel` is where: a note made in a DM must not surface in a channel.
notes = Table(
    "notes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("team", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("is_dm", Boolean, nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "team", "person"),
)
