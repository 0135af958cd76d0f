"""Whose a new account is to be: asked before its link is made."""

from __future__ import annotations

from dataclasses import dataclass, field

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ...manifest import LoadedToolkit
from ...store import AliasTaken, NewLink, names
from ...text.redaction import redact_thoroughly
from ..access.browsers import browser_id
from ..error_responses import Problem
from ..state import hosted
from .connect_page import CONNECT
from .forms import Form
from .rendering import render
from .toolkit_cards import TOOLS, listed

router = APIRouter(prefix=f"{TOOLS}/{{toolkit}}/connect")
_NOT_REGISTERED = (
    "The address to return to is not registered, letter by letter, so nobody is sent there. "
    "openrouter-toolkit return-addresses lists those that are, and adds one."
)
_A_KEY = "This looks like a key. Keys are asked for on the next page."


@dataclass
class _Wanted:
    """The form as it was filled in, and what of it can't be taken."""

    whose: str = "organisation"
    users: str = ""
    user_id: str = ""
    alias: str = ""
    return_address: str = ""
    problems: dict[str, str] = field(default_factory=dict)

    def listed_users(self) -> list[str] | None:
        """The users that an account of the organisation's is for, None for all."""
        if self.whose != "organisation":
            return None
        return [user for user in map(str.strip, self.users.splitlines()) if user] or None

    def check(self) -> None:
        """Find what can't be taken."""
        if self.whose == "user" and not self.user_id:
            self.problems["user_id"] = "Enter the user_id."
        elif self.whose == "user":
            self._checked("user_id", [self.user_id])
        elif self.whose == "organisation":
            self._checked("users", self.listed_users() or [])
        else:
            self.problems["whose"] = "Choose one of them."
        if self.alias:
            self._checked("alias", [self.alias])

    def _checked(self, name: str, values: list[str]) -> None:
        for value in values:
            try:
                (names.alias if name == "alias" else names.user)(value)
            except ValueError as error:
                self.problems[name] = f"{str(error)[:1].upper()}{str(error)[1:]}."
            if redact_thoroughly(value, ()) != value:
                self.problems[name] = _A_KEY
                setattr(self, name, "")  # it is not shown again


@router.get("")
def ask(request: Request, toolkit: str) -> Response:
    """The question."""
    wanted = _Wanted(return_address=request.query_params.get("return_address", ""))
    return _page(request, _with_login(request, toolkit), wanted)


@router.post("")
def connect(request: Request, toolkit: str, form: Form) -> Response:
    """A link as it is wanted, and there at once; or, where the form says so, told, for somebody else to use."""
    store = hosted(request).store
    loaded = _with_login(request, toolkit)
    wanted = _Wanted(
        whose=form.get("whose", ""),
        users=form.get("users", ""),
        user_id=form.get("user_id", "").strip(),
        alias=form.get("alias", "").strip(),
        return_address=form.get("return_address", ""),
    )
    if wanted.return_address and not store.return_addresses.registered(wanted.return_address):
        raise Problem(400, _NOT_REGISTERED)
    wanted.check()
    handed_on = form.get("then") == "link"
    if not wanted.problems:
        try:
            link = store.links.to_connect(
                loaded.toolkit.slug,
                wanted.user_id if wanted.whose == "user" else None,
                alias=wanted.alias or None,
                users=wanted.listed_users(),
                return_address=wanted.return_address or None,
                session=None if handed_on else browser_id(request),
            )
            return show_link(request, loaded, link) if handed_on else RedirectResponse(f"/connect/{link.secret}", 303)
        except AliasTaken:
            wanted.problems["alias"] = "There is an account of that name already."
    return _page(request, loaded, wanted, 422)


def show_link(request: Request, loaded: LoadedToolkit, made: NewLink) -> Response:
    """A link on a page, to be handed on."""
    state = hosted(request)
    owner = made.link.owner
    return render(
        request,
        "link.html",
        toolkit=listed(loaded, state.store),
        heading=f"A link for {owner}",
        whom=owner if made.link.user_id else "whoever has the organisation's key",
        link=f"{state.settings.url}{CONNECT}/{made.secret}",
        expires_at=made.link.expires_at,
    )


def _page(request: Request, loaded: LoadedToolkit, wanted: _Wanted, status: int = 200) -> Response:
    store = hosted(request).store
    if wanted.return_address and not store.return_addresses.registered(wanted.return_address):
        raise Problem(400, _NOT_REGISTERED)
    return render(request, "connect_for.html", status, toolkit=listed(loaded, store), given=wanted)


def _with_login(request: Request, toolkit: str) -> LoadedToolkit:
    loaded = hosted(request).toolkit(toolkit).loaded
    if loaded.auth.scheme == "NO_AUTH":
        raise Problem(404)
    return loaded
