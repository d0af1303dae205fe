"""files.*."""

import mimetypes
from collections.abc import Callable

from playground.slack.arguments import SlackError
from playground.slack.blocks import check_blocks
from playground.slack.files import file_object, file_seen
from playground.slack.lookup import addressed, thread
from playground.slack.state import File, Json
from playground.slack.workspace import Workspace


def files_info(ws: Workspace, args: Json) -> Json:
    """files.info."""
    return {"file": file_object(ws, _file(ws, args["file"])), "comments": [], "response_metadata": {"next_cursor": ""}}


def files_list(ws: Workspace, args: Json) -> Json:
    """files.list: paged by number, as Slack's."""
    shown = [f for f in ws.files.values() if not f.deleted and f.content is not None and file_seen(ws, f)]
    if args.get("channel"):
        shown = [f for f in shown if any(c == args["channel"] for c, _ in f.shares)]
    if args.get("user"):
        shown = [f for f in shown if f.user == args["user"]]
    shown = [f for f in shown if float(args.get("ts_from", 0)) <= f.created <= float(args.get("ts_to", 1e12))][::-1]
    count, number = max(1, min(args.get("count", 100), 1000)), max(1, args.get("page", 1))
    part = shown[(number - 1) * count : number * count]
    paging = {"count": count, "total": len(shown), "page": number, "pages": -(-len(shown) // count)}
    return {"files": [file_object(ws, f) for f in part], "paging": paging}


def files_delete(ws: Workspace, args: Json) -> Json:
    """files.delete: the app's own only. Its messages keep an empty place."""
    file = _file(ws, args["file"])
    if file.user != ws.app.bot_user_id:
        raise SlackError("cant_delete_file")
    ws.delete_file(file)
    return {}


def get_upload_url(ws: Workspace, args: Json) -> Json:
    """files.getUploadURLExternal."""
    if args["length"] <= 0:
        raise SlackError("invalid_arguments", "[ERROR] must be greater than 0 [json-pointer:/length]")
    kind = mimetypes.guess_type(args["filename"])[0] or "application/octet-stream"
    file = File(ws.next_id("F"), args["filename"], ws.app.bot_user_id, kind, None, int(ws.clock()))
    ws.files[file.id] = file
    return {"upload_url": f"{ws.app.origin}/upload/{file.id}", "file_id": file.id}


def complete_upload(ws: Workspace, args: Json) -> Json:
    """files.completeUploadExternal: shares what was uploaded, in one message."""
    files = []
    for given in args["files"]:
        file = ws.files.get(given.get("id", ""))
        if file is None or file.content is None or file.deleted:
            raise SlackError("file_not_found")
        file.title = given.get("title") or file.title
        files.append(file)
    if args.get("blocks"):
        check_blocks(args["blocks"])
    for key in filter(None, (args.get("channel_id"), *(args.get("channels") or "").split(","))):
        channel = addressed(ws, key)
        root = thread(channel, args.get("thread_ts"))
        message = ws.signed({"text": args.get("initial_comment", ""), "subtype": "file_share", "upload": True})
        if args.get("blocks"):
            message["blocks"] = args["blocks"]
        posted = ws.share(channel, message, files, thread_ts=root)
        ws.notify(channel, posted)
        if root:
            ws.set_status(channel, root, "")
    return {"files": [file_object(ws, f) for f in files]}


def _file(ws: Workspace, file_id: str) -> File:
    file = ws.files.get(file_id)
    if file is None or not file_seen(ws, file):
        raise SlackError("file_not_found")
    if file.deleted:
        raise SlackError("file_deleted")
    return file


METHODS: dict[str, Callable[[Workspace, Json], Json]] = {
    "files.info": files_info,
    "files.list": files_list,
    "files.delete": files_delete,
    "files.getUploadURLExternal": get_upload_url,
    "files.completeUploadExternal": complete_upload,
}
