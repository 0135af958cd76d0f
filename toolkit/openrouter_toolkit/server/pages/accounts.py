"""Routes for a connected account: reconnect, make default, switch on or off, disconnect."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ...store import ConnectedAccount, Status, UnknownAccount
from ..access.browsers import browser_id
from ..error_responses import Problem
from ..state import hosted
from .account_rows import row
from .connect_for import show_link
from .messages import with_done
from .rendering import render
from .toolkit_cards import TOOLS, path_of, toolkit_card

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
    card, details = toolkit_card(loaded, hosted(request).store), row(account, loaded.auth)
    connected = account.connected_at is not None
    endings = ", ".join(f"{title} ending in {ending}" for title, ending in details.endings)
    icon = "organisation" if details.organisation else "person"
    return render(
        request,
        "question.html",
        toolkit=card,
        heading=f"{'Disconnect' if connected else 'Remove'} {details.called}?",
        text=_consequences(card.name, loaded.auth.key.link) if connected else "No key was ever entered for it.",
        facts={"icon": icon, "name": details.name, "text": endings or details.whose},
        yes="Disconnect" if connected else "Remove",
        bad=True,
        back=card.path,
    )


@router.post("/disconnect")
def disconnect(request: Request, toolkit: str, account_id: str) -> Response:
    """Disconnect the account after the confirmation."""
    store = hosted(request).store
    account = _account(request, toolkit, account_id)
    try:
        removed = store.accounts.disconnect(account.id)
    except UnknownAccount:  # another request has just disconnected it, which is the wanted result
        removed = account
    done = "disconnected" if removed.connected_at else "removed"
    return RedirectResponse(with_done(path_of(removed.toolkit), done), 303)


def _change(
    request: Request, toolkit: str, account_id: str, done: str, change: Callable[[str], ConnectedAccount]
) -> Response:
    """Change an account, and redirect to its row."""
    try:
        account = change(_account(request, toolkit, account_id).id)
    except UnknownAccount:
        raise Problem(404, _GONE) from None
    path = path_of(account.toolkit)
    changed = done != "enabled" or account.status == Status.ACTIVE
    return RedirectResponse(with_done(path, done, account.id) if changed else f"{path}#{account.id}", 303)


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


def _consequences(name: str, link: str | None) -> str:
    where = f" at {link.removeprefix('https://')}" if link else f" at {name}"
    return (
        f"Agents can't use {name} with it any more, from their next call on, and its key is forgotten here. "
        f"The key itself goes on working elsewhere: if nobody needs it, delete it{where}."
    )
