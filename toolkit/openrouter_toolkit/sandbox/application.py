"""The application: records requests and dispatches each to its route."""

import json
import re
import time
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl, unquote

from .accounts import authenticate, request_key
from .connection import Connection
from .endpoint import NOT_JSON, Answer, Call, Route, State, not_found
from .errors import ApiError, openrouter_body
from .routes import FORMATS, ROUTES

PREFIX = "/api/v1"


@dataclass
class RecordedRequest:
    """One received request.

    Attributes:
        method: GET, POST, …
        path: as sent (still percent-encoded), without /api/v1 and the query.
        query: the decoded query; for a repeated name, the last value.
        headers: access by name is case-insensitive; a missing header is None.
        body: the parsed JSON; None if the body was empty or not JSON.
        key: the API key that was sent, valid or not.
        received_at: time.monotonic() after the request was read.
        closed_by_client: whether the client disconnected while the answer was being written.
        closed_at: time.monotonic() when the disconnect was noticed.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: Message = field(repr=False)
    body: Any
    key: str | None = field(repr=False)
    received_at: float
    closed_by_client: bool = False
    closed_at: float | None = None


class Application:
    """The recorded requests, and the state that routes work on."""

    def __init__(self, state: State) -> None:
        self.requests: list[RecordedRequest] = []
        self.state = state

    def answer(self, connection: Connection, raw_body: bytes) -> None:
        """Record a request and answer it."""
        path, _, query = connection.path.partition("?")
        body = _parse_json(raw_body)
        request = RecordedRequest(
            method=connection.command,
            path=path.removeprefix(PREFIX),
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers=connection.headers,
            body=None if body is NOT_JSON else body,
            key=request_key(connection.headers, x_api_key=path == f"{PREFIX}/messages"),
            received_at=time.monotonic(),
        )
        self.requests.append(request)
        try:
            if path == "/auth" and request.method == "GET":
                self.state.authorizations.page(connection, request.query, None)
            elif path == "/auth" and request.method == "POST":
                form = dict(parse_qsl(raw_body.decode("utf-8", "replace"), keep_blank_values=True))
                self.state.authorizations.page(connection, form, form.get("decision", ""))
            elif path.startswith(f"{PREFIX}/"):
                self._dispatch(connection, request, body)
            else:
                raise not_found(path)
        except ApiError as error:
            format_ = FORMATS.get(request.path)
            connection.answer_headers.update(error.headers)
            connection.send_json(error.status, format_.error_body(error) if format_ else openrouter_body(error))
        except ConnectionError:
            request.closed_at = time.monotonic()
            request.closed_by_client = True
            raise

    def _dispatch(self, connection: Connection, request: RecordedRequest, body: Any) -> None:
        route, names = _find_route(request)
        key = ""
        if route.key != "none" and (route.key != "optional" or request.headers["Authorization"]):
            key = authenticate(request.key, route.key)
            self.state.resources.key_of(key)
        if isinstance(route.answer, ApiError):
            raise route.answer
        answer = route.answer
        if callable(answer):
            call = Call(connection, request.method, request.path, request.query, body, key, names)
            answer = answer(self.state, call)
        if isinstance(answer, Answer):
            connection.send_json(answer.status, answer.body)
        elif answer is not None:
            connection.send_json(200, answer)


_PATTERNS = [(re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(route.path))), route) for route in ROUTES]


def _find_route(request: RecordedRequest) -> tuple[Route, dict[str, str]]:
    for pattern, route in _PATTERNS:
        if route.method in (request.method, "ANY") and (match := pattern.fullmatch(request.path)):
            return route, {name: unquote(value) for name, value in match.groupdict().items()}
    raise not_found(f"{request.method} {request.path}")


def _reject_constant(name: str) -> Any:
    raise ValueError(f"{name} is not valid JSON")


def _parse_json(raw_body: bytes) -> Any:
    """The value of a JSON body; None for an empty body, NOT_JSON if it is not valid JSON."""
    try:
        return json.loads(raw_body, parse_constant=_reject_constant) if raw_body else None
    except (ValueError, RecursionError):
        return NOT_JSON
