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
    Column("searches", Integer, nullable=False, server_default="0"),  # OpenAI's own tools cost beside the tokens
    Column("computations", Integer, nullable=False, server_default="0"),
    Column("heard_seconds", Integer, nullable=False, server_default="0"),
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

# Files that people shared with the assistant, and those that an admin gave it. A row stands before anything is stored elsewhere, and goes last.
# The same content twice in one channel is stored once at OpenAI: two rows, one `search_file`. Never across channels: what a place may search
# is told by attributes of the stored file, and a name must not surface elsewhere.
files = Table(
    "files",
    metadata,
    Column("team", Text, primary_key=True),
    Column("channel", Text, primary_key=True),  # where it was shared; "" for the assistant's knowledge
    Column(
        "slack_file", Text, primary_key=True
    ),  # Slack's id; of knowledge from the command line one of ours (bot/files/knowledge.py)
    Column("thread", Text, nullable=False),  # the root's ts, "dm", or "" for knowledge
    Column("uploader", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("permalink", Text, nullable=False),
    Column("visibility", Text, nullable=False),  # place, workspace, everyone
    Column("kind", Text, nullable=False),  # text, table, image, scan, sound; "" while it is not known
    Column("state", Text, nullable=False),  # taking, ready, refused, going
    Column("reason", Text, nullable=False),  # of refused: a word for people
    Column("sha256", Text, nullable=False),  # of the content as Slack gave it
    Column("size", Integer, nullable=False),  # bytes
    Column("search_file", Text, nullable=False),  # OpenAI's file in the vector store; "" for none
    Column(
        "given_file", Text, nullable=False
    ),  # OpenAI's file that the model or its code is given: an image, the pages of a scan, a table
    Column("created_at", UtcDateTime, nullable=False),
    Column("checked_at", UtcDateTime, nullable=False),  # when Slack last had it
    Index(None, "team", "channel", "sha256"),
    Index(None, "team", "state"),
    Index(None, "search_file"),  # asked for by each answer that cites
    Index(None, "given_file"),
)

# What a conversation has been told, so that it is left behind when somebody is to read it who may not: `source` is channel:<id>,
# workspace (knowledge for full members), or file:<OpenAI's id>.
drawn = Table(
    "drawn",
    metadata,
    Column("team", Text, primary_key=True),
    Column("conversation", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Index(None, "team", "source"),
)

# Files that the model's code made, on their way into a thread: `slack_file` is set before Slack is told to share it.
made_files = Table(
    "made_files",
    metadata,
    Column("team", Text, primary_key=True),
    Column("turn", Text, primary_key=True),
    Column("container_file", Text, primary_key=True),  # OpenAI's id of it
    Column("slack_file", Text, nullable=False),  # "" while it is not uploaded
    Column("shared", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "team", "container_file"),
)
