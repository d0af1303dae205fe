"""Files as the API and events show them."""

import re
from pathlib import Path, PurePath

from playground.slack.state import Channel, File, Json, Person, State

SNIPPET_BYTES = 1_048_576  # longer text is no snippet
PREVIEW_CHARS, PREVIEW_LINES, TRANSCRIPT_CHARS = 1_000, 5, 150
CUE_WORDS, CUE_SECONDS = 8, 3.0
# Slack's filetype | how it is called | media type | extensions where they are not the filetype; `*` marks text, which is kept as a snippet.
_KINDS = """
text* | Plain Text | text/plain | txt log
markdown* | Markdown (raw) | text/markdown | md
csv* | CSV | text/csv |
tsv* | TSV | text/tab-separated-values |
json* | JSON | application/json |
html* | HTML | text/html | html htm
xml* | XML | text/xml |
yaml* | YAML | text/yaml | yaml yml
python* | Python | text/x-python | py
javascript* | JavaScript/JSON | text/javascript | js
typescript* | TypeScript | text/x-typescript | ts
shell* | Shell | text/x-shellscript | sh
sql* | SQL | text/x-sql |
java* | Java | text/x-java |
go* | Go | text/x-go |
rust* | Rust | text/x-rust | rs
c* | C | text/x-csrc |
cpp* | C++ | text/x-c++src |
pdf | PDF | application/pdf |
docx | Word Document | application/vnd.openxmlformats-officedocument.wordprocessingml.document |
xlsx | Excel Spreadsheet | application/vnd.openxmlformats-officedocument.spreadsheetml.sheet |
pptx | PowerPoint Presentation | application/vnd.openxmlformats-officedocument.presentationml.presentation |
doc | Word Document | application/msword |
xls | Excel Spreadsheet | application/vnd.ms-excel |
ppt | PowerPoint Presentation | application/vnd.ms-powerpoint |
png | PNG | image/png |
jpg | JPEG | image/jpeg | jpg jpeg
gif | GIF | image/gif |
webp | WebP | image/webp |
heic | HEIC | image/heic | heic heif
svg | SVG | image/svg+xml |
mp3 | MP3 | audio/mpeg |
m4a | MPEG 4 Audio | audio/mp4 |
wav | Wave | audio/wav |
ogg | Ogg Vorbis | audio/ogg |
webm | WebM | video/webm |
mp4 | MPEG 4 Video | video/mp4 |
mov | QuickTime Movie | video/quicktime |
zip | Zip | application/zip |
gzip | Gzip | application/gzip | gz
tar | Tar | application/x-tar |
binary | Binary | application/octet-stream | bin exe dll
space | Post | application/vnd.slack-docs |
quip | Canvas | application/vnd.slack-docs |
gdoc | Google Docs | application/vnd.google-apps.document |
gsheet | Google Sheets | application/vnd.google-apps.spreadsheet |
gpres | Google Slides | application/vnd.google-apps.presentation |
"""


def _kinds() -> tuple[dict[str, tuple[str, str, bool]], dict[str, str]]:
    kinds: dict[str, tuple[str, str, bool]] = {}
    extensions: dict[str, str] = {}
    for line in filter(None, _KINDS.splitlines()):
        word, pretty, mimetype, listed = (part.strip() for part in line.split("|"))
        name = word.rstrip("*")
        kinds[name] = (pretty, mimetype, word.endswith("*"))
        extensions |= dict.fromkeys(listed.split() or [name], name)
    return kinds, extensions


KINDS, _EXTENSIONS = _kinds()  # filetype → (its name for people, media type, whether it is text); extension → filetype


def filetype_of(name: str) -> str:
    """Slack's filetype, from the extension alone: a picture called .pdf is a "pdf"."""
    return _EXTENSIONS.get(PurePath(name).suffix.lstrip(".").lower(), "binary")


def make_file(
    state: State, person: Person, name: str, content: bytes | Path | None, *, mode: str, size: int = -1
) -> File:
    """A new file of Slack's own choosing: filetype and media type by the name, short text as a snippet. `size`: of what will come."""
    filetype = {"space": "space", "quip": "quip"}.get(mode) or filetype_of(name)
    file = File(state.next_id("F"), name, person.id, KINDS[filetype][1], content, int(state.clock()), filetype=filetype)
    is_snippet = KINDS[filetype][2] and (size if size >= 0 else file.size) < SNIPPET_BYTES
    file.mode = mode or ("snippet" if is_snippet else "hosted")
    state.files[file.id] = file
    return file


def brief(state: State, file: File) -> Json:
    """The file object that a message carries: it does not tell where else the file is. Its URLs want the bot token as Bearer."""
    if file.deleted:
        return {"id": file.id, "mode": "tombstone"}
    if file.mode == "hidden_by_limit":
        return {"id": file.id, "mode": "hidden_by_limit"}
    shown: Json = {
        "id": file.id, "created": file.created, "timestamp": file.created, "name": file.name, "title": file.title or file.name,
        "mimetype": file.mimetype, "filetype": file.filetype, "pretty_type": KINDS[file.filetype][0] if file.filetype in KINDS else "",
        "user": file.user, "user_team": state.people[file.user].team_id or state.app.team_id,
        "editable": file.mode in ("snippet", "space", "quip"), "size": file.size, "mode": file.mode,
        "is_external": file.mode == "external", "external_type": file.external_type,
        "is_public": any(state.channels[c].kind == "channel" for c, _ in file.shares), "public_url_shared": False,
        "display_as_bot": False, "username": "", **_addresses(state, file), "media_display_type": _media(file),
        "permalink": f"{state.app.origin}/files/{file.user}/{file.id}/{_slug(file.name)}", "is_starred": False,
        "has_rich_preview": False, "file_access": "visible",
    }  # fmt: skip
    return shown | _particular(state, file)


