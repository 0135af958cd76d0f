"""The client that handlers use: adds the key and headers, retries, and enforces the deadline and limits."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..call import Call
from ..envelope import ActionError
from ..http import options
from ..http.connections import Connections
from ..http.header_values import header_value
from ..http.request import Request
from ..http.retries import Policy, Retries, completions, never, reads, reads_until_found, writes
from ..steps import Answer, Steps, finish
from . import base_url as base_urls
from . import request as outgoing
from . import response_cache as response_caching
from . import suggestions
from .headers import split

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from ..http.transport import Exchange
    from .streams.reader import Accumulator

_PLAIN_NOT_FOUND = re.compile(r"\s*(404[:\s-]*)?not.?found[.!\s]*", re.IGNORECASE)
# Paths of lists and of the account, which exist whatever is asked.
_ALWAYS_THERE = frozenset(
    {
        *("/credits", "/key", "/models", "/models/count", "/models/user", "/embeddings/models", "/providers"),
        *("/endpoints/zdr", "/benchmarks", "/workspaces", "/guardrails", "/byok", "/presets"),
    }
)
# What runs a model and changes nothing.
_INFERENCE = frozenset({"/embeddings", "/rerank"})
# What an account has: no other model helps where a request about it fails.
_OF_ACCOUNT = (
    *("/keys", "/workspaces", "/guardrails", "/byok", "/observability", "/organization", "/external-users"),
    *("/private-endpoints", "/presets", "/activity", "/analytics", "/generation/", "/tools"),
)
_OUTPUT_LIMITS = ("max_tokens", "max_completion_tokens")


class OpenRouter:
    """A registry's client for OpenRouter, shared by all its calls and threads."""

    def __init__(  # noqa: PLR0913 - keyword-only options
        self,
        *,
        base_url: str | None = None,
        connect_timeout: float = 10.0,
        read_timeout: float = 60.0,
        completion_timeout: float = 600.0,
        max_answer_bytes: int = 64 * 1024 * 1024,
        max_attempts: int = 3,
        http_referer: str | None = None,
        x_title: str | None = None,
        categories: str | None = None,
        response_cache: bool | None = None,
        response_cache_ttl: int | None = None,
        response_cache_clear: bool | None = None,
    ) -> None:
        """Create the client; nothing is sent yet.

        Args:
            base_url: https, or http to a loopback address; default `OPENROUTER_BASE_URL`, then OpenRouter's own.
            connect_timeout: seconds to wait for a connection.
            read_timeout: seconds to wait for the next bytes of an answer that is not a completion.
            completion_timeout: seconds to wait for the next bytes of a completion; a model may think for minutes.
            max_answer_bytes: a larger answer fails, so that it does not exhaust the memory.
            max_attempts: maximum number of attempts for a call, including the first.
            http_referer: the app's URL, for attribution, unless a call's arguments give one.
            x_title: the app's name, likewise.
            categories: the app's categories, comma-separated, likewise.
            response_cache: whether OpenRouter's response cache may answer completions, unless a call's arguments
                decide; if None, the account's preset decides, and without a preset it may not.
            response_cache_ttl: seconds that the cache keeps an answer, 1 to 86400; OpenRouter's default is 300.
            response_cache_clear: whether each call gets a new answer, which replaces the cached one.

        Raises:
            TypeError: an option has the wrong type.
            ValueError: a timeout is not above 0, a number is out of range, or an attribution can't be a header.
            ActionError: `connection_failed`, if the base URL can't be used.
        """
        connect_timeout = options.seconds("connect_timeout", connect_timeout)
        self.read_timeout = options.seconds("read_timeout", read_timeout)
        self.completion_timeout = options.seconds("completion_timeout", completion_timeout)
        self.max_answer_bytes = options.count("max_answer_bytes", max_answer_bytes)
        self.retries = Retries(options.count("max_attempts", max_attempts))
        self.catalogue = suggestions.Catalogue()
        attribution = {
            "http_referer": options.header("http_referer", http_referer),
            "x_title": options.header("x_title", x_title),
            "x_openrouter_categories": options.header("categories", categories),
        }
        _, self.completion_headers = split(
            response_caching.options(response_cache, response_cache_ttl, response_cache_clear)
        )
        resolved = base_urls.resolve(options.text("base_url", base_url))
        self.connections = Connections(resolved, base_urls.API, connect_timeout=connect_timeout)
        _, attribution_headers = split({name: value for name, value in attribution.items() if value})
        self.headers: dict[str, Any] = {
            "Accept": "application/json, text/event-stream",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": header_value("User-Agent", f"openrouter-toolkit/{__version__}"),
            **attribution_headers,
        }

    @classmethod
    def check_options(cls, **client_options: Any) -> None:
        """Raise `TypeError` or `ValueError` for invalid options; a wrong base URL fails at each call instead."""
        with suppress(ActionError):
            cls(**client_options)

    def __repr__(self) -> str:
        return f"<OpenRouter at {self.connections.base_url}>"

    def connected(self, key: str | None, call: Call) -> BoundClient:
        """The client for one call of one account; `key` is None for requests that need no key."""
        return BoundClient(self, key or "", call)

    def close(self) -> None:
        """Close the pooled connections."""
        self.connections.close()


