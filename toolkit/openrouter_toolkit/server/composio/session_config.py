"""A session's configuration: read from a request, kept as Composio answers it, and the limits that it sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ...manifest import Action, LoadedToolkit
from ...text.close_matches import close_matches
from ..state import State
from .errors import BAD_REQUEST, refuse
from .query import shown

_HINTS = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint", "createHint", "updateHint")
# What is kept and answered, and means nothing here.
_ECHOED = ("multi_account", "search", "execute")


def read(
    state: State, user_id: str, given: Mapping[str, Any], before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the configuration that a request asks for.

    Args:
        state: the server's state, for the toolkits and actions that can be named.
        user_id: the session's user.
        given: the body of the request.
        before: the session's present configuration: what the body does not name stays, and null removes.

    Raises:
        Refusal: something is malformed or unknown, or promises a safety that this server does not have.
    """
    _refuse_promises(given)
    config: dict[str, Any] = dict(before or {"execute": {}, "search": {}, "preload": {"tools": "all"}})
    config |= {"user_id": user_id, "instant": False}
    readers: dict[str, Callable[[Any], Any]] = {
        "toolkits": lambda value: _toolkits(state, value),
        "tools": lambda value: _tools(state, value),
        "tags": lambda value: _tags(value, "tags"),
        "auth_configs": lambda value: _by_toolkit(state, value, "auth_configs", single=True),
        "connected_accounts": lambda value: _by_toolkit(state, value, "connected_accounts", single=False),
        "manage_connections": lambda value: _renamed(value, "manage_connections", {"enable": "enabled"}),
        "workbench": lambda value: _renamed(
            value,
            "workbench",
            {"enable_proxy_execution": "proxy_execution_enabled", "enable_tool_execution": "tool_execution_enabled"},
        ),
        "proxy_execute": lambda value: _renamed(value, "proxy_execute", {}),
        "preload": _preload,
        **{name: partial(_renamed, place=name, names={}) for name in _ECHOED},
    }
    for name, reader in readers.items():
        if name not in given:
            continue
        if given[name] is None:
            config.pop(name, None)
        else:
            config[name] = reader(given[name])
    for name, default in (("execute", {}), ("search", {}), ("preload", {"tools": "all"})):
        config.setdefault(name, default)
    return config


def allows_toolkit(config: Mapping[str, Any], slug: str) -> bool:
    """Whether a session may use a toolkit."""
    limits = config.get("toolkits") or {}
    name = slug.lower()
    return name not in limits.get("disabled", ()) and ("enabled" not in limits or name in limits["enabled"])


def allows(config: Mapping[str, Any], loaded: LoadedToolkit, action: Action) -> bool:
    """Whether a session may use an action: its toolkit, its slug and its hints must all be allowed."""
    if not allows_toolkit(config, loaded.toolkit.slug):
        return False
    limits = (config.get("tools") or {}).get(loaded.toolkit.slug.lower(), {})
    if action.slug in limits.get("disabled", ()) or ("enabled" in limits and action.slug not in limits["enabled"]):
        return False
    # A toolkit's own tags replace those of the session.
    tags = limits.get("tags") or config.get("tags") or {}
    hints = {name for name, holds in action.definition.annotations.model_dump().items() if holds is True}
    return not hints & set(tags.get("disabled", ())) and ("enabled" not in tags or bool(hints & set(tags["enabled"])))


