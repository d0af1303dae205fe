"""The business jobs, expenses and meetings, made from the settings; and the delivery and the acts that they share."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from bot.access import Access
from bot.acts import Performer, performer
from bot.database import Database
from bot.delivery.delivery import Delivery
from bot.delivery.outgoing import EVENT, MAIL
from bot.delivery.subjects import Subjects
from bot.errors import SettingError
from bot.expenses.books.books import Books
from bot.expenses.money.rates import Rates
from bot.expenses.office import Office
from bot.expenses.performing import ExpensesPerforming
from bot.expenses.policy.policy import load_policy
from bot.expenses.profiles import Profiles
from bot.expenses.reminders import remind
from bot.expenses.showing import Showing
from bot.files.download import Downloads
from bot.files.library import Library
from bot.llm import Llm
from bot.meetings import keeping
from bot.meetings.calendars.choose import make_calendar
from bot.meetings.hours import read_hours
from bot.meetings.mail import Mailer
from bot.meetings.people import People, read_rooms
from bot.meetings.performing import MeetingsPerforming
from bot.meetings.register.register import Register
from bot.meetings.scheduling import Scheduling
from bot.meetings.showing import Bearing
from bot.meetings.showing import Showing as MeetingsShowing
from bot.places import Places
from bot.settings import Settings
from bot.slack import Slack


def make_office(
    settings: Settings, slack: Slack, llm: Llm, database: Database, library: Library, downloads: Downloads
) -> Office:
    """What the expense jobs work with. Raises SettingError for a policy that cannot be read."""
    home, finance = settings.expenses_currency, frozenset(settings.expenses_finance.split(",")) - {""}
    policy = load_policy(Path(settings.expenses_policy) if settings.expenses_policy else None, home)
    rates = Rates("" if settings.expenses_rates == "none" else settings.expenses_rates)
    return Office(
        slack=slack,
        llm=llm,
        database=database,
        library=library,
        downloads=downloads,
        policy=policy,
        rates=rates,
        books=Books(policy, rates, home, finance),
        home=home,
        approver=settings.expenses_approver,
        finance=finance,
        profiles=Profiles(slack, settings.expenses_manager_field),
        remind_days=settings.expenses_remind_days,
        folder=settings.data_dir / "tmp",
    )


def make_scheduling(settings: Settings, slack: Slack, llm: Llm, database: Database, redis: Any = None) -> Scheduling:
    """What the meeting jobs work with. What Slack tells of places is shared by all processes in `redis`. Raises SettingError."""
    try:
        hours = read_hours(settings.meetings_hours, "UTC")
    except ValueError as error:
        raise SettingError("MEETINGS_HOURS", f"cannot be read: {error}.", "See docs/settings.md.") from error
    rooms = read_rooms(settings.meetings_rooms)
    if settings.smtp_url and not settings.smtp_from:
        raise SettingError("SMTP_FROM", "is missing: invitations are sent from it.", "See docs/settings.md.")
    mailer = Mailer(settings.smtp_url, settings.smtp_from) if settings.smtp_url else None
    external = settings.calendar != "local"
    mails = mailer is not None and settings.calendar in ("local", "caldav")
    register = Register(external=external, mails=mails, copies=settings.calendar == "caldav")
    return Scheduling(
        slack=slack,
        access=Access(Places(slack, redis)),
        llm=llm,
        database=database,
        calendar=make_calendar(settings, database, register),
        register=register,
        people=People(slack, database, rooms, hours),
        mailer=mailer,
        hours=hours,
        rooms=rooms,
        notice=settings.meetings_notice_minutes,
        buffer=settings.meetings_buffer_minutes,
        remind=settings.meetings_remind_minutes,
        link=settings.meetings_link,
        folder=settings.data_dir / "tmp",
    )


def make_delivery(office: Office, scheduling: Scheduling) -> Delivery:
    """What brings cards, words, files, calendar entries and mails to where they are to stand."""
    expenses, meetings, bearing = Showing(office), MeetingsShowing(scheduling), Bearing(scheduling)
    subjects: dict[str, Subjects] = {"E": expenses, "R": expenses, "M": meetings}
    bearers = {EVENT: bearing.event, MAIL: bearing.mail}
    rounds = [
        partial(remind, office),
        partial(keeping.remind, scheduling),
        partial(keeping.look, scheduling),
        partial(keeping.forget, scheduling),
    ]
    return Delivery(office.slack, office.database, office.folder, subjects, bearers, rounds)


def make_performer(office: Office, scheduling: Scheduling, redis: Any) -> Performer:
    """What does the acts of both. `redis` keeps what Home tabs show."""
    expenses, meetings = ExpensesPerforming(office, redis), MeetingsPerforming(scheduling, redis)
    return performer({"expense": expenses.perform, "meet": meetings.perform})
