"""The workspace as JSON, and back."""

import base64
from dataclasses import asdict
from pathlib import Path

from playground.slack.state import Channel, File, Json, Person
from playground.slack.workspace import Workspace


def snapshot(ws: Workspace) -> Json:
    """Everything that a restarted playground needs to go on."""
    return {
        "people": [asdict(p) for p in ws.people.values()],
        "channels": [
            {
                "id": c.id, "name": c.name, "kind": c.kind, "members": sorted(c.members), "is_archived": c.is_archived,
                "is_ext_shared": c.is_ext_shared, "is_pending_ext_shared": c.is_pending_ext_shared, "created": c.created, "messages": list(c.messages.values()),
            }
            for c in ws.channels.values()
        ],
        "files": [
            asdict(f) | {"content": base64.b64encode(f.content).decode() if isinstance(f.content, bytes) else None}
            | ({"path": str(f.content)} if isinstance(f.content, Path) else {})
            for f in ws.files.values()
        ],
        "usergroups": ws.usergroups, "views": ws.views, "homes": ws.homes, "bookmarks": ws.bookmarks,
    }  # fmt: skip


def restore(ws: Workspace, state: Json) -> None:
    """Fill an empty workspace with a snapshot."""
    for person in state["people"]:
        ws.add_person(Person(**person))
    for saved in state["channels"]:
        channel: Channel = ws.add_channel(saved["name"], saved["members"], kind=saved["kind"], id=saved["id"])
        channel.is_archived, channel.is_ext_shared, channel.created = (
            saved["is_archived"],
            saved["is_ext_shared"],
            saved["created"],
        )
        channel.is_pending_ext_shared = saved.get("is_pending_ext_shared", False)
        for message in saved["messages"]:
            ws.restore_message(channel, message)
    for file in state["files"]:
        path = file.pop("path", "")
        content = Path(path) if path else None if file["content"] is None else base64.b64decode(file["content"])
        ws.files[file["id"]] = File(**file | {"content": content, "shares": [(c, ts) for c, ts in file["shares"]]})
    ws.usergroups, ws.views, ws.homes, ws.bookmarks = (
        state["usergroups"],
        state["views"],
        state["homes"],
        state["bookmarks"],
    )
