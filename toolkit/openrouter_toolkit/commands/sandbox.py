"""`sandbox`: a stand-in OpenRouter on this machine."""

from __future__ import annotations

import argparse
import socket
import sys
from typing import Any

from .failure import CommandFailed
from .terminal import say


def add(commands: Any) -> None:
    """Make the command known."""
    parser = commands.add_parser(
        "sandbox",
        help="run a stand-in OpenRouter on this machine",
        description="Runs a stand-in OpenRouter, without network, account or cost, until Ctrl-C. "
        "The first line on standard output is its base URL.",
    )
    parser.add_argument("--port", metavar="P", type=_port, default=0, help="the port (default: a free one)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    from ..sandbox import Sandbox, serve  # noqa: PLC0415
    from ..sandbox.application import PREFIX  # noqa: PLC0415
    from ..sandbox.server import HOST  # noqa: PLC0415

    try:
        port = _free(HOST, options.port)
        say("A sandbox that answers like OpenRouter; Ctrl-C stops it. To use it from another terminal:")
        say(f"  export OPENROUTER_BASE_URL=http://{HOST}:{port}{PREFIX}")
        say(f"  export OPENROUTER_API_KEY={Sandbox.api_key}")
        serve(port)
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise CommandFailed(f"port {options.port} can't be used: {reason}; choose another with --port") from None
    return 0


def _free(host: str, port: int) -> int:
    """The port itself, or a free one for 0; raises `OSError` when it is taken."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(sys.platform != "win32"))
        trial.bind((host, port))
        chosen: int = trial.getsockname()[1]
        return chosen


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise argparse.ArgumentTypeError("give a number from 0 to 65535")
    return int(text)
