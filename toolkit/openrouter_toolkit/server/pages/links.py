"""One-time links to connect an account: whether one can be used, and the page that its use leads to."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from ...manifest import LoadedToolkit
from ...store import ConnectedAccount, Link, LinkRefused, StoreError, UnknownAccount
from ..access.browsers import browser_id, is_logged_in
from ..access.origins import is_link
from ..access.roles import find_viewer
from ..error_responses import Problem
from ..limits import mark_refused
from ..state import hosted
from .cards import TOOLS, path_of, row_address
from .rendering import TO_TOOLS, notice, outcome_query, with_outcome

CONNECT = "/connect"
# So that a slow API does not block the pages. Further key checks wait.
_key_checks = ThreadPoolExecutor(16, "connecting")
_REFUSALS = {
    "unknown": (
        404,
        "This link isn't valid",
        "Ask for a new one. A newer link may have replaced it, or part of its address is missing.",
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
    in_context = contextvars.copy_context().run
    return await asyncio.get_running_loop().run_in_executor(_key_checks, in_context, work)


def usable_link(request: Request, secret: str) -> tuple[Link, ConnectedAccount, LoadedToolkit]:
    """Return an open link that this browser may use, with its account and toolkit.

    This neither uses up the link nor binds it to the browser, because programs fetch links, too, to preview them.

    Raises:
        LinkRefused: the link can't be used. The application answers it with `link_refused`.
    """
    store = hosted(request).store
    link = store.links.find(secret)
    find_viewer(request)
    if link is not None:
        is_link(link)
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


def connected(
    request: Request,
    return_address: str | None,
    account: ConnectedAccount,
    *,
    left_out: bool = False,
    repeated: bool = False,
    reconnected: bool = False,
) -> Response:
    """Redirect to the registered return address, else administrators to the tools and others to a final page.

    Administrators who have reconnected an account are back at its row.

    Args:
        request: the request.
        return_address: the host's address, if one was given.
        account: the connected account.
        left_out: whether one of its earlier keys was left out.
        repeated: whether it was connected with these keys before.
        reconnected: whether it was connected before, with other keys.
    """
    given = [name for name, is_so in (("left_out", left_out), ("repeated", repeated)) if is_so]
    if is_registered(request, return_address):
        home = with_outcome(str(return_address), "success", account.id)
    elif is_logged_in(request) and reconnected:
        home = row_address(hosted(request).store, account, **outcome_query("success", account.id, *given))
    elif is_logged_in(request):
        home = with_outcome(TOOLS, "success", account.id, *given)
    else:
        home = f"{CONNECT}/done{'?left_out=1' if left_out else ''}"
    return RedirectResponse(home, 303)


def cancelled(request: Request, return_address: str | None, account: ConnectedAccount) -> Response:
    """Redirect to the registered return address, else administrators to the account and others to a final page."""
    if is_registered(request, return_address):
        return RedirectResponse(with_outcome(str(return_address), "cancelled", account.id), 303)
    home = row_address(hosted(request).store, account) if is_logged_in(request) else f"{CONNECT}/cancelled"
    return RedirectResponse(home, 303)


def is_registered(request: Request, return_address: str | None) -> bool:
    """Return whether there is a return address, to which browsers may still be sent."""
    return bool(return_address) and hosted(request).store.return_addresses.registered(str(return_address))


def link_refused(request: Request, refusal: LinkRefused) -> Response:
    """Render why a link can't be used, and what to do."""
    if refusal.reason == "unknown":
        mark_refused(request)
    link = None
    if refusal.reason == "expired":
        with suppress(StoreError):
            link = hosted(request).store.links.find(request.path_params.get("secret", ""))
    return outcome(request, *_REFUSALS[refusal.reason], link=link)


def outcome(
    request: Request,
    status: int,
    heading: str,
    text: str,
    *,
    retried: ConnectedAccount | None = None,
    link: Link | None = None,
) -> Response:
    """Render a failure, with ways on.

    A `link` with a registered return address leads back there. Administrators get a link to the tools and, for a
    `retried` account, a button to try again.
    """
    form = way = None
    if link is not None and is_registered(request, link.return_address):
        address = with_outcome(str(link.return_address), "failed", link.account_id)
        way = {"address": address, "words": f"Back to {urlsplit(str(link.return_address)).hostname}"}
    elif is_logged_in(request):
        way = TO_TOOLS
    if retried is not None and is_logged_in(request):
        form = {"address": f"{path_of(retried.toolkit)}/accounts/{retried.id}/reconnect", "words": "Try again"}
    return notice(request, status, heading, text, "late" if status == 410 else "bad", form=form, way=way)
