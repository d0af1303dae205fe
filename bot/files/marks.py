"""What a model leaves in its text that is nothing for people: marks of citations, and links into the sandbox of its code. Pure.

The Responses API gives citations as annotations beside a plain text. All the same, marks have been seen in texts: `【4:0†source】`, the older
form, and `filecite…turn0file0` between the private characters U+E200 and U+E201. A link into the sandbox leads nowhere for people; the file
follows as an upload, so its name is left, behind the words of the link.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

_SIGNS = ("【", "\ue200", "\ue201", "\ue202", "andbox:/")  # where none of these is, there is nothing to clean
_LABEL = r"(?:[^\[\]\n]|\[[^\[\]\n]{0,100}+\]){0,300}+"
_TARGET = r"(?:[^()\n]|\([^()\n]{0,100}+\)){0,500}+"
_PATH = r"sandbox:/[^\s\"'<>()\[\]`|]*"
# What has begun and may grow to one of these is cut off before, so `\Z` stands for a text that ends in the middle.
_MARKS = re.compile(
    r"[ \t]*(?:"
    r"【[^【】†\n]{0,80}+†[^【】\n]{0,300}+(?:】|\Z)"
    r"|\ue200[^\ue200\ue201\n]{0,500}+(?:\ue201|(?=\n)|\Z))"
    r"|[\ue200-\ue202]"
    rf"|!?\[(?P<label>{_LABEL})\]\([ \t]*<?[ \t]*(?P<target>sandbox:/{_TARGET})(?:(?P<closed>\))|\Z)"
    rf"|<?(?<!\w)(?P<path>{_PATH})>?",
    re.IGNORECASE,
)
_LONGEST = 1_200  # characters that a mark may have
_BEGUN = r"(?:s(?:a(?:n(?:d(?:b(?:o(?:x(?::)?)?)?)?)?)?)?)"  # of "sandbox:"
_OPEN = re.compile(
    r"(?:"
    r"[ \t]*【[^【】†\n]{0,80}+(?:†[^【】\n]{0,300}+)?"
    r"|[ \t]*\ue200[^\ue200\ue201\n]{0,500}+"
    rf"|!?\[{_LABEL}(?:\[[^\[\]\n]{{0,100}}+)?"
    rf"|!?\[{_LABEL}\](?:\([ \t]*<?[ \t]*(?:{_BEGUN}|sandbox:/{_TARGET}(?:\([^()\n]{{0,100}}+)?)?)?"
    r"|!"
    rf"|<?(?<!\w)(?:{_BEGUN}|{_PATH})"
    r"|<"
    r")\Z",
    re.IGNORECASE,
)
_TITLE = re.compile(r"\s+(?:\"[^\"]*\"|'[^']*'|\([^()]*\))\s*$")
_END = ".,;:!?*_~"


def cleaned(text: str, *, whole: bool) -> str:
    """A model's text as people may see it. Of one that still grows, what may become a mark is held back.

    Whatever comes later, what was given once is the beginning of what is given then, but for blanks at its end.
    """
    if not whole and (begun := _OPEN.search(text, max(text.rfind("\n") + 1, len(text) - _LONGEST))):
        text = text[: begun.start()]
    return _MARKS.sub(_shown, text) if _has_signs(text) else text


def sandbox_names(text: str) -> tuple[str, ...]:
    """The names of the files that a text links to in the sandbox, each once."""
    if not _has_signs(text):
        return ()
    links = ((found["closed"] and found["target"]) or found["path"] for found in _MARKS.finditer(text))
    return tuple(dict.fromkeys(name for link in links if link and (name := _name(link))))


def _has_signs(text: str) -> bool:
    return any(sign in text for sign in _SIGNS) or "ANDBOX:/" in text


def _shown(found: re.Match[str]) -> str:
    if found["target"]:
        label, name = found["label"], _name(found["target"]) if found["closed"] else ""
        plain = (
            found[0].lstrip().startswith("[") and "[" not in label
        )  # a picture's label is none of the sentence's words
        return f"{label} ({name})" if plain and name and name not in label else name or label
    path = found["path"] or ""
    return _name(path) + path[len(path.rstrip(_END)) :]


def _name(link: str) -> str:
    """The name of the file at a link's target, which may be followed by a title."""
    path = _TITLE.sub("", link).strip().rstrip(">").rstrip(_END)
    return unquote(path.rpartition("/")[2]).strip()
