"""Logging to standard error without keys: one line per warning or, for a server, every record with its time."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from . import terminal

DEBUG = "OPENROUTER_TOOLKIT_DEBUG"
_FORMAT = logging.Formatter("%(asctime)s %(levelname)s %(message)s")


class _StandardError(logging.Handler):
    """Prints each record: the first line of its message, or the whole record."""

    def __init__(self, level: int, *, whole: bool) -> None:
        super().__init__(level)
        self.setFormatter(_FORMAT)
        self._whole = whole

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record."""
        if self._whole:
            terminal.print_message(terminal.redact_keys(self.format(record)))
        else:
            terminal.print_error(record.getMessage().partition("\n")[0])


@contextmanager
def on_standard_error(*, whole: bool) -> Iterator[None]:
    """A context in which log records go to standard error: warnings in one line, or (`whole`) all records in full.

    OPENROUTER_TOOLKIT_DEBUG=1 adds debug records.
    """
    debugging = os.environ.get(DEBUG) == "1"
    usual_level = logging.INFO if whole else logging.WARNING
    handler = _StandardError(logging.DEBUG if debugging else usual_level, whole=whole or debugging)
    toolkit_logger, root_logger = logging.getLogger("openrouter_toolkit"), logging.getLogger()
    level_before = toolkit_logger.level
    if debugging or whole:
        toolkit_logger.setLevel(handler.level)
    root_logger.addHandler(handler)
    try:
        yield
    finally:
        root_logger.removeHandler(handler)
        toolkit_logger.setLevel(level_before)
