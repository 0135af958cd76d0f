"""The command line `openrouter-toolkit`: runs a command, logs to standard error, reports errors, sets exit statuses."""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from . import __version__
from .commands.parser import build
from .commands.table import COMMANDS
from .commands.terminal import PROGRAM, USAGE_ERROR, CommandFailed, print_error, print_message, redact_keys

_DEBUG = "OPENROUTER_TOOLKIT_DEBUG"
_INTERRUPTED = 130  # as a shell reports it: 128 plus the signal's number
_PIPE_CLOSED = 141
_EPILOG = f"""\
environment:
  OPENROUTER_API_KEY             connects the user `default` (a key is made at openrouter.ai/keys)
  OPENROUTER_MANAGEMENT_API_KEY  optional, reads the account's credit
  OPENROUTER_BASE_URL            default: https://openrouter.ai/api/v1
  OPENROUTER_TOOLKIT_DATABASE    where connected accounts are kept (default: a SQLite file of the user's)
  OPENROUTER_TOOLKIT_MASTER_KEY  what they are sealed with (default: a key that is made at first use)
  {_DEBUG}=1     tracebacks and the full log on standard error
  OPENROUTER_TOOLKIT_METRICS_TOKEN  optional, the token by which the server's /metrics can be read
  NO_COLOR=1                     no colours

`{PROGRAM} COMMAND --help` tells about a command; `{PROGRAM} demo` shows it all, offline."""


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    description = "OpenRouter for agents: declarative actions, each answered in one envelope."
    return build(COMMANDS, version=__version__, description=description, epilog=_EPILOG)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status: 0, 1 for a failure, 2 for a wrong command line, 130 for Ctrl-C."""
    if sys.stdout is None:
        print_error("standard output is closed, so nothing was done")
        return 1
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status = _run(argv)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print_message("Interrupted.")
        status = _INTERRUPTED
    except BrokenPipeError:
        status = _PIPE_CLOSED
    except Exception as error:  # noqa: BLE001 - the last resort: users see no traceback
        status = _report_error(error)
    _discard_unprinted()
    return status


def _run(argv: Sequence[str] | None) -> int:
    root = parser()
    if "_ARGCOMPLETE" in os.environ:  # a shell asks what to complete
        from .commands import completion

        completion.answer(root)
    try:
        options = root.parse_args(argv)
    except SystemExit as end:
        return int(end.code or 0)
    if options.command is None:
        root.print_help(sys.stderr)
        return USAGE_ERROR
    as_json = getattr(options, "log_format", "text") == "json"
    with logging_to_standard_error(whole=options.whole_log, as_json=as_json):
        status: int = options.run(options)
    return status


def _report_error(error: Exception) -> int:
    """Print why the command failed and return the exit status."""
    if os.environ.get(_DEBUG) == "1":
        import traceback

        print_message(redact_keys("".join(traceback.format_exception(error))))
    if isinstance(error, CommandFailed):
        print_error(error.reason)
        return error.status
    problems = getattr(error, "problems", None)  # of a ManifestError, which is not imported only for this check
    if problems:
        for problem in problems:
            print_error(problem)
        return USAGE_ERROR if getattr(error, "clash", False) else 1
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        print_error(f"{place}{error.strerror or type(error).__name__}")
    else:
        print_error(f"unexpected {type(error).__name__}; {_DEBUG}=1 shows where")
    return 1


def _discard_unprinted() -> None:
    """Drop output that could not be printed, so that the interpreter does not report it again when it exits."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _StandardError(logging.Handler):
    """Prints each record: the first line of its message, or the whole record with its time."""

    def __init__(self, level: int, *, whole: bool, as_json: bool) -> None:
        from .commands.log_format import JsonFormatter, TextFormatter

        super().__init__(level)
        self.setFormatter(JsonFormatter() if as_json else TextFormatter())
        self._whole = whole

    def emit(self, record: logging.LogRecord) -> None:
        if self._whole:
            print_message(redact_keys(self.format(record)))
        else:
            print_error(record.getMessage().partition("\n")[0])


@contextmanager
def logging_to_standard_error(*, whole: bool, as_json: bool = False) -> Iterator[None]:
    """A context in which log records go to standard error: warnings in one line, or (`whole`) all records in full.

    OPENROUTER_TOOLKIT_DEBUG=1 adds debug records. Keys are redacted.
    """
    debugging = os.environ.get(_DEBUG) == "1"
    usual_level = logging.INFO if whole else logging.WARNING
    handler = _StandardError(logging.DEBUG if debugging else usual_level, whole=whole or debugging, as_json=as_json)
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


if __name__ == "__main__":
    sys.exit(main())
