"""What a toolkit's client is called with: one key, or all that the user's account holds."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from typing import Any


def takes_credentials(client: Callable[..., Any]) -> bool:
    """Whether the client's `connected` gets the whole account: its first parameter is named `credentials`."""
    connected = _connected(client)
    return connected is not None and [*inspect.signature(connected).parameters][1:2] == ["credentials"]


def client_problem(client: Callable[..., Any]) -> str | None:
    """Why handlers could not get their client from it, or None. What a function without annotation makes is unknown."""
    kind = _kind(client)
    if kind is None:
        return None
    if not callable(getattr(kind, "connected", None)):
        return f"{kind.__name__} has no method connected(key, call) or connected(credentials, call)"
    connected = _connected(client)
    if connected is None:
        return None
    try:
        inspect.signature(connected).bind(None, None, None)
    except TypeError:
        return f"{kind.__name__}.connected must take (key, call) or (credentials, call)"
    return None


def _connected(client: Callable[..., Any]) -> Callable[..., Any] | None:
    """The client's method `connected`, where it is a usual one."""
    connected = getattr(_kind(client), "connected", None)
    return connected if inspect.isfunction(connected) else None


def _kind(client: Callable[..., Any]) -> type | None:
    """The class of the clients that are made: the one that is called, or that a function says it returns."""
    if isinstance(client, type):
        return client
    try:
        made = typing.get_type_hints(client).get("return")
    except Exception:  # noqa: BLE001 - a stranger's annotations may name anything
        return None
    return made if isinstance(made, type) and made not in (type(None), object) else None
