"""Expenses and reports, their originals and audit events, and what is to be brought to people's direct messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "expense_books",
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("last_expense", sa.Integer, nullable=False),
        sa.Column("last_report", sa.Integer, nullable=False),
        sa.Column("last_event", sa.Integer, nullable=False),
        sa.Column("last_hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("team", name="pk_expense_books"),
    )
    op.create_table(
        "expenses",
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("merchant", sa.Text, nullable=False),
        sa.Column("spent_on", sa.Date),
        sa.Column("minor", sa.BigInteger),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("home_minor", sa.BigInteger),
        sa.Column("home_currency", sa.Text, nullable=False),
        sa.Column("rate", sa.Text, nullable=False),
        sa.Column("rate_on", sa.Date),
        sa.Column("rate_source", sa.Text, nullable=False),
        sa.Column("read", sa.Text, nullable=False),
        sa.Column("receipt", sa.Text, nullable=False),
        sa.Column("receipt_name", sa.Text, nullable=False),
        sa.Column("receipt_file", sa.Text, nullable=False),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("asks", sa.Text, nullable=False),
        sa.Column("doubts", sa.Text, nullable=False),
        sa.Column("report", sa.Integer),
        sa.Column("twin", sa.Integer),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("team", "number", name="pk_expenses"),
    )
    op.create_index("ix_expenses_team_owner_spent_on", "expenses", ["team", "owner", "spent_on"])
    op.create_index("ix_expenses_team_receipt", "expenses", ["team", "receipt"])
    op.create_index("ix_expenses_team_report", "expenses", ["team", "report"])
    op.create_index("ix_expenses_team_state", "expenses", ["team", "state"])
    op.create_table(
        "receipts",
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("form", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("team", "sha256", name="pk_receipts"),
    )
    op.create_table(
        "reports",
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("approvers", sa.Text, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("approver", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True)),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("reminded_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("team", "number", name="pk_reports"),
    )
    op.create_index("ix_reports_team_approver", "reports", ["team", "approver"])
    op.create_index("ix_reports_team_owner", "reports", ["team", "owner"])
    op.create_index("ix_reports_team_state_decided_at", "reports", ["team", "state", "decided_at"])
    op.create_table(
        "expense_events",
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("team", "number", name="pk_expense_events"),
    )
    op.create_index("ix_expense_events_team_cause", "expense_events", ["team", "cause"])
    op.create_table(
        "outgoing",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("wanted", sa.Integer, nullable=False),
        sa.Column("shown", sa.Integer, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("ts", sa.Text, nullable=False),
        sa.Column("slack_file", sa.Text, nullable=False),
        sa.Column("posting", sa.Boolean, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outgoing"),
    )
    op.create_index("ix_outgoing_team_due_at", "outgoing", ["team", "due_at"])
    op.create_index(
        "ix_outgoing_team_person_kind_subject_key",
        "outgoing",
        ["team", "person", "kind", "subject", "key"],
        unique=True,
    )
