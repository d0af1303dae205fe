"""What follows `/meet`, as far as it is answered at once. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.meetings.when.request import read_request
from bot.mrkdwn import escaped

USAGE = (
    "*/meet team sync next Tuesday 2pm 30 min with @ana @raj* books it where everybody is free then, or shows you good times.\n"
    "Add *optional: @kim*, an e-mail address, *every week*, *in room Aquarium* or *online*; without a time I look at the next five working days.\n"
    "*/meet* alone opens a form. */meet list* shows your next meetings."
)
MOST = 2_000  # characters
TOO_LONG = "That is too long for a command. Use `/meet` alone: the form has room for a description."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted: `act`: a worker does it; `form`; `say` is the word that answers it at once."""

    do: Literal["act", "form", "say"]
    say: str = ""


def read_command(text: str) -> Wanted:
    """What somebody wrote behind the command. Nonsense gets the usage; what cannot be, such as 25 hours, what is wrong with it."""
    if len(text) > MOST:
        return Wanted("say", TOO_LONG)
    match text.casefold().split():
        case [] | ["new"]:
            return Wanted("form")
        case ["list"]:
            return Wanted("act")
        case ["help"]:
            return Wanted("say", USAGE)
    request = read_request(text)
    if request.do in ("help", "form"):
        return Wanted("say", USAGE)
    return Wanted("say", escaped(request.refused)) if request.refused else Wanted("act")
