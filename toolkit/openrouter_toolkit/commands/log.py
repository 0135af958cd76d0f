"""The log on standard error: a line for each warning; for a server everything, with the time; without keys."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from . import terminal

DEBUG = "OPENROUTER_TOOLKIT_DEBUG"
_FORMAT = logging.Formatter("%(asctime)s %(levelname)s %(message)s")


class _StandardError(logging.Handler):
    """Prints each record: the first line of its message, or all of it."""

    def __init__(self, level: int, *, whole: bool) -> None:
        super().__init__(level)
        self.setFormatter(_FORMAT)
        self._whole = whole

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record."""
        if self._whole:
            terminal.say(terminal.without_keys(self.format(record)))
        else:
            terminal.complain(record.getMessage().partition("\n")[0])


@contextmanager
def on_standard_error(*, whole: bool) -> Iterator[None]:
    """While inside, the log goes there: warnings in short; or all that happens, with what led to it.

    OPENROUTER_TOOLKIT_DEBUG=1 adds what is only of interest to who looks for a mistake.
    """
    debugging = os.environ.get(DEBUG) == "1"
    quiet = logging.INFO if whole else logging.WARNING
    handler = _StandardError(logging.DEBUG if debugging else quiet, whole=whole or debugging)
    ours, everybodys = logging.getLogger("openrouter_toolkit"), logging.getLogger()
    before = ours.level
    if debugging or whole:
        ours.setLevel(handler.level)
    everybodys.addHandler(handler)
    try:
        yield
    finally:
        everybodys.removeHandler(handler)
        ours.setLevel(before)
