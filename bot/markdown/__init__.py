"""Pure rendering of a model's growing Markdown into Slack messages: text in, Block Kit out, no I/O.

A growing answer is shown like this; each step is a pure function, and only the last message's text is handled again:

    while peeled := peel(tail, FULL):            # tail: all the raw text that is in no finished message yet
        finished, tail = peeled                  # `finished` never changes again
    shown = disarm(settle(tail), names)          # nothing to show while this is blank
    show(blocks(shown), fallback(shown))

In a message that can only be appended to, `steady` takes the place of `settle`. When the answer is complete, `settle` is left out: nothing is held back any more. A message that Slack refuses at FULL may be split again at
CAREFUL, or shown in place by `blocks(message, PLAIN)`.
"""

from bot.markdown.cuts import CAREFUL, FULL, PLAIN, Limits, cut, peel, split
from bot.markdown.ending import settle
from bot.markdown.mentions import disarm
from bot.markdown.render import blocks, fallback
from bot.markdown.steady import steady

__all__ = [
    "CAREFUL",
    "FULL",
    "PLAIN",
    "Limits",
    "blocks",
    "cut",
    "disarm",
    "fallback",
    "peel",
    "settle",
    "split",
    "steady",
]
