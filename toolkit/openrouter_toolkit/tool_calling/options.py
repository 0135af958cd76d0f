"""The options of a call, checked: whose account, how long it may take, who listens, what the ledger notes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import TIMEOUT_MAX
from typing import Any, TypedDict

from ..call import Call, Listener, current_caller
from ..execution.hooks import accepts, is_async
from ..text.sanitize import preview

DEFAULT_LIMIT = 20_000  # characters
MIN_LIMIT = 1_000


class CallKeywords(TypedDict, total=False):
    """`CallOptions` as keyword arguments."""

    user_id: str
    account_id: str | None
    limit: int
    timeout: float | None
    on_event: Listener | None
    agent: str | None
    session_id: str | None


@dataclass(frozen=True, slots=True)
class CallOptions:
    """The options of one call or of several, as in `ToolRegistry.execute` and `ToolRegistry.call_tool`.

    Raises:
        ValueError: `timeout` is not a positive number of seconds, or `limit` is not a number of 1000 or more.
        TypeError: `user_id` is not a string (the account must not be guessed), `account_id`, `agent` or `session_id`
            is neither a string nor None, or `on_event` is not a function of an event.
    """

    user_id: str = "default"
    account_id: str | None = None
    limit: int = DEFAULT_LIMIT
    timeout: float | None = None
    on_event: Listener | None = None
    agent: str | None = None
    session_id: str | None = None

    def __post_init__(self) -> None:
        user_id: object = self.user_id
        if not isinstance(user_id, str):
            what = type(user_id).__name__
            raise TypeError(f"user_id must be a text, not {what}; leave it out for the user 'default'")
        for name in ("account_id", "agent", "session_id"):
            value: object = getattr(self, name)
            if not isinstance(value, str | None):
                raise TypeError(f"{name} must be a text, not {type(value).__name__}")
        if not isinstance(self.limit, int) or self.limit < MIN_LIMIT:
            raise ValueError(f"limit must be a number of characters, {MIN_LIMIT} or more, not {self.limit!r}")
        timeout: object = self.timeout
        if timeout is not None and (
            isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0
        ):
            raise ValueError(f"timeout must be a positive number of seconds, not {preview(timeout)}")
        if self.on_event is not None:
            _check_listener(self.on_event)

    def new_call(self) -> Call:
        """A call whose timeout starts now; one that is longer than a lock can wait for is no limit."""
        timeout = None if self.timeout is None or self.timeout > TIMEOUT_MAX else float(self.timeout)
        caller = current_caller.get()
        if self.agent is not None or self.session_id is not None:
            session_id = self.session_id or caller.session_id
            caller = replace(caller, agent=self.agent or caller.agent, session_id=session_id)
        return Call(timeout=timeout, on_event=self.on_event, caller=caller)


def _check_listener(on_event: Any) -> None:
    if not callable(on_event):
        raise TypeError(f"on_event must be a function of an event, not {type(on_event).__name__}")
    if is_async(on_event):
        raise TypeError("on_event must be a function of an event, and not async: nobody would await it")
    if not accepts(on_event, 1):
        raise TypeError("on_event must be a function of an event: it can't be called with one argument")
