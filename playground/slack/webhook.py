"""HTTP mode: signed POSTs to the app's request URL."""

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from urllib.parse import urlencode

import aiohttp

from playground.slack.envelope import Envelope, UnansweredError
from playground.slack.installation import Installation
from playground.slack.state import Json


class Webhook:
    """One request URL for events, commands and interactivity."""

    def __init__(self, app: Installation, url: str, acked: Callable[[Envelope, Json | None], None]) -> None:
        self._app = app
        self.url = url
        self._acked = acked
        self._session: aiohttp.ClientSession | None = None

    async def send(self, envelope: Envelope, timeout: float) -> None:
        """One attempt; UnansweredError unless the app answers 2xx in time."""
        answer = await self._post(*self._encoded(envelope), self._retry_headers(envelope), timeout)
        self._acked(envelope, answer)

    async def verify(self) -> bool:
        """The url_verification handshake: whether the app answers with the challenge."""
        challenge = secrets.token_hex(16)
        body = json.dumps({"token": self._app.verification_token, "challenge": challenge, "type": "url_verification"})
        try:
            answer = await self._post(body, "application/json", {}, 3.0)
        except UnansweredError:
            return False
        return answer is not None and challenge in (answer.get("challenge"), answer.get("text"))

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _post(self, body: str, content_type: str, headers: dict[str, str], timeout: float) -> Json | None:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        stamp = str(int(time.time()))  # not the workspace's clock: the app compares it with its own
        digest = hmac.new(self._app.signing_secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
        headers |= {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={digest}",
        }
        try:
            limit = aiohttp.ClientTimeout(total=timeout)
            async with self._session.post(
                self.url, data=body.encode(), headers=headers, timeout=limit, allow_redirects=False
            ) as response:
                text = await response.text()
                if not 200 <= response.status < 300:
                    raise UnansweredError("http_error")
        except TimeoutError:
            raise UnansweredError("http_timeout") from None
        except (aiohttp.ClientError, asyncio.IncompleteReadError):
            raise UnansweredError("connection_failed") from None
        if not text.strip():
            return None
        try:
            answer = json.loads(text)
        except ValueError:
            return {"text": text}
        return answer if isinstance(answer, dict) else None

    def _encoded(self, envelope: Envelope) -> tuple[str, str]:
        match envelope.type:
            case "events_api":
                return json.dumps(envelope.payload), "application/json"
            case "slash_commands":
                return urlencode(envelope.payload), "application/x-www-form-urlencoded"
            case _:
                return urlencode({"payload": json.dumps(envelope.payload)}), "application/x-www-form-urlencoded"

    @staticmethod
    def _retry_headers(envelope: Envelope) -> dict[str, str]:
        if envelope.type != "events_api" or envelope.attempts <= 1:
            return {}
        return {"X-Slack-Retry-Num": str(envelope.attempts - 1), "X-Slack-Retry-Reason": envelope.retry_reason}
