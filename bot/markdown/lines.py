"""The lines of a Markdown text and the block each belongs to, found in one cheap pass."""

import re
from typing import NamedTuple

_FENCE = re.compile(r"(?P<prefix>[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*)(?P<mark>`{3,}(?=[^`]*$)|~{3,})(?P<info>.*)")
_LIST_MARK = re.compile(r"[^ \t>]")
_RULE = re.compile(r"([-*_])[ \t]*(?:\1[ \t]*){2,}")
_HEADING = re.compile(r"#{1,6}(?=\s|$)")
_ITEM = re.compile(r"(?:[-*+]|\d{1,9}[.)])(?=\s|$)")
_SEPARATOR = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?")
_PIPE = re.compile(r"(?<!\\)\|")
_STARTERS = frozenset("`~#>-*_+0123456789")


class Fence(NamedTuple):
    """An open code fence: what stands before it on every line of its block, its backticks or tildes, its info string."""

    prefix: str
    mark: str
    info: str

    @property
    def quoted(self) -> bool:
        """Whether the fence stands in a block quote, which ends with the first line that lacks the `>`."""
        return ">" in self.prefix

    @property
    def closer(self) -> str:
        """The line that closes the fence."""
        return self.prefix + self.mark

    @property
    def opener(self) -> str:
        """The line that opens the same fence at the top of a message.

        A fence deep in a list stands there without its list, and four spaces would make it indented code; so it gets bullets of its own,
        such that the code's own indentation and the closing line still fit.
        """
        depth = len(self.prefix.expandtabs(4))
        prefix = self.prefix
        if depth > 3 and not self.quoted:
            depth = min(depth, 13)
            bullets = (depth - 4) // 2
            prefix = "- " * bullets + "-".ljust(depth - 2 * bullets)
        return f"{prefix}{self.mark}{self.info}\n"


class Line(NamedTuple):
    """One line: text[start:end] without its line break; `opens`: it begins a block of its own; `fence`: the one it belongs to."""

    start: int
    end: int
    kind: str  # blank text heading rule item quote table (header, separator and rows) open code close (of a fence)
    opens: bool
    fence: Fence | None = None


def scan(text: str) -> list[Line]:
    """Every line of the text; an entry depends on the lines up to it, and a table's header on the separator after it."""
    lines: list[Line] = []
    fence: Fence | None = None
    listed = False  # a list is open: further items and indented lines belong to it, also after blank lines
    before, above = "blank", ""
    no = False  # a positional argument is quicker than a named one, and this loop runs for every frame of every answer
    start = 0
    for raw in text.split("\n"):
        end = start + len(raw)
        bare = raw.strip()
        if fence and fence.quoted and bare[:1] != ">":
            fence, before = None, "close"
        if fence:
            kind = "close" if _closes(fence, raw) else "code"
            lines.append(Line(start, end, kind, no, fence))
            if kind == "close":
                fence = None
        elif not bare:
            kind = "blank"
            lines.append(Line(start, end, kind, no))
        else:
            kind = _kind(bare, before, above)
            fence = _fence(raw) if kind == "open" else None
            if kind == "table" and before == "text":
                lines[-1] = lines[-1]._replace(kind="table", opens=True)
            indented = raw[0] in " \t"
            lines.append(Line(start, end, kind, _opens(kind, before, listed=listed, indented=indented), fence))
            listed = kind == "item" or (listed and kind == "text" and (indented or before != "blank"))
        before, above = kind, bare
        start = end + 1
    if lines[-1].start == lines[-1].end:  # what follows the last line break is not a line yet
        lines.pop()
    return lines


def cells(row: str) -> list[str]:
    """The cells of a table row, trimmed, as they are written."""
    bare = row.strip().removeprefix("|")
    if bare.endswith("|") and not bare.endswith("\\|"):
        bare = bare[:-1]
    return [cell.strip() for cell in _PIPE.split(bare)]


def block_count(text: str) -> int:
    """An estimate of how many blocks Slack makes of the text: a list, a quote, a paragraph count one each."""
    return sum(line.opens for line in scan(text))


def _closes(fence: Fence, raw: str) -> bool:
    bare = raw.lstrip(" \t>")
    # Indented further than three spaces past its opening line, a row of backticks is code.
    return (
        bare.startswith(fence.mark)
        and not bare.strip().strip(fence.mark[0])
        and len(raw) - len(bare) <= len(fence.prefix) + 3
    )


def _fence(raw: str) -> Fence | None:
    found = _FENCE.fullmatch(raw)
    return found and Fence(_LIST_MARK.sub(" ", found["prefix"]), found["mark"], found["info"].strip())


def _kind(bare: str, before: str, above: str) -> str:
    first = bare[0]
    if "|" in bare:
        if before == "table" and first not in "#>":
            return "table"
        separates = first in "|:-" and before == "text" and "|" in above and _SEPARATOR.fullmatch(bare)
        if separates and len(cells(bare)) == len(cells(above)):
            return "table"
    if first not in _STARTERS:
        return "text"
    if ("```" in bare or "~~~" in bare) and _FENCE.fullmatch(bare):
        return "open"
    if first == "#":
        return "heading" if _HEADING.match(bare) else "text"
    if first == ">":
        return "quote"
    if first in "-*_" and _RULE.fullmatch(bare):
        return "text" if first == "-" and before == "text" else "rule"  # under a paragraph it makes that a heading
    return "item" if _ITEM.match(bare) else "text"


def _opens(kind: str, before: str, *, listed: bool, indented: bool) -> bool:
    """Whether a line begins a new block."""
    if kind == "text":
        return not (listed and indented) if before == "blank" else before not in {"text", "item", "quote"}
    if kind == "item":
        return not listed
    if kind == "quote":
        return before != "quote"
    return kind != "table"
