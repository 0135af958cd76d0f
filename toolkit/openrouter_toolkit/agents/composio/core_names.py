"""The actions' names in composio-core's own catalogue of local tools, which is one for the whole process."""

from __future__ import annotations

import threading
import types
from collections.abc import Callable
from importlib import import_module
from typing import Any

from pydantic import BaseModel

from ...manifest import Action
from ...registry import ToolRegistry

_LONGEST = 64  # composio_openai cuts what is longer, and no longer knows it then
_lock = threading.Lock()


def app_name(registry: ToolRegistry) -> str:
    """The app's name: the toolkit's slug and `_TOOLKIT`, so that an app which Composio hosts does not hide it."""
    return f"{registry.toolkit.slug}_TOOLKIT"


def make_known(registry: ToolRegistry) -> None:
    """Register the registry's actions as a local tool, beside those of the same app that are registered already.

    That makes their names known to composio (`Action`, `App`, processors). It does not say who executes them: each
    toolset that `local_toolset` made has a registry of its own, and any other toolset is refused.

    Raises:
        ValueError: a name is longer than 64 characters.
    """
    app = app_name(registry)
    long = [name for slug in registry.actions if len(name := f"{app}_{slug}") > _LONGEST]
    if long:
        raise ValueError(f"names in composio have at most {_LONGEST} characters; these are longer: {', '.join(long)}")
    with _lock:
        known = import_module("composio.tools.base.abs").tool_registry["local"].get(app)
        actions = [] if known is None else list(known.actions())
        names = {action.name for action in actions}
        new = [_local_action(action, app) for action in registry.actions.values() if action.slug not in names]
        if new:
            _register(registry, app, actions + new)


class _Anything(BaseModel):
    """What composio wants as the model of requests and answers; it is never used."""


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
    types.new_class(app, (local_tool,), {"autoload": True}, _with(body, registry.toolkit.description))


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
    return types.new_class(action.slug, bases, {}, _with(body, action.definition.description[:1024]))


def _with(body: dict[str, Any], text: str) -> Callable[[dict[str, Any]], None]:
    return lambda namespace: namespace.update({**body, "__doc__": text, "__module__": __name__})


def _refuse(*_: Any, **__: Any) -> None:
    """Composio calls this where a toolset is not one of ours. An exception, for a refusal would be sent as a log."""
    raise import_module("composio.exceptions").ComposioSDKError(
        "This toolset has no registry to execute the action with. Make the toolset with "
        "openrouter_toolkit.agents.composio.local_toolset(registry)."
    )
