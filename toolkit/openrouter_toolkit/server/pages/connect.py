"""/connect/{link}: keys entered by a one-time link, tried, and kept."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response

from ...connecting.reconnecting import check_for
from ...store import LinkRefused, UnknownAccount
from ..access.browsers import browser_id
from ..access.throttle import refused
from ..state import hosted
from .connect_page import CONNECT, FIELD, connected, link_refused, page, usable
from .forms import Form
from .messages import LEFT_OUT
from .rendering import render
from .worker_threads import in_thread

router = APIRouter(prefix=CONNECT)
_CANCELLED = "You did not authorize it there, and nothing was stored. You can try again, or enter a key."


@router.get("/done")
def done(request: Request) -> Response:
    """The end, for people who are no administrators here."""
    left_out = f"{LEFT_OUT} " if "left_out" in request.query_params else ""
    text = f"Agents can use it from now on. {left_out}You can close this page."
    return render(request, "notice.html", heading="Connected", text=text, kind="good", form=None, way=None)


@router.get("/{secret}")
def look(request: Request, secret: str) -> Response:
    """The page."""
    try:
        return page(request, secret, trouble=_CANCELLED if "cancelled" in request.query_params else None)
    except LinkRefused as no:
        return link_refused(request, no)


@router.post("/{secret}")
async def connect(request: Request, secret: str, form: Form) -> Response:
    """The keys. What is wrong with them is said on the same page, which stays usable."""
    given = {name.removeprefix(FIELD): value for name, value in form.items() if name.startswith(FIELD)}
    return await in_thread(lambda: _connect(request, secret, given))


def _connect(request: Request, secret: str, given: Mapping[str, str]) -> Response:
    store, browser = hosted(request).store, browser_id(request)
    try:
        link, account, loaded = usable(request, secret)
        store.links.bind(secret, browser)
        names = {field.name for field in loaded.auth.fields}
        checked = check_for(store, loaded, account, {name: given[name] for name in given if name in names})
        if not checked.passed:
            if not checked.unsure:
                refused(request)
            return page(request, secret, problems=checked.refusals, status=422)
        with store.transaction():
            store.links.consume(secret, browser)
            store.accounts.fill(account.id, checked.values)
    except LinkRefused as no:
        return link_refused(request, no)
    except UnknownAccount:
        return link_refused(request, LinkRefused("unknown"))
    return connected(request, link, account, checked)
