"""Mending: what models commonly get wrong in arguments becomes what they meant, and nothing else changes."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openrouter_toolkit.manifest import load
from openrouter_toolkit.tool_calling import coercion
from openrouter_toolkit.validation.arguments import ArgumentValidator, compile_schema

from ..scale import scaled

SCHEMAS = {action.slug: action.definition.input_parameters for action in load().actions}
PARAMETERS = sorted((slug, name) for slug, schema in SCHEMAS.items() for name in schema["properties"])


def coerce_arguments(schema: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    return coercion.coerce_arguments(ArgumentValidator(schema), arguments)


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "text": {"type": "string"},
        "count": {"type": "integer", "minimum": 0},
        "heat": {"type": "number", "maximum": 2},
        "size": {"type": "number"},
        "flag": {"type": "boolean"},
        "list": {"type": "array", "items": {"type": "string"}},
        "anything": {"type": "array"},
        "table": {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": True},
        "stop": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        "zdr": {"anyOf": [{"type": "boolean"}, {"type": "string", "enum": ["true", "false"]}]},
        "maybe": {"type": ["integer", "null"]},
        "linked": {"$ref": "#/$defs/level"},
        "counts": {"type": "array", "items": {"type": "integer"}},
        "either": {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]},
        "weights": {"type": "object", "additionalProperties": {"type": "number"}},
        "nested": {
            "type": "object",
            "properties": {
                "on": {"type": "boolean"},
                "limit": {"type": ["integer", "null"]},
                "share": {"type": "number"},
                "name": {"type": "string"},
                "deep": {"type": "array", "items": {"$ref": "#/$defs/entry"}},
            },
            "required": ["name"],
        },
    },
    "required": ["text", "count"],
    "additionalProperties": False,
    "$defs": {
        "level": {"type": "integer", "maximum": 9},
        "entry": {"type": "object", "properties": {"n": {"$ref": "#/$defs/level"}, "text": {"type": "string"}}},
    },
}


@pytest.mark.parametrize(
    ("name", "given", "meant"),
    [
        ("heat", "0.7", 0.7),
        ("heat", "-1e-3", -0.001),
        ("heat", " 1 ", 1),
        ("count", "5", 5),
        ("count", "5.0", 5),
        ("count", 50.0, 50),
        ("linked", 9.0, 9),
        ("maybe", 5.0, 5),
        ("either", 5.0, 5),
        ("either", "5", 5),
        ("either", [5.0, 6], [5, 6]),
        ("either", '["5"]', [5]),
        ("counts", [1.0, 2, "3"], [1, 2, 3]),
        ("counts", "[1.0]", [1]),
        ("table", '{"n": "1"}', {"n": 1}),
        ("table", {"n": "1"}, {"n": 1}),
        ("table", {"n": 1.0, "more": 1.0}, {"n": 1, "more": 1.0}),
        ("weights", {"a": "0.5", "b": 1.0}, {"a": 0.5, "b": 1.0}),
        ("nested", {"name": "5", "on": "True", "limit": "7", "share": "0.5"}, None),
        ("nested", '{"name": "5", "on": "True", "limit": 7.0, "share": 0.5}', None),
        ("nested", {"name": "a", "on": None, "limit": None}, {"name": "a", "limit": None}),
        ("nested", {"name": "a", "deep": '[{"n": 3.0, "text": "7"}]'}, {"name": "a", "deep": [{"n": 3, "text": "7"}]}),
        ("nested", {"name": "a", "deep": [{"n": "3"}, {"n": 4.0}]}, {"name": "a", "deep": [{"n": 3}, {"n": 4}]}),
        ("linked", "9", 9),
        ("maybe", "5", 5),
        ("flag", "true", True),
        ("flag", "False", False),
        ("flag", " TRUE\n", True),
        ("list", '["a", "b"]', ["a", "b"]),
        ("list", "[]", []),
        ("table", '{"n": 1, "more": {"x": [null, "2"]}}', {"n": 1, "more": {"x": [None, "2"]}}),
    ],
)
def test_it_is_plain_what_was_meant(name: str, given: str, meant: Any) -> None:
    meant = {"name": "5", "on": True, "limit": 7, "share": 0.5} if meant is None else meant
    assert repr(coerce_arguments(SCHEMA, {name: given})) == repr({name: meant})


def test_null_for_an_optional_parameter_is_left_out() -> None:
    assert coerce_arguments(SCHEMA, {"text": "a", "count": 1, "heat": None, "flag": None, "table": None}) == {
        "text": "a",
        "count": 1,
    }


def test_null_stays_where_it_means_something_or_must_be_refused() -> None:
    arguments = {"text": None, "maybe": None, "unknown": None}
    assert coerce_arguments(SCHEMA, arguments) == arguments


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("text", "5"),
        ("text", "true"),
        ("text", '{"a": 1}'),
        ("stop", '["a"]'),
        ("zdr", "true"),
        ("unknown", "5"),
        ("heat", 1),
        ("heat", 1.0),
        ("size", 1e300),
        ("count", 1e300),
        ("flag", False),
        ("list", ["1"]),
        ("weights", {"a": 1.0}),
        ("anything", [1.0, "5", None]),
    ],
)
def test_what_is_right_or_unknown_never_changes(name: str, given: Any) -> None:
    assert repr(coerce_arguments(SCHEMA, {name: given})) == repr({name: given})


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("heat", "3"),
        ("linked", "10"),
        ("heat", "warm"),
        ("heat", ""),
        ("heat", "0,7"),
        ("heat", "0x1"),
        ("heat", "true"),
        ("heat", '"1"'),
        ("heat", True),
        ("heat", [1]),
        ("count", "1.5"),
        ("count", "-1"),
        ("count", 1.5),
        ("count", False),
        ("flag", "yes"),
        ("flag", "1"),
        ("flag", 1),
        ("flag", "null"),
        ("list", "a"),
        ("list", "a,b"),
        ("list", "[1]"),
        ("list", "['a']"),
        ("list", '["a"'),
        ("list", "{}"),
        ("list", [1]),
        ("table", '{"n": "a"}'),
        ("table", {"n": "1.5"}),
        ("linked", 10.0),
        ("counts", [1.5, "a"]),
        ("nested", {"name": None, "on": "yes", "limit": "", "deep": [5]}),
        ("text", 5),
        ("text", True),
        ("text", {"a": 1}),
    ],
)
def test_what_stays_wrong_is_not_touched(name: str, given: Any) -> None:
    assert coerce_arguments(SCHEMA, {name: given}) == {name: given}


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "-Infinity", "nan", "inf", "1e999", "-1e999", str(2**53), "9" * 400, "9" * 5000]
)
def test_no_number_is_made_that_can_not_be_sent(text: str) -> None:
    for arguments in ({"size": text}, {"maybe": text}, {"anything": f"[{text}]"}, {"table": f'{{"x": {text}}}'}):
        assert coerce_arguments(SCHEMA, arguments) == arguments


def test_the_largest_exact_integer_is_taken() -> None:
    assert coerce_arguments(SCHEMA, {"count": str(2**53 - 1)}) == {"count": 2**53 - 1}


def test_values_inside_whose_schema_is_not_known_are_not_touched() -> None:
    arguments = {"table": {"more": None, "flag": "true"}, "list": ["1", None]}
    given = copy.deepcopy(arguments)
    assert coerce_arguments(SCHEMA, arguments) == given
    assert arguments == given


def test_the_arguments_given_stay_as_they_are() -> None:
    arguments = {"count": "5", "heat": None, "counts": [1.0], "table": {"n": "1"}}
    given = copy.deepcopy(arguments)
    assert coerce_arguments(SCHEMA, arguments) == {"count": 5, "counts": [1], "table": {"n": 1}}
    assert repr(arguments) == repr(given)


@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 500 + "]" * 500, '{"a":' * 100_000])
def test_deep_nesting_in_a_text_is_no_trouble(text: str) -> None:
    nested = {"type": "object", "properties": {"tree": {"$ref": "#/$defs/tree"}}}
    schema = {**nested, "$defs": {"tree": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}}
    assert set(coerce_arguments(schema, {"tree": text})) == {"tree"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
near_values = (
    json_values
    | json_values.map(json.dumps)
    | st.sampled_from(
        ["true", "False", "0.7", "5", "1", "gpt-4", "[]", "{}", '[{"role":"user"}]', "eu", "newest", 1, 0.5]
    )
)


@pytest.mark.load
@settings(max_examples=scaled(120, full=600), deadline=None)
@given(st.sampled_from(PARAMETERS), near_values)
def test_no_packaged_parameter_loses_a_valid_value_or_gets_a_wrong_one(parameter: tuple[str, str], value: Any) -> None:
    slug, name = parameter
    schema = SCHEMAS[slug]
    takes = compile_schema(schema["properties"][name]).is_valid
    mended = coerce_arguments(schema, {name: copy.deepcopy(value)})
    if takes(value):
        assert mended == {name: value}
    elif value is None and name not in schema.get("required", ()):
        assert mended == {}
    elif isinstance(value, str) and mended != {name: value}:
        assert takes(mended[name])
        if not isinstance(mended[name], dict | list):  # inside these, more may have been repaired
            assert mended[name] == json.loads(value.strip().lower() if isinstance(mended[name], bool) else value)
    elif not isinstance(value, dict | list):
        assert mended == {name: value}


@pytest.mark.parametrize(
    ("slug", "arguments", "mended"),
    [
        (
            "OPENROUTER_CREATE_CHAT_COMPLETION",
            {"model": "a/b", "messages": '[{"role": "user", "content": "5"}]', "temperature": "0.7", "stream": "False"},
            {"model": "a/b", "messages": [{"role": "user", "content": "5"}], "temperature": 0.7, "stream": False},
        ),
        ("OPENROUTER_CREATE_CHAT_COMPLETION", {"messages": None, "top_p": None}, {"messages": None}),
        ("OPENROUTER_CREATE_CHAT_COMPLETION", {"seed": None, "stop": "[1]"}, {"seed": None, "stop": "[1]"}),
        ("OPENROUTER_LIST_AVAILABLE_MODELS", {"limit": "10", "zdr": "true"}, {"limit": 10, "zdr": "true"}),
        ("OPENROUTER_CREATE_COINBASE_CHARGE", {"amount": "5", "chain_id": "8453"}, {"amount": 5, "chain_id": 8453}),
    ],
)
def test_packaged_actions_are_mended(slug: str, arguments: dict[str, Any], mended: dict[str, Any]) -> None:
    assert coerce_arguments(SCHEMAS[slug], arguments) == mended
