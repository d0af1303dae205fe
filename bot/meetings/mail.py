"""Sends mail over SMTP (RFC 5321): one connection for each mail, in a thread, with timeouts."""

from __future__ import annotations

from email.message import EmailMessage


class Mailer:
    """A mail server. `url` is smtp:// (STARTTLS where the server offers it) or smtps://, with user and password where it wants them."""

    def __init__(self, url: str, sender: str) -> None:
        self.sender = sender
        self._url = url

    async def send(self, message: EmailMessage) -> None:
        """Hands a mail to the server. Raises Retryable (down, slow, 4xx) and CalendarRefused (5xx: the address does not exist, say)."""
        raise NotImplementedError  # skeleton

    async def check(self) -> str:
        """A word for `assist check`: connects and signs in. Raises like `send`."""
        raise NotImplementedError  # skeleton
