"""Keeps the catalogues of prices, so that budgets need not read them for each call."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from time import monotonic

from ..envelope import ActionError
from ..models.listing import Listing

# How long a catalogue is used, how long an old one if no newer can be read, and until it is tried again, in seconds.
_LIFETIME = 3_600.0
_MAX_AGE = 86_400.0
_PAUSE = 60.0
_EMPTY = Listing({}, {})
_log = logging.getLogger("openrouter_toolkit")


class Catalogues:
    """The catalogues of a registry's toolkits, each read again after an hour. Safe to use from many threads."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[float, Listing]] = {}
        self._next: dict[str, float] = {}
        self._lock = threading.Lock()

    def get(self, toolkit: str, read: Callable[[], str]) -> Listing:
        """Return a toolkit's catalogue; an empty one, which knows no price, if it can't be read.

        `read` returns its text. While one thread reads, others use the old one, or wait for the first.
        """
        found = self._fresh(toolkit)
        if found is not None:
            return found
        if not self._lock.acquire(blocking=toolkit not in self._read):
            return self._read[toolkit][1]
        try:
            return self._fresh(toolkit) or self._renew(toolkit, read)
        finally:
            self._lock.release()

    def _fresh(self, toolkit: str) -> Listing | None:
        at, listing = self._read.get(toolkit, (0.0, None))
        now = monotonic()
        if listing is not None and now - at < _LIFETIME:
            return listing
        if now < self._next.get(toolkit, 0.0):
            return listing if listing is not None and now - at < _MAX_AGE else _EMPTY
        return None

    def _renew(self, toolkit: str, read: Callable[[], str]) -> Listing:
        try:
            listing = Listing.read(read())
        except (ActionError, ValueError) as error:
            _log.warning("the catalogue of prices can't be read, and is tried again in a minute: %s", error)
            self._next[toolkit] = monotonic() + _PAUSE
            return self._fresh(toolkit) or _EMPTY
        self._read[toolkit] = monotonic(), listing
        return listing
