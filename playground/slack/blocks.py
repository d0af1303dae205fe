"""Checks of blocks, messages and views: the shapes and lengths that Slack refuses."""

import json
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from playground.slack.arguments import SlackError
from playground.slack.elements import elements_faults, text_faults, too_long
from playground.slack.state import Json

MAX_BLOCKS, MAX_VIEW_BLOCKS, MAX_MARKDOWN, MAX_VIEW_BYTES = 50, 100, 12_000, 250_000
MAX_UPDATE_TEXT, MAX_POST_TEXT = 4_000, 40_000
# type → fields it needs; known types without a check of their own are listed with none.
_NEEDS: dict[str, tuple[str, ...]] = {
    "section": (), "header": ("text",), "divider": (), "image": ("alt_text",), "context": ("elements",), "actions": ("elements",),
    "context_actions": ("elements",), "input": ("label", "element"), "markdown": ("text",), "rich_text": ("elements",),
    "table": ("rows",), "file": ("external_id",), "video": ("title", "video_url", "thumbnail_url", "alt_text"), "call": ("call_id",),
    "data_table": ("rows",), "card": (), "carousel": (), "alert": ("text",), "plan": ("title",), "task_card": ("task_id", "title"),
    "contact_card": (), "data_visualization": (), "container": (),
}  # fmt: skip
_VIEW_FIELDS = frozenset(
    [
        "type", "title", "blocks", "close", "submit", "private_metadata", "callback_id", "clear_on_close", "notify_on_close",
        "external_id", "submit_disabled",
    ]
)  # fmt: skip
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_ALONE = re.compile(r"\s{0,3}(#{1,6}\s|([-*_]\s*){3,}$)")
_ITEM = re.compile(r"\s*([-*+]|\d{1,9}[.)])\s")
_TEXT_MOST = {"section": 3000, "header": 150, "context": 3000}
_ELEMENTS_MOST = {"context": 10, "actions": 25, "context_actions": 5}


def check_blocks(blocks: Any, most: int = MAX_BLOCKS, where: str = "/blocks") -> None:
    """SlackError("invalid_blocks") with a JSON pointer at the first fault; "msg_too_long" for too much Markdown."""
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format", f"[ERROR] must be an array [json-pointer:{where}]")
    if len(blocks) > most:
        raise SlackError("invalid_blocks", f"[ERROR] no more than {most} items allowed [json-pointer:{where}]")
    markdown = [
        b["text"]
        for b in blocks
        if isinstance(b, dict) and b.get("type") == "markdown" and isinstance(b.get("text"), str)
    ]
    if sum(map(len, markdown)) > MAX_MARKDOWN:
        raise SlackError(
            "msg_too_long", f"[ERROR] markdown blocks: must be less than {MAX_MARKDOWN + 1} characters together"
        )
    faults = [fault for i, block in enumerate(blocks) for fault in _block_faults(block, f"{where}/{i}")]
    ids = [b["block_id"] for b in blocks if isinstance(b, dict) and b.get("block_id")]
    if len(set(ids)) < len(ids):
        faults.append(f"block_id must be unique [json-pointer:{where}]")
    if sum(isinstance(b, dict) and b.get("type") == "table" for b in blocks) > 1:
        faults.append(f"only_one_table_allowed [json-pointer:{where}]")
    if not faults and markdown and len(blocks) - len(markdown) + sum(map(expanded, markdown)) > most:
        faults.append(f"no more than {most} items allowed after expanding markdown [json-pointer:{where}]")
    if faults:
        raise SlackError("invalid_blocks", *(f"[ERROR] {f}" for f in faults), errors=faults)


def expanded(markdown: str) -> int:
    """About how many blocks Slack makes of a `markdown` block: one a paragraph, heading, list, quote, table, fence or rule."""
    kinds, fence = [], ""
    for line in markdown.splitlines():
        mark = _FENCE.match(line)
        if fence:
            kinds.append("fence")
            if mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
                kinds.append("")
        elif mark:
            fence = mark[1]
            kinds += ["", "fence"]
        else:
            kinds.append(_line_kind(line, kinds[-1] if kinds else ""))
    return sum(len(list(run)) if kind == "alone" else bool(kind) for kind, run in groupby(kinds))


def _line_kind(line: str, before: str) -> str:
    if not line.strip():
        return ""
    if _ALONE.match(line):
        return "alone"
    if _ITEM.match(line):
        return "list"
    if line.lstrip().startswith(">"):
        return "quote"
    if line.lstrip().startswith("|"):
        return "table"
    return before if before in ("list", "quote") else "paragraph"  # a lazy continuation belongs to what it follows


