"""The application: records each request and dispatches it to its endpoint."""

import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from .accounts import (
    Account,
    authenticate,
    check_may_complete,
    check_may_read_credits,
    describe_credits,
    describe_key,
    request_key,
)
from .authorization import EXCHANGE_PATH, PAGE_PATH, Authorizations, form_fields
from .catalogue import Model, describe_endpoint, describe_endpoints, describe_provider
from .completion_calls import FORMATS, CompletionCalls, RandomFailures
from .connection import Connection
from .errors import ApiError, openrouter_body
from .generations import Generations
from .model_lists import page, rss, select
from .models import MODELS, PROVIDERS, find_model
from .queries import Query, check_query
from .request_log import RecordedRequest, RequestLog

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX = "/api/v1"
_PUBLIC = frozenset({"/models", "/models/count", "/providers", "/embeddings/models"})
_NOT_JSON = object()


class Application:
    """The sandbox's state and its endpoints."""

    def __init__(self, *, chunk_delay: float, generation_delay: float, failure_rate: float, seed: int | None) -> None:
        self.log = RequestLog()
        self.authorizations = Authorizations()
        self.generations = Generations(generation_delay)
        self.completions = CompletionCalls(self.generations, RandomFailures(failure_rate, seed), chunk_delay)
        self._endpoints: dict[str, Callable[[Query, Account], Any]] = {
            "/key": self._key,
            "/credits": self._credits,
            "/generation": self._generation,
            "/models/user": lambda query, _: page(self._select(query), query, "/models/user"),
            "/endpoints/zdr": self._zdr_endpoints,
        }

    def reset(self) -> None:
        """Clear all state: requests, login codes, generations, cache, scripts, and rate-limited keys."""
        self.log.clear()
        self.authorizations.clear()
        self.generations.clear()
        self.completions.seen_keys.clear()
        self.completions.cache.clear()
        self.completions.scripts.clear()

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
        self.log.add(request)
        try:
            if path == PAGE_PATH and request.method == "POST":
                self.authorizations.decide(connection, form_fields(raw_body))
            elif path == PAGE_PATH and request.method == "GET":
                self.authorizations.show(connection, request.query)
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
        if request.path == EXCHANGE_PATH:
            connection.send_json(200, self.authorizations.exchange(request.method, body))
        elif request.method == "POST" and request.path == "/credits/coinbase":
            raise ApiError(410, "Coinbase charges are no longer made here: use openrouter.ai/credits")
        elif request.method == "POST" and request.path in FORMATS:
            account = authenticate(request.key)
            check_may_complete(account)
            if body is _NOT_JSON:
                raise ApiError(400, "The body is not valid JSON")
            self.completions.answer(connection, request.path, body, account.key)
        elif request.method == "GET" and request.path in _PUBLIC:
            if connection.headers["Authorization"]:
                authenticate(request.key)
            self._send_public(connection, request.path, check_query(request.path, request.query))
        elif request.method == "GET" and request.path in self._endpoints:
            account = authenticate(request.key)
            query = check_query(request.path, request.query)
            connection.send_json(200, self._endpoints[request.path](query, account))
        elif request.method == "GET" and (model_id := _model_of_endpoints(request.path)):
            authenticate(request.key)
            model = self.completions.scripts.find(model_id) or find_model(model_id)
            if model is None:
                raise _not_found(f"Model {model_id}")
            connection.send_json(200, {"data": describe_endpoints(model)})
        else:
            raise _not_found(f"{request.method} {request.path}")

    def _key(self, _: Query, account: Account) -> Any:
        spent, free = self.generations.spent(account.key), self.generations.free_requests(account.key)
        return {"data": describe_key(account, spent, free)}

    def _credits(self, _: Query, account: Account) -> Any:
        check_may_read_credits(account)
        return {"data": describe_credits(self.generations.spent())}

    def _generation(self, query: Query, _: Account) -> Any:
        if not query.get("id"):
            raise ApiError(400, "id: required")
        return {"data": self.generations.find(query["id"])}

    def _models(self) -> list[Model]:
        """The catalogue, including the models that have a script."""
        scripted = {model.id: model for model in self.completions.scripts.models()}
        return [*(model for model in MODELS if model.id not in scripted), *scripted.values()]

    def _select(self, query: Query) -> list[Model]:
        return select(self._models(), query)

    def _send_public(self, connection: Connection, path: str, query: Query) -> None:
        if path == "/providers":
            connection.send_json(200, {"data": [describe_provider(provider) for provider in PROVIDERS]})
        elif path == "/models/count":
            connection.send_json(200, {"data": {"count": len(self._select(query))}})
        elif path == "/embeddings/models":
            models = self._select({"output_modalities": "embeddings"})
            connection.send_json(200, page(models, query, path))
        elif query.get("use_rss") == "true":
            feed = rss(self._select(query), chat_links=query.get("use_rss_chat_links") == "true")
            connection.send(200, feed.encode(), "application/rss+xml; charset=utf-8")
        else:
            connection.send_json(200, page(self._select(query), query, path))

    def _zdr_endpoints(self, _: Query, __: Account) -> Any:
        return {
            "data": [
                describe_endpoint(model, provider)
                for model in self._models()
                for provider in model.providers
                if provider.zero_data_retention
            ]
        }


def _model_of_endpoints(path: str) -> str | None:
    """The model id in /models/{author}/{slug}/endpoints; None for other paths."""
    match path.split("/"):
        case ["", "models", author, slug, "endpoints"]:
            return f"{unquote(author)}/{unquote(slug)}"
    return None


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
