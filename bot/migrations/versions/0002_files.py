"""Files, what conversations have drawn on, files that the model's code made, and how often OpenAI's own tools ran."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for name in ("searches", "computations", "heard_seconds"):
        op.add_column("turns", sa.Column(name, sa.Integer, nullable=False, server_default="0"))
    op.create_table(
        "files",
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("slack_file", sa.Text, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("uploader", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("permalink", sa.Text, nullable=False),
        sa.Column("visibility", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("search_file", sa.Text, nullable=False),
        sa.Column("given_file", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("team", "channel", "slack_file", name="pk_files"),
    )
    op.create_index("ix_files_team_channel_sha256", "files", ["team", "channel", "sha256"])
    op.create_index("ix_files_team_state", "files", ["team", "state"])
    op.create_index("ix_files_search_file", "files", ["search_file"])
    op.create_index("ix_files_given_file", "files", ["given_file"])
    op.create_table(
        "drawn",
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("conversation", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("team", "conversation", "source", name="pk_drawn"),
    )
    op.create_index("ix_drawn_team_source", "drawn", ["team", "source"])
    op.create_table(
        "made_files",
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("turn", sa.Text, nullable=False),
        sa.Column("container_file", sa.Text, nullable=False),
        sa.Column("slack_file", sa.Text, nullable=False),
        sa.Column("shared", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("team", "turn", "container_file", name="pk_made_files"),
    )
    op.create_index("ix_made_files_team_container_file", "made_files", ["team", "container_file"])
