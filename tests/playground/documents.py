"""Small documents of every kind, made in code."""

import io
import zipfile
from collections.abc import Mapping

from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject


def pdf(text: str, *, password: str = "") -> bytes:
    """One page that shows a line of text; none for an empty one."""
    writer = PdfWriter()
    page = writer.add_blank_page(600, 200)
    font = {"/Type": NameObject("/Font"), "/Subtype": NameObject("/Type1"), "/BaseFont": NameObject("/Helvetica")}
    fonts = DictionaryObject({NameObject(name): value for name, value in font.items()})
    named = DictionaryObject({NameObject("/F1"): fonts})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): named})
    stream = DecodedStreamObject()
    stream.set_data(f"BT /F1 12 Tf 20 100 Td ({text}) Tj ET".encode() if text else b"")
    page[NameObject("/Contents")] = writer._add_object(stream)  # pypdf has no public way to add content
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def zipped(members: Mapping[str, str]) -> bytes:
    """A zip file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def docx(*paragraphs: str) -> bytes:
    """A Word document, as far as a reader of its text cares."""
    body = "".join(f"<w:p><w:r><w:t xml:space='preserve'>{text}</w:t></w:r></w:p>" for text in paragraphs)
    return zipped({"word/document.xml": f"<w:document><w:body>{body}</w:body></w:document>"})


def pptx(*slides: str) -> bytes:
    """A presentation with a line on each slide."""
    return zipped(
        {f"ppt/slides/slide{n}.xml": f"<p:sld><a:p><a:t>{text}</a:t></a:p></p:sld>" for n, text in enumerate(slides, 1)}
    )


def image(kind: str = "PNG", width: int = 4, height: int = 3) -> bytes:
    """An image."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), "navy").save(out, kind)
    return out.getvalue()
