"""Files as the API and events show them."""

from pathlib import PurePath

from playground.slack.state import File, Json, State


def file_object(state: State, file: File) -> Json:
    """Slack's file object; its URLs want the bot token as Bearer."""
    extension = PurePath(file.name).suffix.lstrip(".").lower() or "binary"
    url = f"{state.app.origin}/files/{file.id}/{file.name}"
    shown: Json = {
        "id": file.id, "created": file.created, "timestamp": file.created, "name": file.name, "title": file.title or file.name,
        "mimetype": file.mimetype, "filetype": extension, "pretty_type": extension.upper(), "user": file.user,
        "user_team": state.app.team_id, "editable": False, "size": len(file.content or b""), "mode": "hosted",
        "is_external": False, "external_type": "", "is_public": False, "public_url_shared": False, "display_as_bot": False,
        "username": "", "url_private": url, "url_private_download": f"{state.app.origin}/files/{file.id}/download/{file.name}",
        "media_display_type": "unknown", "permalink": url, "has_rich_preview": False, "file_access": "visible",
        "channels": [], "groups": [], "ims": [],
    }  # fmt: skip
    for channel_id, _ in file.shares:
        kind = state.channels[channel_id].kind
        listed = {"channel": "channels", "im": "ims"}.get(kind, "groups")
        if channel_id not in shown[listed]:
            shown[listed].append(channel_id)
        shown["is_public"] = shown["is_public"] or kind == "channel"
    return shown


def file_seen(state: State, file: File) -> bool:
    """Whether the app may see a file: its own, or one shared where it is a member or in a public channel."""
    if file.user == state.app.bot_user_id:
        return True
    shared = [state.channels[c] for c, _ in file.shares]
    return any(c.kind == "channel" or state.app.bot_user_id in c.members for c in shared)
