"""Toolkits as the pages show them: the card, the logo, and whether the toolkit is active."""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal, NamedTuple

from ...manifest import LoadedToolkit
from ...store import Status, Store, Which

TOOLS = "/admin/tools"
Sort = Literal["popularity", "alphabet"]
_COLOURS = 6
# How many unusable accounts are checked at most for one that was ever connected.
_MAX_CHECKED = 100


class Badge(NamedTuple):
    """A status text, and its kind: good, warn, bad, or none of these."""

    words: str
    kind: str


@dataclass(frozen=True)
class ToolkitCard:
    """A toolkit and its current state.

    Attributes:
        path: the path of its details page.
        logo: the path of its logo on this server, or None: then its initials are shown.
        colour: the number of its initials' colour, which is always the same.
        action_names: the names of its actions.
        login: whether it needs a connected account; otherwise it is activated.
        accounts: the number of its usable accounts.
        state: its status, or None while it is only available.
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

    @property
    def active(self) -> bool:
        """Whether it is listed as active: it was activated, or connected, even if its key is refused by now."""
        return self.state is not None

    @property
    def initials(self) -> str:
        """One or two letters in place of a logo."""
        words = self.name.split()
        return "".join(word[0] for word in words[:2]).upper()

    @property
    def words(self) -> str:
        """The text that a search looks in."""
        return " ".join((self.name, self.slug, self.description, *self.categories, *self.action_names))

    def matches(self, text: str) -> bool:
        """Whether it contains all words of a search. The page's script searches in the same way."""
        inside = _normalize(self.words)
        return all(word in inside for word in _normalize(text).split())


def toolkit_card(loaded: LoadedToolkit, store: Store) -> ToolkitCard:
    """Return a toolkit's card with its current state."""
    toolkit = loaded.toolkit
    login = loaded.auth.scheme != "NO_AUTH"
    accounts = store.accounts.count(Which(toolkits=[toolkit.slug], statuses=[Status.ACTIVE])) if login else 0
    return ToolkitCard(
        slug=toolkit.slug,
        name=toolkit.name,
        version=toolkit.version,
        description=toolkit.description,
        categories=toolkit.categories,
        path=path_of(toolkit.slug),
        logo=_logo(toolkit.slug),
        colour=zlib.crc32(toolkit.slug.encode()) % _COLOURS,
        action_names=[action.definition.name for action in loaded.actions],
        login=login,
        accounts=accounts,
        state=_connected_state(toolkit.slug, accounts, store) if login else _activated_state(toolkit.slug, store),
    )


def path_of(slug: str) -> str:
    """Return the path of a toolkit's details page."""
    return f"{TOOLS}/{slug.lower()}"


def sort_cards(toolkits: Iterable[ToolkitCard], sort: Sort) -> list[ToolkitCard]:
    """Sort by name, or by connected accounts, most first, because no other measure of popularity is known here."""
    by_name = sorted(toolkits, key=lambda toolkit: _normalize(toolkit.name))
    return by_name if sort == "alphabet" else sorted(by_name, key=lambda toolkit: -toolkit.accounts)


def _connected_state(slug: str, accounts: int, store: Store) -> Badge | None:
    if accounts:
        return Badge("Ready", "good")
    broken = store.accounts.list(
        Which(toolkits=[slug], statuses=[Status.EXPIRED, Status.INACTIVE, Status.FAILED]), limit=_MAX_CHECKED
    )
    return Badge("Needs attention", "warn") if any(account.connected_at for account in broken) else None


def _activated_state(slug: str, store: Store) -> Badge | None:
    return Badge("Ready", "good") if slug in store.switches.activated() else None


def _logo(slug: str) -> str | None:
    name = f"logos/{slug.lower()}.svg"
    return f"/static/{name}" if files(__package__).joinpath("static", name).is_file() else None


def _normalize(text: str) -> str:
    """Return the text in lower case, without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).lower()
