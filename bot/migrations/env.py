"""Alembic's entry: runs the migrations on the connection, and inside the transaction, that bot.database.migrate holds."""

from __future__ import annotations

from alembic import context

from bot.tables import metadata

# The caller's transaction is the only one: a start that is killed half-way leaves the schema as it was, on SQLite too.
context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
