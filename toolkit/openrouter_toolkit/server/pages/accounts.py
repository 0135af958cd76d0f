"""Routes for a connected account: reconnect, make default, switch on or off, disconnect."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from ...store import ConnectedAccount, Status, UnknownAccount
from ...store.names import possible_id
from ..access.browsers import browser_id
from ..access.roles import viewer_of
from ..state import hosted
from .cards import TOOLS, account_row, named, page_of, path_of, row_address, toolkit_card
from .handed_on import show_later
from .rendering import Form, Toolkit, page_number, redirect_after, render

router = APIRouter(prefix=f"{TOOLS}/{{toolkit}}/accounts/{{account_id}}")
_SECTION = "accounts"


def _account(request: Request, toolkit: Toolkit, account_id: str) -> ConnectedAccount:
    """Return the account, which must belong to the toolkit in the path. Raises `UnknownAccount`."""
    account = hosted(request).store.accounts.get(account_id)
    if account.toolkit != toolkit.toolkit.slug or not viewer_of(request).may_see(account):
        raise UnknownAccount(account_id)
    return account


Account = Annotated[ConnectedAccount, Depends(_account)]


@router.post("/reconnect")
def reconnect(request: Request, account: Account) -> Response:
    """Create a link to reconnect the account, and redirect to it."""
    link = hosted(request).store.links.to_reconnect(account.id, session=browser_id(request))
    return RedirectResponse(f"/connect/{link.secret}", 303)


@router.post("/link")
def make_reconnect_link(request: Request, account: Account) -> Response:
    """Create a link to reconnect the account, and redirect to the page that shows it, for its user."""
    return show_later(request, hosted(request).store.links.to_reconnect(account.id))


@router.post("/default")
def make_default(request: Request, account: Account) -> Response:
    """Make the account its owner's default."""
    if not account.default:
        hosted(request).store.accounts.make_default(account.id)
    return _done(request, account, "default", already=account.default)


@router.post("/disable")
def disable(request: Request, account: Account) -> Response:
    """Switch the account off; its key is kept."""
    already = account.status == Status.INACTIVE
    if not already:
        hosted(request).store.accounts.disable(account.id)
    return _done(request, account, "disabled", already=already)


@router.post("/enable")
def enable(request: Request, account: Account) -> Response:
    """Undo `disable`. An account that is not switched off stays as it is, and its row shows its status."""
    changed = hosted(request).store.accounts.enable(account.id)
    if changed.status != Status.ACTIVE:
        return RedirectResponse(row_address(hosted(request).store, account), 303)
    return _done(request, account, "enabled", already=account.status == Status.ACTIVE)


@router.get("/disconnect")
def confirm_disconnect(request: Request, toolkit: Toolkit, account: Account) -> Response:
    """Show the confirmation page for a disconnect."""
    store = hosted(request).store
    card, details = toolkit_card(toolkit, store, viewer_of(request).users), account_row(account, toolkit.auth)
    yes, text = "Remove", "No key was ever entered for it. A link that was made for it ends."
    if account.connected_at is not None:
        link = toolkit.auth.key.link
        yes = "Disconnect"
        several = len(account.last_four) > 1
        keys = "keys are deleted here, but go" if several else "key is deleted here, but goes"
        text = (
            f"Agents can't use {card.name} with it from their next call on. Its {keys} on working at {card.name}. "
            f"If nobody needs {'them' if several else 'it'} any more, delete {'them' if several else 'it'} at "
            f"{link.removeprefix('https://') if link else card.name} too."
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
        back=row_address(store, account),
        hidden={"page": page_of(store, account)},
    )


@router.post("/disconnect")
def disconnect(request: Request, toolkit: Toolkit, account_id: str, form: Form) -> Response:
    """Disconnect the account after the confirmation. A repeated one reports that it is done."""
    path, page = path_of(toolkit.toolkit.slug), page_number(form.get("page", ""))
    try:
        account = _account(request, toolkit, account_id)
        hosted(request).store.accounts.disconnect(account.id)
    except UnknownAccount:
        if not possible_id(account_id):
            raise
        return redirect_after(request, "disconnected-already", "", path, at=_SECTION, page=page)
    done = "disconnected" if account.connected_at else "removed"
    return redirect_after(request, done, named(account), path, at=_SECTION, page=page)


def _done(request: Request, account: ConnectedAccount, done: str, *, already: bool) -> Response:
    """Redirect to the account's row, on its page of accounts, with what was done."""
    done = f"{done}-already" if already else done
    page = page_of(hosted(request).store, account)
    return redirect_after(request, done, named(account), path_of(account.toolkit), at=account.id, page=page)
