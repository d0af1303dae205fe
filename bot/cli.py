"""The command line: `assist run | web | worker | playground | check | dead | replay | knowledge | expenses`."""

from __future__ import annotations

import argparse
import asyncio
import gc
import re
import sys
from collections.abc import Callable, Coroutine
from datetime import date
from pathlib import Path
from typing import Any

from bot.errors import SettingError
from bot.logs import set_up_logs
from bot.settings import Settings, read_settings

Command = Callable[[Settings, argparse.Namespace], Coroutine[Any, Any, int]]


async def _run(settings: Settings, args: argparse.Namespace) -> int:
    gc.disable()  # looking for garbage is a fifth of the time that these imports take, and there is none
    from bot.compose import run

    gc.freeze()  # nor need it be looked for there later, while people wait
    gc.enable()
    if args.command == "run" and args.or_playground and not settings.slack_bot_token:
        print("SLACK_BOT_TOKEN is not set: starting the playground, which needs none.")
        return await _playground(settings, _parser().parse_args(["playground"]))
    await run(settings, receive=args.command in ("run", "web"), work=args.command in ("run", "worker"))
    return 0


async def _playground(settings: Settings, args: argparse.Namespace) -> int:
    from playground.demo import play

    await play(settings, port=args.port, record=args.record, limits=args.limits)
    return 0


async def _check(settings: Settings, _: argparse.Namespace) -> int:
    from bot.check import check

    return await check(settings)


async def _dead(settings: Settings, _: argparse.Namespace) -> int:
    from bot.compose import open_redis
    from bot.queue import Queue

    async with open_redis(settings) as redis:
        rows = await Queue(redis, "cli").dead()
    for row in rows:
        print(f"{row.id}  {row.thread}  {len(row.messages)} message(s)  reference {row.reference}  {row.reason}")
        for message in row.messages:
            print(f"    {message.user} at {message.ts}: {len(message.text)} characters")
    print(f"{len(rows)} dead turn(s). Replay one with: assist replay ID")
    return 0


async def _replay(settings: Settings, args: argparse.Namespace) -> int:
    from bot.compose import open_redis
    from bot.queue import Queue

    async with open_redis(settings) as redis:
        found = await Queue(redis, "cli").replay(args.id)
    print(
        f"{args.id} is back in the queue." if found else f"There is no dead turn {args.id}; `assist dead` lists them."
    )
    return 0 if found else 1


async def _knowledge(settings: Settings, args: argparse.Namespace) -> int:
    from bot.knowledge_cli import knowledge

    return await knowledge(settings, args)


async def _expenses(settings: Settings, args: argparse.Namespace) -> int:
    from bot.expenses.cli import expenses

    return await expenses(settings, args)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="assist", description="An AI assistant that lives in a Slack workspace.")
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, run: Command, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        return command

    run = add("run", _run, "Receive events and work on them, in one process.")
    run.add_argument(
        "--or-playground", action="store_true", help="start the playground when SLACK_BOT_TOKEN is not set"
    )
    add("web", _run, "Receive events only.")
    add("worker", _run, "Work on them only.")
    play = add(
        "playground", _playground, "A local Slack workspace in the browser with the bot in it; no account needed."
    )
    play.add_argument("--port", type=_port, default=8000, help="of the page (8000)")
    play.add_argument("--record", type=Path, metavar="FILE", help="write every Slack and OpenAI call as a line of JSON")
    play.add_argument("--limits", action="store_true", help="enforce Slack's and OpenAI's rate limits")
    add("check", _check, "Test every credential, scope and server, and print a table.")
    add("dead", _dead, "List the turns that failed for good.")
    add("replay", _replay, "Put a dead turn back into the queue.").add_argument("id", help="as `assist dead` prints it")
    _knowledge_actions(add("knowledge", _knowledge, "Files that the assistant answers from everywhere."))
    _expenses_actions(
        add("expenses", _expenses, "Export approved expense reports, note what was paid, verify the audit trail.")
    )
    return parser


def _knowledge_actions(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, help=text, description=text)

    adding = add("add", "Give the assistant files.")
    adding.add_argument("files", nargs="+", metavar="FILE", type=Path)
    add("list", "List what it was given.")
    add("remove", "Take files away.").add_argument("names", nargs="+", metavar="NAME", help="a name or id of the list")
    syncing = add("sync", "Make it what is in a folder; what the folder had the last time and has no more is removed.")
    syncing.add_argument("folder", metavar="DIR", type=Path)
    for action in (adding, syncing):
        words = "who may be told: full members (the default), or guests and other companies too"
        action.add_argument("--visibility", choices=("workspace", "everyone"), default="workspace", help=words)


def _expenses_actions(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("--team", default="", metavar="ID", help="the workspace; the bot's own if left out")
        return action

    export = add("export", "Write the reports that were approved in some days to a file.")
    export.add_argument(
        "--from", dest="since", help="the first day (UTC)", type=_day, required=True, metavar="YYYY-MM-DD"
    )
    export.add_argument(
        "--to", dest="until", help="the last day; it counts", type=_day, required=True, metavar="YYYY-MM-DD"
    )
    export.add_argument("--format", choices=("csv", "xlsx"), help="csv, or what --out ends with")
    export.add_argument("--out", type=Path, metavar="FILE", help="where to; it must not be there yet")
    words = "only those not exported yet, and note that they are; without it, also those that are exported or paid"
    export.add_argument("--mark", action="store_true", help=words)
    paid = add("paid", "Note that exported reports were paid.")
    paid.add_argument("reports", nargs="+", type=_report, metavar="REPORT", help="as R-3")
    add("audit", "Verify that nobody has changed the audit trail.")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a day is written as 2026-11-30") from None


def _report(text: str) -> int:
    if not (found := re.fullmatch(r"(?:R-)?([1-9][0-9]{0,8})", text, re.IGNORECASE)):
        raise argparse.ArgumentTypeError("a report is written as R-3")
    return int(found.group(1))


def main(argv: list[str] | None = None) -> None:
    """Runs a command; exits 2 with the setting's name where one is missing or wrong."""
    args = _parser().parse_args(argv)
    try:
        settings = read_settings()
        set_up_logs(settings.log_level if args.command in ("run", "web", "worker") else "WARNING")
        sys.exit(asyncio.run(args.run(settings, args)))
    except SettingError as error:
        print(f"assist: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
