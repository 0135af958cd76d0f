"""Toolsets: the groups of a toolkit's actions that a host can choose, and those that it sees without asking."""

from __future__ import annotations

from dataclasses import dataclass

# The toolset of the manifest's `actions`: what a host sees that chooses none.
DOCUMENTED = "documented"
# What a host writes to choose all toolsets.
ALL = "all"


@dataclass(frozen=True, kw_only=True)
class FurtherToolset:
    """A toolset that a host sees only if it chooses it.

    Attributes:
        name: its name, such as `inference`.
        description: what it is for.
        size: how many actions it has.
        credential: the field of the account that its actions prefer; None for the main key.
    """

    name: str
    description: str
    size: int
    credential: str | None = None
