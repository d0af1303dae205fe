"""Microsoft 365 fails: it refuses, is slow, down, full, answers nonsense; tokens expire, are withdrawn, and go nowhere else."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.errors import CalendarRefused, RateLimited, Retryable
from bot.meetings.calendars.microsoft import MicrosoftCalendar
from tests.cloud_world import (
    ANA,
    DAY,
    PEOPLE,
    RAJ,
    Tls,
    an_event,
    at_microsoft,
    graph,
    microsoft_client,
    tls,
)
from tests.graph_server import CLIENT, SECRET, TENANT, GraphServer

__all__ = ["at_microsoft", "graph", "tls"]

ANAS = "/v1.0/users/ana@example.com"


@pytest.mark.parametrize(
    ("status", "code", "word"),
    [
        (401, "InvalidAuthenticationToken", "Calendars.ReadWrite"),
        (403, "ErrorAccessDenied", "Calendars.ReadWrite"),
        (404, "MailboxNotEnabledForRESTAPI", "no mailbox"),
        (400, "ErrorInvalidRequest", "did not accept"),
        (302, "", "did not accept"),
    ],
)
async def test_a_refusal_says_what_an_admin_has_to_do(
    graph: GraphServer, at_microsoft: MicrosoftCalendar, status: int, code: str, word: str
) -> None:
    for on in ("getSchedule", "GET .*/events$", "POST .*/events$"):
        graph.fail(on, status=status, code=code, times=2 if status == 401 else 1)
        with pytest.raises(CalendarRefused, match=word) as refused:
            await (at_microsoft.busy("T1", PEOPLE, DAY) if on == "getSchedule" else at_microsoft.put(an_event()))
        assert refused.value.reason == f"{status} {code}".strip()
    assert graph.faults == []


async def test_an_organizer_without_a_mailbox(at_microsoft: MicrosoftCalendar) -> None:
    with pytest.raises(CalendarRefused, match="no mailbox") as refused:
        await at_microsoft.put(an_event(attendees=(replace(ANA, email="nobody@example.com"), RAJ)))
    assert "nobody" not in f"{refused.value}{refused.value.reason}"


async def test_too_many_requests_are_tried_later(graph: GraphServer, at_microsoft: MicrosoftCalendar) -> None:
    graph.fail("getSchedule", status=429, code="TooManyRequests", headers={"Retry-After": "7"})
    with pytest.raises(RateLimited) as limited:
        await at_microsoft.busy("T1", PEOPLE, DAY)
    assert limited.value.after == 7.0


async def test_faults_and_pages_of_others_are_tried_later(graph: GraphServer, at_microsoft: MicrosoftCalendar) -> None:
    for how in ({"status": 500}, {"status": 503}, {"status": 200, "page": "<html>Sign in</html>"}, {"lost": True}):
        graph.fail("getSchedule", **how)
        with pytest.raises(Retryable, match="Microsoft 365: ") as silent:
            await at_microsoft.busy("T1", PEOPLE, DAY)
        assert silent.value.said == "Microsoft 365 does not answer."
    assert (await at_microsoft.busy("T1", PEOPLE, DAY))["U1"] == ()


@pytest.mark.parametrize(
    ("on", "page"),
    [
        ("getSchedule", '{"value": 3}'),
        ("getSchedule", '{"value": [{"scheduleId": "ana@example.com", "scheduleItems": [{"start": 5}]}]}'),
        ("GET .*/events$", '{"value": [{}]}'),
        ("GET .*/events/", '{"id": "x"}'),
        ("GET .*/events/", '{"start": {"dateTime": "2026-11-24T10:00:00", "timeZone": "Pacific Standard Time"}}'),
    ],
)
async def test_an_answer_that_cannot_be_read_is_no_answer(
    graph: GraphServer, at_microsoft: MicrosoftCalendar, on: str, page: str
) -> None:
    event = an_event()
    await at_microsoft.put(event)
    graph.fail(on, status=200, page=page)
    with pytest.raises(Retryable, match="unreadable"):
        await at_microsoft.busy("T1", PEOPLE, DAY, event.uid)


@pytest.mark.parametrize("on", ["getSchedule", "/token"])
async def test_an_answer_that_never_ends_fills_no_memory(
    graph: GraphServer, at_microsoft: MicrosoftCalendar, on: str
) -> None:
    graph.fail(on, endless=True)
    with pytest.raises(Retryable):
        await at_microsoft.check(ANA)
    assert 0 < graph.sent < 24_000_000


async def test_slow_and_down(graph: GraphServer, tls: Tls) -> None:
    hurried = microsoft_client(graph, tls[1], seconds=0.3)
    graph.fail("getSchedule", wait=2.0)
    with pytest.raises(Retryable, match="TimeoutError"):
        await hurried.busy("T1", PEOPLE, DAY)
    await graph.stop()
    with pytest.raises(Retryable, match="Microsoft 365: ") as down:
        await hurried.put(an_event())
    assert ANA.email not in str(down.value)
    await hurried.close()


# -- tokens -----------------------------------------------------------------------------------------------------------------------


async def test_one_token_serves_all_while_it_lasts(graph: GraphServer, at_microsoft: MicrosoftCalendar) -> None:
    await asyncio.gather(*(at_microsoft.busy("T1", (p,), DAY) for p in PEOPLE))
    assert graph.tokens_asked == 1


async def test_a_token_that_is_about_to_expire_is_replaced(graph: GraphServer, at_microsoft: MicrosoftCalendar) -> None:
    graph.lasts = 60
    for _ in range(2):
        await at_microsoft.busy("T1", PEOPLE, DAY)
    assert graph.tokens_asked == 2


async def test_a_token_that_was_withdrawn_is_replaced_once(graph: GraphServer, at_microsoft: MicrosoftCalendar) -> None:
    await at_microsoft.busy("T1", PEOPLE, DAY)
    graph.tokens.clear()
    await at_microsoft.busy("T1", PEOPLE, DAY)
    assert graph.tokens_asked == 2


@pytest.mark.parametrize("wrong", [{"client": (CLIENT, "expired")}, {"tenant": "nobodys"}])
async def test_a_secret_or_a_directory_that_is_not_accepted(
    graph: GraphServer, tls: Tls, wrong: dict[str, Any]
) -> None:
    client = microsoft_client(graph, tls[1], **wrong)
    with pytest.raises(CalendarRefused, match="MICROSOFT_TENANT") as refused:
        await client.check(ANA)
    await client.close()
    assert refused.value.reason in ("token invalid_client", "token tenant")
    graph.undescribed.clear()


async def test_tokens_that_nobody_gives_out_right_now(graph: GraphServer, at_microsoft: MicrosoftCalendar) -> None:
    graph.fail("openid-configuration", status=503)
    with pytest.raises(Retryable, match="Microsoft 365: "):
        await at_microsoft.check(ANA)
    graph.fail("/token", status=307, headers={"Location": f"{graph.login_url}/elsewhere"})
    with pytest.raises(Retryable, match="TooManyRedirects"):
        await at_microsoft.check(ANA)
    assert graph.tokens_asked == 1, "the redirect was not followed"


async def test_the_secret_and_the_token_go_nowhere_else(
    graph: GraphServer, at_microsoft: MicrosoftCalendar, tls: Tls
) -> None:
    other = await GraphServer().start(tls[0])
    graph.elsewhere = f"{other.login_url}/{TENANT}/oauth2/v2.0"
    with pytest.raises(Retryable, match="InvalidURL"):
        await at_microsoft.check(ANA)
    graph.elsewhere = ""
    fresh = microsoft_client(graph, tls[1])
    graph.fail("getSchedule", status=302, headers={"Location": f"{other.api_url}/v1.0/users"})
    with pytest.raises(CalendarRefused):
        await fresh.check(ANA)
    await fresh.close()
    assert (other.tokens_asked, other.asked) == (0, [])
    await other.stop()


async def test_certificates_are_verified(graph: GraphServer) -> None:
    client = MicrosoftCalendar(TENANT, (CLIENT, SECRET), (graph.login_url, f"{graph.api_url}/v1.0"))
    with pytest.raises(Retryable, match="SSLError"):
        await client.check(ANA)
    await client.close()
    assert graph.tokens_asked == 0


async def test_a_check_says_that_it_works_or_that_the_person_has_no_calendar(
    graph: GraphServer, at_microsoft: MicrosoftCalendar
) -> None:
    assert await at_microsoft.check(ANA) == "acts for people, reads free/busy times"
    graph.fail("getSchedule", status=200, page='{"value": []}')
    with pytest.raises(CalendarRefused, match="no free/busy"):
        await at_microsoft.check(ANA)
