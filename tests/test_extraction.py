"""What is asked of the model about receipts, and what is taken of its answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # its types are a package of their own
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.compose import open_llm
from bot.errors import ModelGone, Overloaded, Retryable, UserFacing
from bot.expenses.extraction import (
    LONGEST,
    MOST_RECEIPTS,
    NAME,
    SCHEMA,
    Given,
    drafts,
    instructions,
    nothing,
)
from bot.expenses.values import Draft, TaxLine
from bot.llm import Llm
from bot.models import Usage
from bot.settings import Settings
from playground.openai import OpenAIServer, script
from playground.openai.script import Script, Step
from tests.receipt_answers import POLICY, answer, field, receipt

FILE = Given(source="file", home="EUR", receipt="ab" * 32)
WORDS = "taxi 18.40 yesterday to the client"


def only(raw: dict[str, Any], given: Given = FILE) -> Draft:
    (draft,) = drafts(answer(raw), given, POLICY)
    return draft


def said(**more: Any) -> dict[str, Any]:
    """What the model reads in WORDS."""
    none = field(None, 0.0, "")
    return receipt(
        merchant=none,
        spent_on=field("2026-11-21", evidence="yesterday"),
        total=field("18.40"),
        currency=none,
        language="en",
        tax=[],
        category=field("taxi"),
        **more,
    )


# -- what is asked --------------------------------------------------------------------------------------------------------


def test_the_schema_is_strict_by_openais_rules_and_takes_what_the_tests_answer() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert_strict_but_for_nullable(SCHEMA)
    jsonschema.validate(answer(receipt(), said(), nothing="a cat"), SCHEMA)


def assert_strict_but_for_nullable(node: dict[str, Any]) -> None:
    """The rules that a tool's schema keeps too, with null among the types of what may be empty."""
    if node.get("type") == "array":
        assert_strict_but_for_nullable(node["items"])
    elif node.get("type") == "object":
        assert node["additionalProperties"] is False
        assert node["required"] == list(node["properties"])
        for child in node["properties"].values():
            assert_strict_but_for_nullable(child)
    else:
        assert node["type"] in ("string", "number", ["string", "null"])
        assert node.keys() == {"type"}, "no keyword that strict mode may not know"


def test_the_model_is_told_the_day_and_the_policys_categories() -> None:
    told = instructions(POLICY, date(2026, 11, 22))
    assert "Today is Sunday 2026-11-22" in told
    assert "meals (Meals), taxi (Taxi and ride), client (Client entertainment)" in told


# -- what is taken --------------------------------------------------------------------------------------------------------


def test_what_was_read_without_trouble_is_taken_and_nothing_is_doubted() -> None:
    draft = only(receipt(tip=field("1,00"), city=field("Köln"), purpose=field("lunch with Kim"), attendees=["Kim"]))
    details = draft.details
    assert (details.merchant, details.spent_on, details.minor, details.currency) == (
        "LIDL",
        date(2026, 11, 20),
        1840,
        "EUR",
    )
    assert (details.tax, details.tip_minor, details.category) == ((TaxLine("19", 294),), 100, "meals")
    assert (details.city, details.purpose, details.attendees, details.payment) == (
        "Köln",
        "lunch with Kim",
        ("Kim",),
        "own",
    )
    assert (draft.doubts, draft.source, draft.receipt, draft.part) == ((), "file", "ab" * 32, 0)
    assert draft.read["minor"].value == "18,40"
    assert draft.read["minor"].evidence == "SUMME 18,40"
    assert draft.read["spent_on"].confidence == 0.95


def test_an_amount_is_read_in_the_receipts_language() -> None:
    assert only(receipt(total=field("1.234,56"))).details.minor == 123456
    assert only(receipt(total=field("1.234"), language="de")).details.minor == 123400
    assert only(receipt(total=field("¥1,234"), currency=field("JPY"), language="ja", tax=[])).details.minor == 1234
    assert only(receipt(total=field("1.234"), currency=field("KWD"), language="en", tax=[])).details.minor == 1234


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("minor", {"total": field("184,00", 1.0, "SUMME 18,40")}),
        ("minor", {"total": field("8,40", 1.0, "SUMME 18,40")}),
        ("minor", {"total": field("500,00", 1.0, "LIDL")}),
        ("spent_on", {"spent_on": field("2026-11-02", 1.0, "20.11.26")}),
        ("currency", {"currency": field("USD", 1.0, "SUMME 18,40")}),
    ],
)
def test_a_value_that_its_own_evidence_does_not_hold_is_doubted_however_sure_the_model_is(
    name: str, read: dict[str, Any]
) -> None:
    assert only(receipt(**read)).doubts == (name,)
    words = Given(source="words", home="EUR", text="SUMME 18,40 LIDL 20.11.26 EUR")
    assert name in only(receipt(**read), words).doubts


@pytest.mark.parametrize("evidence", ["18,40EUR", "18.40", "TOTAL €18,40-", "EUR18,40", "１８，４０"])  # noqa: RUF001  # full width is meant
def test_evidence_may_write_an_amount_in_another_way(evidence: str) -> None:
    assert only(receipt(total=field("18,40", 1.0, evidence))).doubts == ()


