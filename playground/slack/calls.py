"""The log of API calls, and faults that a test plants in them."""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from playground.slack.state import Json


@dataclass(frozen=True, slots=True)
class Call:
    """One API call. `args` are decoded, without the token; `at` is time.monotonic(); `ts` that of the message, if any."""

    method: str
    args: Json
    ok: bool
    error: str
    at: float
    ts: str = ""
    status: int = 200


@dataclass(slots=True)
class Fault:
    """What goes wrong with calls of `method` (a name or a pattern, e.g. "chat.*").

    `times` calls are hit (None: all), after `after` matching ones went well. `status` or `error` is the answer;
    `lost` drops the connection instead. `before` False, or `lost`: the call is done first, so its outcome is unknown
    to the client. `delay` seconds pass before the answer; alone, it only slows the call.

    For "files.download" alone: `login` answers with the HTML login page; `redirect` is where a 302 leads ("login": to the login
    page); `cut` is the share of the bytes (0.5: half) after which the connection ends; `gone`: the file is deleted when half
    is sent, and the connection ends; `spread` seconds pass while the body comes; `content_type` stands in place of the right one.
    """

    method: str
    times: int | None = 1
    status: int = 0
    error: str = ""
    retry_after: int = 1
    when: Callable[[Json], bool] = lambda _args: True
    before: bool = True
    after: int = 0
    lost: bool = False
    delay: float = 0.0
    login: bool = False
    redirect: str = ""
    cut: float | None = None
    gone: bool = False
    spread: float = 0.0
    content_type: str = ""
    hits: int = 0

    @property
    def answers(self) -> bool:
        """Whether the client gets a fault as the answer, or loses it."""
        return bool(self.status or self.error or self.lost)

    @property
    def does(self) -> bool:
        """Whether the call takes effect all the same."""
        return self.lost or not self.before or not self.answers


class Faults:
    """The planted faults, oldest first; the first that matches a call hits it."""

    def __init__(self) -> None:
        self.planted: list[Fault] = []

    def add(
        self,
        method: str,
        *,
        times: int | None = 1,
        status: int = 0,
        error: str = "",
        retry_after: int = 1,
        when: Callable[[Json], bool] = lambda _args: True,
        before: bool = True,
        after: int = 0,
        lost: bool = False,
        delay: float = 0.0,
        login: bool = False,
        redirect: str = "",
        cut: float | None = None,
        gone: bool = False,
        spread: float = 0.0,
        content_type: str = "",
    ) -> Fault:
        """Plant one; its `hits` count the calls it struck. "files.download" and "files.upload" are methods too, and take `status`,
        `lost` and `delay`, a download also what `Fault` says of it; so is "response_url", which takes `status` only.
        """
        fault = Fault(
            method, times, status, error, retry_after, when, before, after, lost, delay,
            login, redirect, cut, gone, spread, content_type,
        )  # fmt: skip
        self.planted.append(fault)
        return fault

    def clear(self) -> None:
        """Let everything go well again."""
        self.planted.clear()

    def take(self, method: str, args: Json) -> Fault | None:
        """The fault that hits this call, counted."""
        for fault in self.planted:
            if (
                (fault.times is not None and fault.hits >= fault.times)
                or not fnmatchcase(method, fault.method)
                or not fault.when(args)
            ):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            fault.hits += 1
            return fault
        return None
