"""The part of a growing text that may be sent for good: for messages that can only be appended to."""

from bot.markdown.ending import settle
from bot.markdown.lines import scan

_LOOKS = 30  # words back from the end; real text needs one or a few


def steady(text: str) -> str:
    """The longest beginning of the text, in whole words, that looks the same however the text grows.

    Markup that is open at the end is held back with all that follows it; of an open fence the whole lines are given. May be empty. What it
    gave once is the beginning of what it gives later, or the other way round where it looked back too far.
    """
    place = len(text)
    for _ in range(_LOOKS):
        place = max(text.rfind(" ", 0, place), text.rfind("\n", 0, place), 0)
        part = text[:place].rstrip()
        lines = scan(part)
        if not lines:
            return ""
        if lines[-1].fence and lines[-1].kind != "close":
            return _whole_lines(text[: max(text.rfind("\n", 0, place + 1), 0)].rstrip())
        if settle(part) == part:
            return part
    return ""


def _whole_lines(text: str) -> str:
    """Without the line that opens a fence, if it is the last: an empty box is not worth showing."""
    lines = scan(text)
    return text[: lines[-1].start].rstrip() if lines and lines[-1].kind == "open" else text
