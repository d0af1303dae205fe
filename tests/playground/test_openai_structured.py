"""Structured output: what OpenAI checks of a schema, and how the rule-based model reads receipts into one."""

import base64
import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # its types are a package of their own
import openai
import pytest
from fpdf import FPDF
from openai import AsyncOpenAI
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bot.files.pictures import fit
from playground.openai import OpenAIServer, Plan, Refuse, Script, Step, incomplete, text
from playground.sample_receipts import SAMPLES

Json = dict[str, Any]
MODEL = "gpt-6.2-sol"
INSTRUCTIONS = (
    "You read receipts. Today is Sunday 2026-11-22 where the person is.\n"
    "- category: one of these keys: meals (Meals), lodging (Hotels), taxi (Taxi), other (Other)."
)


def closed(**properties: Any) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


OPTIONAL = {"type": ["string", "null"]}
FIELD = closed(value=OPTIONAL, confidence={"type": "number"}, evidence=OPTIONAL)
FIELDS = ("merchant", "spent_on", "total", "currency", "tip", "category", "payment", "city", "purpose")
TAX = {"type": "array", "items": closed(rate={"type": "string"}, amount={"type": "string"})}
RECEIPT = closed(
    **dict.fromkeys(FIELDS, FIELD), language=OPTIONAL, tax=TAX, attendees={"type": "array", "items": {"type": "string"}}
)
RECEIPTS = closed(receipts={"type": "array", "items": RECEIPT}, nothing=OPTIONAL)


def wanted(schema: Any = RECEIPTS, name: str = "receipts", **more: Any) -> Any:
    return {"format": {"type": "json_schema", "name": name, "strict": True, "schema": schema} | more}


async def read(client: AsyncOpenAI, *content: str | Json) -> Json:
    """What the model reads in words and parts; it fits the schema."""
    given = [{"type": "input_text", "text": c} if isinstance(c, str) else c for c in content]
    response = await client.responses.create(
        model=MODEL,
        instructions=INSTRUCTIONS,
        input=[{"role": "user", "content": given}],  # type: ignore[list-item, misc]  # parts of several kinds
        text=wanted(),
        store=False,
    )
    found: Json = json.loads(response.output_text)
    jsonschema.validate(found, RECEIPTS)
    return found


def values(receipt: Json) -> Json:
    """What was read, without what was not."""
    return {k: v["value"] if isinstance(v, dict) else v for k, v in receipt.items() if (v["value"] if isinstance(v, dict) else v)}  # fmt: skip


