"""The tables of the database. A change here needs a migration in bot/migrations/versions; a test compares the two."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)


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

# -- expenses (bot/expenses/). Amounts are integers in the currency's smallest unit; rates are decimal numbers as text. ----

# The last number given, and the end of the audit chain, of each workspace. Who changes anything of expenses locks this row first, so numbers and chain have no gaps.
expense_books = Table(
    "expense_books",
    metadata,
    Column("team", Text, primary_key=True),
    Column("last_expense", Integer, nullable=False),
    Column("last_report", Integer, nullable=False),
    Column("last_event", Integer, nullable=False),
    Column("last_hash", Text, nullable=False),
)

expenses = Table(
    "expenses",
    metadata,
    Column("team", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("owner", Text, nullable=False),
    Column("state", Text, nullable=False),  # bot/expenses/values.py has the states
    Column("version", Integer, nullable=False),
    Column("source", Text, nullable=False),  # file, words, form
    Column("merchant", Text, nullable=False),
    Column("spent_on", Date),
    Column("minor", BigInteger),
    Column("currency", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("details", Text, nullable=False),  # JSON: the rest of Details
    Column("home_minor", BigInteger),
    Column("home_currency", Text, nullable=False),
    Column("rate", Text, nullable=False),
    Column("rate_on", Date),
    Column("rate_source", Text, nullable=False),
    Column("read", Text, nullable=False),  # JSON: field → value, confidence, evidence
    Column("receipt", Text, nullable=False),  # SHA-256 of the original; "" for none
    Column(
        "receipt_name", Text, nullable=False
    ),  # as this expense's owner called the file: another one's name for it is not theirs to see
    Column("receipt_file", Text, nullable=False),  # Slack's id of it
    Column("part", Integer, nullable=False),
    Column("notes", Text, nullable=False),  # JSON: what the policy said at the last change
    Column("asks", Text, nullable=False),  # JSON: fields that are missing or doubtful
    Column("doubts", Text, nullable=False),  # JSON: fields whose reading is doubtful
    Column("report", Integer),
    Column("twin", Integer),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Index(None, "team", "owner", "spent_on"),
    Index(None, "team", "report"),
    Index(None, "team", "receipt"),
    Index(None, "team", "state"),
)

# The originals, unchanged. In the database, so that keeping one and what is read from it is one step, and every machine has it.
receipts = Table(
    "receipts",
    metadata,
    Column("team", Text, primary_key=True),
    Column("sha256", Text, primary_key=True),
    Column("form", Text, nullable=False),  # a format of bot/files/kinds.py: pdf, jpeg, …
    Column("size", Integer, nullable=False),  # bytes
    Column("content", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

reports = Table(
    "reports",
    metadata,
    Column("team", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("owner", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("approvers", Text, nullable=False),  # Slack ids in their order, parted by spaces
    Column("step", Integer, nullable=False),
    Column("approver", Text, nullable=False),  # whose decision it waits for; "" for nobody's
    Column("reason", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("submitted_at", UtcDateTime),
    Column("decided_at", UtcDateTime),
    Column("reminded_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Index(None, "team", "owner"),
    Index(None, "team", "approver"),
    Index(None, "team", "state", "decided_at"),
)

# Every change, for good: `hash` is the SHA-256 of the event and of the hash of the one before (bot/expenses/books/audit.py).
expense_events = Table(
    "expense_events",
    metadata,
    Column("team", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),  # E-17, R-3
    Column("before", Text, nullable=False),  # JSON
    Column("after", Text, nullable=False),  # JSON
    Column("cause", Text, nullable=False),  # the press, form or command; "" for a tool
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index(None, "team", "cause"),
)

# What is to stand in people's direct messages: cards that are kept true, words that are said once, files. Written with the change that it tells of, and
# brought to Slack afterwards (bot/delivery/delivery.py), so that no word is lost and none is said twice.
outgoing = Table(
    "outgoing",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("team", Text, nullable=False),
    Column("person", Text, nullable=False),  # or a channel, an address, the subject itself: bot/delivery/outgoing.py
    Column("kind", Text, nullable=False),  # card, word, file; event, mail
    Column("subject", Text, nullable=False),  # E-17, R-3
    Column(
        "key", Text, nullable=False
    ),  # of a word or a file: what makes it this one, so that it is noted once; of a card in a channel: the thread's ts
    Column("body", Text, nullable=False),  # a word's mrkdwn; a file's format: pdf, xlsx, csv
    Column("wanted", Integer, nullable=False),  # grows with each change of a card's subject; 1 for the others
    Column("shown", Integer, nullable=False),  # what Slack has; 0 before the first time
    Column("channel", Text, nullable=False),
    Column("ts", Text, nullable=False),
    Column("slack_file", Text, nullable=False),
    Column("posting", Boolean, nullable=False),  # a post was begun, and nobody noted its end
    Column("tries", Integer, nullable=False),
    Column(
        "due_at", UtcDateTime, nullable=False
    ),  # not before that; a delivery that was begun is due again when its worker may have died
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "team", "person", "kind", "subject", "key", unique=True),
    Index(None, "team", "due_at"),
)

# -- meetings (bot/meetings/) ------------------------------------------------------------------------------------------

# The last number given in each workspace. Who changes any meeting locks this row first: so two who book the same person at once come one after the other.
meeting_books = Table(
    "meeting_books",
    metadata,
    Column("team", Text, primary_key=True),
    Column("last_meeting", Integer, nullable=False),
)

meetings = Table(
    "meetings",
    metadata,
    Column("team", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("uid", Text, nullable=False),  # RFC 5545's: the same for good, in whatever calendar
    Column("organizer", Text, nullable=False),
    Column("state", Text, nullable=False),  # bot/meetings/values.py has the states
    Column("version", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("wish", Text, nullable=False),  # JSON: title, attendees with their answers, minutes, window, repeat, …
    Column("offer", Text, nullable=False),  # JSON; "" for none
    Column("start_at", UtcDateTime),
    Column("end_at", UtcDateTime),
    Column("zone", Text, nullable=False),
    Column("channel", Text, nullable=False),  # the thread that shows its card; "" for none
    Column("thread", Text, nullable=False),
    Column("entered", Integer, nullable=False),  # the sequence that the calendar has; -1 for none
    Column("ref", Text, nullable=False),
    Column("page", Text, nullable=False),
    Column("link", Text, nullable=False),
    Column("problem", Text, nullable=False),
    Column("at_once", Boolean, nullable=False),
    Column("reminded_at", UtcDateTime),  # the start of the occurrence that was reminded of last
    Column("looked_at", UtcDateTime),  # when the calendar was last asked how it stands there
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Index(None, "team", "state", "end_at"),
    Index(None, "team", "organizer"),
)

# When attendees of booked meetings are busy, and when draft or booked ones concern them: a row for each occurrence (the first hundred) and attendee.
meeting_times = Table(
    "meeting_times",
    metadata,
    Column("team", Text, primary_key=True),
    Column("meeting", Integer, primary_key=True, autoincrement=False),
    Column("attendee", Text, primary_key=True),  # Slack's id, or an address
    Column("start_at", UtcDateTime, primary_key=True),
    Column("end_at", UtcDateTime, nullable=False),
    Column("busy", Boolean, nullable=False),  # False: they have declined
    Index(None, "team", "attendee", "end_at"),
    Index(None, "team", "start_at"),
)

# What was done to meetings, by whom; `cause` keeps a press from being done twice.
meeting_events = Table(
    "meeting_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("team", Text, nullable=False),
    Column("meeting", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),  # Slack's id; "calendar" for what was seen there
    Column("action", Text, nullable=False),
    Column("detail", Text, nullable=False),  # JSON: times, sequence; no titles
    Column("cause", Text, nullable=False),  # the press, form or command; "" for a tool
    Index(None, "team", "meeting"),
    Index(None, "team", "cause"),
)

# When people work, where they have told: JSON of bot/meetings/hours.py. Slack's zone and MEETINGS_HOURS count for others.
working_hours = Table(
    "working_hours",
    metadata,
    Column("team", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("hours", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)
