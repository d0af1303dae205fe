"""What a reader sees of Markdown when it is not rendered: its words."""

import html
import re

from bot.markdown.lines import Line, cells, scan

_INLINE = re.compile(  # every repetition is bounded, so that hostile text costs no more than its length
    r"(?=[`\\!\[<*~_&])(?:"  # nothing else begins markup: a quick no for most characters
    r"(?P<tick>`{1,10})(?P<code>[^`].{0,1000}?|[^`])(?<!`)(?P=tick)(?!`)"
    r"|\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|!\[(?P<alt>[^\[\]]{0,400})\]\((?P<source>[^()\s]{0,2000})[^()]{0,200}\)"
    r"|\[(?P<words>(?:[^\[\]]|\[[^\[\]]{0,100}\]){1,400}?)\]\(<?(?P<url>(?:[^()\s<>]|\([^()\s]{0,100}\)){0,2000})>?(?:\s[^()]{0,200})?\)"
    r"|<(?P<auto>(?:https?://|mailto:)[^<>\s]{1,2000})>"
    r"|(?P<mark>\*{1,3}|~~|(?<!\w)_{1,3})(?=\S)(?P<inner>.{1,400}?)(?<=\S)(?P=mark)(?![*~]|(?<=_)\w)"
    r"|<(?P<line>br\s?/?)>"
    r"|(?P<entity>&(?:\#\w{1,8}|\w{2,20});))",
    re.DOTALL | re.IGNORECASE,
)
_SPECIAL = re.compile(r"[`\\\[<*~_&]")
_HEADING = re.compile(r"[ \t]*#{1,6}[ \t]*")
_QUOTE = re.compile(r"[ \t]*(?:>[ \t]?)+")
_BULLET = re.compile(r"([ \t]*)[-*+](?=\s)")
_GAPS = re.compile(r"\n{3,}")


def plain(text: str, *, urls: bool) -> str:
    """The text's words without markup; code as it is; of a link the words, with `urls` its address in brackets too."""
    done: list[str] = []
    words: list[str] = []
    for line in scan(text):
        raw = text[line.start : line.end]
        if line.kind == "code":
            raw = _QUOTE.sub("", raw) if line.fence and line.fence.quoted else raw
            done += [inline("\n".join(words), urls=urls), raw] if words else [raw]
            words = []
        elif line.kind not in {"open", "close", "rule"}:
            words += _shown(raw, line)
    if words:
        done.append(inline("\n".join(words), urls=urls))
    return _GAPS.sub("\n\n", "\n".join(done)).strip("\n")


def inline(text: str, *, urls: bool, depth: int = 4) -> str:
    """The words of a paragraph or a cell; markup nested deeper than `depth` stays."""
    if not depth or not _SPECIAL.search(text):
        return text

    def words(found: re.Match[str]) -> str:
        kind = found.lastgroup
        if found["tick"]:
            return found["code"].strip() or found.group()
        if found["mark"]:
            return inline(found["inner"], urls=urls, depth=depth - 1)
        if found["words"] or found["alt"] is not None:
            label = inline(found["words"] or found["alt"], urls=urls, depth=depth - 1)
            url = found["url"] or found["source"]
            return f"{label} ({url})" if urls and url and url != label else label or url or ""
        if found["entity"]:
            return html.unescape(found["entity"])
        if found["line"]:
            return "\n"
        return found[kind] if kind else found.group()

    return _INLINE.sub(words, text)


def _shown(raw: str, line: Line) -> list[str]:
    """The line without its block's markers; none for a table's separator."""
    if line.kind == "heading":
        return [_HEADING.sub("", raw)]
    if line.kind == "quote":
        return [_QUOTE.sub("", raw)]
    if line.kind == "item":
        return [_BULLET.sub(r"\1•", raw, count=1)]
    if line.kind == "table":
        return [] if not raw.strip("|:- \t") and "-" in raw else [" | ".join(cells(raw))]
    return [raw]
