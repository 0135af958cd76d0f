"""The page where an administrator connects a new account: for whom it is, and its keys, or a link for somebody else.

Looking at it stores nothing: the account comes into being when its keys have been checked.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import unquote

from fastapi import APIRouter, Request, Response

from ...connecting import check
from ...manifest import LoadedToolkit
from ...store import AliasTaken, NewLink, names
from ...text.redaction import redact_thoroughly
from ..access.browsers import browser_id
from ..access.roles import viewer_of
from ..error_responses import Problem
from ..limits import mark_refused
from ..state import hosted
from .browser_login import to_login_page
from .cards import TOOLS, path_of
from .handed_on import show_later
from .links import connected, in_thread
from .rendering import Form, Toolkit, sentence, with_outcome
from .secure_page import entered, secure_page

router = APIRouter(prefix=f"{TOOLS}/{{toolkit}}/connect")
_NOT_REGISTERED = (
    "The address to return to is not registered, letter by letter, so nobody is sent there. "
    "openrouter-toolkit return-addresses lists those that are, and adds one."
)
_LOOKS_LIKE_KEY = "This looks like a key. Enter it in its own field, further down."
_BETWEEN_USERS = re.compile(r"[,\n\r]")
_EVERYONE, _SOME, _ONE = "organisation", "users", "user"


@dataclass
class NewAccount:
    """The submitted form of a new account, without its keys, and its problems by field.

    A member connects accounts only for the member's `own` user_ids; for others, None, there is no limit.
    """

    own: Collection[str] | None = None
    whose: str = _EVERYONE
    users: str = ""
    user_id: str = ""
    alias: str = ""
    return_address: str = ""
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def owner(self) -> str | None:
        """The user who will own the account, None for the organisation."""
        return self.user_id if self.whose == _ONE else None

    @property
    def listed_users(self) -> list[str] | None:
        """The users who may use the organisation's account, None for all users."""
        if self.whose != _SOME:
            return None
        return separated(self.users)

    def check(self) -> None:
        """Fill in `problems`."""
        if self.whose not in (_EVERYONE, _SOME, _ONE):
            self.problems["whose"] = "Choose one of them."
        elif self.own is not None and (self.whose != _ONE or self.user_id not in self.own):
            self.problems["user_id"] = "Choose one of your own users."
            return
        if self.whose == _ONE:
            self._check_names("user_id", [self.user_id])
        if self.whose == _SOME:
            self._check_names("users", self.listed_users or [""])
        if self.alias:
            self._check_names("alias", [self.alias])

    def _check_names(self, name: str, values: list[str]) -> None:
        for value in values:
            if not value:
                self.problems[name] = "Enter the user_id." if name == "user_id" else "Enter a user_id, or several."
                return
            try:
                (names.alias if name == "alias" else names.user)(value)
            except ValueError as error:
                self.problems[name] = sentence(str(error))
            if redact_thoroughly(value, ()) != value:
                self.problems[name] = _LOOKS_LIKE_KEY
                setattr(self, name, "")  # a key is not shown again


def separated(users: str) -> list[str]:
    """Return the user_ids in a text with commas or line ends between them, each once."""
    return list(dict.fromkeys(user for user in map(str.strip, _BETWEEN_USERS.split(users)) if user))


@router.get("")
def show_form(request: Request, toolkit: Toolkit) -> Response:
    """Show the empty form."""
    return _page(request, toolkit, _checked_address(request, toolkit, _return_address(request)))


@router.post("")
async def connect(request: Request, toolkit: Toolkit, form: Form) -> Response:
    """Check the keys and store a new account. Errors are shown on the same page."""
    return await in_thread(lambda: _connect(request, toolkit, form))


@router.post("/browser")
def log_in_there(request: Request, toolkit: Toolkit, form: Form) -> Response:
    """Begin the toolkit's own login, which makes the key."""
    submitted = _submitted(request, toolkit, form)
    link = _link(request, toolkit, submitted, session=browser_id(request))
    return _page(request, toolkit, submitted, 422) if link is None else to_login_page(request, link.secret)


@router.post("/link")
def make_link(request: Request, toolkit: Toolkit, form: Form) -> Response:
    """Make a link by which somebody else enters the keys, and redirect to the page that shows it."""
    submitted = _submitted(request, toolkit, form)
    link = _link(request, toolkit, submitted, session=None)
    return _page(request, toolkit, submitted, 422) if link is None else show_later(request, link)


def _connect(request: Request, loaded: LoadedToolkit, form: Form) -> Response:
    submitted = _submitted(request, loaded, form)
    if submitted.problems:
        return _page(request, loaded, submitted, 422)
    checked = check(loaded, entered(loaded, form))
    if not checked.passed:
        if not checked.unsure:
            mark_refused(request)
        submitted.problems |= checked.refusals
        return _page(request, loaded, submitted, 422)
    accounts = hosted(request).store.accounts
    try:
        account, new = accounts.connect_once(
            loaded.toolkit.slug,
            submitted.owner,
            checked.values,
            alias=submitted.alias or None,
            users=submitted.listed_users,
        )
    except AliasTaken:
        submitted.problems["alias"] = "There is an account of that name already."
        return _page(request, loaded, submitted, 422)
    return connected(request, submitted.return_address, account, repeated=not new)


def _link(request: Request, loaded: LoadedToolkit, submitted: NewAccount, *, session: str | None) -> NewLink | None:
    """Create the link of a new account; None if the form has problems."""
    if submitted.problems:
        return None
    try:
        return hosted(request).store.links.to_connect(
            loaded.toolkit.slug,
            submitted.owner,
            alias=submitted.alias or None,
            users=submitted.listed_users,
            return_address=submitted.return_address or None,
            session=session,
        )
    except AliasTaken:
        submitted.problems["alias"] = "There is an account of that name already."
        return None


def _submitted(request: Request, loaded: LoadedToolkit, form: Form) -> NewAccount:
    submitted = _checked_address(request, loaded, form.get("return_address", ""))
    submitted.whose = form.get("whose", "")
    submitted.users = form.get("users", "").strip()
    submitted.user_id = form.get("user_id", "").strip()
    submitted.alias = form.get("alias", "").strip()
    submitted.check()
    return submitted


def _page(request: Request, loaded: LoadedToolkit, submitted: NewAccount, status: int = 200) -> Response:
    toolkit_path = path_of(loaded.toolkit.slug)
    address = submitted.return_address
    return secure_page(
        request,
        loaded,
        address=f"{toolkit_path}/connect",
        return_address=address,
        problems=submitted.problems,
        status=status,
        given=submitted,
        cancel=with_outcome(address, "cancelled") if address else toolkit_path,
    )


def _return_address(request: Request) -> str:
    """Return the address in the query: a host may have written its own query there without encoding it."""
    as_a_value = request.query_params.get("return_address", "")
    rest = request.url.query.partition("return_address=")[2]
    registered = hosted(request).store.return_addresses.registered
    return next((found for found in (as_a_value, rest, unquote(rest)) if found and registered(found)), as_a_value)


def _checked_address(request: Request, loaded: LoadedToolkit, address: str) -> NewAccount:
    """Return an empty form. Raises `Problem` 404 if the toolkit has no login, 400 if the address is not registered."""
    if loaded.auth.scheme == "NO_AUTH":
        raise Problem(404)
    if address and not hosted(request).store.return_addresses.registered(address):
        raise Problem(400, _NOT_REGISTERED)
    own = viewer_of(request).users
    return NewAccount(None if own is None else sorted(own), return_address=address)
