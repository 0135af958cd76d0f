"""The server's own errors for programs: `{"error": {"type", "message"}}`, or an error of JSON-RPC or OAuth."""

from __future__ import annotations

import math
from collections.abc import Mapping

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.types import Scope

from .addresses import MCP, answers_json, is_for_composio, is_for_mcp, is_for_oauth, is_page
from .composio.errors import response_for as composio_error

TYPES = {
    400: "invalid_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "too_large",
    421: "wrong_host",
    422: "invalid_request",
    429: "too_many_calls",
    500: "internal",
    503: "unavailable",
}
_MESSAGES = {
    400: "This is no request that can be understood.",
    401: "An API token is needed: Authorization: Bearer ort_... (openrouter-toolkit tokens create makes one).",
    403: "This token may not do that.",
    404: "There is nothing at this address.",
    405: "This address does not take this method.",
    413: "The body is too large.",
    421: "This server is not known by the name that the request was sent to.",
    500: "The server itself failed; its log has the details.",
    503: "The server can't answer now. Nothing was done. Try again.",
}
_OAUTH_MESSAGE = (
    "This server has no OAuth. It takes an API token, in the header Authorization: Bearer ort_... "
    f"(openrouter-toolkit tokens create makes one). MCP is at {MCP}, over streamable HTTP."
)
# JSON-RPC error codes.
_INVALID_REQUEST = -32600
_INTERNAL_ERROR = -32603


class Problem(Exception):
    """An error answer of the API, raised as an exception."""

    def __init__(self, status: int, message: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.message = message
        self.headers = headers


def retry_after(seconds: float) -> dict[str, str]:
    """Return the header Retry-After for a delay in seconds, rounded up to at least 1."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}


def reads_pages(scope: Scope) -> bool:
    """Whether an error is shown as a page: at page paths, and elsewhere if the client accepts HTML, as browsers do."""
    return not answers_json(scope["path"]) and (is_page(scope["path"]) or accepts_html(scope))


def accepts_html(scope: Scope) -> bool:
    """Whether a request's Accept header names HTML, as those of browsers do."""
    return "text/html" in Headers(scope=scope).get("accept", "")


def problem(
    path: str, status: int, message: str | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return the error answer for a status at a path, with the given message or the usual one.

    At MCP paths it is also a JSON-RPC error, the only kind whose message MCP clients show. Its id is null because the
    request was not read. Where MCP clients look for OAuth it is an OAuth error, for the same reason.
    """
    text = message or _MESSAGES.get(status, "Not possible.")
    if is_for_composio(path):
        return composio_error(status, text, headers)
    if is_for_oauth(path):
        return JSONResponse(_oauth_error(status, text), status, headers=headers)
    error = {"type": TYPES.get(status, "invalid_request"), "message": text}
    if not is_for_mcp(path):
        return JSONResponse({"error": error}, status, headers=headers)
    code = _INVALID_REQUEST if status < 500 else _INTERNAL_ERROR
    return JSONResponse({"jsonrpc": "2.0", "id": None, "error": {"code": code, **error}}, status, headers=headers)


def _oauth_error(status: int, text: str) -> dict[str, str]:
    """Return an error in the form of RFC 6749."""
    kind = {429: "temporarily_unavailable", 500: "server_error", 503: "temporarily_unavailable"}
    return {
        "error": kind.get(status, "invalid_request"),
        "error_description": _OAUTH_MESSAGE if status in (404, 405) else text,
    }
