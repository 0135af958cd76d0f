"""`show`: one action, its parameters, and how it is called."""

from __future__ import annotations

import argparse
import json
import shlex
from typing import TYPE_CHECKING, Any

from ..wording import quoted, safe_for_terminal
from . import terminal
from .actions import effect, find
from .failure import CommandFailed

if TYPE_CHECKING:
    from rich.table import Table

    from ..manifest import Action
    from ..registry import ToolRegistry


def add(commands: Any) -> None:
    """Make the command known."""
    parser = commands.add_parser("show", help="tell about one action", description="Tells about one action.")
    parser.add_argument("slug", metavar="SLUG", help="the action; `openrouter-toolkit actions` lists them")
    parser.add_argument("--json", action="store_true", help="its full definition, for programs")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Tell about it, or that there is no such action."""
    from ..registry import ToolRegistry  # noqa: PLC0415

    registry = ToolRegistry.from_manifest()
    action = find(registry, options.slug)
    if action is None:
        raise CommandFailed(_unknown(registry, options.slug))
    if options.json:
        terminal.print_json(action.definition.model_dump(exclude_none=True))
    else:
        _print_action(action)
    return 0


def sample(schema: dict[str, Any]) -> Any:
    """A value of the right shape, with no more than what is required."""
    if schema.get("enum"):
        return schema["enum"][0]
    if "anyOf" in schema:
        return sample(schema["anyOf"][0])
    kind = schema.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: sample(properties.get(name, {})) for name in schema.get("required", [])}
    if kind == "array":
        return [sample(schema.get("items", {}))]
    number = schema.get("minimum", 1)
    return {"integer": number, "number": number, "boolean": True, "null": None}.get(kind, "...")


def _unknown(registry: ToolRegistry, slug: str) -> str:
    from ..nearest import nearest  # noqa: PLC0415

    near = nearest(slug, registry.actions)
    hint = f"did you mean {near[0]}?" if near else f"{terminal.PROGRAM} actions lists them"
    return f"there is no action {quoted(slug, 80)}; {hint}"


def _print_action(action: Action) -> None:
    from rich.text import Text  # noqa: PLC0415

    console = terminal.console()
    definition = action.definition
    console.print(Text(action.slug, style="bold"), Text(f"- {definition.name} ({effect(action)})"))
    console.print(Text(safe_for_terminal(definition.description)))
    console.print(Text(f"Tags: {', '.join(action.tags)}", style="dim"))
    if action.aliases:
        console.print(Text(f"Older slugs, still working: {', '.join(action.aliases)}", style="dim"))
    console.print()
    console.print(_parameters(definition.input_parameters))
    arguments = sample(definition.input_parameters)
    given = f" --arguments {shlex.quote(json.dumps(arguments))}" if arguments else ""
    python = f"ToolRegistry.from_manifest().execute({json.dumps(action.slug)}, {arguments!r})"
    for title, *code in (
        ("In Python:", "from openrouter_toolkit import ToolRegistry", python),
        ("On the command line:", f"{terminal.PROGRAM} execute {action.slug}{given}"),
    ):
        console.print()
        console.print(Text(title, style="bold"))
        for line in code:
            console.print(Text(f"  {safe_for_terminal(line)}"), soft_wrap=True)


def _parameters(schema: dict[str, Any]) -> Table:
    """A row a parameter: the documented ones, then those that the API takes beyond them."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("parameter", overflow="fold")
    table.add_column("type", max_width=24)
    table.add_column("required", no_wrap=True)
    table.add_column("description")
    properties: dict[str, Any] = schema.get("properties", {})
    for name, parameter in sorted(properties.items(), key=lambda item: bool(item[1].get("x-extension"))):
        extension = bool(parameter.get("x-extension"))
        needed = "required" if name in schema.get("required", ()) else "extension" if extension else ""
        description = safe_for_terminal(parameter.get("description", ""))
        style = "dim" if extension else ""
        table.add_row(
            Text(name, style="dim" if extension else "bold"),
            Text(type_of(parameter), style=style),
            Text(needed, style=style),
            Text(description, style=style),
        )
    return table


def type_of(schema: dict[str, Any]) -> str:
    """A parameter's type in words: `string or array of string`, `one of a, b`."""
    if schema.get("enum"):
        return "one of " + ", ".join(json.dumps(value) if value is None else str(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(type_of(part) for part in schema["anyOf"]))
    kinds = schema.get("type", "any")
    words = []
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        item = schema.get("items", {}).get("type") if kind == "array" else None
        words.append(f"array of {item}" if isinstance(item, str) else str(kind))
    return " or ".join(words)
