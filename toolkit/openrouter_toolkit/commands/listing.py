"""`listing`: print the toolkit's entry for a marketplace."""

from __future__ import annotations

import argparse
import re
from typing import Any

from .. import __version__
from . import terminal

_NAME = re.compile(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+")
_DEFAULT_NAME = "io.github.openrouter-toolkit/openrouter-toolkit"


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "listing",
        help="print the toolkit's entry for a marketplace",
        description="Prints the toolkit as a marketplace lists it, as JSON: Composio's toolkit metadata, or a "
        "server.json of the MCP Registry.",
    )
    parser.add_argument(
        "--format", choices=("composio", "mcp-registry"), default="composio", help="whose listing (default: composio)"
    )
    parser.add_argument(
        "--name",
        metavar="NAMESPACE/SERVER",
        type=_name,
        default=_DEFAULT_NAME,
        help=f"the server's name in the MCP Registry, in a namespace that you own (default: {_DEFAULT_NAME})",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the entry."""
    from ..manifest import listings, load

    loaded = load()
    if options.format == "composio":
        terminal.print_json(listings.composio(loaded))
    else:
        terminal.print_json(listings.mcp_server(loaded, name=options.name, version=__version__))
    return 0


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError("wanted a namespace in reverse DNS, a slash and a name: io.github.you/server")
    return text
