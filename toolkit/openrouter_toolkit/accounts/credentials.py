"""An account's credentials, the interfaces of account stores, and the check for values that can't be a key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn, Protocol, cast, runtime_checkable

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
    """One account's secrets by field name, such as `api_key`. Its repr shows the field names but no values."""

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

    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials can't be pickled or copied: their values would be in it")


class Accounts(Protocol):
    """A store of connected accounts. Implementations are safe to use from many threads."""

    def credentials(self, user_id: str, toolkit: str) -> Credentials | None:
        """Return the credentials that the user has connected for a toolkit (by slug), or None.

        A store whose accounts have ids also takes the keyword `account_id`: only that account, or None.
        """
        ...

    def how_to_connect(self, user_id: str, toolkit: str) -> str:
        """Return a sentence for an agent whose user is not connected: how to connect an account."""
        ...


def checked_accounts(accounts: Any) -> Accounts:
    """Return `accounts` if it has the methods of `Accounts`, otherwise raise `TypeError`."""
    if isinstance(accounts, type) or not all(
        callable(getattr(accounts, name, None)) for name in ("credentials", "how_to_connect")
    ):
        given = f"the class {accounts.__name__}" if isinstance(accounts, type) else type(accounts).__name__
        wanted = "MemoryAccounts({user_id: {field: value}}) or Store.open().for_registry()"
        raise TypeError(f"accounts must be something like {wanted}, not {given}")
    return cast(Accounts, accounts)


def picklable_accounts(accounts: Accounts) -> Accounts:
    """Return accounts that may go into a pickle, since their class defines how. Raises `TypeError` for others.

    The defaults of Python would write everything that the object holds, keys included.
    """
    kind = type(accounts)
    if kind.__reduce__ is object.__reduce__ and kind.__reduce_ex__ is object.__reduce_ex__:
        raise TypeError(
            f"a registry with {kind.__name__} can't be pickled, since keys would be in it: create it where it is used, "
            "or use the environment's keys there (the default, or EnvironmentAccounts)"
        )
    return accounts


@runtime_checkable
class TracksUse(Protocol):
    """Optional methods of an account store, which report after each call whether the credentials work.

    They get the same object that `credentials` returned, so a store can identify the account and its values at that
    time. Their exceptions are logged and do not fail the call.
    """

    def used(self, credentials: Credentials) -> None:
        """Report that a call was executed with the credentials and the API accepted them."""
        ...

    def refused(self, credentials: Credentials, why: str) -> object:
        """Report that the API refused the account's main key (401); `why` is the API's error message."""
        ...


def tracker_of(accounts: Accounts) -> TracksUse | None:
    """The account store as one that tracks use, if it has the methods."""
    for name in ("used", "refused"):  # isinstance takes a tenth of a call
        if not callable(getattr(accounts, name, None)):
            return None
    return cast(TracksUse, accounts)


def unusable(value: str) -> str | None:
    """Return why a value can't be an API key, or None if it may be one. The reason never contains the value."""
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
