"""Mentions in a model's text, made unable to notify anyone."""

import re
from collections.abc import Mapping
from types import MappingProxyType

JOINER = "\u2060"  # WORD JOINER: not shown, takes no room, and breaks every special sequence

_NO_NAMES: Mapping[str, str] = MappingProxyType({})
_SPECIAL = re.compile(
    r"<(?:@(?P<user>\w+)|\#(?P<channel>\w+)"
    r"|!(?:(?P<all>channel|here|everyone|group)|subteam\^(?P<team>\w+)|(?P<other>[\w-]+(?:\^[^<>|\n]*)?(?=[\^|]|(?<=\d)>))))"
    r"(?:\^[^<>|\n]*)?(?:\|(?P<label>[^<>\n]*))?>",
    re.IGNORECASE,
)
# A `<` before a sigil, either of them perhaps escaped or written as an entity that a renderer decodes.
_OPENING = re.compile(
    r"(<|&lt;?|&#0*60;?|&#x0*3c;?)"
    r"(?=\\*(?:[@!\#]|&(?:excl|commat|num);|&\#0*(?:33|35|64)(?!\d)|&\#x0*(?:21|23|40)(?![\da-f])))",
    re.IGNORECASE,
)
_WORD = re.compile(r"(?<!\w)(@|&commat;|&#0*64;|&#x0*40;)(?=(?:channel|here|everyone|group)(?!\w)|&#)", re.IGNORECASE)
_EVERYONE = frozenset({"channel", "here", "everyone", "group"})


def disarm(text: str, names: Mapping[str, str] = _NO_NAMES) -> str:
    """The text with every mention made a readable word that cannot notify; it holds for code too, and for nested and split forms.

    `names` maps ids of people, channels and user groups to display names; a label in the mention is the second choice, the id the last.
    `<!channel>` and the plain word "@channel" (also here, everyone, group) become "@channel" with a word joiner after the @. A `<` that still
    stands before @ ! or # gets a joiner after it, so that nothing left over can form a special sequence (HTML comments keep their look).
    Idempotent.
    """
    if "<" not in text and "@" not in text and "&" not in text:
        return text
    text = _SPECIAL.sub(lambda found: _readable(found, names), text)
    text = _OPENING.sub(rf"\1{JOINER}", text)
    return _WORD.sub(rf"\1{JOINER}", text)


def _readable(found: re.Match[str], names: Mapping[str, str]) -> str:
    label = (found["label"] or "").strip()
    if found["all"]:
        return f"@{JOINER}{found['all']}"
    if found["other"]:  # <!date^…|fallback> and whatever Slack adds: the label is what old clients show
        return label or found["other"].partition("^")[0]
    key = found["user"] or found["channel"] or found["team"]
    word = (names.get(key, "").strip() or label or key).lstrip("@#")
    sigil = "#" if found["channel"] else "@"
    return f"{sigil}{JOINER}{word}" if word.lower() in _EVERYONE else f"{sigil}{word}"
