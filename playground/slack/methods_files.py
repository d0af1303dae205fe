"""files.*."""

from collections.abc import Callable

from playground.slack.arguments import SlackError
from playground.slack.blocks import check_blocks
from playground.slack.files import KINDS, SNIPPET_BYTES, brief, file_object, file_seen, make_file
from playground.slack.lookup import addressed, thread
from playground.slack.state import File, Json
from playground.slack.workspace import Workspace

MAX_ALT_TEXT, MAX_CHANNELS = 1_000, 100


def files_info(ws: Workspace, args: Json) -> Json:
    """files.info."""
    return {
        "file": file_object(ws, _file(ws, args["file"], hidden="not_visible")),
        "comments": [],
        "response_metadata": {"next_cursor": ""},
    }


def files_list(ws: Workspace, args: Json) -> Json:
    """files.list: paged by number, as Slack's."""
    shown = [f for f in ws.files.values() if not f.deleted and f.content is not None and file_seen(ws, f)]
    shown = [f for f in shown if f.mode != "hidden_by_limit" or args.get("show_files_hidden_by_limit")]
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
        raise SlackError("missing_argument")
    if len(args.get("alt_txt", "")) > MAX_ALT_TEXT:
        raise SlackError("alt_txt_too_large")
    snippet = args.get("snippet_type", "")
    if snippet and not (snippet in KINDS and KINDS[snippet][2]):
        raise SlackError("unknown_snippet_type")
    if snippet and args["length"] > SNIPPET_BYTES:
        raise SlackError("snippet_too_large")
    mode = "snippet" if snippet else ""
    file = make_file(ws, ws.person(ws.app.bot_user_id), args["filename"], None, mode=mode, size=args["length"])
    file.alt_txt = args.get("alt_txt", "")
    if snippet:
        file.filetype, file.mimetype = snippet, "text/plain"
    return {"upload_url": f"{ws.app.origin}/upload/{file.id}", "file_id": file.id}


def complete_upload(ws: Workspace, args: Json) -> Json:
    """files.completeUploadExternal: shares what was uploaded, in one message a channel. Asked for again, it shares again.

    The answer does not tell where the files are: Slack shares them a moment later.
    """
    files = []
    for given in args["files"]:
        file = ws.files.get(given.get("id", ""))
        if file is None or file.content is None or file.deleted:
            raise SlackError("file_not_found")
        file.title = given.get("title") or file.title
        files.append(file)
    blocks = None if args.get("initial_comment") else args.get("blocks")
    if blocks:
        check_blocks(blocks)
    keys = [k for k in (args.get("channel_id"), *(args.get("channels") or "").split(",")) if k]
    if len(keys) > MAX_CHANNELS:
        raise SlackError("channels_limit_exceeded")
    places = [addressed(ws, key) for key in keys]
    roots = [thread(channel, args.get("thread_ts")) for channel in places]
    for channel, root in zip(places, roots, strict=True):
        message = ws.signed({"text": args.get("initial_comment", ""), "subtype": "file_share", "upload": True})
        if blocks:
            message["blocks"] = blocks
        posted = ws.share(channel, message, files, thread_ts=root)
        ws.notify(channel, posted)
        if root:
            ws.set_status(channel, root, "")
    return {"files": [brief(ws, f) for f in files]}


def _file(ws: Workspace, file_id: str, hidden: str = "file_not_found") -> File:
    file = ws.files.get(file_id)
    if file is None or not file_seen(ws, file):
        raise SlackError(hidden if file else "file_not_found")
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
