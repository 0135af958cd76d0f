"""`tools`: print the actions' definitions in a format for function calling."""

from __future__ import annotations

import argparse
from typing import Any

from . import registry_factory, terminal


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "tools",
        help="print the actions' definitions for function calling",
        description="Prints the actions' definitions as a JSON array, in the format that a model's API takes.",
    )
    parser.add_argument(
        "--format",
        metavar="FORMAT",
        type=_known_format,
        default="openai",
        help="openai (the default) or another; one that does not exist is answered with all that there are",
    )
    parser.add_argument(
        "--extensions", action="store_true", help="with the parameters that the API takes beyond the documented ones"
    )
    add_toolset(parser)
    parser.set_defaults(run=run)


def add_toolset(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose which actions may be used."""
    names = {"metavar": "SLUG|TAG", "action": "extend", "nargs": "+"}
    parser.add_argument("--allow", help="only these actions", **names)  # type: ignore[arg-type]
    parser.add_argument("--deny", help="not these actions, whatever else is said", **names)  # type: ignore[arg-type]
    parser.add_argument("--read-only", action="store_true", help="only actions that change nothing")


def run(options: argparse.Namespace) -> int:
    """Print the definitions."""
    with registry_factory.registry(**toolset(options)) as registry:
        terminal.print_json(registry.tools(options.format, extensions=options.extensions))
    return 0


def toolset(options: argparse.Namespace) -> dict[str, Any]:
    """The values of `add_toolset`'s options, as arguments of `ToolRegistry.from_manifest`."""
    return {"allow": options.allow, "deny": options.deny, "read_only": options.read_only}


def _known_format(name: str) -> str:
    from ..tool_calling import FORMATS

    if name not in FORMATS:
        raise argparse.ArgumentTypeError(f"there is no format {name!r}; there are {', '.join(FORMATS)}")
    return name
