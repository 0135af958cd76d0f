"""The table of endpoints, and what they answer.

A new endpoint is one row of `ROUTES`: its answer is JSON that is always the same, an error, or a function.
"""

from functools import partial
from typing import Any

from .catalogue_routes import CATALOGUE_ROUTES
from .chat_completions import CHAT_COMPLETIONS, TEXT_COMPLETIONS
from .completions import Format
from .endpoint import NOT_JSON, Answer, Call, Route, State, not_found
from .errors import ApiError
from .messages import MESSAGES
from .models import PROVIDERS, describe_endpoint, describe_endpoints, describe_provider, find_model
from .queries import page, rss, select
from .resource_routes import RESOURCE_ROUTES
from .vectors import embeddings, rerank


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
    Route("POST", "/embeddings", lambda _, call: embeddings(call.json()), "ordinary"),
    Route("POST", "/rerank", lambda _, call: rerank(call.json()), "ordinary"),
    Route("ANY", "/auth/keys", lambda state, call: state.authorizations.exchange(call.method, call.body), "none"),
    *(Route("POST", path, partial(_complete, format_=format_), "ordinary") for path, format_ in FORMATS.items()),
    Route("POST", "/batches", lambda state, call: Answer(202, state.batches.create(call.json())), "ordinary"),
    Route("GET", "/batches", lambda state, call: state.batches.listed(call.query), "ordinary"),
    Route("GET", "/batches/{id}", lambda state, call: state.batches.get(call.names["id"]), "ordinary"),
    Route("DELETE", "/batches/{id}", lambda state, call: state.batches.delete(call.names["id"]), "ordinary"),
    *CATALOGUE_ROUTES,
    *RESOURCE_ROUTES,
    # new routes above this line
]
