"""Creates the web application from pages, API, MCP and middleware."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from .. import __version__
from ..envelope import ActionError
from ..store import LastOwner, LinkRefused, Store, StoreError, UnknownAccount, UnknownPerson
from ..store.webhooks import UnknownWebhook
from ..text.redaction import redact_thoroughly
from .access.browsers import LoginNeeded, remember_page
from .access.middleware import Guard, request_secrets
from .api import direct
from .api.requests import wrong_value
from .api.routes import router as api
from .background import background
from .composio import routes as composio
from .composio import session_mcp
from .error_responses import Problem, problem, reads_pages, retry_after
from .health import router as health
from .mcp import McpEndpoints
from .metrics import router as metrics
from .pages import router as pages
from .pages.links import link_refused
from .pages.login import login_refused
from .pages.rendering import error_page, wrong_address
from .settings import Settings
from .state import State

_log = logging.getLogger("openrouter_toolkit")


def create(settings: Settings, store: Store, manifests: Iterable[Path | str] = ()) -> FastAPI:
    """Create the application for one process; several processes may use the same store.

    Args:
        settings: its public URL, its name and its limits.
        store: the store of connected accounts. The application does not close it.
        manifests: manifests of other toolkits, in addition to OpenRouter's.

    Raises:
        ManifestError: a manifest is invalid, or two define the same toolkit slug or action name.
    """
    state = State(settings, store, manifests)
    endpoints = McpEndpoints(state)
    jobs = background(state)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with endpoints.run():
            jobs.start()
            yield
            await anyio.to_thread.run_sync(jobs.stop)
        state.close()

    application = _Application(
        title=settings.host_name,
        version=__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False},  # spans would contain one-time links
        lifespan=lifespan,
    )
    application.state.hosted = state
    application.include_router(health)
    application.include_router(metrics)
    application.include_router(api)
    application.router.routes.extend(composio.routes())
    application.router.routes.extend(session_mcp.routes())
    application.router.routes.extend(endpoints.routes)
    application.include_router(pages)
    static = StaticFiles(packages=[("openrouter_toolkit.server.pages", "static")])
    application.mount("/static", GZipMiddleware(static, minimum_size=500), name="static")
    _answer_exceptions(application)
    application.add_middleware(Guard, state=state, wrong_host_page=wrong_address)
    return application


class _Application(FastAPI):
    """FastAPI, with a short way to the route that most requests take."""

    def build_middleware_stack(self) -> ASGIApp:
        guard = Guard(direct.handled(self.exception_handlers), self.state.hosted, wrong_address)
        return direct.DirectRoute(super().build_middleware_stack(), guard)


def _answer_exceptions(application: FastAPI) -> None:
    """Turn expected exceptions into answers: JSON for programs, a page for people."""

    def error_answer(
        request: Request, status: int, message: str | None, headers: Mapping[str, str] | None = None
    ) -> Response:
        if not reads_pages(request.scope):
            # The message contains parameter names, and the sender may have written anything in their place.
            text = None if message is None else redact_thoroughly(message, request_secrets(request.scope))
            return problem(request.scope["path"], status, text, headers)
        page = error_page(request, status, message)
        page.headers.update(headers or {})
        return page

    @application.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        return error_answer(request, error.status_code, None, error.headers)

    @application.exception_handler(Problem)
    def problem_raised(request: Request, error: Problem) -> Response:
        return error_answer(request, error.status, error.message, error.headers)

    @application.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        # FastAPI's own answer would repeat the values that were sent.
        return error_answer(request, 422, " ".join(wrong_value(one) for one in error.errors()))

    @application.exception_handler(LinkRefused)
    def link_not_usable(request: Request, error: LinkRefused) -> Response:
        answer = login_refused if request.scope["path"].startswith("/login/") else link_refused
        return answer(request, error)

    @application.exception_handler(UnknownAccount)
    def unknown(request: Request, error: UnknownAccount) -> Response:
        return error_answer(request, 404, "There is no such account. It may have been disconnected meanwhile.")

    @application.exception_handler(UnknownPerson)
    def unknown_person(request: Request, error: UnknownPerson) -> Response:
        return error_answer(request, 404, "There is nobody of that name. The person may have been removed meanwhile.")

    @application.exception_handler(UnknownWebhook)
    def unknown_webhook(request: Request, error: UnknownWebhook) -> Response:
        return error_answer(request, 404, "There is no such webhook. It may have been removed meanwhile.")

    @application.exception_handler(LastOwner)
    def last_owner(request: Request, error: LastOwner) -> Response:
        return error_answer(request, 409, str(error))

    @application.exception_handler(StoreError)
    def store_failed(request: Request, error: StoreError) -> Response:
        _log.error("the store failed: %s", error)
        return error_answer(request, 503, None, retry_after(1))

    @application.exception_handler(ActionError)
    def registry_failed(request: Request, error: ActionError) -> Response:
        return error_answer(request, 503, error.explanation, retry_after(1))

    @application.exception_handler(LoginNeeded)
    def login_needed(request: Request, error: LoginNeeded) -> Response:
        response = RedirectResponse("/login", 303)
        remember_page(request, response)
        return response
