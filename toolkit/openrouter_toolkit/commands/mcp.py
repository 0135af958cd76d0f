"""`mcp`: serve the actions as an MCP server on standard input and output, for clients that start it."""

from __future__ import annotations

import argparse
import signal
import sys

from . import terminal
from .actions import toolset
from .store import open_registry


def mcp(options: argparse.Namespace) -> int:
    """Serve until standard input ends; Ctrl-C ends the process at once."""
    from ..agents.mcp import serve_stdio, server

    if sys.stdin is None:
        raise terminal.usage_error("mcp reads standard input, and there is none")
    with open_registry(options.manifest, **toolset(options)) as registry:
        if not registry.actions:
            terminal.print_error(
                "no action is left to offer: those that are allowed are denied, not read-only, or switched off"
            )
        try:
            mcp_server = server(registry, user_id=options.user_id)
        except ImportError as error:
            raise terminal.CommandFailed(str(error)) from None
        import anyio

        # A thread is always blocked on input, and Python's own handler of Ctrl-C would wait for that thread.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if terminal.is_terminal(sys.stdin):
            terminal.print_message(
                "This is a server for an MCP client, which speaks to it on standard input. Ctrl-C ends it."
            )
        try:
            anyio.run(serve_stdio, mcp_server)
        except* BrokenPipeError:
            pass  # the client is gone, so there is nobody to report it to
    return 0
