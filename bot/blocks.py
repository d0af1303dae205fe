"""Slack's Block Kit as cards, forms and the Home tab are made of: within its limits, and with what people wrote shown as it is. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.mrkdwn import escaped

Block = dict[str, Any]
MOST_BLOCKS = 50  # of a message
SECTION, FIELD, FIELDS, HEADER, BUTTON, CONFIRM, OPTION, OPTIONS = 3_000, 2_000, 10, 150, 75, 300, 75, 100


@dataclass(frozen=True, slots=True)
class Card:
    """A message: its blocks, and the text that notifications show."""

    blocks: tuple[Block, ...]
    text: str


def cut(text: str, most: int) -> str:
    """Words on one line, no longer than that; what cannot be written as UTF-8 is replaced."""
    line = " ".join(text.encode("utf-8", "replace").decode().split())
    return line if len(line) <= most else line[: most - 1] + "…"


def shown(text: str, most: int = 200) -> str:
    """What people, receipts or the model wrote, for mrkdwn: cut, and no markup of ours."""
    return escaped(cut(text, most))


def plain(text: str, most: int = SECTION) -> Block:
    """A text without markup."""
    return {"type": "plain_text", "text": cut(text, most) or "…", "emoji": True}


def mrkdwn(text: str) -> Block:
    """A text with markup. `verbatim`: Slack makes no links of addresses and names that it finds in it."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def header(text: str) -> Block:
    """A heading."""
    return {"type": "header", "text": plain(text, HEADER)}


def section(text: str, accessory: Block | None = None) -> Block:
    """A paragraph of mrkdwn, with a button beside it."""
    return {"type": "section", "text": mrkdwn(text[:SECTION])} | ({"accessory": accessory} if accessory else {})


def sections(lines: Iterable[str]) -> list[Block]:
    """Lines of mrkdwn in as few sections as hold them."""
    packed: list[str] = []
    for line in lines:
        if packed and len(packed[-1]) + 1 + len(line) <= SECTION:
            packed[-1] += f"\n{line}"
        else:
            packed.append(line[:SECTION])
    return [section(text) for text in packed if text]


def fields(pairs: Sequence[tuple[str, str]]) -> Block:
    """Up to ten labels with what stands below them, in mrkdwn, two in a row."""
    return {"type": "section", "fields": [mrkdwn(f"*{k}*\n{v}"[:FIELD]) for k, v in pairs[:FIELDS]]}


def context(text: str) -> Block:
    """Small print."""
    return {"type": "context", "elements": [mrkdwn(text[:FIELD])]}


def button(action: str, label: str, value: str = "", *, style: str = "", confirm: Block | None = None) -> Block:
    """A button. `style`: primary, danger or none."""
    more = {"value": value, "style": style, "confirm": confirm}
    return {"type": "button", "action_id": action, "text": plain(label, BUTTON)} | {k: v for k, v in more.items() if v}


def confirm(title: str, text: str, yes: str, no: str = "Cancel") -> Block:
    """What is asked before a button does its work."""
    return {"title": plain(title, 100), "text": plain(text, CONFIRM), "confirm": plain(yes, 30), "deny": plain(no, 30)}


def actions(*elements: Block) -> Block:
    """Buttons in a row."""
    return {"type": "actions", "elements": list(elements)}


def option(text: str, value: str) -> Block:
    """A choice."""
    return {"text": plain(text, OPTION), "value": value}
