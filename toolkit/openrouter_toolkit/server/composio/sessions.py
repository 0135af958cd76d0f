"""Tool-router sessions: a user with limits, the tools within them, executing, connecting and searching."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ...manifest import Action, LoadedToolkit
from ...store import ConnectedAccount, ToolSession
from ..access.callers import caller_of
from ..addresses import MCP_SESSIONS
from ..state import HostedToolkit
from . import accounts, auth_configs, session_accounts, session_config, shapes
from .errors import BAD_REQUEST, SESSION_BAD_ACCOUNTS, SESSION_CHANGED, SESSION_NOT_ALLOWED, SESSION_NOT_FOUND, refuse
from .execute import Prepared, refuse_unsafe
from .query import Query, page, shown
from .tools import find_tool

_PRIMARY = 3
_RELATED = 8


def create(query: Query) -> tuple[int, dict[str, Any]]:
    """POST /tool_router/session."""
    user_id = query.user(query.need_text("user_id"))
    config = session_config.read(query.state, user_id, query.body)
    _check_references(query, config)
    custom = session_config.custom_tools(query.body)
    return 201, _show(query, query.store.tool_sessions.create(user_id, config), custom)


def get(query: Query) -> dict[str, Any]:
    """GET …/session/{id}."""
    return _show(query, find(query))


def attach(query: Query) -> dict[str, Any]:
    """POST …/session/{id}/attach: the session, with the tools that run in the client."""
    return _show(query, find(query), session_config.custom_tools(query.body))


def update(query: Query) -> dict[str, Any]:
    """PATCH …/session/{id}: what the body names changes, null removes."""
    expected = query.body.get("expected_config_version")
    if expected is not None and (not isinstance(expected, int) or isinstance(expected, bool)):
        refuse(BAD_REQUEST, "expected_config_version: wanted a number.")
    while True:
        session = find(query)
        if expected not in (None, session.version):
            message = f"The session's configuration has changed: it has version {session.version} now."
            refuse(SESSION_CHANGED, message, "Read the session again, and repeat the change.")
        config = session_config.read(query.state, session.user_id, query.body, session.config)
        _check_references(query, config)
        changed = query.store.tool_sessions.update(session.id, config, expected=session.version)
        if changed is not None:  # else somebody else has changed it meanwhile
            return _show(query, changed)


def delete(query: Query) -> dict[str, Any]:
    """DELETE …/session/{id}."""
    session = find(query)
    query.store.tool_sessions.delete(session.id)
    return {"session_id": session.id, "deleted": True}


def list_tools(query: Query) -> dict[str, Any]:
    """GET …/session/{id}/tools."""
    return query.page(
        allowed(query.state.toolkits, find(query)),
        lambda pair: shapes.tool(pair[0], pair[1].loaded, pair[1].loaded.toolkit.version),
    )


def list_toolkits(query: Query) -> dict[str, Any]:
    """GET …/session/{id}/toolkits, each with the account that a call would use."""
    session = find(query)
    wanted, connected, text = query.texts("toolkits"), query.flag("is_connected"), query.text("search")
    found = []
    for slug, toolkit in query.state.toolkits.items():
        loaded = toolkit.loaded
        if wanted is not None and slug not in {name.upper() for name in wanted}:
            continue
        if not session_config.allows_toolkit(session.config, slug):
            continue
        if not shapes.matches(text, loaded.toolkit.slug, loaded.toolkit.name, loaded.toolkit.description):
            continue
        account = session_accounts.find(query.store, session, loaded)
        if connected is None or connected == session_accounts.is_connected(loaded, account):
            found.append((loaded, account))
    return query.page(found, lambda pair: _show_toolkit(query, *pair))


def prepare(query: Query) -> Prepared:
    """Look up everything about POST …/session/{id}/execute that can be refused."""
    return _prepare(query, query.need_text("tool_slug"))


def prepare_meta(query: Query) -> Prepared:
    """Look up everything about POST …/session/{id}/execute_meta, by which Python's 0.10 executes all tools."""
    slug = query.need_text("slug")
    if slug.upper().startswith("COMPOSIO_"):
        refuse(BAD_REQUEST, f"There is no {shown(slug)} here: a session lists and executes the actions themselves.")
    return _prepare(query, slug)


