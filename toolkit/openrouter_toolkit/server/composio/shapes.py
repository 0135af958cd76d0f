"""The objects of Composio's API: tools, toolkits, auth configs and connected accounts as its clients read them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from ...manifest import Action, LoadedToolkit
from ...manifest.listings import composio as listing
from ...store import AuthConfig, ConnectedAccount, Status
from ...tool_calling import FORMATS

# The user_id by which accounts of the whole organisation are shown; nothing is connected for it here.
ORGANISATION = "organisation"
# The key of `data` under which a result stands that is no JSON object, such as RSS.
RESULT = "result"
# An API key's state knows these alone; an account that expired or failed is INACTIVE there.
_STATES = (Status.INITIALIZING, Status.INITIATED, Status.ACTIVE)


def tool(action: Action, loaded: LoadedToolkit, version: str) -> dict[str, Any]:
    """Return a tool in one of its toolkit's versions. Its output says that `data` is an object here."""
    shown: dict[str, Any] = FORMATS["composio"](action, loaded.toolkit, False, False)
    shown |= {"version": version, "no_auth": loaded.auth.scheme == "NO_AUTH"}
    shown["deprecated"]["version"] = version
    data = shown["output_parameters"]["properties"]["data"]
    content = data.get("contentSchema", {})
    if content.get("type") != "object":
        content = {"type": "object", "properties": {RESULT: content}}
    shown["output_parameters"]["properties"]["data"] = {**content, "description": data.get("description", "")}
    return shown


def is_in(action: Action, loaded: LoadedToolkit, version: str) -> bool:
    """Return whether a version of a toolkit has an action."""
    slugs = loaded.toolkit.earlier_versions.get(version)
    return slugs is None or action.slug in slugs


def important_actions(loaded: LoadedToolkit) -> list[Action]:
    """Return the actions that a host gets that asks for the important ones: those which Composio documents, or all."""
    documented = {slug for slugs in loaded.toolkit.earlier_versions.values() for slug in slugs}
    return [action for action in loaded.actions if not documented or action.slug in documented]


def toolkit(loaded: LoadedToolkit, version: str | None = None) -> dict[str, Any]:
    """Return a toolkit in one of its versions, by default the current one."""
    shown: dict[str, Any] = listing(loaded)
    version = version or loaded.toolkit.version
    count = sum(is_in(action, loaded, version) for action in loaded.actions)
    shown["meta"] |= {"version": version, "tools_count": count}
    return shown


def auth_config(config: AuthConfig, loaded: LoadedToolkit, connections: int) -> dict[str, Any]:
    """Return an auth config."""
    return {
        "id": config.id,
        "uuid": config.id,
        "type": config.kind,
        "name": config.name,
        "toolkit": {"slug": loaded.toolkit.slug.lower(), "logo": loaded.toolkit.logo or ""},
        "status": "ENABLED" if config.enabled else "DISABLED",
        "no_of_connections": connections,
        "tool_access_config": {},
        "auth_scheme": loaded.auth.scheme,
        "is_composio_managed": False,
        "is_enabled_for_tool_router": config.for_sessions,
        "credentials": {},
        "created_at": config.created_at.isoformat(),
        "last_updated_at": config.updated_at.isoformat(),
    }


def user_of(account: ConnectedAccount) -> str:
    """Return the user_id by which an account is shown."""
    return ORGANISATION if account.user_id is None else account.user_id


def connected_account(account: ConnectedAccount, config: AuthConfig, loaded: LoadedToolkit) -> dict[str, Any]:
    """Return a connected account. No part of its key is anywhere in it."""
    state = account.status if account.status in _STATES else Status.INACTIVE
    return {
        "id": account.id,
        "toolkit": {"slug": account.toolkit.lower()},
        "auth_config": {
            "id": config.id,
            "auth_scheme": loaded.auth.scheme,
            "is_composio_managed": False,
            "is_disabled": not config.enabled,
        },
        "user_id": user_of(account),
        "alias": account.alias,
        "status": str(account.status),
        "status_reason": account.reason,
        "is_disabled": account.status == Status.INACTIVE,
        "created_at": account.created_at.isoformat(),
        "updated_at": account.updated_at.isoformat(),
        "state": {"authScheme": loaded.auth.scheme, "val": {"status": str(state)}},
        "data": {},
        "params": {},
    }


def matches(text: str | None, *parts: str) -> bool:
    """Return whether each word of a search text is in one of the parts, in any letter case."""
    found = " ".join(parts).lower()
    return all(word in found for word in (text or "").lower().split())


def ranked(actions: Iterable[Action], question: str) -> list[Action]:
    """Return the actions that have words of a question in their slug, name, tags or description, the best first."""
    words = {word for word in _words(question) if len(word) > 2}
    scored = []
    for action in actions:
        definition = action.definition
        titles = " ".join([action.slug.replace("_", " "), definition.name, *definition.tags]).lower()
        text = definition.description.lower()
        score = sum(3 * (_stem(word) in titles) + (_stem(word) in text) for word in words)
        if score:
            scored.append((score, action))
    return [action for _, action in sorted(scored, key=lambda pair: -pair[0])]


def _words(text: str) -> list[str]:
    return "".join(character if character.isalnum() else " " for character in text.lower()).split()


def _stem(word: str) -> str:
    """Return a word without a plural's ending, so that "models" finds "model"."""
    return word[:-1] if word.endswith("s") and len(word) > 3 else word


def now_text() -> str:
    """Return the time as Composio writes it, in UTC."""
    return datetime.now(UTC).isoformat()
