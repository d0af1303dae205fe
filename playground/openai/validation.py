"""The arguments of `POST /responses`, checked as closely as OpenAI does; every fault is a 400 that names it."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from playground.openai.errors import ApiError, JsonObject, invalid
from playground.openai.exchange import checked_length, checked_pairs, known_only
from playground.openai.items import json_type
from playground.openai.limits import Model
from playground.openai.schemas import check_strict

ARGUMENTS = frozenset(
    [
        "access_programs",
        "background",
        "background_options",
        "context_management",
        "conversation",
        "image",
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "model",
        "moderation",
        "parallel_tool_calls",
        "previous_response_id",
        "prompt",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "service_tier",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "user",
    ]
)
COUNTED = frozenset(
    [
        "conversation",
        "input",
        "instructions",
        "model",
        "parallel_tool_calls",
        "personality",
        "previous_response_id",
        "reasoning",
        "text",
        "tool_choice",
        "tools",
        "truncation",
    ]
)
TYPES: Mapping[str, tuple[type, ...]] = {
    "background": (bool,),
    "include": (list,),
    "instructions": (str,),
    "max_output_tokens": (int,),
    "max_tool_calls": (int,),
    "parallel_tool_calls": (bool,),
    "previous_response_id": (str,),
    "prompt_cache_key": (str,),
    "reasoning": (dict,),
    "safety_identifier": (str,),
    "store": (bool,),
    "stream": (bool,),
    "stream_options": (dict,),
    "temperature": (int, float),
    "text": (dict,),
    "tools": (list,),
    "top_p": (int, float),
    "user": (str,),
}
NAMES = {bool: "a boolean", list: "an array", str: "a string", int: "an integer", dict: "an object"}
CHOICES: Mapping[str, tuple[str, ...]] = {
    "truncation": ("auto", "disabled"),
    "service_tier": ("auto", "default", "flex", "priority", "fast", "ultrafast"),
    "prompt_cache_retention": ("in_memory", "24h"),
}
EFFORTS = ("low", "medium", "high", "xhigh", "max")
INCLUDES = (
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
)
TOOL_KEYS: Mapping[str, frozenset[str]] = {
    "function": frozenset(
        [
            "type",
            "name",
            "description",
            "parameters",
            "strict",
            "async",
            "defer_loading",
            "allowed_callers",
            "output_schema",
        ]
    ),
    "file_search": frozenset(["type", "vector_store_ids", "filters", "max_num_results", "ranking_options"]),
    "code_interpreter": frozenset(["type", "container"]),
    "web_search": frozenset(["type", "filters", "search_context_size", "user_location", "external_web_access"]),
    "mcp": frozenset(
        [
            "type",
            "server_label",
            "server_url",
            "server_description",
            "authorization",
            "headers",
            "allowed_tools",
            "require_approval",
            "connector_id",
            "defer_loading",
        ]
    ),
}
LONGEST = {"safety_identifier": 128, "prompt_cache_key": 64}
FORMAT_KEYS: Mapping[str, frozenset[str]] = {
    "text": frozenset(["type"]),
    "json_object": frozenset(["type"]),
    "json_schema": frozenset(["type", "name", "schema", "strict", "description"]),
}
FORMAT_NAME = re.compile(r"[a-zA-Z0-9_-]+")
LONGEST_FORMAT_NAME = 64
FEWEST_OUTPUT_TOKENS = 16
MOST_RESULTS = 50
MOST_TOOLS = 128
MOST_CONTAINER_FILES = 50


def check_arguments(body: JsonObject, models: Mapping[str, Model]) -> Model:
    """The model of a request whose arguments are all good; raises 400, or 404 for an unknown model."""
    known_only(body, ARGUMENTS)
    model = check_model(body, models)
    _check_values(body)
    checked_pairs(body.get("metadata"), "metadata")
    _check_reasoning(body, model)
    check_tools(body)
    _check_format(body)
    _check_together(body)
    return model


def check_model(body: Mapping[str, Any], models: Mapping[str, Model]) -> Model:
    """The request's model, or 400 without one, 404 `model_not_found` for one that is not there."""
    name = body.get("model")
    if name is None:
        raise invalid("Missing required parameter: 'model'.", param="model", code="missing_required_parameter")
    if name not in models:
        message = f"The requested model '{name}' does not exist."
        raise ApiError(404, message, param="model", code="model_not_found")
    return models[name]


