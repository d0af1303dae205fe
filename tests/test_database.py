"""The database as the rest of the bot meets it: files on disk, several processes, and PostgreSQL where a server is at hand."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, insert, inspect, select, text, update
from sqlalchemy.exc import StatementError

from bot.access import Searchable
from bot.database import default_url, make_engine, migrate, open_database
from bot.drawn import Drawn
from bot.errors import Retryable, SettingError
from bot.files.rows import PLACE, Rows, new_record
from bot.tables import journal, metadata, notes

NOW = datetime(2026, 11, 22, 9, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
NOTE = {"team": "T1", "person": "U1", "channel": "C1", "is_dm": False, "text": "likes tea", "created_at": NOW}


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Nothing is there yet: here the migrations make the tables."""
    return default_url(tmp_path / "made on demand")


@pytest.fixture(scope="session")
def postgresql_template() -> str:
    """As above."""
    return "template1"


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    keys = {  # Alembic does not compare primary keys
        table.name: (made, wanted)
        for table in metadata.sorted_tables
        if (made := inspect(connection).get_pk_constraint(table.name)["constrained_columns"])
        != (wanted := [column.name for column in table.primary_key])
    }
    return [*compare_metadata(context, metadata), *keys.items()]


async def test_the_migrated_schema_is_that_of_the_tables(url: str) -> None:
    async with open_database(url) as db, db.read() as connection:
        assert await connection.run_sync(differences) == []


async def test_migrating_again_changes_nothing_and_keeps_the_rows(url: str) -> None:
    async with open_database(url) as db:
        async with db.begin() as connection:
            await connection.execute(insert(notes).values(NOTE))
        await migrate(db.engine)
    async with open_database(url) as db, db.read() as connection:
        assert (await connection.execute(select(notes.c.text))).scalars().all() == ["likes tea"]


async def test_times_come_back_aware_and_in_utc(url: str) -> None:
    async with open_database(url) as db:
        async with db.begin() as connection:
            await connection.execute(insert(notes).values(NOTE))
        async with db.read() as connection:
            got = (await connection.execute(select(notes.c.created_at))).scalar_one()
    assert got == NOW
    assert got.tzinfo is UTC


async def test_a_naive_time_is_not_stored(url: str) -> None:
    async with open_database(url) as db:
        with pytest.raises(StatementError, match="naive"):
            async with db.begin() as connection:
                await connection.execute(insert(notes).values({**NOTE, "created_at": NOW.replace(tzinfo=None)}))


async def test_an_error_does_not_tell_what_was_written(url: str) -> None:
    async with open_database(url) as db:
        with pytest.raises(StatementError) as caught:
            async with db.begin() as connection:
                await connection.execute(
                    insert(notes).values({**NOTE, "text": "a secret", "created_at": NOW.replace(tzinfo=None)})
                )
    assert "a secret" not in str(caught.value)


async def test_an_error_undoes_the_transaction(url: str) -> None:
    async with open_database(url) as db:
        with pytest.raises(RuntimeError):  # noqa: PT012  # the error has to come from inside the transaction
            async with db.begin() as connection:
                await connection.execute(insert(notes).values(NOTE))
                raise RuntimeError("the tool failed")
        async with db.read() as connection:
            assert (await connection.execute(select(func.count()).select_from(notes))).scalar_one() == 0


async def test_transactions_that_read_then_write_wait_for_each_other(sqlite_url: str) -> None:
    async with open_database(sqlite_url) as db:
        async with db.begin() as connection:
            await connection.execute(insert(notes).values({**NOTE, "text": "0"}))

        async def count_up() -> None:
            async with db.begin() as connection:
                value = int((await connection.execute(select(notes.c.text))).scalar_one())
                await asyncio.sleep(0.001)
                await connection.execute(update(notes).values(text=str(value + 1)))

        await asyncio.gather(*(count_up() for _ in range(20)))
        async with db.read() as connection:
            assert (await connection.execute(select(notes.c.text))).scalar_one() == "20"


async def test_readers_do_not_wait_for_a_writer(url: str) -> None:
    async with open_database(url) as db, db.begin() as writer:
        await writer.execute(insert(notes).values(NOTE))
        async with asyncio.timeout(2), db.read() as reader:
            assert (await reader.execute(select(func.count()).select_from(notes))).scalar_one() == 0


