"""What Slack's refusals mean: from its words to the error that says what to do. Pure."""

from __future__ import annotations

from bot.errors import (
    AssistError,
    ContentRefused,
    EditsClosed,
    MessageGone,
    PlaceClosed,
    RateLimited,
    Retryable,
    SlackRefused,
    StillStreaming,
    UserFacing,
)

GONE = frozenset({"message_not_found", "no_such_message"})
STREAMING = frozenset({"streaming_state_conflict"})
UNEDITABLE = frozenset({"cant_update_message", "edit_window_closed"})
CLOSED = frozenset(
    [
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "channel_is_archived",
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "restricted_action_thread_locked",
        "restricted_action_non_threadable_channel",
        "thread_not_found",
        "cannot_reply_to_message",
        "is_inactive",
        "access_denied",
        "team_access_not_granted",
        "messages_tab_disabled",
    ]
)
REFUSED_CONTENT = frozenset(
    [
        "msg_too_long",
        "msg_blocks_too_long",
        "invalid_blocks",
        "invalid_blocks_format",
        "too_many_blocks",
        "no_text",
        "markdown_text_conflict",
        "markdown_too_long",
        "block_mismatch",
        "invalid_arguments",
    ]
)
PASSING = frozenset(
    [
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "update_failed",
        "posting_to_general_channel_denied_temporarily",
    ]
)
CREDENTIALS = frozenset(
    [
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "missing_scope",
        "no_permission",
    ]
)


def slack_refusal(method: str, status: int, word: str, retry_after: str) -> AssistError:
    """The error for an HTTP status and Slack's `error`; `retry_after` is that header, in seconds."""
    if status == 429 or word in ("ratelimited", "rate_limited"):
        after = float(retry_after) if str(retry_after).isdigit() else 1.0
        return RateLimited(f"{method}: ratelimited", after=after)
    if status >= 500 or not word or word in PASSING:
        return Retryable(f"{method}: HTTP {status} {word}", said="Slack did not answer.")
    if word in CREDENTIALS:
        return UserFacing(
            f"{method}: {word}", f"I am not allowed to do that in Slack ({word}). Please tell whoever runs me."
        )
    kinds = (
        (GONE, MessageGone),
        (STREAMING, StillStreaming),
        (UNEDITABLE, EditsClosed),
        (CLOSED, PlaceClosed),
        (REFUSED_CONTENT, ContentRefused),
    )
    kind = next((k for words, k in kinds if word in words), SlackRefused)
    return kind(method, word)
