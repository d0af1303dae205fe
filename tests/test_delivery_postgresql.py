"""What depends on the database, with PostgreSQL: claims, changes that come while a card is posted, reminders by one worker of several."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.settings import Settings
from tests.delivery_world import world
from tests.test_delivery import (
    test_a_card_is_posted_once_and_then_edited_with_what_is_true,
    test_a_change_while_the_card_is_posted_is_shown_after_it,
    test_killed_after_any_of_its_notes_each_thing_comes_once,
    test_old_words_are_forgotten_and_cards_are_not,
    test_two_workers_bring_each_thing_once,
    test_what_a_killed_worker_had_begun_is_due_again_after_a_while,
    test_who_has_let_a_report_wait_too_long_is_reminded_once_a_while,
    test_words_come_once_each_in_the_order_in_which_they_were_noted,
)

__all__ = [
    "test_a_card_is_posted_once_and_then_edited_with_what_is_true",
    "test_a_change_while_the_card_is_posted_is_shown_after_it",
    "test_killed_after_any_of_its_notes_each_thing_comes_once",
    "test_old_words_are_forgotten_and_cards_are_not",
    "test_two_workers_bring_each_thing_once",
    "test_what_a_killed_worker_had_begun_is_due_again_after_a_while",
    "test_who_has_let_a_report_wait_too_long_is_reminded_once_a_while",
    "test_words_come_once_each_in_the_order_in_which_they_were_noted",
    "world",
]


@pytest.fixture
def settings(settings: Settings, postgresql_url: str) -> Settings:
    """The same with PostgreSQL."""
    return replace(settings, database_url=postgresql_url)
