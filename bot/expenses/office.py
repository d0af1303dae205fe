"""What the expense jobs work with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.database import Database
from bot.expenses.books.books import Books
from bot.expenses.money.rates import Rates
from bot.expenses.policy.policy import Policy
from bot.expenses.profiles import Profiles
from bot.files.download import Downloads
from bot.files.library import Library
from bot.llm import Llm
from bot.slack import Slack


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """All that expenses need, and how this company does them."""

    slack: Slack
    llm: Llm
    database: Database
    library: Library
    downloads: Downloads
    policy: Policy
    rates: Rates
    books: Books
    home: str  # the currency that reports are added up in
    approver: str  # Slack's id of who approves where no manager is known; "" for nobody
    finance: frozenset[str]  # Slack's ids of those who see all expenses and export them
    profiles: Profiles
    remind_days: int  # without a decision, until the approver is reminded; 0: never
    folder: Path  # for files while they are made
