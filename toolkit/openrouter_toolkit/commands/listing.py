"""`listing`: print the toolkit's entry for a marketplace."""

from __future__ import annotations

import argparse

from .. import __version__
from ..manifest import listings, load
from .terminal import print_json


def listing(options: argparse.Namespace) -> int:
    """Print the entry of Composio's kind, or of the MCP Registry's."""
    if options.format == "composio":
        print_json(listings.composio(load()))
    else:
        print_json(listings.mcp_server(load(), name=options.name, version=__version__))
    return 0
