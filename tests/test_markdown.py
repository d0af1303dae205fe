"""A model's Markdown as Slack messages: what is shown while it grows, where it is cut, and that nothing in it can notify."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from bot.markdown import CAREFUL, FULL, PLAIN, Limits, blocks, cut, disarm, fallback, peel, settle, split
from bot.markdown.lines import block_count

J = "\u2060"
SMALL = Limits(characters=120, blocks=6)
TABLE = "| Name | Age |\n|---|--:|\n| Ana | 7 |\n| Bo | 41 |\n"

PIECES = st.sampled_from([
    "word ", "two words", "\n", "\n\n", "\n\n", "# ", "## Head\n", "- item\n", "  - deeper\n", "1. one\n", "> quote\n", "> ", "---\n", "```py\n", "```\n", "~~~\n",
    "````\n", "  ```\n", "- ```js\n", "> ```\n", "code = 1\n", "**", "*", "_", "~~", "`", "``", "[", "](", "https://e.x/a_b", ")", "![", "<", ">", "<https://e.x",
    "| a | b |\n", "|---|---|\n", "| 1 | 2 |\n", "|", "&amp;", "&", "\\", "<!channel>", "<!here", "<@U1|ana>", "@here", "日本語", "👩\u200d👧", "e\u0301", " ", "\t",
    "1", ".", "=", "===\n", "- [ ] task\n", "<br>", "~", "snake_case", "x" * 50, "sentence. ",
])  # fmt: skip
MARKDOWN = st.lists(PIECES, max_size=40).map("".join)
TEXT = st.one_of(MARKDOWN, st.text(max_size=300), st.text(alphabet="ab *_`~[]()!<>|-#\n&\\1.", max_size=300))
SPECIAL = re.compile(r"<[@!#]")


def subsequence(needle: str, hay: str) -> bool:
    rest = iter(hay)
    return all(char in rest for char in needle)


# Mentions


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<!channel> hi", f"@{J}channel hi"),
        ("<!HERE|here>", f"@{J}HERE"),
        ("<!subteam^S1|@ops>", "@ops"),
        ("<!subteam^S1>", "@S1"),
        ("<!date^1392734382^{date}|18 Feb>", "18 Feb"),
        ("<@U1> and <@U2|bo>", "@Ana Li and @bo"),
        ("<@U3>", "@U3"),
        ("<#C1|general> <#C2>", "#general #C2"),
        ("<@U2|channel>", f"@{J}channel"),
        ("`<@U9|x>`", "`@x`"),
        ("<!cha<!here>nnel>", f"<{J}!cha@{J}herennel>"),
        ("<!-- note -->", f"<{J}!-- note -->"),
        ("<!DOCTYPE html>", f"<{J}!DOCTYPE html>"),
        ("<\\!channel>", f"<{J}\\!channel>"),
        ("&lt;!channel&gt;", f"&lt;{J}!channel&gt;"),
        ("<&#33;channel>", f"<{J}&#33;channel>"),
        ("@Channel, @hereafter a@here.x", f"@{J}Channel, @hereafter a@here.x"),
        ("a < b @ana <b> & c", "a < b @ana <b> & c"),
    ],
)
def test_a_mention_is_shown_as_a_word_that_cannot_notify(text: str, shown: str) -> None:
    assert disarm(text, {"U1": "Ana Li"}) == shown


def test_a_name_cannot_smuggle_a_mention_in() -> None:
    shown = disarm("<@U1><@U2>", {"U1": "<!channel>", "U2": "here"})
    assert not SPECIAL.search(shown)
    assert "@here" not in shown


@given(
    st.lists(
        st.sampled_from(
            ["<", "!", "@", "#", "channel", "HERE", ">", "|x", "^S1", "&lt;", "&#33;", "U1", " ", "\\", "subteam"]
        ),
        max_size=14,
    )
)
def test_no_prefix_of_any_text_can_notify(pieces: list[str]) -> None:
    text = "".join(pieces)
    for end in range(len(text) + 1):
        shown = disarm(text[:end], {"U1": "<!here>"})
        assert not SPECIAL.search(shown)
        assert not re.search(r"(?<!\w)@(channel|here)\b", shown, re.IGNORECASE)
        assert disarm(shown) == shown


@given(TEXT)
@settings(deadline=None)
def test_blocks_and_fallback_never_hold_a_special_sequence(text: str) -> None:
    shown = settle("<!channel> <[!here](http://x) " + text) or "x"
    for level in (FULL, CAREFUL, PLAIN):
        for block in blocks(shown, level):
            held = block["text"] if isinstance(block["text"], str) else block["text"]["text"]
            assert not SPECIAL.search(held)
    assert not re.search(r"[<>]|&(?!(amp|lt|gt);)", fallback(shown))


# The growing end


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Hello **wor", "Hello **wor**"),
        ("Hello **wor*", "Hello **wor**"),
        ("Hello **", "Hello "),
        ("an *it", "an *it*"),
        ("an _it", "an _it_"),
        ("***both", "***both***"),
        ("**bold *and it", "**bold *and it***"),
        ("~~gone", "~~gone~~"),
        ("~~gone~", "~~gone~~"),
        ("run `ls -l", "run `ls -l`"),
        ("run ``a`b", "run ``a`b``"),
        ("run `", "run "),
        ("**bold \n", "**bold** \n"),
        ("see [the docs](http://e.x/a", "see the docs"),
        ("see [the docs](http://e.x/a(b)", "see the docs"),
        ("see [the docs]", "see the docs"),
        ("see [the **do", "see the **do**"),
        ("see ![alt](http://e", "see "),
        ("see <http://e", "see "),
        ("see <!chan", "see "),
        ("see <@U1|Ana M", "see "),
        ('see <a href="x', "see "),
        ("fish &am", "fish "),
        ("a\n#", "a\n"),
        ("a\n-", "a\n"),
        ("a\n- ", "a\n"),
        ("a\n- [ ", "a\n"),
        ("a\n1.", "a\n"),
        ("a\n>", "a\n"),
        ("a\n--", "a\n"),
        ("a\n\n---", "a\n\n"),
        ("a\n``", "a\n"),
        ("a\n```py", "a\n"),
        ("a\n```py\n", "a\n"),
        ("a\n```py\nx = 1", "a\n```py\nx = 1\n```"),
        ("a\n```py\nx = 1\n``", "a\n```py\nx = 1\n```"),
        ("~~~~\nx\n```\n", "~~~~\nx\n```\n~~~~"),
        ("- ```py\n  x", "- ```py\n  x\n  ```"),
        ("> ```py\n> x", "> ```py\n> x\n> ```"),
        ("a\n\n| x | y", "a\n\n"),
        ("a\n\n| x | y |\n", "a\n\n"),
        ("a\n\n| x | y |\n|--", "a\n\n"),
        ("| x | y |\n|---|---|\n| 1 ", "| x | y |\n|---|---|\n"),
        ("- **a**\n- **b", "- **a**\n- **b**"),
        ("a\\", "a"),
        ("_~~https://e.x/a_b.", "_~~https://e.x/a_b.~~_"),
        ("_~~https://e.x/a_b.~~_", "_~~https://e.x/a_b.~~_"),
        ("*a [b `c]\n*", "*a [b `c]`*\n"),
    ],
)
def test_unfinished_markup_is_closed_or_waits(text: str, shown: str) -> None:
    assert settle(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "", "Hello.", "**bold** and *it* and _it_ and ~~no~~ and `code`", "[docs](http://e.x/a_(b)) ![i](http://e.x/i.png)", "see [1] and <http://e.x>",
        "2 * 3 < 4 & 5", "snake_case and __init__ and 5*4*3", "```py\nx = '**'\n```", "```py\n`\n```\n", TABLE, TABLE.rstrip(), "# Head", "- a\n- [x] b\n",
        ")__a<\\\n", "https://e.x/_a_b", "**open\n\nnext", "AT&T said so", "a | b", "`` a`b ``", "*a* **b** ***c***", "Head\n---\n", "42", "\\*not it",
    ],
)  # fmt: skip
def test_whole_text_passes_unchanged(text: str) -> None:
    assert settle(text) == text


@given(TEXT)
@settings(max_examples=300, deadline=None)
def test_settling_twice_changes_nothing_and_adds_only_closers(text: str) -> None:
    shown = settle(text)
    assert settle(shown) == shown
    assert subsequence(shown.rstrip("*_~`> \n\t"), text)


def test_every_frame_of_a_growing_answer_has_balanced_markup_and_takes_no_word_back() -> None:
    answer = f"# Plan\n\nSome **bold *both* text** and `co*de` with [a link](https://e.x/a_b).\n\n- one _it_\n- ~~two~~\n\n{TABLE}\n```py\na = [1]\n```\nDone."
    letters = ""
    for end in range(len(answer) + 1):
        shown = settle(answer[:end])
        before, letters = letters, re.sub(r"\(http[^)]*\)|[^a-zA-Z]", "", shown)
        assert letters.startswith(before)  # what was shown stays
        outside = re.sub(r"```.*?```|`[^`\n]+`", "", shown, flags=re.DOTALL)
        assert "`" not in outside
        assert outside.count("**") % 2 == 0
        assert "](" not in re.sub(r"\[[^\]]*\]\([^)]*\)", "", outside)
    assert settle(answer) == answer


# Cuts


@given(TEXT, st.text(max_size=30), st.sampled_from([SMALL, Limits(60, 4), Limits(300, 50)]))
@settings(max_examples=400, deadline=None)
def test_messages_fit_and_lose_nothing(text: str, more: str, limits: Limits) -> None:
    parts = split(text, limits)
    assert all(len(part) <= limits.characters and part.strip() for part in parts)
    assert all(block_count(part) <= limits.blocks for part in parts)
    assert subsequence("".join(text.split()), "".join("".join(parts).split()))
    longer = split(text + more, limits)
    assert parts[: len(parts) - 1] == longer[: max(len(parts) - 1, 0)]


@given(MARKDOWN, MARKDOWN)
@settings(deadline=None)
def test_a_cut_never_moves_as_the_text_grows(text: str, more: str) -> None:
    whole = text + more
    place = None
    for end in range(len(whole) + 1):
        found = cut(whole[:end], SMALL)
        assert place is None or found == place
        place = found
    done = split(text, SMALL)[:-1]
    assert split(whole, SMALL)[: len(done)] == done


@given(MARKDOWN, st.integers(1, 40))
@settings(deadline=None)
def test_peeling_a_growing_tail_gives_the_same_messages(text: str, step: int) -> None:
    tail, finished = "", []
    for at in range(0, len(text), step):
        tail += text[at : at + step]
        while peeled := peel(tail, SMALL):
            finished.append(peeled[0])
            tail = peeled[1]
    assert (*finished, *split(tail, SMALL)) == split(text, SMALL)


def test_a_message_ends_before_a_paragraph_and_keeps_a_heading_with_its_text() -> None:
    text = f"{'a ' * 40}\n\n## Head\n\n{'b ' * 40}"
    assert split(text, SMALL) == (("a " * 40).rstrip(), f"## Head\n\n{'b ' * 40}")


def test_code_goes_on_in_the_next_message() -> None:
    code = "".join(f"line{i} = {i}\n" for i in range(30))
    parts = split(f"```py\n{code}```\nAfter", SMALL)
    assert len(parts) > 2
    assert all(part.startswith("```py\n") and part.count("```") == 2 for part in parts)
    assert "".join(re.findall(r"line.*\n", "".join(parts))) == code


def test_code_deep_in_a_list_stays_code_in_the_next_message() -> None:
    code = "".join(f"      line{i} = {i}\n" for i in range(30))
    parts = split(f"1. a\n   - b\n      ```py\n{code}      ```\n\nAfter", SMALL)
    assert parts[1].startswith("- -   ```py\n      line")
    assert parts[-1].endswith("      ```\n\nAfter")


def test_a_table_repeats_its_header() -> None:
    rows = "".join(f"| row{i} | {i} |\n" for i in range(30))
    parts = split(f"| a | b |\n|---|---|\n{rows}", SMALL)
    assert len(parts) > 3
    assert all(part.startswith("| a | b |\n|---|---|\n| row") for part in parts)
    assert re.findall(r"row\d+", "".join(parts)) == [f"row{i}" for i in range(30)]


def test_a_long_paragraph_is_cut_after_a_sentence_and_not_inside_a_link() -> None:
    link = f"[some. words here](https://e.x/{'p' * 30})"
    parts = split(
        f"First sentence is this one here and it is long. Then {'w' * 20} {link} and more. {'x ' * 50}", SMALL
    )
    assert parts[0] == "First sentence is this one here and it is long."
    assert link in parts[1]


def test_a_family_emoji_and_an_accent_are_not_torn() -> None:
    family = "👩\u200d👩\u200d👧"
    assert all(set(part) == set(family) and len(part) % 5 == 0 for part in split(family * 100, SMALL))
    assert all(not part.startswith("\u0301") for part in split("e\u0301" * 300, Limits(61)))


def test_a_quote_stays_a_quote() -> None:
    parts = split("> " + "word " * 60, SMALL)
    assert len(parts) > 1
    assert all(part.startswith("> word") for part in parts)


def test_a_quote_that_ends_inside_its_code_ends_the_code() -> None:
    parts = split(f"> ```\n> x = 1\n{'plain words ' * 20}", SMALL)
    assert "`" not in "".join(parts[1:])


def test_many_blocks_are_spread_over_messages() -> None:
    parts = split("\n\n".join(f"Paragraph {i}" for i in range(100)))
    assert len(parts) == 3
    assert all(block_count(part) <= FULL.blocks for part in parts)


# Slack's form


def markdown_of(part: str, level: Limits = FULL) -> str:
    (block,) = blocks(part, level)
    assert block["type"] == "markdown"
    return str(block["text"])


@given(TEXT)
@settings(deadline=None)
def test_blocks_are_valid_at_every_level(text: str) -> None:
    for level in (FULL, CAREFUL, PLAIN):
        for part in split(text + "x", level):
            made = blocks(part, level)
            assert 1 <= len(made) <= 50
            for block in made:
                parsed = Block.parse(block)
                assert parsed is not None
                assert parsed.to_dict() == block


def test_blank_text_is_refused() -> None:
    with pytest.raises(ValueError, match="blank"):
        blocks(" \n")


def test_a_message_that_slack_refused_fits_plain_blocks_as_it_is() -> None:
    (part, _) = peel("Some words here. " * 1_000) or ("", "")
    made = blocks(part, PLAIN)
    assert len(made) == 4
    assert all(len(block["text"]["text"]) <= 2_900 for block in made)
    assert "".join(block["text"]["text"] for block in made) == part


def test_the_second_table_becomes_aligned_text() -> None:
    assert markdown_of(f"{TABLE}\nand\n\n{TABLE}end") == (
        f"{TABLE}\nand\n\n```\nName | Age\n-----+----\nAna  |   7\nBo   |  41\n```\nend"
    )
    assert markdown_of(TABLE, CAREFUL).startswith("```\nName | Age\n")


def test_wide_characters_take_two_columns() -> None:
    shown = markdown_of("| k | v |\n|---|---|\n| 日本 | 1 |\n| abcd | 2 |\n", CAREFUL)
    assert "\n日本 | 1\nabcd | 2\n" in shown


@pytest.mark.parametrize(
    "table",
    [
        "|a|b|\n|---|---|\n" + "|1|2|\n" * 100,
        "|a" * 21 + "|\n" + "|-" * 21 + "|\n" + "|1" * 21 + "|\n",
        "|a|b|\n|-|-|\n" + f"|{'x' * 500}|2|\n" * 21,
    ],
    ids=["rows", "columns", "characters"],
)
def test_a_table_too_large_for_slack_becomes_text_that_still_fits(table: str) -> None:
    shown = markdown_of(table)
    assert shown.startswith("```\n")
    assert len(shown) <= 12_000


def test_a_table_in_code_stays_as_it_is() -> None:
    text = f"```\n{TABLE}```\n"
    assert markdown_of(text, CAREFUL) == text


def test_line_break_tags_become_line_breaks_outside_code() -> None:
    assert markdown_of("a<br>b `<br>`\n```\n<br/>\n```") == "a\nb `<br>`\n```\n<br/>\n```"
    assert markdown_of("| a<br>b | c |\n|---|---|") == "| a b | c |\n|---|---|"


def test_plain_blocks_keep_words_code_and_addresses() -> None:
    (section,) = blocks("## Head\n\n- **bold** [docs](https://e.x)\n\n```py\nx = '**'\n```", PLAIN)
    assert section["text"] == {"type": "plain_text", "text": "Head\n\n• bold docs (https://e.x)\n\nx = '**'"}


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("# Hi **you** & <b>", "Hi you &amp; &lt;b&gt;"),
        ("[docs](https://e.x) ![cat](https://e.x/c)", "docs cat"),
        ("a &lt;!channel&gt;", f"a &lt;{J}!channel&gt;"),
        ("@**channel**", f"@{J}channel"),
        ("`a*b*c` \\*x\\*", "a*b*c *x*"),
        (TABLE, "Name | Age\nAna | 7\nBo | 41"),
        ("---", "…"),
        ("> ```py\n> x = 1\n> ```", "x = 1"),
        ("- a\n  1. b", "• a\n  1. b"),
    ],
)
def test_the_fallback_is_plain_escaped_words(part: str, words: str) -> None:
    assert fallback(part) == words


@given(TEXT)
@settings(deadline=None)
def test_the_fallback_is_never_empty_and_never_too_long(text: str) -> None:
    for part in (text, text * 50):
        words = fallback(part)
        assert 0 < len(words) <= 3_900
        assert not re.search(r"[<>]|&(?!(amp|lt|gt);)", words)


def test_a_shortened_fallback_ends_with_an_ellipsis() -> None:
    words = fallback("a&" * 6_000)
    assert 3_890 <= len(words) <= 3_900
    assert words.endswith(("a…", "&amp;…"))


def test_a_long_mixed_answer_comes_through_whole() -> None:
    section = (
        "## Part {0}\n\nText {0} with **bold** and [a link](https://e.x/{0}).\n\n- item {0}\n  - deeper\n\n"
        "```py\nvalue_{0} = {0}\n```\n\n" + TABLE + "\n> quoted {0}\n\n"
    )
    text = "".join(section.format(i) for i in range(300))
    assert len(text) > 50_000
    for level in (FULL, CAREFUL, PLAIN):
        parts = split(text, level)
        assert re.findall(r"value_\d+", "".join(parts)) == [f"value_{i}" for i in range(300)]
        for part in parts:
            made = blocks(part, level)
            size = sum(len(block["text"]) for block in made if block["type"] == "markdown")
            assert size <= 12_000