class BoundClient:
    """The client that a handler calls: OpenRouter with this call's key, deadline and listener."""

    def __init__(self, openrouter: OpenRouter, key: str, call: Call) -> None:
        self._openrouter = openrouter
        self._key = key
        self._call = call

    def get(self, path: str, arguments: Mapping[str, Any], *, retry_not_found: bool = False, xml: bool = False) -> str:
        """Send a GET and return the answer's text. Arguments in the path's braces go there, others into the query.

        `retry_not_found` retries a 404 a few times. `xml` accepts an XML answer too.
        """
        request = outgoing.build("GET", path, arguments)
        timeout = self._openrouter.read_timeout
        policy = reads_until_found if retry_not_found else reads
        try:
            return self._with_retries(lambda: self._answer(request, timeout, xml=xml), policy)
        except ActionError as error:
            if error.type == "not_found" and path in _ALWAYS_THERE:
                _mark_as_wrong_base_url(error)
            raise

    def request(self, method: str, path: str, arguments: Mapping[str, Any], *, once: bool = False) -> str:
        """Send a request and return the answer's text.

        A GET is retried as `get` does. Another one is only if nothing can have been billed or changed, and not at all
        with `once`.
        """
        policy = never if once else completions if path in _INFERENCE else writes
        try:
            if method == "GET":
                return self.get(path, arguments)
            request = outgoing.build(method, path, arguments)
            return self._with_retries(lambda: self._answer(request, self._openrouter.read_timeout), policy)
        except ActionError as error:
            if path.startswith(_OF_ACCOUNT):
                _explain_for_resource(error, path)
            raise

    def complete(self, path: str, arguments: Mapping[str, Any], accumulator: Callable[[], Accumulator]) -> Answer:
        """Send a POST and return the completion; a streamed one is passed on and assembled by `accumulator`.

        A handler returns it as it is: of a call that parks, it is the steps that lead to it.
        """
        steps = self._complete(path, arguments, accumulator)
        return steps if self._call.parks else finish(steps)

    def _complete(self, path: str, arguments: Mapping[str, Any], accumulator: Callable[[], Accumulator]) -> Steps[str]:
        request = outgoing.build("POST", path, arguments)
        if self._openrouter.completion_headers:
            request = replace(request, headers={**self._openrouter.completion_headers, **request.headers})
        timeout = self._openrouter.completion_timeout

        def attempt() -> Steps[str]:
            return self._answer(request, timeout, accumulator=accumulator)

        try:
            return (yield from self._openrouter.retries.steps(attempt, self._call, completions))
        except ActionError as error:
            if error.status == 404 and _PLAIN_NOT_FOUND.fullmatch(error.message):  # the message names no model
                _mark_as_wrong_base_url(error)
            self._add_advice(error, arguments)
            raise

    def _add_advice(self, error: ActionError, arguments: Mapping[str, Any]) -> None:
        """Add advice to a failure that needs the call's arguments: other fitting models, a missing max_tokens."""
        if "affordable_tokens" in error.details and not any(map(arguments.get, _OUTPUT_LIMITS)):
            error.explanation += " No max_tokens was given, so the model's own maximum was reserved."
        if error.type == "timeout" and error.status is None:  # nothing came in time
            error.explanation += " For a long completion, stream true, a smaller max_tokens or a faster model helps."
        if not suggestions.another_model_helps(error):
            return
        remaining = self._call.remaining()
        timeout = min(suggestions.MAX_LOOKUP_SECONDS, math.inf if remaining is None else remaining)
        if timeout <= 0:
            return
        models = self._openrouter.catalogue.models(lambda: self._get_catalogue(timeout), timeout)
        chosen = str(arguments.get("model", ""))
        suggested = suggestions.suggest(models, suggestions.needs_after(arguments, error), chosen)
        if suggested:
            error.details["suggestions"] = suggested
            error.explanation += f" {suggestions.as_sentence(suggested, chosen, models)}"

    def _get_catalogue(self, timeout: float) -> str:
        """Get the model catalogue in a separate call, without retries, within `timeout` seconds."""
        client = BoundClient(self._openrouter, self._key, Call(timeout=timeout))
        return finish(client._answer(outgoing.build("GET", "/models", {}), timeout))

    def _with_retries(self, attempt: Callable[[], Answer], policy: Policy) -> str:
        return self._openrouter.retries.run(attempt, self._call, policy)

    def _answer(
        self,
        request: Request,
        timeout: float,
        *,
        xml: bool = False,
        accumulator: Callable[[], Accumulator] | None = None,
    ) -> Steps[str]:
        """One attempt: send the request, read the answer, parse it."""
        headers = {**self._openrouter.headers, **request.headers}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        with self._openrouter.connections.exchange(request, headers, self._call, timeout) as (exchange, response):
            self._call.progress.generated(response.headers.get("x-generation-id"))
            stream = None if accumulator is None else accumulator()
            text = yield from self._read(exchange, response, stream, xml=xml)
            return response_caching.add_cache_status(text, response.headers, self._call)

    def _read(
        self, exchange: Exchange, response: BaseHTTPResponse, accumulator: Accumulator | None, *, xml: bool
    ) -> Steps[str]:
        """The answer's text; a streamed answer is assembled."""
        from ..http.body import Body
        from . import response_parsing

        limit = self._openrouter.max_answer_bytes
        body = Body(exchange, response, limit)
        try:
            if response.status == 204:  # deleted, and nothing to say about it
                return "{}"
            if accumulator is not None and 200 <= response.status < 300 and (yield from body.is_stream()):
                from .streams import reader

                return (yield from reader.read(exchange, response, accumulator, limit, self._key, body=body))
            check = None if accumulator is None else accumulator.check
            return response_parsing.parse_response(body.text(), response, xml=xml, check=check)
        except Exception as error:
            yield from body.in_worker()
            if isinstance(error, ActionError):
                _add_details(error, response)
            raise


def _mark_as_wrong_base_url(error: ActionError) -> None:
    from .errors.api_errors import mark_as_wrong_base_url

    mark_as_wrong_base_url(error)


def _explain_for_resource(error: ActionError, path: str) -> None:
    from .errors.resources import explain

    error.explanation = explain(error, path) or error.explanation


def _add_details(error: ActionError, response: Any) -> None:
    """Add details from the answer's head: the generation id, and the HTTP status if it differs from the error's."""
    generation = response.headers.get("x-generation-id")
    if generation:
        error.details["generation_id"] = generation
    if error.status is not None and error.status != response.status:
        error.details["http_status"] = response.status