def _check_values(body: JsonObject) -> None:
    for name, kinds in TYPES.items():
        value = body.get(name)
        if value is not None and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
            message = f"Invalid type for '{name}': expected {NAMES[kinds[0]]}, but got {json_type(value)} instead."
            raise invalid(message, param=name, code="invalid_type")
    for name, allowed in CHOICES.items():
        _one_of(body.get(name), allowed, name)
    for n, name in enumerate(body.get("include") or ()):
        _one_of(name, INCLUDES, f"include[{n}]")
    for name, limit in LONGEST.items():
        length = len(body.get(name) or "")
        if length > limit:
            message = f"Invalid '{name}': string too long. Expected a string with maximum length {limit}, but got a "
            message += f"string with length {length} instead."
            raise invalid(message, param=name, code="string_above_max_length")
    tokens = body.get("max_output_tokens")
    if tokens is not None and tokens < FEWEST_OUTPUT_TOKENS:
        message = "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= "
        message += f"{FEWEST_OUTPUT_TOKENS}, but got {tokens} instead."
        raise invalid(message, param="max_output_tokens", code="integer_below_min_value")


def _check_reasoning(body: JsonObject, model: Model) -> None:
    effort = (body.get("reasoning") or {}).get("effort")
    if not model.reasoning:
        if effort is not None:
            raise _unsupported_parameter("reasoning.effort")
        return
    for name in ("temperature", "top_p"):
        if body.get(name) is not None:
            raise _unsupported_parameter(name)
    if effort is not None and effort not in EFFORTS:
        names = ", ".join(f"'{name}'" for name in EFFORTS)
        message = f"Unsupported value: '{effort}' is not supported with the '{model.id}' model. Supported values are: "
        raise invalid(f"{message}{names}.", param="reasoning.effort", code="unsupported_value")


def check_foreground(body: Mapping[str, Any]) -> None:
    """Raise 400 for a response in the background, where that is not to be had."""
    if body.get("background"):
        message = "Background mode is not supported with the 'conversation' parameter."
        raise invalid(message, param="background", code="unsupported_parameter")


def check_tools(body: Mapping[str, Any]) -> None:
    """Tools and tool_choice."""
    tools = body.get("tools") or []
    if len(tools) > MOST_TOOLS:
        raise invalid(f"Invalid 'tools': array too long, at most {MOST_TOOLS}.", param="tools")
    names: set[str] = set()
    for n, tool in enumerate(tools):
        _check_tool(tool, f"tools[{n}]", names)
    choice = body.get("tool_choice")
    if isinstance(choice, str):
        _one_of(choice, ("none", "auto", "required"), "tool_choice")
    elif isinstance(choice, dict):
        _check_choice(choice, tools)


def _check_tool(tool: Any, param: str, names: set[str]) -> None:
    type_: str = tool.get("type") or "" if isinstance(tool, dict) else ""
    _one_of(type_, TOOL_KEYS, f"{param}.type")
    for key in tool:
        if key not in TOOL_KEYS[type_]:
            raise invalid(f"Unknown parameter: '{param}.{key}'.", param=f"{param}.{key}", code="unknown_parameter")
    if type_ == "function":
        name = tool.get("name")
        if not isinstance(name, str) or not name.replace("_", "").replace("-", "").isalnum() or len(name) > 64:
            message = f"Invalid '{param}.name': string does not match pattern. Expected '^[a-zA-Z0-9_-]+$'."
            raise invalid(message, param=f"{param}.name", code="invalid_value")
        if name in names:
            raise invalid(f"Invalid 'tools': duplicate function name '{name}'.", param="tools")
        names.add(name)
        if tool.get("strict", True):  # in the Responses API strict is the default
            check_strict(tool.get("parameters"), f"function '{name}'", f"{param}.parameters")
    elif type_ == "code_interpreter":
        _check_container(tool.get("container"), f"{param}.container")
    elif type_ == "file_search":
        if not tool.get("vector_store_ids"):
            key = f"{param}.vector_store_ids"
            raise invalid(f"Missing required parameter: '{key}'.", param=key, code="missing_required_parameter")
        if not 1 <= tool.get("max_num_results", 1) <= MOST_RESULTS:
            raise invalid(f"Invalid '{param}.max_num_results': expected 1 to {MOST_RESULTS}.", param=param)


