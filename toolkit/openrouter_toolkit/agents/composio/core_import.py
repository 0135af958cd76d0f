"""Imports composio-core without the network requests that it makes by default."""

from __future__ import annotations

import atexit
import os
from importlib import import_module
from typing import Any

_SWITCHES = (
    "COMPOSIO_DISABLE_SENTRY",
    "COMPOSIO_DISABLE_VERSION_CHECK",
    "COMPOSIO_NO_CACHE_REFRESH",
    "COMPOSIO_NO_REMOTE_ENUM_FETCHING",
)


def import_offline(package: str) -> Any:
    """Import composio-core and a package that builds on it, such as `composio_openai`, and return that package.

    Each of composio's switches is set to "true", unless the environment sets it already: to use actions hosted by
    Composio too, set COMPOSIO_NO_CACHE_REFRESH and COMPOSIO_NO_REMOTE_ENUM_FETCHING to "false".
    If composio was imported earlier, its requests at that time can't be undone, but later ones are prevented.

    Raises:
        ImportError: a package is missing, or the import name `composio` belongs to the newer package composio.
    """
    off = {name for name in _SWITCHES if os.environ.setdefault(name, "true").lower() == "true"}
    # By name, because mypy sees the newer package `composio`, where these modules don't exist: all are Any here.
    try:
        import_module("composio.tools.base.local")
        utils: Any = import_module("composio.client.utils")
        enum: Any = import_module("composio.client.enums.enum")
        sentry: Any = import_module("composio.utils.sentry")
    except ImportError as error:
        raise ImportError(
            "composio-core is not here, or the package composio is in its place (they own the same import name): "
            "pip install 'openrouter-toolkit[composio-core]', in an environment without composio"
        ) from error
    if "COMPOSIO_NO_CACHE_REFRESH" in off:
        utils.NO_CACHE_REFRESH = True
    if "COMPOSIO_NO_REMOTE_ENUM_FETCHING" in off:
        enum.NO_REMOTE_ENUM_FETCHING = True
    if "COMPOSIO_DISABLE_SENTRY" in off:
        atexit.unregister(sentry.update_dsn)  # it sends a request at exit despite the variable
    try:
        return import_module(package)
    except ImportError as error:
        raise ImportError(f"{package} can't be imported: pip install '{package.replace('_', '-')}<0.8'") from error
