"""Text to show on request: a table, a list, code, and filler of any length with all of Markdown in it."""

import itertools
from collections.abc import Iterator

LOREM = (
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore.",
    "Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo consequat.",
    "Duis aute irure dolor in reprehenderit in voluptate velit esse cillum dolore eu fugiat nulla pariatur.",
    "Excepteur sint occaecat cupidatat non proident, sunt in culpa qui officia deserunt mollit anim id est laborum.",
)
TABLE = """| Quarter | Revenue | Change |
|---|---:|---:|
| Q1 | 1,200 | +4 % |
| Q2 | 1,310 | +9 % |
| Q3 | 1,290 | -2 % |"""
LIST = """1. **First**, collect what is known
2. **Second**, ask for what is missing
   - from the people concerned
   - from the *documents*
3. **Third**, write it down in `notes.md`"""
CODE = '''```python
def greet(name: str) -> str:
    """Say hello."""
    return f"Hello, {name}!"
```'''
LINK = "More is in [the guide](https://example.com/guide), and ~~not~~ only there."


def paragraphs() -> Iterator[str]:
    """Paragraphs of filler without end, each different from the one before."""
    for n in itertools.count():
        start = n % len(LOREM)
        yield " ".join((*LOREM[start:], *LOREM[:start]))


def document() -> Iterator[str]:
    """Markdown blocks without end: headings, paragraphs, and in turn a list, a table, code and a quotation."""
    extras = itertools.cycle((LIST, TABLE, CODE, LINK, f"> {LOREM[0]}"))
    for n, paragraph in enumerate(paragraphs(), 1):
        yield f"## Section {n}"
        yield paragraph
        yield next(extras)


def characters(count: int) -> str:
    """Markdown of exactly so many characters; the last block is prose, so that no fence stays open."""
    blocks, size = [], 0
    for block in document():
        if size + len(block) + 2 > count - 2:
            break
        blocks.append(block)
        size += len(block) + 2
    text = "\n\n".join(blocks)
    filler = " ".join(itertools.islice(paragraphs(), count // 400 + 2))
    text = f"{text}\n\n" if text else ""
    return (text + filler)[: count - 1] + "."


def words(count: int) -> str:
    """Exactly so many words of prose, in paragraphs."""
    stream = (word for paragraph in paragraphs() for word in (*paragraph.split(), "\n\n"))
    taken: list[str] = []
    left = count
    for word in stream:
        if left <= 0:
            break
        taken.append(word)
        left -= word != "\n\n"
    return " ".join(taken).replace(" \n\n ", "\n\n").strip()
