"""The local OpenAI's conversations and responses, as the real client sees them."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from openai.types.responses import Response

from playground.openai import (
    Model,
    OpenAIServer,
    Script,
    calls,
    cut,
    error_event,
    failed,
    http_error,
    incomplete,
    refusal,
    stall,
    text,
)
from playground.openai import empty as nothing

MODEL = "gpt-6.2-sol"
CLOCK: Any = {
    "type": "function",
    "name": "current_time",
    "strict": True,
    "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
}


@pytest.fixture
async def ai() -> AsyncIterator[OpenAIServer]:
    server = OpenAIServer()
    server.tokens_per_second = server.first_token = 0
    async with server.serving():
        yield server


@pytest.fixture
async def client(ai: OpenAIServer) -> AsyncIterator[AsyncOpenAI]:
    plain = openai.DefaultAsyncHttpxClient(verify=False)  # no TLS here: loading certificates is what takes time
    async with AsyncOpenAI(
        api_key=ai.api_key, base_url=ai.base_url, max_retries=0, timeout=5, http_client=plain
    ) as made:
        yield made


async def events_of(client: AsyncOpenAI, **arguments: Any) -> list[Any]:
    async with await client.responses.create(model=MODEL, stream=True, **arguments) as stream:
        return [event async for event in stream]


async def item_types(client: AsyncOpenAI, conversation: str) -> list[str]:
    return [item.type async for item in client.conversations.items.list(conversation, order="asc")]


async def refused(client: AsyncOpenAI, **arguments: Any) -> openai.APIStatusError:
    with pytest.raises(openai.APIStatusError) as caught:
        await client.responses.create(**({"model": MODEL, "input": "hi"} | arguments))
    return caught.value


async def test_a_message_streams_in_the_documented_order(ai: OpenAIServer, client: AsyncOpenAI) -> None:
    citation = {"type": "file_citation", "file_id": "file-1", "filename": "a.md", "index": 5}
    ai.script = Script(text("Hello **world**", chunk=4, annotations=[citation], phase="final_answer"))
    events = await events_of(client, input="hi")
    names = [event.type.removeprefix("response.") for event in events]
    assert names == [
        "created", "in_progress", "output_item.added", "content_part.added",
        *["output_text.delta"] * 4,
        "output_text.annotation.added", "output_text.done", "content_part.done", "output_item.done", "completed",
    ]  # fmt: skip
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert "".join(event.delta for event in events if event.type.endswith("delta")) == "Hello **world**"
    final: Response = events[-1].response
    assert final.output_text == "Hello **world**"
    assert final.output[0].to_dict()["content"][0]["annotations"] == [citation]  # type: ignore[index]  # untyped dict
    assert final.usage is not None
    assert final.usage.output_tokens == 4
    assert final.id in ai.timings
    ai.script.check()


async def test_the_sdk_stream_helper_accepts_the_stream(client: AsyncOpenAI) -> None:
    async with client.responses.stream(model=MODEL, input="count to 300") as stream:
        final = await stream.get_final_response()
    assert final.output_text.endswith("299, 300")


async def test_input_and_output_join_the_conversation_when_the_response_completes(
    ai: OpenAIServer, client: AsyncOpenAI
) -> None:
    conversation = await client.conversations.create(metadata={"thread": "C1"})
    async with await client.responses.create(
        model=MODEL, input="hi", conversation=conversation.id, stream=True
    ) as stream:
        async for event in stream:
            if event.type != "response.completed":
                continue
            assert await item_types(client, conversation.id) == ["message", "message"]
    again = await client.conversations.retrieve(conversation.id)
    assert again.metadata == {"thread": "C1"}


async def test_function_calls_need_their_outputs_before_the_next_response(
    ai: OpenAIServer, client: AsyncOpenAI
) -> None:
    conversation = await client.conversations.create()
    ai.script = Script(calls(("current_time", {}), ("current_time", {"zone": "UTC"}), before="I look."))
    first = await client.responses.create(model=MODEL, input="time?", conversation=conversation.id, tools=[CLOCK])
    assert [item.type for item in first.output] == ["message", "function_call", "function_call"]
    assert first.output[0].to_dict()["phase"] == "commentary"
    made = [item for item in first.output if item.type == "function_call"]
    assert json.loads(made[1].arguments) == {"zone": "UTC"}
    error = await refused(client, conversation=conversation.id)
    assert error.status_code == 400
    assert f"No tool output found for function call {made[0].call_id}." in error.message
    assert error.param == "input"
    ai.script.add(text("It is noon."))
    outputs: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": "12:00"} for call in made]
    second = await client.responses.create(model=MODEL, input=outputs, conversation=conversation.id, tools=[CLOCK])
    assert second.output_text == "It is noon."
    ai.script.check()


async def test_an_output_without_its_call_is_refused(client: AsyncOpenAI) -> None:
    conversation = await client.conversations.create()
    orphan = [{"type": "function_call_output", "call_id": "call_gone", "output": "x"}]
    error = await refused(client, input=orphan, conversation=conversation.id)
    assert "No tool call found for function call output with call_id call_gone." in error.message


async def test_a_conversation_takes_one_response_at_a_time(ai: OpenAIServer, client: AsyncOpenAI) -> None:
    conversation = await client.conversations.create()
    ai.script = Script(stall("Wait", seconds=0.2), text("Later."))
    async with await client.responses.create(
        model=MODEL, input="one", conversation=conversation.id, stream=True
    ) as stream:
        await anext(aiter(stream))
        error = await refused(client, input="two", conversation=conversation.id)
        assert (error.status_code, error.code, error.param) == (400, "conversation_locked", "conversation")
        async for _ in stream:
            pass
    after = await client.responses.create(model=MODEL, input="two", conversation=conversation.id)
    assert after.output_text == "Later."


@pytest.mark.parametrize(
    ("leaves", "kept"),
    [("nothing", []), ("input", ["message"]), ("call_without_output", ["message", "function_call"])],
)
async def test_a_client_that_leaves_cancels_its_response(
    ai: OpenAIServer, client: AsyncOpenAI, leaves: Any, kept: list[str]
) -> None:
    ai.interrupted_leaves = leaves
    ai.tokens_per_second = 20
    conversation = await client.conversations.create()
    ai.script = Script(calls(("current_time", {}), before="word " * 200))
    stream = await client.responses.create(model=MODEL, input="one", conversation=conversation.id, stream=True)
    async for event in stream:
        if event.type == "response.output_text.delta":
            break
    await stream.close()
    for _ in range(50):
        if ai.conversations[conversation.id].running is None:
            break
        await asyncio.sleep(0.02)
    assert await item_types(client, conversation.id) == kept
    assert (await client.responses.retrieve(next(iter(ai.timings)))).status == "cancelled"


async def test_failures_mid_stream(ai: OpenAIServer, client: AsyncOpenAI) -> None:
    ai.script = Script(
        failed("Half", match="fails"),
        error_event("Half", "server_error", "Broken.", match="error"),
        error_event("Half", "rate_limit_exceeded", "Slow down.", nested=True, match="nested"),
        incomplete("Half", match="incomplete"),
        refusal("I will not.", match="refuse"),
        nothing(match="empty"),
    )
    last = (await events_of(client, input="fails"))[-1]
    assert (last.type, last.response.error.code) == ("response.failed", "server_error")
    last = (await events_of(client, input="error"))[-1]
    assert (last.type, last.code, last.message) == ("error", "server_error", "Broken.")
    with pytest.raises(openai.APIError, match=r"Slow down\."):
        await events_of(client, input="nested")
    last = (await events_of(client, input="incomplete"))[-1]
    assert (last.type, last.response.incomplete_details.reason) == ("response.incomplete", "max_output_tokens")
    events = await events_of(client, input="refuse")
    assert "response.refusal.delta" in {event.type for event in events}
    assert events[-1].response.output[0].content[0].refusal == "I will not."
    assert (await events_of(client, input="empty"))[-1].response.output == []
    ai.script.check()


async def test_a_cut_stream_ends_without_a_terminal_event(ai: OpenAIServer, client: AsyncOpenAI) -> None:
    conversation = await client.conversations.create()
    ai.script = Script(cut("Half an answer"), cut("Half an answer", clean=True))
    with pytest.raises(openai.APIConnectionError):
        await events_of(client, input="one", conversation=conversation.id)
    events = await events_of(client, input="two", conversation=conversation.id)
    assert events[-1].type == "response.output_text.delta"
    assert await item_types(client, conversation.id) == []


async def test_a_background_response_outlives_its_stream_and_is_resumed(ai: OpenAIServer, client: AsyncOpenAI) -> None:
    conversation = await client.conversations.create()
    ai.script = Script(cut("Half ", rest="and whole."))
    seen: list[Any] = []
    stream = await client.responses.create(
        model=MODEL, input="x", conversation=conversation.id, background=True, stream=True
    )

    async def read_along() -> None:
        async for event in stream:
            seen.append(event)

    with pytest.raises(openai.APIConnectionError):
        await read_along()
    id_ = seen[0].response.id
    after = seen[-1].sequence_number
    async with await client.responses.retrieve(id_, stream=True, starting_after=after) as rest:
        seen += [event async for event in rest]
    assert [event.sequence_number for event in seen] == list(range(len(seen)))
    assert seen[-1].response.output_text == "Half and whole."
    assert (await client.responses.retrieve(id_)).status == "completed"
    assert await item_types(client, conversation.id) == ["message", "message"]


async def test_a_background_response_is_polled_and_cancelled(ai: OpenAIServer, client: AsyncOpenAI) -> None:
    ai.script = Script(stall("Half", seconds=30), text("Done."))
    response = await client.responses.create(model=MODEL, input="x", background=True)
    assert response.status == "queued"
    assert (await client.responses.cancel(response.id)).status == "cancelled"
    other = await client.responses.create(model=MODEL, input="x", background=True)
    for _ in range(100):
        other = await client.responses.retrieve(other.id)
        if other.status == "completed":
            break
        await asyncio.sleep(0.01)
    assert other.output_text == "Done."
    items = await client.responses.input_items.list(other.id)
    assert [item.type for item in items.data] == ["message"]
    await client.responses.delete(other.id)
    with pytest.raises(openai.NotFoundError):
        await client.responses.retrieve(other.id)


async def test_a_foreground_response_cannot_be_cancelled(client: AsyncOpenAI) -> None:
    response = await client.responses.create(model=MODEL, input="hi")
    with pytest.raises(openai.BadRequestError, match="synchronous"):
        await client.responses.cancel(response.id)


async def test_previous_response_id_carries_the_context_on(client: AsyncOpenAI) -> None:
    first = await client.responses.create(model=MODEL, input="My name is Zoe Park.")
    second = await client.responses.create(model=MODEL, input="What is my name?", previous_response_id=first.id)
    assert "Zoe Park" in second.output_text


async def test_a_wrong_key_is_refused(ai: OpenAIServer) -> None:
    async with AsyncOpenAI(api_key="sk-wrong-0123456789", base_url=ai.base_url) as stranger:
        with pytest.raises(openai.AuthenticationError) as caught:
            await stranger.models.list()
    assert caught.value.code == "invalid_api_key"
    assert "0123456789" not in caught.value.message


async def test_models_are_listed_with_their_last_day(ai: OpenAIServer, client: AsyncOpenAI) -> None:
    ai.models["gpt-late"] = Model("gpt-late", shutdown_date="2026-12-01")
    listed = {model.id: model.shutdown_date async for model in client.models.list()}
    assert (listed["gpt-6.2-sol"], listed["gpt-4.1"]) == (None, "2027-01-14")
    assert (await client.models.retrieve("gpt-late")).shutdown_date == "2026-12-01"
    error = await refused(client, model="gpt-nope")
    assert (error.status_code, error.code) == (404, "model_not_found")


LOOSE: Any = {"type": "function", "name": "f", "strict": True, "parameters": {"type": "object", "properties": {}}}
OPTIONAL: Any = {
    "type": "function",
    "name": "f",
    "parameters": {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": [],
        "additionalProperties": False,
    },
}


@pytest.mark.parametrize(
    ("arguments", "code", "param"),
    [
        ({"extra_body": {"thread": "x"}}, "unknown_parameter", "thread"),
        ({"temperature": 0.2}, "unsupported_parameter", "temperature"),
        ({"reasoning": {"effort": "none"}}, "unsupported_value", "reasoning.effort"),
        ({"tools": [LOOSE]}, "invalid_function_parameters", "tools[0].parameters"),
        ({"tools": [OPTIONAL]}, "invalid_function_parameters", "tools[0].parameters"),
        ({"input": []}, "missing_required_parameter", "input"),
        ({"input": [{"role": "boss", "content": "x"}]}, "invalid_value", "input[0].role"),
        ({"input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}, "invalid_value",
         "input[0].content[0].type"),
        ({"max_output_tokens": 3}, "integer_below_min_value", "max_output_tokens"),
        ({"safety_identifier": "x" * 129}, "string_above_max_length", "safety_identifier"),
        ({"previous_response_id": "resp_1", "conversation": "conv_1"}, "mutually_exclusive_parameters",
         "conversation"),
        ({"previous_response_id": "resp_1"}, "previous_response_not_found", "previous_response_id"),
    ],
)  # fmt: skip
async def test_bad_arguments_are_named(client: AsyncOpenAI, arguments: Any, code: str, param: str) -> None:
    error = await refused(client, **arguments)
    assert (error.status_code, error.code, error.param) == (400, code, param)


async def test_unknown_things_are_not_found(client: AsyncOpenAI) -> None:
    error = await refused(client, conversation="conv_nope")
    assert error.status_code == 404
    assert "Conversation with id 'conv_nope' not found." in error.message
    with pytest.raises(openai.NotFoundError, match="Invalid URL"):
        await client.post("/assistants", cast_to=object)


async def test_max_output_tokens_cuts_the_answer_off(client: AsyncOpenAI) -> None:
    response = await client.responses.create(model=MODEL, input="write 100 words", max_output_tokens=16)
    assert response.status == "incomplete"
    assert response.usage is not None
    assert response.usage.output_tokens == 16
    assert len(response.output_text) == 64


async def test_the_context_window_is_kept(ai: OpenAIServer, client: AsyncOpenAI) -> None:
    conversation = await client.conversations.create()
    for n in range(4):
        await client.responses.create(model=MODEL, input=f"fact {n} " + "x" * 400, conversation=conversation.id)
    ai.context_window = 300
    error = await refused(client, input="hi", conversation=conversation.id)
    assert error.code == "context_length_exceeded"
    counted = await client.responses.input_tokens.count(model=MODEL, input="hi", conversation=conversation.id)
    assert counted.input_tokens > 300
    cut_down = await client.responses.create(model=MODEL, input="hi", conversation=conversation.id, truncation="auto")
    assert cut_down.usage is not None
    assert cut_down.usage.input_tokens <= 300


async def test_an_unchanged_prefix_is_cached_and_a_changed_one_is_not(client: AsyncOpenAI) -> None:
    conversation = await client.conversations.create()

    async def cached(instructions: str) -> int:
        response = await client.responses.create(
            model=MODEL, input="hi", conversation=conversation.id, instructions=instructions
        )
        assert response.usage is not None
        return response.usage.input_tokens_details.cached_tokens

    assert await cached("a" * 8000) == 0
    assert await cached("a" * 8000) == 1920
    assert await cached("b" * 8000) == 0


async def test_a_script_that_is_not_followed_is_reported(ai: OpenAIServer, client: AsyncOpenAI) -> None:
    ai.script = Script(text("For Ana", match="Ana"), text("For all"))
    assert (await client.responses.create(model=MODEL, input="Bob")).output_text == "For all"
    with pytest.raises(AssertionError, match="unused step"):
        ai.script.check()
    assert (await client.responses.create(model=MODEL, input="Ana")).output_text == "For Ana"
    error = await refused(client, input="Cem")
    assert (error.status_code, error.code) == (500, "script_exhausted")
    with pytest.raises(AssertionError, match="Cem"):
        ai.script.check()


async def test_a_summary_takes_no_step_that_is_not_meant_for_it(ai: OpenAIServer, client: AsyncOpenAI) -> None:
    ai.script = Script(text("For the user"))
    given = await client.responses.create(
        model="gpt-6-luna", instructions="Summarise the conversation.", input="We agreed on 12 May."
    )
    assert "12 May" in given.output_text
    assert (await client.responses.create(model=MODEL, input="hi")).output_text == "For the user"
    ai.script.forever(text("Again"))
    assert [(await client.responses.create(model=MODEL, input="hi")).output_text for _ in range(2)] == ["Again"] * 2
    ai.script.check()


async def test_faults_happen_as_often_as_planned(ai: OpenAIServer, client: AsyncOpenAI) -> None:
    patient = client.with_options(max_retries=2)
    ai.faults.add(path="/responses", status=500, times=1, when=lambda body: body["input"] == "hi")
    ai.faults.add(path="/responses", refuse=True)
    assert (await patient.responses.create(model=MODEL, input="hi")).status == "completed"
    assert [record.status for record in ai.requests] == [500, 0, 200]
    ai.script = Script(http_error(429, "insufficient_quota", "No money."))
    error = await refused(client)
    assert (error.status_code, error.code, error.type) == (429, "insufficient_quota", "insufficient_quota")


async def test_limits_and_credit_run_out(client: AsyncOpenAI, ai: OpenAIServer) -> None:
    ai.limits, ai.rate_limit_requests = True, 2
    answers = [await client.responses.with_raw_response.create(model=MODEL, input="hi") for _ in range(2)]
    assert [answer.headers["x-ratelimit-remaining-requests"] for answer in answers] == ["1", "0"]
    error = await refused(client)
    assert (error.status_code, error.code) == (429, "rate_limit_exceeded")
    assert 0 < int(error.response.headers["retry-after"]) <= 30
    ai.limits, ai.credit = False, 0.000001
    await client.responses.create(model=MODEL, input="hi")
    error = await refused(client)
    assert (error.code, ai.credit) == ("insufficient_quota", 0)
    assert "retry-after" not in error.response.headers


async def test_items_are_listed_in_pages(client: AsyncOpenAI) -> None:
    texts = [f"message {n}" for n in range(20)]
    items: Any = [{"type": "message", "role": "user", "content": told} for told in texts]
    conversation = await client.conversations.create(items=items)
    await client.conversations.items.create(conversation.id, items=[{"role": "assistant", "content": "last"}])
    newest = await client.conversations.items.list(conversation.id, limit=2)
    assert [item.to_dict()["role"] for item in newest.data] == ["assistant", "user"]
    assert newest.has_more
    listed = [item.to_dict() async for item in client.conversations.items.list(conversation.id, limit=7, order="asc")]
    told: list[Any] = [item["content"] for item in listed]
    assert [parts[0]["text"] for parts in told] == [*texts, "last"]
    await client.conversations.items.delete(str(listed[0]["id"]), conversation_id=conversation.id)
    assert len(await item_types(client, conversation.id)) == 20
    with pytest.raises(openai.BadRequestError) as caught:
        await client.conversations.create(items=[*items, items[0]])
    assert caught.value.code == "array_above_max_length"
    with pytest.raises(openai.BadRequestError):
        await client.conversations.items.list(conversation.id, limit=101)


async def test_a_deleted_conversation_is_gone(ai: OpenAIServer, client: AsyncOpenAI) -> None:
    first, second = await client.conversations.create(), await client.conversations.create()
    assert (await client.conversations.delete(first.id)).deleted
    ai.delete_conversation(second.id)
    for gone in (first, second):
        with pytest.raises(openai.NotFoundError):
            await client.conversations.retrieve(gone.id)


async def test_conversations_survive_a_restart(ai: OpenAIServer, client: AsyncOpenAI) -> None:
    conversation = await client.conversations.create()
    await client.responses.create(model=MODEL, input="My name is Zoe Park.", conversation=conversation.id)
    restarted = OpenAIServer(state=json.loads(json.dumps(ai.snapshot())))
    restarted.tokens_per_second = restarted.first_token = 0
    async with restarted.serving(), AsyncOpenAI(api_key=restarted.api_key, base_url=restarted.base_url) as other:
        answer = await other.responses.create(model=MODEL, input="What is my name?", conversation=conversation.id)
    assert "Zoe Park" in answer.output_text


async def test_tokens_come_at_the_set_pace(ai: OpenAIServer, client: AsyncOpenAI) -> None:
    ai.tokens_per_second, ai.first_token = 100, 0.05
    response = await client.responses.create(model=MODEL, input="say: " + "word " * 40)
    first, last = ai.timings[response.id]
    assert 0.4 < last - first < 0.7


async def test_requests_are_recorded() -> None:
    seen: list[Any] = []
    server = OpenAIServer(record=seen.append)
    server.tokens_per_second = server.first_token = 0
    async with server.serving(), AsyncOpenAI(api_key=server.api_key, base_url=server.base_url) as client:
        await client.responses.create(model=MODEL, input="hi")
        await client.files.create(file=("a.md", b"text"), purpose="assistants")
    assert seen == [
        {"http": "POST", "path": "/v1/responses", "body": {"model": MODEL, "input": "hi"}},
        {"http": "POST", "path": "/v1/files", "body": {"file": "a.md", "purpose": "assistants"}},
    ]
