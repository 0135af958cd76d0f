"""What composio-core learns of our actions: names in its catalogue, and definitions as its models.

Its modules are imported by name, because mypy sees the newer package `composio`, where they don't exist.
"""

from __future__ import annotations

import atexit
import copy
import os
import threading
import types
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from pydantic import BaseModel, PrivateAttr, create_model, model_serializer

from ...manifest import Action
from ...registry import ToolRegistry
from ...tool_calling import input_schema
from ..bound_tools import needs

_SWITCHES = (
    "COMPOSIO_DISABLE_SENTRY",
    "COMPOSIO_DISABLE_VERSION_CHECK",
    "COMPOSIO_NO_CACHE_REFRESH",
    "COMPOSIO_NO_REMOTE_ENUM_FETCHING",
)
_MAX_NAME_LENGTH = 64  # composio_openai truncates longer names, and then does not recognise them
_lock = threading.Lock()


def import_offline(package: str) -> Any:
    """Import composio-core and a package that builds on it, such as `composio_openai`, and return that package.

    Each of composio's switches is set to "true", unless the environment sets it already: to use actions hosted by
    Composio too, set COMPOSIO_NO_CACHE_REFRESH and COMPOSIO_NO_REMOTE_ENUM_FETCHING to "false".
    If composio was imported earlier, its requests at that time can't be undone, but later ones are prevented.

    Raises:
        ImportError: a package is missing, or the import name `composio` belongs to the newer package composio.
    """
    off = {name for name in _SWITCHES if os.environ.setdefault(name, "true").lower() == "true"}
    with needs(
        "composio-core is not here, or the package composio is in its place (they own the same import name): "
        "pip install 'openrouter-toolkit[composio-core]', in an environment without composio"
    ):
        import_module("composio.tools.base.local")
        utils: Any = import_module("composio.client.utils")
        enum: Any = import_module("composio.client.enums.enum")
        sentry: Any = import_module("composio.utils.sentry")
    if "COMPOSIO_NO_CACHE_REFRESH" in off:
        utils.NO_CACHE_REFRESH = True
    if "COMPOSIO_NO_REMOTE_ENUM_FETCHING" in off:
        enum.NO_REMOTE_ENUM_FETCHING = True
    if "COMPOSIO_DISABLE_SENTRY" in off:
        atexit.unregister(sentry.update_dsn)  # it sends a request at exit despite the variable
    with needs(f"{package} can't be imported: pip install '{package.replace('_', '-')}<0.8'"):
        return import_module(package)


def app_name(registry: ToolRegistry) -> str:
    """Return the app's name: the toolkit's slug and `_TOOLKIT`, so that an app hosted by Composio does not hide it."""
    return f"{registry.toolkit.slug}_TOOLKIT"


def register_actions(registry: ToolRegistry) -> None:
    """Register the registry's actions as a local tool, in addition to registered ones of the same app.

    Composio then recognises their names (`Action`, `App`, processors). The names do not determine who executes them:
    each toolset of `local_toolset` has its own registry, and other toolsets are refused.

    Raises:
        ValueError: a name is longer than 64 characters.
    """
    app = app_name(registry)
    long = [name for slug in registry.actions if len(name := f"{app}_{slug}") > _MAX_NAME_LENGTH]
    if long:
        raise ValueError(
            f"names in composio have at most {_MAX_NAME_LENGTH} characters; these are longer: {', '.join(long)}"
        )
    with _lock:
        known = import_module("composio.tools.base.abs").tool_registry["local"].get(app)
        actions = [] if known is None else list(known.actions())
        names = {action.name for action in actions}
        new = [_local_action(action, app) for action in registry.actions.values() if action.slug not in names]
        if new:
            _register(registry, app, actions + new)


class _Anything(BaseModel):
    """The model of requests and answers that composio requires; it is never used."""


