"""Google Calendar fails: it refuses, is slow, down, full, answers nonsense; tokens expire, are withdrawn, and go nowhere else."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.errors import CalendarRefused, RateLimited, Retryable
from bot.meetings.calendars.google import GoogleCalendar
from bot.meetings.calendars.tokens import Tokens, TokenSession
from bot.meetings.values import Attendee
from tests.cloud_world import (
    ANA,
    DAY,
    NO_MAIL,
    PEOPLE,
    RAJ,
    Tls,
    an_event,
    at_google,
    google,
    google_client,
    tls,
)
from tests.google_server import GoogleServer

__all__ = ["at_google", "google", "tls"]

EVENTS = "/calendars/primary/events"


@pytest.mark.parametrize(
    ("status", "code", "word"),
    [
        (401, "authError", "delegation"),
        (403, "forbidden", "delegation"),
        (404, "notFound", "no calendar"),
        (400, "invalid", "did not accept"),
        (302, "", "did not accept"),
    ],
)
async def test_a_refusal_says_what_an_admin_has_to_do(
    google: GoogleServer, at_google: GoogleCalendar, status: int, code: str, word: str
) -> None:
    google.fail("freeBusy", status=status, code=code, times=2)
    with pytest.raises(CalendarRefused, match=word) as refused:
        await at_google.busy("T1", PEOPLE, DAY)
    assert refused.value.reason == f"{status} {code}".strip()
    google.fail(f"POST {EVENTS}", status=status, code=code, times=2)
    with pytest.raises(CalendarRefused, match=word):
        await at_google.put(an_event())


@pytest.mark.parametrize(("status", "code"), [(429, "rateLimitExceeded"), (403, "userRateLimitExceeded")])
async def test_too_many_requests_are_tried_later(
    google: GoogleServer, at_google: GoogleCalendar, status: int, code: str
) -> None:
    google.fail("freeBusy", status=status, code=code, headers={"Retry-After": "7"})
    with pytest.raises(RateLimited) as limited:
        await at_google.busy("T1", PEOPLE, DAY)
    assert limited.value.after == (7.0 if status == 429 else None)


async def test_faults_and_pages_of_others_are_tried_later(google: GoogleServer, at_google: GoogleCalendar) -> None:
    for how in ({"status": 500}, {"status": 503}, {"status": 200, "page": "<html>Sign in</html>"}, {"lost": True}):
        google.fail("freeBusy", **how)
        with pytest.raises(Retryable, match="Google Calendar: ") as silent:
            await at_google.busy("T1", PEOPLE, DAY)
        assert silent.value.said == "Google Calendar does not answer."
    assert (await at_google.busy("T1", PEOPLE, DAY))["U1"] == ()


@pytest.mark.parametrize(
    "page",
    [
        '{"calendars": 3}',
        '{"calendars": {"ana@example.com": {"busy": [{"start": 5}]}}}',
        '{"calendars": {"ana@example.com": {"busy": 5}}}',
        "[]",
        '{"calendars": {}, "x": "' + "x" * 9_000_000 + '"}',
    ],
)
async def test_an_answer_that_cannot_be_read_is_no_answer(
    google: GoogleServer, at_google: GoogleCalendar, page: str
) -> None:
    google.fail("freeBusy", status=200, page=page)
    with pytest.raises(Retryable, match="Google Calendar: "):
        await at_google.busy("T1", PEOPLE, DAY)


@pytest.mark.parametrize(
    "page", ['{"start": {"dateTime": "x"}, "end": {"dateTime": ""}}', '{"attendees": 3, "sequence": {}}']
)
async def test_nor_is_an_event(google: GoogleServer, at_google: GoogleCalendar, page: str) -> None:
    stored = await at_google.put(an_event())
    google.fail(f"GET {EVENTS}", status=200, page=page)
    with pytest.raises(Retryable):
        await at_google.put(an_event(ref=stored.ref))


async def test_a_fault_ends_the_questions_that_run_beside_it(google: GoogleServer, at_google: GoogleCalendar) -> None:
    many = tuple(Attendee(id=f"U{i}", name="", email=f"p{i}@example.com") for i in range(120))
    google.people |= {p.email for p in many}
    await at_google.busy("T1", many[:1], DAY)
    google.fail("freeBusy", status=500)
    google.fail("freeBusy", wait=30)
    async with asyncio.timeout(3):
        with pytest.raises(Retryable):
            await at_google.busy("T1", many, DAY)


@pytest.mark.parametrize("on", ["freeBusy", "/token"])
async def test_an_answer_that_never_ends_fills_no_memory(
    google: GoogleServer, at_google: GoogleCalendar, on: str
) -> None:
    google.fail(on, endless=True)
    with pytest.raises(Retryable):
        await at_google.check(ANA)
    assert 0 < google.sent < 24_000_000


async def test_slow_and_down(google: GoogleServer, tls: Tls) -> None:
    hurried = google_client(google, tls[1], seconds=0.3)
    google.fail("freeBusy", wait=2.0)
    with pytest.raises(Retryable, match="TimeoutError"):
        await hurried.busy("T1", PEOPLE, DAY)
    await google.stop()
    with pytest.raises(Retryable, match="Google Calendar: ") as down:
        await hurried.put(an_event())
    assert ANA.email not in str(down.value)
    await hurried.close()


async def test_without_the_organizers_address_there_is_no_calendar(at_google: GoogleCalendar) -> None:
    with pytest.raises(CalendarRefused, match="address"):
        await at_google.put(an_event(attendees=(NO_MAIL, RAJ)))


# -- tokens -----------------------------------------------------------------------------------------------------------------------


async def test_a_token_is_used_while_it_lasts(google: GoogleServer, at_google: GoogleCalendar) -> None:
    await asyncio.gather(*(at_google.busy("T1", PEOPLE, DAY) for _ in range(5)))
    assert google.tokens_asked == 1
    await at_google.busy("T1", (RAJ,), DAY)
    assert [who for who, _ in google.tokens.values()] == [ANA.email, RAJ.email]


async def test_a_token_that_is_about_to_expire_is_replaced(google: GoogleServer, at_google: GoogleCalendar) -> None:
    google.lasts = 60
    for _ in range(2):
        await at_google.busy("T1", PEOPLE, DAY)
    assert google.tokens_asked == 2


async def test_a_token_that_was_withdrawn_is_replaced_once(google: GoogleServer, at_google: GoogleCalendar) -> None:
    await at_google.busy("T1", PEOPLE, DAY)
    google.tokens.clear()
    await at_google.busy("T1", PEOPLE, DAY)
    assert google.tokens_asked == 2


def test_so_many_tokens_are_kept_and_no_more() -> None:
    asked: list[str] = []

    def fetch(who: str) -> tuple[str, float]:
        asked.append(who)
        return f"token of {who}", 3600.0

    async def use(tokens: Tokens) -> None:
        for who in ("a", "b", "a", "c", "a", "b"):
            assert await tokens.get(who) == f"token of {who}"

    asyncio.run(use(Tokens(fetch, most=2)))
    assert asked == ["a", "b", "c", "b"]


async def test_no_delegation(google: GoogleServer, at_google: GoogleCalendar) -> None:
    google.delegated = False
    with pytest.raises(CalendarRefused, match="domain-wide delegation") as refused:
        await at_google.check(ANA)
    assert refused.value.reason == "token unauthorized_client"


async def test_somebody_whom_google_does_not_know(at_google: GoogleCalendar) -> None:
    with pytest.raises(CalendarRefused, match="does not know") as refused:
        await at_google.put(an_event(attendees=(replace(ANA, email="nobody@example.com"), RAJ)))
    assert "nobody" not in f"{refused.value}{refused.value.reason}"


async def test_a_key_that_is_not_the_accounts(google: GoogleServer, tls: Tls) -> None:
    other = GoogleServer(key=rsa.generate_private_key(65537, 2048))
    other.login_url = google.login_url
    session = TokenSession(google.login_url)
    session.verify = str(tls[1])
    client = GoogleCalendar(other.key(), google.api_url, session=session)
    with pytest.raises(CalendarRefused, match="key"):
        await client.check(ANA)
    await client.close()


async def test_tokens_that_nobody_gives_out_right_now(google: GoogleServer, at_google: GoogleCalendar) -> None:
    google.fail("/token", status=307, headers={"Location": f"{google.login_url}/elsewhere"})
    with pytest.raises(Retryable, match="Google Calendar: "):
        await at_google.check(ANA)
    assert google.tokens_asked == 1, "the redirect was not followed"


async def test_a_token_goes_nowhere_else(google: GoogleServer, at_google: GoogleCalendar) -> None:
    google.fail("freeBusy", status=302, headers={"Location": f"{google.api_url}/elsewhere"})
    with pytest.raises(CalendarRefused):
        await at_google.check(ANA)
    assert google.asked == ["POST /freeBusy"]


async def test_certificates_are_verified(google: GoogleServer) -> None:
    client = GoogleCalendar(google.key(), google.api_url)
    with pytest.raises(Retryable, match="TransportError"):
        await client.check(ANA)
    await client.close()
    assert google.tokens_asked == 0


async def test_a_check_says_that_it_works_or_that_the_person_has_no_calendar(
    google: GoogleServer, at_google: GoogleCalendar
) -> None:
    assert await at_google.check(ANA) == "acts for people, reads free/busy times"
    google.people.discard(ANA.email)
    with pytest.raises(CalendarRefused, match="no free/busy"):
        await at_google.check(ANA)
