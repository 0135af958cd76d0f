"""Accounts in memory, for tests and for hosts that store keys themselves."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from .credentials import Credentials


class MemoryAccounts:
    """Accounts by user_id: `MemoryAccounts({"alice": {"api_key": "..."}})`. Safe to use from many threads."""

    def __init__(self, accounts: Mapping[str, Mapping[str, str]] | None = None) -> None:
        """Raises `TypeError` for another structure; the message contains no values."""
        self._lock = threading.Lock()
        if not isinstance(accounts, Mapping | None):
            raise TypeError(f"{_EXPECTED}, not {type(accounts).__name__}")
        self._accounts = {user: _validated(user, values) for user, values in (accounts or {}).items()}

    def __repr__(self) -> str:
        return f"MemoryAccounts({len(self._accounts)} users)"

    def connect(self, user_id: str, **values: str) -> None:
        """Connect a user, or replace the account. Raises `TypeError` for a value that is not a string."""
        validated = _validated(user_id, values)
        with self._lock:
            self._accounts[user_id] = validated

    def disconnect(self, user_id: str) -> None:
        """Remove a user's account, if there is one."""
        with self._lock:
            self._accounts.pop(user_id, None)

    def credentials(self, user_id: str, toolkit: str) -> Credentials | None:
        """Return the user's credentials, or None."""
        with self._lock:
            return self._accounts.get(user_id)

    def how_to_connect(self, user_id: str, toolkit: str) -> str:
        """Return a sentence for an agent: who can connect an account."""
        return "Ask the operator of this agent to connect an account for that user."


_EXPECTED = "MemoryAccounts takes {user_id: {field: value}}"


def _validated(user_id: object, values: object) -> Credentials:
    """Validate an account's values. None is left out, because `os.environ.get` may return it."""
    if not isinstance(user_id, str):
        raise TypeError(f"{_EXPECTED}: a user_id is a text, not {type(user_id).__name__}")
    if not isinstance(values, Mapping):
        raise TypeError(f"{_EXPECTED}: an account is a dict such as {{'api_key': '...'}}, not {type(values).__name__}")
    for name, value in values.items():
        if not isinstance(value, str | None):
            raise TypeError(f"{_EXPECTED}: {name} must be a text, not {type(value).__name__}")
    return Credentials({name: value for name, value in values.items() if value is not None})
