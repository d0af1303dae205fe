"""Zones as people call them: "Berlin time", "CET", "Eastern", "UTC+2". Letters that stand for several zones name them all. Pure."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

_CITIES = (
    "Africa: Cairo Johannesburg Lagos Nairobi Casablanca Accra Tunis Algiers | "
    "America: New_York Los_Angeles Chicago Denver Phoenix Toronto Vancouver Montreal Halifax Mexico_City Bogota Lima Santiago "
    "Sao_Paulo Buenos_Aires Caracas Anchorage Panama Montevideo Puerto_Rico Havana | "
    "Asia: Tokyo Seoul Shanghai Hong_Kong Singapore Taipei Manila Jakarta Bangkok Kolkata Dhaka Karachi Dubai Riyadh Tehran "
    "Jerusalem Beirut Kathmandu Colombo Tashkent Almaty Kuala_Lumpur Qatar Kuwait Baku Tbilisi Yerevan | "
    "Australia: Sydney Melbourne Brisbane Perth Adelaide Darwin Hobart Lord_Howe | "
    "Europe: Lisbon London Dublin Madrid Paris Berlin Rome Amsterdam Brussels Vienna Zurich Prague Warsaw Budapest Stockholm Oslo "
    "Copenhagen Helsinki Athens Bucharest Sofia Istanbul Kiev Moscow Minsk Belgrade Zagreb Riga Vilnius Tallinn Luxembourg "
    "Malta Bratislava Ljubljana | "
    "Pacific: Auckland Honolulu Fiji | Atlantic: Reykjavik Azores Madeira"
)
_OTHER_CITIES = {
    "Europe/Berlin": "munich hamburg frankfurt germany german",
    "Europe/Paris": "lyon france french",
    "Europe/Lisbon": "porto portugal portuguese lisboa",
    "Europe/London": "edinburgh manchester uk british",
    "Europe/Madrid": "barcelona spain spanish",
    "Europe/Rome": "milan italy italian",
    "Europe/Zurich": "geneva switzerland swiss",
    "Europe/Kiev": "kyiv",
    "Asia/Kolkata": "mumbai delhi bangalore bengaluru chennai hyderabad calcutta india indian",
    "Asia/Shanghai": "beijing shenzhen china chinese",
    "Asia/Tokyo": "osaka japan japanese",
    "Asia/Jerusalem": "israel",
    "Asia/Dubai": "abu_dhabi",
    "America/New_York": "nyc boston miami atlanta washington philadelphia eastern et",
    "America/Chicago": "dallas houston austin central ct",
    "America/Denver": "mountain mt",
    "America/Los_Angeles": "seattle san_francisco sf la portland pacific pt california",
    "America/Sao_Paulo": "são_paulo",
}
_FIXED = {  # letters: the zone whose winter or summer time they name, and the hours from UTC that they name
    "cet": ("Europe/Berlin", 1),
    "cest": ("Europe/Berlin", 2),
    "wet": ("Europe/Lisbon", 0),
    "west": ("Europe/Lisbon", 1),
    "eet": ("Europe/Helsinki", 2),
    "eest": ("Europe/Helsinki", 3),
    "est": ("America/New_York", -5),
    "edt": ("America/New_York", -4),
    "cdt": ("America/Chicago", -5),
    "mst": ("America/Denver", -7),
    "mdt": ("America/Denver", -6),
    "pst": ("America/Los_Angeles", -8),
    "pdt": ("America/Los_Angeles", -7),
    "akst": ("America/Anchorage", -9),
    "akdt": ("America/Anchorage", -8),
    "aest": ("Australia/Sydney", 10),
    "aedt": ("Australia/Sydney", 11),
    "nzst": ("Pacific/Auckland", 12),
    "nzdt": ("Pacific/Auckland", 13),
}
_LETTERS = {
    "utc": ("UTC",),
    "gmt": ("UTC",),
    "zulu": ("UTC",),
    "msk": ("Europe/Moscow",),
    "jst": ("Asia/Tokyo",),
    "kst": ("Asia/Seoul",),
    "sgt": ("Asia/Singapore",),
    "hkt": ("Asia/Hong_Kong",),
    "awst": ("Australia/Perth",),
    "brt": ("America/Sao_Paulo",),
    "hst": ("Pacific/Honolulu",),
    "cst": ("America/Chicago", "Asia/Shanghai"),
    "ist": ("Asia/Kolkata", "Europe/Dublin", "Asia/Jerusalem"),
    "bst": ("Europe/London", "Asia/Dhaka"),
    "ast": ("America/Halifax", "Asia/Riyadh"),
}
_PARTS = {330: "Asia/Kolkata", 345: "Asia/Kathmandu", 570: "Australia/Darwin", 270: "Asia/Kabul", 390: "Asia/Yangon"}
_OFFSET = re.compile(r"(?:utc|gmt)? ?([+-]) ?(\d{1,2})(?::?([0-5]\d))?")


def _named() -> dict[str, str]:
    names = dict[str, str]()
    for part in _CITIES.split(" | "):
        region, cities = part.split(": ")
        names |= {city.lower().replace("_", " "): f"{region}/{city}" for city in cities.split()}
    return names | {word.replace("_", " "): zone for zone, words in _OTHER_CITIES.items() for word in words.split()}


_NAMES = _named()
SHORT = (
    "utc",
    "gmt",
    *sorted({*_FIXED, *_LETTERS} - {"west"}),
    "eastern",
    "central",
    "mountain",
    "pacific",
    "et",
    "pt",
)
CITIES = tuple(sorted(_NAMES, key=len, reverse=True))  # the longest first, as patterns need them


def zones_of(words: str) -> tuple[str, ...]:
    """The IANA names that somebody may mean by the words; () where nobody knows. Two of them may have the same time on a day."""
    name = " ".join(words.replace("_", " ").lower().split()).removesuffix(" time").removeprefix("the ").strip()
    name = name.removesuffix(" standard").removesuffix(" daylight").strip()
    if name in _NAMES:
        return (_NAMES[name],)
    if name in _LETTERS:
        return _LETTERS[name]
    if name in _FIXED:
        region, hours = _FIXED[name]
        return (region, fixed(60 * hours) or region)
    if found := _OFFSET.fullmatch(name):
        minutes = int(found[2]) * 60 + int(found[3] or 0)
        there = fixed(-minutes if found[1] == "-" else minutes)
        return (there,) if there else ()
    exact = words.strip()
    return (exact,) if zone_info(exact) and ("/" in exact or exact == "UTC") else ()


def fixed(minutes: int) -> str:
    """The IANA name of a zone that is always so many minutes ahead of UTC; "" where there is none."""
    if minutes % 60 == 0 and -12 <= minutes // 60 <= 14:
        return f"Etc/GMT{-minutes // 60:+d}" if minutes else "UTC"
    return _PARTS.get(minutes, "")


def zone_info(name: str) -> ZoneInfo | None:
    """The zone of that IANA name; None where there is none."""
    try:
        return ZoneInfo(name) if re.fullmatch(r"[A-Za-z0-9_+/-]{1,64}", name) else None
    except (ValueError, OSError, LookupError):  # no such zone, or a folder of zones
        return None


def zone_name(name: str) -> str:
    """The zone as people are told it: "Europe/Lisbon", "UTC+2"."""
    if name.startswith("Etc/GMT"):
        return f"UTC{-int(name.removeprefix('Etc/GMT') or 0):+d}"
    return name
