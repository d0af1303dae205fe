"""The API's error answers: one exception, turned into OpenAI's error body at the edge."""

from collections.abc import Mapping
from typing import Any

JsonObject = dict[str, Any]


class ApiError(Exception):
    """An HTTP error answer: status, OpenAI's `{"error": {message, type, param, code}}` body, extra headers."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        type_: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
        self.body: JsonObject = {
            "error": {"message": message, "type": type_ or _type_for(status), "param": param, "code": code}
        }


def _type_for(status: int) -> str:
    if status == 429:
        return "requests"
    return "server_error" if status >= 500 else "invalid_request_error"


def invalid(message: str, *, param: str | None = None, code: str | None = None) -> ApiError:
    """A 400 about one argument."""
    return ApiError(400, message, param=param, code=code)


def not_found(kind: str, id_: str) -> ApiError:
    """A 404 in the words of the Responses and Conversations API, whose code is null."""
    return ApiError(404, f"{kind} with id '{id_}' not found.")


def no_such(kind: str, id_: str) -> ApiError:
    """A 404 in the words of the older parts of the API (files, vector stores)."""
    return ApiError(404, f"No such {kind} object: {id_}", param="id")
