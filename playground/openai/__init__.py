"""An OpenAI API on localhost: conversations, responses, files and vector stores, answered by rules or by a script."""

from playground.openai.errors import ApiError
from playground.openai.faults import Fault
from playground.openai.limits import Model, Usage, count_tokens
from playground.openai.plan import Call, Found, Interpret, Plan, Refuse, Say, Search, View
from playground.openai.script import (
    Script,
    Step,
    calls,
    cut,
    empty,
    error_event,
    failed,
    http_error,
    incomplete,
    interprets,
    refusal,
    searches,
    stall,
    text,
)
from playground.openai.server import OpenAIServer, RequestRecord

__all__ = [
    "ApiError",
    "Call",
    "Fault",
    "Found",
    "Interpret",
    "Model",
    "OpenAIServer",
    "Plan",
    "Refuse",
    "RequestRecord",
    "Say",
    "Script",
    "Search",
    "Step",
    "Usage",
    "View",
    "calls",
    "count_tokens",
    "cut",
    "empty",
    "error_event",
    "failed",
    "http_error",
    "incomplete",
    "interprets",
    "refusal",
    "searches",
    "stall",
    "text",
]
