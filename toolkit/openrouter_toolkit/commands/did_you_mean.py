"""Error messages for unknown commands and options, with a suggestion of the closest name."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence

from ..text.close_matches import close_matches
from . import terminal


def no_such_choice(action: argparse.Action, given: str) -> str:
    """The message for a word that is not a valid choice: the closest choice or, if none is close, all choices."""
    choices = [str(choice) for choice in action.choices or ()]
    kind = action.dest  # command, action, format
    named = terminal.quote_input(given)
    what = f"there is no {kind} {named}" if named else f"there is no such {kind}"
    return f"{what}{_did_you_mean(given, choices) or '; there are ' + ', '.join(choices)}"


def no_such_option(name: str, parsers: Sequence[argparse.ArgumentParser]) -> str:
    """The message for an option that none of the parsers has."""
    return f"unknown option {name}{_did_you_mean(name, _options(parsers))}"


def misspelt(words: Sequence[str], parser: argparse.ArgumentParser) -> list[str]:
    """The words of a command line that are not options of the parser but resemble one."""
    known = _options([parser])
    given = [word.partition("=")[0] for word in words[: words.index("--") if "--" in words else None]]
    return [word for word in given if word.startswith("--") and word not in known and close_matches(word, known)]


def _options(parsers: Sequence[argparse.ArgumentParser]) -> list[str]:
    names = [name for parser in parsers for name in parser._option_string_actions]  # noqa: SLF001
    return [name for name in dict.fromkeys(names) if name.startswith("--")]


def _did_you_mean(given: str, candidates: Iterable[str]) -> str:
    return "".join(f", did you mean {name}?" for name in close_matches(given, candidates))
