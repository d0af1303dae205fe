"""What people see of expenses, and how they press and fill in."""

from __future__ import annotations

from typing import Any

from playground.slack import SlackServer
from tests.scenarios.seen import answers

LUNCH = {"merchant": "Lidl", "minor": "18.40", "category": "meals", "purpose": "Lunch with a client"}


def messages(slack: SlackServer, person: str) -> list[dict[str, Any]]:
    """What the bot has written to somebody directly."""
    return [m for m in slack.workspace.messages(slack.workspace.dm(person)) if m.get("bot_id")]


def labels(message: dict[str, Any]) -> list[str]:
    """What can be pressed or chosen."""
    rows = [b for b in message.get("blocks") or () if b["type"] == "actions"]
    return [e.get("text", e.get("placeholder"))["text"] for row in rows for e in row["elements"]]


def card(slack: SlackServer, person: str, name: str) -> dict[str, Any] | None:
    """Somebody's card of an expense or a report."""
    of = f"*{name}*" if name.startswith("E") else f"{name} ·"
    return next(
        (
            m
            for m in messages(slack, person)
            if of in str((m.get("blocks") or [""])[0]) and m["blocks"][0]["type"] != "markdown"
        ),
        None,
    )


async def shows(slack: SlackServer, person: str, name: str, *words: str, pressable: str = "") -> dict[str, Any]:
    """Waits until somebody's card of it says that, and has that button; gives it."""

    def there() -> bool:
        found = card(slack, person, name)
        return (
            bool(found) and all(w in str(found) for w in words) and (not pressable or pressable in labels(found or {}))
        )

    await slack.until(there, timeout=10)
    found = card(slack, person, name)
    assert found
    return found


async def told(slack: SlackServer, person: str, word: str) -> None:
    """Waits until somebody was told that."""
    await slack.until(lambda: any(word in said for said in answers(slack, slack.workspace.dm(person).id)), timeout=10)


async def form(slack: SlackServer, person: str, word: str) -> dict[str, Any]:
    """Waits for a form that says that."""
    await slack.until(lambda: word in str(slack.workspace.modal(person)), timeout=10)
    view = slack.workspace.modal(person)
    assert view
    return view


def fill(slack: SlackServer, person: str, view: dict[str, Any], **values: str) -> None:
    """Somebody submits a form."""
    slack.workspace.submit(person, view["id"], {name: {name: value} for name, value in values.items()})


def press(slack: SlackServer, person: str, message: dict[str, Any], action: str, value: Any = None) -> None:
    """Somebody presses a button of a card."""
    slack.workspace.press(person, slack.workspace.dm(person), message["ts"], action, value)


async def add(slack: SlackServer, person: str, name: str, **values: str) -> dict[str, Any]:
    """Somebody enters an expense by the form; its card."""
    slack.workspace.command(person, "general", "/expenses", "new")
    fill(slack, person, await form(slack, person, "Paid with"), **LUNCH | values)
    return await shows(slack, person, name)
