"""One-time links to connect an account: whether one can be used, and the page that its use leads to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from ...connecting import Checked
from ...manifest import LoadedToolkit
from ...store import ConnectedAccount, Link, LinkRefused, StoreError, UnknownAccount
from ..access.browsers import LoginNeeded, administrator, browser_id
from ..error_responses import Problem
from ..limits import mark_refused
from ..state import hosted
from .cards import TOOLS, path_of
from .rendering import TO_TOOLS, notice, with_outcome

CONNECT = "/connect"
# So that a slow API does not block the pages. Further key checks wait.
_key_checks = ThreadPoolExecutor(16, "connecting")
_REFUSALS = {
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


async def in_thread(work: Callable[[], Response]) -> Response:
    """Run slow work, such as a key's check, in a thread."""
    return await asyncio.get_running_loop().run_in_executor(_key_checks, work)


def usable_link(request: Request, secret: str) -> tuple[Link, ConnectedAccount, LoadedToolkit]:
    """Return an open link that this browser may use, with its account and toolkit.

    This neither uses up the link nor binds it to the browser, because programs fetch links, too, to preview them.

    Raises:
        LinkRefused: the link can't be used. The application answers it with `link_refused`.
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


def connected(request: Request, link: Link, account: ConnectedAccount, checked: Checked) -> Response:
    """Redirect to the link's registered return address, else administrators to the tools and others to a final page."""
    address, incomplete = link.return_address, bool(checked.left_out)
    if address and hosted(request).store.return_addresses.registered(address):
        home = with_outcome(address, account.id)
    elif is_administrator(request):
        home = with_outcome(TOOLS, account.id, incomplete=incomplete)
    else:
        home = f"{CONNECT}/done{'?left_out=1' if incomplete else ''}"
    return RedirectResponse(home, 303)


def link_refused(request: Request, refusal: LinkRefused) -> Response:
    """Render why a link can't be used, and what to do."""
    if refusal.reason == "unknown":
        mark_refused(request)
    return outcome(request, *_REFUSALS[refusal.reason])


def outcome(
    request: Request, status: int, heading: str, text: str, retried: ConnectedAccount | None = None
) -> Response:
    """Render a failure; administrators also get a link to the tools and, for a `retried` account, a retry button."""
    form = way = None
    if is_administrator(request):
        way = TO_TOOLS
        if retried is not None:
            address = f"{path_of(retried.toolkit)}/accounts/{retried.id}/reconnect"
            form = {"address": address, "words": "Try again"}
    return notice(request, status, heading, text, "late" if status == 410 else "bad", form=form, way=way)


def is_administrator(request: Request) -> bool:
    """Whether the request comes from a logged-in administrator."""
    try:
        administrator(request)
    except (LoginNeeded, StoreError):
        return False
    return True
