"""What the sandbox has from the start, or has after some calls: arguments with which each further action succeeds."""

from __future__ import annotations

import json
from typing import Any

from openrouter_toolkit import ToolRegistry

from .schemas.definitions import least_arguments

Arguments = dict[str, Any]

WORKSPACE = "00000000-0000-4000-8000-00000000000a"
GUARDRAIL = "00000000-0000-4000-8000-00000000000b"
CREDENTIAL = "00000000-0000-4000-8000-00000000000c"
DESTINATION = "00000000-0000-4000-8000-00000000000d"
ENDPOINT = "00000000-0000-4000-8000-00000000000e"
KEY = "5a" * 32
BATCH = "batch_000000000000000000000001"

_CHAT = {"model": "acme/atlas-small", "messages": [{"role": "user", "content": "What is 17 * 3?"}]}
_REQUESTS = [{"custom_id": "one", "body": {"messages": _CHAT["messages"]}}]
_CREATE_BATCH = {"endpoint": "/v1/chat/completions", "model": "acme/atlas-small", "requests": _REQUESTS}
# What the path of an action names, by the toolset.
_IN_PATH: dict[str, dict[str, str]] = {
    "catalogue": {"author": "acme", "slug": "atlas-small", "name": "openrouter:web_search", "version": "1"},
    "batches": {"id": BATCH},
    "keys": {"hash": KEY},
    "workspaces": {"id": WORKSPACE, "workspace_ref": "default", "interval": "monthly"},
    "guardrails": {"id": GUARDRAIL},
    "byok": {"id": CREDENTIAL},
    "observability": {"id": DESTINATION},
    "organization": {"user": "customer-1"},
    "private-endpoints": {"id": ENDPOINT, "workspace_id": WORKSPACE},
    "documented": {"author": "acme", "slug": "atlas-small"},
}
_PRESET = {"slug": "brief"}
_OTHERS: dict[str, Arguments] = {
    "create_embeddings": {"model": "acme/embed-3", "input": ["a cat", "a dog"], "dimensions": 4},
    "create_rerank": {"model": "acme/rank-2", "query": "a cat", "documents": ["a dog", "a cat"]},
    "list_image_model_endpoints": {"author": "initech", "slug": "painter"},
    "get_preset": _PRESET,
    "list_preset_versions": _PRESET,
    "get_preset_version": {"slug": "careful", "version": "1"},
    "create_preset_from_chat_completion": {"slug": "careful", **_CHAT, "temperature": 0},
    "create_preset_from_message": {
        "slug": "careful",
        "model": "acme/atlas-small",
        "system": "Be brief.",
        "messages": None,
    },
    "create_preset_from_response": {"slug": "careful", "model": "acme/atlas-small", "instructions": "Be brief."},
    "create_batch": _CREATE_BATCH,
    "submit_generation_feedback": {"category": "latency", "comment": "slow"},
    "query_analytics": {"metrics": ["requests", "cost"]},
    "create_key": {"name": "for a test", "limit": 5, "limit_reset": "daily"},
    "update_key": {"limit": 1},
    "create_workspace": {"name": "Research", "slug": "research"},
    "update_workspace": {"description": "For everybody"},
    "add_workspace_members": {"user_ids": ["user_member"]},
    "remove_workspace_members": {"user_ids": ["user_member"]},
    "set_workspace_budget": {"limit_usd": 20},
    "create_guardrail": {"name": "Careful", "limit_usd": 10, "reset_interval": "daily"},
    "update_guardrail": {"limit_usd": 5},
    "assign_keys_to_guardrail": {"key_hashes": [KEY]},
    "unassign_keys_from_guardrail": {"key_hashes": [KEY]},
    "assign_members_to_guardrail": {"member_user_ids": ["user_member"]},
    "unassign_members_from_guardrail": {"member_user_ids": ["user_member"]},
    "create_byok_key": {"provider": "openai", "key": "acme-0123456789"},
    "update_byok_key": {"disabled": True},
    "create_observability_destination": {
        "type": "langfuse",
        "name": "Traces",
        "config": {"publicKey": "pk-1", "secretKey": "not-shown"},
    },
    "update_observability_destination": {"sampling_rate": 0.5},
    "update_organization_settings": {"is_filtered_model_catalog_enabled": True},
    "create_external_user": {"user": "customer-2"},
    "update_external_user": {"is_active": False},
    "create_private_endpoint": {
        "model_permaslug": "acme/atlas-large",
        "provider_slug": "acme",
        "upstream_model_id": "atlas-large-2",
        "pricing": {"prompt": "0.000001", "completion": "0.000002"},
    },
    "update_private_endpoint": {"upstream_model_id": "atlas-large-3"},
    "update_private_endpoint_pricing": {"pricing": {"prompt": "0.000001", "completion": "0.000002"}},
}
_VALIDATE = ("VALIDATE_PRIVATE_ENDPOINT", {"id": ENDPOINT, "workspace_id": WORKSPACE})
_ACTIVATE = ("ACTIVATE_PRIVATE_ENDPOINT", {"id": ENDPOINT})
_GET_BATCH = ("GET_BATCH", {"id": BATCH})
# The calls that come before.
BEFORE: dict[str, list[tuple[str, Arguments]]] = {
    "get_preset_version": [("CREATE_PRESET_FROM_CHAT_COMPLETION", {"slug": "careful", **_CHAT})],
    "list_batches": [("CREATE_BATCH", _CREATE_BATCH)],
    "get_batch": [("CREATE_BATCH", _CREATE_BATCH), _GET_BATCH],
    "delete_batch": [("CREATE_BATCH", _CREATE_BATCH), _GET_BATCH, _GET_BATCH],
    "activate_private_endpoint": [_VALIDATE],
    "disable_private_endpoint": [_VALIDATE, _ACTIVATE],
    "enable_private_endpoint": [_VALIDATE, _ACTIVATE],
}
# Those that want the id of a generation, and the argument that has it.
OF_A_GENERATION = {
    "get_generation": "id",
    "get_generation_content": "id",
    "submit_generation_feedback": "generation_id",
}


def arguments_for(action: str, toolset: str) -> Arguments:
    """Arguments with which an action succeeds, but for the id of a generation."""
    in_path = _IN_PATH.get(toolset, {})
    given = _OTHERS.get(action, {})
    least = {name: in_path.get(name, value) for name, value in least_arguments(action).items()}
    return {name: value for name, value in {**least, **given}.items() if name != OF_A_GENERATION.get(action)}


def after_calls(registry: ToolRegistry, action: str, arguments: Arguments, chat: Arguments = _CHAT) -> Arguments:
    """Make the calls that come before an action, and return its arguments."""
    for own, given in BEFORE.get(action, []):
        done = registry.execute(f"OPENROUTER_{own}", given)
        assert done.error is None, done.error
    if action not in OF_A_GENERATION or OF_A_GENERATION[action] in arguments:
        return arguments
    completion = registry.execute("OPENROUTER_CREATE_CHAT_COMPLETION", chat)
    return {OF_A_GENERATION[action]: json.loads(completion.data)["id"], **arguments}
