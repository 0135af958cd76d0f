"""composio-core brought in without the requests that it makes of its own accord."""

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


def quietly(package: str) -> Any:
    """Import composio-core and a package on top of it, such as `composio_openai`; returns that package.

    Each of composio's switches is set to "true", unless the environment says otherwise already: who also uses
    actions that Composio hosts sets COMPOSIO_NO_CACHE_REFRESH and COMPOSIO_NO_REMOTE_ENUM_FETCHING to "false".
    What an earlier import of composio has asked of the network can't be taken back; what it would ask later can.

    Raises:
        ImportError: a package is missing, or `composio` is that of the newer package named composio.
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
        atexit.unregister(sentry.update_dsn)  # which asks at exit, whatever the variable says
    try:
        return import_module(package)
    except ImportError as error:
        raise ImportError(f"{package} can't be imported: pip install '{package.replace('_', '-')}<0.8'") from error
