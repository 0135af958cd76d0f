"""/connect/{link}: the page that takes the keys for a one-time link, checks them, and stores them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from fastapi import APIRouter, Request, Response

from ...connecting import check_for
from ...manifest import LoadedToolkit
from ...store import ConnectedAccount, LinkRefused, UnknownAccount
from ..access.browsers import browser_id
from ..limits import mark_refused
from ..state import hosted
from .cards import users_of
from .links import CONNECT, cancelled, connected, in_thread, usable_link
from .rendering import LEFT_OUT, Form, notice
from .secure_page import entered, secure_page

router = APIRouter(prefix=CONNECT)
_CANCELLED_THERE = "You did not authorize it there, and nothing was stored. You can try again, or enter a key."
_CANCELLED = "You cancelled it."


@router.get("/done")
def done(request: Request) -> Response:
    """Show the final page to people who are not administrators."""
    left_out = f"{LEFT_OUT} " if "left_out" in request.query_params else ""
    text = f"Agents can use it from now on. {left_out}You can close this page."
    return notice(request, 200, "Connected", text, "good")


@router.get("/cancelled")
def was_cancelled(request: Request) -> Response:
    """Show that nothing was stored to people who are not administrators."""
    return notice(request, 200, "Cancelled", "Nothing was stored. You can close this page.", "late")


@router.get("/{secret}")
def show(request: Request, secret: str) -> Response:
    """Show the connect page."""
    return _page(request, secret, trouble=_CANCELLED_THERE if "cancelled" in request.query_params else None)


@router.post("/{secret}")
async def connect(request: Request, secret: str, form: Form) -> Response:
    """Check and store the keys. Errors are shown on the same page, so that the user can try again."""
    return await in_thread(lambda: _connect(request, secret, form))


@router.post("/{secret}/cancel")
def cancel(request: Request, secret: str) -> Response:
    """End the link without an account, and go where its use would have led."""
    store = hosted(request).store
    link, account, _ = usable_link(request, secret)
    with suppress(UnknownAccount), store.transaction():
        store.links.consume(secret, browser_id(request))
        store.accounts.fail(account.id, _CANCELLED)
    return cancelled(request, link.return_address, account)


def _connect(request: Request, secret: str, form: Form) -> Response:
    store, browser = hosted(request).store, browser_id(request)
    link, account, loaded = usable_link(request, secret)
    try:
        store.links.bind(secret, browser)
        checked = check_for(store, loaded, account, entered(loaded, form))
        if not checked.passed:
            if not checked.unsure:
                mark_refused(request)
            return _page(request, secret, problems=checked.refusals, status=422)
        with store.transaction():
            store.links.consume(secret, browser)
            store.accounts.fill(account.id, checked.values)
    except UnknownAccount:
        raise LinkRefused("unknown") from None
    before = account.connected_at is not None
    return connected(request, link.return_address, account, left_out=bool(checked.left_out), reconnected=before)


def _page(
    request: Request,
    secret: str,
    *,
    problems: Mapping[str, str] | None = None,
    trouble: str | None = None,
    status: int = 200,
) -> Response:
    """Render the connect page. `problems` are messages by field."""
    link, account, loaded = usable_link(request, secret)
    of_organisation = account.user_id is None
    usage = f"For {users_of(account)}." if of_organisation else "Only for calls as this user."
    return secure_page(
        request,
        loaded,
        address=f"{CONNECT}/{secret}",
        return_address=link.return_address,
        problems=problems,
        status=status,
        link=link,
        organisation=of_organisation,
        owner="The organisation" if of_organisation else f"User {account.user_id}",
        owner_usage=f"{usage} It is called “{account.alias}”." if account.alias else usage,
        replaced=_replaced(loaded, account),
        trouble=trouble,
    )


def _replaced(loaded: LoadedToolkit, account: ConnectedAccount) -> str:
    """Return which keys of an account are replaced and which stay, in sentences; empty for a new account."""
    endings = account.last_four if account.connected_at else {}
    replaced = [endings[field.name] for field in loaded.auth.fields if field.required and field.name in endings]
    kept = [field for field in loaded.auth.fields if not field.required and field.name in endings]
    sentences = [f"This replaces the key{'s' if len(replaced) > 1 else ''} ending in {', '.join(replaced)}."]
    stay = [f"The {field.title} ending in {endings[field.name]} stays unless you enter another." for field in kept]
    return " ".join([*(sentences if replaced else ()), *stay])
