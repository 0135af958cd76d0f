"""Connected accounts first, the environment's keys for who has none: how one machine's own programs ask."""

from __future__ import annotations

from ..accounts import Accounts, Credentials
from .account import AccountCredentials
from .stored_accounts import StoredAccounts


class StoredOrEnvironment:
    """The store's accounts; for a user who has none there, in whatever status, what `environment` has.

    An account that was disabled or has expired is not replaced: who switched it off does not want another key used.
    """

    def __init__(self, stored: StoredAccounts, environment: Accounts) -> None:
        self._stored = stored
        self._environment = environment

    def __repr__(self) -> str:
        return f"<StoredOrEnvironment {self._stored!r}, {self._environment!r}>"

    def credentials(self, user_id: str, toolkit: str) -> Credentials | None:
        """The best that there are; raises what the store raises, rather than use another key."""
        found = self._stored.credentials(user_id, toolkit)
        if found is not None or self._stored.knows(user_id, toolkit):
            return found
        return self._environment.credentials(user_id, toolkit)

    def how_to_connect(self, user_id: str, toolkit: str) -> str:
        """What somebody has to do: the store's way, which keeps the key sealed."""
        return self._stored.how_to_connect(user_id, toolkit)

    def used(self, credentials: Credentials) -> None:
        """Tell the store about its own."""
        if isinstance(credentials, AccountCredentials):
            self._stored.used(credentials)

    def refused(self, credentials: Credentials, why: str) -> bool:
        """Tell the store about its own; whether it marked the account."""
        return isinstance(credentials, AccountCredentials) and self._stored.refused(credentials, why)