def test_an_amount_that_cannot_be_kept_is_asked_about_and_spoils_no_other_receipt() -> None:
    draft = only(receipt(total=field("4006381333931")))  # a bar code
    assert (draft.details.minor, draft.doubts) == (None, ("minor",))


def test_an_amount_with_two_meanings_stays_empty_and_is_asked_about() -> None:
    draft = only(receipt(total=field("1.234"), language="en"))
    assert (draft.details.minor, draft.doubts) == (None, ("minor",))
    assert draft.read["minor"].value == "1.234"


@pytest.mark.parametrize(("total", "minor"), [("0,00", 0), ("-5,00", -500)])
def test_zero_and_negative_amounts_are_for_the_rules_to_judge(total: str, minor: int) -> None:
    assert only(receipt(total=field(total))).details.minor == minor


def test_a_year_far_away_is_for_the_rules_to_judge() -> None:
    assert only(receipt(spent_on=field("2062-11-20"))).details.spent_on == date(2062, 11, 20)


@pytest.mark.parametrize(
    ("name", "raw", "doubted"),
    [
        ("total", field("18,40", 0.5), ("minor",)),
        ("total", field("18,40", evidence=""), ("minor",)),
        ("spent_on", field("2026-11-20", 0.69), ("spent_on",)),
        ("spent_on", field("2026-11-20", evidence=""), ("spent_on",)),
        ("currency", field("EUR", evidence=""), ("currency",)),
        ("merchant", field("LIDL", 0.3), ("merchant",)),
        ("merchant", field("LIDL", evidence=""), ()),
        ("category", field("meals", 0.4), ("category",)),
        ("category", field("meals", evidence=""), ()),
        ("total", {"value": "18,40", "confidence": 7, "evidence": "18,40"}, ("minor",)),
    ],
)
def test_what_the_model_is_not_sure_of_or_cannot_show_is_kept_and_doubted(
    name: str, raw: Any, doubted: tuple[str, ...]
) -> None:
    draft = only(receipt(**{name: raw}))
    assert draft.doubts == doubted
    assert draft.details == only(receipt()).details


def test_what_an_expense_can_do_without_is_left_out_where_the_model_is_not_sure() -> None:
    unsure = {name: field(value, 0.4) for name, value in (("city", "Rome"), ("purpose", "fun"), ("tip", "1,00"))}
    draft = only(receipt(**unsure, payment=field("company", 0.4)))
    assert draft.details == only(receipt()).details
    assert draft.doubts == ()


@pytest.mark.parametrize(
    ("name", "raw", "empty"),
    [
        ("currency", field("BTX"), {"currency": "", "minor": None}),
        ("currency", field("euros"), {"currency": "", "minor": None}),
        ("spent_on", field("20.11.26"), {"spent_on": None}),
        ("spent_on", field("2026-02-30"), {"spent_on": None}),
        ("category", field("yachts"), {"category": ""}),
        ("total", field(None), {"minor": None}),
        ("payment", field("crypto"), {"payment": "own"}),
    ],
)
def test_what_cannot_be_taken_stays_empty(name: str, raw: Any, empty: dict[str, Any]) -> None:
    details = only(receipt(**{name: raw})).details
    assert {n: getattr(details, n) for n in empty} == empty


def test_words_without_a_currency_are_taken_in_the_home_currency_and_asked_about() -> None:
    draft = only(said(), Given(source="words", home="EUR", text=WORDS))
    assert (draft.details.minor, draft.details.currency, draft.doubts) == (1840, "EUR", ("currency",))
    assert (draft.details.spent_on, draft.source, draft.receipt) == (date(2026, 11, 21), "words", "")


def test_a_receipt_without_a_currency_is_not_taken_in_any() -> None:
    draft = only(receipt(currency=field(None)))
    assert (draft.details.minor, draft.details.currency, draft.doubts) == (None, "", ())
    assert draft.read["minor"].value == "18,40", "to be read when the currency is known"


def test_evidence_that_nobody_said_is_doubted() -> None:
    words = Given(source="words", home="EUR", text=WORDS)
    invented = said() | {"total": field("99.00", evidence="99.00")}
    assert only(invented, words).doubts == ("minor", "currency")
    full_width = said() | {"total": field("18.40", evidence="\uff11\uff18.\uff14\uff10")}
    assert "minor" not in only(full_width, words).doubts


def test_what_does_not_stand_in_the_files_text_is_doubted() -> None:
    written = Given(source="file", home="EUR", receipt="ab", text="LIDL Köln\n20.11.2026\nSUMME EUR 81,40\n")
    assert only(receipt(), written).doubts == ("minor",)
    assert only(receipt(total=field("81,40")), written).doubts == ()


