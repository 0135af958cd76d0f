"""Routes for a connected account: reconnect, make default, switch on or off, disconnect."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from ...store import ConnectedAccount, Status, UnknownAccount
from ..access.browsers import browser_id
from ..state import hosted
from .cards import TOOLS, account_row, path_of, toolkit_card
from .connect_for import show_link
from .rendering import Toolkit, redirect_after, render

router = APIRouter(prefix=f"{TOOLS}/{{toolkit}}/accounts/{{account_id}}")


def _account(request: Request, toolkit: Toolkit, account_id: str) -> ConnectedAccount:
    """Return the account, which must belong to the toolkit in the path. Raises `UnknownAccount`."""
    account = hosted(request).store.accounts.get(account_id)
    if account.toolkit != toolkit.toolkit.slug:
        raise UnknownAccount(account_id)
    return account


Account = Annotated[ConnectedAccount, Depends(_account)]


@router.post("/reconnect")
def reconnect(request: Request, account: Account) -> Response:
    """Create a link to reconnect the account, and redirect to it."""
    link = hosted(request).store.links.to_reconnect(account.id, session=browser_id(request))
    return RedirectResponse(f"/connect/{link.secret}", 303)


@router.post("/link")
def show_reconnect_link(request: Request, toolkit: Toolkit, account: Account) -> Response:
    """Create a link to reconnect the account, and show it, so that its user can enter a new key."""
    return show_link(request, toolkit, hosted(request).store.links.to_reconnect(account.id))


@router.post("/default")
def make_default(request: Request, account: Account) -> Response:
    """Make the account its owner's default."""
    return _redirect(hosted(request).store.accounts.make_default(account.id), "default")


@router.post("/disable")
def disable(request: Request, account: Account) -> Response:
    """Switch the account off; its key is kept."""
    return _redirect(hosted(request).store.accounts.disable(account.id), "disabled")


@router.post("/enable")
def enable(request: Request, account: Account) -> Response:
    """Undo `disable`. An account that is not switched off stays as it is, and its row shows its status."""
    changed = hosted(request).store.accounts.enable(account.id)
    return _redirect(changed, "enabled" if changed.status == Status.ACTIVE else None)


@router.get("/disconnect")
def confirm_disconnect(request: Request, toolkit: Toolkit, account: Account) -> Response:
    """Show the confirmation page for a disconnect."""
    card, details = toolkit_card(toolkit, hosted(request).store), account_row(account, toolkit.auth)
    yes, text = "Remove", "No key was ever entered for it."
    if account.connected_at is not None:
        link = toolkit.auth.key.link
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
def disconnect(request: Request, account: Account) -> Response:
    """Disconnect the account after the confirmation."""
    with suppress(UnknownAccount):  # another request has just disconnected it, which is the wanted result
        account = hosted(request).store.accounts.disconnect(account.id)
    return redirect_after("disconnected" if account.connected_at else "removed", path_of(account.toolkit))


def _redirect(account: ConnectedAccount, done: str | None) -> Response:
    """Redirect to the row of a changed account; without `done` there is no message."""
    path = path_of(account.toolkit)
    return redirect_after(done, path, account.id) if done else RedirectResponse(f"{path}#{account.id}", 303)
