"""What a file is by its content and its name, what is refused and in which words, and names that are fit to be shown."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import FileRefused
from bot.files.kinds import KINDS, format_of, kind_of, named, refusal
from bot.files.names import NAME_CHARACTERS, clean_name
from bot.files.slack_file import parse_file
from tests.file_world import OLE, office, pdf, picture, slack_file, xlsx, zipped

ODS = b"PK\x03\x04" + bytes(26) + b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"
MP4, M4A, MOV = b"\0\0\0\x20ftypisom", b"\0\0\0\x20ftypM4A ", b"\0\0\0\x14ftypqt  "
HEIC, AVIF = b"\0\0\0\x18ftypheic", b"\0\0\0\x18ftypavif"
WEBM = b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1fB\x86\x81\x01B\x82\x84webm"
ARCHIVE = "archives are not read; please unpack it and share the files"
PROGRAM = "programs are not read"

READ = [
    ("policy.pdf", pdf("text"), "pdf"),
    ("report.docx", office("word/document.xml"), "docx"),
    ("slides.pptx", office("ppt/presentation.xml"), "pptx"),
    ("old.doc", OLE + bytes(100), "doc"),
    ("notes.txt", b"some words", "txt"),
    ("notes.md", b"# Title", "md"),
    ("page.html", b"\n<!DOCTYPE html><p>x", "html"),
    ("page.txt", b"<html><p>x", "html"),
    ("data.json", b'{"a": 1}', "json"),
    ("main.py", b"#!/usr/bin/env python\nprint(1)", "py"),
    ("app.ts", b"let a = 1", "ts"),
    ("app.log", b"10:00 started", "txt"),
    ("conf.yaml", b"a: 1", "txt"),
    ("query.sql", b"select 1", "txt"),
    ("logo.svg", b"<svg/>", "txt"),
    ("README", b"words", "txt"),
    ("naïve.txt", "naïve".encode("cp1252"), "txt"),
    ("wide.txt", "ünïcode".encode("utf-16"), "txt"),
    ("sales.csv", b"a,b\n1,2", "csv"),
    ("sales.tsv", b"a\tb\n1\t2", "csv"),
    ("sales.xlsx", xlsx({"One": [["a"]]}), "xlsx"),
    ("sales.xls", OLE + bytes(100), "xls"),
    ("sales.ods", ODS, "ods"),
    ("a.png", picture("PNG"), "png"),
    ("a.jpg", picture("JPEG"), "jpeg"),
    ("a.gif", picture("GIF"), "gif"),
    ("a.webp", picture("WEBP"), "webp"),
    ("a.bmp", picture("BMP"), "bmp"),
    ("a.tiff", picture("TIFF"), "tiff"),
    ("IMG_1.HEIC", HEIC, "heic"),
    ("a.avif", AVIF, "avif"),
    ("clip.mp4", MP4, "mp4"),
    ("memo.m4a", M4A, "m4a"),
    ("memo.m4a", MP4, "m4a"),
    ("clip.mov", MOV, "mp4"),
    ("clip.webm", WEBM, "webm"),
    ("memo.mp3", b"ID3\x04\0", "mp3"),
    ("memo.mp3", b"\xff\xfb\x90d", "mp3"),
    ("memo.ogg", b"OggS\0", "ogg"),
    ("memo.wav", b"RIFF\0\0\0\0WAVEfmt ", "wav"),
    ("memo.flac", b"fLaC\0", "flac"),
    ("report.pdf", picture("PNG"), "png"),  # not what it is called: treated as what it is
    ("report.docx", pdf("text"), "pdf"),
    ("a.png", b"just words", "txt"),
    ("letter.docx", OLE + bytes(100), "doc"),  # a password, which its content tells
    ("sales.xlsx", OLE + bytes(100), "xls"),
    ("download", office("word/document.xml"), "docx"),
]


@pytest.mark.parametrize(("name", "content", "form"), READ, ids=[f"{n} as {f}" for n, _, f in READ])
def test_a_file_is_what_its_content_says(name: str, content: bytes, form: str) -> None:
    assert format_of(name, "", content[:8192]) == form
    assert kind_of(name, "", content[:8192]) == KINDS[form]


def test_slack_tells_that_a_snippet_is_a_table() -> None:
    assert kind_of("untitled", "text/csv", b"a,b\n1,2") == "table"
    assert kind_of("untitled", "text/plain", b"a,b\n1,2") == "text"
    assert kind_of("audio_message", "audio/mp4", MP4) == "sound"


REFUSED = [
    ("a.zip", zipped(a_txt="x"), ARCHIVE),
    ("a.docx", b"Rar!\x1a\x07", ARCHIVE),
    ("a.txt", b"\x1f\x8b\x08", ARCHIVE),
    ("a.7z", b"7z\xbc\xaf\x27\x1c", ARCHIVE),
    ("a.tar", b"name" + bytes(253) + b"ustar", ARCHIVE),
    ("a.pdf", b"MZ\x90\0\x03", PROGRAM),
    ("tool", b"\x7fELF\x02\x01", PROGRAM),
    ("tool", b"\xcf\xfa\xed\xfe", PROGRAM),
    ("a.zip", zipped(**{"META-INF__MANIFEST_MF": "x"}), PROGRAM),
    ("a.apk", zipped(AndroidManifest_xml="x"), PROGRAM),
    ("a.msi", OLE + bytes(100), PROGRAM),
    ("a.txt", b"", "it is empty"),
    ("a.odt", zipped(content_xml="x"), "I cannot read files of the kind .odt; please share it as PDF or DOCX"),
    ("a.rtf", b"{\\rtf1 words}", "I cannot read files of the kind .rtf; please share it as PDF or DOCX"),
    ("a.pages", zipped(Index="x"), "I cannot read files of the kind .pages; please share it as PDF or DOCX"),
    ("a.ppt", OLE + bytes(9), ""),  # its own word comes when it is opened
    ("a.aac", b"\xff\xf1\x50\x80\0\0", "I cannot read files of the kind .aac; please share it as MP3 or MP4"),
    ("a.avi", b"RIFF\0\0\0\0AVI ", "I cannot read files of the kind .avi; please share it as MP3 or MP4"),
    ("a.mkv", b"\x1a\x45\xdf\xa3\0\0matroska", "I cannot read files of the kind .mkv; please share it as MP3 or MP4"),
    ("a.blob", bytes(range(256)), "I cannot read files of the kind .blob"),
    ("blob", bytes(range(256)), "I cannot read files of this kind"),
    ("a.pdf", bytes(range(1, 256)), "it is damaged, or is no PDF file at all"),
    ("a.png", bytes(20), "it is damaged, or is no PNG file at all"),
]


@pytest.mark.parametrize(("name", "content", "word"), REFUSED, ids=[n for n, _, _ in REFUSED])
def test_what_is_not_read_is_refused_in_words(name: str, content: bytes, word: str) -> None:
    if not word:
        assert kind_of(name, "", content) == "text"
        return
    with pytest.raises(FileRefused) as caught:
        kind_of(name, "", content)
    assert str(caught.value) == word


@given(st.text(max_size=20), st.text(max_size=20), st.binary(max_size=300))
def test_any_content_has_a_kind_or_a_word(name: str, mimetype: str, head: bytes) -> None:
    try:
        form = format_of(name, mimetype, head)
    except FileRefused:
        return
    assert form in KINDS
    assert format_of(named(name, form), mimetype, head) == form, "its new name does not change what it is"


MOST = 200_000_000


@pytest.mark.parametrize(
    ("name", "more", "word"),
    [
        ("a.pdf", {}, ""),
        ("a.pdf", {"size": 300_500_000}, "it is too large (300.5 MB); I read files of up to 200 MB"),
        ("a.pdf", {"size": MOST}, ""),
        ("a.pdf", {"size": 0}, "it is empty"),
        ("Plan", {"size": 0, "mode": "quip"}, ""),
        ("a.tar.gz", {}, ARCHIVE),
        ("setup.EXE", {}, PROGRAM),
        ("a.pdf", {"url": ""}, "Slack offers no download of it"),
        ("tasks", {"mode": "list", "url": ""}, "Slack lists are not read; please share it as CSV"),
        (
            "budget",
            {"external": True, "url": "https://docs.google.com/d/1"},
            "it lives in Google Drive; I can only read files that are uploaded to Slack",
        ),
        (
            "budget",
            {"external": True, "url": "https://notgoogle.com/d/1"},
            "it lives in another service; I can only read files that are uploaded to Slack",
        ),
    ],
)
def test_what_is_not_even_downloaded(name: str, more: dict[str, Any], word: str) -> None:
    assert refusal(slack_file(name, **more), MOST) == word


def test_a_name_gets_the_suffix_of_what_it_is() -> None:
    assert named("report.pdf", "pdf") == "report.pdf"
    assert named("photo.JPG", "jpeg") == "photo.JPG"
    assert named("report.pdf", "png") == "report.pdf.png"
    assert named("app.log", "txt") == "app.log.txt"
    assert named("clip.mov", "mp4") == "clip.mov.mp4"


# -- what Slack says of a file -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("Bericht März.pdf", "Bericht März.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.txt", "a.txt"),
        (".bashrc", "bashrc"),
        ("...", "file"),
        ("", "file"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\0b\nc\x1b[31m.txt", "ab c[31m.txt"),
        ("  a \u00a0 b.txt ", "a b.txt"),
        ("日本語の表.xlsx", "日本語の表.xlsx"),
        ("x" * 300 + ".pdf", "x" * 115 + "….pdf"),
        ("folder/", "folder"),
    ],
)
def test_hostile_names_are_cleaned(name: str, cleaned: str) -> None:
    assert clean_name(name) == cleaned


@given(st.text(max_size=300))
def test_a_cleaned_name_is_always_fit_to_be_shown(text: str) -> None:
    name = clean_name(text)
    assert 0 < len(name) <= NAME_CHARACTERS
    assert not set(name) & set("/\\\n\r\0\u202a\u202e\u2066\u2069")
    assert not name.startswith((".", " "))
    assert all(unicodedata.category(c) not in ("Cc", "Cs") for c in name)
    assert clean_name(name) == name


def raw(**more: Any) -> dict[str, Any]:
    return {
        "id": "F1",
        "name": "a.pdf",
        "mimetype": "Application/PDF",
        "mode": "hosted",
        "size": 7,
        "url_private": "https://files.slack.com/view",
        "url_private_download": "https://files.slack.com/download",
        "user": "U1",
        **more,
    }


def test_slacks_file_object_is_read() -> None:
    file = parse_file(
        raw(
            channels=["C2", "C1"],
            groups=["G1"],
            ims=["D1"],
            shares={"public": {"C3": []}, "private": {"G1": []}},
            transcription={"status": "complete", "preview": {"content": "Hello all", "has_more": False}},
            vtt="https://files.slack.com/a.vtt",
        )
    )
    assert (file.url, file.mimetype, file.size) == ("https://files.slack.com/download", "application/pdf", 7)
    assert file.channels == ("C1", "C2", "C3", "D1", "G1")
    assert (file.transcript, file.vtt) == ("Hello all", "https://files.slack.com/a.vtt")


def test_a_transcript_that_is_not_whole_is_none() -> None:
    for told in (
        {"status": "complete", "preview": {"content": "Hello", "has_more": True}},
        {"status": "processing"},
        {"status": "failed", "preview": None},
    ):
        assert parse_file(raw(transcription=told)).transcript == ""


def test_a_canvas_has_no_size_that_could_be_compared() -> None:
    assert parse_file(raw(mode="quip", size=23)).size == 0


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"mode": "tombstone"}, "it was deleted"),
        ({"mode": "hidden_by_limit"}, "it is older than this workspace's plan lets me read"),
        ({"file_access": "access_denied"}, "it is gone, or it is in a place that I am not in"),
    ],
)
def test_a_file_that_slack_keeps_back_says_why(more: dict[str, Any], word: str) -> None:
    with pytest.raises(FileRefused) as caught:
        parse_file(raw(**more))
    assert str(caught.value) == word
