"""The routes of Composio's API, under both versions that its clients call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import accounts, auth_configs, execute, refusals, sessions, toolkits, tools
from .errors import NOT_FOUND, Refusal, refuse
from .query import Query

PREFIXES = ("/api/v3.1", "/api/v3")
_SESSION = "/tool_router/session"

_Answer = Callable[[Query], Any]
_ROUTES: list[tuple[str, str, _Answer]] = [
    ("GET", "/tools", tools.list_tools),
    ("GET", "/tools/enum", tools.list_slugs),
    ("GET", "/toolkits", toolkits.list_toolkits),
    ("POST", "/toolkits/multi", toolkits.list_some),
    ("GET", "/toolkits/categories", toolkits.list_categories),
    ("GET", "/toolkits/changelog", toolkits.list_changes),
    ("GET", "/toolkits/{slug}", toolkits.get_toolkit),
    ("GET", "/auth_configs", auth_configs.list_configs),
    ("POST", "/auth_configs", auth_configs.create),
    ("GET", "/auth_configs/{id}", auth_configs.get),
    ("PATCH", "/auth_configs/{id}", auth_configs.update),
    ("DELETE", "/auth_configs/{id}", auth_configs.delete),
    ("PATCH", "/auth_configs/{id}/{status}", auth_configs.set_status),
    ("GET", "/connected_accounts", accounts.list_accounts),
    ("POST", "/connected_accounts", accounts.create),
    ("POST", "/connected_accounts/link", accounts.create_link),
    ("GET", "/connected_accounts/{id}", accounts.get),
    ("PATCH", "/connected_accounts/{id}", accounts.update),
    ("DELETE", "/connected_accounts/{id}", accounts.delete),
    ("PATCH", "/connected_accounts/{id}/status", accounts.set_status),
    ("POST", "/connected_accounts/{id}/refresh", accounts.refresh),
    ("POST", "/connected_accounts/{id}/revoke", accounts.revoke),
    ("POST", _SESSION, sessions.create),
    ("GET", f"{_SESSION}/{{id}}", sessions.get),
    ("PATCH", f"{_SESSION}/{{id}}", sessions.update),
    ("DELETE", f"{_SESSION}/{{id}}", sessions.delete),
    ("POST", f"{_SESSION}/{{id}}/attach", sessions.attach),
    ("GET", f"{_SESSION}/{{id}}/tools", sessions.list_tools),
    ("GET", f"{_SESSION}/{{id}}/toolkits", sessions.list_toolkits),
    ("POST", f"{_SESSION}/{{id}}/link", sessions.create_link),
    ("POST", f"{_SESSION}/{{id}}/search", sessions.search),
    ("GET", f"{_SESSION}/{{id}}/config_history", sessions.list_history),
]
# After the refusals, which have words where these have a slug.
_GENERAL: list[tuple[str, str, _Answer]] = [("GET", "/tools/{slug}", tools.get_tool)]
_EXECUTES: list[tuple[str, Callable[[Query], execute.Prepared], bool]] = [
    ("/tools/execute/{slug}", execute.prepare, False),
    (f"{_SESSION}/{{id}}/execute", sessions.prepare, True),
    (f"{_SESSION}/{{id}}/execute_meta", sessions.prepare_meta, True),
]


def routes() -> list[Route]:
    """Return all routes."""
    found = []
    for prefix in PREFIXES:
        for method, path, answer in (*_ROUTES, *refusals.routes(), *_GENERAL):
            found.append(Route(f"{prefix}{path}", _endpoint(answer), methods=[method], include_in_schema=False))
        for path, prepare, session in _EXECUTES:
            endpoint = _execute_endpoint(prepare, session=session, older=prefix == "/api/v3")
            found.append(Route(f"{prefix}{path}", endpoint, methods=["POST"], include_in_schema=False))
        found.append(Route(f"{prefix}/{{rest:path}}", _endpoint(_unknown), include_in_schema=False))
    return found


def _endpoint(answer: _Answer) -> Callable[[Request], Any]:
    """Return an endpoint that answers with the JSON, or the status and the JSON, of a function."""

    async def endpoint(request: Request) -> Response:
        try:
            found = await run_in_threadpool(_ask, answer, request, await request.body())
        except Refusal as refusal:
            return refusal.response()
        status, content = found if isinstance(found, tuple) else (200, found)
        return JSONResponse(content, status)

    return endpoint


def _execute_endpoint(
    prepare: Callable[[Query], execute.Prepared], *, session: bool, older: bool
) -> Callable[[Request], Any]:
    """Return an endpoint that looks up all that can be refused, and then makes the call while it answers."""

    async def endpoint(request: Request) -> Response:
        try:
            prepared = await run_in_threadpool(_ask, prepare, request, await request.body())
        except Refusal as refusal:
            return refusal.response(older=older)
        return execute.ExecuteResponse(prepared, session=session)

    return endpoint


def _ask(answer: _Answer, request: Request, body: bytes) -> Any:
    return answer(Query(request, body))


def _unknown(_: Query) -> None:
    refuse(NOT_FOUND, "There is nothing at this address.")
