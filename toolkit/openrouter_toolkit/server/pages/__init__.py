"""Web pages: the marketplace, a tool's details, and the connect page. They work without scripts.

Every form has a token. Who may request the pages under /admin is said by the table in `access/roles`.
"""

from __future__ import annotations

from fastapi import APIRouter, Depends
from fastapi.responses import RedirectResponse

from ..access.browsers import check_form
from ..access.roles import check_role
from . import (
    accounts,
    audit,
    browser_login,
    budgets,
    calls,
    connect,
    connect_for,
    details,
    handed_on,
    login,
    logos,
    marketplace,
    offers,
    overview,
    people,
    tokens,
    toolsets,
    try_it,
    usage,
    webhooks,
    you,
)
from .cards import TOOLS

router = APIRouter(include_in_schema=False, dependencies=[Depends(check_form)])
for _module in (login, connect, browser_login, logos):
    router.include_router(_module.router)
_LOGGED_IN = (
    marketplace,
    offers,
    connect_for,
    handed_on,
    accounts,
    try_it,
    toolsets,
    details,
    people,
    you,
    audit,
    webhooks,
    budgets,
    calls,
    usage,
    overview,
    tokens,
)
for _module in _LOGGED_IN:
    router.include_router(_module.router, dependencies=[Depends(check_role)])


@router.get("/")
@router.get("/admin")
def home() -> RedirectResponse:
    """Redirect to the tools."""
    return RedirectResponse(TOOLS, 303)
