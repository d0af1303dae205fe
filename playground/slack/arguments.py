"""Each Web API method's arguments, tier and scopes; and the check of what a client sent."""

import json
from dataclasses import dataclass
from typing import Any

from playground.slack.state import Json


class SlackError(Exception):
    """A refusal: `code` is Slack's error, `messages` go to response_metadata, `extra` beside them."""

    def __init__(self, code: str, *messages: str, **extra: Any) -> None:
        super().__init__(code)
        self.code, self.messages, self.extra = code, messages, extra


@dataclass(frozen=True, slots=True)
class Method:
    """What Slack's reference says of a method. `fields`: name → (kind, required).

    tier: "2", "3", "4", "post" (a second a channel), "status", "" (no limit that matters).
    scopes: one of them is needed; a name that starts with ":" is prefixed by the conversation's kind.
    """

    tier: str
    scopes: tuple[str, ...]
    fields: dict[str, tuple[str, bool]]


# method | tier | scopes | fields: `!` required, `:j` JSON, `:i` integer, `:b` boolean, `:l` list (JSON or commas).
# From Slack's reference pages of each method.
_TABLE = """
api.test |||
auth.test |||
apps.connections.open | 3 ||
bots.info | 3 | users:read | bot
team.info | 3 | team:read | team domain
chat.postMessage | post | chat:write | channel! text blocks:j attachments:j markdown_text metadata:j thread_ts mrkdwn:b parse reply_broadcast:b unfurl_links:b unfurl_media:b link_names:b icon_emoji icon_url username as_user:b
chat.update | 3 | chat:write | channel! ts! text blocks:j attachments:j markdown_text metadata:j parse link_names:b reply_broadcast:b file_ids:l as_user:b
chat.delete | 3 | chat:write | channel! ts! as_user:b
chat.postEphemeral | 4 | chat:write | channel! user! text blocks:j attachments:j markdown_text thread_ts parse link_names:b icon_emoji icon_url username as_user:b
chat.getPermalink ||| channel! message_ts!
chat.startStream | 2 | chat:write | channel! thread_ts! markdown_text chunks:j recipient_user_id recipient_team_id task_display_mode icon_emoji icon_url username
chat.appendStream | 4 | chat:write | channel! ts! markdown_text chunks:j
chat.stopStream | 2 | chat:write | channel! ts! markdown_text chunks:j blocks:j metadata:j
conversations.history | 3 | :history | channel! cursor limit:i oldest latest inclusive:b include_all_metadata:b
conversations.replies | 3 | :history | channel! ts! cursor limit:i oldest latest inclusive:b include_all_metadata:b
conversations.info | 3 | :read | channel! include_locale:b include_num_members:b
conversations.list | 2 | channels:read groups:read im:read mpim:read | cursor limit:i types exclude_archived:b
conversations.members | 4 | :read | channel! cursor limit:i
conversations.open | 3 | im:write mpim:write channels:manage groups:write | channel users:l return_im:b prevent_creation:b
conversations.join | 3 | channels:join | channel!
users.info | 4 | users:read | user! include_locale:b
users.list | 2 | users:read | cursor limit:i include_locale:b
users.lookupByEmail | 3 | users:read.email | email!
users.profile.get | 4 | users.profile:read | user include_labels:b
users.conversations | 3 | channels:read groups:read im:read mpim:read | user cursor limit:i types exclude_archived:b
usergroups.list | 2 | usergroups:read | include_count:b include_disabled:b include_users:b
usergroups.users.list | 2 | usergroups:read | usergroup! include_disabled:b
reactions.add | 3 | reactions:write | channel! name! timestamp!
reactions.remove | 2 | reactions:write | name! channel timestamp file file_comment
pins.add | 2 | pins:write | channel! timestamp
bookmarks.add | 2 | bookmarks:write | channel_id! title! type! link emoji entity_id parent_id access_level
assistant.threads.setStatus | status | chat:write assistant:write | channel_id! thread_ts! status! loading_messages:l icon_emoji icon_url username
assistant.threads.setTitle | 4 | assistant:write | channel_id! thread_ts! title!
assistant.threads.setSuggestedPrompts | 4 | assistant:write | channel_id! prompts!:j thread_ts title
agents.sessions.setStatus | status | assistant:write chat:write | channel_id! status! thread_ts title initiator_user_id icon_emoji icon_url username
views.open | 4 || view!:j trigger_id interactivity_pointer
views.push | 4 || view!:j trigger_id interactivity_pointer
views.update | 4 || view!:j view_id external_id hash
views.publish | 4 || user_id! view!:j hash
files.info | 4 | files:read | file! count:i page:i limit:i cursor
files.list | 3 | files:read | channel user ts_from ts_to types count:i page:i show_files_hidden_by_limit:b
files.delete | 3 | files:write | file!
files.getUploadURLExternal | 4 | files:write | filename! length!:i alt_txt snippet_type
files.completeUploadExternal | 4 | files:write | files!:j channel_id channels initial_comment thread_ts blocks:j
assistant.search.info | 2 | search:read.public |
assistant.search.context | 2 | search:read.public search:read.files search:read.users | query! action_token channel_types:l content_types:l context_channel_id cursor limit:i after:i before:i include_bots:b include_context_messages:b include_deleted_users:b include_message_blocks:b include_archived_channels:b disable_semantic_search:b highlight:b sort sort_dir modifiers term_clauses:l
"""
_BAD_JSON = {
    "blocks": "invalid_blocks_format",
    "attachments": "invalid_attachments",
    "metadata": "invalid_metadata_format",
    "chunks": "invalid_chunks",
}
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def _table() -> dict[str, Method]:
    methods = {}
    for line in filter(None, _TABLE.splitlines()):
        name, tier, scopes, fields = (part.strip() for part in line.split("|"))
        spec = {}
        for field in fields.split():
            word, _, kind = field.partition(":")
            spec[word.rstrip("!")] = (kind or "s", word.endswith("!"))
        methods[name] = Method(tier, tuple(scopes.split()), spec)
    return methods


