"""Which parameters an action has: the documented ones, and all that recorded requests need."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from .definitions import ACTIONS, definition, problems, properties, recorded_requests
from .documented import DOCUMENTED, REQUIRED

every_action = pytest.mark.parametrize("action", DOCUMENTED)

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


@pytest.mark.parametrize("action", ACTIONS)
def test_an_app_has_exactly_one_way_to_name_itself(action: str) -> None:
    assert len(properties(action).keys() & TITLE_NAMES) == 1
    assert len(properties(action).keys() & REFERER_NAMES) == 1


@pytest.mark.parametrize(
    ("action", "folder"),
    [("create_chat_completion", "chat_completions"), ("create_message", "messages")],
)
def test_every_recorded_request_is_accepted(action: str, folder: str) -> None:
    refused = {name: found for name, body in recorded_requests(folder).items() if (found := problems(action, body))}
    assert refused == {}
