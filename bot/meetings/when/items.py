"""Cuts the words behind `/meet` into what each of them is: time, people, a room, a length, a recurrence, or just a word. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.meetings.when.people_words import BEFORE_NAMES, ENDS_NAMES, JOINS, OPTIONAL, person_at, room_at
from bot.meetings.when.phrases import Phrase, phrase_at
from bot.meetings.when.repeat_words import Recurs, recurs_at
from bot.meetings.when.words import END, length_at

_FOR = re.compile(r"(?:for |lasting |takes )?(?:about )?")
_QUOTED = re.compile(r'"([^"]{1,300})"')
_WORD = re.compile(r"[,;]|(?:&(?:amp|lt|gt);|[^\s,;])+")
_ONLINE = re.compile(
    rf"(?:on|via|over|by|using) (?:zoom|teams|microsoft teams|ms teams|google meet|meet|webex|skype|video(?: ?call)?)|as (?:a )?video ?call|\(online\){END}"
)
_ONLINE_ALONE = re.compile(rf"(?:online|virtual(?:ly)?|remote(?:ly)?|video ?call){END}")
_IN_PERSON = re.compile(rf"(?:in[ -]person|on[ -]?site|face[ -]to[ -]face){END}")


@dataclass(frozen=True, slots=True)
class Item:
    """What stands from `start` to `end` of the text: exactly one of the fields, or a word where none is set."""

    start: int
    end: int
    phrase: Phrase | None = None
    person: str | None = None
    room: str = ""
    minutes: int | None = None
    recurs: Recurs | None = None
    online: bool | None = None
    title: bool = False  # quoted
    optional: bool = False
    alone: bool = False  # one word that belongs to the title where more words of it follow

    @property
    def word(self) -> bool:
        """Whether it is none of all these."""
        known = self.phrase or self.room or self.recurs or self.title or self.optional
        return not known and self.person is None and self.minutes is None and self.online is None


def items(text: str, folded: str) -> Iterator[Item]:
    """All there is, in order. The longest meaning wins at each place."""
    at, quoted, before = 0, False, list[Item]()
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        item = _item(text, folded, at, quoted=quoted, among=_among_people(before, folded))
        quoted = quoted or item.title
        before.append(item)
        yield item
        at = item.end


def _among_people(before: Sequence[Item], folded: str) -> bool:
    """Whether people are named just before: "with @ana", "with raj and"."""
    for n, item in enumerate(reversed(before)):
        word = folded[item.start : item.end]
        if item.person or item.room or (item.word and word in BEFORE_NAMES):
            return True
        if not item.word or word in ENDS_NAMES or (n == 0 and word not in JOINS):
            return False
    return False


def _item(text: str, folded: str, at: int, *, quoted: bool, among: bool) -> Item:
    if not quoted and (m := _QUOTED.match(folded, at)):
        return Item(at, m.end(), title=True)
    found = list[Item]()
    if recurs := recurs_at(folded, at):
        found.append(Item(at, recurs[1], recurs=recurs[0], alone=recurs[0].alone))
    if phrase := phrase_at(folded, at):
        found.append(Item(at, phrase.end, phrase=phrase))
    if length := _length(folded, at):
        found.append(Item(at, length[1], minutes=length[0]))
    if person := person_at(text, at):
        found.append(Item(at, person[1], person=person[0]))
    if room := room_at(text, folded, at, among=among):
        found.append(Item(at, room[1], room=room[0]))
    for pattern, online, alone in ((_ONLINE, True, False), (_ONLINE_ALONE, True, True), (_IN_PERSON, False, False)):
        if m := pattern.match(folded, at):
            found.append(Item(at, m.end(), online=online, alone=alone))
    if m := OPTIONAL.match(folded, at):
        found.append(Item(at, m.end(), optional=True))
    if found:
        return max(found, key=lambda i: i.end)
    word = _WORD.match(text, at)
    return Item(at, word.end() if word else at + 1)


def _length(folded: str, at: int) -> tuple[int, int] | None:
    lead = _FOR.match(folded, at)
    return length_at(folded, lead.end() if lead else at)
