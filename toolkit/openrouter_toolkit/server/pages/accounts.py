"""What an administrator does with a connected account: reconnect it, disconnect it after a question."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ...store import ConnectedAccount, UnknownAccount
from ..access.browsers import browser_id
from ..problems import Problem
from ..state import hosted
from .account_rows import row
from .listing import TOOLS, listed, path_of
from .messages import with_done
from .rendering import render

router = APIRouter(prefix=f"{TOOLS}/{{toolkit}}/accounts/{{account_id}}")

_GONE = "There is no such account. It may have been disconnected meanwhile."


@router.post("/reconnect")
def reconnect(request: Request, toolkit: str, account_id: str) -> Response:
    """A new link for the account, and there at once."""
    account = _account(request, toolkit, account_id)
    link = hosted(request).store.links.to_reconnect(account.id, session=browser_id(request))
    return RedirectResponse(f"/connect/{link.secret}", 303)


@router.get("/disconnect")
def ask(request: Request, toolkit: str, account_id: str) -> Response:
    """The question."""
    account = _account(request, toolkit, account_id)
    loaded = hosted(request).toolkit(toolkit).loaded
    shown, told = listed(loaded, hosted(request).store), row(account, loaded.auth)
    connected = account.connected_at is not None
    endings = ", ".join(f"{title} ending in {ending}" for title, ending in told.endings)
    icon = "organisation" if told.organisation else "person"
    return render(
        request,
        "question.html",
        toolkit=shown,
        heading=f"{'Disconnect' if connected else 'Remove'} {told.called}?",
        text=_consequences(shown.name, loaded.auth.fields[0].link) if connected else "No key was ever entered for it.",
        facts={"icon": icon, "name": told.name, "text": endings or told.whose},
        yes="Disconnect" if connected else "Remove",
        bad=True,
        back=shown.path,
    )


@router.post("/disconnect")
def disconnect(request: Request, toolkit: str, account_id: str) -> Response:
    """The answer: yes."""
    store = hosted(request).store
    account = _account(request, toolkit, account_id)
    try:
        gone = store.accounts.disconnect(account.id)
    except UnknownAccount:  # somebody else was quicker, and it is as it should be
        gone = account
    done = "disconnected" if gone.connected_at else "removed"
    return RedirectResponse(with_done(path_of(gone.toolkit), done), 303)


def _account(request: Request, toolkit: str, account_id: str) -> ConnectedAccount:
    """The account, which must be of the toolkit that the address names."""
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
