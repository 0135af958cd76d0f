"""A toolkit's entry for marketplaces: Composio's toolkit metadata, and a `server.json` for the MCP Registry."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from .definitions import AuthField, LoadedToolkit

MCP_SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
_DISTRIBUTION = "openrouter-toolkit"
_MAX_DESCRIPTION_LENGTH = 100


def composio(loaded: LoadedToolkit) -> dict[str, Any]:
    """The toolkit in the shape of Composio's `GET /toolkits/{slug}`, version 3.1 of its API."""
    toolkit, auth = loaded.toolkit, loaded.auth
    since = datetime.strptime(toolkit.version[:8], "%Y%m%d").replace(tzinfo=UTC).isoformat()
    slug = toolkit.slug.lower()
    return {
        "slug": slug,
        "name": toolkit.name,
        "type": "custom",
        "enabled": True,
        "is_local_toolkit": False,
        "no_auth": auth.scheme == "NO_AUTH",
        "auth_schemes": [auth.scheme],
        "composio_managed_auth": [],
        "composio_managed_auth_schemes": [],
        "auth_config_details": [_auth_config(loaded)],
        "meta": {
            "description": toolkit.description,
            "logo": toolkit.logo or "",
            "app_url": toolkit.links.get("website"),
            "categories": [{"id": _slug(name), "slug": _slug(name), "name": name} for name in toolkit.categories],
            "tools_count": len(loaded.actions),
            "triggers_count": 0,
            "version": toolkit.version,
            "available_versions": toolkit.versions(),
            "created_at": since,
            "updated_at": since,
        },
        "deprecated": {"toolkitId": slug, "rawProxyInfoByAuthSchemes": []},
    }


def mcp_server(loaded: LoadedToolkit, *, name: str, version: str) -> dict[str, Any]:
    """A `server.json` from which MCP clients learn how to install and start `openrouter-toolkit mcp`.

    Args:
        loaded: the toolkit.
        name: the server's name in the registry, `namespace/server`; the registry checks who owns the namespace.
        version: the version of the distribution on PyPI.
    """
    toolkit = loaded.toolkit
    return {
        "$schema": MCP_SCHEMA,
        "name": name,
        "title": toolkit.name,
        "description": _short(toolkit.description),
        "version": version,
        "websiteUrl": toolkit.links["website"],
        "packages": [
            {
                "registryType": "pypi",
                "identifier": _DISTRIBUTION,
                "version": version,
                "runtimeHint": "uvx",
                "runtimeArguments": [{"type": "named", "name": "--from", "value": f"{_DISTRIBUTION}[mcp]=={version}"}],
                "packageArguments": [{"type": "positional", "value": "mcp"}],
                "transport": {"type": "stdio"},
                "environmentVariables": [_variable(field) for field in loaded.auth.fields if field.environment],
            }
        ],
    }


def _auth_config(loaded: LoadedToolkit) -> dict[str, Any]:
    auth = loaded.auth
    fields = [(field.required, _field(field)) for field in auth.fields]
    return {
        "name": f"{loaded.toolkit.name} {auth.scheme.replace('_', ' ').lower()}",
        "mode": auth.scheme,
        "required_scopes": [],
        "auth_hint_url": auth.key.link if auth.fields else None,
        "fields": {
            "auth_config_creation": {"required": [], "optional": []},
            "connected_account_initiation": {
                "required": [field for required, field in fields if required],
                "optional": [field for required, field in fields if not required],
            },
        },
    }


def _field(field: AuthField) -> dict[str, Any]:
    return {
        "name": field.name,
        "displayName": field.title,
        "description": field.description,
        "type": "string",
        "required": field.required,
        "is_secret": field.secret,
        "user_visible": True,
    }


def _variable(field: AuthField) -> dict[str, Any]:
    return {
        "name": field.environment,
        "description": field.description,
        "isRequired": field.required,
        "isSecret": field.secret,
    }


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _short(description: str) -> str:
    """The description, or its first sentence if the description is too long for the registry."""
    if len(description) <= _MAX_DESCRIPTION_LENGTH:
        return description
    return description.split(". ", maxsplit=1)[0].rstrip(".")[:_MAX_DESCRIPTION_LENGTH]