def file_object(state: State, file: File) -> Json:
    """What files.info tells: also where the file is shared, as far as the app may see that."""
    shown = brief(state, file)
    places: Json = {"channels": [], "groups": [], "ims": []}
    shares: Json = {}
    for channel_id, ts in file.shares:
        channel = state.channels[channel_id]
        if not _sees(state, channel):
            continue
        listed = places[{"channel": "channels", "im": "ims"}.get(channel.kind, "groups")]
        if channel_id not in listed:
            listed.append(channel_id)
        side = shares.setdefault("public" if channel.kind == "channel" else "private", {})
        side.setdefault(channel_id, []).append(_share(state, channel, ts))
    return shown | places | {"shares": shares, "has_more_shares": False, "comments_count": 0}


def file_seen(state: State, file: File) -> bool:
    """Whether the app may see a file: its own, given to it in a modal, or shared where it is a member or in a public channel."""
    own = file.user == state.app.bot_user_id or file.to_app
    return own or any(_sees(state, state.channels[c]) for c, _ in file.shares)


def vtt(file: File) -> str:
    """A clip's transcript as Slack serves it: WebVTT, a byte order mark before it, the first cue of a speaker with a dash."""
    words = file.transcript.split()
    cues = [words[i : i + CUE_WORDS] for i in range(0, len(words), CUE_WORDS)]
    out = ["\ufeffWEBVTT "]
    for n, cue in enumerate(cues):
        out.append(f"{_clock(n * CUE_SECONDS)} --> {_clock((n + 1) * CUE_SECONDS)}\n{'' if n else '- '}{' '.join(cue)}")
    return "\n\n".join(out) + "\n\n"


def _sees(state: State, channel: Channel) -> bool:
    return channel.kind == "channel" or state.app.bot_user_id in channel.members


def _share(state: State, channel: Channel, ts: str) -> Json:
    message = channel.messages.get(ts, {})
    replies = {
        k: message[k]
        for k in ("reply_users", "reply_users_count", "reply_count", "latest_reply", "thread_ts")
        if k in message
    }
    none: Json = {"reply_users": [], "reply_users_count": 0, "reply_count": 0}
    share = {
        "ts": ts,
        "channel_name": channel.name,
        "team_id": state.app.team_id,
        "share_user_id": message.get("user", ""),
    }
    return none | replies | share


def _addresses(state: State, file: File) -> Json:
    if file.mode == "external":
        return {"url_private": file.url}
    if file.url:
        return {"url_private": file.url, "url_private_download": file.url}
    base = f"{state.app.origin}/files-pri/{state.app.team_id}-{file.id}"
    slug = "canvas" if file.mode == "quip" else _slug(file.name)
    return {"url_private": f"{base}/{slug}", "url_private_download": f"{base}/download/{slug}"}


def _slug(name: str) -> str:
    """A name as it stands in an address."""
    return re.sub(r"[^a-z0-9._-]+", "_", name.lower()).strip(".") or "file"


def _media(file: File) -> str:
    kind = file.mimetype.partition("/")[0]
    if file.subtype:
        return file.subtype.removeprefix("slack_")
    return kind if kind in ("audio", "video") else "unknown"


def _particular(state: State, file: File) -> Json:
    """What only this kind of file has."""
    shown: Json = {"alt_txt": file.alt_txt} if file.alt_txt else {}
    if file.subtype:
        shown |= {"subtype": file.subtype, "duration_ms": file.duration_ms}
    if file.transcription:
        shown["transcription"] = _transcription(file)
    if file.transcription == "complete":
        shown["vtt"] = f"{state.app.origin}/files-tmb/{state.app.team_id}-{file.id}-{file.created:x}/file.vtt?_xcb=1"
    if file.mode == "snippet" and isinstance(file.content, bytes):
        text = file.content.decode("utf-8", "replace")
        lines = text.splitlines()
        preview = "\n".join(lines[:PREVIEW_LINES])[:PREVIEW_CHARS]
        shown |= {"preview": preview, "lines": len(lines), "lines_more": max(0, len(lines) - PREVIEW_LINES)}
        shown["preview_is_truncated"] = len(preview) < len(text.rstrip("\n"))
    return shown


def _transcription(file: File) -> Json:
    if file.transcription != "complete":
        return {"status": file.transcription}
    preview = {"content": file.transcript[:TRANSCRIPT_CHARS], "has_more": len(file.transcript) > TRANSCRIPT_CHARS}
    return {"status": "complete", "locale": "en-US", "preview": preview}


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes // 60):02d}:{int(minutes % 60):02d}:{rest:06.3f}"
