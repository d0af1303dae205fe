"""The signs and words that people and receipts write for a currency, beside its code. Pure data."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from babel import Locale, UnknownLocaleError

DOLLARS = (
    "USD AUD BBD BMD BND BSD BZD CAD FJD GYD HKD JMD KYD LRD NAD NZD SBD SGD SRD TTD TWD XCD "
    "ARS CLP COP CUP DOP MXN UYU NIO BRL CVE"
)
# A sign of several currencies contradicts none of them; capitals do not matter.
SIGNS = {
    "$": DOLLARS,
    "€": "EUR",
    "£": "GBP EGP FKP GIP SDG SHP SSP SYP",
    "¥": "JPY CNY",
    "₹": "INR",
    "₽": "RUB",
    "₩": "KRW KPW",
    "₺": "TRY",
    "₪": "ILS",
    "₴": "UAH",
    "฿": "THB",
    "₫": "VND",
    "₱": "PHP",
    "₦": "NGN",
    "₵": "GHS",
    "₡": "CRC",
    "₲": "PYG",
    "₸": "KZT",
    "₾": "GEL",
    "euro": "EUR",
    "euros": "EUR",
    "dollar": DOLLARS,
    "dollars": DOLLARS,
    "us$": "USD",
    "a$": "AUD",
    "au$": "AUD",
    "c$": "CAD",
    "ca$": "CAD",
    "nz$": "NZD",
    "hk$": "HKD",
    "s$": "SGD",
    "nt$": "TWD",
    "mx$": "MXN",
    "r$": "BRL",
    "pound": "GBP EGP",
    "pounds": "GBP EGP",
    "stg": "GBP",
    "yen": "JPY",
    "円": "JPY",
    "日元": "JPY",
    "yuan": "CNY",
    "rmb": "CNY",
    "cn¥": "CNY",
    "jp¥": "JPY",
    "元": "CNY TWD HKD",
    "圓": "TWD HKD",
    "원": "KRW",
    "rs": "INR PKR LKR NPR MUR SCR",
    "rupees": "INR PKR LKR NPR MUR SCR",
    "kr": "SEK NOK DKK ISK",
    "fr": "CHF XOF XAF XPF",
    "sfr": "CHF",
    "franken": "CHF",
    "zł": "PLN",
    "zl": "PLN",
    "kč": "CZK",
    "kc": "CZK",
    "ft": "HUF",
    "lei": "RON MDL",
    "leu": "RON MDL",
    "лв": "BGN",
    "руб": "RUB",  # noqa: RUF001 - Cyrillic is meant
    "грн": "UAH",
    "дин": "RSD",
    "din": "RSD",
    "tl": "TRY",
    "nis": "ILS",
    "rm": "MYR",
    "rp": "IDR",
    "r": "ZAR",
    "kd": "KWD",
    "dhs": "AED MAD",
    "dh": "AED MAD",
    "د.ك": "KWD",
    "د.إ": "AED",
}


@lru_cache(1024)
def signs(currency: str, language: str = "") -> frozenset[str]:
    """What may stand for a currency in a text: its code, its signs and words, and by CLDR what the language writes for it. Small letters, no point at the end."""
    found = {currency} | {sign for sign, codes in SIGNS.items() if currency in codes.split()}
    for name in ("en", language.replace("-", "_")):
        try:
            locale = Locale.parse(name) if name else None
        except (ValueError, UnknownLocaleError):
            continue
        if locale:
            symbol = locale.currency_symbols.get(currency, currency)
            found.update("".join(c for c in symbol if unicodedata.category(c) != "Cf").split())
    return frozenset(sign.casefold().rstrip(".") for sign in found)
