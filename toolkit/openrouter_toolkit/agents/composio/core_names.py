"""Registers the actions' names in composio-core's catalogue of local tools, which is global in the process."""

from __future__ import annotations

import threading
import types
from collections.abc import Callable
from importlib import import_module
from typing import Any

from pydantic import BaseModel

from ...manifest import Action
from ...registry import ToolRegistry

_MAX_NAME_LENGTH = 64  # composio_openai truncates longer names, and then does not recognise them
_lock = threading.Lock()


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
