"""The argument parser: built from the table of commands; a typo is answered with the closest name."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib import import_module
from typing import Any, NoReturn

from ..text.close_matches import close_matches
from .terminal import PROGRAM, USAGE_ERROR, print_error, quote_input, redact_keys

_HINTS = {
    "connect": "a key is never taken from here, where others can read it: leave it out to be asked, or use --stdin",
}
# Adds itself to a parser or a group; keywords override its settings.
Option = Callable[..., object]
# Gives the words that a shell completes a value with; see argcomplete.
Completer = Callable[..., list[str]]


class Command:
    """A row of the table of commands: a command, or an action of the command before it."""

    def __init__(
        self,
        name: str,
        help: str,
        *options: Option,
        run: str | None = None,
        description: str = "",
        examples: str | None = None,
        whole_log: bool = False,
    ) -> None:
        """Describe a command.

        Args:
            name: the word that chooses it; for an action, the command and the word.
            help: a few words for the list of commands.
            options: its options. An action may repeat those of its command.
            run: the function that runs it and returns the exit status, as `module:function` of this package; it is
                imported when the command runs. By default, both are named as the command, or the function as its
                action. If empty, an action has to be given.
            description: one or several sentences; by default, `help` as a sentence.
            examples: the end of its help, printed as it is, and so is the description then.
            whole_log: whether all log records go to standard error, as a server's do, and not only warnings.
        """
        module, _, function = name.replace("-", "_").partition(" ")
        self.name, self.help, self.options = name, help, options
        self.run = f"{module}:{function or module}" if run is None else run
        self.description = description or f"{help[0].upper()}{help[1:]}."
        self.examples, self.whole_log = examples, whole_log


def option(
    usage: str, help: str, type: Callable[[str], Any] = str, *, complete: Completer | None = None, **settings: Any
) -> Option:
    """An option with a value, as `--name VALUE` or `-n,--name VALUE`, or a positional argument, as `name VALUE`."""
    names, _, metavar = usage.partition(" ")
    settings |= {"metavar": metavar or None, "help": help, "type": type}

    def add(parser: argparse.ArgumentParser, **more: Any) -> None:
        action = parser.add_argument(*names.split(","), **(settings | more))
        action.completer = complete  # type: ignore[attr-defined]  # where argcomplete looks for it

    return add


def several(usage: str, help: str, **settings: Any) -> Option:
    """An option that takes one or several values, and may be given again."""
    return option(usage, help, nargs="+", action="extend", **settings)


def flag(names: str, help: str, **settings: Any) -> Option:
    """An option without a value."""
    settings = {"action": "store_true", "help": help, **settings}
    return lambda parser, **more: parser.add_argument(*names.split(), **(settings | more))


def one_of(*options: Option, required: bool = False) -> Option:
    """Options of which one may be given, or must be."""

    def add(parser: argparse.ArgumentParser) -> None:
        group = parser.add_mutually_exclusive_group(required=required)
        for choice in options:
            choice(group)

    return add


def build(commands: Sequence[Command], *, version: str, description: str, epilog: str) -> argparse.ArgumentParser:
    """The parser of a whole command line."""
    raw = argparse.RawDescriptionHelpFormatter
    root = _Parser(prog=PROGRAM, description=description, epilog=epilog, formatter_class=raw)
    root.add_argument("--version", action="version", version=f"{PROGRAM} {version}")
    groups = {"": root.add_subparsers(dest="command", metavar="COMMAND", title="commands")}
    options = {command.name: command.options for command in commands}
    for command in commands:
        parent, _, name = command.name.rpartition(" ")
        parser = groups[parent].add_parser(
            name,
            help=command.help,
            description=command.description,
            epilog=command.examples,
            formatter_class=raw if command.examples else argparse.HelpFormatter,
        )
        for add in command.options:
            # An action's own default would override what was given before the action.
            add(parser, **({"default": argparse.SUPPRESS} if add in options.get(parent, ()) else {}))
        if command.run:
            parser.set_defaults(run=partial(_run, command.run), whole_log=command.whole_log)
        if any(other.startswith(f"{command.name} ") for other in options):
            groups[command.name] = parser.add_subparsers(
                dest="action", metavar="ACTION", title="actions", required=not command.run
            )
    return root


def _run(path: str, options: argparse.Namespace) -> int:
    module, _, function = path.partition(":")
    status: int = getattr(import_module(f".{module}", __package__), function)(options)
    return status


class _Parser(argparse.ArgumentParser):
    """Prints errors in one line, with the closest names for typos, and accepts no abbreviated options."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, **options})
        self._words: list[str] = []

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse as argparse does, but refuse unknown words. A message names options only: a value may be a secret."""
        self._words = list(sys.argv[1:] if args is None else args)
        options, unknown = super().parse_known_args(args, namespace)
        words = next((action.dest for action in self._get_positional_actions() if action.nargs == "*"), None)
        if words:  # those behind an option, which argparse leaves
            setattr(options, words, [*getattr(options, words), *(word for word in unknown if word[:1] != "-")])
            unknown = [word for word in unknown if word[:1] == "-"]
        if unknown:
            names = [word.partition("=")[0] for word in unknown if word.startswith("-")]
            problems = [self._no_such_option(name) for name in names] or ["too many words"]
            command = self.prog.rpartition(" ")[2]
            if command in _HINTS and (not names or (command == "connect" and any(map(_may_be_a_key, unknown)))):
                problems.append(_HINTS[command])
            self._exit("; ".join(problems))
        return options, unknown

    def error(self, message: str) -> NoReturn:
        """Exit with status 2. A missing option may be present but misspelt, so typos are reported first."""
        end = self._words.index("--") if "--" in self._words else None
        given = [word.partition("=")[0] for word in self._words[:end] if word.startswith("--")]
        typos = [name for name in given if name not in self._names and close_matches(name, self._names)]
        self._exit("; ".join(map(self._no_such_option, typos)) or message)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            choices = [str(choice) for choice in action.choices]
            named = quote_input(str(value))
            what = f"there is no {action.dest} {named}" if named else f"there is no such {action.dest}"
            self.error(f"{what}{_did_you_mean(str(value), choices) or '; there are ' + ', '.join(choices)}")

    @property
    def _names(self) -> list[str]:
        return [name for name in self._option_string_actions if name.startswith("--")]

    def _no_such_option(self, name: str) -> str:
        return f"unknown option {name}{_did_you_mean(name, self._names)}"

    def _exit(self, message: str) -> NoReturn:
        print_error(f"{message}; see {self.prog} --help")
        raise SystemExit(USAGE_ERROR)


def _did_you_mean(given: str, candidates: Iterable[str]) -> str:
    return "".join(f", did you mean {name}?" for name in close_matches(given, candidates))


def _may_be_a_key(word: str) -> bool:
    """Whether a word looks like a key, or is an option that would take one."""
    return word.startswith("sk-") or redact_keys(word) != word or "key" in word.partition("=")[0].lower()
