"""The form that asks who a new account is for, before its link is created."""

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
from .cards import TOOLS, toolkit_card
from .links import CONNECT
from .rendering import Form, Toolkit, render

router = APIRouter(prefix=f"{TOOLS}/{{toolkit}}/connect")
_NOT_REGISTERED = (
    "The address to return to is not registered, letter by letter, so nobody is sent there. "
    "openrouter-toolkit return-addresses lists those that are, and adds one."
)
_LOOKS_LIKE_KEY = "This looks like a key. Keys are asked for on the next page."


@dataclass
class _ConnectForm:
    """The submitted form and its problems by field."""

    whose: str = "organisation"
    users: str = ""
    user_id: str = ""
    alias: str = ""
    return_address: str = ""
    problems: dict[str, str] = field(default_factory=dict)

    def listed_users(self) -> list[str] | None:
        """Return the users who may use the organisation's account, None for all users."""
        if self.whose != "organisation":
            return None
        return [user for user in map(str.strip, self.users.splitlines()) if user] or None

    def check(self) -> None:
        """Fill in `problems`."""
        if self.whose == "user" and not self.user_id:
            self.problems["user_id"] = "Enter the user_id."
        elif self.whose == "user":
            self._check_names("user_id", [self.user_id])
        elif self.whose == "organisation":
            self._check_names("users", self.listed_users() or [])
        else:
            self.problems["whose"] = "Choose one of them."
        if self.alias:
            self._check_names("alias", [self.alias])

    def _check_names(self, name: str, values: list[str]) -> None:
        for value in values:
            try:
                (names.alias if name == "alias" else names.user)(value)
            except ValueError as error:
                self.problems[name] = f"{str(error)[:1].upper()}{str(error)[1:]}."
            if redact_thoroughly(value, ()) != value:
                self.problems[name] = _LOOKS_LIKE_KEY
                setattr(self, name, "")  # a key is not shown again


@router.get("")
def show_form(request: Request, toolkit: Toolkit) -> Response:
    """Show the empty form."""
    submitted = _ConnectForm(return_address=request.query_params.get("return_address", ""))
    _check_toolkit(request, toolkit, submitted)
    return _page(request, toolkit, submitted)


@router.post("")
def connect(request: Request, toolkit: Toolkit, form: Form) -> Response:
    """Create a link and redirect to it, or show it if the form says that somebody else will use it."""
    submitted = _ConnectForm(
        whose=form.get("whose", ""),
        users=form.get("users", ""),
        user_id=form.get("user_id", "").strip(),
        alias=form.get("alias", "").strip(),
        return_address=form.get("return_address", ""),
    )
    _check_toolkit(request, toolkit, submitted)
    submitted.check()
    as_link = form.get("then") == "link"
    if not submitted.problems:
        try:
            link = hosted(request).store.links.to_connect(
                toolkit.toolkit.slug,
                submitted.user_id if submitted.whose == "user" else None,
                alias=submitted.alias or None,
                users=submitted.listed_users(),
                return_address=submitted.return_address or None,
                session=None if as_link else browser_id(request),
            )
            return show_link(request, toolkit, link) if as_link else RedirectResponse(f"/connect/{link.secret}", 303)
        except AliasTaken:
            submitted.problems["alias"] = "There is an account of that name already."
    return _page(request, toolkit, submitted, 422)


def show_link(request: Request, loaded: LoadedToolkit, new_link: NewLink) -> Response:
    """Show a link, to be passed on to somebody else."""
    state = hosted(request)
    owner = new_link.link.owner
    return render(
        request,
        "link.html",
        toolkit=toolkit_card(loaded, state.store),
        heading=f"A link for {owner}",
        whom=owner if new_link.link.user_id else "whoever has the organisation's key",
        link=f"{state.settings.url}{CONNECT}/{new_link.secret}",
        expires_at=new_link.link.expires_at,
    )


def _page(request: Request, loaded: LoadedToolkit, submitted: _ConnectForm, status: int = 200) -> Response:
    toolkit = toolkit_card(loaded, hosted(request).store)
    return render(request, "connect_for.html", status, toolkit=toolkit, given=submitted)


def _check_toolkit(request: Request, loaded: LoadedToolkit, submitted: _ConnectForm) -> None:
    """Raise `Problem` 404 if the toolkit has no login, 400 if the return address is not registered."""
    if loaded.auth.scheme == "NO_AUTH":
        raise Problem(404)
    address = submitted.return_address
    if address and not hosted(request).store.return_addresses.registered(address):
        raise Problem(400, _NOT_REGISTERED)
