"""Creates the registry for commands, with the connected accounts if there is a store of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import store_place
from .failure import usage_error
from .terminal import PROGRAM, print_message

if TYPE_CHECKING:
    from ..registry import ToolRegistry


@contextmanager
def registry(**toolset: Any) -> Iterator[ToolRegistry]:
    """A context with a registry. The arguments, a toolset and hooks, are those of `ToolRegistry.from_manifest`.

    If there is a store, its connected accounts and switches apply, and the user `default` has the environment's keys
    as long as no account is connected for that user. Otherwise only the environment's keys apply.

    A store that another installation created is ignored, with a message, if this installation lacks the packages to
    open it and the environment has a key.

    Raises:
        CommandFailed: a name in the toolset does not exist (status 2), or the store can't be opened.
    """
    with ExitStack() as stack:
        connected = _store_options(stack) if store_place.exists() and not _ignores_store() else {}
        yield stack.enter_context(_create(**connected, **toolset))


def _ignores_store() -> bool:
    """Whether to continue without the existing store; prints a message if so."""
    path = store_place.default_store()
    if path is None:
        return False
    try:
        import_module("..store", __package__)
    except ImportError:
        pass
    else:
        return False
    from ..accounts import unusable
    from ..manifest import load

    auth = load().auth
    variable = auth.environment.get(auth.key.name, "")
    if unusable(os.environ.get(variable, "")) is not None:
        return False
    print_message(
        f"The store of connected accounts at {path} is not used: it was made by another installation, and this one "
        f"lacks its packages (pip install 'openrouter-toolkit[accounts]'). The key in {variable} is used instead."
    )
    return True


def _store_options(stack: ExitStack) -> dict[str, Any]:
    from ..accounts import EnvironmentAccounts
    from ..manifest import load
    from .store_session import open_store

    loaded = load()
    store = stack.enter_context(open_store())
    from ..store import StoredOrEnvironment

    return {
        "accounts": StoredOrEnvironment(store.for_registry(), EnvironmentAccounts(loaded.auth.environment)),
        "switched_off": lambda: store.switches.off(loaded.toolkit.slug),
    }


def _create(**options: Any) -> ToolRegistry:
    from ..manifest import ManifestError
    from ..registry import ToolRegistry

    try:
        return ToolRegistry.from_manifest(**options)
    except ManifestError:
        raise
    except ValueError as error:
        raise usage_error(f"{error}; {PROGRAM} actions --json lists slugs and tags") from None
