"""What goes wrong on Slack's and OpenAI's side: a share of all calls fails, each kind of failure as often as the others."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from playground.openai import OpenAIServer
from playground.openai.errors import ApiError
from playground.openai.faults import Faults, RefusedError
from playground.slack import SlackServer

SLOW = 6.0  # seconds: longer than the bot waits for Slack's answer
# What each does to a call: not done; refused for a second; done but its answer lost; done but an error says otherwise; done late.
SLACK: dict[str, dict[str, Any]] = {
    "500": {"status": 500},
    "429": {"status": 429, "retry_after": 1},
    "answer lost": {"lost": True},
    "500 though done": {"status": 500, "before": False},
    "slow": {"delay": SLOW},
}
OPENAI = ("500", "429", "refused", "slow")


class SlackFaults:
    """Plants faults in a `share` of the calls to Slack."""

    def __init__(self, server: SlackServer, random: Random, share: float) -> None:
        self._server = server
        self._planted = {}
        for n, (kind, what) in enumerate(SLACK.items()):
            # They are tried one after the other: each but the first sees only the calls that the ones before it let pass.
            each = share / len(SLACK)
            chance = each / (1 - n * each)
            self._planted[kind] = server.faults.add("*", times=None, when=_by_chance(random, chance), **what)

    def struck(self) -> Counter[str]:
        """How many calls each kind has hit."""
        return Counter({kind: fault.hits for kind, fault in self._planted.items()})

    def stop(self) -> None:
        """Everything goes well from now on."""
        self._server.faults.clear()


def _by_chance(random: Random, chance: float) -> Callable[[Any], bool]:
    return lambda _args: random.random() < chance


class OpenAIFaults(Faults):
    """Fails a `share` of the requests to OpenAI before they are looked at."""

    def __init__(self, random: Random, share: float) -> None:
        super().__init__()
        self.struck: Counter[str] = Counter()
        self.share = share
        self._random = random

    async def meet(self, path: str, body: Any) -> None:
        """Lets a fault happen, or none."""
        if self._random.random() < self.share:
            kind = self._random.choice(OPENAI)
            self.struck[kind] += 1
            match kind:
                case "500":
                    raise ApiError(500, "Planted.")
                case "429":
                    raise ApiError(429, "Planted.", code="rate_limit_exceeded", headers={"retry-after": "1"})
                case "refused":
                    raise RefusedError
                case _:
                    await asyncio.sleep(SLOW)
        await super().meet(path, body)


class LimitedOpenAI(OpenAIServer):
    """OpenAI with its limits on; `refused` counts the requests that were over them."""

    def __init__(self) -> None:
        super().__init__(limits=True)
        self.refused = 0

    def take(self, model: str, tokens: int) -> None:
        """Spends a request and its tokens; raises 429."""
        try:
            super().take(model, tokens)
        except ApiError:
            self.refused += 1
            raise
