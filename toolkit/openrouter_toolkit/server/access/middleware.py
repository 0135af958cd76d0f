"""The one middleware: each request passes its checks in turn, and each answer gets its headers.

It is plain ASGI, so that streams close at once when a client disconnects.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache

import anyio
from fastapi.responses import PlainTextResponse
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request, cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...text.redaction import redact_thoroughly
from ..addresses import HEALTH, ONE_TIME_LINKS, STATIC, answers_json, area_of, is_for_programs, is_page
from ..error_responses import Problem, accepts_html, problem, retry_after
from ..limits import FIRST_DELAY, HeldThread, held_thread, is_refused
from ..request_ids import HEADER as REQUEST_ID
from ..request_ids import assign
from ..state import State
from .bearer import authenticate
from .browsers import add_browser_cookie
from .client_address import check_body_length, reported_client
from .hosts import WrongHost, check_host
from .origins import begin_request

# Prompts contain pictures and documents.
BODY_WITH_TOKEN = 32 * 1024 * 1024
BODY_WITHOUT_TOKEN = 64 * 1024
_MIN_SECRET_LENGTH = 20
_MAX_SECRET_LENGTH = 200
_TOO_MANY_REQUESTS = "Too many requests of this address are being answered."
_TOO_MANY_CALLS = (
    "This token makes {} calls already, as many as it may while others need threads too. Wait for one to end."
)
_NO_THREAD = "All threads are busy with the calls of other tokens. Nothing was done. Try again."
_FAILED = "The server itself failed; its log has the details."
_OPENTELEMETRY = "opentelemetry.trace"
_log = logging.getLogger("openrouter_toolkit")


class Guard:
    """Lets a request pass to the application if all checks accept it, and answers it otherwise."""

    def __init__(self, app: ASGIApp, state: State, wrong_host_page: Callable[[Request, int, str], Response]) -> None:
        """Make the refusal of a wrong host name that browsers get with `wrong_host_page`."""
        self._app = app
        self._state = state
        self._wrong_host_page = wrong_host_page
        self._logged = state.logged

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. An unexpected exception is logged without secrets."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD" and is_page(scope["path"]):
            scope = {**scope, "method": "GET"}  # the server itself sends no body for HEAD
        started = False
        request_id = assign(scope).encode()

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                await self._prepare_answer(scope, message)
                message["headers"].append((REQUEST_ID, request_id))
                self._state.metrics.answered(area_of(scope["path"]), message["status"])
                started = True
            await send(message)

        try:
            with ExitStack() as counted:
                try:
                    receive = await self._check(scope, receive, counted)
                    answer: ASGIApp = self._app
                except Problem as refusal:
                    answer = self._refusal(scope, refusal)
                await answer(scope, receive, send_guarded)
        except ClientDisconnect:
            return  # the client disconnected while it sent the body
        except Exception:  # noqa: BLE001 - uvicorn would log it with its secrets
            path = scope["path"]
            trace = redact_thoroughly(traceback.format_exc(), request_secrets(scope))
            _log.error("the server failed unexpectedly, at %s\n%s", area_of(path), trace)
            if not started:
                failure: Response = problem(path, 500) if answers_json(path) else PlainTextResponse(_FAILED, 500)
                await failure(scope, receive, send_guarded)

    async def _check(self, scope: Scope, receive: Receive, counted: ExitStack) -> Receive:
        """Return the function that receives the body. Raises `Problem` if the request is refused.

        Args:
            scope: the request; it gets the client's own address, and the API token.
            receive: receives the body without a limit.
            counted: stays open until the answer has been sent.
        """
        state, limit = self._state, BODY_WITHOUT_TOKEN
        check_body_length(scope)
        client = reported_client(scope, state.settings.trusted_proxies, self._log_once)
        if client is not None:
            scope["client"] = (client, 0)
        begin_request(scope)
        if client is not None and not counted.enter_context(state.requests.one(client)):
            raise Problem(429, _TOO_MANY_REQUESTS, retry_after(1))
        if scope["path"] not in HEALTH:
            check_host(scope, state.settings, self._log_once)
        if is_for_programs(scope["path"]):
            limit = BODY_WITH_TOKEN
            token = await authenticate(scope, state)
            _continue_trace(scope)
            thread = counted.enter_context(ExitStack())
            held_thread.set(HeldThread(token.id, thread.close))
            in_use = thread.enter_context(state.threads.one(token.id))
            if in_use is not None:
                status, words = (429, _TOO_MANY_CALLS.format(in_use)) if in_use else (503, _NO_THREAD)
                raise Problem(status, words, retry_after(1))
        return limited(scope, receive, limit)

    def _refusal(self, scope: Scope, refusal: Problem) -> Response:
        path = scope["path"]
        if isinstance(refusal, WrongHost) and not answers_json(path) and accepts_html(scope):
            return self._wrong_host_page(Request(scope), refusal.status, str(refusal.message))
        return problem(path, refusal.status, refusal.message, refusal.headers)

    def _log_once(self, message: str, *values: object) -> None:
        """Log what an administrator has to set up, such as a new proxy."""
        if message not in self._logged:
            self._logged.add(message)
            _log.warning(message, *values)

    async def _prepare_answer(self, scope: Scope, message: Message) -> None:
        """Add the headers to the start of an answer; delay it if the login, token or key was wrong, as often before.

        The limits in `connections` bound how many can wait at the same time.
        """
        headers = message["headers"] = list(message.get("headers", ()))
        add_browser_cookie(scope, headers, self._state.settings)
        given = {name.lower() for name, _ in headers}
        path: str = scope["path"]
        added = _raw_headers(path.startswith(ONE_TIME_LINKS), path.startswith(STATIC))
        headers += [pair for pair in added if pair[0] not in given]
        if is_refused(scope):
            address = (scope.get("client") or ("",))[0]
            delay = self._state.throttle.delay(address)
            if 0 < delay <= FIRST_DELAY:
                _log.warning("wrong logins, tokens or keys come from %s: it is answered slowly", address)
            await anyio.sleep(delay)


def _continue_trace(scope: Scope) -> None:
    """Let the caller's span be the parent of what this request does, where the server uses OpenTelemetry."""
    if _OPENTELEMETRY in sys.modules:
        from opentelemetry import context, propagate

        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        context.attach(propagate.extract(headers))  # this request's context ends with it


