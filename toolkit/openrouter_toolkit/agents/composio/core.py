"""Adapter for composio-core 0.7.22: actions as a local tool of a `ComposioToolSet`, offline, without Composio's key.

    toolset = local_toolset(registry, package="composio_openai", entity_id="alice")
    tools = toolset.get_tools(apps=["OPENROUTER_TOOLKIT"])
    answer = client.chat.completions.create(model=model, messages=conversation, tools=tools)
    results = toolset.handle_tool_calls(answer)

**Names.** The app is the toolkit's slug and `_TOOLKIT`; an action is the app and its slug, as composio forms names:
`OPENROUTER_TOOLKIT_OPENROUTER_GET_CREDITS`. A model may also write only the slug.

**Execution.** Composio's catalogue of names is global in the process, but each toolset has its own registry: it lists
and executes what this registry allows, with its accounts. The `entity_id` is the registry's `user_id`; by default, or
if None, it is the toolset's own. Only it selects the account: a call with a `connected_account_id` is refused
(`refused_by_policy`). Keys come from the registry's accounts; `add_auth` and metadata are ignored.

**Results** are always `{"data": object, "error": text or None, "successful": bool}`. `data` is the answer's JSON; an
answer that is not an object is in `{"result": …}`. On failure it is `{"error": {"type", "message", …}}`, and `error`
says what to do next; if it is too long for a model, it is truncated to `{"answer": …, "cut": "what is missing"}`.
Errors of an action, including wrong names and invalid arguments, are returned and not raised.

| method                                                | parameters and answers are those of                       |
| ----------------------------------------------------- | --------------------------------------------------------- |
| `get_action_schemas`, `execute_action`                | `registry.tools("composio")`, `registry.execute`          |
| `get_tools`, `handle_tool_calls` (calls of a model)   | `registry.tools("openai")`, `registry.call_tool`: summary |

**Data sent to Composio**: none, with or without its key. Our actions bypass composio's log (which contains arguments
and answers), its `/v1/logs`, its search for uploads, its workspace and its lock file. Processors are applied.
Actions of other apps are unchanged.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from functools import cache, wraps
from importlib import import_module
from types import new_class
from typing import Any

from ...envelope import ActionError, Envelope
from ...registry import ToolRegistry
from ...text.close_matches import close_matches
from ...text.sanitize import quoted
from ...tool_calling.tool_calls import read_arguments
from .core_catalogue import action_model, app_name, import_offline, parameters_of, register_actions
from .core_results import refused_account_id, to_composio, to_composio_for_model


def local_toolset(registry: ToolRegistry, *, package: str = "composio", **options: Any) -> Any:
    """Create a `ComposioToolSet` that has the registry's actions as a local tool.

    Args:
        registry: executes the actions. There may be several toolsets, with the same or different registries.
        package: the package of the `ComposioToolSet`: `composio`, or one for a framework, such as
            `composio_openai`. Let this function import it, so that the import makes no requests.
        options: of its constructor, such as `entity_id` ("default" by default). `lock` is False by default:
            no `.composio.lock` is written into the working directory.

    Raises:
        ImportError: composio-core or `package` is missing.
        ValueError: a name would be longer than 64 characters.
    """
    toolset = _toolset_class(import_offline(package).ComposioToolSet)
    register_actions(registry)
    return toolset(registry, **{"lock": False, **options})


@cache
def _toolset_class(base: Any) -> Any:
    traits = {
        "runtime": base._runtime,  # noqa: SLF001 - required by the constructor of subclasses
        "description_char_limit": base._description_char_limit,  # noqa: SLF001
        "action_name_char_limit": base._action_name_char_limit,  # noqa: SLF001
    }
    attributes: dict[str, Any] = {"__module__": __name__}
    for name, method in inspect.getmembers(base, inspect.isfunction):
        takes_entity = "entity_id" in inspect.signature(method).parameters
        if takes_entity and not name.startswith("_") and name not in vars(_LocalToolSet):
            attributes[name] = _reject_empty_entity(method)
    return new_class("LocalToolSet", (_LocalToolSet, base), traits, lambda namespace: namespace.update(attributes))


def _reject_empty_entity(method: Any) -> Any:
    """Wrap a method of composio's so that an empty `entity_id` is refused; composio would use the toolset's own."""
    shape = inspect.signature(method)

    @wraps(method)
    def checked(self: Any, *args: Any, **kwargs: Any) -> Any:
        if shape.bind_partial(self, *args, **kwargs).arguments.get("entity_id") == "":
            raise import_module("composio.exceptions").InvalidEntityIdError("entity_id is empty: it is nobody's")
        return method(self, *args, **kwargs)

    return checked


class _LocalToolSet:
    """The differences from `ComposioToolSet`, which follows it in the method resolution order."""

    _processor_helpers: Any
    _requested_actions: list[str]
    _serialize_execute_params: Any
    entity_id: str
    max_retries: int

    def __init__(self, registry: ToolRegistry, **options: Any) -> None:
        inherited: Any = super()
        inherited.__init__(**options)
        self._registry = registry
        self._app = app_name(registry)
        self._own = {f"{self._app}_{slug}": action for slug, action in registry.actions.items()}
        self._offered = [f"{self._app}_{slug}" for slug in registry.offered]

    def get_action_schemas(
        self,
        apps: Sequence[Any] | None = None,
        actions: Sequence[Any] | None = None,
        tags: Sequence[Any] | None = None,
        *,
        check_connected_accounts: bool = True,
        _populate_requested: bool = False,
    ) -> list[Any]:
        """Return the schemas of our actions, followed by composio's schemas of other actions.

        Raises:
            EnumStringNotFound: (composio's) an action that is not in the registry's toolset.
        """
        names, apps, actions = self._split_ours(apps, actions)
        wanted = {str(tag).lower() for tag in tags or ()}
        chosen = [self._own[name] for name in names if not wanted or wanted.intersection(self._own[name].tags)]
        models = [
            action_model(
                action,
                app=self._app,
                properties=self._processor_helpers.process_schema_properties(
                    action=_action(f"{self._app}_{action.slug}"),
                    properties=parameters_of(action, for_model=_populate_requested)["properties"],
                ),
                for_model=_populate_requested,
            )
            for action in chosen
        ]
        if _populate_requested:
            self._requested_actions += [model.name for model in models]
        if not apps and not actions:
            return models
        inherited: Any = super()
        others: list[Any] = inherited.get_action_schemas(
            apps,
            actions,
            tags,
            check_connected_accounts=check_connected_accounts,
            _populate_requested=_populate_requested,
        )
        return models + others

    def validate_tools(
        self, apps: Sequence[Any] | None = None, actions: Sequence[Any] | None = None, tags: Sequence[Any] | None = None
    ) -> None:
        """Let composio check, and install, what other actions need; ours need nothing."""
        names, apps, actions = self._split_ours(apps, actions)
        if apps or actions or not names:
            inherited: Any = super()
            inherited.validate_tools(apps, actions, tags)

    def execute_action(
        self,
        action: Any,
        params: Any,
        metadata: dict[str, Any] | None = None,
        entity_id: str | None = None,
        connected_account_id: str | None = None,
        text: str | None = None,
        *,
        processors: Any = None,
        _check_requested_actions: bool = False,
    ) -> Any:
        """Execute one of our actions with the registry; other actions are left to composio.

        Composio's packages set `_check_requested_actions` for the call of a model. The call is then made by
        `registry.call_tool`, and `params` may also be JSON text. With a `connected_account_id` nothing is executed:
        the account is selected by `entity_id`, and the error says so.
        """
        name = _action(action).slug
        if _check_requested_actions and name not in self._requested_actions:
            name = f"{self._app}_{name}"
            if name not in self._requested_actions:
                return self._unknown_action(str(action), self._requested_actions)
        if not name.startswith(f"{self._app}_"):
            inherited: Any = super()
            return inherited.execute_action(
                action,
                params,
                metadata,
                entity_id,
                connected_account_id,
                text,
                processors=processors,
                _check_requested_actions=_check_requested_actions,
            )
        if name not in self._own:
            return self._unknown_action(name, self._own)
        if connected_account_id is not None:
            return refused_account_id()
        if processors is not None:
            self._processor_helpers.merge_processors(processors)
        user_id = self.entity_id if entity_id is None else entity_id
        return self._execute_with_processors(name, self._parse_params(params), user_id, _check_requested_actions)

    def execute_tool_call(
        self, tool_call: Any, entity_id: str | None = None, check_requested_actions: bool = True
    ) -> Any:
        """Execute a tool call of OpenAI's as composio_openai does, but return errors of ours instead of raising."""
        name = tool_call.function.name
        known = _action(name).slug in self._requested_actions or not check_requested_actions
        if known and not _action(name).slug.startswith(f"{self._app}_"):
            inherited: Any = super()
            return inherited.execute_tool_call(tool_call, entity_id, check_requested_actions)
        return self.execute_action(
            name,
            tool_call.function.arguments,
            entity_id=self.entity_id if entity_id is None else entity_id,
            _check_requested_actions=check_requested_actions,
        )

    def _split_ours(
        self, apps: Sequence[Any] | None, actions: Sequence[Any] | None
    ) -> tuple[list[str], list[Any], list[Any]]:
        """Return the names of our actions, each once, and the other apps and actions.

        Our app stands for the actions that are offered; the others have to be named.
        """
        names = dict.fromkeys(self._offered) if any(str(app).upper() == self._app for app in apps or ()) else {}
        others = []
        for action in actions or ():
            name = _action(action).slug
            if not name.startswith(f"{self._app}_"):
                others.append(action)
            elif name in self._own:
                names[name] = None
            else:
                raise import_module("composio.exceptions").EnumStringNotFound(name, "Action", list(self._own))
        return list(names), [app for app in apps or () if str(app).upper() != self._app], others

    def _parse_params(self, params: Any) -> Any:
        """Parse the parameters into an object if possible; otherwise the registry reports the error.

        Text is decoded as often as the registry would decode it, so that the host's processors see the object.
        """
        try:
            is_text = params is None or isinstance(params, str)
            return read_arguments("", params if is_text else self._serialize_execute_params(params))
        except (ActionError, ValueError, RecursionError):
            return params

    def _execute_with_processors(self, name: str, params: Any, user_id: str, for_model: bool) -> Any:
        """Execute with the host's processors, and repeat while one requests a retry, as composio does."""
        retry = import_module("composio.tools.toolset").RETRY
        if isinstance(params, dict):
            params = self._processor_helpers.process_request(action=_action(name), request=params)
        failed = []
        for _ in range(self.max_retries):
            answer = self._execute_once(name, params, user_id, for_model)
            processed = self._processor_helpers.process_respone(action=_action(name), response=answer)
            if processed is not retry:
                return processed
            failed.append(answer)
        error = f"{name} was executed {len(failed)} times, and a processor of the host's took no answer."
        return {"data": {"failed_responses": failed}, "error": error, "successful": False}

    def _execute_once(self, name: str, params: Any, user_id: str, for_model: bool) -> dict[str, Any]:
        slug = self._own[name].slug
        if not for_model:
            return to_composio(self._registry.execute(slug, params, user_id=user_id))
        return to_composio_for_model(self._registry.call_tool(slug, params, user_id=user_id))

    def _unknown_action(self, name: str, known: Iterable[str]) -> dict[str, Any]:
        """Return the failure for an unknown name, with close matches."""
        by_rest = {self._short_name(one): one for one in known}
        matches = [by_rest[rest] for rest in close_matches(self._short_name(name), by_rest, count=3)]
        message = f"There is no action {quoted(name, 80)} here."
        hint = f"Did you mean {matches[0]}?" if matches else f"There are {', '.join(by_rest.values()) or 'none'}."
        return to_composio(Envelope.failure(ActionError("unknown_action", message, advice=hint, suggestions=matches)))

    def _short_name(self, name: str) -> str:
        """Return a name without the common prefix, which would make all names look similar."""
        return name.upper().removeprefix(f"{self._app}_").removeprefix(f"{self._registry.toolkit.slug}_")


def _action(value: Any) -> Any:
    """Return composio's name object for a name, a name object, or a function with composio's `@action`."""
    return import_module("composio.client.enums").Action(value, cache=False)  # a model may write any number of names
