"""Accounts held in memory, for tests and for hosts that keep keys themselves."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from .credentials import Credentials


class MemoryAccounts:
    """Accounts by user_id: `MemoryAccounts({"alice": {"api_key": "..."}})`. Safe from many threads."""

    def __init__(self, accounts: Mapping[str, Mapping[str, str]] | None = None) -> None:
        """Raises `TypeError` for what is not of this form; no value is in its message."""
        self._lock = threading.Lock()
        if not isinstance(accounts, Mapping | None):
            raise TypeError(f"{_FORM}, not {type(accounts).__name__}")
        self._accounts = {user: _checked(user, values) for user, values in (accounts or {}).items()}

    def __repr__(self) -> str:
        return f"MemoryAccounts({len(self._accounts)} users)"

    def connect(self, user_id: str, **values: str) -> None:
        """Connect a user, or replace what was connected. Raises `TypeError` for a value that is no text."""
        checked = _checked(user_id, values)
        with self._lock:
            self._accounts[user_id] = checked

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


_FORM = "MemoryAccounts takes {user_id: {field: value}}"


def _checked(user_id: object, values: object) -> Credentials:
    """An account's values. None is as good as left out, as `os.environ.get` gives it."""
    if not isinstance(user_id, str):
        raise TypeError(f"{_FORM}: a user_id is a text, not {type(user_id).__name__}")
    if not isinstance(values, Mapping):
        raise TypeError(f"{_FORM}: an account is a dict such as {{'api_key': '...'}}, not {type(values).__name__}")
    for name, value in values.items():
        if not isinstance(value, str | None):
            raise TypeError(f"{_FORM}: {name} must be a text, not {type(value).__name__}")
    return Credentials({name: value for name, value in values.items() if value is not None})
