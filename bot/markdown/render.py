"""One message's Markdown as Slack's blocks, and the plain words beside them."""

import html
import re
from typing import Any

from bot.markdown.cuts import FULL, Limits
from bot.markdown.lines import scan
from bot.markdown.mentions import disarm
from bot.markdown.tables import align_tables
from bot.markdown.words import plain

_MARKDOWN = 12_000  # the most characters Slack takes in all markdown blocks of a message
_SECTION = 2_900  # a section's text may have 3,000
_FALLBACK = 3_900  # chat.update refuses 4,000
_BREAK = re.compile(r"`[^`]*`|<br\s?/?>", re.IGNORECASE)  # code first, so that a tag in it is left alone
_PART_OF_ENTITY = re.compile(r"&[a-z]*$")


def blocks(part: str, level: Limits = FULL) -> list[dict[str, Any]]:
    """Block Kit for one message's text, as `split` or `peel` gave it for `level`: a markdown block, or plain sections for PLAIN.

    Tables beyond the level's number, and too large ones, become aligned text. Mentions are disarmed here too, names or not. A text that
    would still be longer than Slack takes falls back to sections. Raises ValueError for blank text: Slack refuses an empty block.
    """
    if not part.strip():
        raise ValueError("there is nothing to show in blank text")
    if not level.plain:
        text = disarm(align_tables(_line_breaks(part), level.tables, _MARKDOWN))
        if len(text) <= _MARKDOWN:
            return [{"type": "markdown", "text": text}]
    words = disarm(plain(disarm(part), urls=True))
    return [
        {"type": "section", "text": {"type": "plain_text", "text": piece}, "expand": True}
        for piece in _pieces(words if words.strip() else disarm(part))
    ]


def fallback(part: str) -> str:
    """The words beside the blocks, for notifications and screen readers: at most 3,900 characters of mrkdwn without any markup in it.

    `&`, `<` and `>` are escaped, so nothing in it can notify. Ends with "…" when shortened, and is "…" when there is no word.
    """
    start = part[: 2 * _FALLBACK]
    words = html.escape(disarm(plain(disarm(start), urls=False)).strip(), quote=False)
    if len(words) <= _FALLBACK and start == part:
        return words or "…"
    return _PART_OF_ENTITY.sub("", words[: _FALLBACK - 1]).rstrip() + "…"


def _line_breaks(text: str) -> str:
    """`<br>` outside code as a line break; in a table's row, which must stay one line, as a space."""
    if "<br" not in text.lower():
        return text
    parts, done = [], 0
    for line in scan(text):
        if not line.fence:
            gap = " " if line.kind == "table" else "\n"
            parts += [text[done : line.start], _broken(text[line.start : line.end], gap)]
            done = line.end
    return "".join([*parts, text[done:]])


def _broken(line: str, gap: str) -> str:
    return _BREAK.sub(lambda found: found.group() if found.group()[0] == "`" else gap, line)


def _pieces(words: str) -> list[str]:
    """The words in pieces that fit a section, parted at line breaks or spaces where there are any."""
    pieces = []
    while len(words) > _SECTION:
        window = words[:_SECTION]
        place = max(window.rfind("\n"), 0) or max(window.rfind(" "), 0)
        place = place if place > _SECTION // 3 else _SECTION
        pieces.append(words[:place])
        words = words[place:]
    return [piece for piece in (*pieces, words) if piece.strip()]
