"""From a request body to what is to be done: the checked context, its tokens, and the plan of the answer."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from playground.openai import model as rules
from playground.openai.behaviour import Behaviour
from playground.openai.containers import Container, Containers
from playground.openai.conversations import Conversation, Conversations
from playground.openai.errors import JsonObject, invalid
from playground.openai.extract import TABLES
from playground.openai.files import File
from playground.openai.input_files import check_earlier, check_input, file_ids, look_inline, text_tokens, texts
from playground.openai.items import check_calls, input_items
from playground.openai.limits import Model, Prompt, Usage, cached_tokens, count_tokens, item_tokens, no_credit, total
from playground.openai.plan import Plan, View, bounded
from playground.openai.settle import settled
from playground.openai.spoken import spoken
from playground.openai.vector_stores import VectorStores

# How a request finds the items of an earlier response: (context with input, output).
Earlier = Callable[[str], list[JsonObject]]


@dataclass(frozen=True)
class Context:
    """What the model reads: items before the input, the input, and all of it as pieces with their tokens."""

    conversation: Conversation | None
    before: tuple[JsonObject, ...]
    input: tuple[JsonObject, ...]
    prompt: Prompt

    @property
    def items(self) -> tuple[JsonObject, ...]:
        """The whole context, oldest first."""
        return self.before + self.input


@dataclass(frozen=True)
class Asked:
    """A request that will be answered."""

    body: JsonObject
    model: Model
    context: Context
    plan: Plan
    usage: Usage


class Asking:
    """Reads requests; raises `ApiError` for those that get no response."""

    def __init__(
        self,
        behaviour: Behaviour,
        conversations: Conversations,
        stores: VectorStores,
        containers: Containers,
        earlier: Earlier,
    ) -> None:
        self._behaviour = behaviour
        self._conversations = conversations
        self._files = stores.files
        self._stores = stores
        self._containers = containers
        self._earlier = earlier

    async def look(self, body: Mapping[str, Any]) -> Mapping[str, tuple[str, str]]:
        """Read the files that a request touches, so that everything after this needs no disk; the texts of those that it brings itself."""
        conversation = self._conversation(body.get("conversation"))
        items = list(conversation.items) if conversation else []
        if body.get("previous_response_id"):
            items = self._earlier(body["previous_response_id"])
        given = input_items(body.get("input") or [])
        in_containers = [
            id_ for tool in body.get("tools") or [] if tool["type"] == "code_interpreter" for id_ in _given_ids(tool)
        ]
        await self._files.look([*file_ids(items), *file_ids(given), *in_containers])
        for tool in body.get("tools") or []:
            await self._stores.ready(tool["vector_store_ids"] if tool["type"] == "file_search" else ())
        return await asyncio.to_thread(look_inline, given, self._files.folder)

    def ask(self, body: JsonObject, model: Model, inline: Mapping[str, tuple[str, str]]) -> Asked:
        """The plan for a request whose arguments are good and whose files have been looked at; `inline` is what `look` gave."""
        context = self.context(body)
        if context.conversation:
            context.conversation.check_free()
        check_calls(context.before, context.input)
        context = self._fitted(context, body)
        usage = Usage(total(context.prompt))
        if context.conversation:
            usage = Usage(usage.input, cached_tokens(context.conversation.prompt, context.prompt))
        if self._behaviour.credit is not None and self._behaviour.credit <= 0:
            raise no_credit()
        self._behaviour.take(model.id, usage.input)
        view = self._view(body, model, context)
        plan = self._plan(replace(view, texts={**view.texts, **inline}) if inline else view, context)
        return Asked(body, model, context, bounded(plan, body.get("max_output_tokens")), usage)

    def context(self, body: Mapping[str, Any]) -> Context:
        """Everything that the model would read; 404 for an unknown conversation, response, file or item."""
        conversation = self._conversation(body.get("conversation"))
        before = list(conversation.items) if conversation else []
        if body.get("previous_response_id"):
            before = self._earlier(body["previous_response_id"])
        given = input_items(body.get("input") or [])
        known = {item["id"]: item for item in before}
        for item in given:
            if item["type"] == "item_reference" and item["id"] not in known:
                raise invalid(f"Item with id '{item['id']}' not found.", param="input")
        check_input(self._files, given)
        if self._behaviour.deleted_files_break_conversations:
            check_earlier(self._files, before)
        input_ = tuple(item for item in given if item["type"] != "item_reference")  # the referred are read anyway
        count = conversation.tokens_of if conversation else item_tokens
        tools = json.dumps(body.get("tools") or [])
        head = [("tools:" + tools, count_tokens(tools) if body.get("tools") else 0)]
        instructions = body.get("instructions") or ""
        head.append(("instructions:" + instructions, count_tokens(instructions)))
        pieces = [(item["id"], count(item) + text_tokens(self._files, item)) for item in before]
        pieces += [(item["id"], item_tokens(item) + text_tokens(self._files, item)) for item in input_]
        return Context(conversation, tuple(before), input_, (*head, *pieces))

    def _conversation(self, given: Any) -> Conversation | None:
        if given is None:
            return None
        return self._conversations.get(given if isinstance(given, str) else given.get("id", ""))

    def _fitted(self, context: Context, body: JsonObject) -> Context:
        """The context within the window: `truncation=auto` drops the oldest items, else 400."""
        too_many = total(context.prompt) - self._behaviour.context_window
        if too_many <= 0:
            return context
        head, pieces = context.prompt[:2], list(context.prompt[2:])
        before = list(context.before)
        dropped_calls: set[Any] = set()
        while body.get("truncation") == "auto" and before and (too_many > 0 or _orphan(before[0], dropped_calls)):
            item = before.pop(0)
            dropped_calls.add(item.get("call_id"))
            too_many -= pieces.pop(0)[1]
        if too_many > 0:
            message = "Your input exceeds the context window of this model. Please adjust your input and try again."
            raise invalid(message, param="input", code="context_length_exceeded")
        return Context(context.conversation, tuple(before), context.input, (*head, *pieces))

    def _view(self, body: JsonObject, model: Model, context: Context) -> View:
        tools, forced = _callable_tools(body)
        view = View(
            body,
            model,
            context.items,
            context.input,
            tools,
            forced,
            texts=texts(self._files, context.items),
            tables=self._tables(body, context),
            conversation_id=context.conversation.id if context.conversation else None,
        )
        searches = [tool for tool in body.get("tools") or [] if tool["type"] == "file_search"]
        for tool in searches:
            for store_id in tool["vector_store_ids"]:
                self._stores.get(store_id).check_alive()
        search = next((tool for tool in tools if tool["type"] == "file_search"), None)
        if search is None or not context.input or context.input[-1].get("role") not in ("user", "developer"):
            return view
        limit = search.get("max_num_results") or 10
        found = self._stores.find(search["vector_store_ids"], spoken(view.last_user), search.get("filters"), limit)
        return replace(view, found=found)

    def _plan(self, view: View, context: Context) -> Plan:
        plan = self._behaviour.script.take(view) if self._behaviour.script else None
        plan = plan if plan is not None else rules.answer(view)

        def run(made: Mapping[str, bytes]) -> Container:
            container = self._container(view.body, context) or self._containers.make()
            self._containers.run(container, self._given(view.body), made)
            return container

        return settled(plan, view.found, run)

    # ---- what code may work with

    def _tables(self, body: Mapping[str, Any], context: Context) -> dict[str, str]:
        container = self._container(body, context)
        inside = [file.content for file in container.files.values()] if container else []
        files = [*(file for file in inside if isinstance(file, File)), *self._given(body)]
        return {
            file.filename: file.looked.text
            for file in files
            if file.looked and not file.looked.fault and PurePath(file.filename).suffix.lower() in TABLES
        }

    def _container(self, body: Mapping[str, Any], context: Context) -> Container | None:
        """The active container that the request's code runs in; None for a new one."""
        for tool in body.get("tools") or []:
            if tool["type"] == "code_interpreter" and isinstance(tool["container"], str):
                container = self._containers.active(tool["container"])
                if container is None:
                    raise invalid(f"Container with id '{tool['container']}' not found.", param="tools")
                return container
        return self._containers.used_by(context.items)

    def _given(self, body: Mapping[str, Any]) -> list[File]:
        """The files that a request puts into its container; 400 for one that is not there."""
        given = []
        for n, tool in enumerate(body.get("tools") or []):
            for id_ in _given_ids(tool) if tool["type"] == "code_interpreter" else ():
                file = self._files.find(id_)
                if file is None:
                    raise invalid(f"File with id '{id_}' not found.", param=f"tools[{n}].container.file_ids")
                given.append(file)
        return given


def _given_ids(tool: JsonObject) -> list[str]:
    container = tool["container"]
    return list(container.get("file_ids") or []) if isinstance(container, dict) else []


def _orphan(item: JsonObject, dropped: set[Any]) -> bool:
    return item["type"] == "function_call_output" and item["call_id"] in dropped


def _callable_tools(body: JsonObject) -> tuple[tuple[JsonObject, ...], str | None]:
    """The tools that tool_choice leaves to the model, and the one it must call (`*`: any)."""
    tools, choice = tuple(body.get("tools") or ()), body.get("tool_choice")
    if choice == "none":
        return (), None
    if choice == "required":
        return tools, "*"
    if isinstance(choice, dict):
        if choice.get("type") != "allowed_tools":
            return tools, choice.get("name")
        named = {(tool.get("type"), tool.get("name")) for tool in choice.get("tools", [])}
        allowed = tuple(tool for tool in tools if (tool["type"], tool.get("name")) in named)
        return allowed, "*" if choice.get("mode") == "required" else None
    return tools, None
