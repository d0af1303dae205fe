"""The right to search for a person: Slack's action_token, which events of people's messages carry."""

import hashlib
import hmac

from playground.slack.installation import Installation

# Slack calls it short-lived and says no number.
TOKEN_SECONDS = 300


def action_token(app: Installation, now: float, user: str) -> str:
    """A new token of that person, in Slack's form of three parts."""
    body = f"{int(now * 1000) + TOKEN_SECONDS * 1000}.{user}"
    return f"{body}.{_signature(app, body)}"


def bearer(app: Installation, now: float, token: str) -> str:
    """Whose token it is; "" when it is none of ours or has run out."""
    body, _, signature = token.rpartition(".")
    expires, _, user = body.partition(".")
    if not hmac.compare_digest(signature.encode(), _signature(app, body).encode()):
        return ""
    return user if int(expires) > now * 1000 else ""


def _signature(app: Installation, body: str) -> str:
    return hmac.new(app.signing_secret.encode(), body.encode(), hashlib.sha256).hexdigest()[:12]