# -- what is refused -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("format_", "param"),
    [
        (wanted(name="not a name"), "text.format.name"),
        (wanted(name="x" * 65), "text.format.name"),
        (wanted(colour="red"), "text.format.colour"),
        (wanted(closed(a={"type": "string"}) | {"additionalProperties": True}), "text.format.schema"),
        (wanted(closed(a={"type": "string"}) | {"required": []}), "text.format.schema"),
        (wanted({"type": "array", "items": {"type": "string"}}), "text.format.schema"),
        (wanted({"anyOf": [closed(a={"type": "string"})]}), "text.format.schema"),
        (wanted(closed(a={"oneOf": [{"type": "string"}]})), "text.format.schema"),
        (wanted(closed(a={"type": "string", "enum": [str(n) for n in range(1001)]})), "text.format.schema"),
        (wanted(closed(**{f"p{n}": {"type": "string"} for n in range(5001)})), "text.format.schema"),
        ({"format": {"type": "json_schema", "name": "x", "strict": True}}, "text.format.schema"),
        ({"format": {"type": "xml"}}, "text.format.type"),
        ({"format": {"type": "json_object"}}, "input"),
    ],
)
async def test_formats_that_openai_refuses(client: AsyncOpenAI, format_: Any, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await client.responses.create(model=MODEL, input="hello", text=format_)
    assert refused.value.param == param


async def test_any_other_schema_gets_an_answer_that_fits_it(client: AsyncOpenAI) -> None:
    schema = closed(
        title={"type": "string"},
        mood={"type": "string", "enum": ["calm", "cross"]},
        count={"type": "integer"},
        notes={"type": "array", "items": {"type": "string"}},
        more={"anyOf": [closed(why={"type": "string"}), {"type": "null"}]},
    )
    response = await client.responses.create(model=MODEL, input="hello", text=wanted(schema, "anything"))
    jsonschema.validate(json.loads(response.output_text), schema)


async def test_a_script_may_refuse_stop_short_or_say_what_it_likes(ai: OpenAIServer, client: AsyncOpenAI) -> None:
    ai.script = Script(
        Step(Plan((Refuse("I can't help with that."),))), incomplete('{"receipts": ['), text('{"mine": true}')
    )
    asked = [await client.responses.create(model=MODEL, input="read", text=wanted()) for _ in range(3)]
    first: Any = asked[0].output[0]
    assert first.content[0].type == "refusal"
    assert (asked[1].status, asked[1].output_text) == ("incomplete", '{"receipts": [')
    assert asked[2].output_text == '{"mine": true}'


# -- receipts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            "taxi 18.40 yesterday to the client",
            {"merchant": "Taxi", "spent_on": "2026-11-21", "total": "18.40", "category": "taxi",
             "purpose": "to the client", "language": "en"},
        ),
        (
            "lunch with Raj and Kim 42 EUR on 20 Nov",
            {"spent_on": "2026-11-20", "total": "42", "currency": "EUR", "category": "meals", "attendees": ["Raj", "Kim"],
             "language": "en"},
        ),
        ("¥1,234", {"total": "1,234", "currency": "JPY"}),
        ("hotel 300 GBP on Friday", {"spent_on": "2026-11-20", "total": "300", "currency": "GBP", "category": "lodging"}),
        ("cab 0 EUR today", {"merchant": "Cab", "spent_on": "2026-11-22", "total": "0", "currency": "EUR", "category": "taxi"}),
        ("-5.00 EUR on 2062-01-01", {"total": "-5.00", "currency": "EUR", "spent_on": "2062-01-01"}),
        ("I paid cash, KWD 1.234", {"total": "1.234", "currency": "KWD", "payment": "own", "language": "en"}),
    ],
)  # fmt: skip
async def test_words_are_read(client: AsyncOpenAI, said: str, expected: Json) -> None:
    (receipt,) = (await read(client, f"What the person says of it:\n{said}"))["receipts"]
    assert values(receipt) == expected
    for name in ("total", "spent_on", "currency"):
        assert not receipt[name]["value"] or receipt[name]["evidence"] in said


async def test_what_is_uncertain_has_little_confidence(client: AsyncOpenAI) -> None:
    (receipt,) = (await read(client, "lunch $12 on 03/04/2026"))["receipts"]
    assert receipt["spent_on"]["confidence"] < 0.7 < receipt["total"]["confidence"]
    assert receipt["currency"]["confidence"] < 0.9


async def test_several_receipts_are_told_apart_and_none_is_told(client: AsyncOpenAI) -> None:
    found = await read(client, "taxi 18.40 EUR today\n-----\nlunch 12 EUR yesterday")
    assert [r["total"]["value"] for r in found["receipts"]] == ["18.40", "12"]
    assert found["nothing"] is None
    none = await read(client, "The text of plan.pdf:\nQ3 plan\nWe grow.\nWe hire.")
    assert (none["receipts"], bool(none["nothing"])) == ([], True)


async def test_a_receipt_without_a_total_has_none(client: AsyncOpenAI) -> None:
    shop = "The text of a.pdf:\nSome Shop\nReceipt\n2026-11-20\npaper 4.50\npens 5.00"
    (receipt,) = (await read(client, shop))["receipts"]
    assert (receipt["merchant"]["value"], receipt["total"]["value"]) == ("Some Shop", None)


GERMAN = "Hotel Adler GmbH\nRechnung 4711\n10117 Berlin\nDatum: 18.11.2026\nZwischensumme 1.153,77\nMwSt 7 % 80,79\nSumme EUR 1.234,56"
EXPECTED = {
    "merchant": "Hotel Adler GmbH", "spent_on": "2026-11-18", "total": "1.234,56", "currency": "EUR", "category": "lodging",
    "city": "Berlin", "language": "de", "tax": [{"rate": "7", "amount": "80,79"}],
}  # fmt: skip


