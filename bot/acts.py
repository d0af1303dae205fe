"""Acts: what people do by buttons, forms and commands, when more comes of it than a word. Kept in the queue like messages, so that none is lost.

A receiver notes an act and acks; a worker does it. Each person's acts stand in a thread of their own ("acts" behind the person's id), so they are
done in order, one at a time, and do not wait for answers that are being written.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from bot.models import ACT, ACTS_ROOT, Message, ThreadKey, Turn

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody does: `do` is its name, such as "expense.remove", `args` what it is done to. `id` is the same however often it runs.

    `again`: an earlier run may have done it already, wholly or in part.
    """

    team: str
    user: str
    do: str
    args: Mapping[str, Any]
    id: str
    again: bool = False


QUIET = frozenset(
    {"expense.home", "meet.home"}
)  # what nobody asked for in so many words: nobody is told that it failed
Performer = Callable[[Act], Awaitable[None]]


def performer(performers: Mapping[str, Performer]) -> Performer:
    """Has each act done by whom its name begins with: "expense.remove" by "expense"."""

    async def perform(act: Act) -> None:
        do = performers.get(act.do.partition(".")[0])
        if do:
            await do(act)
        else:
            log.warning("act not known", do=act.do, act=act.id)

    return perform


def noted(team: str, user: str, do: str, args: Mapping[str, Any], *, event_id: str, ts: str = "") -> Message:
    """The act as the queue stores it. `event_id` is the same when Slack tells of it again; `ts` is when it was done, now without one."""
    return Message(
        thread=ThreadKey(team, user, ACTS_ROOT),
        ts=ts or f"{time.time():.6f}",
        user=user,
        text=json.dumps(args, ensure_ascii=False, separators=(",", ":")),
        event_id=event_id,
        kind=ACT,
        of=do,
    )


def acts(turn: Turn) -> list[Act]:
    """The acts of a turn, in their order."""
    again = turn.resumed or turn.attempt > 0 or turn.leases > 1
    return [
        Act(m.thread.team, m.user, m.of, json.loads(m.text or "{}"), f"{m.user}-{m.ts}", again) for m in turn.messages
    ]
