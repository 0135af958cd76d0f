"""`mcp`: serve the actions as an MCP server on standard input and output, for clients that start it."""

from __future__ import annotations

import argparse
import signal
import sys
from typing import TYPE_CHECKING, Any

from . import registry_factory
from .failure import CommandFailed, usage_error
from .terminal import is_terminal, print_error, print_message
from .tools import add_toolset, toolset

if TYPE_CHECKING:
    from ..registry import ToolRegistry

_DESCRIPTION = """\
Serves the actions as tools of the Model Context Protocol on standard input and output, for one client that starts this
command, until its input ends. The client has to hand OPENROUTER_API_KEY down to it, unless accounts are connected."""


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "mcp",
        help="serve the actions to an MCP client (stdio)",
        description=_DESCRIPTION,
    )
    parser.add_argument("--user-id", metavar="U", default="default", help="whose connected account (default: default)")
    add_toolset(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until standard input ends; Ctrl-C ends the process at once."""
    if sys.stdin is None:
        raise usage_error("mcp reads standard input, and there is none")
    with registry_factory.registry(**toolset(options)) as registry:
        if not registry.actions:
            print_error("no action is left to offer: those that are allowed are denied, not read-only, or switched off")
        _serve(registry, options.user_id)
    return 0


def _serve(registry: ToolRegistry, user_id: str) -> None:
    from ..agents.mcp import serve_stdio, server

    try:
        mcp_server = server(registry, user_id=user_id)
    except ImportError as error:
        raise CommandFailed(str(error)) from None
    import anyio

    # A thread is always blocked on input, and Python's own handler of Ctrl-C would wait for that thread.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if is_terminal(sys.stdin):
        print_message("This is a server for an MCP client, which speaks to it on standard input. Ctrl-C ends it.")
    try:
        anyio.run(serve_stdio, mcp_server)
    except* BrokenPipeError:
        pass  # the client is gone, so there is nobody to report it to
