"""Where an answer that is too long for one Slack message goes on in the next."""

import re
import unicodedata
from dataclasses import dataclass
from typing import NamedTuple

from bot.markdown.lines import Line, scan


@dataclass(frozen=True, slots=True)
class Limits:
    """What one message may hold. `tables`: native ones, any others become aligned text; `plain`: no markup at all."""

    characters: int = 11_000  # Slack takes 12,000; the rest is room for closers, joiners and aligned tables
    blocks: int = 40  # Slack makes blocks of the Markdown and refuses more than 50; ours is an estimate
    tables: int = 1
    plain: bool = False


FULL = Limits()
CAREFUL = Limits(characters=3_000, blocks=15, tables=0)  # when Slack refused FULL
PLAIN = Limits(
    blocks=1_000, tables=0, plain=True
)  # when it refused CAREFUL too: takes any message cut for the others, as words in sections


class _Cut(NamedTuple):
    end: int
    closer: str = ""  # ends the first message
    opener: str = ""  # begins the next


_BLANK_LINES = re.compile(r"(?:[^\S\n]*\n)+")
_QUOTE = re.compile(r"[ \t]*(?:>[ \t]?)+")
_SENTENCE = re.compile(r"[.!?…:;][\"')\]*_]*\s+|[。\uff01\uff1f]")  # the last two: full-width ! and ?
_SPACE = re.compile(r"\s+")
# What must not be torn: code, links and images, mentions and autolinks, bold and struck words; also one still open at the end.
_WHOLE = re.compile(
    r"`[^`\n]{1,400}(?:`|$)|!?\[[^\[\]\n]{0,400}(?:\](?:\([^()\s]{0,1000}(?:\)|$))?|$)"
    r"|<[^<>\s][^<>\n]{0,400}(?:>|$)|\*\*[^*\n]{1,400}(?:\*\*|$)|~~[^~\n]{1,400}(?:~~|$)|https?://\S{1,1000}"
)


def cut(text: str, limits: Limits = FULL) -> int | None:
    """Where the first message ends, as an index into the text; None while all of it fits into one.

    The answer depends on the text up to the limit only: once it is a number, it stays that however the text grows.
    In order of preference, as long as a third of the limit is used: before a paragraph, before a top-level line, before an indented one,
    between lines of code, between rows of a table, after a sentence, at a space, anywhere.
    """
    found, skipped = _first(text, limits)
    return None if found is None else skipped + found.end


def peel(text: str, limits: Limits = FULL) -> tuple[str, str] | None:
    """The first message's text, and the text of all that follows; None while everything fits into one message.

    Code and tables go on: a fence is closed in the first and opened again in the next, a table's header is repeated there.
    More text may be appended to the second before it is peeled in turn: `split` of the whole gives the same messages.
    """
    found, skipped = _first(text, limits)
    if found is None:
        return None
    head = text[skipped : skipped + found.end]
    return (head if found.closer else head.rstrip()) + found.closer, found.opener + text[skipped + found.end :]


def split(text: str, limits: Limits = FULL) -> tuple[str, ...]:
    """The texts of the messages; each fits, none is blank, so blank text gives none.

    Of n messages the first n - 1 stay as they are however the text grows. Nothing is lost but whitespace at the cuts.
    """
    messages = []
    while peeled := peel(text, limits):
        messages.append(peeled[0])
        text = peeled[1]
    text = text[_lead(text, limits) :]
    return (*messages, text) if text.strip() else tuple(messages)


def _lead(text: str, limits: Limits) -> int:
    """How much blank room at the start belongs to no message: whole lines, and an indentation as long as a message."""
    found = _BLANK_LINES.match(text)
    start = found.end() if found else 0
    spaces = len(text) - len(text[start:].lstrip()) - start if text[start : start + 1].isspace() else 0
    return start + spaces if spaces >= limits.characters // 3 else start


def _first(text: str, limits: Limits) -> tuple[_Cut | None, int]:
    """The first cut, counted from where the first message begins, and that place."""
    skipped = _lead(text, limits)
    room = max(limits.blocks - 1, 1)  # the line that is still being written may become one more
    long = len(text) - skipped > limits.characters
    if not long and text.count("\n") <= room:
        return None, skipped
    window = text[skipped : skipped + limits.characters]
    # Only whole lines are classified: what an unfinished one is can change as it grows.
    lines = scan(window[: window.rfind("\n") + 1])
    opening = [at for at, line in enumerate(lines) if line.opens]
    if len(opening) > room:
        return _Cut(_before_heading(lines, opening[room], lines[opening[room]].start)), skipped
    return (_by_length(window, lines) if long else None), skipped


def _before_heading(lines: list[Line], at: int, place: int) -> int:
    """The place before line `at`, or before the headings right above it: they belong to what follows."""
    while at and lines[at - 1].kind in {"heading", "blank"}:
        at -= 1
        if lines[at].kind == "heading" and lines[at].start:
            place = lines[at].start
    return place