def limited(scope: Scope, receive: Receive, limit: int) -> Receive:
    """Return a function that receives a body of at most `limit` bytes. It and this raise 413 as soon as possible."""
    content_length = Headers(scope=scope).get("content-length", "0")
    if not content_length.isdigit() or int(content_length[:20]) > limit:
        raise Problem(413)
    received = 0

    async def receive_within_limit() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise HTTPException(413)
        return message

    return receive_within_limit


def content_security_policy(*form_targets: str) -> str:
    """Return a page's Content-Security-Policy. `form_targets` are the origins to which its forms redirect."""
    targets = " ".join(("'self'", *form_targets))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"form-action {targets}; frame-ancestors 'none'; base-uri 'none'"
    )


def security_headers(path: str) -> dict[str, str]:
    """Return the headers against framing, foreign scripts, content-type sniffing and caching for answers at a path."""
    return _headers(path.startswith(ONE_TIME_LINKS), path.startswith(STATIC))


def _headers(one_time_link: bool, static: bool) -> dict[str, str]:
    return {
        "Content-Security-Policy": content_security_policy(),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer" if one_time_link else "same-origin",
        "Cache-Control": "no-cache" if static else "no-store",
    }


@cache
def _raw_headers(one_time_link: bool, static: bool) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.lower().encode(), value.encode()) for name, value in _headers(one_time_link, static).items())


def request_secrets(scope: Scope) -> list[str]:
    """Return a request's secrets: its token, its cookies, and the secret of a one-time link."""
    headers = Headers(scope=scope)
    tokens = [value.partition(" ")[2].strip() for value in headers.getlist("authorization")]
    tokens += headers.getlist("x-api-key")
    cookies = [value for line in headers.getlist("cookie") for value in cookie_parser(line).values()]
    link = scope["path"].split("/")[2:] if scope["path"].startswith(ONE_TIME_LINKS) else []
    # Shorter values are words, and this server creates no longer ones.
    return [value for value in (*tokens, *cookies, *link) if _MIN_SECRET_LENGTH <= len(value) <= _MAX_SECRET_LENGTH]
