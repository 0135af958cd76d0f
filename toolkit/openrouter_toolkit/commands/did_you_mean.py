"""Commands and options that there aren't: the name that was probably meant."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence

from ..text.close_matches import close_matches
from . import terminal


def no_such_choice(action: argparse.Action, given: str) -> str:
    """What is said about a word that is none of an action's choices; the choices, where none resembles it."""
    choices = [str(choice) for choice in action.choices or ()]
    kind = action.dest  # command, action, format
    named = terminal.repeated(given)
    what = f"there is no {kind} {named}" if named else f"there is no such {kind}"
    return f"{what}{_meant(given, choices) or '; there are ' + ', '.join(choices)}"


def no_such_option(name: str, parsers: Sequence[argparse.ArgumentParser]) -> str:
    """What is said about an option that none of the parsers has."""
    return f"unknown option {name}{_meant(name, _options(parsers))}"


def misspelt(words: Sequence[str], parser: argparse.ArgumentParser) -> list[str]:
    """Those words of a command line that are no options of the parser, and resemble one."""
    known = _options([parser])
    given = [word.partition("=")[0] for word in words[: words.index("--") if "--" in words else None]]
    return [word for word in given if word.startswith("--") and word not in known and close_matches(word, known)]


def _options(parsers: Sequence[argparse.ArgumentParser]) -> list[str]:
    names = [name for parser in parsers for name in parser._option_string_actions]  # noqa: SLF001
    return [name for name in dict.fromkeys(names) if name.startswith("--")]


def _meant(given: str, candidates: Iterable[str]) -> str:
    return "".join(f", did you mean {meant}?" for meant in close_matches(given, candidates))
