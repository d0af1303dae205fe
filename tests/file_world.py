"""What tests of files share: files of every kind, made here, and what Slack says of one."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from bot.files.download import HEAD, Download
from bot.files.slack_file import SlackFile

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def slack_file(name: str, **more: Any) -> SlackFile:
    """A file as Slack describes it."""
    fields: dict[str, Any] = {
        "id": "F0TEST",
        "name": name,
        "title": name,
        "mimetype": "",
        "filetype": "",
        "mode": "hosted",
        "size": 10,
        "url": "https://files.slack.com/files-pri/T0-F0TEST/x",
        "permalink": "",
        "uploader": "U0ANA",
        "channels": (),
        "transcript": "",
        "vtt": "",
        "external": False,
    }
    return SlackFile(**(fields | more))


def downloaded(folder: Path, content: bytes) -> Download:
    """Content that lies there as a download does."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "content"
    path.write_bytes(content)
    return Download(path, len(content), hashlib.sha256(content).hexdigest(), content[:HEAD], "")


def pdf(*pages: str, password: str = "", owner: str = "", picture: bool = False, algorithm: str = "RC4-128") -> bytes:
    """A PDF with a line of text a page; with a picture on each page it is what a scanner makes."""
    writer = PdfWriter()
    font = DictionaryObject({NameObject(k): NameObject(v) for k, v in FONT.items()})
    for text in pages:
        page = writer.add_blank_page(200, 200)
        resources = DictionaryObject({NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})})
        if picture:
            image = DecodedStreamObject()
            image.update({NameObject("/Type"): NameObject("/XObject"), NameObject("/Subtype"): NameObject("/Image")})
            objects = DictionaryObject({NameObject("/Im1"): writer._add_object(image)})
            resources[NameObject("/XObject")] = objects
        page[NameObject("/Resources")] = resources
        drawn = DecodedStreamObject()
        drawn.set_data(f"BT /F1 12 Tf 10 100 Td ({text}) Tj ET".encode() if text else b"")
        page[NameObject("/Contents")] = writer._add_object(drawn)
    if password or owner:
        writer.encrypt(password, owner or None, algorithm=algorithm)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


FONT = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/></Types>'
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def zipped(**members: str | bytes) -> bytes:
    """A ZIP archive; two underlines in a name stand for a slash, one for a dot."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return out.getvalue()


def office(main: str) -> bytes:
    """The container of a DOCX or PPTX whose main part is `main`."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", TYPES)
        archive.writestr(main, "<document/>")
    return out.getvalue()


def xlsx(sheets: dict[str, list[list[str | float]]], bomb: int = 0) -> bytes:
    """A spreadsheet; `bomb` is how many bytes of blanks the first sheet unpacks to besides."""
    named = "".join(f'<sheet name="{escape(n)}" sheetId="{i}" r:id="rId{i}"/>' for i, n in enumerate(sheets, 1))
    to = "".join(
        f'<Relationship Id="rId{i}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", TYPES)
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{RELATIONS}"><sheets>{named}</sheets></workbook>',
        )
        archive.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{PACKAGE}">{to}</Relationships>')
        for i, rows in enumerate(sheets.values(), 1):
            data = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
            sheet = f'<worksheet xmlns="{main}"><sheetData>{data}</sheetData></worksheet>'
            archive.writestr(f"xl/worksheets/sheet{i}.xml", sheet + " " * bomb)
    return out.getvalue()


def _cell(value: str | float) -> str:
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f"<c><v>{value}</v></c>"


def picture(form: str = "PNG", size: tuple[int, int] = (40, 20), mode: str = "RGB", **options: Any) -> bytes:
    """A picture of one colour; its left half is darker, so that one sees where up is."""
    image = Image.new(mode, size, 200 if mode == "L" else (200, 30, 30, 90)[: len(mode)])
    image.paste(0 if mode == "L" else (0, 0, 0, 255)[: len(mode)], (0, 0, size[0] // 2, size[1]))
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()
