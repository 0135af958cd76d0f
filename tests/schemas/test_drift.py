"""`make drift`: what an OpenAPI file has that the definitions lack, and the other way round."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from openrouter_toolkit.openrouter.errors import api_errors

from .definitions import ACTIONS, ROOT, openrouter_document
from .deliberate import DIFFERENCES, LEFT_OUT, STATUSES
from .drift import all_differences, differences, main
from .operations import OPERATIONS
from .specification import Specification

Json = dict[str, Any]
Change = Callable[[Json], object]

ANSWERS: Json = {str(status): {} for status in STATUSES["list_user_models"]}
SMALL: Json = {
    "openapi": "3.1.0",
    "paths": {
        "/models/user": {
            "parameters": [{"$ref": "#/components/parameters/Offset"}],
            "get": {
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000}},
                    {"name": "output_modalities", "in": "query", "schema": {"type": "string"}},
                    {"name": "sort", "in": "query", "schema": {"$ref": "#/components/schemas/Sort"}},
                ],
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Models"}}}},
                    **ANSWERS,
                    "default": {},
                },
            },
        }
    },
    "components": {
        "parameters": {
            "Offset": {"name": "offset", "in": "query", "schema": {"type": ["integer", "null"], "minimum": 0}}
        },
        "schemas": {
            "Sort": {
                "type": "string",
                "enum": [
                    *("most-popular", "newest", "top-weekly", "pricing-low-to-high", "pricing-high-to-low"),
                    *("context-high-to-low", "throughput-high-to-low", "latency-low-to-high"),
                    *("intelligence-high-to-low", "coding-high-to-low", "agentic-high-to-low"),
                    "design-arena-elo-high-to-low",
                ],
            },
            "Models": {
                "allOf": [{"type": "object", "properties": {"data": {"type": "array", "items": {}}}}],
                "properties": {
                    "total_count": {"type": "integer"},
                    "links": {"type": "object", "properties": {"next": {"type": ["string", "null"]}}},
                },
            },
        },
    },
}


def small(*changes: Change) -> Json:
    document = copy.deepcopy(SMALL)
    for change in changes:
        change(document)
    return document


def parameter(position: int, **keywords: Any) -> Change:
    """A change of one of the operation's parameters' schema; None takes the keyword away."""

    def change(document: Json) -> None:
        given = document["paths"]["/models/user"]["get"]["parameters"][position]
        schema = {**given["schema"], **keywords}
        given["schema"] = {name: value for name, value in schema.items() if value is not None}

    return change


def operation(document: Json) -> Json:
    found: Json = document["paths"]["/models/user"]["get"]
    return found


def sort(document: Json) -> list[str]:
    found: list[str] = document["components"]["schemas"]["Sort"]["enum"]
    return found


def answer(document: Json) -> Json:
    found: Json = document["components"]["schemas"]["Models"]["properties"]
    return found


@pytest.fixture
def drift(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[Json], tuple[int, list[str]]]:
    """The status and the lines of one action that a document leads to."""

    def run(document: Json) -> tuple[int, list[str]]:
        path = tmp_path / "openapi.yaml"
        path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        status = main([str(path)])
        lines = capsys.readouterr().out.splitlines()
        if "list_user_models (GET /models/user)" not in lines:
            return status, []
        start = lines.index("list_user_models (GET /models/user)") + 1
        return status, [line.strip() for line in lines[start : start + 10] if line.startswith("  ")][:1]

    return run


# With the real document.


@pytest.mark.parametrize("action", OPERATIONS)
def test_a_definition_agrees_with_openrouter_s_document(action: str) -> None:
    assert list(map(str, differences(action, openrouter_document()))) == []


def test_every_deliberate_difference_is_one() -> None:
    found = {action: {str(one) for one in all_differences(action, openrouter_document())} for action in OPERATIONS}
    everywhere: set[str] = set().union(*found.values())
    assert DIFFERENCES["*"] <= everywhere
    assert {
        action: lines - found[action]
        for action, lines in DIFFERENCES.items()
        if action != "*" and lines - found[action]
    } == {}


def test_no_field_is_left_out_that_the_answers_do_not_have() -> None:
    document = openrouter_document()
    for action, places in LEFT_OUT.items():
        for place, names in places.items():
            found = document.object_in(document.answer(action))
            for part in filter(None, place.split(".")):
                found = document.object_in(found["properties"][part.removesuffix("[]")])
            assert names <= found["properties"].keys(), (action, place)


def test_each_action_is_compared() -> None:
    assert sorted(OPERATIONS) == ACTIONS


@pytest.mark.parametrize("status", sorted(set().union(*STATUSES.values())))
def test_each_status_of_the_document_has_a_type_of_its_own(status: int) -> None:
    error = api_errors.from_answer(status, {}, json.dumps({"error": {"code": status, "message": "m"}}))
    assert error.type in api_errors.TYPES
    assert error.type != "unmapped"
    assert error.retryable is (status in {408, 429, 500, 502, 503, 524, 529})


# With a small one.


def test_what_agrees_is_no_drift(drift: Callable[[Json], tuple[int, list[str]]]) -> None:
    assert drift(small())[1] == []


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            lambda document: operation(document)["parameters"].append(
                {"name": "region", "in": "query", "required": True, "schema": {"enum": ["eu"], "type": "string"}}
            ),
            "new region: string of eu, required (query)",
        ),
        (lambda document: operation(document)["parameters"].pop(0), "gone limit"),
        (parameter(0, maximum=500), "different limit maximum: 500 in the API, 1000 here"),
        (parameter(0, maximum=None), "different limit maximum: none in the API, 1000 here"),
        (parameter(1, minLength=1), "different output_modalities minLength: 1 in the API, none here"),
        (parameter(0, type="string"), "different limit type: string in the API, integer here"),
        (parameter(0, type=["integer", "null"]), "different limit type: integer, null in the API, integer here"),
        (lambda document: sort(document).append("oldest"), "new sort values: oldest"),
        (lambda document: sort(document).remove("newest"), "gone sort values: newest"),
        (
            lambda document: operation(document)["parameters"][0].update(required=True),
            "different limit required: required in the API",
        ),
        (lambda document: operation(document)["responses"].update({"418": {}}), "new status 418"),
        (lambda document: operation(document)["responses"].pop("503"), "gone status 503"),
        (lambda document: answer(document).update(next_page={"type": "string"}), "new answer next_page: string"),
        (lambda document: answer(document).pop("total_count"), "gone answer total_count"),
        (
            lambda document: answer(document).update(total_count={"anyOf": [{"type": "integer"}, {"type": "null"}]}),
            "different answer total_count type: integer, null in the API, integer here",
        ),
        (lambda document: document["paths"].pop("/models/user"), "gone GET /models/user"),
    ],
)
def test_what_changed_is_listed(drift: Callable[[Json], tuple[int, list[str]]], change: Change, line: str) -> None:
    status, lines = drift(small(change))
    assert status == 1
    assert lines == [line]


def test_an_enum_that_became_open_is_drift_and_so_is_one_in_a_branch() -> None:
    def opened(document: Json) -> None:
        document["components"]["schemas"]["Sort"] = {
            "anyOf": [{"enum": ["newest"], "type": "string"}, {"type": "string"}]
        }

    (found,) = differences("list_user_models", Specification(small(opened)))
    assert (found.kind, found.what, found.aspect) == ("different", "sort", "values")
    assert found.detail.startswith("any in the API, ")


def test_the_fields_of_a_body_are_parameters() -> None:
    body = {
        "allOf": [{"required": ["model"], "properties": {"model": {"type": "string"}}}, {"properties": {"zap": {}}}]
    }
    document = {
        "openapi": "3.0.3",
        "paths": {"/api/v1/messages": {"post": {"requestBody": {"content": {"application/json": {"schema": body}}}}}},
    }
    found = list(map(str, differences("create_message", Specification(document))))
    assert "new zap: anything (body)" in found
    assert "gone tools" in found
    assert "gone model" not in found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "can't be read (No such file or directory)"),
        ("a: [", "neither YAML nor JSON"),
        ("swagger: '2.0'\npaths: {}", "no OpenAPI 3 document"),
        ("openapi: 3.1.0", "no OpenAPI 3 document"),
        ("just text", "no OpenAPI 3 document"),
        ("\x00\x01", "neither YAML nor JSON"),
        ('{"openapi": "3.1.0", "paths": {"/key": {"$ref": "#/nowhere"}}}', "'#/nowhere' leads nowhere"),
        ('{"openapi": "3.1.0", "paths": {"/key": {"$ref": "other.yaml#/key"}}}', "leaves the file"),
        ('{"openapi": "3.1.0", "paths": {"/key": {"$ref": "#/paths/~1key"}}}', "lead in a circle"),
        ('{"openapi": "3.1.0", "paths": {"/key": {"get": {"parameters": [{}]}}}}', "is not built as an OpenAPI"),
    ],
)
def test_a_file_that_can_t_be_compared_is_said_to_be_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, words: str
) -> None:
    path = tmp_path / "openapi.yaml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    assert main([str(path)]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert words in err


@pytest.mark.parametrize("arguments", [[], [""]])
def test_without_a_file_it_says_how_to_name_one(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert main(arguments) == 2
    assert "make drift SPEC=openapi.yaml" in capsys.readouterr().err


def test_the_command_of_the_makefile_runs(tmp_path: Path) -> None:
    path = tmp_path / "a file.json"
    path.write_text(json.dumps(SMALL), encoding="utf-8")
    command = [sys.executable, "-m", "tests.schemas.drift", str(path)]
    assert 'python -m tests.schemas.drift "$(SPEC)"' in (ROOT / "Makefile").read_text(encoding="utf-8")
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (1, "")
    assert run.stdout.splitlines()[-1].endswith(f"of {len(OPERATIONS)} actions.")