async def test_the_same_call_is_journalled_once(url: str) -> None:
    call = {"team": "T1", "turn": "t", "tool": "x", "arguments_hash": "h", "occurrence": 0, "arguments": "{}"}
    row = {**call, "response_id": "resp_1", "call_id": "call_1", "created_at": NOW}
    async with open_database(url) as db:
        async with db.begin() as connection:
            await connection.execute(insert(journal).values(row))
        with pytest.raises(Exception, match=r"(?i)unique"):
            async with db.begin() as connection:
                await connection.execute(insert(journal).values({**row, "call_id": "call_2"}))
        async with db.begin() as connection:
            await connection.execute(insert(journal).values({**row, "occurrence": 1}))


async def test_processes_that_start_together_all_find_the_tables(url: str) -> None:
    script = (
        "import asyncio, sys; from sqlalchemy import select; from bot.database import open_database; from bot.tables import notes\n"
        "async def main():\n"
        "    async with open_database(sys.argv[1]) as db, db.read() as connection:\n"
        "        print((await connection.execute(select(notes))).all())\n"
        "asyncio.run(main())"
    )
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, url, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        for _ in range(4)
    ]
    said = await asyncio.gather(*(process.communicate() for process in processes))
    assert [out for out, _ in said] == [b"[]\n"] * 4


async def test_a_database_of_a_newer_version_is_left_alone(sqlite_url: str) -> None:
    async with open_database(sqlite_url) as db, db.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SettingError, match=r"DATABASE_URL.*newer version"):
        async with open_database(sqlite_url):
            pass


@pytest.mark.parametrize(
    "wrong", ["", "nonsense", "mysql://root@localhost/x", "sqlite://", "sqlite+aiosqlite:///:memory:"]
)
async def test_a_wrong_url_is_named(wrong: str) -> None:
    with pytest.raises(SettingError, match="DATABASE_URL"):
        async with open_database(wrong):
            pass


@pytest.mark.parametrize("unusable", ["sqlite:////proc/none/assist.db", "postgresql://u:secret@127.0.0.1:1/x"])
async def test_a_database_that_cannot_be_opened_is_named_without_its_password(unusable: str) -> None:
    with pytest.raises(SettingError, match="DATABASE_URL") as caught:
        async with open_database(unusable):
            pass
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_the_providers_spellings_of_postgresql_are_understood(scheme: str) -> None:
    engine = make_engine(f"{scheme}://u:p@db.example/x")
    assert engine.url.render_as_string(hide_password=False) == "postgresql+psycopg://u:p@db.example/x"


async def test_what_runs_note_at_once_as_drawn_on_is_noted_once_and_whole(url: str) -> None:
    async with open_database(url) as db:
        noting = (Drawn(db, "T1", "conv_1").on(*(f"channel:C{n}" for n in range(k, 40 + k))) for k in range(8))
        await asyncio.gather(*noting)
        first = Drawn(db, "T1", "conv_1")
        await first.on("workspace")
        await first.pass_on("conv_2")
        assert await Drawn(db, "T1", "conv_2").all() == await first.all()
        assert set(await first.all()) == {*(f"channel:C{n}" for n in range(47)), "workspace"}


async def test_the_newest_files_are_found_by_what_their_names_hold(url: str) -> None:
    async with open_database(url) as db:
        rows = Rows(db)
        for name in ("Report 100%.pdf", "Ärzte.md", "other.txt"):
            await rows.add(new_record("T1", "C1", f"F{name}", "", name, PLACE))
        here = Searchable(("C1",), workspace=False)
        for wanted, name in (("REPORT 100%", "Report 100%.pdf"), ("ärzte", "Ärzte.md"), ("_", "")):
            assert [r.name for r in await rows.listed("T1", here, name=wanted)] == [name] * bool(name)


async def test_a_connection_that_nobody_gives_back_in_time_is_tried_for_again_later(sqlite_url: str) -> None:
    async with open_database(sqlite_url) as database, AsyncExitStack() as held:
        database.engine.pool._timeout = 0.1  # type: ignore[attr-defined]  # half a minute otherwise
        for _ in range(10):
            await held.enter_async_context(database.read())
        with pytest.raises(Retryable):
            async with database.read():
                pass