METHODS = _table()


def decode(method: Method, raw: Json) -> Json:
    """The arguments in their own types, unknown ones as they came; SlackError when one is missing or malformed."""
    given = {k: v for k, v in raw.items() if v is not None}
    missing = [
        f"[ERROR] missing required field: {k}"
        for k, (_, needed) in method.fields.items()
        if needed and given.get(k, "") == "" and k != "status"
    ]
    if method.fields.get("status", ("", False))[1] and "status" not in given:  # "" is how a status is taken away
        missing.append("[ERROR] missing required field: status")
    if missing:
        raise SlackError("invalid_arguments", *missing)
    return {k: _value(k, method.fields.get(k, ("", False))[0], v) for k, v in given.items()}


def lenient(raw: Json) -> Json:
    """The arguments with whatever is JSON parsed, for the log of calls: never fails."""
    return {k: _parsed(v) if isinstance(v, str) and v[:1] in ("[", "{") else v for k, v in raw.items()}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _value(name: str, kind: str, value: Any) -> Any:
    match kind:
        case "s":
            if not isinstance(value, str) and (isinstance(value, bool) or not isinstance(value, int | float)):
                raise SlackError("invalid_arguments", f"[ERROR] must be a string [json-pointer:/{name}]")
            return str(value)
        case "i":
            try:
                return int(value)
            except (TypeError, ValueError):
                raise SlackError("invalid_arguments", f"[ERROR] must be an integer [json-pointer:/{name}]") from None
        case "b":
            flag = value if isinstance(value, bool) else _BOOLEANS.get(str(value).lower())
            if flag is None:
                raise SlackError("invalid_arguments", f"[ERROR] must be a boolean [json-pointer:/{name}]")
            return flag
        case "l" if isinstance(value, str) and not value.startswith("["):
            return [part.strip() for part in value.split(",") if part.strip()]
        case "j" | "l" if isinstance(value, str):
            try:
                return json.loads(value)
            except ValueError:
                raise SlackError(
                    _BAD_JSON.get(name, "invalid_arguments"), f"[ERROR] invalid JSON [json-pointer:/{name}]"
                ) from None
    return value
