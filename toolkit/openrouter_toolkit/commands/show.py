"""`show`: describe one action, its parameters and how to call it."""

from __future__ import annotations

import argparse
import json
import shlex
import textwrap
from typing import TYPE_CHECKING, Any

from ..manifest import DOCUMENTED, Action, Toolkits, load_several
from ..text.close_matches import close_matches
from ..text.sanitize import quoted, safe_for_terminal
from ..validation.words import limits
from . import terminal
from .actions import effect

if TYPE_CHECKING:  # slow to import, and `--json` does not need it
    from rich.console import Console

_MIN_WIDTH = 30


def show(options: argparse.Namespace) -> int:
    """Print the action's description, or fail if there is no such action."""
    loaded = load_several([None, *options.manifest])
    toolkits = Toolkits(loaded)
    action = toolkits.find(options.slug)
    if action is None:
        near = close_matches(options.slug, [one.slug for one in toolkits.all_actions])
        hint = f"did you mean {near[0]}?" if near else f"{terminal.PROGRAM} actions lists them"
        raise terminal.CommandFailed(f"there is no action {quoted(options.slug, 80)}; {hint}")
    if options.json:
        terminal.print_json(action.definition.model_dump(exclude_none=True))
    else:
        print_action(action, dict(zip(loaded, [None, *options.manifest], strict=True))[toolkits.of(action)])
    return 0


def sample(schema: dict[str, Any]) -> Any:
    """An example value that fits the schema, with required properties only."""
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


def print_action(action: Action, manifest: str | None) -> None:
    """Print an action; `manifest` is the path of its manifest, None for the packaged one."""
    console = terminal.console()
    definition = action.definition
    _print(console, f"{action.slug} - {definition.name} ({effect(action)})", style="bold")
    _print(console, definition.description)
    if action.withdrawn:
        _print(console, f"Not offered to models: {action.withdrawn}", style="yellow")
    _print(console, f"Tags: {', '.join(action.tags)}", style="dim")
    if action.toolset != DOCUMENTED:
        _print(console, f"Toolset: {action.toolset}, which agents see only if it is chosen", style="dim")
    if action.aliases:
        _print(console, f"Older slugs, still working: {', '.join(action.aliases)}", style="dim")
    _print_parameters(console, definition.input_parameters)
    arguments = sample(definition.input_parameters)
    given = f" --arguments {shlex.quote(json.dumps(arguments))}" if arguments else ""
    given += f" --manifest {shlex.quote(manifest)}" if manifest else ""
    path = json.dumps(manifest) if manifest else ""
    chosen = "" if action.toolset == DOCUMENTED else f"toolsets=[{json.dumps(action.toolset)}]"
    made = f"ToolRegistry.from_manifest({', '.join(filter(None, (path, chosen)))})"
    python = f"{made}.execute({json.dumps(action.slug)}, {arguments!r})"
    for title, *code in (
        ("In Python:", "from openrouter_toolkit import ToolRegistry", python),
        ("On the command line:", f"{terminal.PROGRAM} execute {action.slug}{given}"),
    ):
        console.print()
        _print(console, title, style="bold")
        for line in code:
            console.print(terminal.text(f"  {line}"), soft_wrap=True)


def _print_parameters(console: Console, schema: dict[str, Any]) -> None:
    """Print two lines per parameter: first the documented ones, then the extensions."""
    properties: dict[str, Any] = schema.get("properties", {})
    for name, parameter in sorted(properties.items(), key=lambda item: bool(item[1].get("x-extension"))):
        extension = bool(parameter.get("x-extension"))
        needed = "; required" if name in schema.get("required", ()) else "; extension" if extension else ""
        console.print()
        _print(console, f"{name}  {type_of(parameter)}{needed}", style="dim" if extension else "bold")
        _print(console, parameter.get("description", ""), indent="    ", style="dim" if extension else "")


def _print(console: Console, text: str, *, indent: str = "", style: str = "") -> None:
    """Print text wrapped between words only, because a value that is cut or broken can't be copied."""
    lines = textwrap.wrap(
        safe_for_terminal(text),
        max(console.width, _MIN_WIDTH),
        initial_indent=indent,
        subsequent_indent=indent or "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    for line in lines:
        console.print(terminal.text(line, style), soft_wrap=True)


def type_of(schema: dict[str, Any]) -> str:
    """A parameter's type in words, with its constraints: `string or null`, `integer, at least 1`.

    Where the API also accepts a boolean written as text, the two spellings are shown as one value.
    """
    if schema.get("enum"):
        values = [value if isinstance(value, str) else json.dumps(value) for value in schema["enum"]]
        return "one of " + ", ".join(dict.fromkeys(values))
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(type_of(part) for part in schema["anyOf"]))
    kinds = schema.get("type", "any")
    words = []
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        item = type_of(schema["items"]) if kind == "array" and isinstance(schema.get("items"), dict) else ""
        words.append(f"array of {item}" if item not in ("", "any") else str(kind))
    return ", ".join([" or ".join(words), *limits(schema)])
