"""The tool registry: lists, executes and streams a toolkit's actions, and handles the tool calls of models."""

from __future__ import annotations

import contextvars
import inspect
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from . import manifest
from .accounts import Accounts, EnvironmentAccounts
from .call import Listener
from .envelope import Envelope
from .execution import toolset
from .execution.event_stream import EventStream
from .execution.hooks import AfterExecute, BeforeExecute, Hooks
from .execution.pipeline import Execution
from .execution.resources import DEFAULT_WORKERS, Resources
from .execution.toolset import SwitchedOff, Toolset
from .manifest import Action, LoadedToolkit
from .text.close_matches import close_matches
from .tool_calling import FORMATS
from .tool_calling.caller import ToolCaller, check_user, new_call


class ToolRegistry(ToolCaller):
    """A toolkit's actions, ready to be listed and executed. Safe to use from many threads."""

    def __init__(
        self,
        loaded: LoadedToolkit,
        chosen: Toolset,
        *,
        accounts: Accounts,
        hooks: Hooks,
        client_options: Mapping[str, Any] | None = None,
        max_workers: int = DEFAULT_WORKERS,
    ) -> None:
        """Use `from_manifest` to create a registry."""
        self.loaded = loaded
        self.toolkit = loaded.toolkit
        self.auth = loaded.auth
        self.accounts = _validated_accounts(accounts)
        self._toolset = chosen
        if not isinstance(client_options, Mapping | None):
            raise TypeError(f"client_options must be a dict, not {type(client_options).__name__}")
        options = dict(client_options or {})
        if loaded.client is not None:  # a wrong option is a programming error, so it is reported early
            _check_option_names(loaded, options)
            getattr(loaded.client, "check_options", _no_op)(**options)
        self._resources = Resources(partial(loaded.client or _no_op, **options), max_workers)
        self._execution = Execution(loaded, chosen, accounts=accounts, hooks=hooks, resources=self._resources)

    @property
    def actions(self) -> Mapping[str, Action]:
        """The actions that are currently allowed, by slug, in manifest order."""
        return self._toolset.actions

    @classmethod
    def from_manifest(  # noqa: PLR0913 - they are keywords, and most hosts pass two or three
        cls,
        path: Path | str | None = None,
        *,
        accounts: Accounts | None = None,
        allow: Iterable[str] | None = None,
        deny: Iterable[str] | None = None,
        tags: Iterable[str] | None = None,
        read_only: bool = False,
        switched_off: SwitchedOff | None = None,
        before_execute: BeforeExecute | Iterable[BeforeExecute] | None = None,
        after_execute: AfterExecute | Iterable[AfterExecute] | None = None,
        client_options: Mapping[str, Any] | None = None,
        max_workers: int = DEFAULT_WORKERS,
    ) -> Self:
        """Create a registry from a manifest.

        Args:
            path: the manifest; by default the packaged one (OpenRouter's).
            accounts: the connected accounts; by default one user, `default`, from environment variables.
            allow: slugs or tags of the only actions that are allowed; all by default.
            deny: slugs or tags of actions that are not allowed; this overrides the other arguments.
            tags: tags of actions that are allowed, in addition to those of `allow`.
            read_only: allow only actions that change nothing.
            switched_off: returns the slugs that are switched off at present; called for each listing and call.
            before_execute: one or several hooks, see `hooks.Hooks`.
            after_execute: one or several hooks, see `hooks.Hooks`.
            client_options: keyword arguments of the toolkit's client; for OpenRouter see
                `openrouter_toolkit.openrouter.OpenRouter`.
            max_workers: how many calls the async methods and `handle_tool_calls` make at once, each in its own
                thread; further calls wait.

        Raises:
            ManifestError: the manifest, or a file that it names, is invalid.
            ValueError: `allow`, `deny` or `tags` has an unknown name, or an option has an invalid value.
            TypeError: the client has no such option, or an argument has the wrong type.
        """
        loaded = manifest.load(path)
        actions = toolset.choose(loaded.actions, allow=allow, deny=deny, tags=tags, read_only=read_only)
        chosen = Toolset(actions, switched_off)
        if accounts is None:
            accounts = EnvironmentAccounts(loaded.auth.environment, needed=loaded.auth.needed)
        hooks = Hooks(before_execute, after_execute)
        return cls(
            loaded, chosen, accounts=accounts, hooks=hooks, client_options=client_options, max_workers=max_workers
        )

    def tools(
        self,
        format: str = "openai",
        *,
        extensions: bool = False,
        strict: bool = False,
    ) -> list[dict[str, Any]]:
        """Return the tool definitions of all allowed actions, in manifest order.

        Args:
            format: a name in `formats.FORMATS`: "openai" (chat completions), "openai-responses", "anthropic",
                "gemini", "gemini-reduced", "mcp" or "composio".
            extensions: include the undocumented parameters that the API accepts.
            strict: use strict mode where the format has it and the action's schema allows it; other schemas are
                unchanged. `formats.why_not_strict` returns the reason why a schema can't be strict.

        Raises:
            ValueError: the format does not exist.
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
        """Execute an action for a user. All errors of the execution are returned in the envelope.

        Args:
            slug: the action, such as "OPENROUTER_GET_CREDITS"; older slugs of an action work too.
            arguments: its arguments, validated against its `input_parameters`. They are not changed.
            user_id: the user whose connected account is used.
            on_event: called with each event of a streamed answer as it arrives.
            timeout: seconds for the whole call, including retries and waits; no limit by default.

        Raises:
            ValueError: `timeout` is not a positive number.
            TypeError: `user_id` is not a string, or `on_event` is not a function of an event.
        """
        check_user(user_id)
        return self._execution.run(slug, arguments, user_id, new_call(timeout, on_event))

    async def execute_async(
        self,
        slug: str,
        arguments: dict[str, Any] | None = None,
        *,
        user_id: str = "default",
        on_event: Listener | None = None,
        timeout: float | None = None,
    ) -> Envelope:
        """`execute` for async code; `on_event` is called in a worker thread.

        Cancelling it cancels the call and closes its connection at once.
        """
        check_user(user_id)
        call = new_call(timeout, on_event)
        return await self._in_worker(
            call, lambda: self._execution.run(slug, arguments, user_id, call), Envelope.failure
        )

    def stream(
        self,
        slug: str,
        arguments: dict[str, Any] | None = None,
        *,
        user_id: str = "default",
        timeout: float | None = None,
    ) -> EventStream:
        """`execute` as an iterator over the events of a streamed answer; closing it early cancels the call.

        If the action can stream, `stream` is set to true. Everything else is as in `execute`.
        """
        check_user(user_id)
        call = new_call(timeout, None)  # raises for an invalid timeout here, not in the other thread
        action = self._execution.known.get(slug) if isinstance(slug, str) else None
        if action is not None and action.streams and (arguments is None or isinstance(arguments, dict)):
            arguments = {**(arguments or {}), "stream": True}
        run = contextvars.copy_context().run
        return EventStream(lambda call: run(self._execution.run, slug, arguments, user_id, call), call)

    def close(self) -> None:
        """Close the open connections. The registry can still be used; it opens new ones."""
        self._resources.close()

    def __repr__(self) -> str:
        return f"<ToolRegistry {self.toolkit.slug}, {len(self._toolset)} actions>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _validated_accounts(accounts: Any) -> Accounts:
    if isinstance(accounts, type) or not all(
        callable(getattr(accounts, name, None)) for name in ("credentials", "how_to_connect")
    ):
        given = f"the class {accounts.__name__}" if isinstance(accounts, type) else type(accounts).__name__
        wanted = "MemoryAccounts({user_id: {field: value}}) or Store.open().for_registry()"
        raise TypeError(f"accounts must be something like {wanted}, not {given}")
    return cast(Accounts, accounts)


def _check_option_names(loaded: LoadedToolkit, options: Mapping[str, Any]) -> None:
    """Raise `TypeError` for options that the toolkit's client does not take."""
    client = cast(Any, loaded.client)
    try:
        signature = inspect.signature(client)
        signature.bind(**options)
    except TypeError as error:
        unknown = next((str(name) for name in options if name not in signature.parameters), None)
        if unknown is None:
            raise TypeError(f"client_options: {error}") from None
        matches = close_matches(unknown, signature.parameters)
        hint = f", did you mean {matches[0]!r}?" if matches else ""
        if unknown in {field.name for field in loaded.auth.fields}:
            hint = "; accounts= gives what an account consists of"
        raise TypeError(f"client_options: {client.__name__} takes no {unknown[:80]!r}{hint}") from None


def _no_op(**_options: Any) -> None:
    """Replace a toolkit's missing client, or a client's missing option check."""
