"""What depends on the database, with PostgreSQL: claims, changes that come while a card is posted, reminders by one worker of several."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.settings import Settings
from tests.delivery_world import world
from tests.test_delivery import (
    test_a_change_while_the_card_is_posted_is_shown_after_it,
    test_two_workers_bring_each_thing_once,
    test_what_a_killed_worker_had_begun_is_due_again_after_a_while,
    test_who_has_let_a_report_wait_too_long_is_reminded_once_a_while,
)

__all__ = [
    "test_a_change_while_the_card_is_posted_is_shown_after_it",
    "test_two_workers_bring_each_thing_once",
    "test_what_a_killed_worker_had_begun_is_due_again_after_a_while",
    "test_who_has_let_a_report_wait_too_long_is_reminded_once_a_while",
    "world",
]


@pytest.fixture
def settings(settings: Settings, postgresql_url: str) -> Settings:
    """The same with PostgreSQL."""
    return replace(settings, database_url=postgresql_url)
