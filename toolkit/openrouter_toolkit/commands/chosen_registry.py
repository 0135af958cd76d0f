"""The registry that commands work with: that of the connected accounts where there is a store of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .failure import wrong_command_line

if TYPE_CHECKING:
    from ..registry import ToolRegistry

_DATABASE = "OPENROUTER_TOOLKIT_DATABASE"
_SQLITE = "sqlite:///"


@contextmanager
def registry(**toolset: Any) -> Iterator[ToolRegistry]:
    """A registry while inside, for a toolset as `ToolRegistry.from_manifest` takes it.

    Where there is a store, its connected accounts and switches count, and the environment's keys for the user
    `default` as long as no account is connected for that one. Otherwise the environment's keys alone.

    Raises:
        CommandFailed: a name in the toolset does not exist (status 2), or the store can't be opened.
    """
    with ExitStack() as stack:
        connected = _connected(stack) if _is_there() else {}
        yield stack.enter_context(_made(**connected, **toolset))


def _connected(stack: ExitStack) -> dict[str, Any]:
    from .opened_store import opened  # noqa: PLC0415

    store = stack.enter_context(opened())
    from ..store import StoredOrEnvironment  # noqa: PLC0415

    plain = _made()
    slug = plain.toolkit.slug
    return {
        "accounts": StoredOrEnvironment(store.for_registry(), plain.accounts),
        "switched_off": lambda: store.switches.off(slug),
    }


def _made(**options: Any) -> ToolRegistry:
    from ..manifest import ManifestError  # noqa: PLC0415
    from ..registry import ToolRegistry  # noqa: PLC0415

    try:
        return ToolRegistry.from_manifest(**options)
    except ManifestError:
        raise
    except ValueError as error:
        raise wrong_command_line(str(error)) from None


def _is_there() -> bool:
    """Whether a store was made before, told without its packages, which may not be installed and take time."""
    url = os.environ.get(_DATABASE, "")
    if url.startswith(_SQLITE):
        return Path(url.removeprefix(_SQLITE)).exists()
    if url:
        return True
    try:
        from platformdirs import user_data_path  # noqa: PLC0415
    except ImportError:
        return False
    return (user_data_path("openrouter-toolkit", appauthor=False) / "store.db").exists()
