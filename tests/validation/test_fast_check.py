"""The quick judge: its yes is always jsonschema's yes, and it says it where it matters."""

from __future__ import annotations

import json
from collections import OrderedDict
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openrouter_toolkit import manifest
from openrouter_toolkit.validation.arguments import ArgumentValidator, compile_schema
from openrouter_toolkit.validation.fast_check import compile_fast_check

from ..scale import scaled

NAMES = ("a", "b", "c", "id")
TEXTS = st.sampled_from(["", "a", "b", "ab", "abc", "1", "\ud800", "é", "👍🏽"])
NUMBERS = st.one_of(
    st.integers(-3, 3),
    st.integers(10**20, 10**20 + 1),
    st.sampled_from([-1.5, 0.0, 1.0, 2.0, 2.5, float("inf"), float("nan"), 1e300]),
)


class Text(str):
    """Text of a kind of its own."""


class Truth(int):
    """A number of a kind of its own."""


ODD = st.sampled_from([(), (1,), {1}, b"a", Decimal(1), 1j, Text("a"), Truth(1), OrderedDict(a=1), {1: 2}, {None: 1}])
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, ODD),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)),
    max_leaves=8,
)
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "null", "array", "object"])
LEAVES: dict[str, st.SearchStrategy[Any]] = {
    "type": st.one_of(TYPES, st.lists(TYPES, min_size=1, max_size=3, unique=True)),
    "enum": st.lists(st.one_of(st.none(), st.booleans(), st.integers(0, 2), TEXTS), min_size=1, max_size=3),
    "minimum": st.integers(-2, 2),
    "maximum": st.sampled_from([-1, 0, 1.5, 2]),
    "exclusiveMinimum": st.integers(-2, 2),
    "exclusiveMaximum": st.integers(-2, 2),
    "minLength": st.integers(0, 2),
    "maxLength": st.integers(0, 2),
    "pattern": st.sampled_from(["a", "^b", "^$", "c$"]),
    "minItems": st.integers(0, 2),
    "maxItems": st.integers(0, 2),
    "minProperties": st.integers(0, 2),
    "maxProperties": st.integers(0, 2),
    "required": st.lists(st.sampled_from(NAMES), max_size=2, unique=True),
    "description": st.just("words"),
    "format": st.just("uri"),
    "x-extension": st.just(True),
    # What it does not know must never make it say yes.
    "const": st.one_of(st.none(), st.booleans(), st.integers(0, 2), TEXTS),
    "multipleOf": st.just(2),
    "uniqueItems": st.just(True),
    "dependentRequired": st.just({"a": ["b"]}),
}


def nested(schemas: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    by_name = st.dictionaries(st.sampled_from(NAMES), schemas, max_size=3)
    several = st.lists(schemas, min_size=1, max_size=3)
    return {
        "properties": by_name,
        "additionalProperties": schemas,
        "items": schemas,
        "anyOf": several,
        "oneOf": several,
        "allOf": several,
        "prefixItems": several,
        "not": schemas,
        "contains": schemas,
        "patternProperties": st.dictionaries(st.just("^a"), schemas, max_size=1),
        "propertyNames": schemas,
        "unevaluatedProperties": schemas,
        "dependentSchemas": by_name,
    }


def chosen(keywords: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    several = st.lists(st.sampled_from(sorted(keywords)), max_size=4, unique=True)
    return several.flatmap(lambda names: st.fixed_dictionaries({name: keywords[name] for name in names}))


SCHEMAS = st.recursive(
    st.one_of(st.booleans(), chosen(LEAVES)), lambda inner: chosen({**LEAVES, **nested(inner)}), max_leaves=6
)


@pytest.mark.load
@settings(max_examples=scaled(300, full=1500))
@given(SCHEMAS, st.lists(VALUES, min_size=4, max_size=8))
def test_its_yes_is_jsonschemas_yes(schema: Any, values: list[Any]) -> None:
    judge, arbiter = compile_fast_check(schema), compile_schema(schema)
    for value in values:
        assert not judge(value) or arbiter.is_valid(value), value


@pytest.mark.load
@settings(max_examples=scaled(100, full=500))
@given(
    chosen({name: LEAVES[name] for name in LEAVES if name not in ("const", "multipleOf", "uniqueItems", "enum")}),
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), TEXTS, st.lists(TEXTS), st.dictionaries(TEXTS, TEXTS)),
)
def test_it_says_yes_to_all_that_fits_what_it_knows(schema: dict[str, Any], value: Any) -> None:
    schema.pop("dependentRequired", None)
    assert compile_fast_check(schema)(value) is compile_schema(schema).is_valid(value)


