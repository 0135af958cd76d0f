"""Inspects a toolkit's client: whether it takes one key or all credentials, and whether handlers can use it."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from typing import Any


def takes_credentials(client: Callable[..., Any]) -> bool:
    """Whether the client's `connected` takes all credentials: its first parameter is named `credentials`."""
    connected = _connected_method(client)
    return connected is not None and [*inspect.signature(connected).parameters][1:2] == ["credentials"]


def client_problem(client: Callable[..., Any]) -> str | None:
    """Return why handlers can't use the client, or None; also None for a function without a return annotation."""
    client_class = _client_class(client)
    if client_class is None:
        return None
    if not callable(getattr(client_class, "connected", None)):
        return f"{client_class.__name__} has no method connected(key, call) or connected(credentials, call)"
    connected = _connected_method(client)
    if connected is None:
        return None
    try:
        inspect.signature(connected).bind(None, None, None)
    except TypeError:
        return f"{client_class.__name__}.connected must take (key, call) or (credentials, call)"
    return None


def _connected_method(client: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return the client's method `connected`, or None if it is not a normal method."""
    connected = getattr(_client_class(client), "connected", None)
    return connected if inspect.isfunction(connected) else None


def _client_class(client: Callable[..., Any]) -> type | None:
    """Return the client's class: the given class itself, or the annotated return type of a function."""
    if isinstance(client, type):
        return client
    try:
        return_type = typing.get_type_hints(client).get("return")
    except Exception:  # noqa: BLE001 - third-party annotations may raise anything
        return None
    return return_type if isinstance(return_type, type) and return_type not in (type(None), object) else None
