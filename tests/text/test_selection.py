"""A model's JMESPath expressions: bounded while they are evaluated, and useful still."""

from __future__ import annotations

import json
import time
import tracemalloc
from typing import Any

import pytest

from openrouter_toolkit.envelope import ActionError
from openrouter_toolkit.text.selection import LONGEST, SelectionError, select
from openrouter_toolkit.tool_calling.summary import for_model

from ..scale import scaled
from ..timing import cpu_below

MODELS = {
    "data": [
        {"id": f"a/m{number}", "description": "word " * 200, "n": number, "tags": ["x"] * 10, "name": "abcdefghij" * 20}
        for number in range(500)
    ]
}


HOSTILE = {
    "join, piped": "data[0].description" + "|join('',[@,@])" * 40,
    "join with a separator": "data[*].description" + "|[join(to_string(@),@),'b']" * 20,
    "joined": "data[0].description" + "|joined([@,@],'')" * 40,
    "to_string": "data" + "|to_string([@,@,@])" * 40,
    "to_string at once": "to_string([" + ",".join(["data"] * 300) + "])",
    "to_string in a map": "data[*]|map(&to_string([@,@,@,@]),[@,@,@,@,@,@,@,@,@,@][])|to_string([@,@,@,@,@])",
    "to_string of what repeats itself": "data" + "|[@,@]" * 40 + "|to_string(@)",
    "equality": "[data" + "|[@,@]" * 30 + ",data" + "|[@,@]" * 30 + "]|[0]==[1]",
    "contains": "data" + "|[@,@]" * 40 + "|contains(@,[`1`])",
    "flatten": "data" + "|[@,@][]" * 30,
    "flatten in a map": "data" + "|map(&[@,@,@],@)[]" * 30,
    "flatten at once": "data|" + "|".join(["[@,@,@,@,@,@,@,@][]"] * 6) + "|[*].id",
    "sort_by": "data" + "|[@,@,@,@][]" * 6 + "|sort_by(@,&name)",
    "sort": "data[*].name" + "|[@,@,@,@][]" * 6 + "|sort(@)",
    "max_by": "data[*].{a:@}|[@,@,@,@,@,@,@,@,@,@][]|[@,@,@][]|max_by(@,&to_string(a))",
    "reverse": "data" + "|[reverse(@),@][]" * 30,
    "slices": "data" + "|[@[:],@[:]][]" * 30,
    "keys": "data[0]|keys(@)" + "|[@,@][]" * 30,
    "letters": "letters(data" + "|[@,@][]" * 9 + ",{" + ",".join(f"a{number}:'b'" for number in range(90)) + "})",
    "filters": "data" + "|[@,@][]" * 10 + "|[?contains(description,'nothing')]",
}


@pytest.mark.parametrize("expression", HOSTILE.values(), ids=HOSTILE.keys())
def test_an_expression_that_takes_too_much_is_ended_on_the_way(expression: str) -> None:
    assert len(expression) <= LONGEST
    with cpu_below(10), pytest.raises(SelectionError, match="too much"):  # some 0.3 s
        select(expression, MODELS)


@pytest.mark.load
@pytest.mark.parametrize("name", scaled(["join, piped", "to_string", "flatten", "sort", "letters"], full=[*HOSTILE]))
def test_an_expression_that_takes_too_much_is_ended_before_it_takes_much_memory(name: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(SelectionError, match="too much"):
            select(HOSTILE[name], MODELS)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("a." * LONGEST, f"longer than {LONGEST} characters"),
        ("(" * 1_900, "nested too deeply"),
        ("[" * 1_900, "nested too deeply"),
        ("!" * 1_900 + "a", "nested too deeply"),
        ("a|" * 900 + "a", "nested too deeply"),
        ("a||" * 600 + "a", "nested too deeply"),
        ("[]" * 900, "nested too deeply"),
        ("data", None),
        ("abs(data)", "abs() takes number, not array"),
        ("data" + "|[@,@]" * 50 + "|abs(@)", "abs() takes number, not array"),
        ("sort_by(data, &tags)", "sort_by() takes string or number, not array"),
        ("abs()", "Expected 1 argument for function abs(), received 0"),
        ("nothing(@)", "Unknown function: nothing()"),
        ("data[", "no JMESPath"),
        ("", "no JMESPath"),
    ],
)
def test_what_is_wrong_with_an_expression_is_said_at_once(expression: str, reason: str | None) -> None:
    started = time.thread_time()
    if reason is None:
        select(expression, MODELS)
    else:
        with pytest.raises(SelectionError) as caught:
            select(expression, MODELS)
        assert reason in str(caught.value)
        assert len(str(caught.value)) < 3 * LONGEST
    assert time.thread_time() - started < 1


@pytest.mark.parametrize(
    ("expression", "length"),
    [
        ("data[?contains(id, 'm1')].[id, n]", 111),
        ("sort_by(data, &n)[-3:].id", 3),
        ("data[?" + " || ".join(f"id=='a/m{number}'" for number in range(80)) + "].id", 80),
        ("data[*].{id: id, short: join(' ', tags), text: to_string(@)}", 500),
        ("data[].tags[]", 5_000),
        ("to_string(@)", len(json.dumps(MODELS, separators=(",", ":")))),
        ("data[?description == description].id", 500),
        ("data[?tags == data].id", 0),
        ("group[?a].b || data[0:7]", 7),
        ("max_by(data, &n).tags", 10),
    ],
)
def test_what_models_ask_for_is_found(expression: str, length: int) -> None:
    found = select(expression, MODELS)
    assert len(found) == length


def test_a_call_that_is_over_ends_its_selection() -> None:
    def over() -> None:
        raise ActionError("timeout", "The time is over.")

    with pytest.raises(ActionError, match="over"):
        for_model(json.dumps(MODELS), None, select="data[].tags[].[@]", checkpoint=over)


def test_an_agent_reads_what_to_change() -> None:
    with pytest.raises(ActionError) as caught:
        for_model(json.dumps(MODELS), None, select=HOSTILE["join, piped"])
    error: Any = caught.value
    assert (error.type, error.details["problems"][0]["path"]) == ("invalid_arguments", "select")
    assert "too much" in error.explanation
    assert "JMESPath, for example data[0:5].id" in error.explanation
