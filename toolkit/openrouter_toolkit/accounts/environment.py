"""One account, from environment variables: that of the user `default`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Mapping

from ..text.sanitize import short_name
from .credentials import Credentials

DEFAULT_USER = "default"


class EnvironmentAccounts:
    """Reads the variables anew for each call, so a key that is set or changed later counts at once."""

    def __init__(
        self,
        variables: Mapping[str, str],
        environment: Mapping[str, str] | None = None,
        *,
        needed: Collection[str] = (),
    ) -> None:
        """`variables` gives each field's variable, the key's first: `{"api_key": "OPENROUTER_API_KEY"}`.

        `needed` names the fields that an account can't do without; the key's when left out.
        """
        self._variables = dict(variables)
        self._needed = needed
        self._environment = os.environ if environment is None else environment

    def __repr__(self) -> str:
        return f"EnvironmentAccounts({', '.join(self._variables.values())})"

    def credentials(self, user_id: str, toolkit: str) -> Credentials | None:  # noqa: ARG002 - one set for all
        """The variables that are set, for the user `default`; None for anybody else."""
        if user_id != DEFAULT_USER:
            return None
        values = {field: self._environment.get(name, "") for field, name in self._variables.items()}
        found = {field: value for field, value in values.items() if value}
        return Credentials(found) if found else None

    def how_to_connect(self, user_id: str, toolkit: str) -> str:  # noqa: ARG002
        """Which variable to set, and for whom it counts."""
        if user_id == DEFAULT_USER:
            missing = self._missing()
            return f"Set the environment variable{'s' * (len(missing) > 1)} {' and '.join(missing)}."
        first = self._first()
        user = shlex.quote(short_name(user_id, 80))
        return (
            f"The environment connects only the user '{DEFAULT_USER}' (by {first}). Connect others by "
            f"`openrouter-toolkit connect --user-id {user}` and `accounts=Store.open().for_registry()`, "
            "or by `accounts=MemoryAccounts(...)`."
        )

    def how_to_connect_over_mcp(self, user_id: str) -> str:
        """The same for an MCP server that a client starts: it gets what the client hands down, and nothing else."""
        if user_id != DEFAULT_USER:
            user = shlex.quote(short_name(user_id, 80))
            return (
                f"The environment connects only the user '{DEFAULT_USER}'. "
                f"Somebody has to run `openrouter-toolkit connect --user-id {user}` and restart this server."
            )
        missing = " and ".join(self._missing())
        return (
            f"Somebody has to set {missing} under `env` of this server in the MCP client's configuration, "
            "or to run `openrouter-toolkit connect`, and to restart the server."
        )

    def _first(self) -> str:
        return next(iter(self._variables.values()), "the key's variable")

    def _missing(self) -> list[str]:
        """The variables to be set: those of needed fields that are not, else the key's."""
        names = [self._variables[field] for field in self._variables if field in self._needed]
        return [name for name in names if not self._environment.get(name)] or [self._first()]
