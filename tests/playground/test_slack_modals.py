"""Modals, from the button that opens them to what the app hears when they are submitted or closed: with a real Bolt app."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import (
    CheckboxesElement,
    DatePickerElement,
    InputBlock,
    Option,
    PlainTextInputElement,
    StaticSelectElement,
)
from slack_sdk.models.blocks.block_elements import FileInputElement
from slack_sdk.models.views import View
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import SlackServer

Json = dict[str, Any]
OPTIONS = [Option(text="Everyone", value="everyone"), Option(text="Workspace", value="workspace")]
FORM = View(
    type="modal",
    callback_id="form",
    title="Knowledge",
    submit="Add",
    notify_on_close=True,
    blocks=[
        InputBlock(block_id="name", label="Name", element=PlainTextInputElement(action_id="v", initial_value="policy")),
        InputBlock(block_id="who", label="Who", element=StaticSelectElement(action_id="v", options=OPTIONS)),
        InputBlock(
            block_id="tags", label="Tags", optional=True, element=CheckboxesElement(action_id="v", options=OPTIONS)
        ),
        InputBlock(block_id="until", label="Until", optional=True, element=DatePickerElement(action_id="v")),
        InputBlock(
            block_id="files", label="Files", element=FileInputElement(action_id="v", filetypes=["pdf"], max_files=2)
        ),
    ],
).to_dict()


class App:
    """Opens FORM at a button and answers submissions with `answer`."""

    def __init__(self, slack: SlackServer) -> None:
        self.client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        self.bolt = AsyncApp(client=self.client, process_before_response=True)
        self.answer: Json = {}
        self.heard: list[Json] = []
        self.bolt.action("open")(self._open)
        self.bolt.view("form")(self._submitted)
        self.bolt.view_closed("form")(self._closed)

    async def _open(self, ack: Any, body: Json) -> None:
        await ack()
        await self.client.views_open(trigger_id=body["trigger_id"], view=FORM)

    async def _submitted(self, ack: Any, body: Json) -> None:
        self.heard.append(body)
        await ack(**self.answer)

    async def _closed(self, ack: Any, body: Json) -> None:
        self.heard.append(body)
        await ack()


@pytest.fixture
async def app(slack: SlackServer) -> AsyncIterator[App]:
    app = App(slack)
    handler = AsyncSocketModeHandler(app.bolt, slack.app_token)
    await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt leaves it untyped
    await slack.until(lambda: slack.delivery.sockets.connections)
    yield app
    await handler.close_async()  # type: ignore[no-untyped-call]  # Bolt leaves it untyped


async def opened(slack: SlackServer, app: App) -> str:
    """Ana presses the button; the id of the modal that comes."""
    button = {"type": "button", "action_id": "open", "text": {"type": "plain_text", "text": "Open"}}
    blocks = [{"type": "actions", "elements": [button]}]
    general = slack.workspace.channel("general")
    ts = (await app.client.chat_postMessage(channel=general.id, text="x", blocks=blocks))["ts"]
    slack.workspace.press("ana", general, ts, "open")
    await slack.until(lambda: slack.workspace.modal("ana"))
    return str((slack.workspace.modal("ana") or {})["id"])


async def test_a_form_with_files_reaches_the_app(slack: SlackServer, app: App) -> None:
    ws = slack.workspace
    view = await opened(slack, app)
    file = ws.add_file("ana", "policy.pdf", b"%PDF")
    values = {
        "who": {"v": "workspace"},
        "tags": {"v": ["everyone"]},
        "until": {"v": "2027-01-31"},
        "files": {"v": [file]},
    }
    ws.submit("ana", view, values)
    await slack.until(lambda: app.heard and not ws.modal("ana"))
    state = app.heard[0]["view"]["state"]["values"]
    assert state["name"]["v"] == {"type": "plain_text_input", "value": "policy"}
    assert state["who"]["v"]["selected_option"]["value"] == "workspace"
    assert [o["value"] for o in state["tags"]["v"]["selected_options"]] == ["everyone"]
    assert state["until"]["v"] == {"type": "datepicker", "selected_date": "2027-01-31"}
    given = state["files"]["v"]["files"][0]
    assert (state["files"]["v"]["type"], given["id"], given["shares"]) == ("file_input", file.id, {})
    assert (await app.client.files_info(file=file.id))["file"]["name"] == "policy.pdf"
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    async with aiohttp.request("GET", given["url_private_download"], headers=headers) as response:
        assert await response.read() == b"%PDF"


async def test_what_slacks_client_would_not_send(slack: SlackServer, app: App) -> None:
    ws = slack.workspace
    view = await opened(slack, app)
    pdfs = [ws.add_file("ana", f"{n}.pdf", b"%PDF") for n in range(3)]
    for values, why in (
        ({"who": {"v": "everyone"}}, "Please fill in “Files”."),
        ({"files": {"v": pdfs[:1]}}, "Please fill in “Who”."),
        ({"who": {"v": "everyone"}, "files": {"v": pdfs}}, "At most 2 files"),
        ({"who": {"v": "everyone"}, "files": {"v": [ws.add_file("ana", "a.exe", b"MZ")]}}, "a.exe is not one of: pdf"),
    ):
        with pytest.raises(ValueError, match=why):
            ws.submit("ana", view, values)
    assert app.heard == []


async def test_errors_an_update_and_clear(slack: SlackServer, app: App) -> None:
    ws = slack.workspace
    view = await opened(slack, app)
    whole = {"who": {"v": "everyone"}, "files": {"v": [ws.add_file("ana", "a.pdf", b"%PDF")]}}
    app.answer = {"response_action": "errors", "errors": {"name": "It is taken."}}
    ws.submit("ana", view, whole)
    await slack.until(lambda: ws.view_errors.get(view) == {"name": "It is taken."})
    app.answer = {"response_action": "update", "view": FORM | {"title": {"type": "plain_text", "text": "Step 2"}}}
    ws.submit("ana", view, whole)
    await slack.until(lambda: (ws.modal("ana") or {})["title"]["text"] == "Step 2")
    assert (ws.view_errors.get(view), (ws.modal("ana") or {})["id"]) == (None, view)
    app.answer = {"response_action": "clear"}
    ws.submit("ana", view, whole)
    await slack.until(lambda: ws.modal("ana") is None)


async def test_a_form_that_the_app_does_not_answer_says_so(slack: SlackServer, app: App) -> None:
    ws = slack.workspace
    view = await opened(slack, app)
    slack.ack_timeout = 0.1
    slack.delivery.cut()
    ws.submit("ana", view, {"who": {"v": "everyone"}, "files": {"v": [ws.add_file("ana", "a.pdf", b"%PDF")]}})
    await slack.until(lambda: ws.view_errors.get(view))
    assert "trouble" in ws.view_errors[view][""]
    assert ws.modal("ana")


async def test_the_app_hears_of_a_form_that_is_closed(slack: SlackServer, app: App) -> None:
    ws = slack.workspace
    first = await opened(slack, app)
    trigger = ws.trigger(ws.person("ana"), first)
    second = (await app.client.views_push(trigger_id=trigger, view=FORM))["view"]["id"]
    ws.close_view("ana", second)
    assert (ws.modal("ana") or {})["id"] == first
    await slack.until(lambda: len(app.heard) == 1)
    ws.close_view("ana", first, clear=True)
    assert ws.modal("ana") is None
    await slack.until(lambda: len(app.heard) == 2)
    assert [(b["type"], b["view"]["id"], b["is_cleared"]) for b in app.heard] == [
        ("view_closed", second, False),
        ("view_closed", first, True),
    ]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def field(block_id: str, label: str, element: Json, **more: Any) -> Json:
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": {"action_id": "v"} | element,
    } | more


CHOICES = [{"text": plain(c.title()), "value": c} for c in ("meals", "taxi")]
EXPENSE = {
    "type": "modal",
    "callback_id": "form",
    "private_metadata": "E-12|3",
    "title": plain("Expense"),
    "submit": plain("Save"),
    "blocks": [
        field("merchant", "Merchant", {"type": "plain_text_input", "initial_value": "Lidl", "max_length": 20}),
        field("day", "Date", {"type": "datepicker", "initial_date": "2026-11-20"}),
        field("category", "Category", {"type": "static_select", "options": CHOICES, "initial_option": CHOICES[0]}),
        field("with", "With", {"type": "users_select"}, optional=True, hint=plain("A colleague")),
        field("km", "Kilometres", {"type": "number_input", "is_decimal_allowed": False}, optional=True),
        field("tags", "Tags", {"type": "checkboxes", "options": CHOICES}, optional=True),
        field("why", "Why", {"type": "plain_text_input", "multiline": True}, optional=True),
    ],
}


async def expense_form(slack: SlackServer, app: App, person: str = "ana", **changes: Any) -> str:
    trigger = slack.workspace.trigger(slack.workspace.person(person))
    return str((await app.client.views_open(trigger_id=trigger, view=EXPENSE | changes))["view"]["id"])


async def test_each_kind_of_field_comes_back_in_slacks_shape(slack: SlackServer, app: App) -> None:
    ws = slack.workspace
    view = await expense_form(slack, app)
    ws.submit("ana", view, {"day": "2026-11-21", "category": "taxi", "with": "raj", "km": "12"})
    await slack.until(lambda: app.heard)
    heard = app.heard[0]["view"]
    assert heard["private_metadata"] == "E-12|3"
    assert {block: held["v"] for block, held in heard["state"]["values"].items()} == {
        "merchant": {"type": "plain_text_input", "value": "Lidl"},
        "day": {"type": "datepicker", "selected_date": "2026-11-21"},
        "category": {"type": "static_select", "selected_option": CHOICES[1]},
        "with": {"type": "users_select", "selected_user": ws.person("raj").id},
        "km": {"type": "number_input", "value": "12"},
        "tags": {"type": "checkboxes", "selected_options": []},
        "why": {"type": "plain_text_input", "value": None},
    }


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"merchant": ""}, "Please fill in “Merchant”."),
        ({"merchant": "x" * 21}, "At most 20 characters"),
        ({"day": "2026-13-01"}, "is not a date"),
        ({"category": "boats"}, "“boats” cannot be chosen"),
        ({"tags": ["meals", "boats"]}, "“boats” cannot be chosen"),
        ({"km": "1.5"}, "is not a whole number"),
        ({"km": "many"}, "is not a number"),
    ],
)
async def test_a_value_that_does_not_fit_its_field_is_not_sent(
    slack: SlackServer, app: App, values: Json, why: str
) -> None:
    view = await expense_form(slack, app)
    with pytest.raises(ValueError, match=why):
        slack.workspace.submit("ana", view, values)
    assert app.heard == []


async def test_a_loading_view_is_filled_later_unless_it_was_closed(slack: SlackServer, app: App) -> None:
    ws = slack.workspace
    loading = {
        "type": "modal",
        "title": plain("Expense"),
        "blocks": [{"type": "section", "text": plain("One moment…")}],
    }
    trigger = ws.trigger(ws.person("ana"))
    opened = (await app.client.views_open(trigger_id=trigger, view=loading))["view"]
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await app.client.views_update(view_id=opened["id"], view=EXPENSE, hash="1.aaaa")
    await app.client.views_update(view_id=opened["id"], view=EXPENSE, hash=opened["hash"])
    assert (ws.modal("ana") or {})["title"]["text"] == "Expense"
    assert (ws.modal("ana") or {})["submit"]
    ws.close_view("ana", opened["id"])
    with pytest.raises(SlackApiError, match="not_found"):
        await app.client.views_update(view_id=opened["id"], view=EXPENSE)


async def test_a_trigger_is_good_once_and_for_three_seconds(slack: SlackServer, app: App) -> None:
    ws, now = slack.workspace, [1_800_000_000.0]
    ws.clock = lambda: now[0]
    trigger = ws.trigger(ws.person("ana"))
    await app.client.views_open(trigger_id=trigger, view=EXPENSE)
    late = ws.trigger(ws.person("ana"))
    now[0] += 3.1
    for used, why in ((trigger, "exchanged_trigger_id"), (late, "expired_trigger_id"), ("1.2.x", "invalid_trigger_id")):
        with pytest.raises(SlackApiError, match=why):
            await app.client.views_open(trigger_id=used, view=EXPENSE)


SELECT = {"type": "static_select", "options": CHOICES}
BUTTON = {"type": "button", "action_id": "b", "text": plain("Go")}


@pytest.mark.parametrize(
    "change",
    [
        {"title": plain("x" * 25)},
        {"submit": plain("x" * 25)},
        {"submit": None},
        {"private_metadata": "x" * 3001},
        {"colour": "red"},
        {"blocks": [field("a", "A", SELECT), field("a", "A", SELECT)]},
        {"blocks": [field("x" * 256, "A", SELECT)]},
        {"blocks": [field("a", "A", SELECT | {"action_id": "x" * 256})]},
        {"blocks": [field("a", "x" * 2001, SELECT)]},
        {"blocks": [field("a", "A", SELECT | {"options": []})]},
        {"blocks": [field("a", "A", SELECT | {"options": CHOICES * 51})]},
        {"blocks": [field("a", "A", SELECT | {"options": [{"text": plain("x" * 76), "value": "x"}]})]},
        {"blocks": [field("a", "A", SELECT | {"options": [{"text": plain("x"), "value": "x" * 151}]})]},
        {"blocks": [field("a", "A", SELECT | {"initial_option": {"text": plain("Boats"), "value": "boats"}})]},
        {"blocks": [field("a", "A", SELECT | {"placeholder": plain("x" * 151)})]},
        {"blocks": [field("a", "A", {"type": "datepicker", "initial_date": "20.11.2026"})]},
        {"blocks": [field("a", "A", {"type": "plain_text_input", "max_length": 3001})]},
        {"blocks": [field("a", "A", {"type": "plain_text_input", "initial_value": ""})]},
        {"blocks": [field("a", "A", {"type": "number_input"})]},
        {"blocks": [field("a", "A", BUTTON)]},
        {"blocks": [{"type": "actions", "elements": [{"type": "plain_text_input", "action_id": "v"}]}]},
        {"blocks": [{"type": "actions", "elements": [BUTTON | {"value": "x" * 2001}]}]},
        {"blocks": [{"type": "actions", "elements": [BUTTON | {"confirm": {"title": plain("x" * 101), "text": plain("x")}}]}]},
        {"blocks": [{"type": "actions", "elements": [BUTTON | {"confirm": {"title": plain("Sure?")}}]}]},
        {"blocks": [{"type": "section", "fields": [plain("x")] * 11}]},
        {"blocks": [{"type": "section", "fields": [plain("x" * 2001)]}]},
    ],
)  # fmt: skip
async def test_views_that_slack_does_not_open(slack: SlackServer, app: App, change: Json) -> None:
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await expense_form(slack, app, **change)
    assert slack.workspace.modal("ana") is None
