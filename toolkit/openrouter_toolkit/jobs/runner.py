"""Runs periodic jobs while this process has the lease, each in a thread of its own: none waits for another."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from ..call import Call, Caller
from ..store import StoreError
from ..store.audit.origin import Origin, acting
from ..store.database import Database
from ..text.redaction import redacted_traceback
from .lease import SECONDS, Lease

_LEASE = "jobs"
# A lease is renewed, or asked for, so many times within its time.
_RENEWALS = 5
_STOP_TIMEOUT = 2.0
_PAUSE_AFTER_FAILURE = 30.0
_log = logging.getLogger("openrouter_toolkit")


class Stop:
    """Tells the running jobs to stop, and ends the calls that they make."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._calls: set[Call] = set()

    def __bool__(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleep, and wake early to stop. Returns whether to stop."""
        return self._event.wait(seconds)

    @contextmanager
    def call(self, timeout: float, *, secrets: tuple[str, ...] = ()) -> Iterator[Call]:
        """Open a call that is cancelled when the jobs stop."""
        call = Call(timeout=timeout, secrets=secrets, caller=Caller())
        with self._lock:
            self._calls.add(call)
        try:
            if self:
                call.cancel()
            yield call
        finally:
            with self._lock:
                self._calls.discard(call)

    def set(self) -> None:
        """Stop now and for good."""
        self._event.set()
        with self._lock:
            calls = list(self._calls)
        for call in calls:
            call.cancel()


@dataclass(frozen=True)
class Job:
    """Something to do again and again. It must do no harm if two processes do it at once.

    Attributes:
        name: what it does, for the log, such as "the clean-up of the store".
        every: seconds between the end of a run and the next.
        run: does it once, and looks at the `Stop` whenever it has waited.
        after: seconds before the first run.
    """

    name: str
    every: float
    run: Callable[[Stop], object]
    after: float = 0.0


class _State:
    """What the runner knows of one job."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.due = 0.0
        self.thread: threading.Thread | None = None
        self.failed = False


class Runner:
    """Runs jobs in one process at a time of all those whose runner has the same database.

    A job that fails is logged, and run again later; it stops no other.
    """

    def __init__(
        self,
        database: Database,
        jobs: Iterable[Job],
        *,
        seconds: float = SECONDS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Start nothing yet. `seconds` is how long a process that was killed keeps the others waiting."""
        self._lease = Lease(database, _LEASE, seconds=seconds, clock=clock)
        self._interval = seconds / _RENEWALS
        self._clock = clock
        self._states = [_State(job) for job in jobs]
        self._stop = Stop()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._had_lease = self._store_failed = False

    @property
    def active(self) -> bool:
        """Whether this process is the one that runs the jobs."""
        return self._lease.held

    def start(self) -> None:
        """Begin to run jobs in the background, as soon as this process gets the lease."""
        self._stop = Stop()
        self._thread = threading.Thread(target=self._run, name="openrouter-toolkit-jobs", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop at once: no further run begins, and calls of those that run are ended.

        The lease is given back, unless a job goes on for more than two seconds.
        """
        self._stop.set()
        self._wake.set()
        until = monotonic() + _STOP_TIMEOUT
        for thread in (self._thread, *(state.thread for state in self._states)):
            if thread is not None:
                thread.join(max(0.0, until - monotonic()))
                if thread.is_alive():
                    return
        try:
            self._lease.release()
        except StoreError as error:
            _log.warning("the lease of the background jobs was not given back, and runs out by itself: %s", error)

    def _run(self) -> None:
        renew_at = self._clock()
        while not self._stop:
            at = self._clock()
            if at >= renew_at:
                self._renew()
                renew_at = at + self._interval
            waits = [renew_at]
            if self._lease.held:
                for state in self._states:
                    if state.thread is None and state.due <= at:
                        self._begin(state)
                    elif state.thread is None:
                        waits.append(state.due)
            self._wake.wait(max(0.0, min(waits) - self._clock()))
            self._wake.clear()

    def _renew(self) -> None:
        try:
            held = self._lease.renew()
            if held and not self._had_lease:
                for state in self._states:
                    state.due = self._clock() + state.job.after
            self._had_lease = held
            self._store_failed = False
        except StoreError as error:
            if not self._store_failed:
                _log.warning("the background jobs wait for the database: %s", error)
            self._store_failed = True
        except Exception:  # noqa: BLE001 - the thread goes on whatever happens
            _log.error("the lease of the background jobs failed\n%s", redacted_traceback())

    def _begin(self, state: _State) -> None:
        thread = threading.Thread(target=self._run_once, args=(state,), name="openrouter-toolkit-job", daemon=True)
        state.thread = thread
        try:
            thread.start()
        except RuntimeError:  # no more threads, or the interpreter is shutting down
            state.thread, state.due = None, self._clock() + _PAUSE_AFTER_FAILURE

    def _run_once(self, state: _State) -> None:
        job, pause = state.job, state.job.every
        try:
            if self._lease.confirm():
                with acting(Origin("server")):
                    job.run(self._stop)
            state.failed = False
        except Exception as error:  # noqa: BLE001 - a failure must end neither this job nor another
            pause = max(pause, _PAUSE_AFTER_FAILURE)
            if not self._stop and not state.failed:  # a failure that goes on is logged once
                expected = isinstance(error, StoreError)
                _log.error("%s failed: %s", job.name, error if expected else f"\n{redacted_traceback()}")
            state.failed = True
        finally:
            state.due = self._clock() + pause
            state.thread = None
            self._wake.set()
