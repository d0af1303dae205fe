"""The unfinished end of a text that still grows, made fit to be shown."""

import re

from bot.markdown.lines import Line, cells, scan

_MARKS = r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*"
_LONE = re.compile(_MARKS + r"(?:#{1,6}|[-*_=~`+:|]+|\d{1,9}[.)]|\[[ xX]?\]?)?[ \t]*")
_START = re.compile(_MARKS + r"(?:\[[ xX]\][ \t]+)?(?:#{1,6}[ \t]+)?")
_TOKEN = re.compile(r"\\|`+|<|!?\[|\*+|_+|~+|&|https?://(?:[^\s<>\])*`~]|~(?!~))*")
_LINK = re.compile(
    r"!?\[(?:[^\[\]\\]++|\\.|\[[^\[\]]*+\])*+\]"
    r"\(\s*(?:<[^<>\n]*>|(?:[^()\s\\]++|\\.|\([^()\s]*+\))*+)(?:\s+(?:\"[^\"]*\"|'[^']*'|\([^()]*\)))?\s*\)",
    re.DOTALL,
)
_BRACKETS = re.compile(r"!?\[(?:[^\[\]\\]++|\\.|\[[^\[\]]*+\])*+\]", re.DOTALL)
_PART_OF_URL = re.compile(r"\((?:<[^<>\n]{0,2000}+|\S{0,2000}+)(?:\s+[\"'(][^\"')]{0,300}[\"')]?)?\s*")
_TICKS = re.compile("`+")
_NUMBER = re.compile(r"\[\^?\d+\]")
_ANGLES = re.compile(r"<[^\s<>][^<>\n]*>")
_PART_OF_ANGLES = re.compile(
    r"<(?:[^\s<>]{0,500}|\u2060?[@!#][^<>\n]{0,200}|/?[a-zA-Z][\w-]{0,20}\s[^<>\n]*=[^<>\n]{0,500})"
)
_PART_OF_ENTITY = re.compile(r"&(?:#(?:\d{0,7}|[xX][\da-fA-F]{0,6})|[a-zA-Z]{0,8})")
_PASSES = 8  # each takes something away at the end; real text needs one or two


def settle(text: str) -> str:
    """A growing text as it may be shown now: unfinished markup at its end is closed, reduced to its words, or held back.

    Open fences, bold, italic, struck words and code are closed; of an unfinished link the words are shown; an unfinished image, autolink,
    mention, entity, fence line, table header or row, and a marker with nothing after it, are held back. Nothing but closers is added. Whole
    text passes unchanged, and so does `settle(text)` itself. The result may be empty or blank: then there is nothing to show yet.
    """
    passes = 0
    while (shown := _settled(text)) != text:
        if shown.startswith(text.rstrip()):
            return shown  # closers only: nothing new has come to the end
        text, passes = shown, passes + 1
        if passes % _PASSES == 0:  # a paragraph of nothing but loose ends is not worth the time
            text = text[: text.rstrip().rfind("\n") + 1]
    return text


def _settled(text: str) -> str:
    """One pass: what is taken away can lay bare something else that is unfinished."""
    lines = scan(text)
    if not lines or lines[-1].kind in {"blank", "rule", "close"}:
        last = lines[-1] if lines else None
        # A rule without its line break may become a list item or bold text yet.
        return text[: last.start] if last and last.kind == "rule" and last.end == len(text) else text
    last = lines[-1]
    if last.fence:
        return _in_fence(text, last)
    held = _held(text, lines)
    if held is not None:
        return text[:held]
    return text if last.kind == "table" else _in_words(text, lines)


def _in_fence(text: str, last: Line) -> str:
    fence = last.fence
    assert fence is not None
    if last.kind == "open":  # an empty box is not worth showing, and its language may be half written
        return text[: last.start]
    growing = last.end == len(text)
    bare = text[last.start : last.end].strip(" \t>")
    if growing and bare and len(bare) < len(fence.mark) and not bare.strip(fence.mark[0]):
        return text[: last.start]  # the closing line has begun
    return f"{text}{chr(10) if growing else ''}{fence.closer}"


def _held(text: str, lines: list[Line]) -> int | None:
    """Where the lines begin that wait for more: markers alone, table headers and rows."""
    last = lines[-1]
    raw = text[last.start : last.end]
    bare = raw.strip()
    growing = last.end == len(text)
    if last.kind == "table":
        header = next(line for line in reversed(lines) if line.opens)
        if not growing:
            return None
        if lines[-2] is header:
            return header.start  # the separator may get more columns
        done = bare.endswith("|") and not bare.endswith("\\|")
        return None if done and len(cells(bare)) >= len(cells(text[header.start : header.end])) else last.start
    if growing and _LONE.fullmatch(raw):
        return last.start
    if last.kind == "text" and bare.startswith("|"):
        if last.opens:
            return last.start
        above = lines[-2]
        heads = above.opens and text[above.start : above.end].lstrip().startswith("|")
        return above.start if growing and heads and not bare.strip("|:- \t") else None
    return None


def _in_words(text: str, lines: list[Line]) -> str:
    """The text with the inline markup of its last paragraph, item or heading settled."""
    at = len(lines) - 1
    while (
        lines[at].kind in {"text", "quote"} and not lines[at].opens and lines[at - 1].kind in {"text", "item", "quote"}
    ):
        at -= 1
    found = _START.match(text, lines[at].start)
    assert found is not None  # everything in it is optional
    body = text[found.end() :].rstrip()
    if not _TOKEN.search(body):
        return text
    return text[: found.end()] + _Ending(body, text[found.end() + len(body) :]).settled()


