"""The workspace as people use it: they write, edit, react, join; and what they see."""

import time
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

from playground.slack import text as slack_text
from playground.slack.files import KINDS, brief, make_file
from playground.slack.installation import Installation
from playground.slack.interactions import Interactions
from playground.slack.state import Change, Channel, File, Json, Person, make_id

STATUS_SECONDS = 120  # Slack takes a status away after two minutes


class Workspace(Interactions):
    """State of one workspace and everything a person can do in it.

    People are named by handle or id, channels by name or id, or by the objects themselves.
    What cannot be done in Slack (a person writing where she is not a member) raises ValueError.
    """

    def __init__(self, app: Installation, clock: Callable[[], float] = time.time) -> None:
        super().__init__(app, clock)
        self.notifications: list[tuple[str, str, str]] = []
        self.streams: dict[tuple[str, str], float] = {}  # (channel, ts) → when the stream began
        self.stopped_streams: set[tuple[str, str]] = set()  # by a person: nothing more is appended
        self.titles: dict[tuple[str, str], str] = {}
        self.prompts: dict[tuple[str, str], list[Json]] = {}
        self.sessions: dict[tuple[str, str], str] = {}  # (channel, thread ts) → what agents.sessions.setStatus said
        self.bookmarks: dict[str, list[Json]] = {}
        self.check_file_info = False  # deliver files as Slack Connect does: an id only
        self.search_enabled = True  # whether this workspace has the Real-time Search API
        self._statuses: dict[tuple[str, str], tuple[str, float]] = {}

    def say(
        self,
        person: str | Person,
        channel: str | Channel,
        text: str,
        *,
        thread_ts: str | None = None,
        files: Iterable[File | tuple[str, bytes | Path]] = (),
        broadcast: bool = False,
    ) -> str:
        """A person posts; returns the ts. Files are (name, content) or made by `add_file` before.

        `broadcast`: a reply that is shown in the channel too.
        """
        who, place = self._writer(person, channel)
        if thread_ts:
            thread_ts = place.messages[thread_ts].get("thread_ts") or thread_ts
        sent = slack_text.typed(self, text)
        message: Json = {"client_msg_id": str(uuid.uuid4()), "user": who.id, "text": sent}
        if sent:
            message["blocks"] = slack_text.rich_text(sent)
        if who.team_id:  # somebody of another company
            message |= {"team": who.team_id, "user_team": who.team_id, "source_team": who.team_id}
        shared = [f if isinstance(f, File) else self.add_file(who, *f) for f in files]
        if shared:
            message |= {"subtype": "file_share", "upload": False, "display_as_bot": False}
        return self.share(place, message, shared, thread_ts=thread_ts, broadcast=broadcast)["ts"]  # type: ignore[no-any-return]  # a str in every message

    def share(
        self,
        channel: Channel,
        message: Json,
        files: list[File],
        *,
        thread_ts: str | None = None,
        broadcast: bool = False,
    ) -> Json:
        """Post a message that carries files."""
        if files:
            for file in files:  # before the event is made, which shows where the file is shared
                file.shares.append((channel.id, ""))
            message |= {
                "files": [
                    {"id": f.id, "file_access": "check_file_info"} if self.check_file_info else brief(self, f)
                    for f in files
                ]
            }
        posted = self.post(channel, message, thread_ts=thread_ts, broadcast=broadcast)
        for file in files:
            file.shares[-1] = (channel.id, posted["ts"])
        return posted

    def add_file(
        self,
        person: str | Person,
        name: str,
        content: bytes | Path = b"",
        mimetype: str = "",
        *,
        mode: str = "",
        filetype: str = "",
        url: str = "",
        external_type: str = "",
        subtype: str = "",
        transcript: str | None = None,
        transcription: str = "",
    ) -> File:
        """A file that a person has uploaded and not yet shared; of a path only the place is kept.

        mode: see `File`; without one Slack chooses. filetype: e.g. "python" for a snippet, "gdoc" for a file elsewhere.
        url: with `external_type` (e.g. "gdrive") the address of a file elsewhere; alone, what stands where Slack's own address
        should. subtype: "slack_audio" or "slack_video" for a clip. transcript: what Slack understood of it; `transcription`
        "processing" or "failed" instead.
        """
        file = make_file(self, self.person(person), name, content, mode="external" if external_type else mode)
        if filetype:
            file.filetype, file.mimetype = filetype, KINDS[filetype][1] if filetype in KINDS else file.mimetype
        if subtype == "slack_audio" and not mimetype:
            mimetype = "audio/mp4"
        file.mimetype = mimetype or file.mimetype
        file.url, file.external_type = url, external_type
        file.subtype, file.duration_ms = subtype, 4_200 if subtype else 0
        file.transcript, file.transcription = transcript or "", transcription or ("complete" if transcript else "")
        return file

    def transcribe(self, file: File, transcript: str) -> None:
        """Slack is done with a clip's transcript, which was "processing"; "" when it understood nothing."""
        file.transcript, file.transcription = transcript, "complete" if transcript else "failed"
        self.emit(Change("file_change", extra={"file_id": file.id, "file": {"id": file.id}}))

    def delete_file(self, file: File) -> None:
        """A file is deleted: its messages keep an empty place."""
        file.deleted, file.content = True, None
        for channel_id, ts in file.shares:
            channel = self.channels[channel_id]
            if message := channel.messages.get(ts):
                left = [
                    {"id": f["id"], "mode": "tombstone"} if f["id"] == file.id else f for f in message.get("files", ())
                ]
                self.replace(channel, message | {"files": left})
        self.emit(Change("file_deleted", extra={"file_id": file.id}))

    def edit(self, person: str | Person, channel: str | Channel, ts: str, text: str) -> None:
        """A person edits what she wrote."""
        who, place = self._writer(person, channel)
        sent = slack_text.typed(self, text)
        edited = {"user": who.id, "ts": f"{int(self.clock())}.000000"}
        self.replace(place, place.messages[ts] | {"text": sent, "blocks": slack_text.rich_text(sent), "edited": edited})

    def delete(self, person: str | Person, channel: str | Channel, ts: str) -> None:
        """A person deletes what she wrote."""
        _, place = self._writer(person, channel)
        self.remove(place, ts)

    def unfurl(self, channel: str | Channel, ts: str, title: str = "A page") -> None:
        """Slack adds a link preview: the message is replayed as message_changed, its text unchanged."""
        place = self.channel(channel)
        self.replace(place, place.messages[ts] | {"attachments": [{"id": 1, "title": title, "fallback": title}]})

    def react(self, person: str | Person, channel: str | Channel, ts: str, name: str, *, added: bool = True) -> None:
        """A person puts a reaction on a message, or takes it off."""
        who, place = self.person(person), self.channel(channel)
        reactions = {r["name"]: list(r["users"]) for r in place.messages[ts].get("reactions", ())}
        users = reactions.setdefault(name, [])
        if (who.id in users) == added:
            raise ValueError("already_reacted" if added else "no_reaction")
        users.append(who.id) if added else users.remove(who.id)
        shown = [{"name": n, "users": u, "count": len(u)} for n, u in reactions.items() if u]
        bare = {k: v for k, v in place.messages[ts].items() if k != "reactions"}
        place.messages[ts] = bare | ({"reactions": shown} if shown else {})
        kind = "reaction_added" if added else "reaction_removed"
        self.emit(Change(kind, place, place.messages[ts], user=who.id, extra={"reaction": name}))

    def join(self, person: str | Person, channel: str | Channel, *, inviter: str = "") -> None:
        """A person comes into a channel."""
        who, place = self.person(person), self.channel(channel)
        place.members.add(who.id)
        extra = {"inviter": inviter} if inviter else {}
        self.post(
            place, {"subtype": "channel_join", "user": who.id, "text": f"<@{who.id}> has joined the channel"} | extra
        )
        self.emit(Change("member_joined_channel", place, user=who.id, extra=extra))

    def leave(self, person: str | Person, channel: str | Channel) -> None:
        """A person goes out of a channel."""
        who, place = self.person(person), self.channel(channel)
        place.members.discard(who.id)
        if who.id == self.app.bot_user_id:
            kind = "channel_left" if place.kind == "channel" else "group_left"
            self.emit(Change(kind, place, user=who.id, extra={"channel": place.id, "actor_id": "USLACKBOT"}))
        else:
            self.emit(Change("member_left_channel", place, user=who.id))

    def deactivate(self, person: str | Person) -> None:
        """Somebody leaves the company: out of every channel, and of users.list only little is left."""
        who = self.person(person)
        who.deleted = True
        for channel in self.channels.values():
            if channel.kind != "im" and who.id in channel.members:
                self.leave(who, channel)

    def set_manager(self, person: str | Person, manager: str | Person | None) -> None:
        """What a person's profile says under "Manager": somebody, or nobody."""
        self.person(person).manager = self.person(manager).id if manager else ""

    def add_stranger(self, name: str, real_name: str, *, team_id: str = "T0ELSEWHER", channel: str | Channel) -> Person:
        """Somebody of another company comes into a channel, which is shared with that company from then on."""
        place = self.channel(channel)
        place.is_ext_shared, place.is_pending_ext_shared = True, False
        who = Person(make_id("U", name), name, real_name, "", "Europe/London", team_id=team_id)
        self.add_person(who)
        self.join(who, place)
        return who

    def add_bot(self, channel: str | Channel) -> None:
        """Invite the app."""
        self.join(self.app.bot_user_id, channel)

    def remove_bot(self, channel: str | Channel) -> None:
        """Take the app out of a channel."""
        self.leave(self.app.bot_user_id, channel)

    def archive(self, channel: str | Channel, *, archived: bool = True) -> None:
        """Archive a channel."""
        place = self.channel(channel)
        place.is_archived = archived
        self.emit(Change("channel_archive" if archived else "channel_unarchive", place))

    def unarchive(self, channel: str | Channel) -> None:
        """Bring an archived channel back."""
        self.archive(channel, archived=False)

    def open_home(self, person: str | Person, tab: str = "home") -> None:
        """A person opens the app: tab "home", or "messages" for its direct messages."""
        who = self.person(person)
        extra: Json = {"user": who.id, "channel": self.dm(who).id, "tab": tab}
        if tab == "home" and who.id in self.homes:
            extra["view"] = self.views[self.homes[who.id]]
        self.emit(Change("app_home_opened", user=who.id, extra=extra))

    def stop(self, person: str | Person, channel: str | Channel, thread_ts: str) -> None:
        """A person presses the stop button of an agent that works in a thread."""
        place = self.channel(channel)
        streaming = [
            ts for (c, ts) in self.streams if c == place.id and place.messages[ts].get("thread_ts") == thread_ts
        ]
        extra = {
            "channel": place.id,
            "thread_ts": thread_ts,
            "user": self.person(person).id,
            "streaming_message_ts": streaming,
        }
        self.stopped_streams |= {(place.id, ts) for ts in streaming}
        self.emit(Change("agent_session_stopped", place, extra=extra))

    def messages(self, channel: str | Channel, thread_ts: str | None = None) -> list[Json]:
        """Copies, oldest first: a thread with its root, or the channel's top level."""
        return [dict(m) for m in self.read(self.channel(channel), thread_ts)]

    def set_status(self, channel: Channel, thread_ts: str, status: str) -> None:
        """Show that the app is at work in a thread; "" takes it away."""
        self._statuses.pop((channel.id, thread_ts), None)
        if status:
            self._statuses[channel.id, thread_ts] = (status, self.clock() + STATUS_SECONDS)
        self.emit(Change("status", channel, extra={"thread_ts": thread_ts, "status": status}))

    def status(self, channel: str | Channel, thread_ts: str) -> str:
        """The status that a thread shows now, "" when none."""
        status, expires = self._statuses.get((self.channel(channel).id, thread_ts), ("", 0.0))
        return status if self.clock() < expires else ""

    def bot_post(
        self, channel: Channel, message: Json, *, thread_ts: str | None = None, broadcast: bool = False
    ) -> Json:
        """The app posts: people are notified and the thread's status goes."""
        posted = self.post(channel, self.signed(message), thread_ts=thread_ts, broadcast=broadcast)
        self.notify(channel, posted)
        if thread_ts and (channel.id, thread_ts) in self._statuses:
            self.set_status(channel, thread_ts, "")
        return posted

    def signed(self, message: Json) -> Json:
        """A message marked as the app's."""
        app = self.app
        profile = {
            "id": app.bot_id,
            "app_id": app.app_id,
            "name": app.bot_real_name,
            "deleted": False,
            "team_id": app.team_id,
        }
        return {"user": app.bot_user_id, "bot_id": app.bot_id, "app_id": app.app_id, "bot_profile": profile} | message

    def notify(self, channel: Channel, message: Json) -> None:
        """Note who is called by a message of the app."""
        for who in slack_text.called(message):
            if (entry := (who, channel.id, message["ts"])) not in self.notifications[-50:]:
                self.notifications.append(entry)

    def rendered(self, message: Json) -> str:
        """The text that a reader sees."""
        return slack_text.rendered(message)

    def _writer(self, person: str | Person, channel: str | Channel) -> tuple[Person, Channel]:
        who, place = self.person(person), self.channel(channel)
        if who.id not in place.members:
            raise ValueError(f"{who.name} is not in {place.name}")
        if place.is_archived:
            raise ValueError(f"{place.name} is archived")
        return who, place
