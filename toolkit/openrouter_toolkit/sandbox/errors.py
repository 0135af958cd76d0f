"""Error responses: OpenRouter's own shape, and the Anthropic shape of /messages."""

from dataclasses import dataclass, field
from typing import Any

JsonObject = dict[str, Any]

# By HTTP status: OpenRouter's typed code, and Anthropic's type. Other statuses have none, and "api_error".
_ERROR_TYPES = {
    400: "invalid_request",
    402: "payment_required",
    403: "permission_denied",
    404: "not_found",
    408: "timeout",
    429: "rate_limit_exceeded",
    502: "provider_unavailable",
    503: "provider_overloaded",
    529: "provider_overloaded",
}
_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    529: "overloaded_error",
}


@dataclass
class ApiError(Exception):
    """An error response.

    Attributes:
        status: HTTP status, repeated as the body's `code`.
        message: the message for the caller.
        error_type: OpenRouter's typed code; None means the usual one for the status, if there is one.
        metadata: further fields of the body's `metadata`.
        availability: why no endpoint could answer, if that is the reason.
        headers: response headers, such as Retry-After.
        code: the body's `code`, if it differs from the status.
    """

    status: int
    message: str
    error_type: str | None = None
    metadata: JsonObject = field(default_factory=dict)
    availability: JsonObject | None = None
    headers: dict[str, str] = field(default_factory=dict)
    code: int | str | None = None

    def __post_init__(self) -> None:
        self.error_type = self.error_type or _ERROR_TYPES.get(self.status)


def error_object(error: ApiError) -> JsonObject:
    """The value of `error` in OpenRouter's own shape: code, message, metadata, availability."""
    metadata = error.metadata | ({"error_type": error.error_type} if error.error_type else {})
    return {
        "code": error.status if error.code is None else error.code,
        "message": error.message,
        **({"metadata": metadata} if metadata else {}),
        **({} if error.availability is None else {"availability": error.availability}),
    }


def openrouter_body(error: ApiError) -> JsonObject:
    """The response body in OpenRouter's own shape."""
    return {"error": error_object(error)}


def anthropic_body(error: ApiError) -> JsonObject:
    """The response body in the shape of /messages."""
    error_type = error.error_type or ("authentication" if error.status == 401 else None)
    described = {
        "type": _ANTHROPIC_TYPES.get(error.status, "api_error"),
        "message": error.message,
        **({"error_type": error_type} if error_type else {}),
        **({} if error.availability is None else {"availability": error.availability}),
    }
    body = {"type": "error", "error": described, "request_id": None}
    return body | ({"metadata": error.metadata} if error.metadata else {})
