"""Toolkits and connected accounts as the pages show them. This module never handles keys."""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any, NamedTuple
from urllib.parse import urlencode

from ...manifest import Auth, AuthField, LoadedToolkit
from ...store import ConnectedAccount, Status, Store, Which
from ...store.account_health import AccountHealth, Health
from ...store.connected_accounts import SWITCHED_OFF
from ..state import HostedToolkit

TOOLS = "/admin/tools"
OFFERS = "/admin/offers"
LOGOS = "/logos"
ACCOUNTS_PER_PAGE = 50
_COLOURS = 6
_MAX_NAMED = 20


class Badge(NamedTuple):
    """A status text, and its kind: good, warn, bad, or none of these."""

    words: str
    kind: str


_STATUSES = {
    Status.INITIALIZING: Badge("Waiting for its key", "warn"),
    Status.INITIATED: Badge("Waiting for its key", "warn"),
    Status.ACTIVE: Badge("Active", "good"),
    Status.FAILED: Badge("Failed", "bad"),
    Status.EXPIRED: Badge("Expired", "bad"),
    Status.INACTIVE: Badge("Switched off", "warn"),
}
# What is not shown is as it should be, or not known yet.
_HEALTH = {Health.LOW: Badge("Little left", "warn"), Health.EXPIRING: Badge("Expires soon", "warn")}
_SWITCHED = {Status.ACTIVE: True, Status.INACTIVE: False}


@dataclass(frozen=True)
class ToolkitCard:
    """A toolkit and its current state.

    Attributes:
        path: the path of its details page.
        logo: the path of its logo on this server, or None: then its initials are shown.
        colour: the number of its initials' colour, which is always the same.
        login: whether it needs a connected account; otherwise it is activated.
        accounts: the number of its usable accounts.
        state: its status, or None while it is only available.
        package: the installed package that offers it, if it is offered and not added.
    """

    slug: str
    name: str
    version: str
    description: str
    categories: Sequence[str]
    path: str
    logo: str | None
    colour: int
    action_names: Sequence[str]
    login: bool
    accounts: int
    state: Badge | None
    package: str | None = None

    @property
    def active(self) -> bool:
        """Whether it is listed as active: it was activated, or connected, even if its key is refused by now."""
        return self.state is not None

    @property
    def initials(self) -> str:
        """One or two letters in place of a logo."""
        return initials_of(self.name)

    @property
    def words(self) -> str:
        """The text that a search looks in."""
        return " ".join((self.name, self.slug, self.description, *self.categories, *self.action_names))

    def matches(self, text: str) -> bool:
        """Whether it contains all words of a search. The page's script searches in the same way."""
        inside = normalize(self.words)
        return all(word in inside for word in normalize(text).split())


def toolkit_card(loaded: LoadedToolkit, store: Store, users: Collection[str] | None = None) -> ToolkitCard:
    """Return a toolkit's card with its current state; with `users`, only their own accounts count."""
    toolkit = loaded.toolkit
    slug = toolkit.slug
    login = loaded.auth.scheme != "NO_AUTH"
    accounts = store.accounts.count(Which(toolkits=[slug], users=users, statuses=[Status.ACTIVE])) if login else 0
    return ToolkitCard(
        slug=slug,
        name=toolkit.name,
        version=toolkit.version,
        description=toolkit.description,
        categories=toolkit.categories,
        path=path_of(slug),
        logo=logo_path(slug, toolkit.logo),
        colour=colour_of(slug),
        action_names=[action.definition.name for action in loaded.actions],
        login=login,
        accounts=accounts,
        state=_state(loaded, store, accounts, users),
    )


def offer_card(toolkit: HostedToolkit, store: Store) -> ToolkitCard:
    """Return the card of a toolkit that a package offers and that is not added."""
    card = toolkit_card(toolkit.loaded, store)
    package = toolkit.offer.package if toolkit.offer else None
    logo = None if card.logo and card.logo.startswith(LOGOS) else card.logo  # nothing is fetched for it yet
    return replace(card, logo=logo, path=f"{OFFERS}/{card.slug.lower()}", state=None, accounts=0, package=package)


def _state(loaded: LoadedToolkit, store: Store, active: int, users: Collection[str] | None) -> Badge | None:
    """Return a toolkit's status, of which `active` accounts can be used; None while it is only available."""
    slug = loaded.toolkit.slug
    refused = False
    if loaded.auth.scheme == "NO_AUTH":
        if slug not in store.switches.activated():
            return None
    else:
        connected = Which(toolkits=[slug], users=users, statuses=[Status.EXPIRED, Status.INACTIVE], connected=True)
        refused = store.accounts.count(replace(connected, statuses=[Status.EXPIRED])) > 0
        if not active and not store.accounts.count(connected):
            return None
        refused = refused or not active
    if store.switches.off(slug).keys() >= {action.slug for action in loaded.actions if not action.withdrawn}:
        return Badge("All actions are off", "warn")
    return Badge("Needs attention", "warn") if refused else Badge("Ready", "good")


