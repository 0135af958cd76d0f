"""/connect/{link}: takes the keys entered at a one-time link, checks them, and stores them."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response

from ...connecting.reconnecting import check_for
from ...store import LinkRefused, UnknownAccount
from ..access.browsers import browser_id
from ..access.throttle import mark_refused
from ..state import hosted
from .connect_page import CONNECT, FIELD, connected, link_refused, page, usable_link
from .forms import Form
from .messages import LEFT_OUT
from .rendering import render
from .worker_threads import run_in_thread

router = APIRouter(prefix=CONNECT)
_CANCELLED = "You did not authorize it there, and nothing was stored. You can try again, or enter a key."


@router.get("/done")
def done(request: Request) -> Response:
    """Show the final page to people who are not administrators."""
    left_out = f"{LEFT_OUT} " if "left_out" in request.query_params else ""
    text = f"Agents can use it from now on. {left_out}You can close this page."
    return render(request, "notice.html", heading="Connected", text=text, kind="good", form=None, way=None)


@router.get("/{secret}")
def show(request: Request, secret: str) -> Response:
    """Show the connect page."""
    try:
        return page(request, secret, trouble=_CANCELLED if "cancelled" in request.query_params else None)
    except LinkRefused as error:
        return link_refused(request, error)


@router.post("/{secret}")
async def connect(request: Request, secret: str, form: Form) -> Response:
    """Check and store the keys. Errors are shown on the same page, so that the user can try again."""
    entered = {name.removeprefix(FIELD): value for name, value in form.items() if name.startswith(FIELD)}
    return await run_in_thread(lambda: _connect(request, secret, entered))


def _connect(request: Request, secret: str, entered: Mapping[str, str]) -> Response:
    store, browser = hosted(request).store, browser_id(request)
    try:
        link, account, loaded = usable_link(request, secret)
        store.links.bind(secret, browser)
        names = {field.name for field in loaded.auth.fields}
        checked = check_for(store, loaded, account, {name: entered[name] for name in entered if name in names})
        if not checked.passed:
            if not checked.unsure:
                mark_refused(request)
            return page(request, secret, problems=checked.refusals, status=422)
        with store.transaction():
            store.links.consume(secret, browser)
            store.accounts.fill(account.id, checked.values)
    except LinkRefused as error:
        return link_refused(request, error)
    except UnknownAccount:
        return link_refused(request, LinkRefused("unknown"))
    return connected(request, link, account, checked)
