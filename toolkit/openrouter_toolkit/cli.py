"""The command line `openrouter-toolkit`: argument parser, exit status and error output."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from . import __version__
from .commands import (
    accounts,
    actions,
    connect,
    demo,
    execute,
    keys,
    listing,
    log,
    mcp,
    return_addresses,
    sandbox,
    serve,
    show,
    tokens,
    tools,
)
from .commands.did_you_mean import misspelt, no_such_choice, no_such_option
from .commands.failure import USAGE_ERROR, CommandFailed
from .commands.terminal import PROGRAM, print_error, print_message, redact_keys

_INTERRUPTED = 130  # as a shell reports it: 128 plus the signal's number
_PIPE_CLOSED = 141
# In the order in which the help lists them.
_COMMANDS = (
    actions,
    show,
    execute,
    tools,
    mcp,
    connect,
    accounts,
    tokens,
    keys,
    serve,
    return_addresses,
    listing,
    sandbox,
    demo,
)
_ARGUMENTS_HINT = "an action's arguments go behind --arguments"
_KEYS_HINT = "a key is never taken from here, where others can read it: leave it out to be asked, or use --stdin"
_EPILOG = f"""\
environment:
  OPENROUTER_API_KEY             connects the user `default` (a key is made at openrouter.ai/keys)
  OPENROUTER_MANAGEMENT_API_KEY  optional, reads the account's credit
  OPENROUTER_BASE_URL            default: https://openrouter.ai/api/v1
  OPENROUTER_TOOLKIT_DATABASE    where connected accounts are kept (default: a SQLite file of the user's)
  OPENROUTER_TOOLKIT_MASTER_KEY  what they are sealed with (default: a key that is made at first use)
  {log.DEBUG}=1     tracebacks and the full log on standard error
  NO_COLOR=1                     no colours

`{PROGRAM} COMMAND --help` tells about a command; `{PROGRAM} demo` shows it all, offline."""


class _Parser(argparse.ArgumentParser):
    """An argument parser that prints errors in one line and accepts no abbreviated options."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **{"allow_abbrev": False, **options})  # type: ignore[arg-type]
        self._words: Sequence[str] = ()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse as argparse does, and keep the words for `error`, which looks for typos among them."""
        self._words = list(sys.argv[1:] if args is None else args)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Exit with status 2. A missing option may be present but misspelt, so typos are reported first."""
        typos = [no_such_option(name, [self]) for name in misspelt(self._words, self)]
        print_error(f"{'; '.join(typos) or message}; see {self.prog} --help")
        self.exit(USAGE_ERROR)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            self.error(no_such_choice(action, str(value)))


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    root = _Parser(
        prog=PROGRAM,
        description="OpenRouter for agents: declarative actions, each answered in one envelope.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = root.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for command in _COMMANDS:
        command.add(commands)
    return root


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
    try:
        options, unknown = root.parse_known_args(argv)
        if unknown:
            print_error(_unknown(root, options, unknown))
            return USAGE_ERROR
        if options.command is None:
            root.print_help(sys.stderr)
            return USAGE_ERROR
    except SystemExit as end:
        return int(end.code or 0)
    with log.on_standard_error(whole=getattr(options, "whole_log", False)):
        status: int = options.run(options)
    return status


def _unknown(root: argparse.ArgumentParser, options: argparse.Namespace, words: list[str]) -> str:
    """The error message for unknown words. It names options only, because a value may be a secret."""
    chosen = [root, *_chosen_parsers(root, options)]
    names = [word.partition("=")[0] for word in words if word.startswith("-")]
    problems = [no_such_option(name, chosen[1:] or chosen) for name in names] or ["too many words"]
    if options.command == "execute" and not names:
        problems.append(_ARGUMENTS_HINT)
    if options.command == "connect" and (not names or any(_may_be_a_key(word) for word in words)):
        problems.append(_KEYS_HINT)
    return f"{'; '.join(problems)}; see {chosen[-1].prog} --help"


def _chosen_parsers(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Iterator[argparse.ArgumentParser]:
    """The parsers of the chosen command and of the chosen action within it."""
    for action in parser._actions:  # noqa: SLF001
        name = getattr(options, action.dest, None)
        if isinstance(action, argparse._SubParsersAction) and name is not None:  # noqa: SLF001
            yield action.choices[name]
            yield from _chosen_parsers(action.choices[name], options)


def _may_be_a_key(word: str) -> bool:
    """Whether a word looks like a key, or is an option that would take one."""
    return word.startswith("sk-") or redact_keys(word) != word or "key" in word.partition("=")[0].lower()


def _report_error(error: Exception) -> int:
    """Print why the command failed and return the exit status."""
    if os.environ.get(log.DEBUG) == "1":
        import traceback

        print_message(redact_keys("".join(traceback.format_exception(error))))
    if isinstance(error, CommandFailed):
        print_error(error.reason)
        return error.status
    problems = getattr(error, "problems", None)  # of a ManifestError, which is not imported only for this check
    if problems:
        for problem in problems:
            print_error(problem)
    elif isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        print_error(f"{place}{error.strerror or type(error).__name__}")
    else:
        print_error(f"unexpected {type(error).__name__}; {log.DEBUG}=1 shows where")
    return 1


def _discard_unprinted() -> None:
    """Drop output that could not be printed, so that the interpreter does not report it again when it exits."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
