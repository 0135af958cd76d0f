"""The way of a call: find the action, ask who may refuse, validate, take the user's key, run, answer."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import math
import os
import threading
import traceback
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

from . import manifest, toolset
from .accounts import Accounts, Credentials, EnvironmentAccounts, connection
from .call import Call, Listener
from .envelope import ActionError, Envelope
from .event_stream import EventStream
from .formats import FORMATS, ToolCall, ToolResult, messages, read, tool_calls
from .hooks import AfterExecute, BeforeExecute, Hooks
from .manifest import Action, LoadedToolkit
from .nearest import nearest
from .redaction import redact, redact_thoroughly
from .validation import as_object
from .wording import quoted, shown

_log = logging.getLogger("openrouter_toolkit")
_MOST_ASYNC_CALLS = 256


class ToolRegistry:
    """A toolkit's actions, ready to be listed and executed. Safe to use from many threads."""

    def __init__(
        self,
        loaded: LoadedToolkit,
        actions: Iterable[Action],
        *,
        accounts: Accounts,
        hooks: Hooks,
        client_options: Mapping[str, Any] | None = None,
    ) -> None:
        """See `from_manifest`, which is how a registry is made."""
        self.toolkit = loaded.toolkit
        self.auth = loaded.auth
        self.accounts = accounts
        self.actions = {action.slug: action for action in actions}
        self._known = {name: action for action in loaded.actions for name in (*action.aliases, action.slug)}
        self._hooks = hooks
        self._factory = loaded.client
        self._client_options = dict(client_options or {})
        if self._factory is not None:  # a wrong option is a programmer's mistake, so it is told here and now
            inspect.signature(self._factory).bind(**self._client_options)
        self._client: Any = None
        self._threads: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._process = os.getpid()

    @classmethod
    def from_manifest(
        cls,
        path: Path | str | None = None,
        *,
        accounts: Accounts | None = None,
        allow: Iterable[str] | None = None,
        deny: Iterable[str] | None = None,
        tags: Iterable[str] | None = None,
        read_only: bool = False,
        before_execute: BeforeExecute | Iterable[BeforeExecute] | None = None,
        after_execute: AfterExecute | Iterable[AfterExecute] | None = None,
        client_options: Mapping[str, Any] | None = None,
    ) -> Self:
        """A registry of a manifest's actions.

        Args:
            path: the manifest; the packaged one (OpenRouter's) when left out.
            accounts: who is connected; the environment's one user `default` when left out.
            allow: slugs or tags of the only actions that may be used; all when left out.
            deny: slugs or tags of actions that may not be used, whatever else is said.
            tags: tags of actions that may be used, beside those of `allow`.
            read_only: only actions that change nothing.
            before_execute: one or several hooks, see `hooks.Hooks`.
            after_execute: one or several hooks, see `hooks.Hooks`.
            client_options: keyword arguments of the toolkit's client; for OpenRouter see
                `openrouter_toolkit.openrouter.OpenRouter`.

        Raises:
            ManifestError: the manifest, or a file that it names, is wrong.
            ValueError: `allow`, `deny` or `tags` has a name that does not exist.
            TypeError: `client_options` has a name that the client does not take.
        """
        loaded = manifest.load(path)
        actions = toolset.choose(loaded.actions, allow=allow, deny=deny, tags=tags, read_only=read_only)
        if accounts is None:
            accounts = EnvironmentAccounts({f.name: f.environment for f in loaded.auth.fields if f.environment})
        hooks = Hooks(before_execute, after_execute)
        return cls(loaded, actions, accounts=accounts, hooks=hooks, client_options=client_options)

    def tools(
        self,
        format: str = "openai",  # noqa: A002
        *,
        extensions: bool = False,
        strict: bool = False,
    ) -> list[dict[str, Any]]:
        """The definitions of all usable actions, in manifest order.

        Args:
            format: a name in `formats.FORMATS`: "openai" (chat completions), "openai-responses", "anthropic",
                "gemini", "gemini-reduced", "mcp" or "composio".
            extensions: with the parameters that the API takes beyond the documented ones.
            strict: strict mode, where the format has one and the action's schema can be strict; the others come
                as they are. `formats.why_not_strict` tells why one can't.

        Raises:
            ValueError: for a format that does not exist.
        """
        if format not in FORMATS:
            raise ValueError(f"there is no format {format!r}; there are {', '.join(FORMATS)}")
        return [FORMATS[format](action, self.toolkit, extensions, strict) for action in self.actions.values()]

    def execute(
        self,
        slug: str,
        arguments: dict[str, Any] | None = None,
        *,
        user_id: str = "default",
        on_event: Listener | None = None,
        timeout: float | None = None,
    ) -> Envelope:
        """Execute an action for a user; whatever goes wrong on the way is told in the envelope.

        Args:
            slug: the action, such as "OPENROUTER_GET_CREDITS"; older slugs of an action work too.
            arguments: its arguments, held against its `input_parameters`. They are not changed.
            user_id: whose connected account to use.
            on_event: called with each event of a streamed answer as it arrives.
            timeout: seconds for the whole call, attempts and waits included; no limit when left out.

        Raises:
            ValueError: `timeout` is not a positive number.
        """
        return self._execute(slug, arguments, user_id, _call(timeout, on_event))

    async def execute_async(
        self,
        slug: str,
        arguments: dict[str, Any] | None = None,
        *,
        user_id: str = "default",
        on_event: Listener | None = None,
        timeout: float | None = None,
    ) -> Envelope:
        """The same, for async code; `on_event` is called in a worker thread.

        Cancelling it ends the call: its connection is closed at once.
        """
        call = _call(timeout, on_event)
        run = partial(contextvars.copy_context().run, self._execute, slug, arguments, user_id, call)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._workers(), run)
        except asyncio.CancelledError:
            call.cancel()
            raise

    def stream(
        self,
        slug: str,
        arguments: dict[str, Any] | None = None,
        *,
        user_id: str = "default",
        timeout: float | None = None,
    ) -> EventStream:
        """The same, as an iterator of the events of a streamed answer; closing it early ends the call.

        Where the action can stream, `stream` is set to true. Everything else is as in `execute`.
        """
        call = _call(timeout, None)  # refuses a wrong timeout here, not in the other thread
        action = self._known.get(slug) if isinstance(slug, str) else None
        streams = action is not None and "stream" in action.definition.input_parameters.get("properties", {})
        if streams and (arguments is None or isinstance(arguments, dict)):
            arguments = {**(arguments or {}), "stream": True}
        run = contextvars.copy_context().run
        return EventStream(lambda call: run(self._execute, slug, arguments, user_id, call), call)

    def handle_tool_calls(
        self,
        response: Any,
        *,
        user_id: str = "default",
        limit: int = tool_calls.DEFAULT_LIMIT,
        timeout: float | None = None,
    ) -> list[dict[str, Any]]:
        """Make the tool calls of a model's answer, several at once, and tell what to append to the conversation.

        What a model commonly gets wrong in arguments is mended (see `formats.mending`); broken JSON, unknown tools and
        failing actions become results that it can mend itself. Long answers are made brief (see `brief`).

        Args:
            response: the answer of OpenAI's chat completions or responses, or of Anthropic's messages: the SDK's
                object or its dict.
            user_id: whose connected account to use.
            limit: the length of one result in characters, at the most.
            timeout: seconds for each call, as in `execute`.

        Returns:
            The assistant's own message, unchanged (reasoning details and signatures included), and the results,
            in the answer's format. Without tool calls, the assistant's message alone.

        Raises:
            TypeError: `response` is no such answer.
            ValueError: `timeout` is not a positive number.
        """
        _call(timeout, None)
        name, answer, calls = read(response)

        def execute(slug: str, arguments: dict[str, Any]) -> Envelope:
            return self.execute(slug, arguments, user_id=user_id, timeout=timeout)

        def run(call: ToolCall) -> ToolResult:
            return tool_calls.run(call, self._known.get(call.name), execute, limit=limit)

        results = [run(calls[0])] if len(calls) == 1 else list(self._workers().map(run, calls)) if calls else []
        return messages(name, answer, results)

    def close(self) -> None:
        """Close the connections that are kept open. The registry can still be used; it opens new ones."""
        with self._lock:
            client, self._client = self._client, None
            threads, self._threads = self._threads, None
        if client is not None:
            client.close()
        if threads is not None:
            threads.shutdown(wait=False)

    def __repr__(self) -> str:
        return f"<ToolRegistry {self.toolkit.slug}, {len(self.actions)} actions>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _execute(self, slug: str, arguments: dict[str, Any] | None, user_id: str, call: Call) -> Envelope:
        started = monotonic()
        credentials = Credentials({})
        action: Action | None = None
        try:
            action = self._find(slug)
            self._refuse_outsiders(action)
            arguments = self._hooks.before(action, as_object(action.slug, arguments), user_id)
            action.validator.check(action.slug, arguments)
            credentials, key = self._connected(action, user_id)
            data = self._run(action, arguments, key, call)
            envelope = Envelope.success(redact(data, credentials.values()))
        except ActionError as error:
            envelope = _told(error, credentials)
        except Exception as error:  # noqa: BLE001 - a mistake of a handler's: told and logged, never raised
            trace = redact_thoroughly(traceback.format_exc(), credentials.values())
            _log.error("%s failed unexpectedly\n%s", action, trace)
            envelope = _told(_unexpected(error), credentials)
        if action is not None:
            envelope = self._hooks.after(action, envelope, monotonic() - started)
        return envelope

    def _find(self, slug: str) -> Action:
        action = self._known.get(slug) if isinstance(slug, str) else None
        if action is None:
            near = nearest(slug, self.actions, count=3) if isinstance(slug, str) else []
            name = quoted(slug, 80) if isinstance(slug, str) else shown(slug)
            hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(self.actions) or 'none'}."
            raise ActionError(
                "unknown_action",
                f"There is no action {name}.",
                f"There is no action {name}. {hint}",
                suggestions=near,
            )
        return action

    def _refuse_outsiders(self, action: Action) -> None:
        if action.slug not in self.actions:
            raise ActionError(
                "refused_by_policy",
                f"{action.slug} is not in the toolset.",
                f"{action.slug} exists, but whoever set up this toolset did not allow it. Do without it.",
            )

    def _connected(self, action: Action, user_id: str) -> tuple[Credentials, str | None]:
        """The user's credentials, and the one that this action is executed with."""
        if self.auth.scheme == "NO_AUTH":
            return Credentials({}), None
        credentials, field = connection(
            self.accounts,
            user_id=user_id,
            toolkit=(self.toolkit.slug, self.toolkit.name),
            fields={field.name: field.link for field in self.auth.fields},
            preferred=action.credential,
        )
        return credentials, credentials[field]

    def _run(self, action: Action, arguments: dict[str, Any], key: str | None, call: Call) -> str:
        call.check()
        client = () if self._factory is None else (self._connected_client().connected(key, call),)
        data: object = action.handler(arguments, *client)
        if not isinstance(data, str):
            raise TypeError(f"the handler of {action.slug} returned {type(data).__name__}, wanted text")
        return data

    def _connected_client(self) -> Any:
        self._notice_a_fork()
        client = self._client
        if client is None:
            with self._lock:
                client = self._client
                if client is None:
                    assert self._factory is not None
                    client = self._client = self._factory(**self._client_options)
        return client

    def _notice_a_fork(self) -> None:
        """In a forked process, leave the parent's connections and threads alone: they can't be shared."""
        if self._process != os.getpid():
            self._client = self._threads = None
            self._lock = threading.Lock()
            self._process = os.getpid()

    def _workers(self) -> ThreadPoolExecutor:
        self._notice_a_fork()
        with self._lock:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(_MOST_ASYNC_CALLS, "openrouter-toolkit")
            return self._threads


def _call(timeout: float | None, on_event: Listener | None) -> Call:
    if timeout is not None and (not isinstance(timeout, int | float) or not timeout > 0):
        raise ValueError(f"timeout must be a positive number of seconds, not {timeout!r}")
    return Call(timeout=None if timeout is None or math.isinf(timeout) else timeout, on_event=on_event)


def _told(error: ActionError, credentials: Credentials) -> Envelope:
    envelope = Envelope.failure(error)
    return Envelope(
        data=redact_thoroughly(envelope.data, credentials.values()),
        error=redact_thoroughly(envelope.error or "", credentials.values()),
        successful=False,
    )


def _unexpected(error: Exception) -> ActionError:
    return ActionError(
        "unmapped",
        f"The toolkit itself failed ({type(error).__name__}).",
        f"The toolkit itself failed ({type(error).__name__}); this is a mistake in it, not in the call. "
        "Tell whoever runs this agent; its log has the details.",
    )
