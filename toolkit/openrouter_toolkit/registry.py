"""What a host holds: a toolkit's actions, to be listed, executed, streamed, and called by models."""

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
        """See `from_manifest`, which is how a registry is made."""
        self.loaded = loaded
        self.toolkit = loaded.toolkit
        self.auth = loaded.auth
        self.accounts = _checked_accounts(accounts)
        self._toolset = chosen
        if not isinstance(client_options, Mapping | None):
            raise TypeError(f"client_options must be a dict, not {type(client_options).__name__}")
        options = dict(client_options or {})
        if loaded.client is not None:  # a wrong option is a programmer's mistake, so it is told here and now
            _check_names(loaded, options)
            getattr(loaded.client, "check_options", _nothing)(**options)
        self._resources = Resources(partial(loaded.client or _nothing, **options), max_workers)
        self._execution = Execution(loaded, chosen, accounts=accounts, hooks=hooks, resources=self._resources)

    @property
    def actions(self) -> Mapping[str, Action]:
        """The actions that may be used now, by slug, in manifest order."""
        return self._toolset.actions

    @classmethod
    def from_manifest(  # noqa: PLR0913 - they are named, and most hosts give two or three
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
        """A registry of a manifest's actions.

        Args:
            path: the manifest; the packaged one (OpenRouter's) when left out.
            accounts: who is connected; the environment's one user `default` when left out.
            allow: slugs or tags of the only actions that may be used; all when left out.
            deny: slugs or tags of actions that may not be used, whatever else is said.
            tags: tags of actions that may be used, beside those of `allow`.
            read_only: only actions that change nothing.
            switched_off: gives the slugs that somebody has switched off meanwhile; asked for each listing and call.
            before_execute: one or several hooks, see `hooks.Hooks`.
            after_execute: one or several hooks, see `hooks.Hooks`.
            client_options: keyword arguments of the toolkit's client; for OpenRouter see
                `openrouter_toolkit.openrouter.OpenRouter`.
            max_workers: how many calls the async methods and `handle_tool_calls` make at once, each in a thread of
                its own; more of them wait.

        Raises:
            ManifestError: the manifest, or a file that it names, is wrong.
            ValueError: `allow`, `deny` or `tags` has a name that does not exist, or an option can't have its value.
            TypeError: `client_options` has a name that the client does not take, or something given is of the wrong
                type.
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
            TypeError: `user_id` is no text, or `on_event` can't be called.
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
        """The same, for async code; `on_event` is called in a worker thread.

        Cancelling it ends the call: its connection is closed at once.
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
        """The same, as an iterator of the events of a streamed answer; closing it early ends the call.

        Where the action can stream, `stream` is set to true. Everything else is as in `execute`.
        """
        check_user(user_id)
        call = new_call(timeout, None)  # refuses a wrong timeout here, not in the other thread
        action = self._execution.known.get(slug) if isinstance(slug, str) else None
        if action is not None and action.streams and (arguments is None or isinstance(arguments, dict)):
            arguments = {**(arguments or {}), "stream": True}
        run = contextvars.copy_context().run
        return EventStream(lambda call: run(self._execution.run, slug, arguments, user_id, call), call)

    def close(self) -> None:
        """Close the connections that are kept open. The registry can still be used; it opens new ones."""
        self._resources.close()

    def __repr__(self) -> str:
        return f"<ToolRegistry {self.toolkit.slug}, {len(self._toolset)} actions>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _checked_accounts(accounts: Any) -> Accounts:
    if isinstance(accounts, type) or not all(
        callable(getattr(accounts, name, None)) for name in ("credentials", "how_to_connect")
    ):
        given = f"the class {accounts.__name__}" if isinstance(accounts, type) else type(accounts).__name__
        wanted = "MemoryAccounts({user_id: {field: value}}) or Store.open().for_registry()"
        raise TypeError(f"accounts must be something like {wanted}, not {given}")
    return cast(Accounts, accounts)


def _check_names(loaded: LoadedToolkit, options: Mapping[str, Any]) -> None:
    """Raise `TypeError` for options that the toolkit's client does not take."""
    client = cast(Any, loaded.client)
    try:
        signature = inspect.signature(client)
        signature.bind(**options)
    except TypeError as error:
        unknown = next((str(name) for name in options if name not in signature.parameters), None)
        if unknown is None:
            raise TypeError(f"client_options: {error}") from None
        near = close_matches(unknown, signature.parameters)
        hint = f", did you mean {near[0]!r}?" if near else ""
        if unknown in {field.name for field in loaded.auth.fields}:
            hint = "; accounts= gives what an account consists of"
        raise TypeError(f"client_options: {client.__name__} takes no {unknown[:80]!r}{hint}") from None


def _nothing(**_options: Any) -> None:
    """What a toolkit without a client, or a client without checks, has for one."""
