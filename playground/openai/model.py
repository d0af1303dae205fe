"""The rule-based model: what it answers follows from what it sees, by the rules on this page, and from nothing else."""

import json
import re

from playground.openai import file_answers, memory, receipts, samples
from playground.openai.errors import JsonObject
from playground.openai.items import text_of
from playground.openai.plan import Plan, Say, View
from playground.openai.schemas import filled
from playground.openai.spoken import RECORDED, SHARED, spoken
from playground.openai.tool_use import after_tools, tool_call

INTRODUCTION = (
    "I am the playground's rule-based model, not a language model: I answer by a few fixed rules, so that the bot can be "
    "tried out without an account."
)
ABILITIES = """You can ask me to
- recall this conversation: "what is my name?", "what did we agree?", "what do you know about …?"
- use the bot's tools: "what time is it?", "remember that …", "what do you remember?"
- read Slack: "what did Ana decide in this thread?", "what was said in #general?", "search for …", "who is Raj?"
- keep expenses, in a direct message: share a receipt, "taxi 18.40 EUR yesterday", "list my expenses", "make a report"
- arrange meetings: "schedule a team sync with Raj and Kim next Tuesday 2pm for 30 min", "list my meetings", "cancel M-1"
- answer from files, and draw: "what does the policy say about hotels?", "show sales by region as a chart"
- show Markdown: "show me a table", "a list", "code", "write 2000 words", "count to 20", "say: …\""""
MOST_QUOTES = 10
MOST_FILLER = 400_000  # characters

QUESTION = re.compile(r"\?|^\W*(?:what|who|when|where|why|how|which|is|are|do|does|did|can|tell me)\b", re.IGNORECASE)
GREETING = re.compile(r"^\W*(?:<@\w+>\W*)?(hi|hello|hey|good (?:morning|afternoon|evening)|greetings)\b", re.IGNORECASE)
HELP = re.compile(
    r"^\W*(?:<@\w+>\W*)?help\b|\b(what can you do|who are you|what are you|are you (?:a|an) )", re.IGNORECASE
)
SAY = re.compile(r"\b(?:say|echo)\s*:\s*(.+)|\brepeat\s*:?\s+(.+)", re.IGNORECASE | re.DOTALL)
COUNT = re.compile(r"\bcount (?:up )?to (\d{1,5})\b", re.IGNORECASE)
WRITE = re.compile(r"\bwrite (?:me )?(?:about )?([\d,]{1,9}) (characters?|words?|paragraphs?)\b", re.IGNORECASE)
SHOW = re.compile(r"\b(?:show|give|make|write)\b.*\b(table|list|code)\b", re.IGNORECASE)
MY_NAME = re.compile(r"\b(what(?:'s| is) my name|who am i|do you know my name)\b", re.IGNORECASE)
AGREED = re.compile(r"\bwhat (?:did|have|had) (?:we|i) (?:agree|decide|settle)", re.IGNORECASE)
I_SAID = re.compile(
    r"\bwhat (?:did i|have i|i) (?:say|said|tell|told|write|ask)\w*\b(?:.*?\babout (.+))?", re.IGNORECASE
)
KNOW = re.compile(r"\bwhat (?:do|did) (?:you know|we say|we discuss|we know)\w*\b.*?\babout (.+)", re.IGNORECASE)
SUM_UP = re.compile(r"\b(summar\w+|sum up|recap)\b", re.IGNORECASE)


def answer(view: View) -> Plan:
    """The plan of the answer; the same view always gets the same one."""
    schema = _output_schema(view)
    if schema is not None:
        named = (view.body["text"]["format"]).get("name")
        return _say(json.dumps(receipts.read(view) if named == receipts.NAME else filled(schema, view.last_user)))
    if "summar" in view.instructions.lower() and not view.tools:
        return _say(memory.summary(view.items))
    if told := after_tools(view):
        return _say(told)
    if view.forced is None and (plan := file_answers.charted(view) or _shown(view)):
        return plan
    if call := tool_call(view):
        return Plan((call,))
    for rule in (_greeting, _from_files, _from_memory):
        if plan := rule(view):
            return plan
    return _say(_otherwise(view))


def _say(text: str) -> Plan:
    return Plan((Say(text, phase="final_answer"),))


def _output_schema(view: View) -> JsonObject | None:
    format_ = (view.body.get("text") or {}).get("format") or {}
    if format_.get("type") == "json_object":
        return {"type": "object", "properties": {"text": {"type": "string"}}}
    schema: JsonObject | None = format_.get("schema") if format_.get("type") == "json_schema" else None
    return schema


# ---- shown on request


