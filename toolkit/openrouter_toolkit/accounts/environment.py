"""The account of the user `default`, read from environment variables."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Mapping

from ..text.sanitize import short_name
from .credentials import Credentials

DEFAULT_USER = "default"


class EnvironmentAccounts:
    """One account from environment variables, which are read for each call, so changes take effect at once."""

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

    def __repr__(self) -> str:
        return f"EnvironmentAccounts({', '.join(self._variables.values())})"

    def credentials(self, user_id: str, toolkit: str) -> Credentials | None:
        """Return the variables that are set, for the user `default`; None for other users."""
        if user_id != DEFAULT_USER:
            return None
        values = {field: self._environment.get(name, "") for field, name in self._variables.items()}
        found = {field: value for field, value in values.items() if value}
        return Credentials(found) if found else None

    def how_to_connect(self, user_id: str, toolkit: str) -> str:
        """Return which variable to set, or, for other users than `default`, how to connect them."""
        if user_id == DEFAULT_USER:
            missing = self._missing_variables()
            return f"Set the environment variable{'s' * (len(missing) > 1)} {' and '.join(missing)}."
        first = self._key_variable()
        user = shlex.quote(short_name(user_id, 80))
        return (
            f"The environment connects only the user '{DEFAULT_USER}' (by {first}). Connect others by "
            f"`openrouter-toolkit connect --user-id {user}` and `accounts=Store.open().for_registry()`, "
            "or by `accounts=MemoryAccounts(...)`."
        )

    def how_to_connect_over_mcp(self, user_id: str) -> str:
        """`how_to_connect` for an MCP server that a client starts, with only the environment that the client passes."""
        if user_id != DEFAULT_USER:
            user = shlex.quote(short_name(user_id, 80))
            return (
                f"The environment connects only the user '{DEFAULT_USER}'. "
                f"Somebody has to run `openrouter-toolkit connect --user-id {user}` and restart this server."
            )
        missing = " and ".join(self._missing_variables())
        return (
            f"Somebody has to set {missing} under `env` of this server in the MCP client's configuration, "
            "or to run `openrouter-toolkit connect`, and to restart the server."
        )

    def _key_variable(self) -> str:
        return next(iter(self._variables.values()), "the key's variable")

    def _missing_variables(self) -> list[str]:
        """Return the variables to set: those of needed fields that are not set, otherwise the key's."""
        names = [self._variables[field] for field in self._variables if field in self._needed]
        return [name for name in names if not self._environment.get(name)] or [self._key_variable()]
