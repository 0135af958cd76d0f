"""The tool caller: makes one or all tool calls of a model's answer, sync or async, and renders the results."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from threading import TIMEOUT_MAX
from typing import Any, TypeVar

from ..call import Call, Listener
from ..envelope import ActionError, Envelope
from ..execution.hooks import accepts, is_async
from ..execution.pipeline import Execution
from ..execution.resources import Resources
from ..manifest import Action
from ..text.sanitize import preview
from . import ToolCall, ToolResult, messages, read, tool_calls
from .tool_calls import DEFAULT_LIMIT, MIN_LIMIT

_Answer = TypeVar("_Answer")


class ToolCaller:
    """The part of a registry that handles tool calls of models.

    Unlike `execute`, it coerces arguments that models commonly write wrong (see `coercion`), turns invalid JSON,
    unknown tools and failed actions into results that the model can react to, accepts `select` where the definition
    has it, and shortens long answers (see `summary`).

    In all methods, `limit` is the maximum length of a result in characters, 1000 or more; `timeout` is seconds for
    each call, as in `execute`; `on_event` is called with each event of a streamed answer. Invalid values raise
    `ValueError`; a `user_id` that is not a string, or an `on_event` that is not a function of an event, `TypeError`.
    """

    _execution: Execution
    _resources: Resources

    def call_tool(
        self,
        name: str,
        arguments: Any = None,
        *,
        user_id: str = "default",
        limit: int = DEFAULT_LIMIT,
        timeout: float | None = None,
        on_event: Listener | None = None,
    ) -> ToolResult:
        """Make one tool call of a model, and return its result.

        Args:
            name: the tool's name as the model wrote it.
            arguments: as the model wrote them: JSON text, or an object.
            user_id: the user whose connected account is used.
            limit: see the class.
            timeout: see the class.
            on_event: see the class.

        Returns:
            The result: its `text` for the model, whether it `failed`, and the full `envelope`.
        """
        check_options(limit, timeout, user_id)
        return self._result(ToolCall("", name, arguments), user_id, limit, new_call(timeout, on_event))

    async def call_tool_async(
        self,
        name: str,
        arguments: Any = None,
        *,
        user_id: str = "default",
        limit: int = DEFAULT_LIMIT,
        timeout: float | None = None,
        on_event: Listener | None = None,
    ) -> ToolResult:
        """`call_tool` for async code; `on_event` is called in a worker thread. Cancelling it cancels the call."""
        check_options(limit, timeout, user_id)
        written, call = ToolCall("", name, arguments), new_call(timeout, on_event)
        return await self._in_worker(
            call, lambda: self._result(written, user_id, limit, call), lambda error: _expired_result(written, error)
        )

    def call_tools(
        self,
        written: Sequence[ToolCall],
        *,
        user_id: str = "default",
        limit: int = DEFAULT_LIMIT,
        timeout: float | None = None,
    ) -> list[ToolResult]:
        """Make several calls in parallel and return their results in the same order. Ctrl-C cancels all of them."""
        check_options(limit, timeout, user_id)
        # A worker thread makes the calls itself: it must not wait for more workers.
        if len(written) == 1 or self._resources.is_worker():
            return [self._result(one, user_id, limit, new_call(timeout, None)) for one in written]
        calls = [new_call(timeout, None) for _ in written]

        def run(one: ToolCall, call: Call) -> Callable[[], ToolResult]:
            return lambda: self._result(one, user_id, limit, call)

        futures = [self._resources.submit(run(one, call)) for one, call in zip(written, calls, strict=True)]
        try:
            return [
                _expired_result(one, expired) if (expired := _expired(future, call)) else future.result()
                for one, future, call in zip(written, futures, calls, strict=True)
            ]
        except BaseException:
            for future, call in zip(futures, calls, strict=True):
                future.cancel()
                call.cancel()
            raise

    async def call_tools_async(
        self,
        written: Sequence[ToolCall],
        *,
        user_id: str = "default",
        limit: int = DEFAULT_LIMIT,
        timeout: float | None = None,
    ) -> list[ToolResult]:
        """`call_tools` for async code; cancelling it cancels all calls."""
        check_options(limit, timeout, user_id)

        async def run(one: ToolCall) -> ToolResult:
            call = new_call(timeout, None)
            return await self._in_worker(
                call, lambda: self._result(one, user_id, limit, call), lambda error: _expired_result(one, error)
            )

        return list(await asyncio.gather(*map(run, written)))

    def handle_tool_calls(
        self,
        response: Any,
        *,
        user_id: str = "default",
        limit: int = DEFAULT_LIMIT,
        timeout: float | None = None,
    ) -> list[dict[str, Any]]:
        """Make the tool calls of a model's answer in parallel, and return the messages for the conversation.

        Args:
            response: the answer of OpenAI's chat completions or responses, or of Anthropic's messages: the SDK's
                object or its dict.
            user_id: the user whose connected account is used.
            limit: see the class.
            timeout: see the class.

        Returns:
            The assistant's message, unchanged (including reasoning details and signatures), and the results,
            in the answer's format. Without tool calls, only the assistant's message.

        Raises:
            TypeError: `response` is not such an answer.
        """
        name, answer, written = read(response)
        return messages(name, answer, self.call_tools(written, user_id=user_id, limit=limit, timeout=timeout))

    async def handle_tool_calls_async(
        self,
        response: Any,
        *,
        user_id: str = "default",
        limit: int = DEFAULT_LIMIT,
        timeout: float | None = None,
    ) -> list[dict[str, Any]]:
        """`handle_tool_calls` for async code; cancelling it cancels all calls."""
        name, answer, written = read(response)
        results = await self.call_tools_async(written, user_id=user_id, limit=limit, timeout=timeout)
        return messages(name, answer, results)

    def _result(self, written: ToolCall, user_id: str, limit: int, call: Call) -> ToolResult:
        def execute(slug: str, arguments: dict[str, Any]) -> Envelope:
            return self._execution.run(slug, arguments, user_id, call)

        action = self.find_tool(written.name)
        return tool_calls.run(written, action, execute, limit=limit, checkpoint=call.check)

    def find_tool(self, written: Any) -> Action | None:
        """Find the action for a tool name that a model wrote (see `tool_calls.known_name`), allowed or not."""
        known = self._execution.known
        name = tool_calls.known_name(written, known)
        return None if name is None else known[name]

    async def _in_worker(
        self, call: Call, run: Callable[[], _Answer], not_begun: Callable[[ActionError], _Answer]
    ) -> _Answer:
        """Run in a worker thread. If the awaiting task is cancelled, cancel the call and close its connection.

        No part of a call runs in the event loop's thread. If all workers are busy until the deadline, the call does
        not start, and `not_begun` returns the answer.
        """
        future = self._resources.submit(run)
        waiting = asyncio.wrap_future(future)
        try:
            await asyncio.wait([waiting], timeout=call.remaining())
            expired = call.ending()
            if expired is not None and future.cancel():
                return not_begun(expired)
            return await waiting
        except BaseException:
            future.cancel()
            call.cancel()
            raise


def _expired(future: Future[Any], call: Call) -> ActionError | None:
    """Wait for a call in a worker; return the error if all workers were busy until its deadline, else None."""
    wait([future], timeout=call.remaining())
    expired = call.ending()
    return expired if expired is not None and future.cancel() else None


def _expired_result(written: ToolCall, error: ActionError) -> ToolResult:
    return ToolResult(written, error.explanation, Envelope.failure(error))


def check_options(limit: int, timeout: float | None, user_id: Any) -> None:
    """Raise `ValueError` or `TypeError` for invalid options of a call."""
    if not isinstance(limit, int) or limit < MIN_LIMIT:
        raise ValueError(f"limit must be a number of characters, {MIN_LIMIT} or more, not {limit!r}")
    new_call(timeout, None)
    check_user(user_id)


def _check_listener(on_event: Any) -> None:
    if not callable(on_event):
        raise TypeError(f"on_event must be a function of an event, not {type(on_event).__name__}")
    if is_async(on_event):
        raise TypeError("on_event must be a function of an event, and not async: nobody would await it")
    if not accepts(on_event, 1):
        raise TypeError("on_event must be a function of an event: it can't be called with one argument")


def check_user(user_id: Any) -> None:
    """Raise `TypeError` if user_id is not a string: the account must not be guessed."""
    if not isinstance(user_id, str):
        raise TypeError(f"user_id must be a text, not {type(user_id).__name__}; leave it out for the user 'default'")


def new_call(timeout: float | None, on_event: Listener | None) -> Call:
    """Create a call; its timeout starts now.

    Raises:
        ValueError: `timeout` is not a positive number.
        TypeError: `on_event` does not accept an event, or is async.
    """
    wrong_type = isinstance(timeout, bool) or not isinstance(timeout, int | float | None)
    if wrong_type or (timeout is not None and not timeout > 0):
        raise ValueError(f"timeout must be a positive number of seconds, not {preview(timeout)}")
    if on_event is not None:
        _check_listener(on_event)
    # A timeout longer than a lock can wait for means no limit.
    return Call(timeout=None if timeout is None or timeout > TIMEOUT_MAX else float(timeout), on_event=on_event)
