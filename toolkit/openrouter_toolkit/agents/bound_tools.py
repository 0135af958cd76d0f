"""What the adapters share: the allowed actions bound to a user, and errors that say what to install."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypedDict

from ..registry import ToolRegistry
from ..tool_calling import input_schema
from ..tool_calling.options import DEFAULT_LIMIT, CallOptions


class BoundToolsKeywords(TypedDict, total=False):
    """The keyword arguments of `BoundTools`."""

    user_id: str
    limit: int
    timeout: float | None
    extensions: bool


class BoundTools:
    """The allowed actions with their schemas, and calls of them for one user.

    Args:
        registry: the actions.
        user_id: the user whose connected account is used.
        limit: the maximum length of a result in characters.
        timeout: seconds for each call, as in `ToolRegistry.execute`.
        extensions: include the undocumented parameters that the API accepts.

    Raises:
        ValueError: `limit` or `timeout` is invalid.
        TypeError: `user_id` is not a string.
    """

    def __init__(
        self,
        registry: ToolRegistry,
        *,
        user_id: str = "default",
        limit: int = DEFAULT_LIMIT,
        timeout: float | None = None,
        extensions: bool = False,
    ) -> None:
        CallOptions(user_id, limit=limit, timeout=timeout)
        self.call = partial(registry.call_tool, user_id=user_id, limit=limit, timeout=timeout)
        self.call_async = partial(registry.call_tool_async, user_id=user_id, limit=limit, timeout=timeout)
        self.actions = [(action, input_schema(action, extensions=extensions)) for action in registry.offered.values()]


@contextmanager
def needs(missing: str) -> Iterator[None]:
    """Raise `ImportError` with this message if an import inside the block fails."""
    try:
        yield
    except ImportError as error:
        raise ImportError(missing) from error