def pdf(content: str) -> bytes:
    document = FPDF()
    document.add_page()
    document.set_font("helvetica")
    document.multi_cell(0, 8, content)
    return bytes(document.output())


def picture(form: str, description: str = "", where: str = "exif") -> bytes:
    image, out = Image.new("RGB", (60, 90), "white"), io.BytesIO()
    more: Json = {}
    if description and form == "png":
        more["pnginfo"] = PngInfo()
        more["pnginfo"].add_text("Description", description)
    elif description and where == "exif":
        exif = Image.Exif()
        exif[0x010E] = description
        more["exif"] = exif
    elif description:
        more["comment"] = description
    image.save(out, form, **more)
    return out.getvalue()


async def test_the_text_of_a_pdf_is_read(client: AsyncOpenAI) -> None:
    file = await client.files.create(file=("a.pdf", pdf(GERMAN)), purpose="user_data")
    (receipt,) = (await read(client, {"type": "input_file", "file_id": file.id}))["receipts"]
    assert values(receipt) == EXPECTED
    data = f"data:application/pdf;base64,{base64.b64encode(pdf(GERMAN)).decode()}"
    (same,) = (await read(client, {"type": "input_file", "filename": "a.pdf", "file_data": data}))["receipts"]
    assert same == receipt


@pytest.mark.parametrize(
    "content", [picture("png", GERMAN), picture("jpeg", GERMAN), picture("jpeg", GERMAN, "comment")]
)
async def test_of_a_picture_its_description_is_read(client: AsyncOpenAI, content: bytes) -> None:
    file = await client.files.create(file=("a.jpg", content), purpose="vision")
    said = "What the person says of it:\nfor the kick-off, I paid cash"
    (receipt,) = (await read(client, said, {"type": "input_image", "file_id": file.id, "detail": "high"}))["receipts"]
    assert values(receipt) == EXPECTED | {"payment": "own", "purpose": "for the kick-off"}
    data = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    assert (await read(client, {"type": "input_image", "image_url": data}))["receipts"][0]["total"][
        "value"
    ] == "1.234,56"


async def test_a_picture_that_says_nothing_is_not_seen(client: AsyncOpenAI) -> None:
    file = await client.files.create(file=("a.png", picture("png")), purpose="vision")
    found = await read(client, {"type": "input_image", "file_id": file.id})
    assert (found["receipts"], found["nothing"]) == ([], "I cannot see what is in the picture.")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hotel-invoice.pdf", ("Hotel Adler Berlin GmbH", "2026-11-19", "189.00", "EUR", "lodging")),
        ("taxi-receipt.jpg", ("Taxi Lisboa 24", "2026-11-21", "18.40", "EUR", "taxi")),
        ("ramen-receipt.png", ("ラーメン一番 🍜 渋谷店", "2026-11-17", "2,640", "JPY", "meals")),
    ],
)
async def test_the_sample_receipts_are_read(client: AsyncOpenAI, name: str, expected: tuple[str, ...]) -> None:
    content = SAMPLES[name].make(date(2026, 11, 22))
    file = await client.files.create(file=(name, content), purpose="user_data")
    kind = "input_file" if name.endswith(".pdf") else "input_image"
    (receipt,) = (await read(client, {"type": kind, "file_id": file.id}))["receipts"]
    assert tuple(receipt[f]["value"] for f in ("merchant", "spent_on", "total", "currency", "category")) == expected


def test_the_bot_passes_on_what_the_sample_photos_say(tmp_path: Path) -> None:
    """It rewrites pictures that carry EXIF, without it: the samples do not."""
    for name in ("taxi-receipt.jpg", "ramen-receipt.png"):
        source = tmp_path / name
        source.write_bytes(SAMPLES[name].make(date(2026, 11, 22)))
        assert fit(source, {"jpg": "jpeg"}.get(name[-3:], name[-3:]), tmp_path / "fitted")[0] == source
