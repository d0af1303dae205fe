"""What a turn has to have before the model is asked: a conversation that this asker may go on with here, the files that were shared, the tools, and
a word about the rest of the thread.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from bot.access import Searchable
from bot.desk import Desk, Tally
from bot.drawn import WORKSPACE, Drawn, channel, file
from bot.files.attached import Attachments
from bot.items import Attached
from bot.lease import Lease
from bot.models import Item, SharedFile, Turn
from bot.reply import Reply
from bot.sources import Sources

log = structlog.get_logger()

NOTHING = Searchable((), workspace=False, everyone=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Briefing:
    """What the model is given beside the question. `reach` are the sources that a file search may draw on."""

    conversation: str
    sources: Sources
    tools: list[Item]
    reach: tuple[str, ...]
    files: Mapping[str, Attached]
    around: str
    heard: float  # seconds of sound that OpenAI was paid for


async def brief(desk: Desk, lease: Lease, reply: Reply, conversation: str, tally: Tally) -> Briefing:
    """Prepares a turn. Raises Retryable where it cannot be told whether the conversation may go on."""
    turn = lease.turn
    team, asker = turn.thread.team, turn.asker
    drawn = Drawn(desk.database, team, conversation)
    if turn.conversation and not await _may_go_on(desk, turn, drawn):
        log.info("conversation left behind", turn=turn.id, conversation=conversation)
        conversation = await desk.conversations.replace(lease)
        drawn = Drawn(desk.database, team, conversation)
    around = await _around(desk, turn)
    stored = await desk.library.channels(team)  # where there are no files, nothing more is asked
    waited = await desk.library.late(turn.thread, turn.aside_files) if turn.thread.channel in stored else []
    late = [SharedFile(r.slack_file, r.name) for r in waited]
    attachments = Attachments(desk.library, turn.thread, reply.status, tally.note)
    files = await attachments.take(turn.files, late, drawn)
    if files:
        stored = await desk.library.channels(team)
    searchable = await desk.access.searchable(asker, turn.thread, stored) if stored else NOTHING
    hosted = await desk.library.tools(turn.thread, searchable)
    given = [f for t in hosted if t["type"] == "code_interpreter" for f in t["container"].get("file_ids", ())]
    await drawn.on(*map(file, given))  # also where this conversation has not seen them shared
    reach = [channel(c) for c in searchable.channels if c != turn.thread.channel]
    return Briefing(
        conversation=conversation,
        sources=Sources(
            access=desk.access,
            reading=desk.reading,
            library=desk.library,
            drawn=drawn,
            office=desk.office,
            scheduling=desk.scheduling,
            note=tally.note,
            spend=tally.spend,
        ),
        tools=[*(t.schema() for t in desk.tools), *hosted],
        reach=(*reach, WORKSPACE) if searchable.workspace else tuple(reach),
        files=files,
        around=around,
        heard=attachments.heard,
    )


async def _may_go_on(desk: Desk, turn: Turn, drawn: Drawn) -> bool:
    """Whether all that the conversation remembers is still there, and may be read by this asker and by everybody who reads the place."""
    sources = await drawn.all()
    if not sources:
        return True
    files = {s.removeprefix("file:") for s in sources if s.startswith("file:")}
    if files and files != set(await desk.library.stored_as(turn.thread.team, files)):
        return False
    return await desk.access.may_still(turn.asker, turn.thread, sources)


async def _around(desk: Desk, turn: Turn) -> str:
    """A line about what the thread holds and the conversation does not."""
    if turn.others:
        said = "One message was" if turn.others == 1 else f"{turn.others} messages were"
        return f"{said} written in this thread by others since your last answer; read_thread shows them."
    root, first = turn.thread.thread_ts, turn.messages[0].ts
    if turn.conversation_turns or turn.conversation or root in (None, first):
        return ""
    about = await desk.reading.about(turn.thread, first)
    if about is None:
        return ""
    held = {"messages": about.messages, "by": about.people, "link": about.link}
    held |= {"and_more_people": about.more_people} if about.more_people else {}
    held |= {"files": about.files} if about.files else {}
    quoted = json.dumps(held, ensure_ascii=False)  # names are other people's words
    return f"Before you were asked, this thread held {quoted}. Use read_thread when the question is about it."
