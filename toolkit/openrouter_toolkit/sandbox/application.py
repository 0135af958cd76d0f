"""The application: the table of endpoints, the record of requests, and the dispatch from one to the other.

A new endpoint is one row of `ROUTES`: its answer is JSON that is always the same, an error, or a function.
"""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from functools import partial
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qsl, unquote

from .accounts import Generations, authenticate, request_key
from .authorization import Authorizations
from .chat_completions import CHAT_COMPLETIONS, TEXT_COMPLETIONS
from .completion_calls import CompletionCalls, RandomFailures
from .completions import Format
from .connection import Connection
from .errors import ApiError, openrouter_body
from .messages import MESSAGES
from .models import MODELS, PROVIDERS, Model, describe_endpoint, describe_endpoints, describe_provider, find_model
from .queries import Query, page, rss, select
from .scripts import Scripts

PREFIX = "/api/v1"
_NOT_JSON = object()


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


class Call(NamedTuple):
    """A request to an endpoint, as its answer function gets it; `names` are the values of the path's placeholders."""

    connection: Connection
    method: str
    path: str
    query: Query
    body: Any
    key: str
    names: dict[str, str]


class Application:
    """The sandbox's state."""

    def __init__(self, chunk_delay: float, generation_delay: float, failure_rate: float, seed: int | None) -> None:
        self.requests: list[RecordedRequest] = []
        self.authorizations = Authorizations()
        self.generations = Generations(generation_delay)
        self.scripts = Scripts()
        failures = RandomFailures(failure_rate, seed)
        self.completions = CompletionCalls(self.generations, self.scripts, failures, chunk_delay)

    def reset(self) -> None:
        """Clear all state: requests, login codes, generations, cache, scripts, and rate-limited keys."""
        for state in (self.requests, self.authorizations, self.generations, self.completions, self.scripts):
            state.clear()

    def models(self) -> list[Model]:
        """The catalogue, including the models that have a script."""
        scripted = {model.id: model for model in self.scripts.models()}
        return [*(model for model in MODELS if model.id not in scripted), *scripted.values()]

    def answer(self, connection: Connection, raw_body: bytes) -> None:
        """Record a request and answer it."""
        path, _, query = connection.path.partition("?")
        body = _parse_json(raw_body)
        request = RecordedRequest(
            method=connection.command,
            path=path.removeprefix(PREFIX),
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers=connection.headers,
            body=None if body is _NOT_JSON else body,
            key=request_key(connection.headers, x_api_key=path == f"{PREFIX}/messages"),
            received_at=time.monotonic(),
        )
        self.requests.append(request)
        try:
            if path == "/auth" and request.method == "GET":
                self.authorizations.page(connection, request.query, None)
            elif path == "/auth" and request.method == "POST":
                form = dict(parse_qsl(raw_body.decode("utf-8", "replace"), keep_blank_values=True))
                self.authorizations.page(connection, form, form.get("decision", ""))
            elif path.startswith(f"{PREFIX}/"):
                self._dispatch(connection, request, body)
            else:
                raise _not_found(path)
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
        if isinstance(route.answer, ApiError):
            raise route.answer
        answer = route.answer
        if callable(answer):
            call = Call(connection, request.method, request.path, request.query, body, key, names)
            answer = answer(self, call)
        if answer is not None:
            connection.send_json(200, answer)


def _models(app: Application, call: Call) -> Any:
    models = select(app.models(), call.path, call.query)
    if call.path == "/models" and call.query.get("use_rss") == "true":
        feed = rss(models, chat_links=call.query.get("use_rss_chat_links") == "true")
        return call.connection.send(200, feed, "application/rss+xml; charset=utf-8")
    return page(models, call.path, call.query)


def _models_count(app: Application, call: Call) -> Any:
    return {"data": {"count": len(select(app.models(), call.path, call.query))}}


def _endpoints(app: Application, call: Call) -> Any:
    model_id = f"{call.names['author']}/{call.names['slug']}"
    model = app.scripts.find(model_id) or find_model(model_id)
    if model is None:
        raise _not_found(f"Model {model_id}")
    return {"data": describe_endpoints(model)}


def _zdr_endpoints(app: Application, _: Call) -> Any:
    offers = [(model, provider) for model in app.models() for provider in model.providers]
    return {"data": [describe_endpoint(model, offer) for model, offer in offers if offer.zero_data_retention]}


def _generation(app: Application, call: Call) -> Any:
    if not call.query.get("id"):
        raise ApiError(400, "id: required")
    return {"data": app.generations.find(call.query["id"])}


def _complete(app: Application, call: Call, format_: Format) -> None:
    if call.body is _NOT_JSON:
        raise ApiError(400, "The body is not valid JSON")
    app.completions.answer(call.connection, format_, call.path, call.body, call.key)


class Route(NamedTuple):
    """One endpoint.

    Attributes:
        method: GET, POST, …; ANY for all.
        path: below /api/v1; {name} stands for one segment.
        answer: the JSON that is answered with 200, an error, or a function of the application and the call that
            returns the JSON, or None if it wrote the answer itself.
        key: which API key it needs: none; optional (a wrong one is refused); any; ordinary; management.
    """

    method: str
    path: str
    answer: Any | ApiError | Callable[[Application, Call], Any]
    key: Literal["none", "optional", "any", "ordinary", "management"] = "any"


FORMATS = {"/chat/completions": CHAT_COMPLETIONS, "/messages": MESSAGES, "/completions": TEXT_COMPLETIONS}
ROUTES = (
    Route("GET", "/key", lambda app, call: {"data": app.generations.describe_key(call.key)}),
    Route("GET", "/credits", lambda app, _: {"data": app.generations.credits()}, "management"),
    Route(
        "POST",
        "/credits/coinbase",
        ApiError(410, "Coinbase charges are no longer made here: use openrouter.ai/credits"),
        "none",
    ),
    Route("GET", "/generation", _generation),
    Route("GET", "/models", _models, "optional"),
    Route("GET", "/models/count", _models_count, "optional"),
    Route("GET", "/models/user", _models),
    Route("GET", "/models/{author}/{slug}/endpoints", _endpoints),
    Route("GET", "/embeddings/models", _models, "optional"),
    Route("GET", "/providers", {"data": [describe_provider(provider) for provider in PROVIDERS]}, "optional"),
    Route("GET", "/endpoints/zdr", _zdr_endpoints),
    Route("ANY", "/auth/keys", lambda app, call: app.authorizations.exchange(call.method, call.body), "none"),
    *(Route("POST", path, partial(_complete, format_=format_), "ordinary") for path, format_ in FORMATS.items()),
)
_PATTERNS = [(re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(route.path))), route) for route in ROUTES]


def _find_route(request: RecordedRequest) -> tuple[Route, dict[str, str]]:
    for pattern, route in _PATTERNS:
        if route.method in (request.method, "ANY") and (match := pattern.fullmatch(request.path)):
            return route, {name: unquote(value) for name, value in match.groupdict().items()}
    raise _not_found(f"{request.method} {request.path}")


def _not_found(what: str) -> ApiError:
    return ApiError(404, f"Not found: {what[:200]}")


def _reject_constant(name: str) -> Any:
    raise ValueError(f"{name} is not valid JSON")


def _parse_json(raw_body: bytes) -> Any:
    """The value of a JSON body; None for an empty body, _NOT_JSON if it is not valid JSON."""
    try:
        return json.loads(raw_body, parse_constant=_reject_constant) if raw_body else None
    except (ValueError, RecursionError):
        return _NOT_JSON
