"""assistant.search.*: the Real-time Search API."""

import re
from collections.abc import Callable, Iterator

from playground.slack import text as slack_text
from playground.slack.arguments import SlackError
from playground.slack.files import brief
from playground.slack.lookup import need_scope, page
from playground.slack.methods_chat import permalink
from playground.slack.search import bearer
from playground.slack.state import Channel, Json, Person
from playground.slack.workspace import Workspace

MOST = 20
CONTEXT = 2  # messages before a hit, and after it
_SCOPES = {
    "public_channel": ("channel", "search:read.public"),
    "private_channel": ("group", "search:read.private"),
    "mpim": ("mpim", "search:read.mpim"),
    "im": ("im", "search:read.im"),
}
_CONTENT = {
    "messages": "search:read.public",
    "files": "search:read.files",
    "channels": "search:read.public",
    "users": "search:read.users",
}
# Words that tell nothing of what is looked for; a question is full of them.
_STOP = frozenset(
    re.findall(
        r"\w+",
        "a and are as at be by did do does for from has have how i in is it of on or our the to was we what when where who why with you",
    )
)

Hit = tuple[int, str, Channel, Json]  # words found, ts, where, the message


def search_info(ws: Workspace, _: Json) -> Json:
    """assistant.search.info."""
    return {"is_ai_search_enabled": ws.search_enabled}


def search_context(ws: Workspace, args: Json) -> Json:
    """assistant.search.context: what the person whose event brought the token may see, public channels unless others are asked for.

    A message is found by any telling word of the query, the one with most of them first; with `disable_semantic_search` all
    words must occur.
    """
    if not ws.search_enabled:
        raise SlackError("feature_not_enabled")
    if not args["query"].strip():
        raise SlackError("missing_query")
    who = ws.people.get(bearer(ws.app, ws.clock(), args.get("action_token", "")))
    if who is None:
        raise SlackError("invalid_action_token")
    asked = args.get("content_types") or ["messages"]
    for name in asked:
        need_scope(ws, _CONTENT.get(name, "search:read.public"))
    places = _places(ws, who, args)
    hits = sorted(_hits(places, args), key=_order(args), reverse=args.get("sort_dir") != "asc")
    part, metadata = page(hits, args | {"limit": min(args.get("limit") or MOST, MOST)}, MOST, MOST, strict=False)
    found: Json = {"messages": [], "files": [], "channels": [], "users": []}
    if "messages" in asked:
        found["messages"] = [_message(ws, hit, args) for hit in part]
    if "files" in asked:
        found["files"] = _files(ws, places, args)
    return {"results": found} | metadata


def _places(ws: Workspace, who: Person, args: Json) -> list[Channel]:
    """The channels that are searched: of the kinds asked for, and only what that person could read."""
    kinds = set()
    for name in args.get("channel_types") or ["public_channel"]:
        if name not in _SCOPES:
            raise SlackError("invalid_arguments", "[ERROR] must be a valid enum value [json-pointer:/channel_types]")
        kind, scope = _SCOPES[name]
        need_scope(ws, scope)
        kinds.add(kind)
    open_to_her = not who.is_restricted and not who.team_id
    seen = [c for c in ws.channels.values() if who.id in c.members or (open_to_her and not c.is_private)]
    if (context := args.get("context_channel_id")) and context not in [c.id for c in seen]:
        raise SlackError("context_channel_not_found")
    return [c for c in seen if c.kind in kinds and (args.get("include_archived_channels") or not c.is_archived)]


def _hits(places: list[Channel], args: Json) -> Iterator[Hit]:
    for channel in places:
        for ts, message in channel.messages.items():
            if args.get("include_bots") is False and "bot_id" in message:
                continue
            inside = float(args.get("after", 0)) <= float(ts) < float(args.get("before", 1e12))
            counts = inside and message.get("subtype") not in ("tombstone", "channel_join")
            if counts and (found := _score(slack_text.rendered(message), args)):
                yield found, ts, channel, message


def _score(text: str, args: Json) -> int:
    """How many of the query's words a text has; 0 when it is no hit."""
    wanted = set(re.findall(r"\w+", args["query"].casefold()))
    wanted = wanted - _STOP or wanted
    found = sum(word in text.casefold() for word in wanted)
    return 0 if args.get("disable_semantic_search") and found < len(wanted) else found


def _order(args: Json) -> Callable[[Hit], tuple[int, str]]:
    by_time = args.get("sort") == "timestamp"
    return lambda hit: (0 if by_time else hit[0], hit[1])


def _message(ws: Workspace, hit: Hit, args: Json) -> Json:
    _, ts, channel, message = hit
    shown: Json = {
        "author_user_id": message.get("user", ""), "author_name": _name(ws, message), "team_id": ws.app.team_id,
        "channel_id": channel.id, "channel_name": channel.name, "message_ts": ts, "content": slack_text.rendered(message),
        "is_author_bot": "bot_id" in message, "permalink": permalink(ws, channel, message),
    }  # fmt: skip
    if message.get("thread_ts", ts) != ts:
        shown["thread_ts"] = message["thread_ts"]
    if args.get("include_message_blocks"):
        shown["blocks"] = message.get("blocks", [])
    if args.get("include_context_messages"):
        root = shown.get("thread_ts")
        around = ws.read(channel, root)
        at = next(n for n, m in enumerate(around) if m["ts"] == ts)
        before, after = around[max(0, at - CONTEXT) : at], around[at + 1 : at + 1 + CONTEXT]
        shown["context_messages"] = {
            "before": [_beside(ws, m) for m in before],
            "after": [_beside(ws, m) for m in after],
        }
    return shown


def _beside(ws: Workspace, message: Json) -> Json:
    said = slack_text.rendered(message)
    return {"text": said, "user_id": message.get("user", ""), "author_name": _name(ws, message), "ts": message["ts"]}


def _name(ws: Workspace, message: Json) -> str:
    person = ws.people.get(message.get("user", ""))
    return person.real_name if person else ""


def _files(ws: Workspace, places: list[Channel], args: Json) -> list[Json]:
    ids = {c.id for c in places}
    seen = [f for f in ws.files.values() if not f.deleted and any(c in ids for c, _ in f.shares)]
    hits = [f for f in seen if _score(f"{f.name} {f.title}", args)][-MOST:]
    return [
        {
            "uploader_user_id": f.user, "author_user_id": f.user, "author_name": ws.people[f.user].real_name,
            "team_id": ws.app.team_id, "file_id": f.id, "date_created": f.created, "date_updated": f.created,
            "title": f.title or f.name, "file_type": f.filetype, "permalink": brief(ws, f)["permalink"], "content": "",
        }
        for f in reversed(hits)
    ]  # fmt: skip


METHODS: dict[str, Callable[[Workspace, Json], Json]] = {
    "assistant.search.info": search_info,
    "assistant.search.context": search_context,
}
