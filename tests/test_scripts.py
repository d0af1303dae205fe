"""The Lua scripts say what they are given, and share the text of the lanes."""

from __future__ import annotations

import re

import pytest

from bot.queue import LANED
from tests.test_conventions import ROOT, read

PRELUDE = "lanes.lua"  # functions that other scripts call; not a script of its own
SCRIPTS = sorted(p.name for p in (ROOT / "bot" / "lua").iterdir() if p.name != PRELUDE)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_says_what_its_keys_and_arguments_are(name: str) -> None:
    text = read(f"bot/lua/{name}")
    head = "\n".join(line[3:] for line in text.splitlines() if line.startswith("-- "))
    for word in ("KEYS", "ARGV"):
        listed = re.search(rf"{word}: ([^\n]*?)(?:\. |$)", head, re.MULTILINE)
        assert listed, word
        parts = listed.group(1).split(", ")
        highest = max(int(n) for n in re.findall(rf"{word}\[(\d+)\]", text))
        assert highest == len(parts) or "…" in parts[-1]
    assert f"`{name}`" in read("docs/architecture.md")
    assert f'"{name.removesuffix(".lua")}"' in read("bot/queue.py") or any(
        f'"{name}"' in read(f"bot/{module}.py") for module in ("pace", "allowance")
    )


def test_the_lanes_functions_stand_before_the_scripts_that_call_them_and_no_others() -> None:
    text = read(f"bot/lua/{PRELUDE}")
    functions = re.findall(r"^local function (\w+)", text, re.MULTILINE)
    assert functions
    assert not re.search(r"KEYS|ARGV", text), "it does not know what its callers are given"
    called = {n: {f for f in functions if re.search(rf"\b{f}\(", read(f"bot/lua/{n}"))} for n in SCRIPTS}
    assert {n.removesuffix(".lua") for n, used in called.items() if used} == set(LANED)
    inside = {f for f in functions if len(re.findall(rf"\b{f}\(", text)) > 1}
    assert set(functions) == inside | set().union(*called.values()), "each is called"
    assert f"`{PRELUDE}`" in read("docs/architecture.md")
