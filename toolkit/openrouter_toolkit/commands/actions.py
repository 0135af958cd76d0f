"""`actions`, `tools`, `listing`: the actions for people, for function calling, and for marketplaces."""

from __future__ import annotations

import argparse
import re
from typing import Any

from .. import __version__
from ..manifest import DOCUMENTED, Action, listings, load
from ..registry import ToolRegistry
from ..text.sanitize import safe_for_terminal, shorten
from . import terminal
from .store import open_registry

_SENTENCE = re.compile(r"(.+?)(?:(?<=[.!?]) |;|: |, after |$)")
_MAX_LINE_LENGTH = 100
_WIDE_TERMINAL = 140


def list_actions(options: argparse.Namespace) -> int:
    """List the actions in the manifest's order."""
    chosen = _toolsets(options)
    with open_registry(options.manifest, toolsets=chosen) as registry:
        listed = _listed(registry, chosen or [DOCUMENTED])
        if options.json:
            terminal.print_json([_summary(action) for action in listed])
        else:
            _print_table(listed, [] if chosen else _further(registry))
    return 0


def print_tools(options: argparse.Namespace) -> int:
    """Print the definitions in a format for function calling."""
    with open_registry(options.manifest, **toolset(options)) as registry:
        terminal.print_json(registry.tools(options.format, extensions=options.extensions))
    return 0


def print_listing(options: argparse.Namespace) -> int:
    """Print the toolkit's entry for Composio's marketplace or the MCP Registry."""
    if options.format == "composio":
        terminal.print_json(listings.composio(load()))
    else:
        terminal.print_json(listings.mcp_server(load(), name=options.name, version=__version__))
    return 0


def toolset(options: argparse.Namespace) -> dict[str, Any]:
    """The options that choose which actions may be used, as arguments of `ToolRegistry.from_manifest`."""
    return {
        "toolsets": _toolsets(options),
        "allow": options.allow,
        "deny": options.deny,
        "read_only": options.read_only,
    }


def _toolsets(options: argparse.Namespace) -> list[str] | None:
    """The names of the toolsets, which may also be written with commas."""
    given = options.toolsets
    return None if given is None else [name for text in given for name in text.split(",") if name]


def find(registry: ToolRegistry, slug: str) -> Action | None:
    """The action with this slug or alias; None if there is none."""
    action = registry.find(slug)
    return action if action is not None and action.slug in registry.actions else None


def effect(action: Action) -> str:
    """An action's effect in two words: whether it costs money, destroys or changes anything, or is withdrawn."""
    hints = action.definition.annotations
    if action.withdrawn:
        return "withdrawn"
    if hints.costsMoney:
        return "costs money"
    if hints.destructiveHint:
        return "destroys"
    return "read-only" if action.read_only else "changes things"


def _listed(registry: ToolRegistry, toolsets: list[str]) -> list[Action]:
    """The toolsets' actions that are on, and those that their API has withdrawn, whether on or off."""
    on = registry.actions
    return [one for one in registry.toolkits.of_toolsets(toolsets) if one.slug in on or one.withdrawn]


def _summary(action: Action) -> dict[str, Any]:
    """The part of a definition by which a program chooses an action."""
    definition = action.definition
    return {
        "slug": definition.slug,
        "name": definition.name,
        "description": definition.description,
        "tags": list(definition.tags),
        "annotations": definition.annotations.model_dump(),
    }


def _further(registry: ToolRegistry) -> list[str]:
    """The further toolsets, each with its size."""
    return [f"{one.name} ({one.size})" for loaded in registry.toolkits for one in loaded.toolsets.values()]


def _print_table(actions: list[Action], further: list[str]) -> None:
    from rich.table import Table
    from rich.text import Text

    console = terminal.console(piped_width=200)  # one line per action, for grep and sort
    wide = not console.is_terminal or console.width >= _WIDE_TERMINAL
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0 if wide else 1, 0))
    for name in ("action", "name", "effect") if wide else ("action", "effect"):
        table.add_column(name, no_wrap=True)
    table.add_column("what it does")
    for action in actions:
        slug, title = Text(action.slug, style="bold"), terminal.text(action.definition.name)
        first = [slug, title] if wide else [Text.assemble(slug, "\n", title)]
        style = "green" if effect(action) == "read-only" else "yellow"
        table.add_row(*first, Text(effect(action), style=style), Text(_first_sentence(action)))
    console.print(table)
    if console.is_terminal:
        terminal.print_message("openrouter-toolkit show SLUG tells more about one.")
        if further:
            terminal.print_message(f"Further toolsets, which --toolsets lists: {', '.join(further)}.")


def _first_sentence(action: Action) -> str:
    """The first sentence or clause of an action's description, on one line."""
    text = safe_for_terminal(action.definition.description)
    found = _SENTENCE.match(text)
    return shorten((found[1] if found else text).rstrip("."), _MAX_LINE_LENGTH)
