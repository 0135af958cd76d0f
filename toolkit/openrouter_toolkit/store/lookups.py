"""Look-ups that each call repeats, kept in memory while nothing in the database changes.

Before it uses what is kept, a look-up asks the database whether anything was committed meanwhile, by whatever process:
that is much cheaper than the look-up itself. So a revoked token, say, counts from the next call on.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from time import monotonic
from typing import Any, TypeVar, cast

from .database import Database

T = TypeVar("T")
_MAX_KEPT = 10_000
_MOMENT = 1.0


class Kept:
    """What was looked up since the database last changed. It holds no decrypted credentials."""

    def __init__(self, version: object) -> None:
        self.version = version
        self.found: dict[tuple[str, ...], Any] = {}


class _Check:
    """A check that was made for a call. It counts for a moment, once for each kind of look-up: a retry checks again."""

    def __init__(self, owner: Lookups, kept: Kept | None) -> None:
        self.owner = owner
        self.kept = kept
        self.used: set[str] = set()
        self.until = monotonic() + _MOMENT

    def counts(self, owner: Lookups, kind: str) -> bool:
        return self.owner is owner and kind not in self.used and monotonic() < self.until


_check: ContextVar[_Check | None] = ContextVar("openrouter_toolkit_check", default=None)


class Lookups:
    """The kept look-ups of one database. Safe for many threads and in forked processes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept = Kept(None)

    def current(self, *, wait: bool = True) -> Kept | None:
        """Return what is kept and holds now, None if the database can't tell; without `wait`, it tells only at once."""
        version = self._database.version(wait=wait)
        if version is None:
            return None
        kept = self._kept
        if kept.version != version:
            kept = self._kept = Kept(version)
        return kept

    def use(self, kept: Kept | None) -> None:
        """Use the result of `current` for the first look-up of each kind in this context, which is that of one call."""
        _check.set(_Check(self, kept))

    def get(self, load: Callable[[], T | None], kind: str, *key: str) -> T | None:
        """Return what is kept under a key, else what `load` reads from the database; None is not kept."""
        kept = None if self._database.is_writing else self._checked(kind)
        if kept is None:
            return load()
        name = (kind, *key)
        found = cast(T | None, kept.found.get(name))
        if found is None:
            found = load()
            if found is not None:
                if len(kept.found) >= _MAX_KEPT:
                    kept.found.clear()
                kept.found[name] = found
        return found

    def _checked(self, kind: str) -> Kept | None:
        check = _check.get()
        if check is None or not check.counts(self, kind):
            return self.current()
        check.used.add(kind)
        return check.kept
