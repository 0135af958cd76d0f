"""What Composio's API has and this server has not: empty pages where clients list, else 400 or 404 with the reason."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .errors import BAD_REQUEST, NOT_FOUND, refuse
from .query import Query

_EMPTY = (
    "/triggers_types",
    "/trigger_instances/active",
    "/files/list",
    "/mcp/servers",
    "/webhook_endpoints",
    "/webhook_subscriptions",
    "/session_configs",
)
_NOT_FOUND = (
    "/triggers_types/{slug}",
    "/mcp/{id}",
    "/mcp/app/{app}",
    "/mcp/servers/{id}/instances",
    "/session_configs/{id}",
    "/webhook_endpoints/{id}",
    "/webhook_subscriptions/{id}",
)
_ANY = ["GET", "POST", "PUT", "PATCH", "DELETE"]
# The beginning of a path, and what to do instead.
_REFUSED = {
    "/tools/execute/proxy": "Requests are made by actions alone: POST /tools/execute/{slug}.",
    "/tools/execute/{slug}/input": "Write the arguments as the tool's input_parameters say.",
    "/tools/scopes/required": "An API key has no scopes.",
    "/toolkits/{slug}/scopes/{rest:path}": "An API key has no scopes.",
    "/tool_router/session/{id}/proxy_execute": "Requests are made by actions alone: POST …/execute.",
    "/tool_router/session/{id}/mounts/{rest:path}": "Sessions have no files here.",
    "/files/{rest:path}": "Files are not kept here; actions take what the toolkit's own API takes.",
    "/trigger_instances/{rest:path}": "There are no triggers here.",
    "/triggers_types/list/enum": "There are no triggers here.",
    "/mcp/{rest:path}": "MCP is at a session's own address, or at /mcp with a token.",
    "/webhook_endpoints/{rest:path}": "There are no webhooks here.",
    "/webhook_subscriptions/{rest:path}": "There are no webhooks here.",
    "/webhook_endpoints": "There are no webhooks here.",
    "/webhook_subscriptions": "There are no webhooks here.",
    "/connected_accounts/complete_auth": "Accounts are connected on the page of their link.",
    "/logs/{rest:path}": "The server's operator has its log.",
    "/internal/{rest:path}": "The server's operator has its log.",
    "/custom/{rest:path}": "Toolkits are added by manifests: openrouter-toolkit serve --manifest PATH.",
    "/org/{rest:path}": "This server has no organisations and projects.",
    "/project/{rest:path}": "This server has no organisations and projects.",
    "/cli/{rest:path}": "Use openrouter-toolkit, or a token: openrouter-toolkit tokens create.",
    "/auth/{rest:path}": "Use a token: openrouter-toolkit tokens create.",
    "/keyring/{rest:path}": "Keys never leave this server.",
    "/api_key_revocation": "Revoke a token with openrouter-toolkit tokens revoke.",
}


def routes() -> list[tuple[str, str, Callable[[Query], Any]]]:
    """Return method, path and function of each refusal, the special before the general."""
    found: list[tuple[str, str, Callable[[Query], Any]]] = [("GET", path, _empty) for path in _EMPTY]
    found += [("GET", path, _missing) for path in _NOT_FOUND]
    for path, instead in _REFUSED.items():
        found += [(method, path, partial(_refused, instead)) for method in _ANY]
    return found


def _empty(query: Query) -> dict[str, Any]:
    return query.page([])


def _missing(_: Query) -> None:
    refuse(NOT_FOUND, "There is none here.")


def _refused(instead: str, _: Query) -> None:
    refuse(BAD_REQUEST, "This server does not have that part of Composio's API.", instead)
