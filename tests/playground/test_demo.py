"""`assist playground`: one command, a page to talk to the real bot on, everything kept; and nobody else gets in."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.errors import SettingError
from playground.browser import Browser
from playground.feed import Feed
from playground.guard import own_pages_only
from playground.openai import OpenAIServer
from playground.saved import Saved, claim
from playground.slack import SlackServer

Json = dict[str, Any]
# Settings of a real bot that must not reach the playground's: nothing listens there.
REAL = {
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/none",
    "SLACK_BOT_TOKEN": "xoxb-real",
    "SLACK_API_URL": "http://127.0.0.1:1/",
    "PORT": "0",
    "OPENAI_API_KEY": "",
}


class Page:
    """What a browser does with the playground at `origin`."""

    def __init__(self, origin: str, session: aiohttp.ClientSession) -> None:
        self.origin, self.session = origin, session

    async def post(self, name: str, /, **body: Any) -> tuple[int, Json]:
        headers = {"Origin": self.origin}
        async with self.session.post(f"{self.origin}/playground/{name}", json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def say(self, person: str, channel: str, text: str, thread_ts: str = "") -> str:
        status, said = await self.post("say", person=person, channel=channel, text=text, thread_ts=thread_ts)
        assert status == 200, said
        return str(said["ts"])

    async def state(self, person: str) -> Json:
        async with self.session.get(f"{self.origin}/playground/state", params={"person": person}) as answer:
            state: Json = await answer.json()
            return state

    async def thread(self, person: str, channel: str, root: str) -> list[str]:
        """The blocks of a thread's messages, as text, oldest first."""
        found = next(c for c in (await self.state(person))["channels"] if c["name"] == channel)
        return [
            json.dumps(m.get("blocks", m["text"])) for m in found["messages"] if root in (m["ts"], m.get("thread_ts"))
        ]

    async def answered(self, channel: str, root: str, *, words: str, count: int) -> None:
        """Waits until a thread has so many messages and the last one, finished, holds the words."""
        async with asyncio.timeout(10):
            while True:
                said = await self.thread("ana", channel, root)
                if len(said) >= count and words in said[-1] and "writing" not in said[-1]:
                    return
                await asyncio.sleep(0.05)


