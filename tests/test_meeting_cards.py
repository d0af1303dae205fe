"""What meetings look like: within Slack's limits whatever is in them, with everybody's own time, and with the buttons that their state allows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.blocks import Card
from bot.expenses.face.tab import Desktop
from bot.expenses.face.tab import tab as expenses_tab
from bot.files.shelf import Shelf, Shelved
from bot.home import view
from bot.meetings.face import buttons
from bot.meetings.face.cards import draft_card, link, meeting_card
from bot.meetings.face.listing import NONE, listing_text
from bot.meetings.face.tab import Agenda, tab
from bot.meetings.face.times import length, local_times, moment, recurrence
from bot.meetings.values import Hint, Meeting, Offer, Place, Repeat, Span
from playground.slack.blocks import check_message, check_view
from tests.expense_values import POLICY, expenses, reports
from tests.meeting_values import (
    ANA,
    CHOICES,
    DAYS_OFF,
    GUEST,
    HALF,
    HOURS,
    KIM,
    NOW,
    RAJ,
    ROOM,
    SLOT,
    START,
    WINDOW,
    booked,
    crowd,
    draft,
    meetings,
    offer,
    spans,
    wish,
)
from tests.test_expense_cards import said

JOIN = "https://meet.acme.test/u7?a=1&b=2"


def labels(card: Card) -> list[str]:
    """What can be pressed."""
    found = []
    for block in card.blocks:
        held = block.get("elements", []) if block["type"] == "actions" else [block.get("accessory")]
        found += [e["text"]["text"] for e in held if e]
    return found


def of(card: Card) -> Card:
    """The card, which Slack takes."""
    check_message({"blocks": list(card.blocks), "text": card.text})
    assert card.text.strip()
    assert len(card.text) <= 3_000
    (str(card.blocks) + card.text).encode()
    return card


def marked(part: Any) -> str:
    """What Slack reads as markup."""
    if isinstance(part, dict):
        return str(part["text"]) if part.get("type") == "mrkdwn" else " ".join(map(marked, part.values()))
    return " ".join(map(marked, part)) if isinstance(part, list | tuple) else ""


# -- Slack takes them ------------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(meetings, st.sampled_from(["", "U1", "U2", "U9"]))
def test_slack_takes_the_card_of_any_meeting(any_meeting: Meeting, viewer: str) -> None:
    for card in (of(draft_card(any_meeting)), of(meeting_card(any_meeting, viewer, NOW))):
        for called in ("<@U1>", "<!channel>"):
            assert called not in marked(card.blocks) + card.text, "nobody is called by what a title says"
        for block in card.blocks:
            for pressed in block.get("elements", []) if block["type"] == "actions" else []:
                assert buttons.ACTIONS.fullmatch(pressed["action_id"])
                about = buttons.subject(pressed["value"])
                if (name := buttons.name_of(pressed["action_id"])) in buttons.DONE_AT_ONCE:
                    assert buttons.arguments(name, about)["number"] == 7


@pytest.mark.parametrize("count", [1, 3, 50, 200])
def test_slack_takes_the_cards_of_many_attendees_in_three_zones(count: int) -> None:
    people = crowd(count)
    late = tuple(replace(SLOT, start=START + n * HALF, outside=tuple(a.id for a in people[1:])) for n in range(3))
    with_all = offer(slots=tuple(replace(s, missing=tuple(a.id for a in people[1:]), unknown=s.outside) for s in late))
    arranged = of(draft_card(draft(wish=wish(attendees=people), offer=with_all)))
    shown = of(meeting_card(booked(wish=wish(attendees=people)), ANA.id, NOW))
    assert labels(arranged) == ["Book"] * 3 + ["Change", "Discard"]
    if count == 200:
        assert "and 125 more" in said(arranged), "of those who have to be there eight are named"
        assert "and 103 more" in said(shown), "of those who have not answered thirty are named"


@settings(max_examples=15, deadline=None)
@given(st.lists(expenses, max_size=60), st.lists(reports, max_size=8), st.lists(st.tuples(spans, meetings), max_size=9))
def test_slack_takes_any_home_tab_with_everything_in_it(some: list[Any], more: list[Any], coming: list[Any]) -> None:
    from bot.expenses.books.books import ReportLine
    from bot.expenses.values import Money

    lines = [ReportLine(r, Money(1, "EUR"), 1) for r in more] * 8
    desktop = Desktop(todo=some, ready=some, drafts=lines, waiting=lines, approved=lines, queue=lines)
    agenda = Agenda(upcoming=coming, drafts=[m for _, m in coming] * 3, hours=replace(HOURS, off=DAYS_OFF))
    shelf = Shelf(tuple(Shelved(f"K{n}", f"{n}.md", "everyone") for n in range(30)), 99)
    check_view(view(shelf, {"expenses": expenses_tab(desktop, POLICY), "meetings": tab(agenda)}), "home")


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(spans, meetings), max_size=12).map(lambda some: some * 2), st.lists(meetings, max_size=8))
def test_a_list_fits_into_one_section_whatever_is_in_it(coming: list[Any], drafts: list[Meeting]) -> None:
    text = listing_text(coming, drafts)
    assert 0 < len(text) <= 3_000
    assert "<@U1>" not in text


# -- a draft ---------------------------------------------------------------------------------------------------------------


def test_a_slot_says_when_it_is_for_everybody() -> None:
    (first, *_) = [b for b in of(draft_card(draft())).blocks if "accessory" in b]
    text = first["text"]["text"]
    assert f"<!date^{int(START.timestamp())}^{{date_long}}, {{time}}|Tue 24 Nov 14:00 WET>" in text
    assert "14:00 Lisbon – Ana Becker · 19:30 Kolkata – Raj Patel · 09:00 New York – Kim &lt;Novak&gt;" in text
    assert first["accessory"]["value"] == "M-7|3|2026-11-24T14:00:00+00:00"


def test_another_day_is_marked() -> None:
    late = datetime(2026, 11, 24, 21, tzinfo=UTC)
    assert local_times(late, (ANA, RAJ), "Europe/Lisbon") == "21:00 Lisbon – Ana Becker · 02:30 +1 Kolkata – Raj Patel"
    early = datetime(2026, 11, 24, 3, tzinfo=UTC)
    assert local_times(early, (KIM,), "Europe/Lisbon") == "22:00 -1 New York – Kim &lt;Novak&gt;"


def test_a_slot_names_who_cannot_whose_calendar_nobody_knows_and_whose_evening_it_is() -> None:
    slot = replace(SLOT, missing=(KIM.id,), unknown=(GUEST.id,), outside=(RAJ.id,))
    words = said(
        of(draft_card(draft(wish=wish(attendees=(ANA, RAJ, KIM, GUEST, ROOM)), offer=Offer(slots=(slot,), more=True))))
    )
    assert "cannot come (optional): Kim &lt;Novak&gt;" in words
    assert "calendar not known: pat@example.com" in words
    assert "19:30 for Raj Patel: outside of their hours" in words
    assert "*Room* Aquarium" in words
    assert "Aquarium ·" not in words, "a room has no local time"


def test_which_day_was_meant_is_asked_with_two_buttons() -> None:
    card = of(draft_card(draft(wish=wish(window=None), offer=Offer(question="Which Wednesday?", choices=CHOICES))))
    assert labels(card) == ["Wed 25 Nov", "Wed 2 Dec", "Change", "Discard"]
    assert "Which Wednesday?" in said(card)
    assert "Which Wednesday?" in card.text
    assert all(choice.window.text in said(card) for choice in CHOICES), "with year, time and zone"


def test_where_there_is_no_time_it_says_why_and_what_would_help() -> None:
    hints = (Hint(label="Without Raj", without=RAJ.id), Hint(label="15 minutes", minutes=15))
    card = of(draft_card(draft(offer=Offer(why=("Raj is busy all day.",), hints=hints))))
    assert "Raj is busy all day." in said(card)
    assert labels(card) == ["Without Raj", "15 minutes", "Change", "Discard"]


def test_more_times_are_offered_where_there_are_more() -> None:
    assert "More times" in labels(of(draft_card(draft(offer=offer(more=True)))))
    assert "More times" not in labels(of(draft_card(draft())))


def test_a_draft_that_was_given_up_has_no_buttons() -> None:
    for card in (draft_card(draft(state="dropped")), meeting_card(draft(state="dropped"), ANA.id)):
        assert labels(of(card)) == []
        assert "given up" in said(card)


def test_what_was_booked_at_once_by_another_zones_clock_says_back_what_was_named() -> None:
    tokyo = replace(WINDOW, zone="Asia/Tokyo", exact=START, text="Tue 24 Nov 2026, 23:00 Asia/Tokyo")
    card = meeting_card(booked(at_once=True, wish=wish(window=tokyo, attendees=(ANA, RAJ))), ANA.id, NOW)
    assert "You named Tue 24 Nov 2026, 23:00 Asia/Tokyo." in said(card)
    here = replace(tokyo, zone="Europe/Lisbon")
    assert "You named" not in said(meeting_card(booked(at_once=True, wish=wish(window=here)), ANA.id, NOW))


def test_undo_does_not_stand_beside_times_to_move_it_to() -> None:
    card = meeting_card(booked(at_once=True, offer=offer()), ANA.id, NOW)
    assert "Undo" not in labels(card)
    assert "Undo" not in said(card)


def test_what_was_answered_is_not_undone_with_a_press() -> None:
    people = (ANA, replace(RAJ, answer="declined"))
    card = of(meeting_card(booked(at_once=True, wish=wish(attendees=people)), ANA.id, NOW))
    assert labels(card) == ["Reschedule", "Change", "Cancel", "Add to calendar (.ics)"]
    assert "Undo" not in said(card)


# -- a booked one ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_", "viewer", "pressable"),
    [
        ({}, ANA.id, ["Reschedule", "Change", "Cancel", "Add to calendar (.ics)"]),
        ({}, "", ["Reschedule", "Change", "Cancel", "Add to calendar (.ics)"]),
        ({}, RAJ.id, ["Accept", "Maybe", "Decline", "Add to calendar (.ics)"]),
        ({"at_once": True}, ANA.id, ["Undo", "Reschedule", "Change", "Cancel", "Add to calendar (.ics)"]),
        ({"at_once": True}, RAJ.id, ["Accept", "Maybe", "Decline", "Add to calendar (.ics)"]),
        (
            {"at_once": True, "sequence": 1, "entered": 1},
            ANA.id,
            ["Reschedule", "Change", "Cancel", "Add to calendar (.ics)"],
        ),
        ({"state": "cancelled"}, ANA.id, []),
        ({"state": "failed", "problem": "No access."}, ANA.id, []),
        ({"start": NOW - timedelta(days=2), "end": NOW - timedelta(days=1)}, ANA.id, []),
        ({"start": NOW - timedelta(days=2), "end": NOW - timedelta(days=1)}, RAJ.id, []),
        ({"offer": offer()}, RAJ.id, ["Accept", "Maybe", "Decline", "Add to calendar (.ics)"]),
    ],
)
def test_the_buttons_are_what_state_and_reader_allow(given_: Any, viewer: str, pressable: list[str]) -> None:
    assert labels(of(meeting_card(booked(**given_), viewer, NOW))) == pressable


def test_one_that_is_to_be_moved_shows_the_times_to_its_organizer() -> None:
    moving = booked(offer=offer(more=True))
    for card in (
        draft_card(replace(moving, start=START + timedelta(days=4_000), end=START + timedelta(days=4_001))),
        meeting_card(moving, ANA.id, NOW),
    ):
        rest = ["More times", "Leave it as it is", "Reschedule", "Cancel", "Add to calendar (.ics)"]
        assert labels(of(card)) == ["Move"] * 3 + rest
    assert not {"Book", "Move"} & set(labels(meeting_card(moving, RAJ.id, NOW)))


def test_a_card_says_who_answered_what_and_where_to_join() -> None:
    people = (ANA, replace(RAJ, answer="declined"), KIM, GUEST, ROOM)
    meeting = booked(
        wish=wish(attendees=people, description="Bring <numbers>"), link=JOIN, page="https://cal.acme.test/7"
    )
    words = said(of(meeting_card(meeting, RAJ.id, NOW)))
    assert "Accepted: Ana Becker" in words
    assert "Declined: Raj Patel" in words
    assert "No answer yet: pat@example.com" in words
    assert "No answer yet (optional): Kim &lt;Novak&gt;" in words
    assert "Room: Aquarium" in words
    assert "<https://meet.acme.test/u7?a=1&amp;b=2|Join online>" in words
    assert "<https://cal.acme.test/7|Open in the calendar>" in words
    assert "Bring &lt;numbers&gt;" in words
    assert "Tue 24 Nov 2026, 14:00–14:30 Lisbon" in words
    assert "Invitation from Ana Becker" in words


@pytest.mark.parametrize("url", ["", "javascript:alert(1)", "https://a.test|x", "https://a.test/<@U1>", "ftp://a.test"])
def test_what_is_no_link_is_not_shown_as_one(url: str) -> None:
    assert link(url, "Join") == ""


def test_it_says_that_it_is_being_entered_and_what_went_wrong() -> None:
    assert "being entered" in said(meeting_card(booked(entered=-1), ANA.id, NOW))
    words = said(meeting_card(booked(entered=-1, problem="The calendar <does not> answer."), ANA.id, NOW))
    assert ":warning: The calendar &lt;does not&gt; answer." in words
    assert "being entered" not in words


def test_ones_own_answer_stands_out() -> None:
    def bold(meeting: Meeting) -> list[str]:
        (row,) = [b for b in meeting_card(meeting, RAJ.id, NOW).blocks if b["type"] == "actions"]
        return [e["text"]["text"] for e in row["elements"] if e.get("style") == "primary"]

    assert bold(booked()) == ["Accept"]
    assert bold(booked(wish=wish(attendees=(ANA, replace(RAJ, answer="declined"))))) == ["Decline"]


def test_in_a_thread_it_says_whose_it_is_without_calling_them() -> None:
    card = of(meeting_card(booked(place=Place("C1", "1.5")), "", NOW))
    assert "Only Ana Becker, who organizes it" in said(card)
    assert "<@" not in said(card)


# -- words -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("repeat", "words"),
    [
        (Repeat("day"), "every day"),
        (Repeat("day", 2), "every second day"),
        (Repeat("week"), "every Tuesday"),
        (Repeat("week", 2, 6), "every second Tuesday, 6 times"),
        (Repeat("week", 7), "every 7 weeks on Tuesday"),
        (Repeat("month"), "on the fourth Tuesday of every month"),
        (Repeat("month", 3), "on the fourth Tuesday of every third month"),
    ],
)
def test_a_recurrence_in_words(repeat: Repeat, words: str) -> None:
    assert recurrence(repeat, START) == words
    assert words in said(meeting_card(booked(wish=wish(repeat=repeat)), ANA.id, NOW))


def test_a_fifth_weekday_means_the_last() -> None:
    assert recurrence(Repeat("month"), datetime(2026, 12, 29, tzinfo=UTC)) == "on the last Tuesday of every month"


@pytest.mark.parametrize(
    ("minutes", "words"), [(5, "5 minutes"), (60, "1 hour"), (90, "1 h 30 min"), (120, "2 hours"), (1440, "24 hours")]
)
def test_a_length_in_words(minutes: int, words: str) -> None:
    assert length(minutes) == words


def test_a_recurring_one_is_over_after_its_last_occurrence_only() -> None:
    past = {"start": NOW - timedelta(days=10), "end": NOW - timedelta(days=10) + HALF}
    for_ever = booked(wish=wish(repeat=Repeat("week")), **past)
    assert "Cancel" in labels(meeting_card(for_ever, ANA.id, NOW))
    assert "Cancel" in labels(meeting_card(booked(wish=wish(repeat=Repeat("week", 1, 3)), **past), ANA.id, NOW))
    assert labels(meeting_card(booked(wish=wish(repeat=Repeat("day", 1, 3)), **past), ANA.id, NOW)) == []


def test_a_zone_that_nobody_knows_harms_nothing() -> None:
    assert moment(START, "Mars/Base").endswith("|Tue 24 Nov 14:00 UTC>")
    assert local_times(START, (replace(ANA, zone="../etc"),), "") == ""


# -- the list --------------------------------------------------------------------------------------------------------------


def test_the_list_names_each_occurrence_and_what_is_being_arranged() -> None:
    meeting = booked(link=JOIN)
    text = listing_text([(Span(START, START + HALF), meeting)], [draft(number=8)])
    assert f"{moment(START, 'Europe/Lisbon')} · *Team sync* · M-7 · 3 people · <https://meet" in text
    assert "M-8 · Tue 24 Nov 2026 Europe/Lisbon" in text
    assert listing_text([], []) == NONE


def test_a_long_list_is_cut_and_says_so() -> None:
    many = [(Span(START, START + HALF), booked(wish=wish(title="x" * 90), link="https://a.test/" + "y" * 900))] * 30
    text = listing_text(many, [])
    shown = text.count("M-7")
    assert 0 < shown < 30
    assert f"… and {30 - shown} more" in text


def test_the_home_tab_shows_what_comes_and_ones_hours() -> None:
    blocks = tab(
        Agenda(
            upcoming=[(Span(START, START + HALF), booked())],
            drafts=[draft()] * 5,
            hours=replace(HOURS, off=DAYS_OFF),
        )
    )
    text = str(blocks)
    assert "Team sync" in text
    assert "Mon-Fri 09:00-17:00 (Europe/Lisbon); 3 days off" in text
    assert "2 more being arranged" in text
    assert "No meetings are coming" in str(tab(Agenda(upcoming=[], drafts=[], hours=HOURS)))


# -- what buttons carry ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", ["", "M-7", "M-0|1", "M-7|x", "E-7|1", "M-7|1|", "M-9999999999|1", "M-7|1|" + "x" * 41]
)
def test_what_no_button_carries_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        buttons.subject(value)


@pytest.mark.parametrize(
    ("button", "value"),
    [
        (buttons.BOOK, "M-7|1"),
        (buttons.BOOK, "M-7|1|2026-11-24T14:00:00"),
        (buttons.PICK, "M-7|1|x"),
        (buttons.HINT, "M-7|1|12"),
        (buttons.ANSWER, "M-7|1|perhaps"),
    ],
)
def test_what_a_button_should_not_carry_is_refused(button: str, value: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        buttons.arguments(button, buttons.subject(value))


def test_who_presses_book_sees_all_that_is_sent_and_to_whom_outside_it_goes() -> None:
    long = "legal-and-finance-team@acme.example.of-somebody-else.example"
    others = [replace(ANA, id=f"U{n}", name=f"P{n}") for n in range(20)]
    outside = replace(GUEST, id=long, name=long, email=long)
    text = said(draft_card(draft(wish=wish(attendees=[ANA, *others, outside], description="&" * 2_900 + "\nhunter2"))))
    assert f"*From outside* {long}" in text
    assert text.count("&amp;") == 2_900
    assert "hunter2" in text
