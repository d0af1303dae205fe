"""Names of files as people and the model may see them: somebody chose them. Pure."""

from __future__ import annotations

import re
import unicodedata

NAME_CHARACTERS = 120
JOINERS = "\u200c\u200d"  # what Persian words and emoji need, of all that is invisible


def clean_name(text: str) -> str:
    """A name without folders, without what cannot be seen or turns the text around, and not too long; never empty."""
    text = re.split(r"[/\\]", unicodedata.normalize("NFC", text).rstrip("/\\"))[-1]
    seen = (c for c in text if c.isspace() or c in JOINERS or unicodedata.category(c)[0] != "C")
    name = " ".join("".join(seen).split()).strip(f". {JOINERS}")
    if len(name) > NAME_CHARACTERS:
        stem, dot, suffix = name.rpartition(".")
        keep = f"{dot}{suffix}" if stem and len(suffix) <= 10 else ""
        name = name[: NAME_CHARACTERS - len(keep) - 1].rstrip() + "…" + keep
    return name or "file"
