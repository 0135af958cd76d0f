"""Accounts of local programs: connected accounts first, and the environment's keys for users who have none."""

from __future__ import annotations

from ..accounts import Accounts, Credentials
from .account import AccountCredentials
from .stored_accounts import StoredAccounts


class StoredOrEnvironment:
    """The store's accounts; for a user who has none there, in any status, those of `environment`.

    A disabled or expired account is not replaced: a person who disabled it does not want another key to be used.
    """

    def __init__(self, stored: StoredAccounts, environment: Accounts) -> None:
        self._stored = stored
        self._environment = environment

    def __repr__(self) -> str:
        return f"<StoredOrEnvironment {self._stored!r}, {self._environment!r}>"

    def credentials(self, user_id: str, toolkit: str, *, account_id: str | None = None) -> Credentials | None:
        """Return the best credentials. Errors of the store are raised; no other key is used instead."""
        found = self._stored.credentials(user_id, toolkit, account_id=account_id)
        if found is not None or account_id is not None or self._stored.knows(user_id, toolkit):
            return found
        return self._environment.credentials(user_id, toolkit)

    def how_to_connect(self, user_id: str, toolkit: str) -> str:
        """Return what a person has to do, as the store says it: there the key is encrypted."""
        return self._stored.how_to_connect(user_id, toolkit)

    def used(self, credentials: Credentials) -> None:
        """Record the use of the store's credentials; ignore others."""
        if isinstance(credentials, AccountCredentials):
            self._stored.used(credentials)

    def refused(self, credentials: Credentials, why: str) -> bool:
        """Report a refused key of the store's credentials. Returns whether the account was marked EXPIRED."""
        return isinstance(credentials, AccountCredentials) and self._stored.refused(credentials, why)