def logo_path(slug: str, address: str | None) -> str | None:
    """Return the path of a toolkit's logo on this server: a packaged file, or what the manifest's address has."""
    packaged = f"logos/{slug.lower()}.svg"
    if files(__package__).joinpath("static", packaged).is_file():
        return f"/static/{packaged}"
    return f"{LOGOS}/{slug.lower()}" if address else None


def initials_of(name: str) -> str:
    """Return one or two letters in place of a logo."""
    return "".join(word[0] for word in name.split()[:2]).upper()


def colour_of(slug: str) -> int:
    """Return the number of the colour of a toolkit's initials, which is always the same."""
    return zlib.crc32(slug.encode()) % _COLOURS


def path_of(slug: str) -> str:
    """Return the path of a toolkit's details page."""
    return f"{TOOLS}/{slug.lower()}"


def connected_accounts(slug: str) -> Which:
    """Return which accounts are listed as connected; a details page shows `ACCOUNTS_PER_PAGE`, the newest first."""
    return Which(toolkits=[slug], connected=True)


def page_of(store: Store, account: ConnectedAccount) -> int:
    """Return the number of the page of accounts that an account is on; 1 for one that waits for its key."""
    if account.connected_at is None:
        return 1
    return store.accounts.newer(account, connected_accounts(account.toolkit)) // ACCOUNTS_PER_PAGE + 1


def row_address(store: Store, account: ConnectedAccount, **query: str) -> str:
    """Return the address of an account's row on its toolkit's details page."""
    page = page_of(store, account)
    parts = urlencode({**({"page": page} if page > 1 else {}), **query})
    return f"{path_of(account.toolkit)}{f'?{parts}' if parts else ''}#{account.id}"


def normalize(text: str) -> str:
    """Return the text in lower case, without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).lower()


def in_order(auth: Auth) -> list[AuthField]:
    """Return the fields of an account as people are asked for them: required ones first."""
    return sorted(auth.fields, key=lambda field: not field.required)


def account_row(account: ConnectedAccount, auth: Auth, health: AccountHealth | None = None) -> dict[str, Any]:
    """Return an account as the pages show it."""
    user_id = account.user_id
    return {
        "id": account.id,
        "organisation": user_id is None,
        "name": account.alias or user_id or "The organisation",
        "whose": _whose(account),
        # The users who may use it, if not all may.
        "users": sorted(account.users or ())[:_MAX_NAMED],
        "more_users": max(0, len(account.users or ()) - _MAX_NAMED),
        # Its name within a sentence: "work of user alice".
        "called": called(account),
        "status": _STATUSES[account.status],
        # Why it can't be used, unless its status says it all.
        "why": None if account.reason == SWITCHED_OFF else account.reason,
        "to_do": "Reconnect it with another key." if account.status == Status.EXPIRED else None,
        "health": None if health is None or account.status != Status.ACTIVE else health_row(health),
        "default": account.default,
        # Whether it is switched on; None if it can't be switched.
        "switched": _SWITCHED.get(account.status) if account.connected_at else None,
        # Whether its user may have to enter a new key.
        "link_wanted": user_id is not None and account.status not in _SWITCHED,
        # Whether it can become its owner's default.
        "eligible": account.status == Status.ACTIVE and not account.default,
        # The title and the last four characters of each key.
        "endings": [
            (field.title, account.last_four[field.name]) for field in in_order(auth) if field.name in account.last_four
        ],
        "created_at": account.created_at,
        "connected_at": account.connected_at,
        "last_used_at": account.last_used_at,
    }


def called(account: ConnectedAccount) -> str:
    """Return an account's name within a sentence: `work of user alice`."""
    return f"{account.alias} of {account.owner}" if account.alias else account.owner


def named(account: ConnectedAccount) -> str:
    """Return an account's name behind the words "The account": `work of user alice`, `of user alice`."""
    return called(account) if account.alias else f"of {account.owner}"


def _whose(account: ConnectedAccount) -> str:
    if account.user_id is not None:
        return f"For {account.user_id} alone"
    return "Shared with everyone" if account.users is None else "Shared with"


def health_row(health: AccountHealth) -> dict[str, Any]:
    """Return the health of an account that is in use as the pages show it."""
    spent = health.spent_elsewhere
    return {
        "badge": _HEALTH.get(health.state),
        "why": health.why if health.state in _HEALTH else None,
        "elsewhere": None if spent is None else f"About ${spent:,.2f} were spent elsewhere with this key.",
        "checked_at": health.checked_at,
    }


def users_of(account: ConnectedAccount) -> str:
    """Return who may use an account of the organisation, as part of a sentence."""
    if account.users is None:
        return "every user"
    named = ", ".join(sorted(account.users)[:_MAX_NAMED]) or "nobody"
    left = len(account.users) - _MAX_NAMED
    return f"{named}{f' and {left} more' if left > 0 else ''}"
