"""A fault that repeats itself is logged once a minute, with a count, however often it happens."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import NamedTuple

# asyncio's and uvicorn's would grow with whatever clients send.
_LOGGERS = ("openrouter_toolkit", "uvicorn.error", "asyncio")
_WINDOW = 60.0
_MOST_REMEMBERED = 1000
_LONGEST = 4000
# What differs from one time to the next: numbers and addresses in memory.
_VARYING = re.compile(r"0x[0-9a-f]+|\d+")


class _Fault(NamedTuple):
    since: float
    logger: str
    level: int
    first_line: str
    repeated: int


class RepeatedFaults(logging.Filter):
    """Lets each warning or error pass once; `report` tells how often it was repeated since. Safe from many threads."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()
        self._faults: dict[str, _Fault] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is something new."""
        if record.levelno < logging.WARNING or getattr(record, "is_report", False):
            return True
        message = record.getMessage()
        line = message.partition("\n")[0]
        # What failed stands at a traceback's end.
        key = _VARYING.sub("#", f"{record.name} {line[:_LONGEST]} {message[-_LONGEST:]}")
        with self._lock:
            fault = self._faults.get(key)
            if fault is None:
                if len(self._faults) >= _MOST_REMEMBERED:
                    del self._faults[next(iter(self._faults))]
                self._faults[key] = _Fault(self._clock(), record.name, record.levelno, line, 0)
                return True
            self._faults[key] = fault._replace(repeated=fault.repeated + 1)
            return False

    def report(self, window: float = _WINDOW) -> None:
        """Log the count of each fault that was repeated and is older than the window, and let it be new again."""
        ended = self._clock() - window
        with self._lock:
            over = {key: fault for key, fault in self._faults.items() if fault.since <= ended}
            for key in over:
                del self._faults[key]
        for fault in over.values():
            if fault.repeated:
                words = "%s (repeated %d times since)"
                logger = logging.getLogger(fault.logger)
                logger.log(fault.level, words, fault.first_line, fault.repeated, extra={"is_report": True})


@contextmanager
def said_once() -> Iterator[RepeatedFaults]:
    """While inside, the server's loggers repeat nothing."""
    faults = RepeatedFaults()
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(faults)
    try:
        yield faults
    finally:
        faults.report(0)
        for name in _LOGGERS:
            logging.getLogger(name).removeFilter(faults)
