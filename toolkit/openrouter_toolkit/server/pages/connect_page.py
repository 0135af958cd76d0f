"""Renders the connect page and its outcomes: connected, or a link that can't be used."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from ...connecting import Checked
from ...manifest import LoadedToolkit
from ...store import ConnectedAccount, Link, LinkRefused, StoreError, UnknownAccount
from ..access.browsers import LoginNeeded, administrator, browser_id
from ..access.headers import content_security_policy
from ..access.throttle import mark_refused
from ..error_responses import Problem
from ..state import hosted
from .account_rows import users_of
from .messages import with_outcome
from .origins import login_page, origin_of
from .rendering import render
from .toolkit_cards import TOOLS, path_of, toolkit_card

CONNECT = "/connect"
FIELD = "field."
_NOTICES = {
    "unknown": (
        404,
        "This link leads nowhere",
        "It is incomplete, a day old, replaced, or made with another database than this server's. Ask for a new one.",
    ),
    "used": (410, "This link was used already", "Each link works once. To connect again, ask for a new one."),
    "expired": (410, "This link is too old", "A link works for ten minutes. Ask for a new one; nothing was stored."),
    "elsewhere": (
        403,
        "This link is not for this browser",
        "It belongs to the one in which it was used first, or made.",
    ),
}


def usable_link(request: Request, secret: str) -> tuple[Link, ConnectedAccount, LoadedToolkit]:
    """Return an open link that this browser may use, with its account and toolkit.

    This neither uses up the link nor binds it to the browser, because programs fetch links, too, to preview them.

    Raises:
        LinkRefused: the link can't be used.
    """
    store = hosted(request).store
    link = store.links.find(secret)
    if link is not None and link.bound:
        link = store.links.bind(secret, browser_id(request))  # changes nothing, but refuses every other browser
    if link is None or link.kind != "connect" or link.account_id is None:
        raise LinkRefused("unknown")
    if link.state != "open":
        raise LinkRefused(link.state)
    return (link, *link_target(request, link))


def link_target(request: Request, link: Link) -> tuple[ConnectedAccount, LoadedToolkit]:
    """Return a link's account and its toolkit. Raises `LinkRefused` if one of them no longer exists."""
    state = hosted(request)
    try:
        account = state.store.accounts.get(link.account_id or "")
        return account, state.toolkit(account.toolkit).loaded
    except (UnknownAccount, Problem):
        raise LinkRefused("unknown") from None


def page(
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
    login_address = login_page(loaded)
    response = render(
        request,
        "connect.html",
        status,
        toolkit=toolkit,
        organisation=account.user_id is None,
        owner="The organisation" if account.user_id is None else f"User {account.user_id}",
        owner_usage=_usage_text(account),
        replaced=", ".join(account.last_four.values()) if account.connected_at else "",
        costs_money=any(action.definition.annotations.costsMoney for action in loaded.actions),
        trouble=trouble,
        problems=problems,
        required=[field for field in loaded.auth.fields if field.required],
        optional=optional,
        optional_open=any(field.name in problems for field in optional),
        browser=login_address is not None,
        address=f"{CONNECT}/{secret}",
        expires_at=link.expires_at,
        cancel=toolkit.path if is_administrator(request) else None,
        message=None,
    )
    # Browsers also apply the page's policy to redirects of its forms.
    targets = [origin_of(address) for address in (login_address, link.return_address) if address]
    response.headers["Content-Security-Policy"] = content_security_policy(*filter(None, targets))
    return response


def connected(request: Request, link: Link, account: ConnectedAccount, checked: Checked) -> Response:
    """Redirect to the link's registered return address, else administrators to the tools and others to a final page."""
    address = link.return_address
    if address and hosted(request).store.return_addresses.registered(address):
        return RedirectResponse(with_outcome(address, account.id), 303)
    incomplete = bool(checked.left_out)
    done = f"{CONNECT}/done{'?left_out=1' if incomplete else ''}"
    home = with_outcome(TOOLS, account.id, incomplete=incomplete) if is_administrator(request) else done
    return RedirectResponse(home, 303)


def link_refused(request: Request, refusal: LinkRefused) -> Response:
    """Render why a link can't be used, and what to do."""
    if refusal.reason == "unknown":
        mark_refused(request)
    status, heading, text = _NOTICES[refusal.reason]
    return notice(request, status, heading, text)


def notice(request: Request, status: int, heading: str, text: str, retried: ConnectedAccount | None = None) -> Response:
    """Render the outcome; administrators also get a link to the tools and, for a `retried` account, a retry button."""
    form = way = None
    if is_administrator(request):
        way = {"address": TOOLS, "words": "To the tools"}
        if retried is not None:
            address = f"{path_of(retried.toolkit)}/accounts/{retried.id}/reconnect"
            form = {"address": address, "words": "Try again"}
    kind = "late" if status == 410 else "bad"
    return render(request, "notice.html", status, heading=heading, text=text, kind=kind, form=form, way=way)


def is_administrator(request: Request) -> bool:
    """Whether the request comes from a logged-in administrator."""
    try:
        administrator(request)
    except (LoginNeeded, StoreError):
        return False
    return True


def _usage_text(account: ConnectedAccount) -> str:
    called = f" It is called “{account.alias}”." if account.alias else ""
    use = f"For {users_of(account)}." if account.user_id is None else "For calls in this user's name alone."
    return f"{use}{called}"
