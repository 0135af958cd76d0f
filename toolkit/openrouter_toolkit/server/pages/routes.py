"""The routes of all pages. `csrf` checks every form; pages under /admin are for administrators only."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from fastapi.responses import RedirectResponse

from ..access import csrf
from ..access.browsers import administrator
from . import accounts, browser_login, connect, connect_for, details, login, marketplace, try_it

router = APIRouter(include_in_schema=False, dependencies=[Depends(csrf.check_form)])
router.include_router(login.router)
router.include_router(connect.router)
router.include_router(browser_login.router)

_admin_router = APIRouter(dependencies=[Depends(administrator)])
for _module in (marketplace, connect_for, accounts, try_it, details):
    _admin_router.include_router(_module.router)
router.include_router(_admin_router)


@router.get("/")
def home() -> RedirectResponse:
    """Redirect to the tools."""
    return RedirectResponse("/admin/tools", 303)
