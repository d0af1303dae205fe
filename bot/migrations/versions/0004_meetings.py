"""Meetings, when their attendees are busy, what was done to them, and when people work."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

TIME = sa.DateTime(timezone=True)


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def upgrade() -> None:
    op.create_table(
        "meeting_books",
        *_texts("team"),
        sa.Column("last_meeting", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("team", name="pk_meeting_books"),
    )
    op.create_table(
        "meetings",
        *_texts("team"),
        sa.Column("number", sa.Integer, nullable=False),
        *_texts("uid", "organizer", "state"),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        *_texts("wish", "offer"),
        sa.Column("start_at", TIME),
        sa.Column("end_at", TIME),
        *_texts("zone", "channel", "thread"),
        sa.Column("entered", sa.Integer, nullable=False),
        *_texts("ref", "page", "link", "problem"),
        sa.Column("at_once", sa.Boolean, nullable=False),
        sa.Column("reminded_at", TIME),
        sa.Column("looked_at", TIME),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("team", "number", name="pk_meetings"),
    )
    op.create_index("ix_meetings_team_state_end_at", "meetings", ["team", "state", "end_at"])
    op.create_index("ix_meetings_team_organizer", "meetings", ["team", "organizer"])
    op.create_table(
        "meeting_times",
        *_texts("team"),
        sa.Column("meeting", sa.Integer, nullable=False),
        *_texts("attendee"),
        sa.Column("start_at", TIME, nullable=False),
        sa.Column("end_at", TIME, nullable=False),
        sa.Column("busy", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("team", "meeting", "attendee", "start_at", name="pk_meeting_times"),
    )
    op.create_index("ix_meeting_times_team_attendee_end_at", "meeting_times", ["team", "attendee", "end_at"])
    op.create_index("ix_meeting_times_team_start_at", "meeting_times", ["team", "start_at"])
    op.create_table(
        "meeting_events",
        sa.Column("id", sa.Integer, nullable=False),
        *_texts("team"),
        sa.Column("meeting", sa.Integer, nullable=False),
        sa.Column("at", TIME, nullable=False),
        *_texts("actor", "action", "detail", "cause"),
        sa.PrimaryKeyConstraint("id", name="pk_meeting_events"),
    )
    op.create_index("ix_meeting_events_team_meeting", "meeting_events", ["team", "meeting"])
    op.create_index("ix_meeting_events_team_cause", "meeting_events", ["team", "cause"])
    op.create_table(
        "working_hours",
        *_texts("team", "person", "hours"),
        sa.Column("changed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("team", "person", name="pk_working_hours"),
    )
