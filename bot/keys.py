"""Every Redis key and how long it lives.

All keys of the queue carry the hash tag `{q}`: its Lua scripts touch a thread and the ready stream in one atomic step, and Redis Cluster
runs a script only where all its keys share a slot.

key                       type    holds
{q}:ready                 stream  one entry a thread that has work; group `workers`; a pending entry is a lease
{q}:delayed               zset    threads that wait for a retry, scored by the time in ms
{q}:dead                  stream  turns that failed for good, capped
{q}:event:<event id>      string  an event that was stored: redeliveries end here
{q}:said:<team:chan:ts>   string  a message that was stored: twins and re-sent mentions end here
{q}:early:<team:chan:ts>  string  an edit or a deletion that came before its message
{q}:thread:<thread>       hash    state, epoch, starter, conversation, turns
{q}:waiting:<thread>      zset    ts of messages that wait
{q}:messages:<thread>     hash    ts → stored message, waiting or in the running turn
{q}:turn:<thread>         hash    the running turn: messages, attempt, response, parts, …
{pace:<workspace>:<method>:<channel>}:bucket    hash  tokens left of a Slack method; lives an hour
{pace:<workspace>:<method>:<channel>}:promised  zset  turns that are promised one; lives ten minutes
{pace:<workspace>:<method>:<channel>}:line      zset  turns that wait for one, scored by their last edit; lives a minute
{pace:<workspace>:<method>:<channel>}:patience  zset  the same, scored by when they are taken for gone; lives a minute
"""

from __future__ import annotations

from bot.models import ThreadKey

READY = "{q}:ready"
DELAYED = "{q}:delayed"
DEAD = "{q}:dead"
THREAD = "{q}:thread:"  # what follows is a thread's name
GROUP = "workers"

EVENT_SECONDS = 6 * 3600  # Slack's last redelivery comes after six minutes
SAID_SECONDS = 14 * 86400  # an edited mention is announced again, with its old ts
EARLY_SECONDS = 900  # longer than Slack goes on redelivering
THREAD_SECONDS = 400 * 86400  # a thread nobody wrote in for over a year is forgotten
DEAD_ENTRIES = 10_000


def event(event_id: str) -> str:
    """Marks an event as stored."""
    return f"{{q}}:event:{event_id}"


def said(team: str, channel: str, ts: str) -> str:
    """Marks a message as stored."""
    return f"{{q}}:said:{team}:{channel}:{ts}"


def early(team: str, channel: str, ts: str) -> str:
    """What became of a message that has not come yet."""
    return f"{{q}}:early:{team}:{channel}:{ts}"


def thread(key: ThreadKey) -> str:
    """What is known of a thread for good."""
    return f"{THREAD}{key}"


def waiting(key: ThreadKey) -> str:
    """The order in which a thread's messages wait."""
    return f"{{q}}:waiting:{key}"


def messages(key: ThreadKey) -> str:
    """A thread's stored messages."""
    return f"{{q}}:messages:{key}"


def turn(key: ThreadKey) -> str:
    """A thread's running turn."""
    return f"{{q}}:turn:{key}"


def pace(workspace: str, method: str, channel: str) -> tuple[str, ...]:
    """The bucket of a Slack method, and who is promised a token of it, the line of those who wait, and until when they do."""
    name = f"{{pace:{workspace}:{method}:{channel}}}"
    return tuple(f"{name}:{part}" for part in ("bucket", "promised", "line", "patience"))
