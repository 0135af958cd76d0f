"""What an account holds, how it is asked for, and which values can't be a key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Protocol, runtime_checkable

_PLACEHOLDER = re.compile(
    r"""^(?:none|null|undefined|nil|false|true|todo|tbd|changeme|change[-_]me|placeholder|dummy|secret|token|key
          |api[-_]?key|xxx+|\*+|\.+|-+|_+)$
      | [<>{}\[\]$%]                         # <your key>, ${OPENROUTER_API_KEY}, {{key}}, %KEY%
      | \.\.\. | … | \*{3}                   # sk-or-v1-..., sk-or-v1-***
      | x{4,} | X{4,}
      | (?:your|my|insert|replace|enter|paste)[-_]?(?:own|real|openrouter|secret|the)?[-_]?(?:api)?[-_]?(?:key|token)
      | key[-_]?(?:goes)?[-_]?here
      | replace[-_]?me
      | ^sk-or-(?:v1-?)?$
    """,
    re.IGNORECASE | re.VERBOSE,
)


class Credentials(Mapping[str, str]):
    """One account's secrets by field name, such as `api_key`. Its repr names the fields and no value."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Credentials({', '.join(self._values) or 'none'})"


class Accounts(Protocol):
    """Where connected accounts are kept. Implementations are safe to ask from many threads."""

    def credentials(self, user_id: str, toolkit: str) -> Credentials | None:
        """The credentials that the user has connected for a toolkit (by slug), or None."""
        ...

    def how_to_connect(self, user_id: str, toolkit: str) -> str:
        """A sentence for an agent whose user is not connected: what somebody has to do."""
        ...


@runtime_checkable
class TracksUse(Protocol):
    """What a store of accounts may do besides: learn from each call whether its credentials work.

    It is given the very credentials that `credentials` returned, so a store can recognise the account and what it
    held then. What it raises is logged, and fails no call.
    """

    def used(self, credentials: Credentials) -> None:
        """A call was executed with them, and the API took them."""
        ...

    def refused(self, credentials: Credentials, why: str) -> object:
        """The API does not know the ordinary key among them (401); `why` is what it said."""
        ...


def unusable(value: str) -> str | None:
    """Why a value can't be an API key at all, or None when it may be one. The value itself is not told."""
    if not value:
        return "it is empty"
    if value[0] in "'\"" or value[-1] in "'\"":
        return "it has quotes around it"
    if any(character.isspace() for character in value):
        return "it has white space or a line break in it"
    if not value.isascii() or not value.isprintable():
        return "it has characters that no key has"
    if _PLACEHOLDER.search(value):
        return "it is a placeholder, not a key"
    return None
