"""The registry that commands work with: that of the connected accounts where there is a store of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import store_place
from .failure import wrong_command_line
from .terminal import PROGRAM, say

if TYPE_CHECKING:
    from ..registry import ToolRegistry


@contextmanager
def registry(**toolset: Any) -> Iterator[ToolRegistry]:
    """A registry while inside, for a toolset, and hooks, as `ToolRegistry.from_manifest` takes them.

    Where there is a store, its connected accounts and switches count, and the environment's keys for the user
    `default` as long as no account is connected for that one. Otherwise the environment's keys alone.

    A store that another installation left on the machine is passed over, with a word about it, where this one has not
    the packages to open it, and a key in the environment.

    Raises:
        CommandFailed: a name in the toolset does not exist (status 2), or the store can't be opened.
    """
    with ExitStack() as stack:
        connected = _connected(stack) if store_place.is_there() and not _passed_over() else {}
        yield stack.enter_context(_made(**connected, **toolset))


def _passed_over() -> bool:
    """Whether to go on without the store that is there, after saying so."""
    left = store_place.left_behind()
    if left is None:
        return False
    try:
        import_module("..store", __package__)
    except ImportError:
        pass
    else:
        return False
    from ..accounts import unusable  # noqa: PLC0415
    from ..manifest import load  # noqa: PLC0415

    auth = load().auth
    variable = auth.environment.get(auth.key.name, "")
    if unusable(os.environ.get(variable, "")) is not None:
        return False
    say(
        f"The store of connected accounts at {left} is not used: it was made by another installation, and this one "
        f"lacks its packages (pip install 'openrouter-toolkit[accounts]'). The key in {variable} is used instead."
    )
    return True


def _connected(stack: ExitStack) -> dict[str, Any]:
    from ..accounts import EnvironmentAccounts  # noqa: PLC0415
    from ..manifest import load  # noqa: PLC0415
    from .store_session import opened  # noqa: PLC0415

    loaded = load()
    store = stack.enter_context(opened())
    from ..store import StoredOrEnvironment  # noqa: PLC0415 - `opened` says so where the packages are missing

    return {
        "accounts": StoredOrEnvironment(store.for_registry(), EnvironmentAccounts(loaded.auth.environment)),
        "switched_off": lambda: store.switches.off(loaded.toolkit.slug),
    }


def _made(**options: Any) -> ToolRegistry:
    from ..manifest import ManifestError  # noqa: PLC0415
    from ..registry import ToolRegistry  # noqa: PLC0415

    try:
        return ToolRegistry.from_manifest(**options)
    except ManifestError:
        raise
    except ValueError as error:
        raise wrong_command_line(f"{error}; {PROGRAM} actions --json lists slugs and tags") from None
