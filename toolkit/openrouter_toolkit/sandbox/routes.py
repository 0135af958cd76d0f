"""The table of endpoints, and what they answer.

A new endpoint is one row of `ROUTES`: its answer is JSON that is always the same, an error, or a function.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from .accounts import Generations
from .authorization import Authorizations
from .chat_completions import CHAT_COMPLETIONS, TEXT_COMPLETIONS
from .completion_calls import CompletionCalls
from .completions import Format
from .connection import Connection
from .errors import ApiError
from .messages import MESSAGES
from .models import MODELS, PROVIDERS, Model, describe_endpoint, describe_endpoints, describe_provider, find_model
from .queries import Query, page, rss, select
from .resources import KINDS, Resources
from .scripts import Scripts
from .vectors import embeddings, rerank

NOT_JSON = object()  # the body of a request that is not valid JSON


class Call(NamedTuple):
    """A request to an endpoint, as its answer function gets it; `names` are the values of the path's placeholders."""

    connection: Connection
    method: str
    path: str
    query: Query
    body: Any
    key: str
    names: dict[str, str]


class State:
    """What the sandbox remembers from one request to the next."""

    def __init__(self, chunk_delay: float, generation_delay: float, failure_rate: float, seed: int | None) -> None:
        self.authorizations = Authorizations()
        self.generations = Generations(generation_delay)
        self.scripts = Scripts()
        self.resources = Resources()
        self.completions = CompletionCalls(self.generations, self.scripts, chunk_delay, failure_rate, seed)

    def clear(self) -> None:
        """Clear all state: login codes, generations, cache, scripts, resources, and rate-limited keys."""
        for part in (self.authorizations, self.generations, self.scripts, self.resources, self.completions):
            part.clear()

    def models(self) -> list[Model]:
        """The catalogue, including the models that have a script."""
        scripted = {model.id: model for model in self.scripts.models()}
        return [*(model for model in MODELS if model.id not in scripted), *scripted.values()]


def not_found(what: str) -> ApiError:
    """The 404 for a path, or for an entry of the catalogue."""
    return ApiError(404, f"Not found: {what[:200]}")


def _describe_key(state: State, call: Call) -> Any:
    described = state.generations.describe_key(call.key)
    made = state.resources.key_of(call.key) or {}
    return {"data": {**described, **{name: made[name] for name in described if name in made}}}


def _models(state: State, call: Call) -> Any:
    models = select(state.models(), call.path, call.query)
    if call.path == "/models" and call.query.get("use_rss") == "true":
        feed = rss(models, chat_links=call.query.get("use_rss_chat_links") == "true")
        return call.connection.send(200, feed, "application/rss+xml; charset=utf-8")
    return page(models, call.path, call.query)


def _models_count(state: State, call: Call) -> Any:
    return {"data": {"count": len(select(state.models(), call.path, call.query))}}


def _endpoints(state: State, call: Call) -> Any:
    model_id = f"{call.names['author']}/{call.names['slug']}"
    model = state.scripts.find(model_id) or find_model(model_id)
    if model is None:
        raise not_found(f"Model {model_id}")
    return {"data": describe_endpoints(model)}


def _zdr_endpoints(state: State, _: Call) -> Any:
    offers = [(model, provider) for model in state.models() for provider in model.providers]
    return {"data": [describe_endpoint(model, offer) for model, offer in offers if offer.zero_data_retention]}


def _generation(state: State, call: Call) -> Any:
    if not call.query.get("id"):
        raise ApiError(400, "id: required")
    return {"data": state.generations.find(call.query["id"])}


def _complete(state: State, call: Call, format_: Format) -> None:
    if call.body is NOT_JSON:
        raise ApiError(400, "The body is not valid JSON")
    state.completions.answer(call.connection, format_, call.path, call.body, call.key)


def _json(call: Call) -> Any:
    """The body of a request that has to be a JSON object."""
    if not isinstance(call.body, dict):
        raise ApiError(400, "The body is not a JSON object")
    return call.body


class Created(NamedTuple):
    """An answer with the status 201."""

    body: Any


class Route(NamedTuple):
    """One endpoint.

    Attributes:
        method: GET, POST, …; ANY for all.
        path: below /api/v1; {name} stands for one segment.
        answer: the JSON that is answered with 200, an error, or a function of the state and the call that
            returns the JSON (with 201 as `Created`), or None if it wrote the answer itself.
        key: which API key it needs: none; optional (a wrong one is refused); any; ordinary; management.
    """

    method: str
    path: str
    answer: Any | ApiError | Callable[[State, Call], Any]
    key: str = "any"


def _routes_of(name: str) -> list[Route]:
    """The routes of a kind of resource."""
    kind = KINDS[name]
    one = f"{kind.path}/{{{kind.id}}}"

    def create(state: State, call: Call) -> Any:
        return Created(state.resources.create(name, kind.check(call.body, new=True)))

    def update(state: State, call: Call) -> Any:
        return state.resources.update(name, call.names[kind.id], kind.check(call.body, new=False))

    def delete(state: State, call: Call) -> Any:
        answer = state.resources.delete(name, call.names[kind.id])
        return call.connection.send(204, b"") if answer is None else answer

    every = {
        "list": ("GET", kind.path, lambda state, call: state.resources.listed(name, call.query)),
        "create": ("POST", kind.path, create),
        "get": ("GET", one, lambda state, call: {"data": state.resources.find(name, call.names[kind.id])}),
        "update": ("PATCH", one, update),
        "delete": ("DELETE", one, delete),
    }
    return [Route(*every[operation], kind.key) for operation in kind.only]


FORMATS = {"/chat/completions": CHAT_COMPLETIONS, "/messages": MESSAGES, "/completions": TEXT_COMPLETIONS}
ROUTES = [
    Route("GET", "/key", _describe_key),
    Route("GET", "/credits", lambda state, _: {"data": state.generations.credits()}, "management"),
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
    Route("POST", "/embeddings", lambda _, call: embeddings(_json(call)), "ordinary"),
    Route("POST", "/rerank", lambda _, call: rerank(_json(call)), "ordinary"),
    Route("ANY", "/auth/keys", lambda state, call: state.authorizations.exchange(call.method, call.body), "none"),
    *(Route("POST", path, partial(_complete, format_=format_), "ordinary") for path, format_ in FORMATS.items()),
    *(route for name in KINDS for route in _routes_of(name)),
    # new routes above this line
]
