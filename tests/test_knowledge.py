"""Knowledge from the command line: what each file comes to, and what OpenAI has of it then."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from bot.cli import _parser
from bot.errors import FileRefused
from bot.files import shelf
from bot.knowledge_cli import knowledge
from bot.settings import Settings
from playground.openai import OpenAIServer
from playground.slack import SlackServer
from tests.housekeeping_world import TEAM, World, world_of


def picture() -> bytes:
    """A small PNG."""
    held = BytesIO()
    Image.new("RGB", (8, 8)).save(held, "PNG")
    return held.getvalue()


@pytest.fixture
async def world(settings: Settings, slack: SlackServer, ai: OpenAIServer) -> AsyncIterator[World]:
    """What the command line works on."""
    async with world_of(settings, slack, ai) as world:
        yield world


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two documents, one in a folder of its own."""
    made = tmp_path / "policies"
    (made / "travel").mkdir(parents=True)
    (made / "travel" / "hotels.md").write_text("160 EUR a night in Lisbon.")
    (made / "leave.txt").write_text("Thirty days of leave.")
    (made / ".hidden.md").write_text("Not for anybody.")
    return made


async def assist(settings: Settings, capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, list[str]]:
    """`assist knowledge …`: the exit code, and what was printed without the columns' width."""
    args = _parser().parse_args(["knowledge", *map(str, words)])
    code = await knowledge(settings, args)
    return code, [" ".join(line.split()) for line in capsys.readouterr().out.splitlines() if not line.startswith("20")]


async def shelved(world: World) -> list[tuple[str, str]]:
    return [(f.name, f.visibility) for f in (await shelf.read(world.redis, TEAM)).files]


