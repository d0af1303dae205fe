"""The rule-based model reads receipts into the schema "receipts": by labels and signs, from words, documents' texts and descriptions of pictures.

It has no eyes: of a picture it knows what its metadata says (playground/openai/extract.py), and nothing of one that says nothing.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from playground.openai.errors import JsonObject
from playground.openai.extract import SHOWS
from playground.openai.input_files import part_key
from playground.openai.items import parts, text_of
from playground.openai.plan import View
from playground.openai.spent import AMOUNT, CODES, Amount, amounts, day, first_amount, kind

NAME = "receipts"
WORDS = re.compile(r"\AWhat the person says of it:\n")  # before what the bot passes on of a person's words
HEADED = re.compile(r"\AThe text of [^\n]+:\n")
LINE = re.compile(r"(?m)^\s*-{5,}\s*$")
ISO = re.compile(r"\b(\d{4}-\d{2}-\d{2})\b")
RECEIPT = re.compile(
    r"\b(receipts?|invoice|bill|quittung|rechnung|beleg|kassenbon|factura|ticket|total|summe|vat|mwst)\b|領収書|合計",
    re.IGNORECASE,
)
TOTAL = re.compile(
    r"(?im)^(?!.*\b(?:sub-?total|zwischensumme|net|netto)\b).*?(?:\b(?:grand total|amount due|total due|total|gesamtbetrag|gesamtsumme|gesamt"
    rf"|summe|zu zahlen|importe)\b|合計|総計)[^\n]*?(?P<amount>(?:(?<=[€£¥￥$₹])|(?<=\s)|(?<=:))-?\d[\d.,'’]*\d|{AMOUNT})[^\n]*$"
)
TAX = re.compile(
    rf"(?im)^.*?\b(?:vat|mwst|ust|tax|iva|tva|gst)\b[^\n]*?(?P<rate>\d{{1,2}}(?:[.,]\d+)?)\s?%[^\n]*?(?P<amount>{AMOUNT})[^\n\d]*$"
)
TIP = re.compile(
    rf"(?i)\b(?:tip|trinkgeld|gratuity|propina)\b[^\n\d]{{0,12}}(?P<a>{AMOUNT})|(?P<b>{AMOUNT})[ \t]*(?:€|eur)?[ \t]*tip\b"
)
LANGUAGES = (
    ("ja", re.compile(r"[\u3040-\u30ff]|合計|領収書")),
    ("de", re.compile(r"\b(summe|mwst|gesamt\w*|rechnung|quittung|betrag|zu zahlen|trinkgeld)\b", re.IGNORECASE)),
    ("es", re.compile(r"\b(importe|factura|propina)\b", re.IGNORECASE)),
    ("fr", re.compile(r"\b(tva|montant|addition)\b", re.IGNORECASE)),
    ("en", re.compile(r"\b(total|tax|vat|receipt|invoice|paid|lunch|taxi)\b", re.IGNORECASE)),
)
NAMED = {
    "merchant": re.compile(r"(?im)^\s*(?:merchant|seller|vendor)\s*:\s*(?P<v>\S.*)$"),
    "city": re.compile(
        r"(?im)^\s*(?:city|ort)\s*:\s*(?P<v>\S.*)$|\b\d{5} (?P<w>[A-ZÄÖÜ][\w-]+)|\bin (?P<x>[A-ZÄÖÜ][a-zäöüß]+)\b(?! \d)"
    ),
    "purpose": re.compile(r"(?im)^\s*(?:purpose|for|zweck)\s*:\s*(?P<v>\S.*)$"),
}
AT = re.compile(r"\bat (?:the )?(?P<v>[A-Z][\w&'’-]*(?: [A-Z][\w&'’-]*)*)")
PURPOSE = re.compile(
    r"\b(?:to|for) (?:the|our|my|a|an) (?P<v>[a-z][\w -]*?)(?=\s*(?:[.,;\n]|$|\b(?:on|with|yesterday|today|at|in)\b))"
)
GUESTS = re.compile(
    r"(?im)^\s*(?:guests|attendees|with)\s*:\s*(?P<v>\S.*)$|\bwith (?P<w>[A-Z]\w+(?:(?:, | and |, and | & )[A-Z]\w+)*)"
)
COMPANY = re.compile(r"\b(company card|corporate card|firmenkarte|company account)\b", re.IGNORECASE)
OWN = re.compile(
    r"\b(i paid|cash|in bar|my (?:own |private )?(?:card|money)|private card|out of (?:my own )?pocket)\b",
    re.IGNORECASE,
)
UNNAMED = re.compile(r"(?i)\A\W*(?:receipt|invoice|quittung|rechnung|beleg|bill|tax invoice|領収書)\b.{0,20}\Z")


def read(view: View) -> JsonObject:
    """An object of the schema "receipts"."""
    now = today(view)
    documents, words = _given(view)
    receipts = [r for text in documents for chunk in LINE.split(text) if (r := _receipt(chunk, view, now))]
    if receipts and words and len(receipts) == 1:
        _complete(receipts[0], words, view, now)
    if not documents:
        receipts = [r for chunk in LINE.split(words) if (r := _receipt(chunk, view, now))]
    return {"receipts": receipts, "nothing": None if receipts else _nothing(view, documents)}


def _given(view: View) -> tuple[list[str], str]:
    """The texts of files and what pictures show; and the words that came with them, or alone."""
    documents, words = list[str](), list[str]()
    for item in view.input:
        for part in parts(item) if item.get("role") == "user" else ():
            text = (
                str(part.get("text", ""))
                if part["type"] == "input_text"
                else view.texts.get(part_key(part), ("", ""))[1]
            )
            if part["type"] == "input_image":
                text = text.partition(SHOWS)[2]
            if part["type"] != "input_text" or HEADED.match(text):
                documents.append(HEADED.sub("", text))
            else:
                words.append(WORDS.sub("", text))
    return documents, "\n".join(words)


def _nothing(view: View, documents: list[str]) -> str:
    kinds = {part["type"] for item in view.input for part in parts(item)}
    if "input_image" in kinds and not any(documents):
        return "I cannot see what is in the picture."
    return "Nothing in it says that something was paid."


def today(view: View) -> date | None:
    """The day that the request says it is where the person is."""
    told = [view.instructions, *(text_of(i) for i in reversed(view.items) if i.get("role") == "developer")]
    return next((date.fromisoformat(m[1]) for text in told if (m := ISO.search(text))), None)


def _field(value: str | None, sure: float = 0.0, evidence: str = "") -> JsonObject:
    return {
        "value": value,
        "confidence": sure if value else 0.0,
        "evidence": " ".join(evidence.split()) or None if value else None,
    }


def _receipt(text: str, view: View, now: date | None) -> JsonObject | None:
    """A receipt, or what somebody says that was paid; None where it is neither."""
    text = text.strip()
    total = _total(text)
    told = RECEIPT.search(text) if text.count("\n") > 1 else kind(text) and day(text, now)
    if not (total or told):
        return None
    return _fields(text, total, view, now)


def _fields(text: str, total: Amount | None, view: View, now: date | None) -> JsonObject:
    is_document = text.count("\n") > 1
    on, spent_for = day(text, now), kind(text)
    code = _code(text, total)
    company, own = COMPANY.search(text), OWN.search(text)
    paid = ("company", company) if company else ("own", own)
    return {
        "merchant": _merchant(text, is_document=is_document),
        "spent_on": _field(on[0].isoformat(), on[1], on[2]) if on else _field(None),
        "total": _field(total.text, 0.95 if total.sure else 0.5, total.words) if total else _field(None),
        "currency": _field(*code) if code else _field(None),
        "language": next((name for name, pattern in LANGUAGES if pattern.search(text)), None),
        "tax": [{"rate": m["rate"], "amount": m["amount"]} for m in TAX.finditer(text)][:10],
        "tip": _field(m["a"] or m["b"], 0.9, m[0]) if (m := TIP.search(text)) else _field(None),
        "category": _category(spent_for, view),
        "payment": _field(paid[0], 0.9, paid[1][0]) if paid[1] else _field(None),
        "city": _labelled("city", text),
        "attendees": _guests(text),
        "purpose": _purpose(text, is_document=is_document),
    }


def _total(text: str) -> Amount | None:
    lines = list(TOTAL.finditer(text))
    if lines:
        line = lines[-1]
        beside = next((a.currency for a in amounts(line[0])), "")
        return Amount(line["amount"], beside, 0.97, line[0])
    if text.count("\n") > 1:
        return None  # the prices on a receipt without a total are not its total
    return first_amount(text)


def _code(text: str, total: Amount | None) -> tuple[str, float, str] | None:
    """The currency beside the total, else the only one that the text names."""
    told = {a.currency: a for a in amounts(text)}
    if total and total.currency:
        amount = told.get(total.currency, total)
        return amount.currency, amount.sure, amount.words
    if len(told) == 1:
        amount = next(iter(told.values()))
        return amount.currency, min(amount.sure, 0.9), amount.words
    bare = re.search(rf"\b(?:{'|'.join(CODES)})\b", text)
    return (bare[0], 0.9, bare[0]) if bare and not told else None


def _merchant(text: str, *, is_document: bool) -> JsonObject:
    if (named := _labelled("merchant", text))["value"]:
        return named
    if is_document:
        lines = (line.strip(" *=#\t") for line in text.splitlines())
        first = next((n for n in lines if re.search(r"[^\W\d_]", n) and not UNNAMED.match(n)), None)
        return _field(first, 0.9, first or "")
    if match := AT.search(text):
        return _field(match["v"], 0.9, match[0])
    if match := re.search(r"\b(taxi|cab|uber|lyft)\b", text, re.IGNORECASE):
        return _field(match[0].capitalize(), 0.75, match[0])
    return _field(None)


def _labelled(name: str, text: str) -> JsonObject:
    match = NAMED[name].search(text)
    value = next((v for v in match.groupdict().values() if v), None) if match else None
    return _field(value.strip() if value else None, 0.9, match[0] if match else "")


def _category(spent_for: tuple[tuple[str, ...], str] | None, view: View) -> JsonObject:
    """One of the keys that the request's instructions list."""
    if spent_for is None:
        return _field(None)
    listed = (
        view.instructions.lower().rpartition("categor")[2]
        if "keys:" not in view.instructions
        else view.instructions.partition("keys:")[2]
    )
    key = next((name for name in spent_for[0] if re.search(rf"\b{name}\b", listed)), None)
    return _field(key, 0.85, spent_for[1])


def _guests(text: str) -> list[str]:
    match = GUESTS.search(text)
    listed = (match["v"] or match["w"]) if match else ""
    return [name for part in re.split(r",|\band\b|&", listed) if (name := part.strip())]


def _purpose(text: str, *, is_document: bool) -> JsonObject:
    named = _labelled("purpose", text)
    match = None if is_document or named["value"] else PURPOSE.search(text)
    return _field(match[0], 0.85, match[0]) if match else named


def _complete(receipt: dict[str, Any], words: str, view: View, now: date | None) -> None:
    """What the person says of a receipt fills what does not stand on it."""
    said = _fields(words, None, view, now)
    for name in ("category", "payment", "city", "purpose"):
        if receipt[name]["value"] is None and said[name]["value"]:
            receipt[name] = said[name]
    receipt["attendees"] = receipt["attendees"] or said["attendees"]


def receipt_texts(view: View) -> Iterator[str]:
    """What the pictures and files of the new messages say, as far as it reads like a receipt."""
    documents, _ = _given(view)
    return (text for text in documents if RECEIPT.search(text))