def _by_length(window: str, lines: list[Line]) -> _Cut:
    """The best place within the window, which is full."""
    low = len(window) // 3
    best: dict[int, _Cut] = {}
    whole = window.rfind("\n") + 1
    rest = window[whole:]
    for at in range(len(lines), 0, -1):
        place = lines[at].start if at < len(lines) else whole
        if place < low:
            break
        following = lines[at] if at < len(lines) else None
        rank, found = _between(window, lines, at, following, rest)
        if found and rank not in best and place + len(found.closer) <= len(window):
            best[rank] = found
    return best[min(best)] if best else _within(window, lines, whole, low)


def _between(window: str, lines: list[Line], at: int, following: Line | None, rest: str) -> tuple[int, _Cut | None]:
    """How well the messages part before line `at`, smaller is better, and the cut there, if it may be one."""
    above = lines[at - 1]
    ahead = window[following.start : following.end] if following else rest
    place = following.start if following else len(window) - len(rest)
    bare = ahead.strip()
    if above.fence and (following.fence is above.fence if following else _goes_on(above, rest)):
        if above.kind == "open" or not bare or bare.lstrip("> \t")[:1] == above.fence.mark[0]:
            return 3, None  # it would leave an empty fence on one side
        return 3, _in_fence(place, above, window)
    if above.kind == "table" and (
        following.kind == "table" and not following.opens if following else bare.startswith("|")
    ):
        header = next(i for i in range(at - 1, -1, -1) if lines[i].opens)
        return 4, _in_table(place, window, lines, header) if at - header > 2 else None
    if above.kind == "heading" or not bare:
        return 1, None
    if above.kind == "blank" or (following and following.opens):
        back = _before_heading(lines, at, place)
        return (2 if ahead[0].isspace() else 0), _Cut(back if back >= len(window) // 3 else place)
    if "|" in window[above.start : above.end]:
        return 1, None  # the header of a table, perhaps
    indent = len(ahead) - len(ahead.lstrip())
    return (2, _Cut(place + indent)) if indent else (1, _Cut(place))


def _goes_on(line: Line, rest: str) -> bool:
    """Whether the line's fence is still open in the unfinished line after it."""
    if line.fence is None or line.kind == "close":
        return False
    return not line.fence.quoted or not rest.strip() or rest.lstrip().startswith(">")


def _in_fence(place: int, line: Line, window: str, broken: str = "") -> _Cut:
    fence = line.fence
    assert fence is not None
    closer, opener = f"{broken}{fence.closer}", fence.opener
    if len(closer) + len(opener) > len(window) // 4:  # an absurd info string is not worth a message's room
        return _Cut(place)
    return _Cut(place, closer, opener + (fence.prefix if broken and fence.quoted else ""))


def _in_table(place: int, window: str, lines: list[Line], header: int) -> _Cut:
    opener = window[lines[header].start : lines[header + 1].end + 1]
    return _Cut(place, opener="" if len(opener) > len(window) // 4 else opener)


def _within(window: str, lines: list[Line], whole: int, low: int) -> _Cut:
    """A cut inside the last line, which is longer than what the better places left room for."""
    line = lines[-1] if lines else None
    open_fence = line is not None and _goes_on(line, window[whole:])
    draft = _in_fence(0, line, window, "\n") if line and open_fence else _Cut(0)
    high = len(window) - max(len(draft.closer), 1)
    low = max(low, whole)
    torn = [] if open_fence else [found.span() for found in _WHOLE.finditer(window, whole)]
    patterns = (_SPACE,) if open_fence else (_SENTENCE, _SPACE)
    for pattern in patterns:
        places = [found.end() for found in pattern.finditer(window, low, high)]
        free = next((at for at in reversed(places) if not any(start < at < end for start, end in torn)), None)
        if free:
            return draft._replace(end=free, opener=draft.opener or _quote(window, whole))
    place = next((start for start, end in torn if low < start < high < end), high)
    return draft._replace(end=_at_grapheme(window, place), opener=draft.opener or _quote(window, whole))


def _quote(window: str, whole: int) -> str:
    found = _QUOTE.match(window, whole)
    return found.group() if found and found.end() - whole <= len(window) // 8 else ""


def _at_grapheme(window: str, place: int) -> int:
    """The nearest place, at most 32 characters back, that does not tear what is seen as one character."""
    for back in range(place, max(place - 32, 1), -1):
        after, before = window[back], window[back - 1]
        joined = (
            unicodedata.category(after)[0] == "M"  # accents, vowel signs, variation selectors
            or "\u200d" in {after, before}
            or "\U0001f3fb" <= after <= "\U0001f3ff"  # skin tones
            or "\U000e0020" <= after <= "\U000e007f"  # tags, as in some flags
            or ("\U0001f1e6" <= after <= "\U0001f1ff" and "\U0001f1e6" <= before <= "\U0001f1ff")  # a flag's two halves
            or "\udc00" <= after <= "\udfff"
        )
        if not joined:
            return back
    return place