def _check_container(container: Any, param: str) -> None:
    if not container:
        raise invalid(f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")
    if isinstance(container, str):
        return
    if not isinstance(container, dict):
        message = f"Invalid type for '{param}': expected an object or string, but got {json_type(container)} instead."
        raise invalid(message, param=param, code="invalid_type")
    _one_of(container.get("type"), ("auto",), f"{param}.type")
    for key in container:
        if key not in ("type", "file_ids", "memory_limit", "network_policy"):
            raise invalid(f"Unknown parameter: '{param}.{key}'.", param=f"{param}.{key}", code="unknown_parameter")
    ids = container.get("file_ids") or []
    if not isinstance(ids, list) or not all(isinstance(id_, str) for id_ in ids):
        raise invalid(f"Invalid type for '{param}.file_ids'.", param=f"{param}.file_ids", code="invalid_type")
    checked_length(ids, MOST_CONTAINER_FILES, f"{param}.file_ids")


def _check_choice(choice: Mapping[str, Any], tools: Iterable[Mapping[str, Any]]) -> None:
    wanted = choice.get("tools", []) if choice.get("type") == "allowed_tools" else [choice]
    offered = {(tool["type"], tool.get("name")) for tool in tools}
    for tool in wanted:
        if (tool.get("type"), tool.get("name")) not in offered:
            message = f"Tool choice '{tool.get('name') or tool.get('type')}' not found in 'tools' parameter."
            raise invalid(message, param="tool_choice")


def _check_format(body: JsonObject) -> None:
    format_ = (body.get("text") or {}).get("format")
    if format_ is None:
        return
    kind = format_.get("type") if isinstance(format_, dict) else None
    _one_of(kind or "", FORMAT_KEYS, "text.format.type")
    for key in format_:
        if key not in FORMAT_KEYS[kind or ""]:
            raise invalid(
                f"Unknown parameter: 'text.format.{key}'.", param=f"text.format.{key}", code="unknown_parameter"
            )
    if kind == "json_object" and "json" not in json.dumps(body.get("input") or "").lower():
        message = "Response input messages must contain the word 'json' in some form to use 'text.format' of type "
        raise invalid(f"{message}'json_object'.", param="input")
    if kind != "json_schema":
        return
    for name in ("name", "schema"):
        if not format_.get(name):
            key = f"text.format.{name}"
            raise invalid(f"Missing required parameter: '{key}'.", param=key, code="missing_required_parameter")
    if not FORMAT_NAME.fullmatch(str(format_["name"])):
        message = (
            "Invalid 'text.format.name': string does not match pattern. Expected a string that matches the pattern "
        )
        raise invalid(f"{message}'^[a-zA-Z0-9_-]+$'.", param="text.format.name", code="invalid_value")
    if len(format_["name"]) > LONGEST_FORMAT_NAME:
        message = "Invalid 'text.format.name': string too long. Expected a string with maximum length "
        message += f"{LONGEST_FORMAT_NAME}, but got a string with length {len(format_['name'])} instead."
        raise invalid(message, param="text.format.name", code="string_above_max_length")
    if format_.get("strict"):
        where = f"response_format '{format_['name']}'"
        check_strict(format_["schema"], where, "text.format.schema", code="invalid_json_schema")


def _check_together(body: JsonObject) -> None:
    if body.get("conversation") is not None and body.get("previous_response_id") is not None:
        message = "Mutually exclusive parameters: 'conversation' and 'previous_response_id'. Ensure you are only "
        raise invalid(message + "providing one of them.", param="conversation", code="mutually_exclusive_parameters")
    if body.get("background") and body.get("store") is False:
        raise invalid("Background mode requires 'store' to be true.", param="background")
    if body.get("conversation") is not None and body.get("store") is False:
        raise invalid("'store' must be true when 'conversation' is given.", param="store")
    if not body.get("input") and not (body.get("conversation") or body.get("previous_response_id")):
        message = "One of 'input' or 'previous_response_id' or 'prompt' or 'conversation' must be provided."
        raise invalid(message, param="input", code="missing_required_parameter")


def _one_of(value: Any, allowed: Iterable[str], param: str) -> None:
    if value is not None and value not in allowed:
        names = ", ".join(f"'{name}'" for name in allowed)
        message = f"Invalid value: '{value}'. Supported values are: {names}."
        raise invalid(message, param=param, code="invalid_value")


def _unsupported_parameter(name: str) -> ApiError:
    message = f"Unsupported parameter: '{name}' is not supported with this model."
    return invalid(message, param=name, code="unsupported_parameter")
