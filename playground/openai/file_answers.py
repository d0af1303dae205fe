"""What the rule-based model says from files: attached ones, images, passages that were searched, tables that code computes."""

import re
from collections.abc import Iterator

from playground.openai import memory
from playground.openai.charts import chart
from playground.openai.errors import JsonObject
from playground.openai.items import parts
from playground.openai.plan import Found, Interpret, Plan, Say, Search, View, cites_made
from playground.openai.search import words

GOOD_SCORE = 0.3
SURE_SCORE = 0.5  # of what answers a message that is not even a question
MOST_PASSAGES = 3
MOST_ROWS = 6
FILE_WORDS = re.compile(
    r"\b(files?|documents?|pdf|polic(?:y|ies)|handbook|attachment|report|according to)\b", re.IGNORECASE
)
IMAGE_WORDS = re.compile(r"\b(images?|pictures?|photos?|screenshots?|receipts?)\b", re.IGNORECASE)
ROW = re.compile(r"^\s*\|(.+)\|\s*$")
NAME_LIKE = re.compile(r"(?<=[\w,] )[^\W\d_a-z][\w-]+")  # a word with a capital that does not begin the sentence
WRAPPED = re.compile(r"(?<!\n)\n(?![\n#*>|\d-])")  # a line's end that is no paragraph's
RULER = re.compile(r"^\s*\|[\s:|-]+\|\s*$")


def attached(view: View) -> str | None:
    """What the files and images that came with the new messages are; None when none came."""
    new = [part for item in view.input if item.get("role") == "user" for part in parts(item)]
    told = [
        f"**{name}** is {body}." if part["type"] == "input_image" else f"**{name}** begins:\n> {_start(body)}"
        for part in new
        if part.get("file_id") in view.texts
        for name, body in [view.texts[part["file_id"]]]
    ]
    return "\n\n".join(told) or None


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


def found_in(view: View, text: str, *, question: bool, sure: bool, unknown: str) -> Plan | None:
    """What the search for a text has found, cited. `sure`: it is about files, so finding nothing is an answer too."""
    if not any(tool["type"] == "file_search" for tool in view.tools):
        return None
    good = tuple(found for found in view.found if found.score >= (GOOD_SCORE if question else SURE_SCORE))
    if good:
        return Plan((Search((text,), view.found), _cited(text, good[:MOST_PASSAGES])))
    return Plan((Search((text,), ()), Say(unknown, phase="final_answer"))) if sure and question else None


def _start(body: str) -> str:
    return " ".join(body.split())[:300] or "(nothing that I can read as text)"


def _cited(question: str, found: tuple[Found, ...]) -> Say:
    """What fits best of each passage, each with its citation; where rows of tables fit, only the best of those."""
    files: dict[str, list[Found]] = {}  # passages of one file overlap, so a row may be in several
    for passage in found:
        files.setdefault(passage.file_id, []).append(passage)
    rows = [(*best_rows(question, "\n\n".join(p.text for p in file)), file[0]) for file in files.values()]
    most = max((weight for weight, _, _ in rows), default=0)
    others = [passage for passage in found if not best_rows(question, passage.text)[0]]
    prose = [(*_best_sentence(question, passage), passage) for passage in others]
    told = [(row, passage) for weight, row, passage in rows if weight and weight == most]
    told += [(sentence, passage) for shared, sentence, passage in prose if shared or not told]
    text, annotations = "I found this:", list[JsonObject]()
    for best, passage in _once(told):
        text += f"\n- {best}"
        citation = {"type": "file_citation", "file_id": passage.file_id, "filename": passage.filename}
        annotations.append(citation | {"index": len(text)})
    return Say(text, tuple(annotations), phase="final_answer")


def _once(told: list[tuple[str, Found]]) -> list[tuple[str, Found]]:
    """Passages overlap: what was said once is not said again."""
    first: dict[str, Found] = {}
    for best, passage in told:
        first.setdefault(best, passage)
    return list(first.items())


def _best_sentence(question: str, passage: Found) -> tuple[int, str]:
    """The sentence that shares most words with the question, and how many."""
    asked = set(words(question))
    asked = asked - set(words(passage.filename)) or asked
    lines = [line for line in passage.text.splitlines() if "|" not in (line.lstrip()[:1], line.rstrip()[-1:])]
    prose = WRAPPED.sub(" ", "\n".join(lines)) or passage.text
    best = max(memory.sentences(prose), key=lambda line: len(asked & set(words(line))), default="")
    return len(asked & set(words(best))), " ".join(best.split())[:500]


def best_rows(question: str, text: str) -> tuple[int, str]:
    """The rows of Markdown tables that fit a question best, as "Header: cell" pairs, and how well: 0 for not at all.

    Names weigh more. Told are the columns that the question meets, by their header or their cell, and those in which
    the rows differ.
    """
    weights = dict.fromkeys(words(question), 1)
    for name in NAME_LIKE.findall(question):
        weights |= dict.fromkeys(words(name), 3)
    best: list[dict[str, str]] = []
    most = 0
    for row in _rows(text):
        held = set(words(" ".join(row.values())))
        weight = sum(points for word, points in weights.items() if word in held)
        if weight > most:
            best, most = [], weight
        if weight and weight == most and row not in best:
            best.append(row)
    if not best:
        return 0, ""
    rows = best[:MOST_ROWS]
    told = [name for name in rows[0] if _is_told(name, rows, set(weights))]
    return most, "\n- ".join(", ".join(f"{name}: {row[name]}" for name in told if row.get(name)) for row in rows)


def _is_told(name: str, rows: list[dict[str, str]], asked: set[str]) -> bool:
    cells = {row.get(name, "") for row in rows}
    return len(cells) > 1 or bool(asked & set(words(" ".join((name, *cells)))))


def _rows(text: str) -> Iterator[dict[str, str]]:
    """The rows of all tables; those whose header is in another passage are left out.

    A header stands above a line of dashes, or right below a line of text: the table's name.
    """
    above, header, named = list[str](), list[str](), False
    for line in text.splitlines():
        match = ROW.match(line)
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", match[1])] if match else []
        if not cells:
            header, named = [], bool(line.strip()) and not line.rstrip().endswith("|")
        elif RULER.match(line):
            header, named = above, False
        elif named:
            header, named = cells, False
        elif header:
            yield dict(zip(header, cells, strict=False))
        above = cells
