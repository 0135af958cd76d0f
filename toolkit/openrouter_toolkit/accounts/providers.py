"""Accounts of hosts without a database: in memory, or from environment variables."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any, NoReturn

from ..text.sanitize import short_name
from .credentials import Credentials

DEFAULT_USER = "default"
_EXPECTED = "MemoryAccounts takes {user_id: {field: value}}"


class MemoryAccounts:
    """Accounts by user_id: `MemoryAccounts({"alice": {"api_key": "..."}})`. Safe to use from many threads."""

    def __init__(self, accounts: Mapping[str, Mapping[str, str]] | None = None) -> None:
        """Raises `TypeError` for another structure; the message contains no values."""
        if not isinstance(accounts, Mapping | None):
            raise TypeError(f"{_EXPECTED}, not {type(accounts).__name__}")
        self._accounts = {user: _validated(user, values) for user, values in (accounts or {}).items()}

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "MemoryAccounts can't be pickled, since keys would be in it: create it where it is used, or use the "
            "environment's keys there (the default of a registry, or EnvironmentAccounts)"
        )

    def __repr__(self) -> str:
        return f"MemoryAccounts({len(self._accounts)} users)"

    def connect(self, user_id: str, **values: str) -> None:
        """Connect a user, or replace the account. Raises `TypeError` for a value that is not a string."""
        self._accounts[user_id] = _validated(user_id, values)

    def disconnect(self, user_id: str) -> None:
        """Remove a user's account, if there is one."""
        self._accounts.pop(user_id, None)

    def credentials(self, user_id: str, toolkit: str) -> Credentials | None:
        """Return the user's credentials, or None."""
        return self._accounts.get(user_id)

    def how_to_connect(self, user_id: str, toolkit: str) -> str:
        """Return a sentence for an agent: who can connect an account."""
        return "Ask the operator of this agent to connect an account for that user."


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


class EnvironmentAccounts:
    """The account of the user `default`, from environment variables: read for each call, so changes apply at once."""

    def __init__(
        self,
        variables: Mapping[str, str],
        environment: Mapping[str, str] | None = None,
        *,
        needed: Collection[str] = (),
    ) -> None:
        """`variables` maps each field to its variable, the key's first: `{"api_key": "OPENROUTER_API_KEY"}`.

        `needed` names the fields that an account requires; by default that of the key.
        """
        self._variables = dict(variables)
        self._needed = needed
        self._environment = os.environ if environment is None else environment
        self._key_variable = next(iter(self._variables.values()), "the key's variable")

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the names of the variables; they are read again in the other process."""
        if self._environment is not os.environ:
            raise TypeError("EnvironmentAccounts of another environment than os.environ can't be pickled with its keys")
        return partial(EnvironmentAccounts, needed=self._needed), (self._variables,)

    def __repr__(self) -> str:
        return f"EnvironmentAccounts({', '.join(self._variables.values())})"

    def credentials(self, user_id: str, toolkit: str) -> Credentials | None:
        """Return the variables that are set, for the user `default`; None for other users."""
        if user_id != DEFAULT_USER:
            return None
        values = {field: self._environment.get(name, "") for field, name in self._variables.items()}
        return Credentials({field: value for field, value in values.items() if value}) or None

    def how_to_connect(self, user_id: str, toolkit: str) -> str:
        """Return which variable to set, or, for other users than `default`, how to connect them."""
        if user_id == DEFAULT_USER:
            missing = self._missing_variables()
            return f"Set the environment variable{'s' * (len(missing) > 1)} {' and '.join(missing)}."
        return (
            f"The environment connects only the user '{DEFAULT_USER}' (by {self._key_variable}). "
            f"Connect others by `{_command_for(user_id)}` and `accounts=Store.open().for_registry()`, "
            "or by `accounts=MemoryAccounts(...)`."
        )

    def how_to_connect_over_mcp(self, user_id: str) -> str:
        """`how_to_connect` for an MCP server that a client starts, with only the environment that the client passes."""
        if user_id != DEFAULT_USER:
            return (
                f"The environment connects only the user '{DEFAULT_USER}'. "
                f"Somebody has to run `{_command_for(user_id)}` and restart this server."
            )
        return (
            f"Somebody has to set {' and '.join(self._missing_variables())} under `env` of this server in the MCP "
            "client's configuration, or to run `openrouter-toolkit connect`, and to restart the server."
        )

    def _missing_variables(self) -> list[str]:
        """Return the variables to set: those of needed fields that are not set, otherwise the key's."""
        names = [name for field, name in self._variables.items() if field in self._needed]
        return [name for name in names if not self._environment.get(name)] or [self._key_variable]


def _command_for(user_id: str) -> str:
    return f"openrouter-toolkit connect --user-id {shlex.quote(short_name(user_id, 80))}"
