"""`sandbox`: run a local stand-in for the OpenRouter API."""

from __future__ import annotations

import argparse
import socket
import sys

from ..sandbox import Sandbox, serve
from ..sandbox.application import PREFIX
from ..sandbox.connection import HOST
from .terminal import CommandFailed, print_message


def sandbox(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    try:
        with socket.socket() as trial:  # finds a free port, and whether the given one is in use
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(sys.platform != "win32"))
            trial.bind((HOST, options.port))
            port: int = trial.getsockname()[1]
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
