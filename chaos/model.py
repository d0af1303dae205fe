"""The model in the storm. It is honest: it notes each word that it has not seen noted, then says so; asked again, it answers again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from chaos.words import TOOL, answer, note, words_in
from playground.openai import Script
from playground.openai.plan import Call, Ending, Output, Plan, Say, View

SILENCE = 60.0  # seconds of a stall: longer than the bot waits for the next word


class Model(Script):
    """Answers whatever the people of the storm ask. `share` of its responses break in the middle; `broken` counts them by kind."""

    def __init__(self, random: Random, share: float) -> None:
        super().__init__()
        self.share = share
        self.broken: dict[str, int] = {}
        self._random = random

    def take(self, view: View) -> Plan:
        """The next response in a conversation: calls for what is not noted, else the answer."""
        words = words_in(view.last_user)
        seen = set(_seen(view))
        calls = [Call(TOOL, json.dumps({"note": note(w)})) for w in words if w not in seen]
        outputs: tuple[Output, ...] = (Say(answer(words)),)
        if calls:
            aside = (Say("Let me note that.", phase="commentary"),) if self._random.random() < 0.5 else ()
            outputs = (*aside, *calls)
        return self._perhaps_broken(outputs)

    def _perhaps_broken(self, outputs: tuple[Output, ...]) -> Plan:
        if self._random.random() >= self.share:
            return Plan(outputs)
        kind = self._random.choice(("cut", "cut cleanly", "failed", "error", "stalled"))
        self.broken[kind] = self.broken.get(kind, 0) + 1
        match kind:
            case "failed" | "error":
                ending = Ending("failed" if kind == "failed" else "error", code="server_error", message="Planted.")
            case "stalled":
                return Plan(outputs, Ending("stall", seconds=SILENCE))
            case _:
                whole = outputs[-1]
                if isinstance(whole, Say):
                    middle = self._random.randrange(len(whole.text))
                    rest = whole.text[middle:]
                    first: tuple[Output, ...] = (*outputs[:-1], Say(whole.text[:middle]))
                    return Plan(first, Ending("cut", rest=rest, clean=kind == "cut cleanly"))
                ending = Ending("cut", clean=kind == "cut cleanly")
        return Plan(outputs, ending)


def _seen(view: View) -> Iterator[str]:
    """Words whose note was asked for and has an outcome, or of which a developer's line says that it is made."""
    asked: dict[str, list[str]] = {}
    for item in view.items:
        if item["type"] == "function_call":
            asked[item["call_id"]] = words_in(item["arguments"])
        elif item["type"] == "function_call_output":
            yield from asked.get(item["call_id"], ())
        elif item.get("role") == "developer" and TOOL in (text := _text(item)):
            yield from words_in(text)


def _text(item: dict[str, Any]) -> str:
    content = item.get("content") or ""
    return content if isinstance(content, str) else "".join(p.get("text") or "" for p in content)
