"""Promise 5 through the whole bot: a model that calls every tool against every place, for every kind of asker, wherever that person may write."""

from __future__ import annotations

import json
import sqlite3
from argparse import Namespace
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from bot.knowledge_cli import knowledge
from bot.redis_client import connect_redis
from bot.settings import Settings
from playground.openai import OpenAIServer, Plan, Say, Script, Search, Step, calls, searches, text
from playground.openai.search import allowed
from playground.slack import SlackServer
from playground.slack.state import Channel
from tests.access_world import DESTINATIONS, PEOPLE, SOURCES, populate
from tests.conftest import connected, running
from tests.scenarios.seen import answer_to, answers, whole
from tests.test_access import ALLOWED, PUBLIC

PLACES = (*SOURCES, "nowhere", *(f"{name} dm" for name in ("kim", *PEOPLE)))  # what is wanted
ASKED_IN = {  # of the places that are read, those that are asked in too → what may be read there
    "open": PUBLIC,  # gus, a guest, reads along in each, and is in all that is public here
    "secret": PUBLIC | {"secret"},
    "group": PUBLIC | {"group"},
    "shared": {"shared"},  # other companies read along
    "joint": {"joint"},
}
STORED = {"open", "attic", "shared", "secret", "joint", "group", "kim dm", *(f"{name} dm" for name in PEOPLE)}
FULL_MEMBERS = {"dm", "town", "den", "trio"}  # where ana and raj are told of the knowledge for full members
EVERYWHERE = {"channel": None, "from_person": None, "since": None}
READ = ("read_channel", "read_thread", "search_messages", "read_file")  # the tools that are pointed at a place
INVITED = "I am not in #unjoined: invite me there with /invite @assist."


@dataclass(frozen=True)
class Probe:
    """One question. `where` is "dm" or the name of a place."""

    asker: str
    where: str

    @property
    def word(self) -> str:
        return f"probe-{self.asker}-{self.where}-zebra"  # zebra: what all files are about

    @property
    def may_read(self) -> set[str]:
        """By the table of test_access.py, in this file's names of places."""
        if self.where in ASKED_IN:
            stays = self.asker in ("sam", "dee")  # of another company; has left
            return {self.where} if stays else ASKED_IN[self.where]
        found = ALLOWED.get((self.asker, self.where), set())
        return {f"{self.asker} dm" if place == "own dm" else place for place in found}


def said(place: str) -> str:
    return f"said{PLACES.index(place):02}q"


def filed(place: str) -> str:
    return f"filed{PLACES.index(place):02}q"


def named(place: str) -> str:
    return f"named{PLACES.index(place):02}q.txt"


def channel(slack: SlackServer, place: str) -> Channel:
    return slack.workspace.dm(place.removesuffix(" dm")) if place.endswith(" dm") else slack.workspace.channel(place)


async def fill(slack: SlackServer, ai: OpenAIServer, settings: Settings) -> dict[str, tuple[str, str]]:
    """A message and a file in each place, taken in where the bot is; knowledge. Gives each place's message's ts and file's id."""
    ai.script = Script()
    ai.script.forever(text("Kept."))
    held: dict[str, tuple[str, str]] = {"nowhere": ("1700000000.000100", "F0NOWHERE99")}
    for place in PLACES:
        if place == "nowhere":
            continue
        where, person = channel(slack, place), place.removesuffix(" dm") if place.endswith(" dm") else "ana"
        file = slack.workspace.add_file(person, named(place), f"zebra {filed(place)}".encode())
        asks = f"{'' if where.kind == 'im' else '@assist '}keep this, {said(place)}"
        asks += " #secret #joint" if place == "open" else ""  # Slack shows these names to nobody who is not in them
        where.is_archived = False
        held[place] = slack.workspace.say(person, where, asks, files=[file]), file.id
    kept = [place for place in PLACES if place in STORED]
    await slack.until(lambda: all(_answered(slack, place, held[place][0]) for place in kept), timeout=20)
    channel(slack, "attic").is_archived = True
    for visibility in ("workspace", "everyone"):
        path = settings.data_dir / f"knowledge-{visibility}.txt"
        path.write_text(f"zebra known{visibility}")
        assert await knowledge(settings, Namespace(action="add", files=[path], visibility=visibility)) == 0
    return held


