"""The page that shows a one-time link to hand on: only in the browser in which it was made, and as long as it works.

The link is made before it is shown, so reloading the page makes no other one.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ...store import NewLink
from ..access.browsers import SECRET
from ..access.roles import viewer_of
from ..error_responses import Problem
from ..state import hosted
from .cards import TOOLS, path_of, row_address, toolkit_card
from .links import CONNECT
from .rendering import Toolkit, render

router = APIRouter(prefix=f"{TOOLS}/{{toolkit}}/links")
_SECONDS = 600


def show_later(request: Request, link: NewLink, address: str = "") -> Response:
    """Redirect to the page that shows a link; a cookie for this page alone has its secret.

    The page is at `address`, that of a link for an account is the one below its toolkit.
    """
    settings = hosted(request).settings
    address = address or f"{path_of(link.link.toolkit or '')}/links/{link.link.id}"
    response = RedirectResponse(address, 303)
    response.set_cookie(
        _cookie(request),
        link.secret,
        max_age=_SECONDS,
        path=address,
        secure=settings.secure,
        httponly=True,
        samesite="strict",
    )
    return response


@router.get("/{link_id}")
def show(request: Request, toolkit: Toolkit, link_id: str) -> Response:
    """Show a link, to be passed on to somebody else; once it can't be used any more, the toolkit's details."""
    state = hosted(request)
    secret = shown_secret(request)
    link = state.store.links.find(secret) if SECRET.fullmatch(secret) else None
    if link is None or link.id != link_id or link.toolkit != toolkit.toolkit.slug or link.state != "open":
        return RedirectResponse(path_of(toolkit.toolkit.slug), 303)
    if link.account_id is None:
        raise Problem(404)
    account = state.store.accounts.get(link.account_id)
    if not viewer_of(request).may_see(account):
        raise Problem(404)
    return render(
        request,
        "link.html",
        toolkit=toolkit_card(toolkit, state.store),
        heading=f"A link for {link.owner}",
        whom="the person who holds the organisation's key" if link.user_id is None else link.owner,
        users=sorted(account.users or ()),
        link=f"{state.settings.url}{CONNECT}/{secret}",
        expires_at=link.expires_at,
        back=row_address(state.store, account),
    )


def shown_secret(request: Request) -> str:
    """Return the secret that the cookie of `show_later` has; anything may stand there."""
    return request.cookies.get(_cookie(request), "")


def _cookie(request: Request) -> str:
    settings = hosted(request).settings
    # Not __Host-, which requires the path /; this cookie has a path of its own.
    return f"{'__Secure-' if settings.secure else ''}openrouter-toolkit-shown-{settings.port}"
