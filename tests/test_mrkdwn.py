"""Slack's markup, as the model reads it."""

from __future__ import annotations

import pytest

from bot.mrkdwn import addresses_other, mentions, plain

ME = "U000ASSIST"
NAMES = {"U000000ANA": "ana", "W000000RAJ": "Raj Patel"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<@U000ASSIST> hello", "hello"),
        ("<@U000ASSIST|assist>, hello", ", hello"),
        ("hello <@U000ASSIST> there", "hello there"),
        ("<@U000ASSIST>", ""),
        ("ask <@U000000ANA> and <@W000000RAJ>", "ask @ana and @Raj Patel"),
        ("ask <@U0STRANGER> or <@U0STRANGER|sam>", "ask @U0STRANGER or @sam"),
        ("in <#C00GENERAL|general> or <#C0PRIVATE>", "in #general or #C0PRIVATE"),
        ("<!here> <!channel|@channel> <!subteam^S012345|@sales> <!subteam^S012345>", "@here @channel @sales @subteam"),
        ("<!date^1392734382^{date}|Feb 18, 2014>", "Feb 18, 2014"),
        ("<https://example.com>", "https://example.com"),
        ("<https://example.com|the page>", "[the page](https://example.com)"),
        ("<https://example.com?a=1&amp;b=2>", "https://example.com?a=1&b=2"),
        ("<mailto:ana@example.com|ana@example.com>", "[ana@example.com](mailto:ana@example.com)"),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2", "1 < 2 && 3 > 2"),
        ("typed: &lt;@U000ASSIST&gt; and &amp;lt;", "typed: <@U000ASSIST> and &lt;"),
        ("*bold* _it_ ~no~ `code`", "*bold* _it_ ~no~ `code`"),
        ("<@U000ASSIST>\n```def f():\n    return  1```", "```def f():\n    return  1```"),
        ("  ", ""),
    ],
)
def test_markup_becomes_words(text: str, words: str) -> None:
    assert plain(text, NAMES, ME) == words


def test_without_a_self_every_mention_is_named() -> None:
    assert plain("<@U000ASSIST> hi", {"U000ASSIST": "assist"}) == "@assist hi"


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("<@U000000ANA> and <@W000000RAJ|raj>, <@U000000ANA>", ("U000000ANA", "W000000RAJ", "U000000ANA")),
        ("&lt;@U000000ANA&gt; @ana <#C00GENERAL> <!here>", ()),
    ],
)
def test_mentions_are_found(text: str, ids: tuple[str, ...]) -> None:
    assert mentions(text) == ids


@pytest.mark.parametrize(
    "text",
    [
        "<@W000000RAJ> can you look?",
        "<@W000000RAJ|raj>, can you look?",
        "hey <@W000000RAJ>, look",
        "Thanks <@W000000RAJ>!",
        "ok, and <@W000000RAJ> you?",
        "<!subteam^S012345|@sales> what do you say?",
        "what do you think, <@W000000RAJ>?",
        "over to you - <@W000000RAJ>",
        "what do you think, <@W000000RAJ>?  \n",
    ],
)
def test_somebody_else_is_addressed(text: str) -> None:
    assert addresses_other(text, ME)


@pytest.mark.parametrize(
    "text",
    [
        "book a room with <@W000000RAJ> on Friday",
        "what did <@W000000RAJ> say?",
        "is it the fault of <@W000000RAJ>?",
        "<@U000ASSIST> tell <@W000000RAJ>",
        "<@W000000RAJ> and <@U000ASSIST>: look",
        "&lt;@W000000RAJ&gt; is how a mention is written",
        "<https://example.com|@raj> is a link",
        "and now?",
        "",
    ],
)
def test_somebody_else_is_only_talked_about(text: str) -> None:
    assert not addresses_other(text, ME)
