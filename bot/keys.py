"""Every Redis key and how long it lives.

All keys of the queue carry the hash tag `{q}`: its Lua scripts touch a thread, its lane and the ready stream in one atomic step, and Redis
Cluster runs a script only where all its keys share a slot. So one shard carries the queue, and the others the budgets of Slack's methods.
That is enough: docs/operations.md has the figures.

key                       type    holds
{q}:ready                 stream  one entry a thread that is next or runs; group `workers`; a pending entry is a lease
{q}:lanes                 zset    workspaces with a channel whose next thread may run; the lowest is next
{q}:lanes:ring:<team>     zset    those channels, likewise
{q}:lanes:line:<lane>     list    a channel's threads that wait in line; a lane is <team>:<channel>
{q}:lanes:busy:<lane>     set     its threads that have an entry in the ready stream, a few at most
{q}:lanes:waiting         set     lanes in which somebody waits
{q}:lanes:since           zset    threads that no worker has taken, by the ms since when
{q}:lanes:untold          zset    those of them whose askers were not told their place, likewise
{q}:delayed               zset    threads that wait for a retry, scored by the time in ms
{q}:dead                  stream  turns that failed for good, capped
{q}:event:<event id>      string  an event that was stored: redeliveries end here
{q}:said:<team:chan:ts>   string  a message that was stored: twins and re-sent mentions end here
{q}:early:<team:chan:ts>  string  an edit or a deletion that came before its message
{q}:thread:<thread>       hash    state, epoch, the epoch that was closed last, starter, conversation, turns
{q}:waiting:<thread>      zset    ts of messages that wait
{q}:messages:<thread>     hash    ts → stored message, waiting or in the running turn
{q}:turn:<thread>         hash    the running turn: messages, attempt, response, parts, …
{q}:answered:<team:chan:ts>  string  the messages of an ended turn, by its first ts: for Regenerate and for a question that is edited or deleted
{q}:stops                 stream  threads whose running answer is to stop; every worker reads it; capped
{pace:<workspace>:<method>:<channel>}:bucket    hash  tokens left of a Slack method; lives an hour
{pace:<workspace>:<method>:<channel>}:promised  zset  turns that are promised one; lives ten minutes
{pace:<workspace>:<method>:<channel>}:line      zset  turns that wait for one, scored by their last edit; lives a minute
{pace:<workspace>:<method>:<channel>}:patience  zset  the same, scored by when they are taken for gone; lives a minute
{pace:<workspace>:<method>:<channel>}:places    zset  who waits for one, come what may, scored by when it is theirs; lives an hour
person:<team>:<user>      string  a person's id, name and time zone as Slack told them; lives ten minutes
told:<team>:<question>    string  JSON: until when it counts, and what Slack has told of a place or of people (bot/places.py); lives for seconds to minutes
told:<team>:<question>:asking  string  a process is asking; lives ten seconds at most
vector_store:<team>       string  the id of the vector store that was made for a workspace
lock:<what>               string  who takes in or deletes a file, or makes a vector store; lives twelve seconds unless it is renewed
duties                    zset    what is to be done about files, scored by when in s (bot/duties.py)
knowledge:<team>          string  what the Home tab shows of the assistant's knowledge, as JSON (bot/files/shelf.py)
home:<team>:<user>        string  JSON: the sections of somebody's Home tab, by name, as blocks (bot/home.py); lives a day
housekeeper               string  the process that does the duties, for 25 s
reconciled                string  when in s the files were last compared with Slack's
{openai:<account>:<model>}:limits  hash  what OpenAI told of a model's limits, and what is left of them; these three live an hour
{openai:<account>:<model>}:places  zset  requests that wait or are on their way, scored by the time in s at which they may go out
{openai:<account>:<model>}:sizes   hash  their tokens
"""

from __future__ import annotations

from bot.models import ThreadKey

