"""Which parameters an action has: the documented ones, and all that the API takes."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from .definitions import ACTIONS, definition, openapi, problems, properties, recorded_requests
from .documented import DOCUMENTED, REQUIRED

every_action = pytest.mark.parametrize("action", ACTIONS)

BODIES = {"create_chat_completion": "ChatRequest", "create_message": "MessagesRequest"}
PATHS = {
    "create_chat_completion": ("post", "/chat/completions"),
    "create_message": ("post", "/messages"),
    "create_coinbase_charge": ("post", "/credits/coinbase"),
    "get_credits": ("get", "/credits"),
    "get_current_key": ("get", "/key"),
    "get_generation": ("get", "/generation"),
    "get_models_count": ("get", "/models/count"),
    "list_available_models": ("get", "/models"),
    "list_embedding_models": ("get", "/embeddings/models"),
    "list_model_endpoints": ("get", "/models/{author}/{slug}/endpoints"),
    "list_providers": ("get", "/providers"),
    "list_user_models": ("get", "/models/user"),
    "list_zdr_endpoints": ("get", "/endpoints/zdr"),
}
TITLE_NAMES = {"x_title", "X_Title", "X-Title"}
REFERER_NAMES = {"http_referer", "HTTP_Referer", "HTTP-Referer"}
SAMPLES: dict[str, Any] = {
    "string": "a",
    "integer": 1,
    "number": 0.5,
    "boolean": True,
    "array": [{"role": "user", "name": "a"}],
    "object": {},
}
SPECIAL_SAMPLES: dict[str, Any] = {
    "category": "programming",
    "service_tier": "auto",
    "sender": "0x" + "a" * 40,
    "models": ["a/b"],
    "stop_sequences": ["a"],
}


@every_action
def test_every_documented_parameter_is_there_and_is_no_extension(action: str) -> None:
    plain = {name for name, schema in properties(action).items() if "x-extension" not in schema}
    assert plain == set(DOCUMENTED[action])


@every_action
def test_everything_else_is_marked_as_an_extension(action: str) -> None:
    for name in properties(action).keys() - DOCUMENTED[action].keys():
        assert properties(action)[name]["x-extension"] is True


@every_action
def test_required_means_required(action: str) -> None:
    required = definition(action)["input_parameters"].get("required", [])
    assert set(required) == REQUIRED.get(action, set())


@pytest.mark.parametrize(
    ("action", "name", "kind"),
    [(action, name, kind) for action, table in DOCUMENTED.items() for name, kind in table.items()],
)
def test_the_documented_type_is_accepted(action: str, name: str, kind: str) -> None:
    validator = Draft202012Validator(properties(action)[name])
    assert validator.is_valid(SPECIAL_SAMPLES.get(name, SAMPLES[kind]))
    assert not validator.is_valid(None)


@every_action
def test_an_app_has_exactly_one_way_to_name_itself(action: str) -> None:
    assert len(properties(action).keys() & TITLE_NAMES) == 1
    assert len(properties(action).keys() & REFERER_NAMES) == 1


@pytest.mark.parametrize("action", BODIES)
def test_every_field_of_the_api_s_request_is_there(action: str) -> None:
    fields = openapi()["components"]["schemas"][BODIES[action]]["properties"]
    assert fields.keys() - properties(action).keys() == set()


@pytest.mark.parametrize("action", PATHS)
def test_every_parameter_of_the_api_s_operation_is_there(action: str) -> None:
    method, path = PATHS[action]
    parameters = openapi()["paths"][path][method].get("parameters", [])
    assert {parameter["name"] for parameter in parameters} - properties(action).keys() == set()


@pytest.mark.parametrize("action", PATHS)
def test_limits_and_choices_of_the_api_s_operation_are_kept(action: str) -> None:
    method, path = PATHS[action]
    for parameter in openapi()["paths"][path][method].get("parameters", []):
        ours, theirs = properties(action)[parameter["name"]], parameter["schema"]
        for keyword in ("minimum", "maximum", "minLength"):
            if keyword in theirs:
                assert ours[keyword] == theirs[keyword], parameter["name"]
        assert set(theirs.get("enum", ())) <= set(ours.get("enum", theirs.get("enum", ())))


@pytest.mark.parametrize("action", BODIES)
def test_a_nullable_field_of_the_api_may_be_null_where_it_is_an_extension(action: str) -> None:
    fields = openapi()["components"]["schemas"][BODIES[action]]["properties"]
    for name, field in fields.items():
        if "null" in field.get("type", []) and name not in DOCUMENTED[action]:
            assert Draft202012Validator(properties(action)[name]).is_valid(None), name


@pytest.mark.parametrize(
    ("action", "folder"),
    [("create_chat_completion", "chat_completions"), ("create_message", "messages")],
)
def test_every_recorded_request_is_accepted(action: str, folder: str) -> None:
    refused = {name: found for name, body in recorded_requests(folder).items() if (found := problems(action, body))}
    assert refused == {}
