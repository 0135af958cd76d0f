"""The tool registry: lists, executes and streams toolkits' actions, and handles the tool calls of models."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeVar, Unpack

from . import manifest
from .accounts import Accounts, EnvironmentAccounts, picklable_accounts
from .call import Call, Listener
from .envelope import Envelope
from .execution import toolset
from .execution.by_toolkit import accounts_by_toolkit, client_options_by_toolkit
from .execution.event_stream import EventStream
from .execution.hooks import AfterExecute, BeforeExecute, Hooks
from .execution.pipeline import Execution
from .execution.resources import DEFAULT_WORKERS, Clients, Job, Resources
from .execution.toolset import SwitchedOff, Toolset
from .manifest import Action, LoadedToolkit, Toolkits
from .steps import Steps
from .tool_calling import FORMATS, ToolCall, ToolResult, messages, read, read_async, tool_calls
from .tool_calling.options import DEFAULT_LIMIT, CallKeywords, CallOptions
from .tool_calling.tool_calls import find_tool

if TYPE_CHECKING:  # a start needs none of it, and packages of the ledger may be missing
    from decimal import Decimal

    from .bulk import BulkRun, GivenRow
    from .bulk.calls import WorstCase
    from .execution.call_record import CallRecord
    from .ledger import Ledger
    from .spending import Budget, Catalogue, MemoryBudgets, Quote

_Answer = TypeVar("_Answer")
Manifests: TypeAlias = Path | str | Sequence[manifest.Source] | None


class ToolRegistry:
    """The actions of one or several toolkits, ready to be listed and executed. Safe to use from many threads.

    It can be pickled if its keys come from the environment and it has no ledger; it is made again in the other process.

    Attributes:
        toolkits: the toolkits, in the order of their manifests.
        loaded, toolkit, auth, accounts: those of the first toolkit.
    """

    _made_from: tuple[Manifests] | None = None  # what `from_manifest` was given

    def __init__(
        self,
        loaded: LoadedToolkit | Sequence[LoadedToolkit],
        chosen: Toolset,
        *,
        accounts: Accounts | Mapping[str, Accounts],
        hooks: Hooks,
        client_options: Mapping[str, Any] | None = None,
        max_workers: int = DEFAULT_WORKERS,
        fill_trace: bool = False,
        ledger: Ledger | None = None,
        budgets: MemoryBudgets | None = None,
        on_ended: Callable[[CallRecord], None] | None = None,
    ) -> None:
        """Use `from_manifest` to create a registry."""
        self.toolkits = Toolkits([loaded] if isinstance(loaded, LoadedToolkit) else loaded)
        self.loaded = self.toolkits.first
        self.toolkit = self.loaded.toolkit
        self.auth = self.loaded.auth
        self._accounts = accounts_by_toolkit(self.toolkits, accounts)
        self._toolset = chosen
        self._hooks = hooks
        self._ledger, self._budgets = ledger, budgets
        self._settings = {"client_options": client_options, "max_workers": max_workers, "fill_trace": fill_trace}
        clients = {
            one.toolkit.slug: partial(_make_client, one, options)
            for one, options in client_options_by_toolkit(self.toolkits, client_options)
        }
        self._resources = Resources(lambda: Clients(clients), max_workers)
        self._execution = Execution(
            self.toolkits,
            chosen,
            accounts=self._accounts,
            hooks=hooks,
            resources=self._resources,
            fill_trace=fill_trace,
            ledger=ledger,
            budgets=budgets,
            on_ended=on_ended,
        )

    @property
    def accounts(self) -> Accounts:
        """The connected accounts of the first toolkit."""
        return self._accounts[self.toolkit.slug]

    def accounts_for(self, action: Action | None) -> Accounts:
        """The connected accounts of an action's toolkit; for None, of the first."""
        loaded = self.loaded if action is None else self.toolkits.of(action)
        return self._accounts[loaded.toolkit.slug]

    @property
    def actions(self) -> Mapping[str, Action]:
        """The actions that are currently allowed, by slug, in manifest order."""
        return self._toolset.actions

    @property
    def offered(self) -> Mapping[str, Action]:
        """The allowed actions that models are shown: one that its API has withdrawn only if `allow` names its slug."""
        return self._toolset.offered

    @classmethod
    def from_manifest(  # noqa: PLR0913 - they are keywords, and most hosts pass two or three
        cls,
        path: Manifests = None,
        *,
        accounts: Accounts | Mapping[str, Accounts] | None = None,
        toolsets: Iterable[str] | None = None,
        allow: Iterable[str] | None = None,
        deny: Iterable[str] | None = None,
        tags: Iterable[str] | None = None,
        read_only: bool = False,
        switched_off: SwitchedOff | None = None,
        before_execute: BeforeExecute | Iterable[BeforeExecute] | None = None,
        after_execute: AfterExecute | Iterable[AfterExecute] | None = None,
        client_options: Mapping[str, Any] | None = None,
        max_workers: int = DEFAULT_WORKERS,
        fill_trace: bool = False,
        ledger: Ledger | None = None,
        budgets: Iterable[Budget] | MemoryBudgets = (),
    ) -> Self:
        """Create a registry from a manifest, or from several.

        Args:
            path: the manifest; by default the packaged one (OpenRouter's). A list of manifests, in which None stands
                for the packaged one, gives a registry of several toolkits.
            accounts: the connected accounts; by default one user, `default`, from environment variables. For several
                toolkits, those of a store, or a dict of accounts by the toolkits' slugs.
            toolsets: the toolsets whose actions are allowed, such as `["documented", "inference"]`, or `["all"]`; by
                default `documented`. `LoadedToolkit.toolsets` has the further ones.
            allow: slugs or tags of the only actions of these that are allowed, or slugs of toolkits; all by default.
                An action of another toolset may be named by its slug. One that its API has withdrawn is offered to
                models only if its slug is here.
            deny: slugs or tags of actions that are not allowed, likewise; this overrides the other arguments.
            tags: tags of actions that are allowed, in addition to those of `allow`.
            read_only: allow only actions that change nothing.
            switched_off: returns the slugs that are switched off at present; called for each listing and call.
            before_execute: one or several hooks, see `hooks.Hooks`.
            after_execute: one or several hooks, see `hooks.Hooks`.
            client_options: keyword arguments of the toolkit's client; for OpenRouter see
                `openrouter_toolkit.openrouter.OpenRouter`. For several toolkits, a dict of them by slug.
            max_workers: how many calls the async methods and `handle_tool_calls` make at once, each in its own
                thread; further calls wait.
            fill_trace: fill the parameters `trace` and `session_id` of a call from OpenTelemetry's current span and
                baggage, and `user` from baggage or the user_id, where an action has them and the arguments do not.
            ledger: where each call is recorded; it is not closed with the registry. The budgets of its store apply.
            budgets: further budgets, kept in this process's memory; or a `MemoryBudgets` that several registries share.

        Raises:
            ManifestError: the manifest, or a file that it names, is invalid, or two toolkits share a slug.
            ValueError: `toolsets`, `allow`, `deny` or `tags` has an unknown name, or an option has an invalid value.
            TypeError: the client has no such option, or an argument has the wrong type.
        """
        if path is None or isinstance(path, str | Path):
            toolkits = Toolkits([manifest.load(path)])
        else:
            toolkits = Toolkits(manifest.load_several(path))
        actions = toolset.choose(toolkits, toolsets=toolsets, allow=allow, deny=deny, tags=tags, read_only=read_only)
        chosen = Toolset(actions, switched_off, toolset.named(actions, allow))
        if accounts is None:
            accounts = {
                one.toolkit.slug: EnvironmentAccounts(one.auth.environment, needed=one.auth.needed) for one in toolkits
            }
        hooks = Hooks(before_execute, after_execute)
        registry = cls(
            [*toolkits],
            chosen,
            accounts=accounts,
            hooks=hooks,
            client_options=client_options,
            max_workers=max_workers,
            fill_trace=fill_trace,
            ledger=ledger,
            budgets=_in_memory(budgets),
        )
        registry._made_from = (path,)
        return registry

    def tools(self, format: str = "openai", *, extensions: bool = False, strict: bool = False) -> list[dict[str, Any]]:
        """Return the tool definitions of the actions that are `offered`, in manifest order.

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
        return [
            FORMATS[format](action, self.toolkits.of(action).toolkit, extensions, strict)
            for action in self.offered.values()
        ]

    def execute(
        self,
        slug: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        user_id: str = "default",
        account_id: str | None = None,
        on_event: Listener | None = None,
        timeout: float | None = None,
        agent: str | None = None,
        session_id: str | None = None,
    ) -> Envelope:
        """Execute an action for a user. All errors of the execution are returned in the envelope.

        Args:
            slug: the action, such as "OPENROUTER_GET_CREDITS"; older slugs of an action work too.
            arguments: its arguments, validated against its `input_parameters`. They are not changed.
            user_id: the user whose connected account is used.
            account_id: the id of the only connected account that may be used; by default the user's best one.
            on_event: called with each event of a streamed answer as it arrives.
            timeout: seconds for the whole call, including retries and waits; no limit by default.
            agent: a label of the agent that calls, for the ledger.
            session_id: the conversation or run to which the call belongs, for the ledger.

        Raises:
            ValueError: `timeout` is not a positive number.
            TypeError: `user_id` is not a string, or `on_event` is not a function of an event.
        """
        options = CallOptions(
            user_id, account_id, timeout=timeout, on_event=on_event, agent=agent, session_id=session_id
        )
        return self._execution.run(slug, arguments, options.user_id, options.new_call(), options.account_id)

    def execute_call(self, slug: str, arguments: Mapping[str, Any] | None, call: Call, *, user_id: str) -> Envelope:
        """`execute` with a call of the caller's own, which it may cancel from another thread."""
        return self._execution.run(slug, arguments, user_id, call)

    async def execute_async(
        self,
        slug: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        user_id: str = "default",
        account_id: str | None = None,
        on_event: Listener | None = None,
        timeout: float | None = None,
        agent: str | None = None,
        session_id: str | None = None,
    ) -> Envelope:
        """`execute` for async code; `on_event` is called in a worker thread.

        Cancelling it cancels the call and closes its connection at once.
        """
        call = CallOptions(
            user_id, account_id, timeout=timeout, on_event=on_event, agent=agent, session_id=session_id
        ).new_call()
        steps = partial(self._execution.steps, slug, arguments, user_id, call, account_id)
        (envelope,) = await self._run_async([Job(call, steps, Envelope.failure)])
        return envelope

    def stream(
        self,
        slug: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        user_id: str = "default",
        account_id: str | None = None,
        timeout: float | None = None,
        agent: str | None = None,
        session_id: str | None = None,
    ) -> EventStream:
        """`execute` as an iterator over the events of a streamed answer, for `for` and for `async for`.

        Closing it early cancels the call.

        If the action can stream, `stream` is set to true. Everything else is as in `execute`.
        """
        options = CallOptions(user_id, account_id, timeout=timeout, agent=agent, session_id=session_id)
        action = self.find(slug)
        if action is not None and action.streams and (arguments is None or isinstance(arguments, Mapping)):
            arguments = {**(arguments or {}), "stream": True}
        in_context = contextvars.copy_context().run

        def run(call: Call) -> Envelope:
            return in_context(self._execution.run, slug, arguments, user_id, call, account_id)

        return EventStream(run, lambda listener: replace(options, on_event=listener).new_call())

    def call_tool(
        self,
        name: str,
        arguments: Any = None,
        *,
        user_id: str = "default",
        account_id: str | None = None,
        limit: int = DEFAULT_LIMIT,
        timeout: float | None = None,
        on_event: Listener | None = None,
        agent: str | None = None,
        session_id: str | None = None,
    ) -> ToolResult:
        """Make one tool call of a model, and return its result.

        Unlike `execute`, it coerces arguments that models commonly write wrong (see `coercion`), turns invalid JSON,
        unknown tools and failed actions into results that the model can react to, accepts `select` where the
        definition has it, and shortens long answers (see `summary`).

        Args:
            name: the tool's name as the model wrote it.
            arguments: as the model wrote them: JSON text, or an object.
            user_id: as in `execute`, like `account_id` and `on_event`.
            account_id: see there.
            limit: the maximum length of the result's text in characters, 1000 or more.
            timeout: seconds for each call, as in `execute`.
            on_event: see there.
            agent: see there, like `session_id`.
            session_id: see there.

        Returns:
            The result: its `text` for the model, whether it `failed`, and the full `envelope`.

        Raises:
            ValueError: `limit` or `timeout` is invalid.
            TypeError: as in `execute`.
        """
        options = CallOptions(user_id, account_id, limit, timeout, on_event, agent, session_id)
        return self._tool_job(ToolCall("", name, arguments), options).run()

    async def call_tool_async(self, name: str, arguments: Any = None, **options: Unpack[CallKeywords]) -> ToolResult:
        """`call_tool` for async code; `on_event` is called in a worker thread. Cancelling it cancels the call."""
        (result,) = await self.call_tools_async([ToolCall("", name, arguments)], **options)
        return result

    def call_tools(self, written: Sequence[ToolCall], **options: Unpack[CallKeywords]) -> list[ToolResult]:
        """`call_tool` for several calls in parallel, with results in the same order. Ctrl-C cancels all of them."""
        checked = CallOptions(**options)
        jobs = (self._tool_job(one, checked) for one in written)  # a call's time begins when its job is made
        if len(written) == 1 or self._resources.is_worker():
            return [job.run() for job in jobs]
        return self._resources.run(list(jobs))

    async def call_tools_async(self, written: Sequence[ToolCall], **options: Unpack[CallKeywords]) -> list[ToolResult]:
        """`call_tools` for async code; cancelling it cancels all calls."""
        checked = CallOptions(**options)
        return await self._run_async([self._tool_job(one, checked) for one in written])

    def handle_tool_calls(self, response: Any, **options: Unpack[CallKeywords]) -> list[dict[str, Any]]:
        """Make the tool calls of a model's answer in parallel, and return the messages for the conversation.

        Args:
            response: the answer of OpenAI's chat completions or responses, or of Anthropic's messages: the SDK's
                object or its dict; or a stream of one, which is read to its end, or the list of its chunks or events.
            options: `user_id`, `account_id`, `limit`, `timeout`, `on_event`, `agent` and `session_id`, as in
                `call_tool`.

        Returns:
            The assistant's message, unchanged (including reasoning details and signatures), and the results,
            in the answer's format. Without tool calls, only the assistant's message.

        Raises:
            TypeError: `response` is not such an answer.
            ActionError: the stream broke off or has an error, so nothing was called. What the client itself raises
                while its stream is read passes through.
        """
        name, answer, written = read(response)
        return messages(name, answer, self.call_tools(written, **options))

    def bulk(  # noqa: PLR0913 - as with from_manifest
        self,
        slug: str,
        arguments: Iterable[GivenRow] | str | Path,
        *,
        concurrency: int = 16,
        max_cost: Decimal | float | str | None = None,
        ordered: bool = False,
        output: str | Path | None = None,
        retry_failed: bool = False,
        user_id: str = "default",
        account_id: str | None = None,
        timeout: float | None = None,
        agent: str | None = None,
        session_id: str | None = None,
    ) -> BulkRun:
        """Execute an action many times at once; an iterator of (id, envelope), for `for` and `async for`.

        Nothing is sent before the first answer is asked for, and new calls are only begun while answers are read.

        Args:
            slug: the action.
            arguments: the arguments of each call: a list or any iterable of dicts, whose id is their number from 1 on,
                of pairs (id, dict), or of `{"id": …, "arguments": {…}}`; or the path of a file with such JSON on each
                line. A list or a file is checked before anything is sent, another iterable is read as calls are made.
            concurrency: how many calls are made at once; fewer while a rate limit is hit.
            max_cost: what the run may cost in US dollars. A call whose worst case does not fit into what is left is not
                sent, and has no answer.
            ordered: answer in the order of the arguments.
            output: a file to which each answer is appended, as a line of JSON. A run that ended early, or was killed,
                is continued by making it again: lines that have an answer there are not sent again, and not returned.
            retry_failed: send lines whose answer in `output` is a failure again.
            user_id: as in `execute`, like `account_id`, `agent` and `session_id`.
            account_id: see there.
            timeout: seconds for each call.
            agent: see there.
            session_id: see there.

        Raises:
            ActionError: there is no such action, or it is not allowed.
            TypeError, ValueError: an argument is invalid.
            What the iterator raises: `bulk.InvalidRows` and `bulk.OutputRefused` (both are ValueErrors), OSError for
                the files, and `ActionError` if `max_cost` is given and the prices can't be read.
        """
        from .bulk import BulkOptions, BulkRun
        from .bulk.calls import nothing
        from .spending import worst_case as worst_case_of

        options = BulkOptions.checked(concurrency, max_cost, output, ordered=ordered, retry_failed=retry_failed)
        calls = CallOptions(user_id, account_id, timeout=timeout, agent=agent, session_id=session_id)
        action = self._execution.check_allowed(slug)

        def execute(arguments: Mapping[str, Any], call: Call) -> Envelope:
            return self._execution.run(action.slug, arguments, user_id, call, account_id)

        def worst_case() -> WorstCase:
            if options.max_cost is None or not action.definition.annotations.costsMoney:
                return nothing
            return partial(worst_case_of, catalogue=self._prices(action, calls))

        return BulkRun(action.slug, arguments, options, execute=execute, new_call=calls.new_call, worst_case=worst_case)

    def quote(
        self,
        slug: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        user_id: str = "default",
        account_id: str | None = None,
        timeout: float | None = None,
    ) -> Quote:
        """Return what a call would cost at most and about, and which models can do it for less. It is not made.

        Args:
            slug: the action.
            arguments: its arguments.
            user_id: whose account reads the toolkit's catalogue of prices.
            account_id: see `execute`.
            timeout: seconds for reading it.

        Raises:
            ActionError: there is no such action, it is not allowed, the arguments are invalid, or the catalogue can't
                be read.
            ValueError, TypeError: see `execute`.
        """
        from .execution.quoting import quote

        options = CallOptions(user_id, account_id, timeout=timeout)
        return quote(
            self._execution,
            self.toolkits,
            slug,
            arguments,
            user_id=options.user_id,
            account_id=options.account_id,
            call=options.new_call(),
        )

    def _prices(self, action: Action, options: CallOptions) -> Catalogue:
        """The prices of all models; none if the action's toolkit has no catalogue."""
        catalogue = self.toolkits.of(action).toolkit.catalogue
        if catalogue is None:
            return {}
        from .spending import read_catalogue

        call = options.new_call()
        text = self._execution.look_up(catalogue, options.user_id, call, options.account_id)
        return read_catalogue(text)

    async def handle_tool_calls_async(self, response: Any, **options: Unpack[CallKeywords]) -> list[dict[str, Any]]:
        """`handle_tool_calls` for async code, with async streams; cancelling it cancels all calls."""
        name, answer, written = await read_async(response)
        return messages(name, answer, await self.call_tools_async(written, **options))

    def find(self, slug: str) -> Action | None:
        """Find an action by its slug or an older one, whether it is allowed or not; None if there is none."""
        return self.toolkits.find(slug)

    def find_tool(self, name: Any) -> Action | None:
        """`find` for a name that a model wrote, with common additions such as a namespace or a call number."""
        return find_tool(self.toolkits, name)

    def _tool_job(self, written: ToolCall, options: CallOptions) -> Job[ToolResult]:
        call = options.new_call()

        def execute(slug: str, arguments: dict[str, Any]) -> Steps[Envelope]:
            return self._execution.steps(slug, arguments, options.user_id, call, options.account_id)

        def steps() -> Steps[ToolResult]:
            action = self.find_tool(written.name)
            return tool_calls.run(written, action, execute, limit=options.limit, checkpoint=call.check)

        return Job(call, steps, partial(tool_calls.failed, written))

    async def _run_async(self, jobs: Sequence[Job[_Answer]]) -> list[_Answer]:
        """Run jobs in worker threads: all async calls come through here."""
        return await self._resources.run_async(jobs)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle how it was made, without any key: it is made again where it is used.

        Raises:
            TypeError: keys would be in the pickle, it has a ledger or budgets, or it was not made by `from_manifest`.
        """
        if self._made_from is None:
            raise TypeError("only a registry that was made by from_manifest can be pickled")
        if self._ledger is not None:
            raise TypeError(
                "a registry with a ledger can't be pickled, since the ledger's database may be another one, or none, "
                "elsewhere: create it where it is used, with a ledger of its own"
            )
        if self._budgets is not None:
            raise TypeError(
                "a registry with budgets in memory can't be pickled, since each process would allow them anew: "
                "keep them in a store, or create the registry where it is used"
            )
        options = {
            "accounts": {slug: picklable_accounts(accounts) for slug, accounts in self._accounts.items()},
            **self._toolset.choice(),
            **self._hooks.given(),
            **self._settings,
        }
        return _made_again, (type(self), *self._made_from, options)

    def close(self) -> None:
        """Close the open connections. The registry can still be used; it opens new ones."""
        self._resources.close()

    def __repr__(self) -> str:
        slugs = ", ".join(one.toolkit.slug for one in self.toolkits)
        return f"<ToolRegistry {slugs}, {len(self._toolset)} actions>"

    def _repr_html_(self) -> str:
        """A table of the actions, for notebooks."""
        from . import notebook

        rows = [
            (
                action.slug,
                "money" if action.definition.annotations.costsMoney else "nothing",
                action.definition.description,
            )
            for action in self.actions.values()
        ]
        names = ", ".join(one.toolkit.name for one in self.toolkits)
        return notebook.table(
            f"{names}: {len(rows)} actions",
            ("action", "costs", "what it does"),
            rows,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _make_client(loaded: LoadedToolkit, options: Mapping[str, Any]) -> Any:
    return None if loaded.client is None else loaded.client(**options)


def _in_memory(budgets: Iterable[Budget] | MemoryBudgets) -> MemoryBudgets | None:
    if budgets == ():  # a start loads nothing for budgets that there are not
        return None
    from .spending.memory import MemoryBudgets

    return budgets if isinstance(budgets, MemoryBudgets) else MemoryBudgets(budgets)


def _made_again(kind: type[ToolRegistry], path: Manifests, options: dict[str, Any]) -> ToolRegistry:
    return kind.from_manifest(path, **options)
