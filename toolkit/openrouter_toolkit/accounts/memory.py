"""Accounts held in memory, for tests and for hosts that keep keys themselves."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from .credentials import Credentials


class MemoryAccounts:
    """Accounts by user_id: `MemoryAccounts({"alice": {"api_key": "..."}})`. Safe from many threads."""

    def __init__(self, accounts: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self._lock = threading.Lock()
        self._accounts = {user: Credentials(values) for user, values in (accounts or {}).items()}

    def __repr__(self) -> str:
        return f"MemoryAccounts({len(self._accounts)} users)"

    def connect(self, user_id: str, **values: str) -> None:
        """Connect a user, or replace what was connected."""
        with self._lock:
            self._accounts[user_id] = Credentials(values)

    def disconnect(self, user_id: str) -> None:
        """Forget a user's account; nothing happens where there was none."""
        with self._lock:
            self._accounts.pop(user_id, None)

    def credentials(self, user_id: str, toolkit: str) -> Credentials | None:  # noqa: ARG002 - one toolkit's
        """The user's credentials, or None."""
        with self._lock:
            return self._accounts.get(user_id)

    def how_to_connect(self, user_id: str, toolkit: str) -> str:  # noqa: ARG002
        """Whose task it is."""
        return "Ask whoever runs this agent to connect an account for that user."
