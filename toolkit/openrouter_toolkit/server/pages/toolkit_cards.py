"""A toolkit as the pages show it: its card, whether it is active, its mark."""

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
# Of so many accounts that don't work it is looked at whether one ever did.
_LOOKED_AT = 100


class Badge(NamedTuple):
    """A state in words, and whether it is good, warns, is bad, or none of these."""

    words: str
    kind: str


@dataclass(frozen=True)
class ListedToolkit:
    """A toolkit and how it stands.

    Attributes:
        path: the address of its details.
        logo: the address of its picture on this server, or None: then its initials stand for it.
        colour: a number that says how its initials are coloured, the same each time.
        action_names: what its actions are called.
        login: whether it has to be connected; otherwise it is activated.
        accounts: how many of its accounts can be used.
        state: how it stands, or None while it is only available.
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
        """Whether it is listed as active: it was connected, though the key may be refused by now, or activated."""
        return self.state is not None

    @property
    def initials(self) -> str:
        """A letter or two in place of a logo."""
        words = self.name.split()
        return "".join(word[0] for word in words[:2]).upper()

    @property
    def words(self) -> str:
        """What a search looks in."""
        return " ".join((self.name, self.slug, self.description, *self.categories, *self.action_names))

    def found_by(self, text: str) -> bool:
        """Whether it has all of a search's words. The page's script looks in the same way."""
        inside = _plain(self.words)
        return all(word in inside for word in _plain(text).split())


def listed(loaded: LoadedToolkit, store: Store) -> ListedToolkit:
    """A toolkit as it stands now."""
    toolkit = loaded.toolkit
    login = loaded.auth.scheme != "NO_AUTH"
    accounts = store.accounts.count(Which(toolkits=[toolkit.slug], statuses=[Status.ACTIVE])) if login else 0
    return ListedToolkit(
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
    """The address of a toolkit's details."""
    return f"{TOOLS}/{slug.lower()}"


def ordered(toolkits: Iterable[ListedToolkit], sort: Sort) -> list[ListedToolkit]:
    """By name, or with the most connected accounts first: nothing else here says how popular one is."""
    by_name = sorted(toolkits, key=lambda toolkit: _plain(toolkit.name))
    return by_name if sort == "alphabet" else sorted(by_name, key=lambda toolkit: -toolkit.accounts)


def _connected_state(slug: str, accounts: int, store: Store) -> Badge | None:
    if accounts:
        return Badge("Ready", "good")
    broken = store.accounts.list(
        Which(toolkits=[slug], statuses=[Status.EXPIRED, Status.INACTIVE, Status.FAILED]), limit=_LOOKED_AT
    )
    return Badge("Needs attention", "warn") if any(account.connected_at for account in broken) else None


def _activated_state(slug: str, store: Store) -> Badge | None:
    return Badge("Ready", "good") if slug in store.switches.activated() else None


def _logo(slug: str) -> str | None:
    name = f"logos/{slug.lower()}.svg"
    return f"/static/{name}" if files(__package__).joinpath("static", name).is_file() else None


def _plain(text: str) -> str:
    """Without accents and capitals."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).lower()