def _shown(view: View) -> Plan | None:
    text = spoken(view.last_user)
    if match := SAY.search(text):
        return _say((match[1] or match[2]).strip())
    if match := COUNT.search(text):
        return _say(", ".join(str(n) for n in range(1, int(match[1]) + 1)))
    if match := WRITE.search(text):
        count = int(match[1].replace(",", "") or 0)
        return _say(_filler(count, match[2].lower()))
    if match := SHOW.search(text):
        shown = {"table": samples.TABLE, "list": samples.LIST, "code": samples.CODE}[match[1].lower()]
        what = "some code" if match[1].lower() == "code" else f"a {match[1].lower()}"
        return _say(f"Here is {what}:\n\n{shown}")
    return None


def _greeting(view: View) -> Plan | None:
    text = spoken(view.last_user)
    if not GREETING.search(text) and not HELP.search(text):
        return None
    name = memory.asker_name(view.items)
    return _say(f"Hello{', ' + name if name else ''}! {INTRODUCTION}\n\n{ABILITIES}")


def _filler(count: int, unit: str) -> str:
    if unit.startswith("char"):
        return samples.characters(max(1, min(count, MOST_FILLER)))
    if unit.startswith("word"):
        return samples.words(max(1, min(count, MOST_FILLER // 8)))
    blocks = [block for block, _ in zip(samples.paragraphs(), range(min(count, MOST_FILLER // 500)), strict=False)]
    return "\n\n".join(blocks)


# ---- known from files


def _from_files(view: View) -> Plan | None:
    """An answer out of the files: attached ones as they are, searched ones with citations."""
    text = view.last_user
    about_files = bool(file_answers.FILE_WORDS.search(text))
    attached = file_answers.attached(view)
    if attached and (about_files or not _earlier_says(view)):
        return _say(attached)
    if image := file_answers.seen(view):
        return _say(image)
    if _about_us(text) and not about_files:
        return None
    asked = spoken(text)
    question = bool(QUESTION.search(asked))
    return file_answers.found_in(view, asked, question=question, sure=about_files, unknown=_unknown(text))


# ---- known from the conversation


def _before(view: View) -> tuple[JsonObject, ...]:
    """The items before the last user message, and the developer items around it."""
    last = max((n for n, item in enumerate(view.items) if item.get("role") == "user"), default=len(view.items))
    later = tuple(item for item in view.items[last + 1 :] if item.get("role") == "developer")
    return view.items[:last] + later


def _about_us(text: str) -> bool:
    return any(pattern.search(text) for pattern in (MY_NAME, AGREED, I_SAID, KNOW, SUM_UP))


def _earlier_says(view: View) -> bool:
    return bool(memory.about(_before(view), view.last_user))


def _from_memory(view: View) -> Plan | None:
    text, before = view.last_user, _before(view)
    if MY_NAME.search(text):
        name = memory.asker_name(view.items)
        return _say(
            f"Your name is {name}." if name else "I don't know your name: nobody has told me in this conversation."
        )
    if AGREED.search(text):
        return _quoted("This is what was agreed:", memory.agreed(before), text)
    if match := I_SAID.search(text):
        mine = [item for item in before if item.get("role") == "user"]
        topic = (match[1] or "").strip(" ?.!")
        told = memory.about(mine, topic) if topic else [text_of(item) for item in mine][-MOST_QUOTES:]
        return _quoted("You said:", told or memory.about(before, topic), text)
    if match := KNOW.search(text):
        return _quoted("This is what I know:", memory.about(before, match[1]), text)
    if SUM_UP.search(text):
        return _say("So far:\n" + memory.summary(before))
    if QUESTION.search(text) and (known := memory.about(before, text)):
        return _quoted("From this conversation:", known[:3], text)
    return None


def _quoted(head: str, quotes: list[str], question: str) -> Plan:
    if not quotes:
        return _say(_unknown(question))
    return _say(head + "".join(f"\n> {' '.join(quote.split())}" for quote in quotes[:MOST_QUOTES]))


def _unknown(question: str) -> str:
    return f"I don't know. You asked: “{_short(spoken(question))}”, and nothing that I can see says anything about it."


def _otherwise(view: View) -> str:
    text = spoken(view.last_user)
    if match := memory.SELF_NAMED.search(text):
        return f"Nice to meet you, {match[1]}."
    if QUESTION.search(text):
        return _unknown(text)
    shared = SHARED.findall(RECORDED.sub("", view.last_user))
    unread = [name for name, how in shared if how.startswith("you cannot read it")]
    if shared:
        have = [name for name, _ in shared if name not in unread]
        told = f"I have {' and '.join(have)} now: ask me about it." if have else ""
        return " ".join(filter(None, (told, f"I could not read {' and '.join(unread)}." if unread else "")))
    if not text.strip():
        return "I see no text to answer."
    return f"Noted: “{_short(text)}”"


def _short(text: str, limit: int = 300) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[:limit] + " …"
