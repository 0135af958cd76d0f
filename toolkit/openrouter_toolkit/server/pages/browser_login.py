"""Connecting by a login at the toolkit's own site (OAuth with PKCE): there, and back with a code."""

from __future__ import annotations

import logging
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ...connecting import BrowserLogin, browser_login
from ...connecting.reconnecting import check_for
from ...envelope import ActionError
from ...manifest import LoadedToolkit
from ...store import ConnectedAccount, LinkRefused, StoreError, UnknownAccount
from ..access.browsers import browser_id
from ..error_responses import Problem
from ..state import hosted
from .connect_page import CONNECT, connected, filled_by, link_refused, notice, usable
from .origins import own_origin
from .worker_threads import in_thread

router = APIRouter(prefix=CONNECT)
_CALLBACK = f"{CONNECT}/callback"
_PATIENCE = 600
_log = logging.getLogger("openrouter_toolkit")


@router.post("/{secret}/browser")
def leave(request: Request, secret: str) -> Response:
    """To the toolkit's page. The link is this browser's from now on, and not used yet."""
    state = hosted(request)
    try:
        _, account, loaded = usable(request, secret)
        login = _login(loaded)
        pkce = state.store.links.start_pkce(secret, browser_id(request))
    except LinkRefused as no:
        return link_refused(request, no)
    label = f"{state.settings.host_name} {account.alias}" if account.alias else state.settings.host_name
    try:
        address = login.begin(f"{own_origin(request)}{_CALLBACK}/{pkce.state}", label, pkce.verifier)
    finally:
        login.close()
    response = RedirectResponse(address, 303)
    # The way back to the page, for who cancels there; the link's secret is not told to anybody else.
    response.set_cookie(
        _cookie(request),
        secret,
        max_age=_PATIENCE,
        path=f"{_CALLBACK}/{pkce.state}",
        secure=state.settings.secure,
        httponly=True,
        samesite="lax",
    )
    return response


@router.get("/callback/{login_state}")
async def come_back(request: Request, login_state: str) -> Response:
    """Back, with a code or without."""
    code = request.query_params.get("code")
    secret = request.cookies.get(_cookie(request))
    if not code or "error" in request.query_params:
        if secret is None or not secret.isascii():
            return notice(request, 400, "Not connected", "You did not authorize it, and nothing was stored.")
        return RedirectResponse(f"{CONNECT}/{quote(secret, safe='')}?cancelled", 303)
    return await in_thread(lambda: _finish(request, login_state, code))


def _finish(request: Request, login_state: str, code: str) -> Response:
    store = hosted(request).store
    try:
        link, verifier = store.links.finish_pkce(login_state, browser_id(request))
        account, loaded = filled_by(request, link)
        key = _exchanged(loaded, code, verifier)
    except LinkRefused as no:
        return link_refused(request, no)
    except ActionError as error:
        return _failed(request, account, error.explanation)
    field = loaded.auth.key
    made = f"A key was made for this and is not kept: delete it at {field.link or loaded.toolkit.name}."
    try:
        checked = check_for(store, loaded, account, {field.name: key})
        if not checked.passed:
            return _failed(request, account, f"{' '.join(checked.refusals.values())} {made}")
        store.accounts.fill(account.id, checked.values)
    except UnknownAccount:
        return _failed(request, account, f"The account was disconnected meanwhile. {made}")
    except StoreError as error:
        _log.error("an account was not stored: %s", error)
        return notice(request, 503, "Not connected", f"It could not be stored. {made}")
    return connected(request, link, account, checked)


def _failed(request: Request, account: ConnectedAccount, why: str) -> Response:
    """Say why, here and with the account; one that is gone can't be tried again."""
    retried: ConnectedAccount | None = account
    try:
        hosted(request).store.accounts.fail(account.id, why)
    except UnknownAccount:
        retried = None
    return notice(request, 502, "Not connected", why, retried=retried)


def _login(loaded: LoadedToolkit) -> BrowserLogin:
    try:
        login = browser_login(loaded)
    except ActionError as error:
        raise Problem(503, error.explanation) from None
    if login is None:
        raise Problem(404)
    return login


def _exchanged(loaded: LoadedToolkit, code: str, verifier: str) -> str:
    login = _login(loaded)
    try:
        return login.finish(code, verifier)
    finally:
        login.close()


def _cookie(request: Request) -> str:
    settings = hosted(request).settings
    # __Host- is for cookies of the whole host, and this one is for a path.
    return f"{'__Secure-' if settings.secure else ''}openrouter-toolkit-link-{settings.port}"
