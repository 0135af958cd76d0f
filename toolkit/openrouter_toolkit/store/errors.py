"""The store's exceptions, one type for each way in which callers handle an error."""

from __future__ import annotations

_LINK_MESSAGES = {
    "unknown": "There is no such link.",
    "used": "This link was used already. Each works once.",
    "expired": "This link is too old. Ask for a new one.",
    "elsewhere": "This link belongs to another browser. Ask for a new one.",
    "nameless": "This link does not say who logs in, and there are several people. Ask for one with a name.",
}


class StoreError(Exception):
    """The base class of the store's errors. The text is for people, and contains no secret."""


class StoreUnavailable(StoreError):
    """The database is unreachable, locked, full, read-only or damaged. Nothing was written in part; a retry may help.

    If the connection broke during the commit, the change may have been written.
    """


class StoreDamaged(StoreUnavailable):
    """The database's file is damaged, or is none."""


class StoreTooNew(StoreError):
    """A newer version of the program has changed the database's schema; this version does not change it."""


class InvalidDatabaseUrl(StoreError, ValueError):
    """The database URL is invalid or not supported."""


class MasterKeyError(StoreError):
    """The master key is missing, malformed, or not the one that encrypts the store. Nothing was changed."""


class SealBroken(StoreError):
    """An encrypted value can't be decrypted: it was changed, was moved to another row, or its key is missing."""


class UnknownAccount(StoreError, LookupError):
    """There is no connected account with this id."""


class UnknownToolkit(StoreError, ValueError):
    """There is no toolkit with this slug."""


class UnknownPerson(StoreError, LookupError):
    """There is nobody with this name or id, or the person may not log in."""


class NameTaken(StoreError, ValueError):
    """Somebody else has this name."""


class LastOwner(StoreError):
    """Without this person there would be no owner, who alone manages people."""


class AliasTaken(StoreError, ValueError):
    """The owner has another account with this alias in the toolkit."""


class LinkRefused(StoreError):
    """A one-time link can't be used.

    Attributes:
        reason: `unknown`, `used`, `expired`, `elsewhere` (it belongs to another browser session), or `nameless` (it is
            a link to log in for the only owner, and there are several owners, or none but other people).
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return _LINK_MESSAGES[self.reason]
