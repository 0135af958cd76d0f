"""The client that handlers get: the key, headers, retries, deadline and limits that all calls have in common."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from ..call import Call
from ..envelope import ActionError
from ..http.retries import Policy, Retries, completions, never, reads, reads_until_found
from . import base_url as base_urls
from . import options, suggestions
from . import request as outgoing
from . import response_cache as response_caching
from .errors.api_errors import mark_as_wrong_address
from .headers import header_value, split
from .request import Request

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from ..http.transport import Exchange, Transport
    from .streams.accumulator import StreamAccumulator

_BARE_NOT_FOUND = re.compile(r"\s*(404[:\s-]*)?not.?found[.!\s]*", re.IGNORECASE)
_ANSWER_LENGTHS = ("max_tokens", "max_completion_tokens")


class OpenRouter:
    """One registry's connection to OpenRouter, shared by all its calls and threads."""

    def __init__(  # noqa: PLR0913 - options, each given by its name
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
        """Nothing is sent yet.

        Args:
            base_url: https, or http to a loopback address; else `OPENROUTER_BASE_URL`, else OpenRouter's own.
            connect_timeout: seconds until a connection stands.
            read_timeout: longest silence, in seconds, while an answer of any other kind is read.
            completion_timeout: longest silence, in seconds, of a completion, which may think for minutes.
            max_answer_bytes: above this an answer is refused instead of filling the memory.
            max_attempts: how often a call is made at most, the first time included.
            http_referer: the app's URL, for attribution, where a call's arguments give none.
            x_title: the app's name, likewise.
            categories: the app's categories, comma-separated, likewise.
            response_cache: whether OpenRouter's response cache may answer completions, where a call's arguments do
                not say; when None, the account's preset decides, and without one it may not.
            response_cache_ttl: for how many seconds it keeps an answer, 1 to 86400; OpenRouter's default is 300.
            response_cache_clear: whether each call gets a new answer, which replaces the cached one.

        Raises:
            TypeError: an option is of the wrong type.
            ValueError: a time-out is not above 0, a number out of range, or an attribution can't be a header.
            ActionError: `connection_failed`, when the base URL can't be used.
        """
        self._connect_timeout = options.seconds("connect_timeout", connect_timeout)
        self.read_timeout = options.seconds("read_timeout", read_timeout)
        self.completion_timeout = options.seconds("completion_timeout", completion_timeout)
        self.max_answer_bytes = options.count("max_answer_bytes", max_answer_bytes)
        self.retries = Retries(options.count("max_attempts", max_attempts))
        self.catalogue = suggestions.Catalogue()
        self._lock = threading.Lock()
        self._transport: Transport | None = None
        attribution = {
            "http_referer": options.header("http_referer", http_referer),
            "x_title": options.header("x_title", x_title),
            "x_openrouter_categories": options.header("categories", categories),
        }
        _, self.completion_headers = split(
            response_caching.options(response_cache, response_cache_ttl, response_cache_clear)
        )
        self._base_url = base_urls.resolve(options.text("base_url", base_url))
        _, given = split({name: value for name, value in attribution.items() if value})
        self.headers: dict[str, Any] = {
            "Accept": "application/json, text/event-stream",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": header_value("User-Agent", _user_agent()),
            **given,
        }

    @classmethod
    def check_options(cls, **client_options: Any) -> None:
        """Raise `TypeError` or `ValueError` for options that can't be. A wrong base URL fails each call."""
        with suppress(ActionError):
            cls(**client_options)

    def __repr__(self) -> str:
        return f"<OpenRouter at {self._base_url}>"

    def connected(self, key: str | None, call: Call) -> BoundClient:
        """The client for one call of one account; without a key, for what is asked before there is one."""
        return BoundClient(self, key or "", call)

    @property
    def transport(self) -> Transport:
        """The pooled connections; made, and requests imported, at the first call."""
        transport = self._transport
        if transport is None:
            from ..http.transport import Transport  # noqa: PLC0415

            with self._lock:
                transport = self._transport
                if transport is None:
                    transport = Transport.to(self._base_url, connect_timeout=self._connect_timeout)
                    self._transport = transport
        return transport

    def leave(self, transport: Transport) -> None:
        """Take no more connections from a transport in which a call was interrupted: who knows where.

        It is not closed, for calls of other threads may be in it.
        """
        with self._lock:
            if self._transport is transport:
                self._transport = None

    def close(self) -> None:
        """Close the connections that are kept open."""
        with self._lock:
            transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()


class BoundClient:
    """What a handler calls: OpenRouter with this call's key, deadline and listener."""

    def __init__(self, openrouter: OpenRouter, key: str, call: Call) -> None:
        self._openrouter = openrouter
        self._key = key
        self._call = call

    def get(self, path: str, arguments: Mapping[str, Any], *, retry_not_found: bool = False, xml: bool = False) -> str:
        """The text of a GET. Arguments named in the path's braces go there, the others into the query.

        With `retry_not_found`, "not found" is asked again for a while. With `xml`, XML is a good answer too.
        """
        request = outgoing.get(path, arguments)
        timeout = self._openrouter.read_timeout
        policy = reads_until_found if retry_not_found else reads
        try:
            return self._run(lambda: self._answer(request, timeout, xml=xml), policy)
        except ActionError as error:
            if error.type == "not_found" and not retry_not_found and "{" not in path:  # an address, and no id in it
                mark_as_wrong_address(error)
            raise

    def post(self, path: str, arguments: Mapping[str, Any]) -> str:
        """The text of a POST that is never repeated."""
        request = outgoing.post(path, arguments)
        return self._run(lambda: self._answer(request, self._openrouter.read_timeout), never)

    def complete(self, path: str, arguments: Mapping[str, Any], accumulator: Callable[[], StreamAccumulator]) -> str:
        """The completion of a POST; a streamed one is handed on as it arrives and put together by `accumulator`."""
        request = outgoing.post(path, arguments)
        if self._openrouter.completion_headers:
            request = replace(request, headers={**self._openrouter.completion_headers, **request.headers})
        timeout = self._openrouter.completion_timeout
        try:
            return self._run(lambda: self._answer(request, timeout, accumulator=accumulator), completions)
        except ActionError as error:
            if error.status == 404 and _BARE_NOT_FOUND.fullmatch(error.message):  # nothing about a model
                mark_as_wrong_address(error)
            self._advise(error, arguments)
            raise

    def _advise(self, error: ActionError, arguments: Mapping[str, Any]) -> None:
        """Add to a failure what only this very call tells: other models that can do it, a forgotten max_tokens."""
        if "affordable_tokens" in error.details and not any(map(arguments.get, _ANSWER_LENGTHS)):
            error.explanation += " No max_tokens was given, so the model's own maximum was reserved."
        if not suggestions.another_model_helps(error):
            return
        remaining = self._call.remaining()
        timeout = min(suggestions.LONGEST_LOOK_UP, math.inf if remaining is None else remaining)
        if timeout <= 0:
            return
        models = self._openrouter.catalogue.models(lambda: self._look_up(timeout), timeout)
        chosen = str(arguments.get("model", ""))
        found = suggestions.suggest(models, suggestions.needs_of(arguments, error), chosen)
        if found:
            error.details["suggestions"] = found
            error.explanation += f" {suggestions.in_words(found, chosen, models)}"

    def _look_up(self, timeout: float) -> str:
        """The catalogue, in a call of its own: once, and not for long."""
        look_up = BoundClient(self._openrouter, self._key, Call(timeout=timeout))
        return look_up._answer(outgoing.get("/models", {}), timeout)

    def _run(self, attempt: Callable[[], str], policy: Policy) -> str:
        return self._openrouter.retries.run(attempt, self._call, policy)

    def _answer(
        self,
        request: Request,
        timeout: float,
        *,
        xml: bool = False,
        accumulator: Callable[[], StreamAccumulator] | None = None,
    ) -> str:
        """One attempt: send, read, judge."""
        from ..http.transport import Exchange  # noqa: PLC0415 - it loads urllib3

        headers = {**self._openrouter.headers, **request.headers}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        exchange = Exchange(self._call)
        with self._call.cutting(exchange.cut):
            transport = self._openrouter.transport
            try:
                response = transport.open(exchange, request.method, request.target, headers, request.body, timeout)
                collected = None if accumulator is None else accumulator()
                text = self._read(exchange, response, collected, xml=xml)
            except BaseException as error:
                if not isinstance(error, Exception):  # such as KeyboardInterrupt
                    self._openrouter.leave(transport)
                raise
            return response_caching.marked(text, response.headers, self._call)

    def _read(
        self, exchange: Exchange, response: BaseHTTPResponse, accumulator: StreamAccumulator | None, *, xml: bool
    ) -> str:
        """The answer's text; a streamed one put together."""
        from ..http.body import Body  # noqa: PLC0415
        from . import response_parsing  # noqa: PLC0415 - they load urllib3
        from .streams import reader  # noqa: PLC0415 - they load urllib3

        try:
            limit = self._openrouter.max_answer_bytes
            body = Body(exchange, response, limit)
            if accumulator is not None and 200 <= response.status < 300 and body.is_stream():
                return reader.read(exchange, response, accumulator, limit, self._key, body=body)
            check = None if accumulator is None else accumulator.check
            return response_parsing.parse_response(body.text(), response, xml=xml, check=check)
        except ActionError as error:
            _add_details(error, response)
            raise
        finally:
            if getattr(response, "connection", None) is not None:  # not read to its end, so it can't be used again
                with suppress(Exception):
                    response.close()


def _add_details(error: ActionError, response: Any) -> None:
    """What the answer's head says of a failure: which generation it was, and the status where that says success."""
    generation = response.headers.get("x-generation-id")
    if generation:
        error.details["generation_id"] = generation
    if error.status is not None and error.status != response.status:
        error.details["http_status"] = response.status


def _user_agent() -> str:
    try:
        return f"openrouter-toolkit/{version('openrouter-toolkit')}"
    except PackageNotFoundError:
        return "openrouter-toolkit"
