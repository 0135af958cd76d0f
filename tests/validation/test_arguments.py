"""Validation: what is wrong with arguments, all at once, so that a model can mend it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from openrouter_toolkit import ActionError, Envelope, ToolRegistry
from openrouter_toolkit.manifest import load
from openrouter_toolkit.validation.arguments import ArgumentValidator

from ..timing import cpu_below

ACTIONS = {action.slug: action for action in load().actions}
CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"
ASKED = [{"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def registry() -> ToolRegistry:
    return ToolRegistry.from_manifest()


def problems(envelope: Envelope) -> list[str]:
    error = json.loads(envelope.data)["error"]
    assert error["type"] == "invalid_arguments"
    return [f"{problem['path']}: {problem['problem']}" for problem in error["problems"]]


def refused(schema: dict[str, Any], arguments: Any) -> ActionError:
    with pytest.raises(ActionError) as caught:
        ArgumentValidator(schema).check("SAY", arguments)
    assert caught.value.type == "invalid_arguments"
    return caught.value


def wrong(properties: dict[str, Any], arguments: Any, **more: Any) -> list[str]:
    """What is said of arguments that a closed object of these properties does not take."""
    schema = {"type": "object", "properties": properties, "additionalProperties": False, **more}
    return [f"{problem['path']}: {problem['problem']}" for problem in refused(schema, arguments).details["problems"]]


def test_a_misspelt_parameter_is_answered_with_the_right_name(registry: ToolRegistry) -> None:
    envelope = registry.execute("OPENROUTER_GET_GENERATION", {"idd": "gen-1"})
    assert problems(envelope) == [
        "idd: unknown parameter, did you mean id?",
        "id: required (a string, not empty)",
    ]


def test_the_agent_reads_the_same_in_words(registry: ToolRegistry) -> None:
    envelope = registry.execute("OPENROUTER_GET_GENERATION", {"idd": "gen-1"})
    assert envelope.error == (
        "OPENROUTER_GET_GENERATION was not called, its arguments are wrong. "
        "idd: unknown parameter, did you mean id?; id: required (a string, not empty). "
        "Fix them and call again."
    )


def test_a_program_reads_each_problem_as_data(registry: ToolRegistry) -> None:
    envelope = registry.execute("OPENROUTER_LIST_AVAILABLE_MODELS", {"category": "program", "limits": 5})
    name, value = json.loads(envelope.data)["error"]["problems"]
    assert (name["path"], name["did_you_mean"]) == ("limits", "limit")
    assert (value["path"], value["given"], value["did_you_mean"]) == ("category", '"program"', "programming")
    assert value["wanted"].startswith('one of "programming", "roleplay"')


def test_all_problems_are_told_at_once(registry: ToolRegistry) -> None:
    arguments = {
        "modle": "acme/atlas-small",
        "messages": [{"content": "Hello"}, "Hello", {"role": 5}],
        "temperature": 3,
        "stop": [1],
        "n": "two",
        "maxTokens": 5,
    }
    found = problems(registry.execute(CHAT, arguments))
    assert [line.split(":")[0] for line in found[:2]] == ["modle", "maxTokens"]
    assert set(found) == {
        "modle: unknown parameter, did you mean model?",
        "maxTokens: unknown parameter, did you mean max_tokens?",
        "model: required (a string, not empty)",
        "messages[0].role: required (a string)",
        'messages[1]: given "Hello", wanted an object',
        "messages[2].role: given 5, wanted a string",
        "temperature: given 3, wanted a number, at least 0, at most 2",
        "stop[0]: given 1, wanted a string",
        'n: given "two", wanted an integer, at least 1, at most 128',
    }


def test_a_name_that_resembles_none_is_answered_with_all() -> None:
    assert wrong({"text": {}, "times": {}}, {"frequency": 1}) == ["frequency: unknown parameter; there are text, times"]
    assert wrong({}, {"text": 1}) == ["text: unknown parameter; there are no parameters at all"]


def test_a_name_that_is_used_already_is_not_what_was_meant() -> None:
    found = wrong({"max_tokens": {}, "max_completion_tokens": {}}, {"max_tokens": 1, "max_tokenss": 2})
    assert found == ["max_tokenss: unknown parameter, did you mean max_completion_tokens?"]


MESSAGES: list[tuple[dict[str, Any], Any, str]] = [
    ({"type": "string"}, 5, "given 5, wanted a string"),
    ({"type": "string"}, None, "given null, wanted a string"),
    ({"type": "integer"}, 1.5, "given 1.5, wanted an integer"),
    ({"type": "integer"}, True, "given true, wanted an integer"),
    ({"type": "number"}, False, "given false, wanted a number"),
    ({"type": "boolean"}, "true", 'given "true", wanted a boolean'),
    ({"type": "boolean"}, 1, "given 1, wanted a boolean"),
    ({"type": ["string", "null"]}, [], "given [], wanted a string or null"),
    ({"type": "integer", "minimum": 1}, 0, "given 0, wanted an integer, at least 1"),
    ({"type": "number", "maximum": 2}, 2.5, "given 2.5, wanted a number, at most 2"),
    ({"type": "number", "exclusiveMinimum": 0}, 0, "given 0, wanted a number, more than 0"),
    ({"type": "number", "exclusiveMaximum": 1}, 1, "given 1, wanted a number, less than 1"),
    ({"type": "integer", "multipleOf": 5}, 3, "given 3, wanted an integer, a multiple of 5"),
    ({"type": "string", "minLength": 1}, "", 'given "", wanted a string, not empty'),
    ({"type": "string", "maxLength": 3}, "long", 'given "long", wanted a string, at most 3 characters'),
    ({"type": "string", "pattern": "^0x"}, "1x", 'given "1x", wanted a string, matching ^0x'),
    ({"type": "array", "minItems": 1}, [], "given [], wanted an array, not empty"),
    ({"type": "array", "maxItems": 1}, [1, 2], "given [1, 2], wanted an array, at most 1 items"),
    ({"type": "array", "uniqueItems": True}, [1, 1], "given [1, 1], wanted an array, no two alike"),
    ({"type": "object", "maxProperties": 0}, {"a": 1}, 'given {"a": 1}, wanted an object, at most 0 properties'),
    ({"const": "loud"}, "soft", 'given "soft", wanted "loud"'),
    ({"enum": ["loud", "soft"]}, "lound", 'given "lound", wanted one of "loud", "soft", did you mean loud?'),
    ({"enum": ["loud", "soft"]}, "xyz", 'given "xyz", wanted one of "loud", "soft"'),
    ({"enum": [1, 137, None]}, 2, "given 2, wanted one of 1, 137, null"),
    ({"anyOf": [{"type": "string"}, {"type": "array"}]}, 5, "given 5, wanted a string or an array"),
    ({"anyOf": [{"type": "string", "maxLength": 1}, {"type": "array"}]}, "ab", 'wanted a string, at most 1 characters'),
    ({"anyOf": [{"enum": ["auto"], "type": "string"}, {"type": "object"}]}, "atuo", "did you mean auto?"),
    ({"oneOf": [{"type": "string"}, {"type": "null"}]}, 5, "given 5, wanted a string or null"),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "value", "message"), MESSAGES, ids=[message for _, _, message in MESSAGES])
def test_a_message_tells_what_was_given_and_what_is_wanted(schema: Any, value: Any, message: str) -> None:
    (problem,) = wrong({"value": schema}, {"value": value})
    assert problem.startswith("value: given ")
    assert message in problem


def test_the_alternative_that_was_meant_is_the_one_that_is_explained() -> None:
    block = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    schema = {"anyOf": [{"type": "string"}, {"type": "array", "items": block}]}
    assert wrong({"system": schema}, {"system": [{"text": "a"}, {"text": 5}, {}]}) == [
        "system[1].text: given 5, wanted a string",
        "system[2].text: required (a string)",
    ]


def test_paths_lead_through_names_and_places() -> None:
    schema = {"type": "array", "items": {"type": "object", "additionalProperties": {"type": "array"}}}
    assert wrong({"a": schema}, {"a": [{}, {"b c": 5}]}) == ["a[1].b c: given 5, wanted an array"]


def test_unknown_names_inside_a_value_are_told_with_their_path() -> None:
    schema = {"type": "object", "properties": {"name": {}}, "additionalProperties": False}
    assert wrong({"a": schema}, {"a": {"nmae": 1}}) == ["a.nmae: unknown parameter, did you mean name?"]


@pytest.mark.parametrize("arguments", [[], "x", 5, True], ids=repr)
def test_arguments_are_an_object(registry: ToolRegistry, arguments: Any) -> None:
    envelope = registry.execute("OPENROUTER_GET_GENERATION", arguments)
    assert problems(envelope)[0].startswith("arguments: they must be an object")
    (problem,) = json.loads(envelope.data)["error"]["problems"]
    assert problem["wanted"] == "a JSON object"


def test_names_are_strings(registry: ToolRegistry) -> None:
    arguments: Any = {5: 1, None: 2, "id": "gen-1"}
    assert problems(registry.execute("OPENROUTER_GET_GENERATION", arguments)) == [
        "5: a parameter's name must be a string",
        "null: a parameter's name must be a string",
    ]


# Short and clean.


def test_what_was_given_stays_short(registry: ToolRegistry) -> None:
    with cpu_below(5):
        envelope = registry.execute("OPENROUTER_GET_GENERATION", {"id": ["x" * 20_000_000]})
        assert len(str(envelope.error)) < 300
        assert len(envelope.data) < 600


@pytest.mark.parametrize(
    "value",
    [
        ["x"] * 1_000_000,
        {"x" * 1_000_000: 1},
        {str(number): number for number in range(100_000)},
        [[["x" * 999] * 99] * 9],
    ],
    ids=["long list", "long name", "many names", "lists in lists"],
)
def test_any_large_value_stays_short(registry: ToolRegistry, value: Any) -> None:
    envelope = registry.execute("OPENROUTER_GET_GENERATION", {"id": value})
    assert len(str(envelope.error)) < 300


def test_a_hostile_name_costs_no_time(registry: ToolRegistry) -> None:
    with cpu_below(1.5):
        registry.execute("OPENROUTER_GET_GENERATION", {"id": "gen-1", "\x1b]" * 15_000: 1})


def test_many_problems_are_counted_in_words_and_cut_in_data(registry: ToolRegistry) -> None:
    envelope = registry.execute("OPENROUTER_GET_GENERATION", {str(number) + "x" * 9_000: 1 for number in range(200)})
    assert "; and 193 more. Fix them" in str(envelope.error)
    assert len(str(envelope.error)) < 3_000
    assert len(problems(envelope)) == 50
    assert len(envelope.data) < 30_000


HIDDEN = {
    "escape": "\x1b[31mred\x1b[0m",
    "title": "\x1b]0;owned\x07",
    "zero width": "a\u200bb",
    "bidi": "\u202eabc\u202c",
    "tags": "\U000e0041\U000e0042",
    "line breaks": "a\r\nb\u2028c",
    "bell": "\x07\x00",
}
VISIBLE_ONLY = {"\x1b", "\x07", "\x00", "\u200b", "\u202e", "\u202c", "\r", "\n", "\u2028", "\U000e0041"}


@pytest.mark.parametrize("text", HIDDEN.values(), ids=HIDDEN)
@pytest.mark.parametrize("place", ["name", "value", "enumeration", "inner name"])
def test_hidden_characters_are_taken_out(registry: ToolRegistry, text: str, place: str) -> None:
    envelope = {
        "name": lambda: registry.execute("OPENROUTER_GET_GENERATION", {"id": "a", f"x{text}": 1}),
        "value": lambda: registry.execute("OPENROUTER_GET_GENERATION", {"id": [f"x{text}"]}),
        "enumeration": lambda: registry.execute("OPENROUTER_LIST_AVAILABLE_MODELS", {"category": f"x{text}"}),
        "inner name": lambda: registry.execute(
            CHAT, {"model": "m", "messages": ASKED, "logit_bias": {f"x{text}": 500}}
        ),
    }[place]()
    assert problems(envelope)
    assert not VISIBLE_ONLY & set(str(envelope.error) + "".join(problems(envelope)))


# Neither more nor less than JSON Schema.

scalars = st.none() | st.booleans() | st.integers(-3, 200) | st.floats(-3, 3) | st.sampled_from(
    ["", "a", "auto", "true", "programming", "eu", "0x" + "a" * 40, "x" * 200]
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from(["role", "content", "name", "type", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.parametrize("slug", ACTIONS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_arguments_are_accepted_exactly_when_json_schema_accepts_them(slug: str, data: st.DataObject) -> None:
    schema = ACTIONS[slug].definition.input_parameters
    names = st.sampled_from([*schema["properties"], "unknown"])
    arguments = data.draw(
        st.fixed_dictionaries(
            {name: values for name in schema.get("required", ()) if data.draw(st.booleans())}
        ).flatmap(lambda needed: st.dictionaries(names, values, max_size=4).map(lambda more: {**more, **needed}))
    )
    assert (found(slug, arguments) == []) is Draft202012Validator(schema).is_valid(arguments)


def found(slug: str, arguments: dict[str, Any]) -> list[dict[str, Any]]:
    try:
        ACTIONS[slug].validator.check(slug, arguments)
    except ActionError as error:
        told: list[dict[str, Any]] = error.details["problems"]
        return told or [{"path": "", "problem": "refused without a reason"}]
    return []


def attacks() -> dict[str, dict[str, Any]]:
    text = [{"type": "text", "text": "x"}]
    return {
        "unknown names": {f"name{number}": 1 for number in range(6_000)},
        "long unknown names": {f"{number}" + "abcdefghij" * 20: 1 for number in range(200)},
        "wrong messages": {"model": "m", "messages": [1] * 300_000},
        "wrong roles": {"model": "m", "messages": [{"role": 5, "content": {}}] * 100_000},
        "wrong items of an alternative": {"model": "m", "messages": [{"role": "user"}], "stop": [1] * 300_000},
        "wrong names of an enum": {"model": "m", "messages": [{"role": "user"}], "verbosity": "x" * 100_000},
        "one wrong among many right": {
            "model": "m",
            "messages": [{"role": "user", "content": text * 100_000}],
            "tools": [1],
        },
    }


@pytest.mark.parametrize("arguments", attacks().values(), ids=attacks().keys())
def test_arguments_that_are_wrong_very_often_cost_little(registry: ToolRegistry, arguments: dict[str, Any]) -> None:
    with cpu_below(5):  # one second on a machine that does nothing else
        envelope = registry.execute(CHAT, arguments)
    assert json.loads(envelope.data)["error"]["type"] == "invalid_arguments"
    assert len(str(envelope.error)) < 4_000


def test_the_deadline_counts_while_arguments_are_checked(registry: ToolRegistry) -> None:
    """Also while a model's arguments are repaired."""
    messages = [{"role": "user", "content": {"type": 1}} for _ in range(300_000)]
    arguments = {"model": "m", "messages": messages, "temperature": "0.5"}
    ways: list[Callable[[], Envelope]] = [
        lambda: registry.execute(CHAT, arguments, timeout=0.2),
        lambda: registry.call_tool(CHAT, arguments, timeout=0.2).envelope,
    ]
    for way in ways:
        with cpu_below(3):
            assert json.loads(way().data)["error"]["type"] == "timeout"


def test_a_call_that_was_cancelled_ends_in_the_middle_of_its_validation() -> None:
    def ended() -> None:
        raise ActionError("cancelled", "over")

    validator = ArgumentValidator({"type": "object", "properties": {"text": {"type": "string"}}})
    with pytest.raises(ActionError, match="over"):
        validator.check("ECHO", {"text": 5}, ended)
    with pytest.raises(ActionError, match="text: given 5"):
        validator.check("ECHO", {"text": 5})


def test_only_the_first_names_are_compared_with_what_could_have_been_meant() -> None:
    schema = {"type": "object", "properties": {"text": {}}, "additionalProperties": False}
    found = ArgumentValidator(schema).problems({f"texts{number}": 1 for number in range(200)})
    assert sum("did you mean" in problem["problem"] for problem in found) == 50
    assert len(found) == 200
