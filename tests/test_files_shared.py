"""Files that people share in the playground's Slack: what Slack says of them, and what comes when they are fetched."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.errors import FileRefused
from bot.files.download import Downloads
from bot.files.slack_file import look
from bot.pace import Pace
from bot.slack import Slack, connect_slack
from playground.slack import SlackServer

MOST = 1_000_000


@pytest.fixture
async def client(slack: SlackServer) -> AsyncIterator[Slack]:
    async with connect_slack(slack.bot_token, slack.api_url, Pace(None, "")) as client:
        yield client


def shared(slack: SlackServer, name: str, content: bytes) -> str:
    """Ana shares a file in #general; its id."""
    file = slack.workspace.add_file("ana", name, content)
    slack.workspace.say("ana", "general", "see", files=[file])
    return file.id


def downloads_of(slack: SlackServer, folder: Path) -> Downloads:
    return Downloads(slack.bot_token, slack.api_url, folder, MOST)


async def test_a_shared_file_is_fetched_whole_and_gone_afterwards(
    slack: SlackServer, client: Slack, tmp_path: Path
) -> None:
    content = os.urandom(700_000)
    file = await look(client, shared(slack, "Bericht für März.pdf", content))
    assert (file.name, file.size, file.uploader) == (
        "Bericht für März.pdf",
        700_000,
        slack.workspace.person("ana").id,
    )
    assert file.channels == (slack.workspace.channel("general").id,)
    async with downloads_of(slack, tmp_path / "tmp").fetch(file.url, expected_size=file.size) as download:
        assert download.path.read_bytes() == content
        assert (download.size, download.sha256) == (700_000, hashlib.sha256(content).hexdigest())
        assert download.head == content[:8192]
        beside = download.path.parent / "made of it"
        beside.write_text("x")
    assert not download.path.parent.exists()


async def test_a_missing_scope_is_told_to_the_person_and_by_its_name_to_the_operator(
    slack: SlackServer, client: Slack, tmp_path: Path
) -> None:
    file = await look(client, shared(slack, "policy secret.pdf", b"%PDF-1.7 " + b"x" * 500))
    slack.scopes -= {"files:read"}
    with capture_logs() as logs, pytest.raises(FileRefused) as caught:
        async with downloads_of(slack, tmp_path).fetch(file.url, expected_size=file.size):
            pass
    assert str(caught.value) == "Slack does not let me download files; please tell whoever runs me"
    assert "files:read" in logs[0]["event"]
    assert logs[0]["file"] == file.id
    assert "secret" not in str(logs)
    with capture_logs() as logs, pytest.raises(FileRefused) as caught:
        await look(client, file.id)
    assert str(caught.value) == "I am not allowed to read files here; please tell whoever runs me"
    assert "files:read" in logs[0]["event"]


async def test_a_deleted_file_says_so_before_and_while_it_is_fetched(
    slack: SlackServer, client: Slack, tmp_path: Path
) -> None:
    file = await look(client, shared(slack, "a.txt", b"words"))
    slack.workspace.delete_file(slack.workspace.files[file.id])
    with pytest.raises(FileRefused, match=r"^it was deleted$"):
        await look(client, file.id)
    with pytest.raises(FileRefused, match=r"^it was deleted$"):
        async with downloads_of(slack, tmp_path).fetch(file.url, expected_size=file.size):
            pass


async def test_a_file_in_a_place_without_the_bot_and_one_that_never_was_are_told_alike(
    slack: SlackServer, client: Slack
) -> None:
    file = slack.workspace.add_file("ana", "salaries.csv", b"a,b")
    slack.workspace.say("ana", "payroll", "see", files=[file])
    words = []
    for file_id in (file.id, "F0NEVER"):
        with pytest.raises(FileRefused) as caught:
            await look(client, file_id)
        words.append(str(caught.value))
    assert words == ["it is gone, or it is in a place that I am not in"] * 2
