"""What tests of files made by code share: containers at OpenAI, a thread in Slack, and the right to answer in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.allowance import Allowance
from bot.database import Database, open_database
from bot.fallback import Fallback
from bot.files.made import Computed, MadeFiles
from bot.lease import Lease
from bot.llm import Llm, connect_openai
from bot.pace import Pace
from bot.responses import Made
from bot.slack import Slack, connect_slack
from playground.slack import SlackServer
from tests.containers import Containers
from tests.databases import with_tables
from tests.reply_world import lease

__all__ = ["lease"]

COMPLETE, ADDRESS = "files.completeUploadExternal", "files.getUploadURLExternal"
CHART, DATA = Made("cntr_1", "cfile_1", "chart.png"), Made("cntr_1", "cfile_2", "/mnt/data/sales.csv")
BOTH = Computed((CHART, DATA), ("cntr_1",))


@dataclass
class World:
    """What bringing files needs, on real servers."""

    slack: SlackServer
    client: Slack
    openai: Containers
    database: Database
    lease: Lease
    folder: Path
    llm: Llm

    @property
    def made(self) -> MadeFiles:
        """As a new process has it."""
        return MadeFiles(self.client, self.llm, self.database, self.folder)

    async def deliver(self, computed: Computed = BOTH) -> list[str]:
        return await self.made.deliver(self.lease, computed, self.lease.key.channel, self.lease.key.thread_ts)

    def shared(self) -> list[list[str]]:
        """The names of the files in each of the bot's messages in the thread."""
        return [
            [f["name"] for f in m["files"]]
            for m in self.slack.workspace.messages("general", self.lease.key.root)
            if m.get("bot_id") and m.get("files")
        ]


@pytest.fixture
async def world(slack: SlackServer, lease: Lease, tmp_path: Path) -> AsyncIterator[World]:
    openai = Containers()
    openai.add("cfile_1", "chart.png", b"\x89PNG chart")
    openai.add("cfile_2", "sales.csv", b"region,sum\nnorth,1\n")
    openai.add("cfile_0", "input.csv", b"a,b\n", source="user")
    async with (
        openai.serving(),
        connect_slack(slack.bot_token, slack.api_url, Pace(None, "")) as client,
        connect_openai("sk-test", openai.base_url, "", 2.0) as sdk,
        open_database(with_tables(tmp_path)) as database,
    ):
        fallback = Fallback("gpt-6.2-sol", "gpt-6.2-sol")
        llm = Llm(
            sdk, allowance=Allowance(None, "sk-test"), fallback=fallback, small_model="gpt-6-luna", stall_seconds=2.0
        )
        yield World(slack, client, openai, database, lease, tmp_path / "tmp", llm)
        assert not list((tmp_path / "tmp").glob("*")), "nothing is left on the disk"
