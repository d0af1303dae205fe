"""Everything that can go wrong, in one tree. A class is named by what the caller does next.

AssistError
├── SettingError          stops the start: names the setting, what it is for, where to get it
├── Retryable             the turn runs again later, with back-off or after the seconds that the other side named
│   ├── RateLimited       Slack or OpenAI said 429
│   └── Overloaded        OpenAI has no room, or a fault: another model may answer
├── UserFacing            its text is said to the person and ends the turn
│   ├── ModelGone         OpenAI does not offer the model (any more): another one may answer
│   └── PartRefused       OpenAI does not take an image or a file beside the question: ask without
├── LeaseLost             another worker has the turn: write nothing more
├── FileRefused           this file cannot be used; its text is a word for people, and the answer goes on with the rest
├── SourceGone            OpenAI no longer has what a request names: make it good, then ask again
│   ├── StoreGone         the vector store
│   └── FilesGone         files
├── OpenAIRefused         OpenAI has no such file or store, or did not take what it was sent
├── ToolRefused           the model can correct its call: the text goes back to it
├── ExpenseRefused        an expense or a report cannot be changed so; its text is a word for the person
├── MeetingRefused        a meeting cannot be arranged or changed so; its text is a word for the person
├── CalendarRefused       a calendar will not do it, however often it is asked; its text is a word for the person
├── SlackRefused          Slack answered `ok: false`; the base of what a reply has an answer to:
│   ├── MessageGone       the message was deleted: post anew
│   ├── EditsClosed       the channel takes no edits of this message (any more): post the whole answer once
│   ├── StillStreaming    the message is a native stream: stop it, then edit
│   ├── PlaceClosed       archived, left, gone: tell the asker in a DM
│   └── ContentRefused    too long, blocks not accepted: render more plainly
└── ConversationTrouble   OpenAI refused a request because of the conversation's state:
    ├── ConversationGone      deleted or unknown: replace it
    ├── ConversationLocked    another response is running in it: wait
    ├── CallUnanswered        it holds a function call without its output: add one
    ├── CallUnknown           an output's call is not in it: never send that output
    └── ContextFull           it has grown past the model's window: carry it on
"""

from __future__ import annotations


class AssistError(Exception):
    """Root of the tree."""


class SettingError(AssistError):
    """A setting is missing or malformed."""

    def __init__(self, name: str, what: str, where: str) -> None:
        super().__init__(f"{name}: {what} {where}".strip())
        self.name, self.what, self.where = name, what, where


class Retryable(AssistError):
    """It may work later. `after` is in seconds where the other side named a time; `said` is what the person sees at last."""

    def __init__(self, reason: str, *, after: float | None = None, said: str = "") -> None:
        super().__init__(reason)
        self.after, self.said = after, said


class RateLimited(Retryable):
    """The other side said 429; nothing was done."""


class Overloaded(Retryable):
    """OpenAI answered 5xx, or its response failed without any fault of ours."""


class UserFacing(AssistError):
    """`text` tells the person what is wrong and what to do. `replay`: an operator can mend it, so the dead list keeps the messages."""

    def __init__(self, reason: str, text: str, *, replay: bool = True) -> None:
        super().__init__(reason)
        self.text, self.replay = text, replay


class ModelGone(UserFacing):
    """The model was withdrawn, or this key may not use it."""


class PartRefused(UserFacing):
    """An image or pages that the question shows were not accepted."""


class LeaseLost(AssistError):
    """The lease ran out or the turn has a successor."""


class FileRefused(AssistError):
    """The text says what is wrong with the file, in a few words that go into "skipped scan.pdf: …". `name` is the file's, where Slack told it only now."""

    def __init__(self, text: str, *, name: str = "") -> None:
        super().__init__(text)
        self.name = name


class SourceGone(AssistError):
    """A request named what is no longer there."""


class StoreGone(SourceGone):
    """The vector store was deleted, or has expired."""


class FilesGone(SourceGone):
    """Files were deleted at OpenAI; `files` are their ids there."""

    def __init__(self, files: frozenset[str]) -> None:
        super().__init__(", ".join(sorted(files)))
        self.files = files


class OpenAIRefused(AssistError):
    """OpenAI refused a request about files. `said` is its message: neither for people nor for the log, it may quote a name."""

    def __init__(self, status: int, code: str, said: str) -> None:
        super().__init__(f"{status} {code}".strip())
        self.status, self.code, self.said = status, code, said


class ToolRefused(AssistError):
    """The call cannot be carried out as asked; the text tells the model why."""


class ExpenseRefused(AssistError):
    """What was asked of an expense or a report is not possible, or not this person's to ask; the text says so and what to do. Nothing was changed."""


class MeetingRefused(AssistError):
    """What was asked of a meeting is not possible, or not this person's to ask; the text says so and what to do. Nothing was changed."""


class CalendarRefused(AssistError):
    """A calendar refused for good: no access, no such calendar, not accepted. The text says so and who can mend it, without names or titles.

    `reason` is for the log: the server's status and its own code, never its text.
    """

    def __init__(self, text: str, reason: str = "") -> None:
        super().__init__(text)
        self.reason = reason


class SlackRefused(AssistError):
    """Slack answered `ok: false`; `error` is Slack's word for it."""

    def __init__(self, method: str, error: str) -> None:
        super().__init__(f"{method}: {error}")
        self.method, self.error = method, error


class MessageGone(SlackRefused):
    """The message to edit no longer exists."""


class EditsClosed(SlackRefused):
    """The message stands there and may not be edited."""


class StillStreaming(SlackRefused):
    """The message is a native stream that has not ended."""


class PlaceClosed(SlackRefused):
    """Nothing can be posted there."""


class ContentRefused(SlackRefused):
    """Slack did not accept the content."""


class ConversationTrouble(AssistError):
    """The conversation's state stands in the way."""


class ConversationGone(ConversationTrouble):
    """OpenAI no longer has the conversation."""


class ConversationLocked(ConversationTrouble):
    """Another response is being written in the conversation."""


class CallUnanswered(ConversationTrouble):
    """The conversation holds a function call without its output."""


class CallUnknown(ConversationTrouble):
    """An output was sent whose call the conversation does not hold."""


class ContextFull(ConversationTrouble):
    """The input exceeds the model's context window."""
