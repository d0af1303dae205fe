"""What the Home tab shows of the assistant's knowledge: written by who changes it, read by the web process, which has no database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bot import keys

MOST = 200  # files that are kept for showing; the Home tab has room for 20


@dataclass(frozen=True, slots=True)
class Shelved:
    """A file of the assistant's knowledge. `id` is Slack's, or one of ours where it came from the command line."""

    id: str
    name: str
    visibility: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """A workspace's knowledge. `count` is how many files there are in all."""

    files: tuple[Shelved, ...] = ()
    count: int = 0


async def put(redis: Any, team: str, files: Sequence[Shelved]) -> None:
    """Notes what is there now."""
    shown = {"count": len(files), "files": [asdict(f) for f in files[:MOST]]}
    await redis.set(keys.knowledge(team), json.dumps(shown, ensure_ascii=False))


async def read(redis: Any, team: str) -> Shelf:
    """What was noted last; nothing where nobody has noted anything, or another version has."""
    try:
        kept = json.loads(await redis.get(keys.knowledge(team)) or "{}")
        return Shelf(tuple(Shelved(**f) for f in kept.get("files", ())), int(kept.get("count", 0)))
    except (ValueError, TypeError, AttributeError):
        return Shelf()
