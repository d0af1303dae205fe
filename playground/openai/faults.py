"""Faults on demand: the errors, delays and dropped connections that a bot must survive."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from playground.openai.errors import ApiError


class RefusedError(ConnectionError):
    """Drop the connection without an answer."""


@dataclass
class Fault:
    """One thing that goes wrong `times` times on requests whose path ends in `path`."""

    path: str
    times: int = 1
    status: int = 500
    code: str | None = None
    param: str | None = None
    message: str = "The server had an error while processing your request."
    headers: Mapping[str, str] = field(default_factory=dict)
    refuse: bool = False
    delay: float = 0.0
    when: Callable[[Any], bool] = lambda _body: True


class Faults:
    """The faults that wait to happen, in the order they were added."""

    def __init__(self) -> None:
        self.pending: list[Fault] = []

    def add(self, path: str, **what: Any) -> None:
        """Plan a fault; `what` are the fields of `Fault`. A delay alone (`status=0`) answers late, but well."""
        self.pending.append(Fault(path, **what))

    async def meet(self, path: str, body: Any) -> None:
        """Let the first fault for this request happen: sleep, raise `ApiError`, or raise `RefusedError`."""
        fault = next((f for f in self.pending if path.endswith(f.path) and f.when(body)), None)
        if fault is None:
            return
        fault.times -= 1
        if fault.times <= 0:
            self.pending.remove(fault)
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.refuse:
            raise RefusedError
        if fault.status:
            type_ = fault.code if fault.code == "insufficient_quota" else None
            raise ApiError(
                fault.status, fault.message, code=fault.code, param=fault.param, type_=type_, headers=fault.headers
            )