def custom_tools(given: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the tools that run in the client, as the client wants them back; None if there are none."""
    experimental = given.get("experimental")
    if not isinstance(experimental, Mapping):
        return None
    answer: dict[str, Any] = {}
    try:
        if experimental.get("custom_tools"):
            answer["custom_tools"] = [
                _custom_tool(one, one.get("extends_toolkit")) for one in experimental["custom_tools"]
            ]
        if experimental.get("custom_toolkits"):
            answer["custom_toolkits"] = [
                {**kit, "tools": [_custom_tool(one, kit["slug"]) for one in kit.get("tools", ())]}
                for kit in experimental["custom_toolkits"]
            ]
    except (KeyError, TypeError, AttributeError, ValueError):
        refuse(BAD_REQUEST, "experimental: a custom tool needs slug, name, description and input_schema.")
    return answer or None


def _custom_tool(tool: Mapping[str, Any], toolkit: str | None) -> dict[str, Any]:
    own = {name: tool[name] for name in ("slug", "name", "description", "input_schema")}
    slug = str(own["slug"]).upper()
    full = f"LOCAL_{toolkit.upper()}_{slug}" if toolkit else f"LOCAL_{slug}"
    return {**tool, **own, "slug": full, "original_slug": own["slug"]}


def _refuse_promises(given: Mapping[str, Any]) -> None:
    """Refuse what promises safety and would not be obeyed here, and what this server does not have."""
    place = _find_approval(given)
    if place is not None:
        refuse(BAD_REQUEST, f"{place}: this server has no approvals, so it can't promise them.", "Disable the tools.")
    experimental = given.get("experimental")
    experimental = experimental if isinstance(experimental, Mapping) else {}
    proxy = given.get("proxy_execute")
    workbench = given.get("workbench")
    refused = {
        "hooks": given.get("hooks"),
        "experimental.permissions": experimental.get("permissions"),
        "experimental.session_config_id": experimental.get("session_config_id"),
        "instant": given.get("instant"),
        "proxy_execute.enable": (isinstance(proxy, Mapping) and proxy.get("enable")) or proxy is True,
        "workbench.enable_proxy_execution": isinstance(workbench, Mapping) and workbench.get("enable_proxy_execution"),
    }
    for name, value in refused.items():
        if value or (value is not None and name == "experimental.permissions"):
            refuse(
                BAD_REQUEST,
                f"{name}: this server does not have that, so it is refused and not ignored.",
                "Leave it out.",
            )


def _find_approval(value: Any, place: str = "", depth: int = 0) -> str | None:
    """Return where tools are named that need an approval, None if nowhere."""
    if not isinstance(value, Mapping) or depth > 4:
        return None
    for name, inner in value.items():
        here = f"{place}.{shown(name)}".lstrip(".")
        if name == "require_approval" and inner:
            return here
        if name not in ("experimental", "connected_accounts") and (found := _find_approval(inner, here, depth + 1)):
            return found
    return None


def _toolkits(state: State, value: Any) -> dict[str, list[str]]:
    return _choice(value, "toolkits", lambda slug: _toolkit(state, slug, "toolkits").toolkit.slug.lower())


def _tools(state: State, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        refuse(BAD_REQUEST, "tools: wanted an object with a toolkit's slug as each key.")
    limits: dict[str, Any] = {}
    for slug, choice in value.items():
        loaded = _toolkit(state, slug, "tools")
        place = f"tools.{loaded.toolkit.slug.lower()}"
        tags = choice.get("tags") if isinstance(choice, Mapping) else None
        others = {name: inner for name, inner in choice.items() if name != "tags"} if tags is not None else choice
        limit: dict[str, Any] = dict(_choice(others, place, partial(_action, loaded, place)))
        if tags is not None:
            limit["tags"] = _tags(tags, f"{place}.tags")
        limits[loaded.toolkit.slug.lower()] = limit
    return limits


def _tags(value: Any, place: str) -> dict[str, list[str]]:
    return _choice(value, place, lambda name: _hint(name, place))


def _choice(value: Any, place: str, read_name: Callable[[str], str]) -> dict[str, list[str]]:
    """Return a list, `{enable}`, `{disable}` or both, in the words of an answer, with its names read."""
    value = {"enable": value} if isinstance(value, list) else value
    if not isinstance(value, Mapping):
        refuse(BAD_REQUEST, f"{place}: wanted an array, or an object with enable or disable.")
    unknown = [name for name in value if name not in ("enable", "disable", "require_approval")]
    if unknown:  # a limit that is passed over would be none
        refuse(BAD_REQUEST, f"{place}: {shown(unknown[0])} is not known there; there are enable and disable.")
    found = {}
    for word, answered in (("enable", "enabled"), ("disable", "disabled")):
        names = value.get(word)
        if names is None:
            continue
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            refuse(BAD_REQUEST, f"{place}.{word}: wanted an array of texts.")
        found[answered] = [read_name(name) for name in names]
    return found


def _toolkit(state: State, slug: object, place: str) -> LoadedToolkit:
    toolkit = state.toolkits.get(str(slug).upper())
    if toolkit is None:
        there = ", ".join(name.lower() for name in state.toolkits)
        refuse(BAD_REQUEST, f"{place}: there is no toolkit {shown(slug)} here.", f"There are {there}.")
    return toolkit.loaded


def _action(loaded: LoadedToolkit, place: str, name: str) -> str:
    action = loaded.find(name.upper())
    if action is None:
        slugs = [alias for action in loaded.all_actions for alias in (action.slug, *action.aliases)]
        near = close_matches(name.upper(), slugs)
        refuse(BAD_REQUEST, f"{place}: there is no tool {shown(name)}.", f"Did you mean {near[0]}?" if near else None)
    return action.slug


def _hint(name: str, place: str) -> str:
    if name not in _HINTS:
        refuse(BAD_REQUEST, f"{place}: there is no tag {shown(name)}; there are {', '.join(_HINTS)}.")
    return name


def _by_toolkit(state: State, value: Any, place: str, *, single: bool) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        refuse(BAD_REQUEST, f"{place}: wanted an object with a toolkit's slug as each key.")
    found = {}
    for slug, inner in value.items():
        name = _toolkit(state, slug, place).toolkit.slug.lower()
        ids = [inner] if isinstance(inner, str) else inner
        if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids) or (single and len(ids) != 1):
            refuse(BAD_REQUEST, f"{place}.{name}: wanted {'an id' if single else 'an array of ids'}.")
        found[name] = ids[0] if single else ids
    return found


def _renamed(value: Any, place: str, names: Mapping[str, str]) -> dict[str, Any]:
    """Return an object with the names of its keys as an answer has them; true and false stand for `enable`."""
    value = {"enable": value} if isinstance(value, bool) else value
    if not isinstance(value, Mapping):
        refuse(BAD_REQUEST, f"{place}: wanted an object.")
    return {names.get(name, name): inner for name, inner in value.items() if inner is not None}


def _preload(value: Any) -> dict[str, Any]:
    tools = value.get("tools") if isinstance(value, Mapping) else None
    if tools != "all" and not (isinstance(tools, list) and all(isinstance(one, str) for one in tools)):
        refuse(BAD_REQUEST, "preload.tools: wanted all, or an array of slugs.")
    return {"tools": tools}