@asynccontextmanager
async def playing(folder: Path, *more: str) -> AsyncIterator[tuple[Page, asyncio.subprocess.Process]]:
    """`assist playground` in a process of its own, stopped as Ctrl-C stops it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "playground", "--port", "0", *more),
        env=os.environ | REAL | {"DATA_DIR": str(folder)},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout
        async with asyncio.timeout(20):
            line = (await process.stdout.readline()).decode()
        assert line.startswith("Open http://127.0.0.1:"), line
        async with aiohttp.ClientSession() as session:
            yield Page(line.split()[1], session), process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        async with asyncio.timeout(20):
            await process.communicate()


def bot_pid(folder: Path) -> int:
    return int((folder / "playground" / "bot.lock").read_text())


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_the_bot_answers_on_the_page_and_remembers_after_a_restart(tmp_path: Path) -> None:
    calls = tmp_path / "calls.jsonl"
    async with playing(tmp_path, "--record", str(calls)) as (page, process):
        async with page.session.get(f"{page.origin}/") as answer:
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
            assert "/page/app.js" in await answer.text()
        root = await page.say("ana", "general", "@assist we agreed that the deadline is 14 May")
        await page.answered("general", root, words="14 May", count=2)
        status, home = await page.post("home", person="ana")
        assert (status, home["view"]["type"]) == (200, "home")
        bot = bot_pid(tmp_path)
    assert process.returncode == 0
    assert not alive(bot)
    recorded = [json.loads(line) for line in calls.read_text().splitlines()]
    assert {"chat.postMessage", "views.publish"} <= {call.get("method") for call in recorded}
    assert "/v1/responses" in {call.get("path") for call in recorded}
    assert not any("xoxb-" in json.dumps(call) for call in recorded)

    async with playing(tmp_path) as (page, process):
        await page.say("ana", "general", "what did we agree?", root)
        await page.answered("general", root, words="14 May", count=4)


async def test_a_bot_that_dies_is_started_again_and_a_bot_left_over_is_ended(tmp_path: Path) -> None:
    async with playing(tmp_path) as (page, process):
        first = bot_pid(tmp_path)
        url, news = f"{page.origin}/playground/live?person=raj", list[str]()
        async with page.session.ws_connect(url, headers={"Origin": page.origin}) as live:
            os.kill(first, signal.SIGKILL)
            async with asyncio.timeout(40):
                while not any(word.startswith("died") for word in news) or news[-1] != "connected":
                    news.append((await live.receive_json()).get("bot", ""))
        assert (second := bot_pid(tmp_path)) != first
        process.kill()
        await process.wait()
        assert alive(second)
    async with playing(tmp_path) as (page, _):
        assert not alive(second)
        root = await page.say("raj", "random", "@assist say: still here")
        await page.answered("random", root, words="still here", count=2)


def test_a_taken_port_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "bot", "playground", "--port", port]
        environment = os.environ | REAL | {"DATA_DIR": str(tmp_path)}
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert f"--port: {port} is taken" in line


@pytest.fixture
async def page(slack: SlackServer) -> AsyncIterator[Page]:
    """The page without a bot, in this process."""
    app = web.Application(middlewares=[own_pages_only])
    feed = Feed(slack.workspace)
    slack.on_change(feed.changed)
    Browser(slack, feed, {"bot": "connected"}).mount(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as session:
        yield Page(f"http://127.0.0.1:{runner.addresses[0][1]}", session)
    await runner.cleanup()


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Host": "evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_other_sites_are_refused(page: Page, slack: SlackServer, headers: dict[str, str]) -> None:
    said = {"person": "ana", "channel": "general", "text": "not me"}
    async with page.session.post(f"{page.origin}/playground/say", json=said, headers=headers) as answer:
        assert answer.status == 403
    async with page.session.get(f"{page.origin}/playground/state", headers=headers) as answer:
        assert answer.status == 403
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        await page.session.ws_connect(f"{page.origin}/playground/live", headers=headers)
    assert slack.workspace.messages("general") == []


async def test_a_person_sees_her_channels_only(page: Page) -> None:
    def names(state: Json) -> set[str]:
        return {c["name"] for c in state["channels"] if c["kind"] != "im"}

    public = {"general", "random", "engineering", "guests-only"}
    assert names(await page.state("ana")) == public | {"payroll", "leads"}
    assert names(await page.state("lee")) == public
    assert names(await page.state("gus")) == {"guests-only"}


async def test_news_go_to_those_who_may_see_them(page: Page, slack: SlackServer) -> None:
    live = f"{page.origin}/playground/live"
    async with page.session.ws_connect(live, params={"person": "maria"}) as maria:
        async with page.session.ws_connect(live, params={"person": "raj"}) as raj:
            slack.workspace.say("ana", "payroll", "secret")
            slack.workspace.say("ana", "general", "hello")
            assert (await raj.receive_json(timeout=5))["message"]["text"] == "hello"
        assert (await maria.receive_json(timeout=5))["message"]["text"] == "secret"


async def test_nobody_writes_where_she_may_not_or_changes_what_others_said(page: Page, slack: SlackServer) -> None:
    status, said = await page.post("say", person="raj", channel="payroll", text="hi")
    assert status == 400
    assert "error" in said
    ts = await page.say("ana", "general", "mine")
    for name, text in (("edit", "yours"), ("delete", "")):
        status, said = await page.post(name, person="raj", channel="general", ts=ts, text=text)
        assert (status, said["error"]) == (400, "Only your own messages can be changed.")
    assert [m["text"] for m in slack.workspace.messages("general")] == ["mine"]
    await page.post("edit", person="ana", channel="general", ts=ts, text="better")
    await page.post("react", person="raj", channel="general", ts=ts, name="thumbsup")
    (message,) = slack.workspace.messages("general")
    assert (message["text"], message["reactions"][0]["count"]) == ("better", 1)
    await page.post("delete", person="ana", channel="general", ts=ts)
    assert slack.workspace.messages("general") == []


async def test_a_file_is_shared_and_given_to_those_who_may_see_it(page: Page, slack: SlackServer) -> None:
    form = aiohttp.FormData({"person": "ana", "channel": "payroll", "text": "the list"})
    form.add_field("file", b"a,b\n1,2\n", filename='pay "roll".csv')
    async with page.session.post(f"{page.origin}/playground/say", data=form) as answer:
        assert answer.status == 200
    (file,) = slack.workspace.messages("payroll")[0]["files"]
    for person, status in (("maria", 200), ("raj", 404)):
        url = f"{page.origin}/playground/files/{file['id']}"
        async with page.session.get(url, params={"person": person}) as answer:
            assert answer.status == status
            if status == 200:
                assert await answer.read() == b"a,b\n1,2\n"
                assert answer.headers["Content-Disposition"].startswith("attachment")


def test_one_folder_serves_one_playground(tmp_path: Path) -> None:
    with claim(tmp_path), pytest.raises(SettingError, match="in use by another playground"), claim(tmp_path):
        pytest.fail("the folder was given twice")
    with claim(tmp_path):
        pass


@pytest.mark.parametrize("content", ["{", "[]", '{"slack": {}}', '{"slack": {"people": 1}, "openai": {}}'])
def test_a_state_that_cannot_be_read_is_put_aside(tmp_path: Path, content: str) -> None:
    (tmp_path / "state.json").write_text(content)
    assert Saved(tmp_path).read() == {}
    assert (tmp_path / "state.unreadable.json").read_text() == content


async def test_what_was_said_is_saved_soon(tmp_path: Path, slack: SlackServer, ai: OpenAIServer) -> None:
    async with Saved(tmp_path).kept(slack, ai):
        slack.workspace.say("ana", "general", "keep this")
        await slack.until((tmp_path / "state.json").exists)
        restored = SlackServer(state=Saved(tmp_path).read()["slack"])
    assert restored.workspace.messages("general")[0]["text"] == "keep this"


SHOW = """
import { markdown } from "%s/markdown.js";
import { mrkdwn } from "%s/mrkdwn.js";
const shown = (t) => (typeof t === "string" ? t : Array.isArray(t) ? t.map(shown) : [t.tag, t.attrs.href ?? "", ...t.children.map(shown)]);
let text = "";
process.stdin.on("data", (d) => (text += d)).on("end", () => console.log(JSON.stringify([markdown(text), mrkdwn(text, (id) => (id === "tz" ? "Asia/Kolkata" : ""))].map(shown))));
"""


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[Any]]:
    """The trees that the page makes of a text, as nested lists: [tag, href, *children]; of Markdown, and of mrkdwn."""
    node = shutil.which("node")
    if not node:
        pytest.skip("needs Node.js")
    script = tmp_path_factory.mktemp("page") / "show.mjs"
    pages = Path(__file__).parents[2] / "playground" / "page"
    script.write_text(SHOW.replace("%s", pages.as_uri()))

    def show(text: str) -> list[Any]:
        run = subprocess.run([node, str(script)], input=text, capture_output=True, text=True, check=True, timeout=20)
        result: list[Any] = json.loads(run.stdout)
        return result

    return show


def every(tree: Any) -> list[list[Any]]:
    """All [tag, href, …] in a tree."""
    if not isinstance(tree, list):
        return []
    own = [tree] if tree and isinstance(tree[0], str) and len(tree) > 1 and isinstance(tree[1], str) else []
    return own + [found for child in tree for found in every(child)]


def test_the_page_shows_markdown_as_slack_does(shown: Callable[[str], list[Any]]) -> None:
    text = "## Plan\n1. **a** `b|c`\n   - [ ] d\n\n| x | y |\n|---|--:|\n| 1 | ~~2~~ |\n\n> q *i*\n\n```py\n<b>&amp;\n"
    assert shown(text)[0] == [
        ["h4", "", "Plan"],
        ["ol", "", ["li", "", ["span", "", ["strong", "", "a"], " ", ["code", "", "b|c"]], ["ul", "", ["li", "", ["span", "", "☐"], ["span", "", "d"]]]]],
        ["div", "", ["table", "", ["thead", "", ["tr", "", ["th", "", "x"], ["th", "", "y"]]], ["tbody", "", ["tr", "", ["td", "", "1"], ["td", "", ["s", "", "2"]]]]]],
        ["blockquote", "", ["p", "", "q ", ["em", "", "i"]]],
        ["pre", "", ["code", "", "<b>&amp;\n"]],
    ]  # fmt: skip


def test_the_page_makes_no_markup_or_script_links_of_what_is_said(shown: Callable[[str], list[Any]]) -> None:
    text = (
        "<script>alert(1)</script> <img src=x onerror=alert(1)> [a](javascript:alert(1)) [b](JaVaScRiPt&#58;alert(1)) "
        "[c](data:text/html,x) ![d](vbscript:x) <javascript:alert(1)> <javascript:alert(1)|e> [f](//evil) [ok](https://a.example)"
    )
    for trees in shown(text):
        tags = every(trees)
        assert {tag for tag, *_ in tags} <= {"p", "a", "span", "br"}
        assert {href for _, href, *_ in tags} <= {"", "https://a.example"}


def test_the_page_shows_a_time_in_its_readers_zone_within_slanted_words(shown: Callable[[str], list[Any]]) -> None:
    text = "_Waits since <!date^1795163400^{date_short_pretty}, {time}|20 Nov 2026> for *you*_ and _a_"
    em = ["em", "", "Waits since ", "Nov 20, 2026, 2:00 PM", " for ", ["strong", "", "you"]]
    assert shown(text)[1] == [[em, " and ", ["em", "", "a"]]]


def test_the_page_names_the_weekday_where_slack_does_and_shows_the_signs_of_cards(
    shown: Callable[[str], list[Any]],
) -> None:
    assert shown("<!date^1795163400^{date_long}, {time}|20 Nov 2026> :alarm_clock: :grey_question:")[1] == [
        ["Friday, November 20, 2026, 2:00 PM", " ", "⏰", " ", "❔"]
    ]
