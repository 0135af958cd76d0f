"""Auth configs: one fixed for each toolkit, further ones made by hosts; a disabled one's accounts are not used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from ...manifest import LoadedToolkit
from ...store import AuthConfig, Which
from . import shapes
from .errors import AUTH_CONFIG_NOT_FOUND, BAD_REQUEST, FORBIDDEN, refuse
from .query import Query
from .toolkits import find_toolkit

_CREATE_TYPES: dict[str, Literal["default", "custom"]] = {
    "use_custom_auth": "custom",
    "use_composio_managed_auth": "default",
}
_PROMISES = ("tools_available_for_execution", "tools_for_connected_account_creation")


def list_configs(query: Query) -> dict[str, Any]:
    """GET /auth_configs."""
    slugs = query.texts("toolkit_slug")
    disabled, text = query.flag("show_disabled"), query.text("search")
    found = query.store.auth_configs.list(list(_with_login(query)))
    if slugs is not None:
        found = [one for one in found if one.toolkit in {slug.upper() for slug in slugs}]
    found = [one for one in found if (one.enabled or disabled) and shapes.matches(text, one.name, one.id)]
    if query.flag("is_composio_managed"):
        found = []  # nothing here is managed by Composio
    return query.page(found, lambda config: show(query, config))


def create(query: Query) -> tuple[int, dict[str, Any]]:
    """POST /auth_configs."""
    loaded = find_toolkit(query, query.need_text("toolkit", "slug"))
    if loaded.auth.scheme == "NO_AUTH":
        refuse(BAD_REQUEST, f"{loaded.toolkit.name} needs no login, so it has no auth configs.")
    kind = query.field("auth_config", "type", kind=str) or "use_composio_managed_auth"
    if kind not in _CREATE_TYPES:
        refuse(BAD_REQUEST, f"auth_config.type: wanted {' or '.join(_CREATE_TYPES)}.")
    scheme = query.field("auth_config", "authScheme", kind=str) or query.field("auth_config", "auth_scheme", kind=str)
    if scheme not in (None, loaded.auth.scheme):
        refuse(BAD_REQUEST, f"auth_config.authScheme: {loaded.toolkit.name} takes {loaded.auth.scheme} alone.")
    _refuse_promises(query.field("auth_config", kind=dict) or {}, "auth_config.")
    name = query.field("auth_config", "name", kind=str) or f"{loaded.toolkit.name} auth config"
    try:
        config = query.store.auth_configs.create(loaded.toolkit.slug, name, _CREATE_TYPES[kind])
    except ValueError as error:
        refuse(BAD_REQUEST, f"auth_config.name: {error}.")
    return 201, {
        "toolkit": {"slug": loaded.toolkit.slug.lower()},
        "auth_config": {"id": config.id, "auth_scheme": loaded.auth.scheme, "is_composio_managed": False},
    }


def get(query: Query) -> dict[str, Any]:
    """GET /auth_configs/{id}."""
    return show(query, find(query, query.path("id")))


def update(query: Query) -> dict[str, Any]:
    """PATCH /auth_configs/{id}."""
    config = _changeable(query)
    _refuse_promises(query.body, "")
    for_sessions = query.field("is_enabled_for_tool_router", kind=bool)
    try:
        query.store.auth_configs.update(config, name=query.field("name", kind=str), for_sessions=for_sessions)
    except ValueError as error:
        refuse(BAD_REQUEST, f"name: {error}.")
    return {"success": True, "message": "The auth config was updated."}


def set_status(query: Query) -> dict[str, Any]:
    """PATCH /auth_configs/{id}/ENABLED and …/DISABLED."""
    status = query.path("status").upper()
    if status not in ("ENABLED", "DISABLED"):
        refuse(BAD_REQUEST, "The status is ENABLED or DISABLED.")
    query.store.auth_configs.update(_changeable(query), enabled=status == "ENABLED")
    return {"success": True, "message": f"The auth config is {status.lower()}."}


def delete(query: Query) -> dict[str, Any]:
    """DELETE /auth_configs/{id}, with its accounts."""
    config = _changeable(query)
    if config.fixed:
        refuse(BAD_REQUEST, "This auth config is always there. Disable it, or delete its accounts.")
    query.store.auth_configs.delete(config)
    return {"success": True, "message": "The auth config was deleted, and its accounts with it."}


def find(query: Query, config_id: str) -> AuthConfig:
    """Return an auth config by its id. Raises `Refusal` 404 if there is none."""
    config = query.store.auth_configs.get(config_id, list(_with_login(query)))
    if config is None or config.toolkit not in _with_login(query):
        refuse(
            AUTH_CONFIG_NOT_FOUND, "There is no such auth config.", "GET /api/v3.1/auth_configs lists those there are."
        )
    return config


def usable(query: Query, config_id: str) -> tuple[AuthConfig, LoadedToolkit]:
    """Return an auth config with which accounts can be connected, and its toolkit."""
    config = find(query, config_id)
    if not config.enabled:
        refuse(BAD_REQUEST, "This auth config is disabled, so nothing connects to it.", "Enable it first.")
    return config, query.state.toolkits[config.toolkit].loaded


def show(query: Query, config: AuthConfig) -> dict[str, Any]:
    """Return an auth config as Composio shows it; it counts the accounts that the token may see."""
    users = query.token.users
    connections = query.store.accounts.count(Which(auth_configs=[config.id], users=users))
    return shapes.auth_config(config, query.state.toolkits[config.toolkit].loaded, connections)


def _changeable(query: Query) -> AuthConfig:
    config = find(query, query.path("id"))
    if query.token.users is not None:
        message = "This API key acts for single users, so it can't change what all of them use."
        refuse(FORBIDDEN, message, "Use a token for all users.")
    return config


def _with_login(query: Query) -> Mapping[str, LoadedToolkit]:
    return {
        slug: toolkit.loaded
        for slug, toolkit in query.state.toolkits.items()
        if toolkit.loaded.auth.scheme != "NO_AUTH"
    }


def _refuse_promises(settings: Mapping[str, Any], place: str) -> None:
    """Refuse what would be ignored here but promises safety, or would send keys to another place."""
    access = settings.get("tool_access_config")
    promised = [name for name in _PROMISES if isinstance(access, Mapping) and access.get(name)]
    if promised or settings.get("restrict_to_following_tools"):
        message = (
            f"{place}{promised[0] if promised else 'restrict_to_following_tools'}: auth configs don't limit tools here."
        )
        refuse(BAD_REQUEST, message, "Switch actions off on the server's page Tools, or limit a session's tools.")
    if settings.get("proxy_config"):
        refuse(BAD_REQUEST, f"{place}proxy_config: keys are sent to the toolkit's own API alone.")
    for name in ("credentials", "shared_credentials"):
        values = settings.get(name)
        if isinstance(values, Mapping) and any(values.values()):
            message = f"{place}{name}: an auth config holds no credentials here."
            refuse(BAD_REQUEST, message, "Give them when an account is connected.")