def _block_faults(block: Any, where: str) -> Iterator[str]:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind not in _NEEDS:
        yield f"unsupported type: {kind} [json-pointer:{where}/type]"
        return
    yield from (
        f"missing required field: {k} [json-pointer:{where}]" for k in _NEEDS[kind] if block.get(k) in (None, "", [])
    )
    yield from too_long(block.get("block_id"), 255, f"{where}/block_id")
    match kind:
        case "section":
            if not block.get("text") and not block.get("fields"):
                yield f"missing required field: text [json-pointer:{where}]"
            for i, field in enumerate(block.get("fields") or ()):
                yield from text_faults(field, f"{where}/fields/{i}", 2000)
            if len(block.get("fields") or ()) > 10:
                yield f"no more than 10 items allowed [json-pointer:{where}/fields]"
        case "image":
            if not block.get("image_url") and not block.get("slack_file"):
                yield f"missing required field: image_url [json-pointer:{where}]"
            yield from too_long(block.get("image_url"), 3000, f"{where}/image_url")
            yield from too_long(block.get("alt_text"), 2000, f"{where}/alt_text")
        case "table" | "data_table":
            yield from _table_faults(block.get("rows"), where, 100 if kind == "table" else 101)
        case "markdown" | "rich_text" | "alert":
            return
    if kind in _TEXT_MOST and block.get("text"):
        yield from text_faults(block["text"], f"{where}/text", _TEXT_MOST[kind], plain=kind == "header")
    if kind == "input":
        yield from _input_faults(block, where)
    held = block.get("elements") or [e for e in (block.get("accessory"), block.get("element")) if e]
    yield from elements_faults(held, kind, where, _ELEMENTS_MOST.get(kind, 1))


def _input_faults(block: Json, where: str) -> Iterator[str]:
    yield from text_faults(block.get("label"), f"{where}/label", 2000, plain=True)
    if block.get("hint") is not None:
        yield from text_faults(block["hint"], f"{where}/hint", 2000, plain=True)
    for name in ("optional", "dispatch_action"):
        if not isinstance(block.get(name, False), bool):
            yield f"must be a boolean [json-pointer:{where}/{name}]"


def _table_faults(rows: Any, where: str, most: int) -> Iterator[str]:
    if not isinstance(rows, list) or not all(isinstance(r, list) for r in rows):
        yield f"must be an array of arrays [json-pointer:{where}/rows]"
        return
    if len(rows) > most:
        yield f"no more than {most} items allowed [json-pointer:{where}/rows]"
    for i, row in enumerate(rows):
        if len(row) > 20:
            yield f"no more than 20 items allowed [json-pointer:{where}/rows/{i}]"
        if not all(isinstance(c, dict) and c.get("type") in ("raw_text", "rich_text", "raw_number") for c in row):
            yield f"unsupported cell [json-pointer:{where}/rows/{i}]"


def check_view(view: Any, kind: str) -> None:
    """SlackError("invalid_arguments") when a view is not one that Slack opens; `kind` "modal" or "home"."""
    if not isinstance(view, dict) or view.get("type") != kind:
        raise SlackError("invalid_arguments", "[ERROR] must be a valid view type [json-pointer:/view/type]")
    faults: list[str] = []
    if kind == "modal":
        for name in ("title", "submit", "close"):
            if name == "title" or view.get(name) is not None:
                faults += text_faults(view.get(name), f"/view/{name}", 24, plain=True)
        inputs = any(isinstance(b, dict) and b.get("type") == "input" for b in view.get("blocks") or ())
        if inputs and not view.get("submit"):
            faults.append("missing required field: submit [json-pointer:/view]")
    for name, most in (("private_metadata", 3000), ("callback_id", 255), ("external_id", 255)):
        faults += too_long(view.get(name), most, f"/view/{name}")
    faults += [f"invalid additional property: {name} [json-pointer:/view]" for name in view if name not in _VIEW_FIELDS]
    if faults:
        raise SlackError("invalid_arguments", *(f"[ERROR] {f}" for f in faults))
    if len(json.dumps(view, ensure_ascii=False).encode()) > MAX_VIEW_BYTES:
        raise SlackError("view_too_large")
    try:
        check_blocks(view.get("blocks"), MAX_VIEW_BLOCKS, "/view/blocks")
    except SlackError as error:
        raise SlackError("invalid_arguments", *error.messages) from None


def check_message(args: Json) -> None:
    """What every message-bearing call shares: something to show, one way of showing it, nothing too long."""
    markdown = args.get("markdown_text")
    if markdown is not None and (args.get("text") or args.get("blocks")):
        raise SlackError("markdown_text_conflict")
    if markdown is not None and len(markdown) > MAX_MARKDOWN:
        raise SlackError("msg_too_long")
    if args.get("blocks"):
        check_blocks(args["blocks"])
        if len(args.get("text", "")) > MAX_UPDATE_TEXT:  # the fallback beside blocks
            raise SlackError("msg_too_long")
    if len(args.get("attachments") or ()) > 100:
        raise SlackError("too_many_attachments")
    if (
        not (args.get("text") or "").strip()
        and not args.get("blocks")
        and not args.get("attachments")
        and not (markdown or "").strip()
    ):
        raise SlackError("no_text")
    check_metadata(args.get("metadata"))


def check_metadata(metadata: Any) -> None:
    """SlackError for metadata without its two fields."""
    if metadata and not (
        isinstance(metadata, dict)
        and isinstance(metadata.get("event_type"), str)
        and isinstance(metadata.get("event_payload"), dict)
    ):
        raise SlackError("invalid_metadata_format")
