"""Writes the ledger behind the calls, in batches, in a thread of its own."""

from __future__ import annotations

import atexit
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic

from ..spending.decisions import Demand, Request, Shortage
from ..store import StoreError
from . import forks
from .batch import Batches, Change
from .counters import Beginning, Settlement
from .entry import Entry
from .running import BEAT, RunningCalls

# How long a call that has ended waits for others, in seconds, and the id of a running call's generation.
INTERVAL = 0.5
_SOON = 0.05
_MAX_BATCH = 1_000
# How many changes wait in memory while the database can't be written; then the oldest are given up.
_MAX_WAITING = 20_000
_MAX_PAUSE = 30.0
_BEGIN_TIMEOUT = 10.0
_CLOSE_TIMEOUT = 5.0
_log = logging.getLogger("openrouter_toolkit")


class LedgerUnavailable(Exception):
    """A row could not be committed."""


class _Waiting(Beginning):
    """A call whose caller waits until its row is committed."""

    done = False
    error: Exception | None = None


class Writer:
    """Writes changes in the order in which they come. Safe for many threads and in forked processes.

    A database that can't be written delays only calls that begin; it is logged once.
    """

    def __init__(self, batches: Batches, running: RunningCalls, idle: Callable[[], bool]) -> None:
        """Whenever there is nothing to write, `idle` is called; it returns whether to call it again at once."""
        self._batches = batches
        self._running = running
        self._idle = idle
        self._reset()
        forks.watch(self)

    def _reset(self) -> None:
        self._start_lock = threading.Lock()
        self._begin_lock, self._batch_lock = threading.Lock(), threading.Lock()
        self._beginning: deque[_Waiting] = deque()
        self._waiting: deque[Change] = deque()
        self._generations: dict[int, str] = {}
        self._settlements: deque[Settlement] = deque()
        self._begun: set[int] = set()
        self._beats = False
        self._ended: list[int] = []
        self._failed: list[Change] = []
        self._failures = 0
        self._is_logged = False
        self._lost = 0
        self._busy = False
        self.lost = 0
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._now = threading.Event()
        self._written = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False

    def add(self, change: Change, settlement: Settlement | None = None) -> None:
        """Write a call that has ended, within half a second; its settlement within a twentieth."""
        self._ensure_started()
        if change.begun is not None:
            self._generations.pop(change.begun, None)
            self._begun.discard(change.begun)
        self._waiting.append(change)
        if settlement is not None:
            self._settlements.append(settlement)
            self._hurry.set()
        if not self._wake.is_set():
            self._wake.set()

    def note_generation(self, call_id: int, generation_id: str) -> None:
        """Write the id of a running call's generation, within a twentieth of a second."""
        self._ensure_started()
        self._generations[call_id] = generation_id
        if not self._hurry.is_set():
            self._hurry.set()
            self._wake.set()

    def begin(self, entry: Entry, request: Request | None = None) -> Demand | Shortage | None:
        """Commit the row of a call that begins. Those that begin together share a commit, which one of them makes.

        Returns:
            What the call may use, or why it may not begin; None without a request to budgets.

        Raises:
            LedgerUnavailable: it can't be committed.
        """
        if not self._beats:
            self._beats = True
            self._wake.set()
        self._ensure_started()
        own = _Waiting(entry, request)
        self._beginning.append(own)
        if not self._begin_lock.acquire(timeout=_BEGIN_TIMEOUT):
            own.done = True
            raise LedgerUnavailable("it takes too long")
        try:
            while not own.done:
                self._begin_all(own)
        finally:
            self._begin_lock.release()
        if own.error is not None:
            raise LedgerUnavailable(str(own.error))
        if not isinstance(own.answer, Shortage):
            self._begun.add(entry.id)
        return own.answer

    def _begin_all(self, own: _Waiting) -> None:
        some = [self._beginning.popleft() for _ in range(min(len(self._beginning), _MAX_BATCH))]
        settlements = list(self._settlements)
        error: Exception | None = None
        try:
            self._running.begin([one for one in some if not one.done], settlements)
            self._forget_settlements(len(settlements))
        except StoreError as failure:
            error = failure
            while self._beginning:  # those who came meanwhile would wait as long, for the same
                some.append(self._beginning.popleft())
            self._log_failure(failure)
        except BaseException:  # an interrupt of this call alone
            self._beginning.extendleft(one for one in reversed(some) if one is not own)
            raise
        for one in some:
            one.error, one.done = error, True

    def end(self, call_id: int, settlement: Settlement) -> None:
        """Remove a running call that was settled otherwise, and what it has reserved.

        Raises:
            StoreUnavailable: the database can't be used.
        """
        with self._begin_lock:
            self._running.settle([settlement])
            self._running.remove([call_id])

    def tidy(self, budgets: Sequence[int]) -> None:
        """Delete what is not needed any more: see `RunningCalls.tidy`.

        Raises:
            StoreUnavailable: the database can't be used.
        """
        with self._begin_lock:
            self._running.tidy(budgets)

    def _forget_settlements(self, count: int) -> None:
        for _ in range(count):
            self._settlements.popleft()

    def flush(self, timeout: float = _CLOSE_TIMEOUT) -> bool:
        """Write everything that waits. Returns whether it was written within `timeout` seconds."""
        if self._thread is None:
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
        if self._thread is None:
            return
        if not self.flush():
            _log.error("%d rows of the ledger were not written before the end", len(self._waiting) + len(self._failed))
        with self._start_lock:
            thread, self._thread, self._closing = self._thread, None, True
        atexit.unregister(self.close)
        self._write_now()
        if thread is not None:
            thread.join(_CLOSE_TIMEOUT)
        held = [lock for lock in self.locks if lock.acquire(timeout=_CLOSE_TIMEOUT)]
        if len(held) == len(self.locks):
            self._batches.close()
            self._running.close()
        for lock in held:
            lock.release()

    @property
    def locks(self) -> tuple[threading.Lock, threading.Lock]:
        """What is held during transactions."""
        return self._begin_lock, self._batch_lock

    def after_fork(self) -> None:
        """Start again in a child process; the parent writes what it has."""
        self._batches.forget()
        self._running.forget()
        self._reset()

    def _write_now(self) -> None:
        for event in (self._now, self._hurry, self._wake):
            event.set()

    @property
    def waiting(self) -> int:
        """How many changes are not written yet."""
        return len(self._waiting) + len(self._beginning) + len(self._failed)

    def _has_work(self) -> bool:
        return bool(self._waiting or self._generations or self._settlements or self._failed or self._busy)

    def _ensure_started(self) -> None:
        if self._thread is None:
            with self._start_lock:
                if self._thread is None:
                    self._closing = False
                    self._thread = threading.Thread(target=self._run, name="openrouter-toolkit-ledger", daemon=True)
                    self._thread.start()
                    atexit.register(self.close)

    def _run(self) -> None:
        again = True
        while not self._closing:
            self._wake.wait(0 if again else BEAT if self._beats else None)
            if self._begun:
                self._attempt(self._note_alive)
            if self._wake.is_set():
                self._pause()
            self._busy = True
            for event in (self._now, self._hurry, self._wake):
                event.clear()
            again = self._attempt(self._write_all) and not self._closing and self._attempt(self._idle)
            self._busy = False
            with self._written:
                self._written.notify_all()
            if self._failed or self._generations or self._settlements or self._ended:
                self._wake.set()

    def _pause(self) -> None:
        """Wait for more to write, and write ids of generations meanwhile."""
        until = monotonic() + min(_MAX_PAUSE, INTERVAL * 2.0**self._failures)
        while not self._now.is_set() and (left := until - monotonic()) > 0:
            if self._hurry.wait(left) and not self._now.wait(min(left, _SOON)):
                self._hurry.clear()
                self._attempt(self._update_running)

    def _attempt(self, work: Callable[[], bool]) -> bool:
        """Do some work, whatever happens in it. Returns what it returns, False if it failed."""
        try:
            return work()
        except StoreError as error:
            self._log_failure(error)
        except Exception as error:  # noqa: BLE001 - the thread goes on
            _log.error("the ledger's thread failed unexpectedly (%s)", type(error).__name__)
        return False

    def _write_all(self) -> bool:
        self._attempt(self._update_running)
        while self._failed or self._waiting:
            again = bool(self._failed)
            rows = self._failed or self._take()
            self._failed = rows  # until they are written
            try:
                self._write(rows, again=again)
            except StoreError as error:
                self._note_failure(error)
                return False
            except Exception:
                self._failed = []  # they would fail again and again, and all others with them
                self._lost += len(rows)
                raise
            self._failed = []
            self._note_success()
        return self._attempt(self._update_running)

    def _note_alive(self) -> bool:
        with self._begin_lock:
            self._running.note_alive()
        return False

    def _update_running(self) -> bool:
        """Write ids of generations, settle calls in budgets, and remove those that have ended and are written."""
        some, ended = self._generations.copy(), self._ended.copy()
        with self._begin_lock:
            settlements = list(self._settlements)
            self._running.settle(settlements)
            self._forget_settlements(len(settlements))
            self._running.note_generations(some)
            self._running.remove(ended)
        for call_id in some:
            self._generations.pop(call_id, None)
        del self._ended[: len(ended)]
        return True

    def _take(self) -> list[Change]:
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), _MAX_BATCH))]

    def _write(self, changes: list[Change], *, again: bool) -> None:
        with self._batch_lock:
            self._batches.write(changes, again=again)
        self._ended += [change.begun for change in changes if change.begun is not None]

    def _note_failure(self, error: Exception) -> None:
        self._log_failure(error)
        self._failures = min(self._failures + 1, 10)
        while len(self._waiting) > _MAX_WAITING:
            self._waiting.popleft()
            self._lost += 1
            self.lost += 1

    def _log_failure(self, error: Exception) -> None:
        if not self._is_logged:
            self._is_logged = True
            _log.error("the ledger can't be written, and free calls go on: %s", error)

    def _note_success(self) -> None:
        if self._is_logged:
            _log.warning("the ledger is written again; %d rows were lost", self._lost)
        self._failures = self._lost = 0
        self._is_logged = False
