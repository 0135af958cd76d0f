"""`demo`: an agent's way through the actions, against the bundled sandbox or the real API."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from .. import chosen_registry, store_place
from ..failure import wrong_command_line
from ..terminal import PROGRAM

if TYPE_CHECKING:
    from ...registry import ToolRegistry

_CHUNK_DELAY = 0.1  # seconds: slow enough to see tokens come


def add(commands: Any) -> None:
    """Make the command known."""
    parser = commands.add_parser(
        "demo",
        help="walk through the actions as an agent would",
        description="Walks through the actions as an agent would: against the bundled sandbox, offline and free.",
    )
    parser.add_argument(
        "--live",
        action="store_true",
        help="against the real API (or whatever OPENROUTER_BASE_URL names), with the account that is connected for the "
        "user `default`, or OPENROUTER_API_KEY; "
        "costs a small part of a cent",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Tell the whole story; 0 when every step went as it should."""
    return _live() if options.live else _offline()


def _offline() -> int:
    from ...accounts import MemoryAccounts  # noqa: PLC0415
    from ...registry import ToolRegistry  # noqa: PLC0415
    from ...sandbox import Sandbox  # noqa: PLC0415

    with Sandbox(chunk_delay=_CHUNK_DELAY) as sandbox:
        return _tell(
            "Against the bundled sandbox: nothing leaves this machine, and nothing costs money.",
            partial(
                ToolRegistry.from_manifest,
                accounts=MemoryAccounts({"default": {"api_key": sandbox.api_key}}),
                client_options={"base_url": sandbox.base_url},
            ),
            sandboxed=True,
        )


def _live() -> int:
    if not os.environ.get("OPENROUTER_API_KEY") and not store_place.is_there():
        raise wrong_command_line(
            "demo --live wants a key: make one at https://openrouter.ai/keys and set OPENROUTER_API_KEY to it, "
            f"or connect it with {PROGRAM} connect; without --live, the demo runs offline"
        )
    where = "the API that OPENROUTER_BASE_URL names" if os.environ.get("OPENROUTER_BASE_URL") else "OpenRouter itself"
    return _tell(
        f"Against {where}: three short completions, and a little work with tools, by one of the cheapest models. "
        "They may cost a small part of a cent.",
        chosen_registry.registry,
        sandboxed=False,
    )


def _tell(where: str, connected: Callable[..., AbstractContextManager[ToolRegistry]], *, sandboxed: bool) -> int:
    """Tell the story with registries that `connected` makes, which takes toolset and hooks."""
    from .agent import TOOLS, frugal  # noqa: PLC0415

    with (
        connected() as registry,
        connected(allow=TOOLS, before_execute=frugal) as toolset,
    ):
        return _told(registry, toolset, where, sandboxed=sandboxed)


def _told(registry: ToolRegistry, toolset: ToolRegistry, where: str, *, sandboxed: bool) -> int:
    from .screen import Screen  # noqa: PLC0415
    from .story import tell  # noqa: PLC0415
    from .walk import Surprise, Walk  # noqa: PLC0415

    program = PROGRAM if shutil.which(PROGRAM) else os.path.relpath(sys.argv[0])
    screen = Screen()
    walk = Walk(registry, screen)
    started = monotonic()
    screen.opening("OpenRouter for agents: one way through its actions", where)
    try:
        tell(walk, toolset, sandboxed=sandboxed)
    except Surprise as surprise:
        screen.closing(f"Stopped: {surprise}", [], good=False)
        return 1
    screen.closing(
        f"{walk.calls} calls, {walk.refused} of them refused as expected and mended, "
        f"in {monotonic() - started:.1f} s, for US$ {walk.cost:.8f}.",
        [
            (f"{program} actions", "what else there is"),
            (f"{program} execute SLUG --arguments '{{...}}'", "one call, its envelope as JSON"),
            (f"{program} tools --format openai", "the definitions, for your own agent"),
            (f"{program} demo --live", "the same with the real API")
            if sandboxed
            else (f"{program} sandbox", "the offline stand-in, for tests"),
        ],
    )
    return 0
