"""The endpoints that only read, beyond the models: one model, benchmarks, rankings, server tools, usage, content."""

from pathlib import Path
from typing import Any

import yaml

from .endpoint import Call, Route, State
from .errors import ApiError, JsonObject
from .models import describe_model, find_model
from .resources import page

_ANSWERS = yaml.safe_load(Path(__file__).with_name("catalogue.yaml").read_text(encoding="utf-8"))
# Answers of which a query's `offset` and `limit` take a part.
_IN_PAGES = ("/datasets/app-rankings", "/datasets/session-cost")
_FEEDBACK = ("latency", "incoherence", "incorrect_response", "formatting", "billing", "api_error", "other")


def _model(_: State, call: Call) -> JsonObject:
    model = find_model(f"{call.names['author']}/{call.names['slug']}")
    if model is None:
        raise ApiError(404, "Model not found")
    return {"data": describe_model(model)}


def _image_endpoints(_: State, call: Call) -> JsonObject:
    model = find_model(f"{call.names['author']}/{call.names['slug']}")
    if model is None or "image" not in model.output_modalities:
        raise ApiError(404, "Image model not found")
    endpoints = [
        {
            "provider_name": provider.name,
            "provider_slug": provider.slug,
            "provider_tag": f"{provider.slug}/{provider.quantization}",
            "pricing": [{"billable": "output_image", "unit": "image", "cost_usd": 0.02}],
            "supported_parameters": {"size": {"type": "enum", "values": ["1024x1024"]}},
            "allowed_passthrough_parameters": [],
            "supports_streaming": False,
        }
        for provider in model.providers
    ]
    return {"id": model.id, "endpoints": endpoints}


def _always(state: State, call: Call) -> Any:
    answer = _ANSWERS[call.path]
    if call.path in _IN_PAGES:
        return {**answer, "data": page(answer["data"], call.query, largest=500)["data"]}
    return answer


def _benchmarks(_: State, call: Call) -> JsonObject:
    answer = _ANSWERS["/benchmarks"]
    source = call.query.get("source")
    rows = [row for row in answer["data"] if source in (None, row["source"])]
    return {"data": rows[: int(call.query.get("max_results", "100"))], "meta": {**answer["meta"], "source": source}}


def _tools(_: State, call: Call) -> JsonObject:
    wanted = call.query.get("api_format")
    found = [tool for tool in _ANSWERS["/tools"] if wanted is None or wanted in tool["supported_api_formats"]]
    return {**page(found, call.query), "links": {"next": None}}


def _tool(_: State, call: Call) -> JsonObject:
    found = next((tool for tool in _ANSWERS["/tools"] if tool["id"] == call.names["name"]), None)
    if found is None:
        raise ApiError(404, "Tool not found")
    return {
        "data": {
            **found,
            "native_support": {
                **found["native_support"],
                "models": [{"slug": "acme/atlas-large", "providers": ["acme"]}],
            },
        }
    }


def _content(state: State, call: Call) -> JsonObject:
    if not call.query.get("id"):
        raise ApiError(400, "id: required")
    return {"data": state.generations.content(call.query["id"])}


def _feedback(state: State, call: Call) -> JsonObject:
    given = call.json()
    if given.get("category") not in _FEEDBACK:
        raise ApiError(400, f"category: must be one of {', '.join(_FEEDBACK)}")
    state.generations.check_known(str(given.get("generation_id")))
    return {"data": {"success": True}}


def _activity(state: State, call: Call) -> JsonObject:
    return {"data": state.generations.activity(call.query.get("date"))}


def _analytics(state: State, call: Call) -> JsonObject:
    """One row for each model, or one of all, with what the sandbox's completions came to."""
    given = call.json()
    known = {one["name"] for one in _ANSWERS["/analytics/meta"]["data"]["metrics"]}
    metrics = given.get("metrics")
    if not isinstance(metrics, list) or not metrics or not known.issuperset(metrics):
        raise ApiError(400, f"metrics: must be a list of at least one of {', '.join(sorted(known))}")
    rows: dict[str, JsonObject] = {}
    by_model = "model" in given.get("dimensions", [])
    for one in state.generations.activity(None):
        row = rows.setdefault(one["model"] if by_model else "", {"requests": 0, "cost": 0.0})
        row["requests"] += one["requests"]
        row["cost"] += one["usage"]
    found = [
        {**({"model": model} if by_model else {}), **{name: row[name] for name in metrics}}
        for model, row in rows.items()
    ]
    metadata = {"query_time_ms": 1, "row_count": len(found), "truncated": False}
    return {"data": {"data": found, "metadata": metadata, "warnings": []}}


def _settings(state: State, call: Call) -> JsonObject:
    if call.method == "PATCH":
        given = call.json().get("is_filtered_model_catalog_enabled")
        if not isinstance(given, bool):
            raise ApiError(400, "is_filtered_model_catalog_enabled: must be true or false")
        state.settings["is_filtered_model_catalog_enabled"] = given
    return {"data": {"id": "org_sandbox", "is_filtered_model_catalog_enabled": False, **state.settings}}


CATALOGUE_ROUTES = [
    Route("GET", "/model/{author}/{slug}", _model, "optional"),
    Route("GET", "/images/models/{author}/{slug}/endpoints", _image_endpoints, "optional"),
    Route("GET", "/benchmarks", _benchmarks),
    Route("GET", "/classifications/task", _always),
    Route("GET", "/datasets/app-rankings", _always),
    Route("GET", "/datasets/rankings-daily", _always),
    Route("GET", "/datasets/session-cost", _always),
    Route("GET", "/tools", _tools),
    Route("GET", "/tools/{name}", _tool),
    Route("GET", "/generation/content", _content),
    Route("POST", "/generation/feedback", _feedback, "management"),
    Route("GET", "/activity", _activity, "management"),
    Route("GET", "/analytics/meta", _always, "management"),
    Route("POST", "/analytics/query", _analytics, "management"),
    Route(
        "GET",
        "/organization/members",
        lambda _, call: page(_ANSWERS["/organization/members"], call.query),
        "management",
    ),
    Route("GET", "/organization/settings", _settings, "management"),
    Route("PATCH", "/organization/settings", _settings, "management"),
]
