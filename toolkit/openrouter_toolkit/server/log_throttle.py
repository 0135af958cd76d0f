"""Throttles the log: a repeated warning or error is logged once a minute, with a count."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import NamedTuple

# Clients could otherwise fill the logs of asyncio and uvicorn with bad requests.
_LOGGERS = ("openrouter_toolkit", "uvicorn.error", "asyncio")
_WINDOW = 60.0
_MAX_REMEMBERED = 1000
_MAX_KEY_LENGTH = 4000
# The parts that differ between repetitions: numbers and memory addresses.
_VARYING = re.compile(r"0x[0-9a-f]+|\d+")


class _Fault(NamedTuple):
    since: float
    logger: str
    level: int
    first_line: str
    repeated: int


class RepeatedFaults(logging.Filter):
    """Lets each warning or error pass once; `report` logs how often it was repeated. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()
        self._faults: dict[str, _Fault] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is new and should be logged."""
        if record.levelno < logging.WARNING or getattr(record, "is_report", False):
            return True
        message = record.getMessage()
        line = message.partition("\n")[0]
        # The exception is at the end of a traceback.
        key = _VARYING.sub("#", f"{record.name} {line[:_MAX_KEY_LENGTH]} {message[-_MAX_KEY_LENGTH:]}")
        with self._lock:
            fault = self._faults.get(key)
            if fault is None:
                if len(self._faults) >= _MAX_REMEMBERED:
                    del self._faults[next(iter(self._faults))]
                self._faults[key] = _Fault(self._clock(), record.name, record.levelno, line, 0)
                return True
            self._faults[key] = fault._replace(repeated=fault.repeated + 1)
            return False

    def report(self, window: float = _WINDOW) -> None:
        """Log the count of each repeated fault that is older than `window` seconds, then forget it."""
        cutoff = self._clock() - window
        with self._lock:
            expired = {key: fault for key, fault in self._faults.items() if fault.since <= cutoff}
            for key in expired:
                del self._faults[key]
        for fault in expired.values():
            if fault.repeated:
                text = "%s (repeated %d times since)"
                logger = logging.getLogger(fault.logger)
                logger.log(fault.level, text, fault.first_line, fault.repeated, extra={"is_report": True})


@contextmanager
def throttled_logging() -> Iterator[RepeatedFaults]:
    """Suppress repeated warnings and errors of the server's loggers inside the context."""
    faults = RepeatedFaults()
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(faults)
    try:
        yield faults
    finally:
        faults.report(0)
        for name in _LOGGERS:
            logging.getLogger(name).removeFilter(faults)
