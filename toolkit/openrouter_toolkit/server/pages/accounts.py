"""Routes for a connected account: reconnect, make default, switch on or off, disconnect."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ...store import ConnectedAccount, Status, UnknownAccount
from ..access.browsers import browser_id
from ..error_responses import Problem
from ..state import hosted
from .cards import TOOLS, account_row, path_of, toolkit_card
from .connect_for import show_link
from .rendering import redirect_after, render

router = APIRouter(prefix=f"{TOOLS}/{{toolkit}}/accounts/{{account_id}}")

_GONE = "There is no such account. It may have been disconnected meanwhile."


@router.post("/reconnect")
def reconnect(request: Request, toolkit: str, account_id: str) -> Response:
    """Create a link to reconnect the account, and redirect to it."""
    account = _account(request, toolkit, account_id)
    link = hosted(request).store.links.to_reconnect(account.id, session=browser_id(request))
    return RedirectResponse(f"/connect/{link.secret}", 303)


@router.post("/link")
def show_reconnect_link(request: Request, toolkit: str, account_id: str) -> Response:
    """Create a link to reconnect the account, and show it, so that its user can enter a new key."""
    account = _account(request, toolkit, account_id)
    loaded = hosted(request).toolkit(toolkit).loaded
    return show_link(request, loaded, hosted(request).store.links.to_reconnect(account.id))


@router.post("/default")
def make_default(request: Request, toolkit: str, account_id: str) -> Response:
    """Make the account its owner's default."""
    return _change(request, toolkit, account_id, "default", hosted(request).store.accounts.make_default)


@router.post("/disable")
def disable(request: Request, toolkit: str, account_id: str) -> Response:
    """Switch the account off; its key is kept."""
    return _change(request, toolkit, account_id, "disabled", hosted(request).store.accounts.disable)


@router.post("/enable")
def enable(request: Request, toolkit: str, account_id: str) -> Response:
    """Undo `disable`. An account that is not switched off stays as it is, and its row shows its status."""
    return _change(request, toolkit, account_id, "enabled", hosted(request).store.accounts.enable)


@router.get("/disconnect")
def confirm_disconnect(request: Request, toolkit: str, account_id: str) -> Response:
    """Show the confirmation page for a disconnect."""
    account = _account(request, toolkit, account_id)
    loaded = hosted(request).toolkit(toolkit).loaded
    card, details = toolkit_card(loaded, hosted(request).store), account_row(account, loaded.auth)
    yes, text = "Remove", "No key was ever entered for it."
    if account.connected_at is not None:
        link = loaded.auth.key.link
        yes = "Disconnect"
        text = (
            f"Agents can't use {card.name} with it any more, from their next call on, and its key is forgotten here. "
            "The key itself goes on working elsewhere: if nobody needs it, delete it at "
            f"{link.removeprefix('https://') if link else card.name}."
        )
    endings = ", ".join(f"{title} ending in {ending}" for title, ending in details["endings"])
    icon = "organisation" if details["organisation"] else "person"
    return render(
        request,
        "question.html",
        toolkit=card,
        heading=f"{yes} {details['called']}?",
        text=text,
        facts={"icon": icon, "name": details["name"], "text": endings or details["whose"]},
        yes=yes,
        bad=True,
        back=card.path,
    )


@router.post("/disconnect")
def disconnect(request: Request, toolkit: str, account_id: str) -> Response:
    """Disconnect the account after the confirmation."""
    removed = _account(request, toolkit, account_id)
    with suppress(UnknownAccount):  # another request has just disconnected it, which is the wanted result
        removed = hosted(request).store.accounts.disconnect(removed.id)
    return redirect_after("disconnected" if removed.connected_at else "removed", path_of(removed.toolkit))


def _change(
    request: Request, toolkit: str, account_id: str, done: str, change: Callable[[str], ConnectedAccount]
) -> Response:
    """Change an account, and redirect to its row."""
    try:
        account = change(_account(request, toolkit, account_id).id)
    except UnknownAccount:
        raise Problem(404, _GONE) from None
    path = path_of(account.toolkit)
    if done == "enabled" and account.status != Status.ACTIVE:
        return RedirectResponse(f"{path}#{account.id}", 303)
    return redirect_after(done, path, account.id)


def _account(request: Request, toolkit: str, account_id: str) -> ConnectedAccount:
    """Return the account, which must belong to the toolkit in the path. Raises `Problem` 404."""
    slug = hosted(request).toolkit(toolkit).loaded.toolkit.slug
    try:
        account = hosted(request).store.accounts.get(account_id)
    except UnknownAccount:
        raise Problem(404, _GONE) from None
    if account.toolkit != slug:
        raise Problem(404, _GONE)
    return account
