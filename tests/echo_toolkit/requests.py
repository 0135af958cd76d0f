"""Clients that send the requests of a manifest's rows, and some that don't say that they do."""

from __future__ import annotations

import json
from typing import Any, Self


class Bound:
    """The client for one call."""

    def request(self, method: str, path: str, arguments: dict[str, Any]) -> str:
        """What was asked."""
        return json.dumps([method, path, arguments])


class Requests:
    """Its `connected` says what it returns."""

    def connected(self, key: str | None, call: Any) -> Bound:
        """The client for one call."""
        return Bound()

    def close(self) -> None:
        """Nothing is open."""


class Itself(Bound):
    """The same for all calls."""

    def connected(self, key: str | None, call: Any) -> Self:
        """Itself."""
        return self


def made() -> Requests:
    """A factory in place of a class."""
    return Requests()


class Unannotated:
    """Its `connected` says nothing."""

    def connected(self, key, call):  # type: ignore[no-untyped-def]
        """The client for one call."""
        return Bound()


class Lost:
    """Its `connected` names a class that does not exist."""

    def connected(self, key: str | None, call: Any) -> Missing:  # type: ignore[name-defined] # noqa: F821
        """The client for one call."""
        return Bound()


def unknown():  # type: ignore[no-untyped-def]
    """A factory that says nothing."""
    return Requests()
