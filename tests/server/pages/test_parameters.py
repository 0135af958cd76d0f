"""Parameters are described from an action's schema alone; what is filled in becomes arguments, or is explained."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrouter_toolkit import manifest
from openrouter_toolkit.server.pages.parameters import FormField, Parameter, parameters, read


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
        ({"minimum": 0, "maximum": 2}, "Minimum 0, maximum 2"),
        ({"exclusiveMinimum": 0}, "More than 0"),
        ({"maxLength": 128}, "At most 128 characters"),
        ({"enum": ["eu", "us", None]}, "One of eu, us"),
        ({"enum": [1, 137]}, "One of 1, 137"),
        ({"enum": [True, "true"]}, "One of true"),
        ({"type": "string"}, ""),
    ],
)
def test_limits_in_words(part: dict[str, Any], words: str) -> None:
    assert told(part).limits == words


def test_many_choices_are_told_by_example() -> None:
    assert told({"enum": [str(number) for number in range(100)]}).limits.endswith("19, …")


def test_a_schema_that_says_nothing_is_left_out() -> None:
    assert parameters({"properties": {"p": True}}) == []


def filled(part: dict[str, Any], value: str) -> tuple[FormField, dict[str, Any]]:
    (field,), arguments = read(parameters({"properties": {"p": part}}), {"argument.p": value})
    return field, arguments


@pytest.mark.parametrize(
    ("part", "value", "argument"),
    [
        ({"type": "string"}, "two words ", "two words "),
        ({"type": "string"}, "5", "5"),
        ({"type": "integer"}, "5", 5),
        ({"type": "number"}, "0.5", 0.5),
        ({"type": "boolean"}, "true", True),
        ({"type": "string", "enum": ["eu"]}, '"eu"', "eu"),
        ({"type": "array"}, '["a"]', ["a"]),
        ({"type": ["string", "array"]}, '["a"]', ["a"]),
        ({"type": ["string", "array"]}, "a, b", "a, b"),
        ({"type": "object"}, '{"a": 1}', {"a": 1}),
    ],
)
def test_what_is_typed_is_what_the_schema_wants(part: dict[str, Any], value: str, argument: Any) -> None:
    field, arguments = filled(part, value)
    assert field.problem is None
    assert arguments == {"p": argument}


@pytest.mark.parametrize("value", ["", "  ", "\n"])
@pytest.mark.parametrize("kind", ["string", "integer", "array", "boolean"])
def test_an_empty_field_is_left_out(kind: str, value: str) -> None:
    assert filled({"type": kind}, value) == (FormField(parameters({"properties": {"p": {"type": kind}}})[0], value), {})


@pytest.mark.parametrize("value", ["five", "1e999", "NaN", "-Infinity", "1" * 5000])
def test_what_is_no_number_is_left_for_the_actions_own_validation(value: str) -> None:
    field, arguments = filled({"type": "number"}, value)
    assert field.problem is None
    assert arguments == {"p": value}


@pytest.mark.parametrize("value", ["[1,", "a", "[1e999]", "[NaN]", "[" * 100_000, r'["\ud800"]'])
def test_what_is_no_json_is_explained_and_kept(value: str) -> None:
    field, arguments = filled({"type": "array"}, value)
    assert field.problem is not None
    assert field.problem.startswith("This is not valid JSON")
    assert field.value == value
    assert arguments == {}


def test_only_parameters_are_read() -> None:
    fields, arguments = read([], {"argument.p": "1", "user_id": "alice"})
    assert (fields, arguments) == ([], {})


def test_a_choice_offers_each_value_once() -> None:
    field, _ = filled({"type": ["boolean", "string"], "enum": [True, False, "true"]}, "")
    assert field.control == "choice"
    assert field.choices == [("true", "true"), ("false", "false")]


def test_every_choice_of_every_action_can_be_chosen() -> None:
    for action in manifest.load().actions:
        described = parameters(action.definition.input_parameters)
        for field, _ in [(FormField(parameter), None) for parameter in described]:
            if field.control == "choice":
                for value, words in field.choices:
                    _, arguments = read([field.parameter], {field.name: value})
                    chosen = arguments[field.parameter.name]
                    assert words == (chosen if isinstance(chosen, str) else json.dumps(chosen))


@given(st.text(max_size=40), st.sampled_from(["string", "integer", "number", "boolean", "array", "object"]))
def test_nothing_that_is_typed_breaks_it(value: str, kind: str) -> None:
    field, arguments = filled({"type": kind}, value)
    assert field.value == value
    json.dumps(arguments, allow_nan=False, ensure_ascii=False).encode()