def test_several_receipts_of_one_file_are_told_apart_and_bounded() -> None:
    many = [receipt(merchant=field(f"Shop {n}")) for n in range(MOST_RECEIPTS + 5)]
    found = drafts(answer(*many), FILE, POLICY)
    assert [d.part for d in found] == list(range(MOST_RECEIPTS))
    assert {d.receipt for d in found} == {FILE.receipt}


def test_what_is_no_receipt_gives_none() -> None:
    empty = field(None, 0.0, "")
    blank = receipt(merchant=empty, spent_on=empty, total=empty)
    raw = answer(blank, nothing="a cat\non a sofa")
    assert drafts(raw, FILE, POLICY) == ()
    assert nothing(raw) == "a cat on a sofa"


def test_a_merchant_is_kept_as_text_whatever_it_is_called() -> None:
    assert only(receipt(merchant=field('=HYPERLINK("http://x")'))).details.merchant == '=HYPERLINK("http://x")'
    assert only(receipt(merchant=field("東京 🍣\u202e\n Bar\x00"))).details.merchant == "東京 🍣 Bar"
    assert len(only(receipt(merchant=field("x" * 5_000))).details.merchant) == LONGEST


ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        0,
        -1.5,
        1e400,
        float("nan"),
        "",
        "1.234",
        "2026-11-20",
        "EUR",
        "\ud800",
        "x" * 5_000,
        [],
        [None],
        [{}],
        {},
    ]
)
ANY_FIELD = ODD | st.fixed_dictionaries({"value": ODD, "confidence": ODD, "evidence": ODD})


@given(st.dictionaries(st.sampled_from(sorted(receipt())), ANY_FIELD))
def test_no_answer_breaks_it(fields: dict[str, Any]) -> None:
    """OpenAI keeps to the schema; a server with the same API may not."""
    for source in (FILE, Given(source="words", home="EUR", text=WORDS)):
        for draft in drafts(answer(receipt(**fields)), source, POLICY):
            assert set(draft.doubts) <= {"minor", "currency", "spent_on", "merchant", "category"}
            assert draft.details.category in ("", *POLICY.categories)
            assert draft.details.minor is None or draft.details.currency


# -- asking OpenAI --------------------------------------------------------------------------------------------------------


@pytest.fixture
async def llm(settings: Settings) -> AsyncIterator[Llm]:
    async with open_llm(settings) as llm:
        yield llm


async def extracted(llm: Llm, spent: list[Usage] | None = None) -> dict[str, Any]:
    parts = [{"type": "input_text", "text": WORDS}]
    costs = spent if spent is not None else []
    return await llm.extract("Read receipts.", parts, NAME, SCHEMA, person="p", spend=costs.append)


async def test_an_extraction_is_one_request_that_openai_does_not_keep(ai: OpenAIServer, llm: Llm) -> None:
    ai.script = Script(script.text(json.dumps(answer(receipt()))))
    spent: list[Usage] = []
    assert await extracted(llm, spent) == answer(receipt())
    (request,) = ai.requests
    format_ = request.body["text"]["format"]
    assert (format_["type"], format_["name"], format_["strict"], format_["schema"]) == (
        "json_schema",
        "receipts",
        True,
        SCHEMA,
    )
    assert (request.body["store"], request.body["safety_identifier"]) == (False, "p")
    assert "conversation" not in request.body
    assert spent[0].input_tokens > 0
    assert spent[0].output_tokens > 0


@pytest.mark.parametrize(
    ("step", "error", "word"),
    [
        (script.refusal("I can't."), UserFacing, "refuse"),
        (script.incomplete('{"receipts": [', "content_filter"), UserFacing, "refuse"),
        (script.incomplete('{"receipts": [', "max_output_tokens"), Retryable, "broke off"),
        (script.failed("", "server_error"), Overloaded, "broke off"),
        (script.http_error(503), Overloaded, "OpenAI"),
        (script.http_error(404, "model_not_found"), ModelGone, "does not offer"),
    ],
)
async def test_what_goes_wrong_has_its_word(
    ai: OpenAIServer, llm: Llm, step: Step, error: type[Exception], word: str
) -> None:
    ai.script = Script(step)
    with pytest.raises(error) as caught:
        await extracted(llm)
    assert type(caught.value) is error
    assert word in (getattr(caught.value, "text", "") or getattr(caught.value, "said", ""))


async def test_what_is_of_no_use_has_cost_all_the_same(ai: OpenAIServer, llm: Llm) -> None:
    ai.script = Script(script.refusal("I can't."))
    spent: list[Usage] = []
    with pytest.raises(UserFacing):
        await extracted(llm, spent)
    assert spent[0].input_tokens > 0


async def test_another_model_reads_where_the_first_is_gone(ai: OpenAIServer, settings: Settings) -> None:
    async with open_llm(settings) as llm:
        llm.fallback.fallback = "gpt-6-luna"
        first = script.http_error(
            404, "model_not_found", match=lambda view: view.body["model"] == settings.openai_model
        )
        ai.script = Script(
            first, script.text(json.dumps(answer()), match=lambda view: view.body["model"] == "gpt-6-luna")
        )
        assert await extracted(llm) == answer()
