"""Lets a process fork only between the ledger's transactions, and gives the child a ledger of its own.

A child that is forked amid a transaction of SQLite's would find the database locked for good: SQLite keeps in memory
which locks the process has.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from threading import Lock
from typing import Protocol
from weakref import WeakSet

_TIMEOUT = 10.0


class Forkable(Protocol):
    """What has to know of forks."""

    @property
    def locks(self) -> Sequence[Lock]:
        """What is held during transactions."""

    def after_fork(self) -> None:
        """Start again, in the child; the parent writes what it has."""


_known: WeakSet[Forkable] = WeakSet()
_held = ExitStack()


def watch(one: Forkable) -> None:
    """Let it know of forks, as long as it is in use."""
    _known.add(one)


def _before() -> None:
    for one in sorted(_known, key=id):
        for lock in one.locks:
            if lock.acquire(timeout=_TIMEOUT):
                _held.callback(lock.release)


def _in_child() -> None:
    _held.pop_all()
    for one in list(_known):
        one.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_held.close, after_in_child=_in_child)
