"""What every definition looks like."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jmespath
import pytest
from jsonschema import Draft202012Validator

from openrouter_toolkit.manifest import DOCUMENTED as DOCUMENTED_SET

from .definitions import ACTIONS, FILES, definition, properties, subschemas
from .documented import DOCUMENTED
from .operations import ACTIONS as LOADED
from .operations import OPERATIONS

KEYS = ["slug", "name", "description", "tags", "annotations", "input_parameters", "output_parameters"]
BRIEF = [action for action in ACTIONS if "brief" in definition(action)]
KINDS = {"chat", "messages", "models", "account", "payments"}
IMPORTANT = {
    "create_chat_completion",
    "create_message",
    "get_current_key",
    "list_available_models",
    "list_model_endpoints",
}
PAID = {
    "create_chat_completion",
    "create_completion",
    "create_message",
    "create_coinbase_charge",
    "create_embeddings",
    "create_rerank",
    "create_batch",
    "validate_private_endpoint",
}
# What takes away from what is there, beside what deletes; and what has the same effect however often it is done, beside
# what updates.
TAKING_AWAY = {
    "create_coinbase_charge",
    "remove_workspace_members",
    "unassign_keys_from_guardrail",
    "unassign_members_from_guardrail",
    "disable_private_endpoint",
}
REPEATABLE = TAKING_AWAY - {"create_coinbase_charge"} | {
    "add_workspace_members",
    "assign_keys_to_guardrail",
    "assign_members_to_guardrail",
    "activate_private_endpoint",
    "enable_private_endpoint",
}
# It only reads, by a POST.
READING = {"query_analytics"}

SIDES = ("input_parameters", "output_parameters")

every_action = pytest.mark.parametrize("action", ACTIONS)


def test_there_is_a_definition_for_each_documented_action_and_for_plain_completions() -> None:
    assert DOCUMENTED.keys() <= set(ACTIONS)


@every_action
def test_a_definition_has_its_keys_in_order_and_the_slug_of_its_file(action: str) -> None:
    assert list(definition(action)) == KEYS + ["brief"] * (action in BRIEF)
    assert definition(action)["slug"] == f"OPENROUTER_{action.upper()}"


@every_action
def test_a_file_is_printed_with_two_spaces_and_ends_with_a_line_break(action: str) -> None:
    text = FILES[action].read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"


@every_action
def test_both_sides_are_valid_schemas_of_a_closed_object(action: str) -> None:
    for side in SIDES:
        schema = definition(action)[side]
        Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
        assert schema["additionalProperties"] is False
        assert set(schema.get("required", ())) <= set(schema["properties"])


@every_action
def test_schemas_stay_with_the_keywords_that_every_client_understands(action: str) -> None:
    forbidden = {
        "$ref", "$dynamicRef", "allOf", "not", "if", "then", "else", "oneOf", "patternProperties", "default",
    }  # fmt: skip
    known = {
        "type", "properties", "required", "additionalProperties", "items", "anyOf", "enum", "pattern",
        "minimum", "maximum", "exclusiveMinimum", "minLength", "maxLength", "minItems", "maxItems",
        "maxProperties", "description", "contentMediaType", "contentSchema", "x-extension",
    }  # fmt: skip
    for schema in every_schema(action):
        assert not forbidden & set(schema)
        assert set(schema) <= known


def every_schema(action: str) -> Iterator[dict[str, Any]]:
    for side in SIDES:
        yield from subschemas(definition(action)[side])


def takes(schema: dict[str, Any], kind: str) -> bool:
    types = schema.get("type", [])
    return kind in ([types] if isinstance(types, str) else types)


@every_action
def test_objects_say_whether_they_are_open_and_arrays_what_they_hold(action: str) -> None:
    for schema in every_schema(action):
        assert "additionalProperties" in schema or not takes(schema, "object"), schema
        assert "items" in schema or not takes(schema, "array"), schema


@every_action
def test_every_parameter_is_described_on_one_plain_line(action: str) -> None:
    texts = [definition(action)["description"]]
    texts += [schema["description"] for schema in properties(action).values()]
    for text in texts:
        assert text.strip() == text
        assert text.isascii()
        assert "\n" not in text
        assert text.endswith(".")


@every_action
def test_required_parameters_come_first_and_extensions_last(action: str) -> None:
    names = list(properties(action))
    required = definition(action)["input_parameters"].get("required", [])
    assert names[: len(required)] == required
    marks = [schema.get("x-extension", False) for schema in properties(action).values()]
    assert marks == sorted(marks)


@every_action
def test_the_output_is_the_envelope(action: str) -> None:
    output = definition(action)["output_parameters"]
    assert list(output["properties"]) == ["data", "error", "successful"]
    assert output["required"] == ["data", "successful"]
    assert output["properties"]["data"]["type"] == "string"
    assert output["properties"]["error"]["type"] == ["string", "null"]
    assert output["properties"]["successful"]["type"] == "boolean"


@every_action
def test_the_output_says_what_its_data_string_holds(action: str) -> None:
    data = definition(action)["output_parameters"]["properties"]["data"]
    assert data["contentMediaType"] == "application/json"
    assert data["contentSchema"]["type"] == "object"


@pytest.mark.parametrize("action", BRIEF)
def test_a_brief_form_has_its_keys_in_order_and_explains_each_column_that_its_name_does_not(action: str) -> None:
    brief = definition(action)["brief"]
    assert list(brief) == ["rows", "columns", "legend"]
    for name, expression in {"rows": brief["rows"], **brief["columns"]}.items():
        jmespath.compile(expression)
        assert "|" not in name
    legend = brief["legend"]
    assert legend.isascii()
    assert legend.endswith(".")
    assert len(legend) <= 600
    told = set(re.findall(r"\w+", legend.lower()))
    assert set(brief["columns"]) - told <= {"id", "model", "name", "quantization"}


@every_action
def test_hints_say_what_a_call_does(action: str) -> None:
    hints = definition(action)["annotations"]
    method, _ = OPERATIONS[action]
    reads = method == "get" or action in READING
    assert hints == {
        "title": definition(action)["name"],
        "readOnlyHint": reads,
        "destructiveHint": action in TAKING_AWAY or method == "delete",
        "idempotentHint": reads or method in ("put", "patch", "delete") or action in REPEATABLE,
        "openWorldHint": True,
        "costsMoney": action in PAID,
    }


@every_action
def test_tags_name_the_kind_the_effect_and_what_is_important(action: str) -> None:
    kind, effect, *rest = definition(action)["tags"]
    toolset = LOADED[action].toolset
    assert kind == toolset if toolset != DOCUMENTED_SET else kind in KINDS
    assert effect == ("read" if definition(action)["annotations"]["readOnlyHint"] else "write")
    assert rest == (["important"] if action in IMPORTANT else [])
