"""The secure page as it is shown, and how it ends: connected, or by a link that can't be used."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from ...connecting import Checked
from ...manifest import LoadedToolkit
from ...store import ConnectedAccount, Link, LinkRefused, StoreError, UnknownAccount
from ..access.browsers import LoginNeeded, administrator, browser_id
from ..access.headers import content_security_policy
from ..access.throttle import refused
from ..error_responses import Problem
from ..state import hosted
from .account_rows import users_of
from .messages import with_outcome
from .origins import login_page, origin_of
from .rendering import render
from .toolkit_cards import TOOLS, listed, path_of

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


def usable(request: Request, secret: str) -> tuple[Link, ConnectedAccount, LoadedToolkit]:
    """A link that this browser may use, and what it fills.

    To ask does not use the link. It does not bind it to the browser either: programs look at links too.

    Raises:
        LinkRefused: it can't be used.
    """
    store = hosted(request).store
    link = store.links.find(secret)
    if link is not None and link.bound:
        link = store.links.bind(secret, browser_id(request))  # refuses every other browser, and changes nothing
    if link is None or link.kind != "connect" or link.account_id is None:
        raise LinkRefused("unknown")
    if link.state != "open":
        raise LinkRefused(link.state)
    return (link, *filled_by(request, link))


def filled_by(request: Request, link: Link) -> tuple[ConnectedAccount, LoadedToolkit]:
    """The account that a link fills, and its toolkit. Where one of them is gone, so is the link: `LinkRefused`."""
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
    """The page. `problems` are those of single fields; what was typed into them is not shown again."""
    link, account, loaded = usable(request, secret)
    toolkit = listed(loaded, hosted(request).store)
    problems = problems or {}
    optional = [field for field in loaded.auth.fields if not field.required]
    elsewhere = login_page(loaded)
    response = render(
        request,
        "connect.html",
        status,
        toolkit=toolkit,
        organisation=account.user_id is None,
        owner="The organisation" if account.user_id is None else f"User {account.user_id}",
        owner_told=_whose_key(account),
        replaced=", ".join(account.last_four.values()) if account.connected_at else "",
        costs_money=any(action.definition.annotations.costsMoney for action in loaded.actions),
        trouble=trouble,
        problems=problems,
        required=[field for field in loaded.auth.fields if field.required],
        optional=optional,
        optional_open=any(field.name in problems for field in optional),
        browser=elsewhere is not None,
        address=f"{CONNECT}/{secret}",
        expires_at=link.expires_at,
        cancel=toolkit.path if is_administrator(request) else None,
        message=None,
    )
    # Browsers hold a form's redirects against the page's policy, too.
    targets = [origin_of(address) for address in (elsewhere, link.return_address) if address]
    response.headers["Content-Security-Policy"] = content_security_policy(*filter(None, targets))
    return response


def connected(request: Request, link: Link, account: ConnectedAccount, checked: Checked) -> Response:
    """Back to where the link says, if that is registered; else to the tools, or for others to a page that ends it."""
    address = link.return_address
    if address and hosted(request).store.return_addresses.registered(address):
        return RedirectResponse(with_outcome(address, account.id), 303)
    incomplete = bool(checked.left_out)
    done = f"{CONNECT}/done{'?left_out=1' if incomplete else ''}"
    home = with_outcome(TOOLS, account.id, incomplete=incomplete) if is_administrator(request) else done
    return RedirectResponse(home, 303)


def link_refused(request: Request, no: LinkRefused) -> Response:
    """Why a link can't be used, and what to do."""
    if no.reason == "unknown":
        refused(request)
    status, heading, text = _NOTICES[no.reason]
    return notice(request, status, heading, text)


def notice(request: Request, status: int, heading: str, text: str, retried: ConnectedAccount | None = None) -> Response:
    """A page that says how it ended; administrators can go on from there, and begin anew with an account."""
    form = way = None
    if is_administrator(request):
        way = {"address": TOOLS, "words": "To the tools"}
        if retried is not None:
            address = f"{path_of(retried.toolkit)}/accounts/{retried.id}/reconnect"
            form = {"address": address, "words": "Try again"}
    kind = "late" if status == 410 else "bad"
    return render(request, "notice.html", status, heading=heading, text=text, kind=kind, form=form, way=way)


def is_administrator(request: Request) -> bool:
    """Whether who looks is logged in."""
    try:
        administrator(request)
    except (LoginNeeded, StoreError):
        return False
    return True


def _whose_key(account: ConnectedAccount) -> str:
    called = f" It is called “{account.alias}”." if account.alias else ""
    use = f"For {users_of(account)}." if account.user_id is None else "For calls in this user's name alone."
    return f"{use}{called}"
