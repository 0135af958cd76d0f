"""What models call: one call or all of an answer's, sync and async, each with a result that a model can read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from threading import TIMEOUT_MAX
from typing import Any, TypeVar

from ..call import Call, Listener
from ..envelope import ActionError, Envelope
from ..execution.hooks import is_async, takes
from ..execution.pipeline import Execution
from ..execution.resources import Resources
from ..manifest import Action
from ..text.sanitize import preview
from . import ToolCall, ToolResult, messages, read, tool_calls
from .tool_calls import DEFAULT_LIMIT, LEAST_LIMIT

_Answer = TypeVar("_Answer")


class ToolCaller:
    """The half of a registry that works for models.

    Other than `execute`, it mends what a model commonly gets wrong in arguments (see `formats.mending`), makes a result
    that the model can mend itself of broken JSON, unknown tools and failing actions, takes `select` where the
    definition has it, and makes long answers brief (see `brief`).

    Everywhere, `limit` is the length of a result in characters, at the most, 1000 or more; `timeout` is seconds for
    each call, as in `execute`; `on_event` is called with each event of a streamed answer. Wrong values of these raise
    `ValueError`, a `user_id` that is no text `TypeError`.
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
        """Make one tool call of a model, and tell what the model is to read of the answer.

        Args:
            name: the tool's name as the model wrote it.
            arguments: as the model wrote them: JSON text, or an object.
            user_id: whose connected account to use.
            limit: see the class.
            timeout: see the class.
            on_event: see the class.

        Returns:
            The result: its `text` for the model, whether it `failed`, and the whole `envelope`.
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
        """The same, for async code; `on_event` is called in a worker thread, and cancelling ends the call."""
        check_options(limit, timeout, user_id)
        written, call = ToolCall("", name, arguments), new_call(timeout, on_event)
        return await self._in_worker(
            call, lambda: self._result(written, user_id, limit, call), lambda error: _not_begun(written, error)
        )

    def call_tools(
        self,
        written: Sequence[ToolCall],
        *,
        user_id: str = "default",
        limit: int = DEFAULT_LIMIT,
        timeout: float | None = None,
    ) -> list[ToolResult]:
        """Make several calls at once; their results, in the same order. Ctrl-C ends all of them."""
        check_options(limit, timeout, user_id)
        # Whoever is in a worker already has a place for one call, and must not wait for more places.
        if len(written) == 1 or self._resources.is_worker():
            return [self._result(one, user_id, limit, new_call(timeout, None)) for one in written]
        calls = [new_call(timeout, None) for _ in written]

        def run(one: ToolCall, call: Call) -> Callable[[], ToolResult]:
            return lambda: self._result(one, user_id, limit, call)

        running = [self._resources.submit(run(one, call)) for one, call in zip(written, calls, strict=True)]
        try:
            return [
                _not_begun(one, late) if (late := _late(future, call)) else future.result()
                for one, future, call in zip(written, running, calls, strict=True)
            ]
        except BaseException:
            for future, call in zip(running, calls, strict=True):
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
        """The same, for async code; cancelling ends all of them."""
        check_options(limit, timeout, user_id)

        async def run(one: ToolCall) -> ToolResult:
            call = new_call(timeout, None)
            return await self._in_worker(
                call, lambda: self._result(one, user_id, limit, call), lambda error: _not_begun(one, error)
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
        """Make the tool calls of a model's answer, several at once, and tell what to append to the conversation.

        Args:
            response: the answer of OpenAI's chat completions or responses, or of Anthropic's messages: the SDK's
                object or its dict.
            user_id: whose connected account to use.
            limit: see the class.
            timeout: see the class.

        Returns:
            The assistant's own message, unchanged (reasoning details and signatures included), and the results,
            in the answer's format. Without tool calls, the assistant's message alone.

        Raises:
            TypeError: `response` is no such answer.
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
        """The same, for async code; cancelling ends all calls."""
        name, answer, written = read(response)
        results = await self.call_tools_async(written, user_id=user_id, limit=limit, timeout=timeout)
        return messages(name, answer, results)

    def _result(self, written: ToolCall, user_id: str, limit: int, call: Call) -> ToolResult:
        def execute(slug: str, arguments: dict[str, Any]) -> Envelope:
            return self._execution.run(slug, arguments, user_id, call)

        action = self.find_tool(written.name)
        return tool_calls.run(written, action, execute, limit=limit, checkpoint=call.check)

    def find_tool(self, written: Any) -> Action | None:
        """The action that a model's name for a tool means (see `formats.tool_calls.known_name`), allowed or not."""
        known = self._execution.known
        name = tool_calls.known_name(written, known)
        return None if name is None else known[name]

    async def _in_worker(
        self, call: Call, run: Callable[[], _Answer], not_begun: Callable[[ActionError], _Answer]
    ) -> _Answer:
        """Run in a worker thread. When nobody waits for it any more, the call ends and its connection is cut.

        Nothing of a call runs in the event loop's own thread. Where all workers are busy until the deadline, nothing
        of it runs at all, and `not_begun` gives the answer.
        """
        future = self._resources.submit(run)
        waiting = asyncio.wrap_future(future)
        try:
            await asyncio.wait([waiting], timeout=call.remaining())
            late = call.ending()
            if late is not None and future.cancel():
                return not_begun(late)
            return await waiting
        except BaseException:
            future.cancel()
            call.cancel()
            raise


def _late(future: Future[Any], call: Call) -> ActionError | None:
    """Wait for a call in a worker; the reason why it never begins, where all workers were busy until its deadline."""
    wait([future], timeout=call.remaining())
    late = call.ending()
    return late if late is not None and future.cancel() else None


def _not_begun(written: ToolCall, error: ActionError) -> ToolResult:
    return ToolResult(written, error.explanation, Envelope.failure(error))


def check_options(limit: int, timeout: float | None, user_id: Any) -> None:
    """Raise `ValueError` or `TypeError` for what no call can be made with."""
    if not isinstance(limit, int) or limit < LEAST_LIMIT:
        raise ValueError(f"limit must be a number of characters, {LEAST_LIMIT} or more, not {limit!r}")
    new_call(timeout, None)
    check_user(user_id)


def _check_listener(on_event: Any) -> None:
    if not callable(on_event):
        raise TypeError(f"on_event must be a function of an event, not {type(on_event).__name__}")
    if is_async(on_event):
        raise TypeError("on_event must be a function of an event, and not async: nobody would await it")
    if not takes(on_event, 1):
        raise TypeError("on_event must be a function of an event: it can't be called with one argument")


def check_user(user_id: Any) -> None:
    """Raise `TypeError` for a user_id that is no text: some user's account would have to be guessed."""
    if not isinstance(user_id, str):
        raise TypeError(f"user_id must be a text, not {type(user_id).__name__}; leave it out for the user 'default'")


def new_call(timeout: float | None, on_event: Listener | None) -> Call:
    """A call whose clock runs.

    Raises:
        ValueError: `timeout` is not a positive number.
        TypeError: `on_event` can't be called with an event, or is async.
    """
    wrong_type = isinstance(timeout, bool) or not isinstance(timeout, int | float | None)
    if wrong_type or (timeout is not None and not timeout > 0):
        raise ValueError(f"timeout must be a positive number of seconds, not {preview(timeout)}")
    if on_event is not None:
        _check_listener(on_event)
    # What is longer than a lock can wait for is no limit.
    return Call(timeout=None if timeout is None or timeout > TIMEOUT_MAX else float(timeout), on_event=on_event)