class _Ending:
    """A reading of one paragraph's inline markup, to find what is open at its end."""

    def __init__(self, body: str, blank: str) -> None:
        self.body = body
        self.blank = blank  # the white space that follows: after it a marker can no longer grow
        self.end = len(body)  # what stands behind is held back
        self.open: list[tuple[str, int]] = []  # markers that wait for their closers, and where they end
        self.closed = 0  # where the last run of markers ends that closed something
        self.dropped: set[int] = set()  # brackets of unfinished links
        self.code = {found.group(): found.start() for found in _TICKS.finditer(body)}  # where each length is seen last

    def settled(self) -> str:
        at = 0
        while found := _TOKEN.search(self.body, at, self.end):
            mark, at = found.group(), found.start()
            if mark == "\\":
                at = self._escape(at)
            elif mark[0] == "`":
                at = self._code(mark, at)
            elif mark == "<":
                at = self._angles(at)
            elif mark[-1] == "[":
                at = self._link(mark, at)
            elif mark == "&":
                at = self._entity(at)
            elif mark[0] == "h":
                at = found.end()
            else:
                at = self._emphasis(mark, at)
        return self._closed()

    def _hold(self, at: int) -> int:
        self.end = at
        return at

    def _escape(self, at: int) -> int:
        return self._hold(at) if at + 1 >= self.end and not self.blank else at + 2

    def _code(self, mark: str, at: int) -> int:
        start = at + len(mark)
        if self.code.get(mark, -1) > at:  # an escaped backtick makes a run that the table does not have
            for found in _TICKS.finditer(self.body, start):
                if found.group() == mark:
                    return found.end()
        self.open.append((mark, start))
        self.end = max(start, len(self.body[: self.end].rstrip("`")))
        return self.end

    def _angles(self, at: int) -> int:
        if found := _ANGLES.match(self.body, at, self.end):
            return found.end()
        return self._hold(at) if not self.blank and _PART_OF_ANGLES.fullmatch(self.body, at, self.end) else at + 1

    def _entity(self, at: int) -> int:
        return self._hold(at) if not self.blank and _PART_OF_ENTITY.fullmatch(self.body, at, self.end) else at + 1

    def _link(self, mark: str, at: int) -> int:
        if found := _LINK.match(self.body, at, self.end):
            return found.end()
        brackets = _BRACKETS.match(self.body, at, self.end)
        if brackets is None:
            if self.end - at > 400:
                return at + 1  # a bracket, not a link
        elif brackets.end() == self.end:
            if self.blank or _NUMBER.fullmatch(brackets.group()):
                return at + len(mark)
        elif not _PART_OF_URL.fullmatch(self.body, brackets.end(), self.end):
            return at + len(mark)
        if mark == "![":
            return self._hold(at)
        self.dropped.add(at)
        if brackets:
            self.end = brackets.end() - 1
        return at + 1

    def _emphasis(self, mark: str, at: int) -> int:
        after = at + len(mark)
        last = after == self.end and not self.blank
        if mark[0] == "~" and len(mark) != 2:
            return self._hold(at) if last and len(mark) == 1 else after
        opens, closes = self._flanks(at, after)
        left = len(mark)
        while left and closes:
            place = next((i for i in range(len(self.open) - 1, -1, -1) if self.open[i][0][0] == mark[0]), None)
            if place is None:
                break
            opener, start = self.open[place]
            if last and left < len(opener):
                return self._hold(at)  # the closer has begun
            del self.open[place:]
            if left < len(opener):
                self.open.append((opener[left:], start))
            left = max(0, left - len(opener))
            self.closed = after if not left else self.closed
        if left and last:
            return self._hold(after - left)
        if left and opens:
            self.open.append((mark[:left], after))
        return after

    def _flanks(self, at: int, after: int) -> tuple[bool, bool]:
        """Whether a run of markers may open and close emphasis (CommonMark's flanking rules)."""
        before = self.body[at - 1] if at else " "
        behind = self.body[after] if after < self.end else " "
        words = before.isalnum(), behind.isalnum()
        left = not behind.isspace() and (words[1] or not words[0])
        right = not before.isspace() and (words[0] or not words[1])
        if self.body[at] == "_":
            return left and not words[0], right and not words[1]
        return left, right

    def _closed(self) -> str:
        end = self.end
        while end:  # a marker with nothing inside is held back with it
            if end - 1 in self.dropped or (self.open and self.body[end - 1].isspace()):
                end -= 1
            elif self.open and self.open[-1][1] == end:
                end -= len(self.open.pop()[0])
            else:
                break
        kept = (
            "".join(char for at, char in enumerate(self.body[:end]) if at not in self.dropped)
            if self.dropped
            else self.body[:end]
        )
        closers = "".join(mark for mark, _ in reversed(self.open))
        escaped = (len(kept) - len(kept.rstrip("\\"))) % 2
        if closers and (escaped or (kept[-1:] == closers[0] and self.closed != end)):
            closers = ""  # it would be escaped, or join the marker before it and mean something else
        return kept + closers + self.blank
