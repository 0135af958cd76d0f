"""`actions`: list the toolkit's actions, as a table for people or as JSON for programs."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any

from ..text.sanitize import safe_for_terminal, shorten
from . import registry_factory, terminal

if TYPE_CHECKING:
    from ..manifest import Action
    from ..registry import ToolRegistry

_SENTENCE = re.compile(r"(.+?)(?:(?<=[.!?]) |;|: |, after |$)")
_MAX_LINE_LENGTH = 100
_WIDE_TERMINAL = 140


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser("actions", help="list the actions", description="Lists the actions.")
    parser.add_argument("--json", action="store_true", help="as a JSON array, for programs")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """List the actions in the manifest's order."""
    with registry_factory.registry() as registry:
        if options.json:
            terminal.print_json([summary(action) for action in registry.actions.values()])
        else:
            _print_table(registry)
    return 0


def find(registry: ToolRegistry, slug: str) -> Action | None:
    """The action with this slug or alias; None if there is none."""
    return next((a for a in registry.actions.values() if slug == a.slug or slug in a.aliases), None)


def summary(action: Action) -> dict[str, Any]:
    """The part of a definition by which a program chooses an action."""
    definition = action.definition
    return {
        "slug": definition.slug,
        "name": definition.name,
        "description": definition.description,
        "tags": list(definition.tags),
        "annotations": definition.annotations.model_dump(),
    }


def effect(action: Action) -> str:
    """An action's effect in two words: whether it costs money or changes anything."""
    if action.definition.annotations.costsMoney:
        return "costs money"
    return "read-only" if action.read_only else "changes things"


def _print_table(registry: ToolRegistry) -> None:
    from rich.table import Table
    from rich.text import Text

    console = terminal.console()
    wide = not console.is_terminal or console.width >= _WIDE_TERMINAL
    if not console.is_terminal:
        console.width = 200  # one line per action, for grep and sort
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0 if wide else 1, 0))
    table.add_column("action", no_wrap=True)
    if wide:
        table.add_column("name", no_wrap=True)
    table.add_column("effect", no_wrap=True)
    table.add_column("what it does")
    for action in registry.actions.values():
        slug = Text(action.slug, style="bold")
        name = Text(safe_for_terminal(action.definition.name))
        first = [slug, name] if wide else [Text.assemble(slug, "\n", name)]
        style = "yellow" if action.definition.annotations.costsMoney else "green"
        table.add_row(*first, Text(effect(action), style=style), Text(first_sentence(action)))
    console.print(table)
    if console.is_terminal:
        terminal.print_message("openrouter-toolkit show SLUG tells more about one.")


def first_sentence(action: Action) -> str:
    """The first sentence or clause of an action's description, on one line."""
    text = safe_for_terminal(action.definition.description)
    found = _SENTENCE.match(text)
    return shorten((found[1] if found else text).rstrip("."), _MAX_LINE_LENGTH)
