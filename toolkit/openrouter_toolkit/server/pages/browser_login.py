"""Connects an account by a browser login at the toolkit's site (OAuth with PKCE)."""

from __future__ import annotations

import logging
from contextlib import closing
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ...connecting import BrowserLogin, browser_login, check_for
from ...envelope import ActionError
from ...manifest import LoadedToolkit
from ...store import ConnectedAccount, Link, StoreError, UnknownAccount
from ..access.browsers import browser_id
from ..access.origins import is_link
from ..access.roles import find_viewer
from ..error_responses import Problem
from ..state import hosted
from .links import CONNECT, connected, in_thread, is_registered, link_target, outcome, usable_link
from .rendering import with_outcome

router = APIRouter(prefix=CONNECT)
_CALLBACK = f"{CONNECT}/callback"
_COOKIE_SECONDS = 600
_log = logging.getLogger("openrouter_toolkit")


@router.post("/{secret}/browser")
def start_login(request: Request, secret: str) -> Response:
    """Redirect to the toolkit's login page."""
    return to_login_page(request, secret)


def to_login_page(request: Request, secret: str) -> Response:
    """Redirect to the login page of a link's toolkit. This binds the link to this browser, but does not use it up."""
    state = hosted(request)
    settings = state.settings
    _, account, loaded = usable_link(request, secret)
    with closing(_login(loaded)) as login:
        pkce = state.store.links.start_pkce(secret, browser_id(request))
        label = f"{settings.host_name} {account.alias}" if account.alias else settings.host_name
        # The configured URL, whatever Host a proxy sends. Without one it is the address of this machine that the
        # browser used, because its cookies are valid only there; `hosts` has refused all others.
        origin = settings.origin if settings.url_given else f"http://{request.headers['host'].lower()}"
        address = login.begin(f"{origin}{_CALLBACK}/{pkce.state}", label, pkce.verifier)
    response = RedirectResponse(address, 303)
    # Leads back to the connect page if the user cancels; the link's secret is not sent to the toolkit's site.
    response.set_cookie(
        _cookie(request),
        secret,
        max_age=_COOKIE_SECONDS,
        path=f"{_CALLBACK}/{pkce.state}",
        secure=settings.secure,
        httponly=True,
        samesite="lax",
    )
    return response


@router.get("/callback/{login_state}")
async def handle_callback(request: Request, login_state: str) -> Response:
    """Handle the return from the login, with or without a code."""
    code = request.query_params.get("code")
    secret = request.cookies.get(_cookie(request))
    if code and "error" not in request.query_params:
        return await in_thread(lambda: _finish(request, login_state, code))
    if secret is None or not secret.isascii():
        return outcome(request, 400, "Not connected", "You did not authorize it, and nothing was stored.")
    return RedirectResponse(f"{CONNECT}/{quote(secret, safe='')}?cancelled", 303)


def _finish(request: Request, login_state: str, code: str) -> Response:
    store = hosted(request).store
    find_viewer(request)
    link, verifier = store.links.finish_pkce(login_state, browser_id(request))
    is_link(link)
    account, loaded = link_target(request, link)
    try:
        with closing(_login(loaded)) as login:
            key = login.finish(code, verifier)
    except ActionError as error:
        return _failed(request, link, account, error.explanation)
    field = loaded.auth.key
    made = f"A key was made for this and is not kept: delete it at {field.link or loaded.toolkit.name}."
    try:
        checked = check_for(store, loaded, account, {field.name: key})
        if not checked.passed:
            return _failed(request, link, account, " ".join(checked.refusals.values()), made)
        store.accounts.fill(account.id, checked.values)
    except UnknownAccount:
        return _failed(request, link, account, "The account was disconnected meanwhile.", made)
    except StoreError as error:
        _log.error("an account was not stored: %s", error)
        return outcome(request, 503, "Not connected", f"It could not be stored. {made}", link=link)
    before = account.connected_at is not None
    return connected(request, link.return_address, account, left_out=bool(checked.left_out), reconnected=before)


def _failed(request: Request, link: Link, account: ConnectedAccount, why: str, to_do: str = "") -> Response:
    """Store the reason with the account, and go back to the host, or show it if there is none or something to do.

    A retry is offered unless the account was removed.
    """
    retry: ConnectedAccount | None = account
    try:
        hosted(request).store.accounts.fail(account.id, why)
    except UnknownAccount:
        retry = None
    if not to_do and is_registered(request, link.return_address):
        return RedirectResponse(with_outcome(str(link.return_address), "failed", account.id), 303)
    return outcome(request, 502, "Not connected", f"{why} {to_do}".strip(), retried=retry, link=link)


def _login(loaded: LoadedToolkit) -> BrowserLogin:
    try:
        login = browser_login(loaded)
    except ActionError as error:
        raise Problem(503, error.explanation) from None
    if login is None:
        raise Problem(404)
    return login


def _cookie(request: Request) -> str:
    settings = hosted(request).settings
    # Not __Host-, which requires the path /; this cookie has a path of its own.
    return f"{'__Secure-' if settings.secure else ''}openrouter-toolkit-link-{settings.port}"
