"""Connects an account by a browser login at the toolkit's site (OAuth with PKCE)."""

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
from .connect_page import CONNECT, connected, link_refused, link_target, notice, usable_link
from .origins import own_origin
from .worker_threads import run_in_thread

router = APIRouter(prefix=CONNECT)
_CALLBACK = f"{CONNECT}/callback"
_COOKIE_SECONDS = 600
_log = logging.getLogger("openrouter_toolkit")


@router.post("/{secret}/browser")
def start_login(request: Request, secret: str) -> Response:
    """Redirect to the toolkit's login page. This binds the link to this browser, but does not use it up."""
    state = hosted(request)
    try:
        _, account, loaded = usable_link(request, secret)
        login = _login(loaded)
        pkce = state.store.links.start_pkce(secret, browser_id(request))
    except LinkRefused as error:
        return link_refused(request, error)
    label = f"{state.settings.host_name} {account.alias}" if account.alias else state.settings.host_name
    try:
        address = login.begin(f"{own_origin(request)}{_CALLBACK}/{pkce.state}", label, pkce.verifier)
    finally:
        login.close()
    response = RedirectResponse(address, 303)
    # Leads back to the connect page if the user cancels; the link's secret is not sent to the toolkit's site.
    response.set_cookie(
        _cookie(request),
        secret,
        max_age=_COOKIE_SECONDS,
        path=f"{_CALLBACK}/{pkce.state}",
        secure=state.settings.secure,
        httponly=True,
        samesite="lax",
    )
    return response


@router.get("/callback/{login_state}")
async def handle_callback(request: Request, login_state: str) -> Response:
    """Handle the return from the login, with or without a code."""
    code = request.query_params.get("code")
    secret = request.cookies.get(_cookie(request))
    if not code or "error" in request.query_params:
        if secret is None or not secret.isascii():
            return notice(request, 400, "Not connected", "You did not authorize it, and nothing was stored.")
        return RedirectResponse(f"{CONNECT}/{quote(secret, safe='')}?cancelled", 303)
    return await run_in_thread(lambda: _finish(request, login_state, code))


def _finish(request: Request, login_state: str, code: str) -> Response:
    store = hosted(request).store
    try:
        link, verifier = store.links.finish_pkce(login_state, browser_id(request))
        account, loaded = link_target(request, link)
        key = _exchange_code(loaded, code, verifier)
    except LinkRefused as error:
        return link_refused(request, error)
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
    """Show the reason and store it with the account; a retry is offered unless the account was removed."""
    retry: ConnectedAccount | None = account
    try:
        hosted(request).store.accounts.fail(account.id, why)
    except UnknownAccount:
        retry = None
    return notice(request, 502, "Not connected", why, retried=retry)


def _login(loaded: LoadedToolkit) -> BrowserLogin:
    try:
        login = browser_login(loaded)
    except ActionError as error:
        raise Problem(503, error.explanation) from None
    if login is None:
        raise Problem(404)
    return login


def _exchange_code(loaded: LoadedToolkit, code: str, verifier: str) -> str:
    login = _login(loaded)
    try:
        return login.finish(code, verifier)
    finally:
        login.close()


def _cookie(request: Request) -> str:
    settings = hosted(request).settings
    # Not __Host-, which requires the path /; this cookie has a path of its own.
    return f"{'__Secure-' if settings.secure else ''}openrouter-toolkit-link-{settings.port}"