async def test_a_file_is_added_once_replaced_when_it_changes_and_removed(
    world: World, settings: Settings, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "leave.txt"
    assert await assist(settings, capsys, "add", file) == (0, ["added leave.txt"])
    (first,) = await world.stored()
    assert await assist(settings, capsys, "add", file) == (0, ["unchanged leave.txt"])
    assert set(await world.stored()) == {first}
    file.write_text("Thirty-one days of leave.")
    assert await assist(settings, capsys, "add", file) == (0, ["replaced leave.txt"])
    (second,) = await world.stored()
    assert second != first
    assert await world.searchable() == {"leave.txt"}
    code, (line, count) = await assist(settings, capsys, "list")
    assert (code, count) == (0, "1 file(s)")
    assert line.startswith("leave.txt full members 1 KB ")
    assert await shelved(world) == [("leave.txt", "workspace")]
    assert await assist(settings, capsys, "remove", "leave.txt") == (0, ["removed leave.txt"])
    assert await world.stored() == {}
    assert await world.rows() == []
    assert await shelved(world) == []


async def test_another_visibility_is_another_version(
    world: World, settings: Settings, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await assist(settings, capsys, "add", folder / "leave.txt")
    code, lines = await assist(settings, capsys, "add", folder / "leave.txt", "--visibility", "everyone")
    assert (code, lines) == (0, ["replaced leave.txt"])
    (row,) = await world.rows()
    (entry,) = [e async for e in world.llm.client.vector_stores.files.list(await world.library.store.id(TEAM))]
    assert row.visibility == entry.attributes["visibility"] == "everyone"  # type: ignore[index]  # every entry of ours has some
    assert row.channel == entry.attributes["channel"] == ""  # type: ignore[index]  # likewise


async def test_each_file_that_cannot_be_used_has_its_word_and_the_others_are_added(
    world: World, settings: Settings, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "logo.png").write_bytes(picture())
    (folder / "empty.txt").write_bytes(b"")
    names = ("logo.png", "empty.txt", "nowhere.txt", "leave.txt")
    code, lines = await assist(settings, capsys, "add", *(folder / n for n in names))
    assert code == 1
    assert lines[0] == "skipped logo.png: it holds no text that could be searched"
    assert lines[1].startswith("skipped empty.txt: ")
    assert "empty" in lines[1].split(":")[1]
    assert lines[2:] == ["skipped nowhere.txt: it cannot be read (No such file or directory)", "added leave.txt"]
    assert set((await world.stored()).values()) == {"leave.txt"}, "nothing of the others is left"
    assert [r.name for r in await world.rows()] == ["leave.txt"]
    code, lines = await assist(settings, capsys, "remove", "nowhere.txt", "leave.txt")
    assert code == 1
    assert lines == ["not there nowhere.txt; `assist knowledge list` shows what is", "removed leave.txt"]


async def test_a_changed_file_that_is_refused_leaves_the_old_one(world: World, folder: Path) -> None:
    file = folder / "leave.txt"
    await world.knowledge.take_local(file, "leave.txt", team=TEAM, visibility="workspace")
    file.write_bytes(picture())
    with pytest.raises(FileRefused):
        await world.knowledge.take_local(file, "leave.txt", team=TEAM, visibility="workspace")
    assert len(await world.stored()) == len(await world.rows()) == 1
    assert await world.searchable() == {"leave.txt"}


async def test_a_folder_is_followed_and_what_came_from_elsewhere_stays(
    world: World, settings: Settings, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    handbook = tmp_path / "handbook.md"
    handbook.write_text("How we work.")
    await assist(settings, capsys, "add", handbook)
    first = await assist(settings, capsys, "sync", folder)
    assert first == (0, ["added leave.txt", "added travel/hotels.md"])
    (folder / "travel" / "hotels.md").unlink()
    (folder / "travel" / "trains.md").write_text("First class from four hours on.")
    (folder / "leave.txt").write_text("Thirty-two days of leave.")
    second = await assist(settings, capsys, "sync", folder)
    assert second == (0, ["replaced leave.txt", "added travel/trains.md", "removed travel/hotels.md"])
    assert sorted(r.name for r in await world.rows()) == ["handbook.md", "leave.txt", "travel/trains.md"]
    assert len(await world.stored()) == 3
    assert not [r for r in await world.rows() if str(tmp_path) in str(r)], "no path of this machine goes to OpenAI"


def emptied(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


@pytest.mark.parametrize("name", ["nowhere", "empty"])
async def test_a_folder_that_is_not_there_or_empty_removes_nothing(
    world: World, settings: Settings, folder: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    await assist(settings, capsys, "sync", folder)
    await asyncio.to_thread(emptied, folder)
    code, lines = await assist(settings, capsys, "sync", folder if name == "empty" else folder / name)
    assert code == 1
    assert "Nothing was changed." in lines[0]
    assert len(await world.rows()) == 2


async def test_while_openai_is_away_the_file_fails_and_can_be_added_again(
    world: World, settings: Settings, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.ai.faults.add("/files", status=503, times=1)
    code, lines = await assist(settings, capsys, "add", folder / "leave.txt")
    assert code == 1
    assert lines[0].startswith("failed leave.txt: ")
    assert await shelved(world) == []
    code, lines = await assist(settings, capsys, "add", folder / "leave.txt")
    assert code == 0
    assert len(await world.stored()) == 1


async def test_two_that_add_the_same_file_store_it_once(world: World, folder: Path) -> None:
    async def add() -> str:
        record = await world.knowledge.take_local(folder / "leave.txt", "leave.txt", team=TEAM, visibility="workspace")
        return record.search_file

    one, two = await asyncio.gather(add(), add())
    assert one == two
    assert set(await world.stored()) == {one}


async def test_a_wrong_key_or_token_is_said_in_words(
    settings: Settings, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for change, word in (({"slack_bot_token": "xoxb-wrong"}, "invalid_auth"), ({"openai_api_key": "wrong"}, "OpenAI")):
        code, lines = await assist(replace(settings, **change), capsys, "add", folder / "leave.txt")  # type: ignore[arg-type]  # a table of settings
        assert code == 1
        assert word in " ".join(lines)
        assert "Traceback" not in " ".join(lines)


async def test_the_command_itself(settings: Settings, folder: Path, world: World) -> None:
    given = {
        "SLACK_BOT_TOKEN": settings.slack_bot_token,
        "SLACK_API_URL": settings.slack_api_url,
        "OPENAI_API_KEY": settings.openai_api_key,
        "OPENAI_BASE_URL": settings.openai_base_url,
        "REDIS_URL": settings.redis_url,
        "DATA_DIR": str(settings.data_dir),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "knowledge", "sync", str(folder), "--visibility", "everyone",
        env=os.environ | given, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, err.decode()
    assert [" ".join(line.split()) for line in out.decode().splitlines()] == [
        "added leave.txt",
        "added travel/hotels.md",
    ]
    assert {r.visibility for r in await world.rows()} == {"everyone"}
