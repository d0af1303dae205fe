"""Keeps what somebody has spent: receipts that they share, and what they say."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from bot.expenses.capture import MOST_FILES, Found, Request, read_receipts
from bot.tools.expenses import CARDS, admitted, opened, refusing, to_ask, told
from bot.tools.tool import Arguments, Asking, Tool


class Capture(Arguments):
    """Where it is told what was spent."""

    files: Annotated[
        list[Annotated[str, Field(max_length=500)]],
        Field(
            max_length=2 * MOST_FILES,
            description="The receipts: names, Slack ids (F…) or links of files; empty for words alone.",
        ),
    ]
    words: Annotated[
        str | None,
        Field(
            max_length=4_000,
            description="The asker's own words about it, unchanged; null where they said nothing of it.",
        ),
    ]


async def _read(args: Capture, asking: Asking) -> Found:
    """Fetches and reads the receipts, before anything is written."""
    office, _ = await admitted(asking)
    sources = asking.sources
    request = Request(
        person=asking.person,
        thread=asking.thread,
        question=asking.question,
        drawn=sources.drawn,
        spend=sources.spend,
    )
    return await read_receipts(office, request, args.files, args.words or "")


async def _keep(_: Capture, asking: Asking) -> dict[str, Any]:
    assert asking.transaction
    office, by = opened(asking)
    found: Found = asking.known
    with refusing():
        kept = [await office.books.capture(asking.transaction, by, draft, original) for draft, original in found.drafts]
    result: dict[str, Any] = {"kept": [told(expense, office.policy) for expense in kept]}
    if found.troubles:
        result["not_kept"] = list(found.troubles)
    if asked := to_ask(kept, office.policy):
        result["ask_now"] = asked
    return result | {"hint": CARDS}


capture_expense = Tool(
    name="capture_expense",
    description=(
        "Keep expenses of the asker: receipts, invoices and tickets that they shared as pictures, PDFs or documents, or what they say "
        "they paid. One call for all files that belong together; another one for what was paid without a receipt. The receipts are read by "
        "this tool: never tell it values yourself. Put the question of `ask_now` to the asker, alone and in their language; say what is in "
        "`not_kept`. A limit is only what a note says."
    ),
    arguments=Capture,
    before=_read,
    run=_keep,
    doing="is reading receipts…",
    effect=True,
    seconds=120.0,
)
