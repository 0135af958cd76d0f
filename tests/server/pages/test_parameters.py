"""An action's parameters are told from its schema, and from nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from openrouter_toolkit import manifest
from openrouter_toolkit.server.pages.parameters import Parameter, parameters


def told(part: Any, **more: Any) -> Parameter:
    (parameter,) = parameters({"type": "object", "properties": {"p": part}, **more})
    return parameter


@pytest.mark.parametrize("action", manifest.load().actions, ids=str)
def test_every_parameter_of_every_action_is_told(action: manifest.Action) -> None:
    schema = action.definition.input_parameters
    found = parameters(schema)
    assert sorted(parameter.name for parameter in found) == sorted(schema["properties"])
    assert {parameter.name for parameter in found if parameter.required} == set(schema.get("required", ()))
    assert all(parameter.type != "anything" for parameter in found)


def test_required_ones_come_first_and_extensions_last() -> None:
    schema = {
        "properties": {"a": {"x-extension": True}, "b": {}, "c": {}, "d": {"x-extension": True}},
        "required": ["c", "d"],
    }
    assert [parameter.name for parameter in parameters(schema)] == ["c", "b", "d", "a"]


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"type": "string"}, "string"),
        ({"type": ["string", "array"]}, "string or array"),
        ({"type": ["integer", "null"]}, "integer"),
        ({"anyOf": [{"type": "string"}, {"type": "object"}]}, "string or object"),
        ({}, "anything"),
    ],
)
def test_types_in_words(part: dict[str, Any], words: str) -> None:
    assert told(part).type == words


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"minimum": 0, "maximum": 2}, "at least 0, at most 2"),
        ({"exclusiveMinimum": 0}, "more than 0"),
        ({"maxLength": 128}, "at most 128 characters"),
        ({"enum": ["eu", "us", None]}, "one of eu, us"),
        ({"enum": [1, 137]}, "one of 1, 137"),
        ({"enum": [True, "true"]}, "one of true"),
        ({"type": "string"}, ""),
    ],
)
def test_limits_in_words(part: dict[str, Any], words: str) -> None:
    assert told(part).limits == words


def test_many_choices_are_told_by_example() -> None:
    assert told({"enum": [str(number) for number in range(100)]}).limits.endswith("19, …")


def test_a_schema_that_says_nothing_is_left_out() -> None:
    assert parameters({"properties": {"p": True}}) == []
