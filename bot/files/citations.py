"""What an answer says of the files that it rests on. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot.files.library import Record
from bot.mrkdwn import escaped
from bot.responses import Citation

SHOWN = 8
NAME_CHARACTERS = 60
LINE_CHARACTERS = 1_900  # a footnote has 2,000


def sources(citations: Iterable[Citation], records: Mapping[str, Record]) -> str:
    """The footnote that names the cited files, linked to Slack, each once; "" for none.

    `records` are those behind OpenAI's file ids that this place may know of: a file without one is not named.
    """
    cited = dict.fromkeys(c.file for c in citations)
    files = list(dict.fromkeys(_link(records[f]) for f in cited if f in records))
    shown: list[str] = []
    for link in files[:SHOWN]:
        if len(", ".join([*shown, link])) <= LINE_CHARACTERS:
            shown.append(link)
    if not shown:
        return ""
    more = len(files) - len(shown)
    return f"Sources: {', '.join(shown)}" + (f" and {more} more" if more else "")


def _link(record: Record) -> str:
    name = " ".join(record.name.split()) or "a file"
    name = name if len(name) <= NAME_CHARACTERS else f"{name[: NAME_CHARACTERS - 1]}…"
    url = record.link
    if not url.startswith(("https://", "http://")) or any(c in url for c in "<>| \n"):
        return escaped(name)
    return f"<{escaped(url)}|{escaped(name).replace('|', '¦')}>"