def _answered(slack: SlackServer, place: str, ts: str) -> bool:
    return whole(slack, channel(slack, place).id, None if place.endswith(" dm") else ts)


Asked = list[tuple[str, str, dict[str, Any]]]  # the place, the tool, its arguments


def attack(slack: SlackServer, held: dict[str, tuple[str, str]], own: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every tool against every place, by name, id and link; and what tells of several. Of people's DMs kim's and the asker's `own`."""
    span, anywhere = {"since": None, "until": None, "newest_first": True}, {"from_person": None, "since": None}
    for place, (ts, file) in held.items():
        if place.endswith(" dm") and place not in ("kim dm", own):
            continue
        there = None if place == "nowhere" else channel(slack, place)
        id_ = there.id if there else "C0NOWHERE9"
        link = f"{slack.workspace.app.origin}/archives/{id_}/p{ts.replace('.', '')}"
        yield place, "read_channel", {"channel": f"#{there.name}" if there and there.kind != "im" else id_, **span}
        yield place, "read_channel", {"channel": f"<#{id_}|x>", **span}
        yield place, "read_thread", {"link": link, "after": None}
        yield place, "search_messages", {"words": said(place), "channel": id_, **anywhere}
        yield place, "read_file", {"file": file, "from_character": None}
        yield place, "read_file", {"file": f"<https://files.example/files/U1/{file}/x>", "from_character": None}
    yield "", "search_messages", {**EVERYWHERE, "words": "keep this"}
    yield "", "read_file", {"file": "named", "from_character": None}
    yield "", "list_files", {"name": None}
    yield "", "forget_file", {"file": named("kim dm")}
    yield "", "recall", {"about": None}
    yield from (("", "who_is", {"person": person}) for person in ("kim", "ana", "gus", "sam"))


def probes(slack: SlackServer) -> list[Probe]:
    """Every asker in their DM, and in every place where they may write."""
    places = [*DESTINATIONS, *ASKED_IN]
    inside = [Probe(p, w) for w in places for p in PEOPLE if slack.workspace.person(p).id in channel(slack, w).members]
    return [*(Probe(p, "dm") for p in PEOPLE), *inside]


def words_of(place: str) -> tuple[str, ...]:
    """What only stands in a place: in its message, in its file, in the file's name."""
    return said(place), filed(place), named(place)


def held_of(seen: str) -> set[str]:
    """The places and the knowledge of which a text tells something."""
    known = {v for v in ("workspace", "everyone") if f"known{v}" in seen}
    return known | {place for place in PLACES if any(word in seen for word in words_of(place))}


def told(items: list[dict[str, Any]]) -> str:
    """All that a conversation holds but for what the model itself asked for."""
    return "\n".join(json.dumps(i, ensure_ascii=False) for i in items if i["type"] != "function_call")


def check_tools(probe: Probe, asked: Asked, items: list[dict[str, Any]]) -> None:
    """Each tool reads the allowed places and no other, and refuses all others in the same words."""
    outputs = {i["call_id"]: i["output"] for i in items if i["type"] == "function_call_output"}
    done = [outputs[i["call_id"]] for i in items if i["type"] == "function_call"][-len(asked) :]
    read: dict[str, set[str]] = {tool: set() for tool in READ}
    refused: dict[str, set[str]] = {tool: set() for tool in READ}
    for (place, tool, _), output in zip(asked, done, strict=True):
        if not place:
            continue
        if "error" not in json.loads(output):
            read[tool].add(place)
            assert (filed(place) if tool == "read_file" else said(place)) in output, (probe, tool, place)
        elif place != "unjoined" or INVITED not in output:
            refused[tool].add(output)
    assert read == dict.fromkeys(READ, probe.may_read), probe
    assert all(len(said) <= 1 for said in refused.values()), (probe, refused)


async def check_notes(settings: Settings, slack: SlackServer, ai: OpenAIServer, asked: Asked) -> None:
    """Whatever single tool tells in #den of what stands elsewhere: it is noted."""
    steps = {tool: calls((tool, args)) for place, tool, args in asked if place == "open" or tool == "list_files"}
    steps |= {"everywhere": calls(("search_messages", {**EVERYWHERE, "words": said("open")}))}
    steps |= {
        "who_is": calls(("who_is", {"person": "kim"})),
        "file_search": searches("knownworkspace", "knowledge-workspace.txt"),
    }
    of_open = {f"channel:{channel(slack, 'open').id}"}
    expected = dict.fromkeys((*READ, "everywhere"), of_open)
    expected |= {tool: {"workspace"} for tool in ("list_files", "who_is", "file_search")}
    for tool, sources in expected.items():
        ai.script = Script(steps[tool])
        ai.script.forever(text("Done."))
        ts = slack.workspace.say("ana", "den", "@assist zebra")
        await answer_to(slack, "den", ts)
        noted = drawn_on(settings, conversation_of(ai))
        assert {s for s in noted if not s.startswith("file:")} == sources, tool


async def test_no_tool_tells_anybody_anywhere_more_than_the_table_allows(
    settings: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    populate(slack)
    async with running(settings):
        await connected(slack)
        held = await fill(slack, ai, settings)
        every = {p: list(attack(slack, held, f"{p.asker} dm")) for p in probes(slack)}
        ai.script = Script()
        for probe, asked in every.items():
            ai.script.add(calls(*((tool, args) for _, tool, args in asked), match=probe.word))
            ai.script.add(searches(f"Done: {probe.word}", match=probe.word))
        stands = {probe: ask(slack, probe) for probe in every}
        await slack.until(lambda: all(p.word in read_in(slack, *at) for p, at in stands.items()), timeout=120)
        await check_notes(settings, slack, ai, list(every[Probe("ana", "den")]))
    stored = [dict(f.attributes) for store in ai.vector_stores.values() for f in store.files.values()]
    assert len(stored) == len(STORED) + 2, "all files are there to be found"
    with closing(sqlite3.connect(settings.data_dir / "assist.db")) as database:
        drawn = set(database.execute("SELECT conversation, source FROM drawn"))
    for probe, asked in every.items():
        home = f"{probe.asker} dm" if probe.where == "dm" else probe.where
        knowledge_for = {"everyone"}
        if probe.asker in ("ana", "raj") and probe.where in FULL_MEMBERS:
            knowledge_for.add("workspace")
        bodies = [r.body for r in ai.requests if r.path == "/v1/responses"]
        body = next(b for b in bodies if probe.word in json.dumps(b["input"]))
        items = ai.conversations[body["conversation"]].items
        check_tools(probe, asked, items)
        for seen in (told(items), read_in(slack, *stands[probe])):
            assert held_of(seen) <= probe.may_read | knowledge_for | {home}, probe
            assert not [
                p for p in ("secret", "joint", "hidden") if p not in (*probe.may_read, home) and f"#{p}" in seen
            ]
        searched = {home} if probe.where != "dm" else probe.may_read
        expected = {f"{channel(slack, p).id} place" for p in searched & STORED} | {f" {v}" for v in knowledge_for}
        assert searchable(body, stored) == expected, probe
        beyond = {f"channel:{channel(slack, p).id}" for p in held_of(told(items)) & set(PLACES) - {home}}
        beyond |= {"workspace"} & held_of(told(items))
        assert beyond <= {source for conversation, source in drawn if conversation == body["conversation"]}, probe


def ask(slack: SlackServer, probe: Probe) -> tuple[str, str | None]:
    """Asks, and tells where the answer will stand."""
    place = channel(slack, f"{probe.asker} dm" if probe.where == "dm" else probe.where)
    ts = slack.workspace.say(probe.asker, place, probe.word if probe.where == "dm" else f"@assist {probe.word}")
    return place.id, None if probe.where == "dm" else ts


def read_in(slack: SlackServer, channel_id: str, thread_ts: str | None) -> str:
    """All that the bot says in a thread, as it is rendered."""
    return "\n".join(answers(slack, channel_id, thread_ts))


def searchable(body: dict[str, Any], stored: list[dict[str, Any]]) -> set[str]:
    """The stored files that pass the filter of a request's file search, as "channel visibility"."""
    filters = next((t["filters"] for t in body["tools"] if t["type"] == "file_search"), None)
    return {f"{a['channel']} {a['visibility']}" for a in stored if filters and allowed(filters, a)}


def drawn_on(settings: Settings, conversation: str) -> set[str]:
    """What is noted of a conversation."""
    with closing(sqlite3.connect(settings.data_dir / "assist.db")) as database:
        rows = database.execute("SELECT source FROM drawn WHERE conversation = ?", (conversation,))
        return {source for (source,) in rows}


def conversation_of(ai: OpenAIServer) -> str:
    """The conversation of the last request."""
    return str(next(r.body["conversation"] for r in reversed(ai.requests) if r.path == "/v1/responses"))


async def test_what_a_search_may_have_found_by_the_time_it_was_stopped_is_noted(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    file = slack.workspace.add_file("ana", "plan.txt", b"zebra crossing")
    ts = slack.workspace.say("ana", "general", "@assist keep this", files=[file])
    await answer_to(slack, "general", ts)
    dm = slack.workspace.dm("ana").id
    slowly = Say("One two three four five. " * 40, chunk=8, delay=0.05)
    ai.script = Script(Step(Plan((Search(("zebra",), None), slowly))))
    slack.workspace.say("ana", dm, "zebra?")
    await slack.until(lambda: "One two" in read_in(slack, dm, None))
    slack.workspace.say("ana", dm, "stop")
    await slack.until(lambda: "Stopped by" in read_in(slack, dm, None))
    assert f"channel:{channel(slack, 'general').id}" in drawn_on(bot, conversation_of(ai))


async def test_a_table_is_noted_for_each_conversation_whose_code_is_given_it(
    bot: Settings, slack: SlackServer, ai: OpenAIServer
) -> None:
    file = slack.workspace.add_file("ana", "sales.csv", b"region,sales\nNorth,7\nSouth,9\n")
    ts = slack.workspace.say("ana", "general", "@assist keep this", files=[file])
    await answer_to(slack, "general", ts)
    ai.delete_conversation(first := conversation_of(ai))
    slack.workspace.say("ana", "general", "@assist go on", thread_ts=ts)
    await answer_to(slack, "general", ts, 2)
    body = [r.body for r in ai.requests if r.path == "/v1/responses"][-1]
    assert body["conversation"] != first
    (given,) = next(t["container"]["file_ids"] for t in body["tools"] if t["type"] == "code_interpreter")
    assert f"file:{given}" in drawn_on(bot, body["conversation"]), "or it could not be forgotten there"


async def test_a_conversation_is_left_behind_once_somebody_reads_it_who_may_not_know_what_it_knows(
    settings: Settings, slack: SlackServer, ai: OpenAIServer, redis_url: str
) -> None:
    populate(slack)
    slack.workspace.say("ana", "open", "quokka")
    slack.workspace.say("ana", "secret", "wombat")
    dm, span = slack.workspace.dm("ana").id, {"since": None, "until": None, "newest_first": True}
    ai.script = Script(
        *(
            s
            for c in ("open", "secret")
            for s in (calls(("read_channel", {"channel": c, **span}), match=c), text("So."))
        )
    )
    async with running(settings):
        await connected(slack)
        ts = slack.workspace.say("raj", "town", "@assist read open")
        await answer_to(slack, "town", ts)
        before = {conversation_of(ai)}
        slack.workspace.say("ana", dm, "read secret")
        await answer_to(slack, dm)
        before.add(conversation_of(ai))
    slack.workspace.join("gil", "town")  # a guest
    slack.workspace.leave("ana", "secret")
    async with connect_redis(redis_url) as redis:  # half a minute passes
        await redis.delete(*[key async for key in redis.scan_iter("*told*")])
    ai.script.forever(text("Who knows."))
    async with running(settings):
        await connected(slack)
        slack.workspace.say("gil", "town", "@assist what have you read?", thread_ts=ts)
        await answer_to(slack, "town", ts, 2)
        after = {conversation_of(ai)}
        slack.workspace.say("ana", dm, "what have you read?")
        await answer_to(slack, dm, count=2)
        after.add(conversation_of(ai))
    known = {w for w in ("quokka", "wombat") for c in before if w in told(ai.conversations[c].items)}
    assert known == {"quokka", "wombat"}
    assert not after & before
    assert not [w for w in known for c in after if w in told(ai.conversations[c].items)]
