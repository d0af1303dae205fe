"""Slack's text: what a person types turned into mrkdwn, who a message calls, what a reader sees."""

import html
import re
from collections.abc import Iterator
from typing import Any

from playground.slack.state import Json, State

ENTITY = re.compile(r"<([@#!]?)([^<>|]+)(?:\|([^<>]*))?>")
_TYPED = re.compile(
    r"(?P<url>https?://[^\s<>|]*[^\s<>|.,;:!?)\"'])"
    r"|(?P<mail>(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?<![\w@])@(?P<at>[a-z0-9][a-z0-9._-]*)"
    r"|(?<![\w#])#(?P<hash>[a-z0-9][a-z0-9_-]*)"
)
_CALLS = re.compile(r"<(?:@([UW][A-Z0-9]+)|!(channel|here|everyone)|!subteam\^(S[A-Z0-9]+))(?:\|[^<>]*)?>")


def typed(state: State, text: str, *, named: bool = False) -> str:
    """What Slack's client sends for what a person typed: names and links as entities, & < > escaped.

    `named`: a person's handle stands behind the id, as in a command that escapes.
    """
    out, end = [], 0
    for m in _TYPED.finditer(text):
        out.append(html.escape(text[end : m.start()], quote=False))
        out.append(_entity(state, m, named=named))
        end = m.end()
    return "".join(out) + html.escape(text[end:], quote=False)


def linked(state: State, text: str) -> str:
    """`link_names`: bare @handles in an app's text become mentions; entities stay as they are."""

    def mention(m: re.Match[str]) -> str:
        try:
            return f"<@{state.person(m[1]).id}>"
        except KeyError:
            return m[0]

    return re.sub(r"(?<![\w@<])@([a-z0-9][a-z0-9._-]*[a-z0-9])", mention, text)


def _entity(state: State, m: re.Match[str], *, named: bool) -> str:
    escaped = html.escape(m[0], quote=False)
    if m["url"]:
        return f"<{escaped}>"
    if m["mail"]:
        return f"<mailto:{escaped}|{escaped}>"
    word = m["at"] or m["hash"]
    name = word.rstrip("._-")  # the full stop after a name ends the sentence
    tail = word[len(name) :]
    try:
        if m["hash"]:
            channel = state.channel(name)
            return f"<#{channel.id}|{channel.name}>{tail}"
        if name in ("here", "channel", "everyone"):
            return f"<!{name}>{tail}"
        for group in state.usergroups.values():
            if group["handle"] == name:
                return f"<!subteam^{group['id']}>{tail}"
        person = state.person(name)
        return f"<@{person.id}{'|' + person.name if named else ''}>{tail}"
    except KeyError:
        return escaped


def rich_text(text: str) -> list[Json]:
    """The rich_text block that Slack's client sends beside a person's text."""
    elements: list[Json] = []
    end = 0
    for m in ENTITY.finditer(text):
        if m.start() > end:
            elements.append({"type": "text", "text": html.unescape(text[end : m.start()])})
        elements.append(_rich_element(m[1], m[2], m[3]))
        end = m.end()
    if end < len(text):
        elements.append({"type": "text", "text": html.unescape(text[end:])})
    return [{"type": "rich_text", "block_id": "b1", "elements": [{"type": "rich_text_section", "elements": elements}]}]


def _rich_element(sign: str, target: str, label: str | None) -> Json:
    if sign == "@":
        return {"type": "user", "user_id": target}
    if sign == "#":
        return {"type": "channel", "channel_id": target}
    if sign == "!":
        kind, _, group = target.partition("^")
        return (
            {"type": "usergroup", "usergroup_id": group} if kind == "subteam" else {"type": "broadcast", "range": kind}
        )
    link = {"type": "link", "url": html.unescape(target)}
    return link | {"text": html.unescape(label)} if label else link


def called(message: Json) -> list[str]:
    """Who a message notifies: user ids, "channel", "here", "everyone", user group ids; each once.

    Conservative: an entity counts wherever it stands, also in code or in a `markdown` block.
    """
    found: dict[str, None] = {}
    parts = [message.get("text") or "", *_strings(message.get("blocks")), *_strings(message.get("attachments"))]
    for part in parts:
        for m in _CALLS.finditer(part):
            found[m[1] or m[2] or m[3]] = None
    for element in _objects(message.get("blocks")):
        match element.get("type"):
            case "user":
                found[element.get("user_id", "")] = None
            case "broadcast":
                found[element.get("range", "")] = None
            case "usergroup":
                found[element.get("usergroup_id", "")] = None
    found.pop("", None)
    return list(found)


def _objects(node: Any) -> Iterator[Json]:
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _objects(child)


def _strings(node: Any) -> Iterator[str]:
    """Texts that Slack reads as mrkdwn or Markdown: not those of plain_text objects or of rich_text elements."""
    for obj in _objects(node):
        if obj.get("type") in ("mrkdwn", "markdown", None):
            yield from (
                v for k in ("text", "pretext", "title", "fallback", "value") if isinstance(v := obj.get(k), str)
            )


def rendered(message: Json) -> str:
    """The text that a reader sees: the blocks' when there are blocks, else `text`."""
    seen = "\n".join(t for b in message.get("blocks") or () if (t := _block_text(b)))
    return seen or message.get("text", "")


def _block_text(block: Json) -> str:
    match block.get("type"):
        case "markdown":
            return str(block.get("text", ""))
        case "section":
            return "\n".join(_plain(t) for t in (block.get("text"), *(block.get("fields") or ())) if t)
        case "header" | "input" | "alert":
            return _plain(block.get("text") or block.get("label"))
        case "context":
            return " ".join(filter(None, (_plain(e) for e in block.get("elements", ()))))
        case "actions" | "context_actions":
            return " ".join(f"[{label}]" for e in block.get("elements", ()) if (label := _plain(e.get("text"))))
        case "image" | "video":
            return str(block.get("alt_text", ""))
        case "table" | "data_table":
            return "\n".join(" | ".join(_plain(cell) for cell in row) for row in block.get("rows", ()))
        case "rich_text":
            return "\n".join(_plain(e) for e in block.get("elements", ()))
        case _:
            return _plain(block.get("title"))


def _plain(node: Any) -> str:
    """The text of a text object, a table cell or a rich_text element."""
    if not isinstance(node, dict):
        return node if isinstance(node, str) else ""
    match node.get("type"):
        case "user":
            return f"<@{node.get('user_id', '')}>"
        case "channel":
            return f"<#{node.get('channel_id', '')}>"
        case "broadcast":
            return f"<!{node.get('range', '')}>"
        case "emoji":
            return f":{node.get('name', '')}:"
        case "raw_number":
            return str(node.get("text", node.get("value", "")))
    if "elements" in node:
        glue = "\n" if node.get("type") == "rich_text_list" else ""
        return glue.join(_plain(e) for e in node["elements"])
    text = node.get("text", node.get("url", ""))
    return _plain(text) if isinstance(text, dict) else str(text)
