"""Which model answers, and what people are told of it."""

from __future__ import annotations

from bot.errors import ModelGone, Overloaded, RateLimited
from bot.fallback import GONE_SECONDS, OVERLOADED_SECONDS, Fallback

BUSY = Overloaded("HTTP 503 server_is_overloaded")
GONE = ModelGone("404 model_not_found", "gone")


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_an_overload_is_first_waited_out() -> None:
    models = Fallback("sol", "luna")
    assert not models.helps("sol", BUSY, 0)
    assert models.now() == "sol"
    assert models.footnote("sol") == ""


def test_after_the_second_try_the_fallback_answers_for_a_minute() -> None:
    clock = Clock()
    models = Fallback("sol", "luna", clock)
    assert models.helps("sol", RateLimited("429 slow_down"), 1)
    assert models.now() == "luna"
    assert models.footnote("luna-2026-10-01") == "Answered by luna: sol is overloaded."
    clock.now += OVERLOADED_SECONDS + 1
    assert models.now() == "sol"


def test_a_model_that_is_gone_is_not_asked_again_for_an_hour() -> None:
    clock = Clock()
    models = Fallback("sol", "luna", clock)
    assert models.helps("sol", GONE, 0), "there is nothing to wait for"
    clock.now += GONE_SECONDS - 1
    assert models.now() == "luna"
    assert models.footnote("luna") == "Answered by luna: sol is not offered (any more)."


def test_when_both_rest_a_turn_does_not_go_round_in_circles() -> None:
    clock = Clock()
    models = Fallback("sol", "luna", clock)
    assert models.helps("sol", BUSY, 1)
    clock.now += 1
    assert not models.helps("luna", BUSY, 1)
    assert models.now() == "sol", "it will be back first"


def test_a_model_that_is_gone_is_not_asked_while_the_other_is_overloaded() -> None:
    models = Fallback("sol", "luna")
    assert models.helps("sol", GONE, 0)
    assert not models.helps("luna", BUSY, 1)
    assert models.now() == "luna"


def test_a_fallback_that_is_the_same_model_is_none() -> None:
    models = Fallback("sol", "sol")
    assert not models.helps("sol", GONE, 5)
    assert models.now() == "sol"


def test_a_model_whose_name_begins_like_the_others_is_told_apart() -> None:
    models = Fallback("sol", "sol-mini")
    models.helps("sol", BUSY, 1)
    assert models.footnote("sol-mini-2026-10-01") == "Answered by sol-mini: sol is overloaded."
    assert models.footnote("sol-2026-10-01") == ""