def _prepare(query: Query, slug: str) -> Prepared:
    session = find(query)
    refuse_unsafe(query)
    action, toolkit, _ = find_tool(query.state, slug, {})
    check_allowed(session, toolkit, action)
    arguments = query.field("arguments", kind=dict) or {}
    chosen = query.field("account", kind=str)
    account = session_accounts.for_call(query.store, session, toolkit, chosen)
    account_id = None if account is None else account.id
    caller = caller_of(query.request, session_id=session.id)
    return Prepared(toolkit, action, arguments, session.user_id, account_id, caller)


def create_link(query: Query) -> tuple[int, dict[str, Any]]:
    """POST …/session/{id}/link."""
    session = find(query)
    slug = query.need_text("toolkit")
    toolkit = query.state.toolkits.get(slug.upper())
    if toolkit is None or not session_config.allows_toolkit(session.config, slug):
        refuse(SESSION_NOT_ALLOWED, f"This session may not use the toolkit {shown(slug)}.")
    if toolkit.loaded.auth.scheme == "NO_AUTH":
        refuse(BAD_REQUEST, f"{toolkit.loaded.toolkit.name} needs no login, so nothing is connected.")
    config_id = (
        session_accounts.auth_config(session, toolkit.loaded)
        or query.store.auth_configs.fixed(toolkit.loaded.toolkit.slug).id
    )
    config, _ = auth_configs.usable(query, config_id)
    usual = (session.config.get("manage_connections") or {}).get("callback_url")
    callback = query.field("callback_url", kind=str) or usual
    alias = query.field("alias", kind=str) or None
    link = accounts.new_link(query, config, session.user_id, callback, alias)
    answer = accounts.describe_link(query, link)
    return 201, {name: answer[name] for name in ("connected_account_id", "redirect_url", "link_token")}


def search(query: Query) -> dict[str, Any]:
    """POST …/session/{id}/search: tools by what somebody wants to do."""
    session = find(query)
    questions = query.field("queries", kind=list) or []
    texts = [text for one in questions if isinstance(text := _use_case(one), str)]
    if not questions or len(texts) < len(questions):
        refuse(BAD_REQUEST, "queries: wanted an array of objects, each with a use_case.")
    pairs = allowed(query.state.toolkits, session)
    toolkit_of = {action.slug: toolkit.loaded for action, toolkit in pairs}
    results: list[dict[str, Any]] = []
    found: dict[str, Action] = {}
    for number, text in enumerate(texts, 1):
        actions = shapes.ranked([action for action, _ in pairs], text)[:_RELATED]
        found |= {action.slug: action for action in actions}
        results.append(
            {
                "index": number,
                "use_case": text,
                "primary_tool_slugs": [action.slug for action in actions[:_PRIMARY]],
                "related_tool_slugs": [action.slug for action in actions[_PRIMARY:]],
                "toolkits": sorted({toolkit_of[action.slug].toolkit.slug.lower() for action in actions}),
            }
        )
    toolkits = {toolkit_of[slug].toolkit.slug: toolkit_of[slug] for slug in found}
    return {
        "success": True,
        "error": None,
        "results": results,
        "tool_schemas": {slug: _schema(action, toolkit_of[slug]) for slug, action in found.items()},
        "toolkit_connection_statuses": [_connection(query, session, loaded) for loaded in toolkits.values()],
        "next_steps_guidance": [],
        "session": {"id": session.id, "generate_id": False, "instructions": "Send this session's id with each call."},
        "time_info": {
            "current_time_utc": shapes.now_text(),
            "current_time_utc_epoch_seconds": int(time.time()),
            "message": "The time is in UTC.",
        },
    }


def _use_case(question: object) -> object:
    return question.get("use_case") if isinstance(question, Mapping) else question


def list_history(query: Query) -> dict[str, Any]:
    """GET …/session/{id}/config_history, the newest first."""
    session = find(query)
    limit, offset = query.window()
    versions, total = query.store.tool_sessions.history(session.id, limit=limit, offset=offset)
    items = [
        {
            "version": version.number,
            "created_at": version.created_at.isoformat(),
            "is_current": version.number == session.version,
            "config": version.config,
        }
        for version in versions
    ]
    return page(items, total, limit, offset)


