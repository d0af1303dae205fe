"""A person's own words in a message, apart from what the bot has put around them. Pure."""

import re

from playground.openai.memory import NAME

SPEAKER = re.compile(
    rf"^\s*(?:\[[^\]\n]{{1,80}}\]|<@\w+>(?=:)|(?!(?:Say|Echo|Repeat)\b){NAME}(?: \([^)\n]{{1,40}}\))?(?=:)):?\s*"
)
# What the bot says of a shared file, in a line of its own; of a recording, what is said in it.
RECORDED = re.compile(r"(?ms)^\[shared [^\n]* — a recording; what is said in it:\n(.*?)\]$")
SHARED = re.compile(r"(?m)^\[shared [^:\n]*: ([^\n]*?)(?: — ([^\n]*))?\]$")


def spoken(text: str) -> str:
    """A message without what the bot has put before it, such as `[Ana Ruiz]` or `Ana Ruiz:`, and without its lines about files."""
    return SPEAKER.sub("", SHARED.sub("", RECORDED.sub(r"\1", text)).strip(), count=1)
