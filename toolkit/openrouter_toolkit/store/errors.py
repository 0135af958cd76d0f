"""What can go wrong with the store, one type for each thing that a caller does about it."""

from __future__ import annotations

_LINK_WORDS = {
    "unknown": "There is no such link.",
    "used": "This link was used already. Each works once.",
    "expired": "This link is too old. Ask for a new one.",
    "elsewhere": "This link belongs to another browser. Ask for a new one.",
}


class StoreError(Exception):
    """Anything that the store says no to. Its text is for people, and holds no secret."""

    def __reduce__(self) -> tuple[type[StoreError], tuple[object, ...]]:
        return type(self), self.args


class StoreUnavailable(StoreError):  # noqa: N818 - it is a state of affairs, and passes
    """The database can't be reached, is locked, full or read-only. Nothing was half-written; trying again may help.

    Where the connection broke during the very commit, the change may have been made.
    """


class StoreTooNew(StoreError):  # noqa: N818
    """A newer version of the program has changed the database's structure; this one does not touch it."""


class InvalidDatabaseUrl(StoreError, ValueError):  # noqa: N818
    """The database's URL is none that the store takes."""


class MasterKeyError(StoreError):
    """The master key is missing, malformed, or not the one that the store was filled with. Nothing was changed."""


class SealBroken(StoreError):  # noqa: N818
    """A sealed value can't be opened: changed, moved to another row, or sealed with a key that isn't given."""


class UnknownAccount(StoreError, LookupError):  # noqa: N818
    """There is no connected account of that id."""


class UnknownToolkit(StoreError, ValueError):  # noqa: N818
    """There is no toolkit of that slug."""


class AliasTaken(StoreError, ValueError):  # noqa: N818
    """The owner has another account with that alias in the toolkit."""


class LinkRefused(StoreError):  # noqa: N818
    """A one-time link can't be used.

    Attributes:
        reason: `unknown`, `used`, `expired`, or `elsewhere` (it belongs to another browser session).
    """

    def __init__(self, reason: str) -> None:
        super().__init__(_LINK_WORDS[reason])
        self.reason = reason

    def __reduce__(self) -> tuple[type[LinkRefused], tuple[object, ...]]:
        return type(self), (self.reason,)
