"""A model's marks and sandbox links: no part of them is ever shown, however the text comes."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.files.marks import cleaned, sandbox_names
from bot.markdown import steady

CASES = {
    "The limit is 180 €.【4:0†source】 Fine.": "The limit is 180 €. Fine.",
    "The limit is 180 € 【12:3†per diem.pdf】.": "The limit is 180 €.",
    "Both【4:0†a】【4:1†b】 say so": "Both say so",
    "As agreed \ue200filecite\ue202turn0file0\ue202turn1file2\ue201.": "As agreed.",
    "a stray \ue202 one": "a stray  one",
    "You can [download the chart](sandbox:/mnt/data/chart.png).": "You can download the chart (chart.png).",
    "[chart.png](sandbox:/mnt/data/chart.png)": "chart.png",
    "![Sales](sandbox:/mnt/data/sales%20by%20region.png)": "sales by region.png",
    "[a](<sandbox:/mnt/data/my report (1).csv>)": "a (my report (1).csv)",
    '[a](sandbox:/mnt/data/a.csv "The data")': "a (a.csv)",
    "[![i](sandbox:/mnt/data/i.png)](sandbox:/mnt/data/i.png)": "i.png",
    "It is in `sandbox:/mnt/data/x.csv`.": "It is in `x.csv`.",
    "See **sandbox:/mnt/data/x.csv**, please": "See **x.csv**, please",
    "<sandbox:/mnt/data/x.csv>": "x.csv",
    "[Down\nload](sandbox:/mnt/data/x.csv)": "[Down\nload](x.csv)",
    "[see](sandbox:/)": "see",
}
PLAIN = [
    "",
    "【重要】 read this, and 【注】",
    "A sandbox: a safe place. The sandbox is /mnt/data.",
    "[a link](https://example.com/sandbox:/x) and a [list][1]",
    "x = [1, 2, [3]](4)",
]


@pytest.mark.parametrize(("text", "shown"), CASES.items())
def test_marks_go_and_of_a_sandbox_link_the_files_name_stays(text: str, shown: str) -> None:
    assert cleaned(text, whole=True) == shown


@pytest.mark.parametrize("text", [t for t in PLAIN if "sandbox:/x" not in t])
def test_other_text_passes_as_it_is(text: str) -> None:
    assert cleaned(text, whole=True) == text


def test_of_a_text_that_was_cut_off_in_a_mark_nothing_of_it_is_shown() -> None:
    assert cleaned("so it is 【4:0†sou", whole=True) == "so it is"
    assert cleaned("so it is \ue200filecite\ue202tu", whole=True) == "so it is"
    assert cleaned("so [Download](sandbox:/mnt/data/cha", whole=True) == "so Download"


def test_only_links_into_the_sandbox_name_files() -> None:
    text = "[a](sandbox:/mnt/data/a%20b.csv), sandbox:/mnt/data/c.png. ![a](sandbox:/mnt/data/c.png) [x](https://x.org/d.csv)"
    assert sandbox_names(text) == ("a b.csv", "c.png")
    assert sandbox_names("nothing") == ()


WORDS = st.sampled_from(
    [
        "so ",
        "wow!",
        "its ",
        "\n",
        "sand",
        "[1] ",
        "[ok](https://x.org) ",
        "【重要】",
        "a < b",
        "\n\n- [x] done",
        "```\nx = [1]\n```\n",
        "(s",
        "! ",
    ]
)
TEXTS = st.lists(WORDS | st.sampled_from([f" {case} " for case in CASES if "\n" not in case]), max_size=8).map("".join)
SIGNS = (
    "†",
    "source",
    "\ue200",
    "\ue201",
    "\ue202",
    "filecite",
    "turn0",
    "sandbox:",
    "/mnt",
    "](s",
    "](<s",
    "Download",
)


@given(TEXTS, st.data())
def test_no_part_of_a_mark_is_shown_however_the_text_is_cut_into_pieces(text: str, data: st.DataObject) -> None:
    ends = data.draw(st.sets(st.integers(0, len(text)), max_size=12))
    before = sent = ""
    for end in [*sorted(ends), len(text)]:
        shown = cleaned(text[:end], whole=False)
        good = steady(shown)  # for what can only be appended to
        assert good.startswith(sent) or sent.startswith(good)
        sent = max(sent, good, key=len)
        assert not any(sign in shown for sign in SIGNS), repr(shown)
        assert shown.startswith(before.rstrip()), (before, shown)
        before = shown
    whole = cleaned(text, whole=True)
    assert whole.startswith(before.rstrip())
    assert cleaned(whole, whole=True) == whole
    assert whole.startswith(sent)


@given(
    st.lists(
        st.sampled_from(["[", "]", "(", ")", "<", "【", "†", "\ue200", "!", "s", "sandbox:/", " ", "\n", "a"]),
        max_size=30,
    ).map("".join)
)
def test_a_text_of_nothing_but_signs_does_no_harm_and_hides_no_more_than_one_line(text: str) -> None:
    shown = cleaned(text, whole=False)
    assert not re.search(r"(?<!\w)sandbox:/", shown)
    assert cleaned(f"{text}\nnext ", whole=False).endswith("\nnext ")


def test_cleaning_costs_little_however_hostile_the_text_is() -> None:
    for text in (
        "[" * 20_000,
        "[a](" * 5_000,
        "【" * 20_000,
        "sandbox:/" * 5_000,
        "[a](sandbox:/" * 3_000,
        " " * 20_000,
        "!["[::-1] * 9_000,
    ):
        started = time.perf_counter()
        cleaned(text, whole=False)
        cleaned(text, whole=True)
        assert time.perf_counter() - started < 1.0, text[:20]