@pytest.mark.parametrize(
    ("schema", "value", "yes"),
    [
        ({"type": "integer"}, 2, True),
        ({"type": "integer"}, 2.0, True),
        ({"type": "integer"}, 2.5, False),
        ({"type": "integer"}, True, False),
        ({"type": ["integer", "number"]}, 2.5, True),
        ({"type": "number"}, True, False),
        ({"type": "number"}, float("nan"), True),
        ({"minimum": 1}, float("nan"), False),
        ({"minimum": 1}, "text", True),
        ({"type": "string"}, Text("a"), False),
        ({"type": "array"}, (1,), False),
        ({"enum": ["a", 1]}, "a", True),
        ({"enum": ["a", 1]}, 1, False),
        ({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}, ["a"], True),
        ({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}, [1], False),
        ({"properties": {"a": {"type": "string"}}, "additionalProperties": False}, {"a": "b"}, True),
        ({"properties": {"a": {"type": "string"}}, "additionalProperties": False}, {"b": "b"}, False),
        ({"properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "null"}}, {"b": None}, True),
        ({"properties": {"a": {"type": "string"}}}, {"a": 1}, False),
        ({"required": ["a"]}, {"a": 1}, True),
        ({"required": ["a"]}, {}, False),
        ({"$ref": "#/$defs/a", "$defs": {"a": {}}}, "a", False),
        (True, object(), True),
        (False, None, False),
    ],
)
def test_what_it_says(schema: Any, value: Any, yes: bool) -> None:
    assert compile_fast_check(schema)(value) is yes


@pytest.mark.parametrize("type_", ["strin", [], ["number", "nonsense"]])
def test_a_type_that_there_is_not_is_no_yes(type_: Any) -> None:
    assert compile_fast_check({"type": type_})("text") is False


def test_ordinary_calls_of_all_actions_need_no_jsonschema(monkeypatch: pytest.MonkeyPatch) -> None:
    def unwanted(schema: Any) -> Any:
        raise AssertionError("jsonschema was asked")

    monkeypatch.setattr("openrouter_toolkit.validation.arguments.compile_schema", unwanted)
    question = [{"role": "user", "content": [{"type": "text", "text": "What is 17 * 3?"}]}]
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    calls = {
        "OPENROUTER_CREATE_CHAT_COMPLETION": {
            "model": "acme/atlas",
            "messages": question,
            "tools": tools,
            "stop": ["x"],
        },
        "OPENROUTER_CREATE_MESSAGE": {"model": "acme/atlas", "messages": question, "max_tokens": 5, "system": "Hi"},
        "OPENROUTER_CREATE_COMPLETION": {"model": "acme/atlas", "prompt": "Hi", "temperature": 1, "stop": "x"},
        "OPENROUTER_LIST_MODEL_ENDPOINTS": {"author": "acme", "slug": "atlas"},
        "OPENROUTER_GET_GENERATION": {"id": "gen-1"},
    }
    for action in manifest.load().actions:
        if action.slug == "OPENROUTER_CREATE_COINBASE_CHARGE":  # withdrawn, and one of its enums has numbers
            continue
        validator = ArgumentValidator(action.definition.input_parameters)
        validator.check(action.slug, json.loads(json.dumps(calls.get(action.slug, {}))))
