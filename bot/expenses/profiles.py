"""Who is whose manager, as Slack's profiles have it."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

import structlog

from bot.errors import SlackRefused, UserFacing
from bot.slack import Slack

log = structlog.get_logger()

LABEL_SECONDS = 3600.0  # labels are asked for rarely: Slack limits that strictly


class Profiles:
    """Reads the profile field of that label, in which somebody's manager is named."""

    def __init__(self, slack: Slack, label: str) -> None:
        self.label = label
        self._slack = slack
        self._field, self._until = "", 0.0  # the field's id, and until when it counts
        self._warned = False  # of a missing scope

    async def manager(self, person: str) -> str:
        """Whom a person's profile names as manager; "" for nobody, and where the app may not see profiles."""
        try:
            if time.monotonic() < self._until:
                return _person_in(await self._fields({"user": person}), self._field)
            fields = await self._fields({"user": person, "include_labels": True})
        except SlackRefused as refused:
            log.warning("no profile", person=person, error=str(refused))
            return ""
        except UserFacing as error:  # without the scope users.profile:read the set approver has to do
            if not self._warned:
                self._warned = True
                log.warning("managers not known", error=str(error))
            return ""
        for id_, told in fields.items():
            if str(told.get("label") or "").strip().casefold() == self.label.casefold():
                self._field, self._until = id_, time.monotonic() + LABEL_SECONDS
                return _person_in(fields, id_)
        return ""

    async def _fields(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """The custom fields of a profile by their ids: value, alt, and label where that was asked for. Slack tells of none in several ways."""
        fields = (await self._slack.call("users.profile.get", args))["profile"].get("fields")
        return fields if isinstance(fields, dict) else {}


def _person_in(fields: Mapping[str, Any], field: str) -> str:
    """The person's id that a field of the type "user" holds. A manager's name in words is no id."""
    found = re.fullmatch(r"\s*<?@?([UW][A-Z0-9]{2,})>?\s*", str((fields.get(field) or {}).get("value") or ""))
    return found[1] if found else ""
