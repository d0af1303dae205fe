"""What the rule-based model says from files: attached ones, images, passages that were searched, tables that code computes."""

import re

from playground.openai import memory
from playground.openai.charts import chart
from playground.openai.errors import JsonObject
from playground.openai.items import parts
from playground.openai.plan import Found, Interpret, Plan, Say, Search, View, cites_made
from playground.openai.search import words

GOOD_SCORE = 0.3
MOST_PASSAGES = 3
FILE_WORDS = re.compile(
    r"\b(files?|documents?|pdf|polic(?:y|ies)|handbook|attachment|report|according to)\b", re.IGNORECASE
)
IMAGE_WORDS = re.compile(r"\b(images?|pictures?|photos?|screenshots?|receipts?)\b", re.IGNORECASE)
ROW = re.compile(r"^\s*\|(.+)\|\s*$")
RULER = re.compile(r"^\s*\|[\s:|-]+\|\s*$")


def attached(view: View) -> list[tuple[str, str]]:
    """Files and images that came with the last message, as (name, what is to be read)."""
    last = next((item for item in reversed(view.input) if item.get("role") == "user"), None)
    return [view.texts[part["file_id"]] for part in (parts(last) if last else []) if part.get("file_id") in view.texts]


def begun(files: list[tuple[str, str]]) -> str:
    """What attached files begin with."""
    return "\n\n".join(f"**{name}** begins:\n> {_start(body)}" for name, body in files)


def seen(view: View) -> str | None:
    """What the latest image of the conversation is, where the question is about one."""
    if not IMAGE_WORDS.search(view.last_user):
        return None
    ids = [part.get("file_id") or "" for item in view.items for part in parts(item) if part["type"] == "input_image"]
    images = [view.texts[id_] for id_ in ids if id_ in view.texts]
    return f"**{images[-1][0]}** is {images[-1][1]}." if images else None


def charted(view: View) -> Plan | None:
    """A chart of a table, by code that ran, where one is asked for and there is one."""
    if not any(tool["type"] == "code_interpreter" for tool in view.tools):
        return None
    drawn = chart(view.last_user, view.tables)
    if drawn is None:
        return None
    made = {drawn.image_name: drawn.image, drawn.data_name: drawn.data}
    return Plan(
        (Interpret(drawn.code, made, drawn.text), Say(drawn.text, cites_made(drawn.text, made), "final_answer"))
    )


def found_in(view: View, *, sure: bool, unknown: str) -> Plan | None:
    """What the search has found, cited. `sure`: the question is about files, so finding nothing is an answer too."""
    if not any(tool["type"] == "file_search" for tool in view.tools):
        return None
    good = tuple(found for found in view.found if found.score >= GOOD_SCORE)
    if good:
        return Plan((Search((view.last_user,), view.found), _cited(view.last_user, good[:MOST_PASSAGES])))
    return Plan((Search((view.last_user,), ()), Say(unknown, phase="final_answer"))) if sure else None


def _start(body: str) -> str:
    return " ".join(body.split())[:300] or "(nothing that I can read as text)"


def _cited(question: str, found: tuple[Found, ...]) -> Say:
    """What fits best of each passage, each with its citation; rows of tables first."""
    asked = set(words(question))
    best_of = [(best_row(asked, passage.text), passage) for passage in found]
    text, annotations, told = "I found this:", list[JsonObject](), set[str]()
    for row, passage in sorted(best_of, key=lambda pair: not pair[0]):
        best = row or _best_sentence(asked, passage.text)[:500]
        if best in told:
            continue
        told.add(best)
        text += f"\n- {best}"
        citation = {"type": "file_citation", "file_id": passage.file_id, "filename": passage.filename}
        annotations.append(citation | {"index": len(text)})
    return Say(text, tuple(annotations), phase="final_answer")


def _best_sentence(asked: set[str], text: str) -> str:
    prose = "\n".join(line for line in text.splitlines() if not ROW.match(line)) or text
    return max(memory.sentences(prose), key=lambda line: len(asked & set(words(line))), default="")


def best_row(asked: set[str], text: str) -> str:
    """The row of a Markdown table that shares most with the question, as "Header: cell" pairs; empty where none does.

    Of its columns the first is told, and those that the question names; all where it names none.
    """
    header: list[str] = []
    best, most = "", 0
    for line in text.splitlines():
        match = ROW.match(line)
        if match is None:
            header = []
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", match[1])]
        if not header:
            header = cells
        elif not RULER.match(line) and (shared := len(asked & set(words(" ".join(cells))))) > most:
            pairs = list(zip(header, cells, strict=False))
            named = [pair for pair in pairs[1:] if asked & set(words(pair[0]))]
            told = [pairs[0], *named] if named else pairs
            best, most = ", ".join(f"{name}: {cell}" for name, cell in told), shared
    return best
