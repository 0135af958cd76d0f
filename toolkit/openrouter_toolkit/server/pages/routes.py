"""All pages. Whatever a form sends is checked by `csrf`; what is under /admin is for administrators alone."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from fastapi.responses import RedirectResponse

from ..access import csrf
from ..access.browsers import administrator
from . import accounts, browser_login, connect, connect_for, details, login, marketplace, try_it

router = APIRouter(include_in_schema=False, dependencies=[Depends(csrf.checked)])
router.include_router(login.router)
router.include_router(connect.router)
router.include_router(browser_login.router)

_administration = APIRouter(dependencies=[Depends(administrator)])
for _pages in (marketplace, connect_for, accounts, try_it, details):
    _administration.include_router(_pages.router)
router.include_router(_administration)


@router.get("/")
def home() -> RedirectResponse:
    """Where everything begins."""
    return RedirectResponse("/admin/tools", 303)
