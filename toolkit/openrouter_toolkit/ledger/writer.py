"""Writes the ledger behind the calls, in batches, in a thread of its own."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic

from ..store import StoreError
from .batch import Batches, Change

# How long a row of a free call waits for others, in seconds, and one that must be written soon.
INTERVAL = 0.5
_SOON = 0.05
_MAX_BATCH = 1_000
# How many changes wait in memory while the database can't be written; then the oldest are given up.
_MAX_WAITING = 20_000
_MAX_PAUSE = 30.0
_COMMIT_TIMEOUT = 30.0
_COMMIT_LOCK_TIMEOUT = 5.0
_CLOSE_TIMEOUT = 5.0
_log = logging.getLogger("openrouter_toolkit")


class LedgerUnavailable(Exception):
    """A row could not be committed."""


class _Waiter:
    """A change whose caller waits until it is committed."""

    def __init__(self, change: Change) -> None:
        self.change = change
        self.done = threading.Event()
        self.error: Exception | None = None


class Writer:
    """Writes changes in the order in which they come. Safe for many threads and in forked processes.

    A database that can't be written delays only those who wait for a commit; it is logged once.
    """

    def __init__(self, batches: Batches, idle: Callable[[], bool]) -> None:
        """Whenever there is nothing to write, `idle` is called; it returns whether to call it again at once."""
        self._batches = batches
        self._idle = idle
        self._reset()

    def _reset(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._waiting: deque[Change] = deque()
        self._waiters: deque[_Waiter] = deque()
        self._failed: list[Change] = []
        self._failures = 0
        self._lost = 0
        self.lost = 0
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._now = threading.Event()
        self._written = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False

    def add(self, change: Change, *, soon: bool = False) -> None:
        """Write a change within half a second, or `soon`: within a twentieth."""
        self._ensure_started()
        self._waiting.append(change)
        if soon and not self._failures:
            self._hurry.set()
        self._wake.set()

    def commit(self, change: Change) -> None:
        """Write a change and wait until it is committed. Calls that come together share a commit.

        Raises:
            LedgerUnavailable: it can't be; the change is given up.
        """
        self._ensure_started()
        waiter = _Waiter(change)
        self._waiters.append(waiter)
        self._write_now()
        if not waiter.done.wait(_COMMIT_TIMEOUT):
            raise LedgerUnavailable("it takes too long")
        if waiter.error is not None:
            raise LedgerUnavailable(str(waiter.error))

    def flush(self, timeout: float = _CLOSE_TIMEOUT) -> bool:
        """Write everything that waits. Returns whether it was written within `timeout` seconds."""
        if self._process != os.getpid() or self._thread is None:
            return True
        until = monotonic() + timeout
        with self._written:
            while self._has_work():
                self._write_now()
                if not self._written.wait(min(0.1, max(0.0, until - monotonic()))) and monotonic() >= until:
                    return False
        return True

    def close(self) -> None:
        """Write everything that waits, and end the thread. The writer can still be used; it starts another one."""
        if self._process != os.getpid() or self._thread is None:
            return
        if not self.flush():
            _log.error("%d rows of the ledger were not written before the end", len(self._waiting) + len(self._failed))
        with self._lock:
            thread, self._thread, self._closing = self._thread, None, True
        atexit.unregister(self.close)
        self._write_now()
        if thread is not None:
            thread.join(_CLOSE_TIMEOUT)

    def _write_now(self) -> None:
        for event in (self._now, self._hurry, self._wake):
            event.set()

    @property
    def waiting(self) -> int:
        """How many changes are not written yet."""
        return len(self._waiting) + len(self._waiters) + len(self._failed)

    def _has_work(self) -> bool:
        return bool(self._waiting or self._waiters or self._failed or self._busy)

    _busy = False

    def _ensure_started(self) -> None:
        if self._process != os.getpid():  # the parent writes what it has
            self._reset()
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._closing = False
                    self._thread = threading.Thread(target=self._run, name="openrouter-toolkit-ledger", daemon=True)
                    self._thread.start()
                    atexit.register(self.close)

    def _run(self) -> None:
        again = True
        while not self._closing:
            self._wake.wait(0 if again else None)
            if self._wake.is_set() and self._hurry.wait(self._pause()):
                self._now.wait(_SOON)
            for event in (self._now, self._hurry, self._wake):
                event.clear()
            self._busy = True
            try:
                self._write_all()
                again = not self._failed and not self._closing and self._idle()
            except Exception as error:  # noqa: BLE001 - the thread goes on whatever happens
                again = False
                _log.error("the ledger's thread failed unexpectedly (%s)", type(error).__name__)
            finally:
                self._busy = False
            with self._written:
                self._written.notify_all()
            if self._failed:
                self._wake.set()

    def _pause(self) -> float:
        return min(_MAX_PAUSE, INTERVAL * 2.0**self._failures)

    def _write_all(self) -> None:
        while self._waiters or self._failed or self._waiting:
            waiters = [self._waiters.popleft() for _ in range(min(len(self._waiters), _MAX_BATCH))]
            # What failed before is tried again on its own, so that those who wait don't fail with it.
            rows = [] if self._failed else self._take()
            if waiters or rows:
                if not self._write(rows, waiters):
                    return
            elif not self._write(self._failed, [], again=True):
                return

    def _take(self) -> list[Change]:
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), _MAX_BATCH))]

    def _write(self, rows: list[Change], waiters: list[_Waiter], *, again: bool = False) -> bool:
        """Write rows and those for which somebody waits. Returns whether they were written."""
        error: Exception | None = None
        try:
            timeout = _COMMIT_LOCK_TIMEOUT if waiters else None
            self._batches.write([*rows, *(one.change for one in waiters)], again=again, lock_timeout=timeout)
        except StoreError as failure:
            error = failure
            self._failed = rows or self._failed
            self._note_failure(failure)
        except Exception as failure:
            error = failure
            raise
        else:
            if rows:
                self._failed = []
                self._note_success()
        finally:
            for one in waiters:
                one.error = error
                one.done.set()
        return error is None

    def _note_failure(self, error: Exception) -> None:
        if self._failures == 0:
            _log.error("the ledger can't be written, and free calls go on: %s", error)
        self._failures = min(self._failures + 1, 10)
        while len(self._waiting) > _MAX_WAITING:
            self._waiting.popleft()
            self._lost += 1
            self.lost += 1

    def _note_success(self) -> None:
        if self._failures:
            _log.warning("the ledger is written again; %d rows were lost", self._lost)
            self._failures = self._lost = 0
