"""/connect/{link}: the page that takes the keys for a one-time link, checks them, and stores them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response

from ...connecting import browser_login, check_for
from ...envelope import ActionError
from ...manifest import LoadedToolkit
from ...store import LinkRefused, UnknownAccount
from ..access.browsers import browser_id
from ..access.middleware import content_security_policy
from ..limits import mark_refused
from ..state import hosted
from .cards import toolkit_card, users_of
from .links import CONNECT, connected, in_thread, is_administrator, usable_link
from .rendering import LEFT_OUT, Form, notice, render

router = APIRouter(prefix=CONNECT)
_FIELD = "field."
_CANCELLED = "You did not authorize it there, and nothing was stored. You can try again, or enter a key."
# A policy's header must contain nothing that could start another directive.
_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]+)?", re.ASCII)


@router.get("/done")
def done(request: Request) -> Response:
    """Show the final page to people who are not administrators."""
    left_out = f"{LEFT_OUT} " if "left_out" in request.query_params else ""
    text = f"Agents can use it from now on. {left_out}You can close this page."
    return notice(request, 200, "Connected", text, "good")


@router.get("/{secret}")
def show(request: Request, secret: str) -> Response:
    """Show the connect page."""
    return _page(request, secret, trouble=_CANCELLED if "cancelled" in request.query_params else None)


@router.post("/{secret}")
async def connect(request: Request, secret: str, form: Form) -> Response:
    """Check and store the keys. Errors are shown on the same page, so that the user can try again."""
    entered = {name.removeprefix(_FIELD): value for name, value in form.items() if name.startswith(_FIELD)}
    return await in_thread(lambda: _connect(request, secret, entered))


def _connect(request: Request, secret: str, entered: Mapping[str, str]) -> Response:
    store, browser = hosted(request).store, browser_id(request)
    link, account, loaded = usable_link(request, secret)
    try:
        store.links.bind(secret, browser)
        names = {field.name for field in loaded.auth.fields}
        checked = check_for(store, loaded, account, {name: entered[name] for name in entered if name in names})
        if not checked.passed:
            if not checked.unsure:
                mark_refused(request)
            return _page(request, secret, problems=checked.refusals, status=422)
        with store.transaction():
            store.links.consume(secret, browser)
            store.accounts.fill(account.id, checked.values)
    except UnknownAccount:
        raise LinkRefused("unknown") from None
    return connected(request, link, account, checked)


def _page(
    request: Request,
    secret: str,
    *,
    problems: Mapping[str, str] | None = None,
    trouble: str | None = None,
    status: int = 200,
) -> Response:
    """Render the connect page. `problems` are messages by field; the entered values are not shown again."""
    link, account, loaded = usable_link(request, secret)
    toolkit = toolkit_card(loaded, hosted(request).store)
    problems = problems or {}
    optional = [field for field in loaded.auth.fields if not field.required]
    login_page = _login_page(loaded)
    usage = f"For {users_of(account)}." if account.user_id is None else "For calls in this user's name alone."
    response = render(
        request,
        "connect.html",
        status,
        toolkit=toolkit,
        organisation=account.user_id is None,
        owner="The organisation" if account.user_id is None else f"User {account.user_id}",
        owner_usage=f"{usage} It is called “{account.alias}”." if account.alias else usage,
        replaced=", ".join(account.last_four.values()) if account.connected_at else "",
        costs_money=any(action.definition.annotations.costsMoney for action in loaded.actions),
        trouble=trouble,
        problems=problems,
        required=[field for field in loaded.auth.fields if field.required],
        optional=optional,
        optional_open=any(field.name in problems for field in optional),
        browser=login_page is not None,
        address=f"{CONNECT}/{secret}",
        expires_at=link.expires_at,
        cancel=toolkit.path if is_administrator(request) else None,
        message=None,
    )
    # Browsers also apply the page's policy to redirects of its forms.
    targets = [_origin(address) for address in (login_page, link.return_address) if address]
    response.headers["Content-Security-Policy"] = content_security_policy(*filter(None, targets))
    return response


def _origin(address: str) -> str | None:
    """Return the origin of an http(s) address, safe for a policy's header; None if there is none."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    origin = f"{parts.scheme}://{parts.netloc}".lower()
    return origin if _ORIGIN.fullmatch(origin) else None


def _login_page(loaded: LoadedToolkit) -> str | None:
    """Return the address of a toolkit's own login page, None if it has none that can be used."""
    try:
        login = browser_login(loaded)
    except ActionError:
        return None
    if login is None:
        return None
    address = login.begin(None, "", "")
    login.close()
    return address
