"""OpenAI's side of files: one store a workspace, uploads that are not held in memory, errors by what to do about them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import keys
from bot.errors import OpenAIRefused, Overloaded, RateLimited, Retryable, UserFacing
from bot.files.sound import said
from bot.files.store import holders
from tests.library_world import World, world

__all__ = ["world"]
MEGABYTE = 1 << 20


async def test_a_workspace_has_one_store_however_many_processes_ask_first(world: World) -> None:
    ids = await asyncio.gather(*(world.store().id(world.team) for _ in range(5)))
    assert len(set(ids)) == 1
    stores = [s async for s in world.llm.client.vector_stores.list()]
    assert [(s.id, s.metadata) for s in stores] == [(ids[0], {"team": world.team})]


async def test_two_workspaces_have_two(world: World) -> None:
    assert await world.store().id("T1") != await world.store().id("T2")


async def test_a_store_that_redis_has_forgotten_is_found_again(world: World) -> None:
    store = await world.store().id(world.team)
    await world.redis.delete(keys.vector_store(world.team))
    assert await world.store().id(world.team) == store


async def test_the_store_of_the_settings_is_used_and_never_replaced(world: World) -> None:
    store = world.store("vs_set")
    assert await store.id(world.team) == "vs_set"
    assert not await store.there("vs_set")
    with pytest.raises(UserFacing) as gone:
        await store.renew(world.team, "vs_set")
    assert "OPENAI_VECTOR_STORE_ID" in gone.value.text
    assert not world.asked("POST", "/vector_stores")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 404}, OpenAIRefused),
        ({"status": 413}, OpenAIRefused),
        ({"status": 400}, OpenAIRefused),
        ({"status": 429, "code": "rate_limit_exceeded"}, RateLimited),
        ({"status": 429, "code": "insufficient_quota"}, UserFacing),
        ({"status": 401}, UserFacing),
        ({"status": 500}, Overloaded),
        ({"refuse": True}, Retryable),
    ],
)
async def test_an_upload_that_fails_says_what_to_do(
    world: World, tmp_path: Path, fault: dict[str, Any], error: type[Exception]
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"words")
    world.ai.faults.add("/v1/files", **fault)
    with pytest.raises(error) as raised:
        await world.store().upload(path, "a.txt", "assistants")
    assert type(raised.value) is error
    await world.store().upload(path, "a.txt", "assistants")


async def test_what_is_gone_already_is_deleted_well(world: World) -> None:
    await world.store().delete("file-gone")


async def test_items_of_a_lost_conversation_are_erased_well(world: World) -> None:
    await world.store().erase_from("conv_gone", ["file-1"])


def test_a_call_is_erased_with_its_output_and_what_was_thought_before() -> None:
    items: list[dict[str, Any]] = [
        {"id": "u1", "type": "message", "content": "hello"},
        {"id": "r1", "type": "reasoning"},
        {"id": "c1", "type": "function_call", "call_id": "k1", "arguments": "{}"},
        {"id": "r2", "type": "reasoning"},
        {"id": "c2", "type": "function_call", "call_id": "k2"},
        {"id": "o1", "type": "function_call_output", "call_id": "k1", "output": '{"file": "file-1"}'},
        {"id": "o2", "type": "function_call_output", "call_id": "k2", "output": "other"},
        {"id": "s1", "type": "file_search_call", "results": [{"file_id": "file-1"}]},
        {"id": "a1", "type": "message", "content": "an answer"},
    ]
    assert holders(items, ["file-1"]) == ["s1", "o1", "c1", "r1"]
    assert holders(items, ["file-2"]) == []


@given(st.lists(st.tuples(st.sampled_from(["reasoning", "call", "output", "message"]), st.booleans()), max_size=12))
def test_after_erasing_no_item_names_the_file_and_no_output_lacks_its_call(kinds: list[tuple[str, bool]]) -> None:
    items: list[dict[str, Any]] = []
    calls = 0
    for n, (kind, names) in enumerate(kinds):
        item: dict[str, Any] = {"id": f"i{n}", "type": kind}
        if kind == "call":
            calls += 1
            item["call_id"] = f"k{calls}"
        if kind == "output":
            item["call_id"] = f"k{calls}"
        if names and kind != "reasoning":
            item["content"] = "file-1"
        items.append(item)
    going = holders(items, ["file-1"])
    left = [i for i in items if i["id"] not in going]
    assert "file-1" not in str(left)
    before, after = ({i["call_id"] for i in some if i["type"] == "call"} for some in (items, left))
    assert not [i for i in left if i["type"] == "output" and i["call_id"] in before - after]


def test_captions_are_read_without_their_times() -> None:
    vtt = "WEBVTT\n\nNOTE made by Slack\n\n1\n00:00.000 --> 00:02.000\n<v Ana>Good morning\n\n2\n00:00:02.000 --> 00:00:04.000\nall of you."
    assert said(vtt) == "Good morning\nall of you."
    assert said("no captions") == ""


UPLOAD = """
import asyncio, resource, sys, types
from pathlib import Path
from bot.allowance import Allowance
from bot.fallback import Fallback
from bot.files.store import Store
from bot.llm import Llm, connect_openai

async def main(base_url, key, path):
    async with connect_openai(key, base_url, "", 60) as client:
        llm = Llm(client, allowance=Allowance(None, key), fallback=Fallback("a", "a"), small_model="a", stall_seconds=60)
        store = Store(llm, None, given="vs_1", transcribe_model="a")
        await store.upload(Path(__file__), "small.txt", "assistants")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        await store.upload(Path(path), "large.txt", "assistants")
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_large_file_passes_through_without_being_held(world: World, tmp_path: Path) -> None:
    """In a process of its own, whose peak of memory is its own."""
    script, large = tmp_path / "upload.py", tmp_path / "large.txt"
    script.write_text(UPLOAD)
    with large.open("wb") as out:
        out.truncate(100 * MEGABYTE)
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(script), world.ai.base_url, world.ai.api_key, str(large),
        stdout=subprocess.PIPE, env={"PYTHONPATH": str(Path(__file__).parent.parent)},
    )  # fmt: skip
    out_, _ = await asyncio.wait_for(child.communicate(), 60)
    assert child.returncode == 0
    assert "large.txt" in await world.files()
    per_unit = 1 if sys.platform == "darwin" else 1024  # what ru_maxrss counts in
    assert int(out_) * per_unit < 15 * MEGABYTE