READY = "{q}:ready"
LANES = "{q}:lanes"
LANES_WAITING = "{q}:lanes:waiting"
SINCE = "{q}:lanes:since"
UNTOLD = "{q}:lanes:untold"
DELAYED = "{q}:delayed"
DEAD = "{q}:dead"
STOPS = "{q}:stops"
THREAD = "{q}:thread:"  # what follows these three is a thread's name
WAITING = "{q}:waiting:"
MESSAGES = "{q}:messages:"
DUTIES = "duties"
HOUSEKEEPER = "housekeeper"
RECONCILED = "reconciled"
GROUP = "workers"

EVENT_SECONDS = 6 * 3600  # Slack's last redelivery comes after six minutes
SAID_SECONDS = 14 * 86400  # an edited mention is announced again, with its old ts
EARLY_SECONDS = 900  # longer than Slack goes on redelivering
THREAD_SECONDS = 400 * 86400  # a thread nobody wrote in for over a year is forgotten
ASKING_SECONDS = 10  # how long the others wait for a process that may have died asking
ANSWERED_SECONDS = 2 * 86400  # how long an answer can be had again
HOME_SECONDS = 86400
DEAD_ENTRIES = 10_000
STOP_ENTRIES = 1_000


def event(event_id: str) -> str:
    """Marks an event as stored."""
    return f"{{q}}:event:{event_id}"


def said(team: str, channel: str, ts: str) -> str:
    """Marks a message as stored; once its turn has begun it holds the ts of the turn's first message."""
    return f"{{q}}:said:{team}:{channel}:{ts}"


def early(team: str, channel: str, ts: str) -> str:
    """What became of a message that has not come yet."""
    return f"{{q}}:early:{team}:{channel}:{ts}"


def thread(key: ThreadKey) -> str:
    """What is known of a thread for good."""
    return f"{THREAD}{key}"


def waiting(key: ThreadKey) -> str:
    """The order in which a thread's messages wait."""
    return f"{WAITING}{key}"


def messages(key: ThreadKey) -> str:
    """A thread's stored messages."""
    return f"{MESSAGES}{key}"


def turn(key: ThreadKey) -> str:
    """A thread's running turn."""
    return f"{{q}}:turn:{key}"


def answered(team: str, channel: str, ts: str) -> str:
    """The messages of an ended turn, found by the first of them."""
    return f"{{q}}:answered:{team}:{channel}:{ts}"


def person(team: str, user: str) -> str:
    """What Slack has told of a person."""
    return f"person:{team}:{user}"


def told(team: str, question: str) -> str:
    """What Slack has told of a place or of people."""
    return f"told:{team}:{question}"


def asking(key: str) -> str:
    """Marks that a process is asking Slack for what `told` will hold."""
    return f"{key}:asking"


def knowledge(team: str) -> str:
    """What the Home tab shows of the assistant's knowledge."""
    return f"knowledge:{team}"


def home(team: str, user: str) -> str:
    """What somebody's Home tab shows of their expenses."""
    return f"home:{team}:{user}"


def vector_store(team: str) -> str:
    """The vector store that was made for a workspace."""
    return f"vector_store:{team}"


def file_lock(team: str, channel: str, slack_file: str) -> str:
    """Who takes in a file, or lets it go."""
    return f"lock:file:{team}:{channel}:{slack_file}"


def content_lock(team: str, channel: str, sha256: str) -> str:
    """Who stores this content for a channel, or deletes it."""
    return f"lock:content:{team}:{channel}:{sha256}"


def store_lock(team: str) -> str:
    """Who makes a workspace's vector store."""
    return f"lock:store:{team}"


def pace(workspace: str, method: str, channel: str) -> tuple[str, ...]:
    """The bucket of a Slack method, who is promised a token of it, the line of those who wait and until when they do, and the places of those who must wait."""
    name = f"{{pace:{workspace}:{method}:{channel}}}"
    return tuple(f"{name}:{part}" for part in ("bucket", "promised", "line", "patience", "places"))


def allowance(account: str, model: str) -> tuple[str, str, str]:
    """What is left of a model's limits at OpenAI, the requests that wait or are on their way, and their tokens."""
    name = f"{{openai:{account}:{model}}}"
    return f"{name}:limits", f"{name}:places", f"{name}:sizes"
