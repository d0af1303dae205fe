"""Slack's modals as the forms of expenses and meetings are made of. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot.blocks import Block, plain, section

View = dict[str, Any]
Values = Mapping[str, str]  # what is entered, by field; "" for nothing
TITLE = 24  # characters of a title


def modal(
    title: str, blocks: list[Block], callback: str = "", carried: Mapping[str, Any] | None = None, *,
    submit: str = "", close: str = "Cancel",
) -> View:  # fmt: skip
    """A modal; with `submit` a form, which carries what it is made with."""
    view: View = {"type": "modal", "title": plain(title, TITLE), "close": plain(close, TITLE), "blocks": blocks}
    if submit:
        view |= {"submit": plain(submit, TITLE), "callback_id": callback, "private_metadata": json.dumps(carried)}
    return view


def loading(title: str) -> View:
    """Opened at once, because a trigger lives three seconds; a worker puts the form into its place."""
    return modal(title, [section("One moment…")])


def trouble(text: str, title: str) -> View:
    """Says why there is no form, in mrkdwn."""
    return modal(title, [section(text)], close="Close")


def field(name: str, label: str, element: Block, hint: str = "", *, optional: bool = False) -> Block:
    """An input with its label."""
    block = {"type": "input", "block_id": name, "label": plain(label), "element": element, "optional": optional}
    return block | ({"hint": plain(hint)} if hint else {})