def find(query: Query) -> ToolSession:
    """Return the session of the path. Raises `Refusal` 404 if there is none for a user of the token."""
    session = query.store.tool_sessions.get(query.path("id"))
    if session is None or not query.token.may_act_for(session.user_id):
        refuse(SESSION_NOT_FOUND, "There is no such session.", "Create one: POST /api/v3.1/tool_router/session")
    return session


def allowed(toolkits: Mapping[str, HostedToolkit], session: ToolSession) -> list[tuple[Action, HostedToolkit]]:
    """Return the actions that a session may use and that are switched on."""
    return [
        (action, toolkit)
        for toolkit in toolkits.values()
        for action in toolkit.registry.actions.values()
        if session_config.allows(session.config, toolkit.loaded, action)
    ]


def check_allowed(session: ToolSession, toolkit: HostedToolkit, action: Action) -> None:
    """Raise `Refusal` if a session may not use an action."""
    if not session_config.allows(session.config, toolkit.loaded, action):
        refuse(SESSION_NOT_ALLOWED, f"This session may not use {action.slug}.", "GET …/tools lists what it may use.")


def _show(query: Query, session: ToolSession, custom: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = {
        "session_id": session.id,
        "config": session.config,
        "config_version": session.version,
        "tool_router_tools": [action.slug for action, _ in allowed(query.state.toolkits, session)],
        "mcp": {"type": "http", "url": f"{query.origin}{MCP_SESSIONS}/{session.id}"},
    }
    return answer if custom is None else {**answer, "experimental": custom}


def _show_toolkit(query: Query, loaded: LoadedToolkit, account: ConnectedAccount | None) -> dict[str, Any]:
    connected = None
    if account is not None:
        connected = {
            "id": account.id,
            "user_id": shapes.user_of(account),
            "status": str(account.status),
            "created_at": account.created_at.isoformat(),
            "auth_config": {
                "id": account.auth_config_id,
                "auth_scheme": loaded.auth.scheme,
                "is_composio_managed": False,
            },
        }
    return {
        "slug": loaded.toolkit.slug.lower(),
        "name": loaded.toolkit.name,
        "enabled": True,
        "is_no_auth": loaded.auth.scheme == "NO_AUTH",
        "composio_managed_auth_schemes": [],
        "meta": {"logo": loaded.toolkit.logo or "", "description": loaded.toolkit.description},
        "connected_account": connected,
    }


def _connection(query: Query, session: ToolSession, loaded: LoadedToolkit) -> dict[str, Any]:
    connected = session_accounts.is_connected(loaded, session_accounts.find(query.store, session, loaded))
    message = "Connected." if connected else "Not connected: connect an account first, by the session's link."
    return {
        "toolkit": loaded.toolkit.slug.lower(),
        "description": loaded.toolkit.description,
        "has_active_connection": connected,
        "status_message": message,
    }


def _schema(action: Action, loaded: LoadedToolkit) -> dict[str, Any]:
    tool = shapes.tool(action, loaded, loaded.toolkit.version)
    return {
        "tool_slug": action.slug,
        "toolkit": loaded.toolkit.slug.lower(),
        "description": tool["description"],
        "input_schema": tool["input_parameters"],
    }


def _check_references(query: Query, config: Mapping[str, Any]) -> None:
    """Check the accounts, auth configs and addresses that a configuration names."""
    user_id = str(config["user_id"])
    for slug, ids in (config.get("connected_accounts") or {}).items():
        for account_id in ids:
            account = query.store.accounts.find(account_id)
            if account is None or account.toolkit != slug.upper() or not account.usable_by(user_id):
                message = f"connected_accounts.{slug}: {shown(account_id)} is no account that this user may use."
                refuse(SESSION_BAD_ACCOUNTS, message)
    for slug, config_id in (config.get("auth_configs") or {}).items():
        if auth_configs.usable(query, config_id)[0].toolkit != slug.upper():
            refuse(BAD_REQUEST, f"auth_configs.{slug}: that auth config is another toolkit's.")
    accounts.registered_callback(query, (config.get("manage_connections") or {}).get("callback_url"))
