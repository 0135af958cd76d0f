"""Web pages: the marketplace, a tool's details, and the connect page. They work without scripts.

Every form has a token. Pages under /admin are for administrators only.
"""

from __future__ import annotations

from fastapi import APIRouter, Depends
from fastapi.responses import RedirectResponse

from ..access.browsers import administrator, check_form
from . import (
    accounts,
    browser_login,
    connect,
    connect_for,
    details,
    handed_on,
    login,
    logos,
    marketplace,
    offers,
    try_it,
)
from .cards import TOOLS

router = APIRouter(include_in_schema=False, dependencies=[Depends(check_form)])
for _module in (login, connect, browser_login, logos):
    router.include_router(_module.router)
for _module in (marketplace, offers, connect_for, handed_on, accounts, try_it, details):
    router.include_router(_module.router, dependencies=[Depends(administrator)])


@router.get("/")
@router.get("/admin")
def home() -> RedirectResponse:
    """Redirect to the tools."""
    return RedirectResponse(TOOLS, 303)
