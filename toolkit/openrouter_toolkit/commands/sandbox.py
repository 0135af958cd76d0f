"""`sandbox`: run a local stand-in for the OpenRouter API."""

from __future__ import annotations

import argparse
import socket
import sys
from typing import Any

from .failure import CommandFailed
from .terminal import print_message


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "sandbox",
        help="run a stand-in OpenRouter on this machine",
        description="Runs a stand-in OpenRouter, without network, account or cost, until Ctrl-C. "
        "The first line on standard output is its base URL.",
    )
    parser.add_argument("--port", metavar="P", type=_port, default=0, help="the port (default: a free one)")
    parser.add_argument(
        "--chunk-delay",
        metavar="SECONDS",
        type=_seconds,
        default=0.0,
        help="between the chunks of a stream (default: 0)",
    )
    parser.add_argument(
        "--generation-delay",
        metavar="SECONDS",
        type=_seconds,
        default=0.3,
        help="until GET /generation knows a generation that ended (default: 0.3)",
    )
    parser.add_argument(
        "--failure-rate",
        metavar="R",
        type=_rate,
        default=0.0,
        help="the share of completion calls that fail at random, from 0 to 1: half of them with 503, half by a closed "
        "connection (default: 0)",
    )
    parser.add_argument(
        "--seed", metavar="N", type=_integer, help="makes the same calls fail in every run (default: others each time)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    from ..sandbox import Sandbox, serve
    from ..sandbox.application import PREFIX
    from ..sandbox.connection import HOST

    try:
        port = _free_port(HOST, options.port)
        print_message("A sandbox that answers like OpenRouter; Ctrl-C stops it. To use it from another terminal:")
        print_message(f"  export OPENROUTER_BASE_URL=http://{HOST}:{port}{PREFIX}")
        print_message(f"  export OPENROUTER_API_KEY={Sandbox.api_key}")
        serve(
            port,
            chunk_delay=options.chunk_delay,
            generation_delay=options.generation_delay,
            failure_rate=options.failure_rate,
            seed=options.seed,
        )
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise CommandFailed(f"port {options.port} can't be used: {reason}; choose another with --port") from None
    return 0


def _free_port(host: str, port: int) -> int:
    """The given port, or a free one for 0. Raises `OSError` if the port is in use."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(sys.platform != "win32"))
        trial.bind((host, port))
        chosen: int = trial.getsockname()[1]
        return chosen


def _seconds(text: str) -> float:
    return _number(text, float("inf"), "give seconds, 0 or more")


def _rate(text: str) -> float:
    return _number(text, 1.0, "give a number from 0 to 1")


def _number(text: str, maximum: float, advice: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= maximum or number == float("inf"):
        raise argparse.ArgumentTypeError(advice)
    return number


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError("give an integer") from None


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise argparse.ArgumentTypeError("give a number from 0 to 65535")
    return int(text)
