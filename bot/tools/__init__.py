"""What the model may call. One thin file a tool; the list below is all there is."""

from __future__ import annotations

from bot.tools import (
    cancel_meeting,
    capture_expense,
    change_expense,
    clock,
    create_meeting,
    expense_report,
    find_times,
    forget_file,
    list_expenses,
    list_files,
    list_meetings,
    notes,
    read_channel,
    read_file,
    read_thread,
    reschedule_meeting,
    search_messages,
    who_is,
)
from bot.tools.tool import Asking, Tool

TOOLS: tuple[Tool, ...] = (
    clock.current_time,
    notes.remember,
    notes.recall,
    read_thread.read_thread,
    read_channel.read_channel,
    search_messages.search_messages,
    who_is.who_is,
    read_file.read_file,
    list_files.list_files,
    forget_file.forget_file,
    capture_expense.capture_expense,
    list_expenses.list_expenses,
    change_expense.change_expense,
    expense_report.expense_report,
    find_times.find_times,
    create_meeting.create_meeting,
    reschedule_meeting.reschedule_meeting,
    cancel_meeting.cancel_meeting,
    list_meetings.list_meetings,
)

__all__ = ["TOOLS", "Asking", "Tool"]
