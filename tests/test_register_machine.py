"""Random sequences of what several people, the calendar and the clock do, right and wrong. What each has to come to is worked out here anew."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from bot.database import default_url
from bot.errors import MeetingRefused
from bot.meetings.calendars.calendar import Seen, Stored
from bot.meetings.values import Answer, Span
from tests.meetings_world import (
    ANA,
    GUEST,
    KIM,
    RAJ,
    ROOM,
    STRANGER,
    THREAD,
    Dump,
    at,
    attendee,
    offer_of,
    opened,
    wish,
)
from tests.register_model import Model

Result = TypeVar("Result")
EVERYBODY = (ANA, RAJ, KIM, GUEST, ROOM)
MEMBERS = (ANA, RAJ, KIM)
# From which states to which there is a way.
MOVES = {("draft", s) for s in ("draft", "booked", "dropped")} | {
    ("booked", s) for s in ("booked", "cancelled", "failed")
}

organizers, people = st.sampled_from([ANA, ANA, RAJ]), st.sampled_from([ANA, ANA, RAJ, RAJ, KIM, STRANGER])
offs = st.sampled_from([None] * 3 + [0] * 6 + [-1, 1])  # beside the present version
starts = st.sampled_from([*(at(9 + n / 2) for n in range(6)), at(9, days=-1), at(9, days=900)])
lengths = st.sampled_from([30, 30, 60])
answers = st.sampled_from(["accepted", "tentative", "declined", "declined"])
guests = st.dictionaries(st.sampled_from(EVERYBODY), st.sampled_from([True, True, False]), max_size=4)
teams = count(1)


class Loop:
    """Runs coroutines; one loop and one database for all sequences, each of which has a workspace of its own."""

    def __init__(self, folder: Path) -> None:
        self.runner = asyncio.Runner()
        self.context = opened(default_url(folder), external=True, mails=True)
        self.world = self.run(self.context.__aenter__())

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(work)

    def close(self) -> None:
        self.run(self.context.__aexit__(None, None, None))
        self.runner.close()


class RegisterMachine(RuleBasedStateMachine):
    """One workspace, its people, and its calendar."""

    loop: Loop
    reached: set[str]

    @initialize(first=guests, second=guests, start=starts)
    def begin(self, first: dict[str, bool], second: dict[str, bool], start: datetime) -> None:
        self.world = replace(self.loop.world, team=f"T{next(teams)}")
        self.models: dict[int, Model] = {}
        self.dump: Dump = self.loop.run(self.world.dump())
        self.draft(ANA, first, 30, thread=False)
        self.draft(RAJ, {ANA: True, **second}, 60, thread=True)
        self.draft(ANA, second, 30, thread=False)
        self.booked(1, self.models[1], ANA, 0, at(9))
        self.booked(2, self.models[2], RAJ, None, start)

    # -- what people do ------------------------------------------------------------------------------------------------------

    @rule(organizer=organizers, needed=guests, length=lengths, thread=st.booleans())
    def draft(self, organizer: str, needed: dict[str, bool], length: int, thread: bool) -> None:
        needed = {organizer: True, **{p: r for p, r in needed.items() if p != organizer}}
        place = THREAD if thread else replace(THREAD, channel="", thread="")
        made = wish(*(p if r else f"{p}?" for p, r in needed.items()), minutes=length)
        assert self.acted(len(self.models) + 1, "draft", made, None, place, "UTC", by=organizer)
        self.models[len(self.models) + 1] = Model(organizer, needed, length, thread)
        self.check(len(self.models), {"card"})

    @rule(data=st.data(), person=people, off=offs, needed=guests, length=lengths, wanted=st.booleans())
    def offer(
        self, data: st.DataObject, person: str, off: int | None, needed: dict[str, bool], length: int, wanted: bool
    ) -> None:
        number, model = self.some(data)
        needed = {person: True, **{p: r for p, r in needed.items() if p != person}}
        made = wish(*(p if r else f"{p}?" for p, r in needed.items()), minutes=length)
        args = (number, self.version(model, off), made, offer_of(at(9)) if wanted else None)
        done = self.acted(number, "offer", *args, by=person)
        assert done == self.theirs(model, person, off)
        if not done or model is None:
            return
        if model.state == "draft":
            model.needed, model.minutes = needed, length
        else:
            spared = {p for p, required in model.needed.items() if required and not needed.get(p)}
            model.sought = (length, frozenset(spared))
        model.version += 1
        self.check(number, {"card"})

    @rule(data=st.data(), person=people, off=offs, start=starts)
    def book(self, data: st.DataObject, person: str, off: int | None, start: datetime) -> None:
        self.booked(*self.some(data), person, off, start)

    def booked(self, number: int, model: Model | None, person: str, off: int | None, start: datetime) -> None:
        done = self.acted(number, "book", number, self.version(model, off), start, by=person)
        assert done == (self.theirs(model, person, off) and bool(model and self.free(number, model, start)))
        if not done or model is None:
            return
        length, spared = model.sought or (model.minutes, frozenset[str]())
        span, first = Span(start, start + timedelta(minutes=length)), model.state == "draft"
        model.version, model.sought = model.version + 1, None
        if span == model.span:
            self.check(number, {"card"})
            return
        model.needed = {p: required and p not in spared for p, required in model.needed.items()}
        model.state, model.span, model.minutes = "booked", span, length
        model.sequence += not first
        model.answers, model.told, model.untold = {model.organizer: "accepted"}, {}, set()
        self.check(number, {"card", "mail", "event"} | (set() if first else {"word"}))

    @rule(data=st.data(), person=people, off=offs, needed=guests, title=st.sampled_from(["Team sync", "Budget"]))
    def change(self, data: st.DataObject, person: str, off: int | None, needed: dict[str, bool], title: str) -> None:
        number, model = self.some(data)
        needed = {person: True, **{p: r for p, r in needed.items() if p != person}}
        made = wish(*(p if r else f"{p}?" for p, r in needed.items()), title=title)
        done = self.acted(number, "change", number, self.version(model, off), made, by=person)
        assert done == (self.theirs(model, person, off) and bool(model and self.can_be(number, model, needed, title)))
        if not done or model is None:
            return
        joined, left = set(needed) - set(model.needed), set(model.needed) - set(needed)
        told = {"card", "mail", "event"} | ({"word"} if (left | joined & model.left) & set(MEMBERS) else set())
        if needed != model.needed:
            model.sought = None
        model.needed, model.title, model.left = needed, title, (model.left | left) - joined
        model.answers = {p: a for p, a in model.answers.items() if p in needed}
        model.told = {p: a for p, a in model.told.items() if p in needed}
        model.untold &= set(needed)
        model.version, model.sequence = model.version + 1, model.sequence + 1
        self.check(number, told)

    def can_be(self, number: int, model: Model, needed: dict[str, bool], title: str) -> bool:
        """Whether a booked meeting can have these people and that title."""
        span = model.span
        if model.state != "booked" or span is None or (needed, title) == (model.needed, model.title):
            return False
        alone = not set(needed) - {model.organizer, ROOM} and bool(set(model.needed) - {model.organizer, ROOM})
        joining = [p for p, required in needed.items() if required and not model.needed.get(p)]
        others = [m for n, m in self.models.items() if n != number]
        return not alone and not any(m.keeps_busy(p, span) for m in others for p in joining)

    @rule(data=st.data(), person=people, off=offs)
    def cancel(self, data: st.DataObject, person: str, off: int | None) -> None:
        number, model = self.some(data)
        done = self.acted(number, "cancel", number, self.version(model, off), by=person)
        assert done == self.theirs(model, person, off)
        if not done or model is None:
            return
        was, model.version, model.sought = model.state, model.version + 1, None
        model.state = "dropped" if was == "draft" else "cancelled"
        model.sequence += was == "booked"
        self.check(number, {"card"} if was == "draft" else {"card", "mail", "event", "word"})

    @rule(data=st.data(), person=people, answer=answers)
    def answer(self, data: st.DataObject, person: str, answer: str) -> None:
        number, model = self.some(data)
        done = self.acted(number, "answer", number, answer, by=person)
        assert done == bool(model and model.state == "booked" and person in model.needed)
        if done and model is not None:
            told = self.answered(model, {person: answer})
            if told and person != model.organizer:
                model.untold.add(person)
                told.add("event")
            self.check(number, told)

    # -- what the calendar does ------------------------------------------------------------------------------------------------

    @rule(data=st.data(), behind=st.sampled_from([0, 0, 0, 1]))
    def enter(self, data: st.DataObject, behind: int) -> None:
        number, model = self.some(data)
        sequence = (model.sequence if model else 0) - behind
        if model and model.state in ("draft", "dropped"):
            return  # nobody enters them
        self.acted(number, "entered", sequence, Stored(f"ref-{number}"))
        news = model is not None and model.entered < sequence
        if model and news:
            model.entered = sequence
        self.check(number, {"card"} if news else set())

    @rule(data=st.data(), behind=st.sampled_from([0, 0, 0, 1]), taken=st.booleans())
    def answer_told(self, data: st.DataObject, behind: int, taken: bool) -> None:
        waiting = [n for n, m in self.models.items() if m.untold]
        number = data.draw(st.sampled_from([*waiting * 4, *self.models, len(self.models) + 1]))
        model = self.models.get(number)
        told = [(p, model.answers[p]) for p in sorted(model.untold)] * 3 if model else []
        person, answer = data.draw(st.sampled_from([*told, (RAJ, "declined"), (KIM, "accepted")]))
        sequence = (model.sequence if model else 0) - behind
        self.acted(number, "told", sequence, replace(attendee(person), answer=cast(Answer, answer)), taken=taken)
        if model and person in model.untold and model.answers[person] == answer and not behind:
            model.untold.remove(person)
            model.told |= {person: answer} if taken else {}
        self.check(number, set())

    @rule(data=st.data(), for_good=st.sampled_from([False, False, True]), behind=st.sampled_from([0, 0, 0, 1]))
    def trouble(self, data: st.DataObject, for_good: bool, behind: int) -> None:
        number, model = self.some(data)
        had = next((m["problem"] for m in self.dump["meetings"] if m["number"] == number), "")
        self.acted(number, "trouble", (model.sequence if model else 0) - behind, "away", for_good=for_good)
        if behind or model is None or model.state not in ("booked", "cancelled") or model.entered >= model.sequence:
            self.check(number, set())
        elif not for_good:
            self.check(number, set() if had else {"card"})
        elif model.state == "cancelled":
            model.entered = model.sequence
            self.check(number, {"card", "word"})
        else:
            model.state, model.sought = "failed", None
            model.version, model.sequence = model.version + 1, model.sequence + 1
            self.check(number, {"card", "mail", "word"})

    @rule(data=st.data(), hours=st.sampled_from([None, None, None, 9.5, 13]), gone=st.sampled_from([False] * 5 + [True]),
          said=st.dictionaries(st.sampled_from(EVERYBODY), st.one_of(answers, st.just("")), max_size=2))  # fmt: skip
    def seen(self, data: st.DataObject, hours: float | None, gone: bool, said: dict[str, str]) -> None:
        number, model = self.some(data)
        there = model.span if model and model.span else Span(at(9), at(9.5))
        if hours:
            there = Span(at(hours), at(hours + 0.75))
        by_address: dict[str, Any] = {p if "@" in p else f"{p.lower()}@example.com": a for p, a in said.items()}
        self.acted(number, "seen", None if gone else Seen(there, cancelled=False, answers=by_address))
        if model is None or model.state != "booked" or model.entered < model.sequence:
            self.check(number, set())
            return
        told: set[str] = set()
        if gone or there != model.span:
            model.version, model.sequence, model.entered = model.version + 1, model.sequence + 1, model.sequence + 1
            told = {"card", "mail", "word"} | ({"event"} if model.untold and not gone else set())
        if gone:
            model.state, model.sought = "cancelled", None
        else:
            model.minutes = 45 if there != model.span else model.minutes
            model.span = there
            news = {p: a for p, a in said.items() if a != model.told.get(p, "") and p not in model.untold}
            model.told |= news
            told |= self.answered(model, {p: a for p, a in news.items() if a and p in model.needed})
        self.check(number, told)

    # -- what has to be true -------------------------------------------------------------------------------------------------

    def some(self, data: st.DataObject) -> tuple[int, Model | None]:
        live = [n for n, m in self.models.items() if m.state in ("draft", "booked")]
        number = data.draw(st.sampled_from([*live * 4, *self.models, len(self.models) + 1]))
        return number, self.models.get(number)

    def version(self, model: Model | None, off: int | None) -> int | None:
        return None if off is None else (model.version if model else 1) + off

    def theirs(self, model: Model | None, person: str, off: int | None) -> bool:
        return bool(model and model.organizer == person and model.state in ("draft", "booked") and not off)

    def free(self, number: int, model: Model, start: datetime) -> bool:
        length, spared = model.sought or (model.minutes, frozenset[str]())
        span = Span(start, start + timedelta(minutes=length))
        if span == model.span:
            return True
        needed = [p for p, required in model.needed.items() if required and p not in spared]
        others = [m for n, m in self.models.items() if n != number]
        return at(days=0) <= start <= at(days=732) and not any(m.keeps_busy(p, span) for m in others for p in needed)

    def answered(self, model: Model, given: Mapping[str, str]) -> set[str]:
        news = {p: a for p, a in given.items() if model.answers.get(p, "") != a}
        model.answers |= news
        declined = any(a == "declined" and p != model.organizer for p, a in news.items())
        return ({"card"} if news else set()) | ({"word"} if declined else set())

    def acted(self, number: int, method: str, *args: Any, by: str = "", **more: Any) -> bool:
        """Does it. Who is refused has changed nothing; nothing but this meeting is touched."""
        before = self.dump
        try:
            if by:
                self.loop.run(self.world.do(method, *args, by=by, **more))
            else:
                self.loop.run(self.world.tell(method, number, *args, **more))
        except MeetingRefused:
            assert self.loop.run(self.world.dump()) == before
            return False
        self.before, self.dump = before, self.loop.run(self.world.dump())
        for name, key in (("meetings", "number"), ("meeting_times", "meeting")):
            old, new = ([r for r in d[name] if r[key] != number] for d in (before, self.dump))
            assert old == new
        subject = f"M-{number}"
        assert [r for r in self.dump["outgoing"] if r["subject"] != subject] == [
            r for r in before["outgoing"] if r["subject"] != subject
        ]
        assert self.dump["meeting_events"][: len(before["meeting_events"])] == before["meeting_events"]
        return True

    def check(self, number: int, told: set[str]) -> None:
        """The meeting is what it has to be, and of each kind what is to be told of it has grown, or has not."""
        self.reached.update(e["action"] for e in self.dump["meeting_events"])
        rows = {m["number"]: m for m in self.dump["meetings"]}
        old = {m["number"]: m for m in self.before["meetings"]}.get(number)
        assert sorted(rows) == list(range(1, len(self.models) + 1))
        if number not in self.models:
            assert self.dump == self.before
            return
        model, row = self.models[number], rows[number]
        kept = json.loads(row["wish"])
        same = (row["state"], row["version"], row["sequence"], row["entered"], row["start_at"], row["end_at"])
        span = model.span
        assert same == (
            model.state, model.version, model.sequence, model.entered, span and span.start, span and span.end
        )  # fmt: skip
        assert {a["id"]: (a["required"], a["answer"], a["untold"]) for a in kept["attendees"]} == {
            p: (required, model.answers.get(p, ""), p in model.untold) for p, required in model.needed.items()
        }
        assert old is None or old["state"] == row["state"] or (old["state"], row["state"]) in MOVES
        times = [
            (t["attendee"], t["start_at"], t["end_at"], t["busy"])
            for t in self.dump["meeting_times"]
            if t["meeting"] == number
        ]
        busy = {p: model.answers.get(p) != "declined" for p in model.needed} if model.state == "booked" and span else {}
        assert span is None or sorted(times) == sorted((p, span.start, span.end, b) for p, b in busy.items())
        self.check_told(number, model, told)

    def check_told(self, number: int, model: Model, told: set[str]) -> None:
        there, before = ({(r["kind"], r["person"], r["key"]): r["wanted"] for r in d["outgoing"] if r["subject"] == f"M-{number}"}
                         for d in (self.dump, self.before))  # fmt: skip
        own = ("card", THREAD.channel, THREAD.thread) if model.thread else ("card", model.organizer, "")
        standing = {own}
        if model.state not in ("draft", "dropped"):
            others = [p for p in model.needed if p != model.organizer]
            standing |= {("card", p, "") for p in others if p in MEMBERS}
            standing |= {("mail", p if "@" in p else f"{p.lower()}@example.com", "") for p in others if p != ROOM}
            standing |= {("card", p, "") for p in model.left if p in MEMBERS}
            standing |= {("mail", p if "@" in p else f"{p.lower()}@example.com", "") for p in model.left if p != ROOM}
            standing.add(("event", f"M-{number}", ""))
        assert {row for row in there if row[0] != "word"} == standing
        grown = {row[0] for row, wanted in there.items() if wanted > before.get(row, 0)}
        mails = any(r[0] == "mail" for r in standing)
        words = any(p in MEMBERS for p in {*model.needed, *model.left} if p != model.organizer)
        may = told - (set() if mails else {"mail"})
        assert grown <= told
        assert may - {"word"} <= grown
        assert "word" not in told or not words or "word" in grown


def run_machine(folder: Path, sequences: int, steps: int) -> set[str]:
    """Gives what was done in them, else they might show nothing."""
    loop, reached = Loop(folder), set[str]()
    try:
        machine = type("Machine", (RegisterMachine,), {"loop": loop, "reached": reached})
        how = settings(
            max_examples=sequences,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        run_state_machine_as_test(machine, settings=how)
    finally:
        loop.close()
    return reached


def test_whatever_people_and_the_calendar_do_the_register_is_in_order(tmp_path: Path) -> None:
    assert {"drafted", "booked"} <= run_machine(tmp_path, 10, 25)


@pytest.mark.slow
def test_a_thousand_sequences_leave_the_register_in_order(tmp_path: Path) -> None:
    reached = run_machine(tmp_path, 1000, 30)
    changes = "drafted offered booked kept moved changed cancelled dropped entered trouble failed"
    answered = {"answered accepted", "answered declined", "answered tentative", "answer told"}
    assert reached >= {*changes.split(), *answered}
