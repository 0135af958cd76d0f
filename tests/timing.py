"""Bounds on time that hold on a busy machine: CPU time, the best of several tries, and waiting for an event."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Result = TypeVar("Result")
# Longer than anything that is waited for takes, and far shorter than what must not be waited for.
PATIENCE = 20.0


@contextmanager
def cpu_below(seconds: float) -> Iterator[None]:
    """What is done inside uses less CPU time, in all threads of this process."""
    started = time.process_time()
    yield
    assert time.process_time() - started < seconds


def wait_until(condition: Callable[[], object], patience: float = PATIENCE) -> float:
    """Wait until something is so: the seconds that it took. AssertionError when it never is."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < patience, "it did not come to that"
        time.sleep(0.01)
    return time.monotonic() - begun


def quickest(run: Callable[[], Result], below: float, tries: int = 5) -> tuple[float, Result]:
    """The shortest time that `run` took, and its last result. It is run again only while none was below the bound."""
    took = float("inf")
    for _ in range(tries):
        begun = time.monotonic()
        result = run()
        took = min(took, time.monotonic() - begun)
        if took < below:
            break
    return took, result