def _register(registry: ToolRegistry, app: str, actions: list[Any]) -> None:
    body = {
        "name": app.lower(),
        "display_name": registry.toolkit.name,
        "logo": registry.toolkit.logo or "",
        "tags": ["local"],
        "actions": classmethod(lambda _: actions),
        "execute": _refuse,
    }
    local_tool = import_module("composio.tools.base.local").LocalTool
    types.new_class(app, (local_tool,), {"autoload": True}, _namespace(body, registry.toolkit.description))


def _local_action(action: Action, app: str) -> Any:
    name = f"{app}_{action.slug}"
    nothing = {"title": name, "type": "object", "properties": {}}
    body = {
        "name": action.slug,
        "display_name": action.definition.name,
        "execute": _refuse,
        "_tags": list(action.tags),
        "_schema": {
            "name": name,
            "enum": name,
            "appName": app.lower(),
            "appId": app.lower(),
            "tags": list(action.tags),
            "displayName": action.definition.name,
            "description": action.definition.description,
            "parameters": {**nothing, **action.definition.input_parameters},
            "response": nothing,
        },
    }
    local_action = import_module("composio.tools.base.local").LocalAction
    bases = (local_action[_Anything, _Anything],)
    return types.new_class(action.slug, bases, {}, _namespace(body, action.definition.description[:1024]))


def _namespace(body: dict[str, Any], text: str) -> Callable[[dict[str, Any]], None]:
    return lambda namespace: namespace.update({**body, "__doc__": text, "__module__": __name__})


def _refuse(*_: Any, **__: Any) -> None:
    """Called by composio for other toolsets. Raises, since a returned refusal would be sent as a log."""
    raise import_module("composio.exceptions").ComposioSDKError(
        "This toolset has no registry to execute the action with. Make the toolset with "
        "openrouter_toolkit.agents.composio.local_toolset(registry)."
    )


def action_model(action: Action, *, app: str, properties: dict[str, Any], for_model: bool) -> Any:
    """Return the action as composio's `ActionModel`, whose dumped `parameters` are our JSON Schema.

    Args:
        action: the action.
        app: the app's name.
        properties: the properties of the parameters, after the host's processors.
        for_model: whether it is for a model; see `parameters_of`.
    """
    name = f"{app}_{action.slug}"
    exact, model = _models()
    schema = {**parameters_of(action, for_model=for_model), "properties": properties}
    return model(
        name=name,
        display_name=action.definition.name,
        description=action.definition.description,
        parameters=exact.of(name, schema),
        response={"title": name, "type": "object", **_response(action)},
        appName=app.lower(),
        appId=app.lower(),
        version="latest",
        available_versions=["latest"],
        tags=list(action.tags),
        enabled=True,
    )


def parameters_of(action: Action, *, for_model: bool) -> dict[str, Any]:
    """Return the input schema: for a model as in `tools("openai")`, with `select`; else as in `tools("composio")`."""
    return input_schema(action, extensions=False, select=for_model)


def _response(action: Action) -> dict[str, Any]:
    output = copy.deepcopy(action.definition.output_parameters)
    properties = output.setdefault("properties", {})
    # Here `data` is the parsed object; in the toolkit's own envelope it is JSON text.
    description = properties.get("data", {}).get("description", "")
    properties["data"] = {"type": "object", "additionalProperties": True, "description": description}
    return output


@cache
def _models() -> tuple[Any, Any]:
    collections: Any = import_module("composio.client.collections")

    class ExactParameters(collections.ActionParametersModel):  # type: ignore[misc]
        """Keeps all keywords of a schema; composio's model keeps only five."""

        _exact: dict[str, Any] = PrivateAttr(default_factory=dict)

        @classmethod
        def of(cls, title: str, schema: dict[str, Any]) -> Any:
            """Create the model from a schema; composio's own attributes are set too."""
            model = cls(**{"title": title, **schema})
            model._exact = schema
            return model

        @model_serializer(mode="plain")
        def dump(self) -> Any:
            """Return the schema, with the host's later changes of the attributes."""
            required = {} if self.required is None else {"required": self.required}
            return {**self._exact, "properties": self.properties, **required}

    model = create_model("ExactAction", __base__=collections.ActionModel, parameters=(ExactParameters, ...))
    return ExactParameters, model
