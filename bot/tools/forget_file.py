"""Has a file forgotten that was shared with the assistant. In Slack it stays."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bot.tools.tool import Arguments

NOT_HERE = "There is no file {wanted!r} here that I could forget."
NOT_THEIRS = "Only who shared a file, or an admin of the workspace, can have it forgotten."
SHOWN = 5


class Forget(Arguments):
    """Which file."""

    file: Annotated[
        str,
        Field(min_length=1, max_length=500, description="The file's whole name, its Slack id (F…) or a link to it."),
    ]
