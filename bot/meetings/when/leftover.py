"""What is left of the words behind `/meet`: names of people, the title, and words that may be about time and were not understood. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from itertools import takewhile

from bot.meetings.when.items import Item
from bot.meetings.when.people_words import BEFORE_NAMES, ENDS_NAMES, JOINS
from bot.meetings.when.words import MONTH, NUMBERS, ORDINALS, WEEKDAY, listed
from bot.meetings.when.zones import zones_of

_NO_NAME = listed("the a an our my all team everyone whole new this that these those me us him her them you some any")
_NAME = re.compile(r"[^\W\d_][\w.'’-]*")
# Words about time wherever they stand, and words that change what stands beside them.
_TIMELY = re.compile(
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day(?:'?s)?|(?:today|tonight|tomorrow|yesterday)(?:'s)?|o'?clock|[ap]\.?m\.?|hours?|hrs?|minutes?|mins?"
    r"|(?:week|fortnight|month|year|quarter)(?:'?s|s')?|weekdays?|weekends?|weekly|daily|monthly|yearly|annual(?:ly)?|fortnightly|quarterly"
    r"|before|after|until|till|except|excluding|unless|ago|every|each|noon|midnight|earliest|latest|o'clock|[0-9]{1,2}[:.][0-9]{2}|[0-9]{1,2}(?:am|pm)"
    r"|all-day|days|[0-9]{1,2}h(?:[0-9]{2})?"
)
_CHANGING = listed(
    "not or by before after until till between next last this from to than about around circa ca ~ early late mid and either no but - past half quarter within over during since week day"
    " later through thru following coming only nxt maybe perhaps"
)
_ORDINAL = re.compile(r"(?:the )?[0-9]{1,2}(?:st|nd|rd|th)")  # "3rd party"
# Several words that are about time or a length, in whatever words they stand.
_SPOKEN = "|".join(word for word in NUMBERS if word not in ("a", "an", "zero"))
_LOST = re.compile(
    rf"(?<!\S)(?:(?:all|full|whole|entire|half|half a|for a|for one|for the)[ -]day|half (?:[0-9]{{1,2}}|{_SPOKEN})|(?:for|in) (?:[0-9]{{1,3}}|{_SPOKEN})$"
    r"|(?:same|this|that|usual|their|his|her|your|[a-z]+'s) time|with?in the"
    rf"|(?:next|this|in) (?:{MONTH})|(?:{WEEKDAY})(?:[/+&](?:{WEEKDAY}))+|(?:{WEEKDAY}|today|tomorrow)@\S*"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}t?\S*|\S*[0-9][:.h]?[0-9]{2}[+z-]\S*|~\S*[0-9]\S*|(?:around|circa|ca|roughly|approximately) [0-9]{1,2}$|[0-9]\S*ish|noonish|-ish|\S*[0-9](?:am|pm)\S*|\S*[0-9]:[0-9]{2}\S*"
    r"|[+-][0-9]{1,2}(?::?[0-9]{2})?|[0-9]{1,2}(?:h|[/.][0-9]{1,2})-\S*|[0-9]{1,3}')(?!\S)"
)
_HOLIDAYS = listed("christmas xmas thanksgiving easter halloween hanukkah ramadan eid diwali")
_BEFORE_HOLIDAYS = listed("black good easter cyber ash whit palm shrove maundy boxing pancake")  # "black friday"
_DAYS = ("today", "tomorrow", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOUR_LIKE = re.compile(r"(?:[5-9]|1[0-2]) ?h")  # "10h" is a clock to some, a length to others
_NUMBER = re.compile(r"[0-9]{1,4}(?:[-./:][0-9]{1,4})*(?:th|st|nd|rd|h)?")
_MONTHS = re.compile(
    r"jan(?:uary)?|feb(?:ruary)?|march|apr(?:il)?|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_VERBS = "schedule|set up|setup|arrange|organi[sz]e"
_ASKING = re.compile(  # "book club" and "plan B" are titles
    rf"(?:(?:can you |could you )(?:{_VERBS}|book|plan)|{_VERBS}|(?:book|plan)(?= (?:an?|the|meeting|call|slot|time)(?: |$)|$))"
    r"(?: an?| the)?(?: (?:meeting|call|slot|time))?(?: (?:about|on|for|re))?(?: |$)"
)
_ASKING_WORDS = listed(
    "please schedule book set up arrange organise organize plan a an the meeting call called titled named"
)
_EDGES = listed("with w/ and & &amp; + , ; : - – for on at in of to by about re re: ( ) () . | (optional)")
MOST_TITLE = 200


def named_people(found: Sequence[Item], text: str, folded: str) -> tuple[list[tuple[str, bool]], list[Item]]:
    """Who was named, and whether they are required; and the items without the words that join them."""
    people = list[tuple[str, bool]]()
    left = list[Item]()
    optional = False
    n = 0
    while n < len(found):
        item = found[n]
        word = folded[item.start : item.end]
        if item.optional:
            optional = _mark(people, word, found, n)
            if optional:
                names, n = _names(found, n + 1, folded)
                people += [(name, False) for name in _spoken(names, text)]
                _drop_joins(left, folded)
                continue
        elif item.person or item.room:
            _drop_joins(left, folded)
            people.append((item.person or item.room, not optional))
        elif item.word and word in BEFORE_NAMES:
            names, after = _names(found, n + 1, folded)
            if names:
                people += [(name, not optional) for name in _spoken(names, text)]
                n = after
                continue
            left.append(item)
        elif item.word and word in JOINS:
            left.append(item)
        else:
            optional = False
            left.append(item)
        n += 1
    return people, left


def _mark(people: list[tuple[str, bool]], word: str, found: Sequence[Item], n: int) -> bool:
    """Whether those that follow are optional; "(optional)", or the word with nobody behind it, is about the one before."""
    following = found[n + 1] if n + 1 < len(found) else None
    if people and (word.startswith("(") or not following or not (following.person or following.word)):
        people[-1] = (people[-1][0], False)
        return False
    return True


def _drop_joins(left: list[Item], folded: str) -> None:
    while left and left[-1].word and folded[left[-1].start : left[-1].end] in JOINS:
        left.pop()


def _names(found: Sequence[Item], at: int, folded: str) -> tuple[list[list[Item]], int]:
    """Plain names that stand there, "raj, ana and kim": one or two words each. None of them if one does not look like a name."""
    chunks: list[list[Item]] = [[]]
    n = at
    while n < len(found) and found[n].word:
        word = folded[found[n].start : found[n].end]
        if word in ENDS_NAMES or word in BEFORE_NAMES:
            break
        if word in JOINS:
            chunks.append([])
        else:
            chunks[-1].append(found[n])
        n += 1
    names = [c for c in chunks if c]
    good = all(len(c) <= 2 and all(_name(folded[i.start : i.end]) for i in c) for c in names)
    return (names, n) if good else ([], at)


def _name(word: str) -> bool:
    return bool(_NAME.fullmatch(word)) and word not in _NO_NAME and not _TIMELY.fullmatch(word)


def _spoken(names: Sequence[Sequence[Item]], text: str) -> list[str]:
    return [text[chunk[0].start : chunk[-1].end] for chunk in names]


def unread_words(found: Sequence[Item], folded: str) -> Iterator[Item]:
    """The words that may be about time, or about people, and were not understood."""
    timed = any(i.phrase and i.phrase.said for i in found)
    dated = any(i.phrase and i.phrase.days for i in found)
    quoted = any(i.title for i in found)
    yield from _lost(found, folded)
    for n, item in enumerate(found):
        if item.person == "":
            yield item  # @channel
        if item.minutes is not None and not timed and _HOUR_LIKE.fullmatch(folded[item.start : item.end]):
            yield item
        if not item.word or item.alone:
            continue
        word = folded[item.start : item.end].strip(".,;:!?()'\"")
        before = found[n - 1] if n and not folded[found[n - 1].end : item.start].strip() else None
        after = found[n + 1] if n + 1 < len(found) and not folded[item.end : found[n + 1].start].strip() else None
        beside = any(i and (i.phrase or i.recurs or i.minutes is not None) for i in (before, after))
        number = bool(_NUMBER.fullmatch(word)) and beside and not (timed and not (before and before.phrase))
        number = number or (word in NUMBERS and word not in ("a", "an") and bool(before and before.phrase))
        ordinal = bool(_ORDINAL.fullmatch(word)) and (
            not dated or bool(before and before.phrase and before.phrase.days)
        )
        ordinal = ordinal or (word in ORDINALS and bool(after and after.phrase and after.phrase.days))  # "first Friday"
        month = bool(_MONTHS.fullmatch(word)) and not dated
        day = not dated and _like_a_day(word)
        day = day or (word in _BEFORE_HOLIDAYS and bool(after and after.phrase and after.phrase.days))
        zone = bool(before and before.phrase and before.phrase.said) and _zone(found, n, folded)
        if word in BEFORE_NAMES and after and after.word:
            yield from takewhile(lambda i: i.word, found[n:])  # "with the design team"
        if quoted and word and word not in _ASKING_WORDS and word not in _EDGES:
            yield item  # beside a title that was quoted nothing else can be one
        if _TIMELY.fullmatch(word) or (word in _CHANGING and beside) or number or ordinal or month or day or zone:
            yield item


def _lost(found: Sequence[Item], folded: str) -> Iterator[Item]:
    """The words of a run that are about time only together."""
    run = list[Item]()
    for item in (*found, None):
        if item and item.word and not item.alone and folded[item.start : item.end] not in BEFORE_NAMES:
            run.append(item)
            continue
        said = " ".join(folded[i.start : i.end].strip(",;:!?()") for i in run)
        at = 0
        spans = [m.span() for m in _LOST.finditer(said)]
        for one in run:
            end = at + len(folded[one.start : one.end].strip(",;:!?()"))
            if any(first < end and at < last for first, last in spans):
                yield one
            at = end + 1
        run = []


def _like_a_day(word: str) -> bool:
    """A feast, or a day that was written wrongly ("wendesday")."""
    return word in _HOLIDAYS or (4 < len(word) < 12 and bool(get_close_matches(word, _DAYS, 1, 0.8)))


def _zone(found: Sequence[Item], at: int, folded: str) -> bool:
    """Whether a place is named behind a time, "3pm Berlin" or "3pm in Berlin": its clock may be meant."""
    words = [folded[i.start : i.end].strip("().,;") for i in found[at : at + 2] if i.word]
    return any(w == "z" or zones_of(w) for w in words[: 2 if words[0] == "in" else 1])


def titled(found: Sequence[Item], text: str, folded: str) -> str:
    """The title: what was quoted, else the words that mean nothing else."""
    for item in found:
        if item.title:
            return _plain(text[item.start + 1 : item.end - 1])[:MOST_TITLE].strip()
    words = [i for i in found if i.word]
    while words and folded[words[0].start : words[0].end] in _EDGES:
        words.pop(0)
    while words and folded[words[-1].start : words[-1].end] in _EDGES:
        words.pop()
    title = re.sub(r" ([,;])", r"\1", " ".join(text[i.start : i.end] for i in words))
    asked = _ASKING.match(re.sub(r" ([,;])", r"\1", " ".join(folded[i.start : i.end] for i in words)))
    title = _plain(title[asked.end() :] if asked else title).strip(" ,;:")
    return title if len(title) <= MOST_TITLE else title[: MOST_TITLE - 1].rstrip() + "…"


def _plain(text: str) -> str:
    """Without Slack's escapes; of a link what it says."""
    text = re.sub(r"<((?:https?|mailto|tel):[^|<>]+)(?:\|([^<>]*))?>", lambda m: m[2] or m[1], text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
