"""Exchange rates from a dated table: the European Central Bank's CSV, from its address or a file."""

from __future__ import annotations

from datetime import date

from bot.expenses.values import Rate


class Rates:
    """The table, fetched when it is first needed and again when it is a few hours old."""

    def __init__(self, source: str) -> None:
        """`source`: an https address or a path of the ECB's CSV or of the zip that holds it; "" for none."""
        self._source = source

    async def refresh(self) -> None:
        """Fetches the table if it is not there or old. Never raises: without a table `find` finds nothing, and the log says why."""

    def find(self, currency: str, home: str, on: date) -> Rate | None:  # noqa: ARG002  # skeleton
        """What one unit of `currency` was worth in `home` on a day: the rate of that day or, over weekends and holidays, of the last day before (at most a week). None where the table has none."""
        return None
