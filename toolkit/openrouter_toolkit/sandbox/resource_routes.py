"""The endpoints of resources: those of the table, and what is special about some of them."""

from functools import partial
from typing import Any

from .endpoint import Answer, Call, Route, State
from .errors import ApiError, JsonObject
from .resources import KINDS, page

_INTERVALS = ("daily", "weekly", "monthly", "lifetime")
_NO_LIMIT = "lifetime"
# What a preset keeps of a request's body.
_OF_PRESETS = frozenset(
    {
        *("model", "models", "temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "provider"),
        *("max_output_tokens", "reasoning", "tools", "tool_choice", "response_format", "plugins", "stop", "seed"),
    }
)


def _routes_of(name: str) -> list[Route]:
    """The routes of a kind of resource."""
    kind = KINDS[name]
    one = f"{kind.path}/{{{kind.id}}}"

    def update(state: State, call: Call) -> Any:
        return state.resources.update(name, call.names[kind.id], kind.check(call.body, new=False))

    every = {
        "list": ("GET", kind.path, lambda state, call: state.resources.listed(name, call.query)),
        "create": ("POST", kind.path, partial(_create, name=name)),
        "get": ("GET", one, lambda state, call: {"data": state.resources.find(name, call.names[kind.id])}),
        "update": ("PATCH", one, update),
        "delete": ("DELETE", one, lambda state, call: state.resources.delete(name, call.names[kind.id])),
    }
    return [Route(*every[operation], kind.key) for operation in kind.only]


def _create(state: State, call: Call, name: str) -> Answer:
    return Answer(201, state.resources.create(name, KINDS[name].check(call.body, new=True)))


def _texts(call: Call, name: str) -> list[str]:
    """A list of ids in the body. Raises ApiError 400."""
    given = call.json().get(name)
    if not isinstance(given, list) or not given or not all(isinstance(one, str) for one in given):
        raise ApiError(400, f"{name}: must be a list of at least one text")
    return given


def _members(state: State, call: Call) -> JsonObject:
    workspace = state.resources.find("workspaces", call.names["id"])["id"]
    found = [one for one in state.resources.all("members") if one["workspace_id"] == workspace]
    return page(found, call.query)


def _add_members(state: State, call: Call) -> JsonObject:
    workspace = state.resources.find("workspaces", call.names["id"])["id"]
    there = {one["user_id"] for one in state.resources.all("members") if one["workspace_id"] == workspace}
    users = [user for user in _texts(call, "user_ids") if user not in there]
    added = [state.resources.create("members", {"workspace_id": workspace, "user_id": user})["data"] for user in users]
    return {"data": added, "added_count": len(added)}


def _remove_members(state: State, call: Call) -> JsonObject:
    workspace = state.resources.find("workspaces", call.names["id"])["id"]
    users = _texts(call, "user_ids")
    found = [
        one["id"]
        for one in state.resources.all("members")
        if one["workspace_id"] == workspace and one["user_id"] in users
    ]
    for id_ in found:
        state.resources.delete("members", id_)
    return {"removed_count": len(found)}


def _budgets(state: State, call: Call) -> list[JsonObject]:
    workspace = state.resources.find("workspaces", call.names["workspace_ref"])["id"]
    return [one for one in state.resources.all("budgets") if one["workspace_id"] == workspace]


def _interval(call: Call) -> str | None:
    """The interval of the path, as a budget has it. Raises ApiError 400."""
    given = call.names["interval"]
    if given not in _INTERVALS:
        raise ApiError(400, f"interval: must be one of {', '.join(_INTERVALS)}")
    return None if given == _NO_LIMIT else given


def _budget(state: State, call: Call) -> JsonObject:
    interval = _interval(call)
    found = next((one for one in _budgets(state, call) if one["reset_interval"] == interval), None)
    if found is None:
        raise ApiError(404, "Budget not found")
    return found


def _set_budget(state: State, call: Call) -> JsonObject:
    given = KINDS["budgets"].check(call.body, new=True)
    interval = _interval(call)
    workspace = state.resources.find("workspaces", call.names["workspace_ref"])
    if "include_byok_in_budgets" in given:
        state.resources.update(
            "workspaces", workspace["id"], {"include_byok_in_budgets": given["include_byok_in_budgets"]}
        )
    found = next((one for one in _budgets(state, call) if one["reset_interval"] == interval), None)
    budget = {"limit_usd": given["limit_usd"], "workspace_id": workspace["id"], "reset_interval": interval}
    if found is None:
        return state.resources.create("budgets", budget)
    return state.resources.update("budgets", found["id"], budget)


def _assignments(state: State, call: Call, name: str) -> JsonObject:
    guardrail = state.resources.find("guardrails", call.names["id"])["id"]
    found = [one for one in state.resources.all(name) if one["guardrail_id"] == guardrail]
    return page(found, call.query)


def _assign_keys(state: State, call: Call) -> JsonObject:
    guardrail = state.resources.find("guardrails", call.names["id"])["id"]
    keys = [state.resources.find("keys", hash_) for hash_ in _texts(call, "key_hashes")]
    for key in keys:
        _unassign(state, "key_assignments", "key_hash", [key["hash"]])
        named = {"key_hash": key["hash"], "key_label": key["label"], "key_name": key["name"]}
        state.resources.create("key_assignments", {"guardrail_id": guardrail, **named})
    return {"assigned_count": len(keys)}


def _assign_members(state: State, call: Call) -> JsonObject:
    guardrail = state.resources.find("guardrails", call.names["id"])["id"]
    users = _texts(call, "member_user_ids")
    for user in users:
        _unassign(state, "member_assignments", "user_id", [user])
        state.resources.create("member_assignments", {"guardrail_id": guardrail, "user_id": user})
    return {"assigned_count": len(users)}


def _unassigned(state: State, call: Call, name: str, given: str, compared: str) -> JsonObject:
    guardrail = state.resources.find("guardrails", call.names["id"])["id"]
    return {"unassigned_count": _unassign(state, name, compared, _texts(call, given), guardrail)}


def _unassign(state: State, name: str, compared: str, values: list[str], guardrail: str | None = None) -> int:
    found = [
        one["id"]
        for one in state.resources.all(name)
        if one[compared] in values and guardrail in (None, one["guardrail_id"])
    ]
    for id_ in found:
        state.resources.delete(name, id_)
    return len(found)


def _deactivate_user(state: State, call: Call) -> None:
    state.resources.update("external_users", call.names["user"], {"is_active": False})
    call.connection.send(204, b"")


def _private_endpoint(state: State, call: Call) -> JsonObject:
    return state.resources.find("private_endpoints", call.names["id"])


def _update_private_endpoint(state: State, call: Call) -> JsonObject:
    if _private_endpoint(state, call)["status"] not in ("draft", "validated"):
        raise ApiError(409, "Only a draft can be changed")
    given = KINDS["private_endpoints"].check(call.body, new=False)
    return state.resources.update("private_endpoints", call.names["id"], {**given, "status": "draft"})


def _delete_private_endpoint(state: State, call: Call) -> JsonObject:
    if call.query.get("draft_only") == "true" and _private_endpoint(state, call)["status"] not in (
        "draft",
        "validated",
    ):
        raise ApiError(409, "The private endpoint is not a draft")
    state.resources.delete("private_endpoints", call.names["id"])
    return {"data": {"id": call.names["id"]}}


def _validate_private_endpoint(state: State, call: Call) -> JsonObject:
    if not isinstance(call.json().get("workspace_id"), str):
        raise ApiError(400, "workspace_id: must be a text")
    _private_endpoint(state, call)
    state.resources.update("private_endpoints", call.names["id"], {"status": "validated"})
    return {"data": {"passed": True, "checks": [{"name": "completion", "passed": True, "message": None}]}}


def _moved(state: State, call: Call, before: tuple[str, ...], after: str) -> JsonObject:
    """Bring a private endpoint into another state. Raises ApiError 409 if it can't go there."""
    if _private_endpoint(state, call)["status"] not in before:
        raise ApiError(409, f"The private endpoint must be {' or '.join(before)}")
    return state.resources.update("private_endpoints", call.names["id"], {"status": after})


def _set_pricing(state: State, call: Call) -> JsonObject:
    _private_endpoint(state, call)
    given = KINDS["private_endpoints"].check({"pricing": call.json().get("pricing")}, new=True, required=("pricing",))
    return state.resources.update("private_endpoints", call.names["id"], given)


def _preset(state: State, call: Call) -> JsonObject:
    preset = state.resources.find("presets", call.names["slug"])
    versions = _versions(state, preset)
    return {"data": {**preset, "designated_version": versions[-1] if versions else None}}


def _versions(state: State, preset: JsonObject) -> list[JsonObject]:
    return [one for one in state.resources.all("versions") if one["preset_id"] == preset["id"]]


def _preset_version(state: State, call: Call) -> JsonObject:
    versions = _versions(state, state.resources.find("presets", call.names["slug"]))
    found = next((one for one in versions if str(one["version"]) == call.names["version"]), None)
    if found is None:
        raise ApiError(404, "Version of the preset not found")
    return {"data": found}


def _keep_preset(state: State, call: Call) -> JsonObject:
    """Keep the settings of a request's body as a preset, or as its next version."""
    body, slug = call.json(), call.names["slug"]
    try:
        preset = state.resources.find("presets", slug)
    except ApiError:
        preset = state.resources.create("presets", {"slug": slug, "name": slug})["data"]
    first = (body.get("messages") or [{}])[0]
    prompt = body.get("system") or body.get("instructions")
    if prompt is None and isinstance(first, dict) and first.get("role") == "system":
        prompt = first.get("content")
    version = {
        "preset_id": preset["id"],
        "version": len(_versions(state, preset)) + 1,
        "config": {name: value for name, value in body.items() if name in _OF_PRESETS},
        "system_prompt": prompt if isinstance(prompt, str) else None,
    }
    made = state.resources.create("versions", version)["data"]
    state.resources.update("presets", slug, {"designated_version_id": made["id"]})
    return _preset(state, call)


_unassign_keys = partial(_unassigned, name="key_assignments", given="key_hashes", compared="key_hash")
_unassign_users = partial(_unassigned, name="member_assignments", given="member_user_ids", compared="user_id")
_BUDGET, _ENDPOINT, _GUARDRAIL = "/workspaces/{workspace_ref}/budgets", "/private-endpoints/{id}", "/guardrails/{id}"
_MEMBERS = "/workspaces/{id}/members"
_MANAGED: list[tuple[str, str, Any]] = [
    ("GET", _MEMBERS, _members),
    ("POST", f"{_MEMBERS}/add", _add_members),
    ("POST", f"{_MEMBERS}/remove", _remove_members),
    ("GET", _BUDGET, lambda state, call: {"data": _budgets(state, call)}),
    ("GET", f"{_BUDGET}/{{interval}}", lambda state, call: {"data": _budget(state, call)}),
    ("PUT", f"{_BUDGET}/{{interval}}", _set_budget),
    (
        "DELETE",
        f"{_BUDGET}/{{interval}}",
        lambda state, call: state.resources.delete("budgets", _budget(state, call)["id"]),
    ),
    ("GET", f"{_GUARDRAIL}/assignments/keys", partial(_assignments, name="key_assignments")),
    ("POST", f"{_GUARDRAIL}/assignments/keys", _assign_keys),
    ("POST", f"{_GUARDRAIL}/assignments/keys/remove", _unassign_keys),
    ("GET", f"{_GUARDRAIL}/assignments/members", partial(_assignments, name="member_assignments")),
    ("POST", f"{_GUARDRAIL}/assignments/members", _assign_members),
    ("POST", f"{_GUARDRAIL}/assignments/members/remove", _unassign_users),
    ("DELETE", "/external-users/{user}", _deactivate_user),
    ("PATCH", _ENDPOINT, _update_private_endpoint),
    ("DELETE", _ENDPOINT, _delete_private_endpoint),
    ("POST", f"{_ENDPOINT}/validate", _validate_private_endpoint),
    ("POST", f"{_ENDPOINT}/activate", partial(_moved, before=("validated",), after="active")),
    ("POST", f"{_ENDPOINT}/disable", partial(_moved, before=("active", "disabled"), after="disabled")),
    ("POST", f"{_ENDPOINT}/enable", partial(_moved, before=("active", "disabled"), after="active")),
    ("PUT", f"{_ENDPOINT}/pricing", _set_pricing),
]
RESOURCE_ROUTES = [
    Route("GET", "/presets/{slug}", _preset),
    Route(
        "GET",
        "/presets/{slug}/versions",
        lambda state, call: page(_versions(state, state.resources.find("presets", call.names["slug"])), call.query),
    ),
    Route("GET", "/presets/{slug}/versions/{version}", _preset_version),
    *(
        Route("POST", f"/presets/{{slug}}/{kind}", _keep_preset)
        for kind in ("chat/completions", "messages", "responses")
    ),
    *(Route(*row, "management") for row in _MANAGED),
    *(route for name in KINDS for route in _routes_of(name)),
]
