"""What is filled in becomes arguments: typed by the schema, left out where empty, explained where it can't be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrouter_toolkit import manifest
from openrouter_toolkit.server.pages.parameters import FormField, parameters, read


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
