"""Opens the store of connected accounts for commands, and makes the registry that uses it.

The store's packages may be missing and are slow to import, so a file that does not exist is noticed without them.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from .places import data_file
from .terminal import PROGRAM, CommandFailed, print_message, usage_error

if TYPE_CHECKING:
    from ..manifest import LoadedToolkit
    from ..registry import ToolRegistry
    from ..store import ConnectedAccount, Store

_DATABASE = "OPENROUTER_TOOLKIT_DATABASE"
_SQLITE = re.compile(r"sqlite(?:\+pysqlite)?:///(.+)", re.DOTALL)


@contextmanager
def open_store() -> Iterator[Store]:
    """A context with the open store, which is created if there is none.

    Raises:
        CommandFailed: the store can't be opened, or refuses an operation within the context.
    """
    try:
        from ..store import Store, StoreError
        from ..store.audit.origin import acting, of_process
    except ImportError as error:
        raise CommandFailed(str(error)) from None
    try:
        with Store.open() as store, acting(of_process("command")):
            yield store
    except (StoreError, ImportError) as error:  # the driver of its database may be missing
        raise CommandFailed(str(error)) from None


@contextmanager
def open_existing_store() -> Iterator[Store | None]:
    """A context with the open store as `open_store` has it, or None if there is no store; none is created."""
    if not store_exists():
        yield None
        return
    with open_store() as store:
        yield store


@contextmanager
def open_registry(manifests: Sequence[str] = (), *, named: str | None = None, **options: Any) -> Iterator[ToolRegistry]:
    """A context with a registry of OpenRouter's toolkit, and of those whose manifests are given.

    The options, a toolset and hooks, are those of `ToolRegistry.from_manifest`. An action that the command line names
    by its slug is allowed, whatever its toolset.

    If there is a store, its connected accounts and switches apply, calls are recorded in its ledger, and the user
    `default` has the environment's keys as long as no account is connected for that user. Otherwise only the
    environment's keys apply.

    A store that another installation created is ignored, with a message, if this installation lacks the packages to
    open it and the environment has a key.

    Raises:
        CommandFailed: a name in the toolset does not exist (status 2), or the store can't be opened.
    """
    from ..manifest import ManifestError, load, load_several
    from ..registry import ToolRegistry

    toolkits = load_several([None, *manifests]) if manifests else [load(None)] if named else None
    if toolkits and named:
        options["toolsets"] = _toolsets_with(toolkits, named)
    with ExitStack() as stack:
        if store_exists() and not _ignores_store():
            options |= _store_options(stack, toolkits or [load()])
        try:
            registry = ToolRegistry.from_manifest(toolkits, **options)
        except ManifestError:
            raise
        except ValueError as error:
            raise usage_error(f"{error}; {PROGRAM} actions --json lists slugs and tags") from None
        yield stack.enter_context(registry)


def _toolsets_with(toolkits: Sequence[LoadedToolkit], slug: str) -> list[str]:
    """The documented toolset, and that of an action."""
    from ..manifest import DOCUMENTED, Toolkits

    action = Toolkits(toolkits).find(slug)
    return [DOCUMENTED, *([] if action is None else [action.toolset])]


def _store_options(stack: ExitStack, toolkits: Sequence[LoadedToolkit]) -> dict[str, Any]:
    from ..accounts import EnvironmentAccounts

    store = stack.enter_context(open_store())
    from ..ledger import Ledger
    from ..store import StoredOrEnvironment

    stored = store.for_registry()
    return {
        "ledger": stack.enter_context(Ledger(store)),
        "accounts": {
            one.toolkit.slug: StoredOrEnvironment(stored, EnvironmentAccounts(one.auth.environment)) for one in toolkits
        },
        "switched_off": lambda: {slug for one in toolkits for slug in store.switches.off(one.toolkit.slug)},
    }


def chosen_toolkit(options: argparse.Namespace) -> LoadedToolkit:
    """The toolkit that `--toolkit` names; without it, that of the only `--manifest`, or OpenRouter's.

    Raises:
        CommandFailed: there is no such toolkit, or more than one could be meant (status 2).
    """
    from ..manifest import load_several

    toolkits = {one.toolkit.slug: one for one in load_several([None, *options.manifest])}
    if options.toolkit is not None:
        found = toolkits.get(options.toolkit.upper())
        if found is None:
            raise usage_error(f"there is no such toolkit; there are {', '.join(toolkits)} (--manifest adds one)")
        return found
    if len(toolkits) > 2:
        raise usage_error(f"say which toolkit with --toolkit: {', '.join(toolkits)}")
    return list(toolkits.values())[-1]


def toolkit_of(account: ConnectedAccount, manifests: Sequence[str]) -> LoadedToolkit | None:
    """The toolkit of an account; None if it is neither OpenRouter's nor that of a given manifest."""
    from ..manifest import load_several

    return next((one for one in load_several([None, *manifests]) if one.toolkit.slug == account.toolkit), None)


def _ignores_store() -> bool:
    """Whether to continue without the existing store; prints a message if so."""
    path = _default_store()
    if path is None:
        return False
    try:
        from ..store import Store  # noqa: F401
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


def store_exists() -> bool:
    """Whether the SQLite file of a store exists, or the environment names another kind of database."""
    url = os.environ.get(_DATABASE, "").strip()
    file = _SQLITE.fullmatch(url)
    if file is not None:
        place = Path(unquote(file[1]))
        return _may_exist(place) or not place.is_absolute()  # opening the store reports what is wrong
    return bool(url) or _default_store() is not None


def missing_note() -> str:
    """For the end of a "nothing found" message: the file that the environment names, if it does not exist."""
    file = _SQLITE.fullmatch(os.environ.get(_DATABASE, "").strip())
    if file is None or store_exists():
        return ""
    return f": {unquote(file[1])}, which {_DATABASE} names, does not exist"


def _default_store() -> Path | None:
    """The store at its default path, if the environment names no other. An earlier installation may have created it."""
    if os.environ.get(_DATABASE, "").strip():
        return None
    place = data_file("store.db")
    return place if _may_exist(place) else None


def _may_exist(path: Path) -> bool:
    """Whether a file exists or can't be checked; opening the store then reports why."""
    try:
        return path.exists()
    except OSError:
        return True
