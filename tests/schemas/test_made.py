"""`make schemas`: what is made of the specification, and that what was written by hand stays."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit.openapi.document import Document

from . import made
from .definitions import FILES, FURTHER, ROOT, definition, subschemas

_SPECIFICATION = Path(os.environ.get("OPENROUTER_OPENAPI", ROOT.parent / "shared/openrouter/openapi.yaml"))
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "A", "version": "1"},
    "paths": {
        "/things/{id}": {
            "patch": {
                "operationId": "updateThing",
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
                ],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["size"],
                                "properties": {
                                    "color": {"type": "string", "enum": ["red", "blue"], "description": "Theirs."},
                                    "size": {"type": "integer", "minimum": 1, "default": 3, "description": "Theirs."},
                                    "owner": {
                                        "type": "object",
                                        "properties": {"name": {"type": "string", "description": "Theirs."}},
                                    },
                                    "provider": {"type": "string", "enum": [str(number) for number in range(50)]},
                                },
                            }
                        }
                    },
                },
                "responses": {
                    "200": {
                        "description": "Theirs.",
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "properties": {
                                        "data": {
                                            "type": "object",
                                            "properties": {
                                                "id": {"type": "string", "minLength": 3, "description": "Theirs."}
                                            },
                                        }
                                    },
                                }
                            }
                        },
                    }
                },
            }
        }
    },
}
SCHEMA = "schemas/things/update_thing.json"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    row = {"schema": SCHEMA, "request": "PATCH /things/{id}"}
    content = {"toolsets": {"things": {"description": "Things.", "actions": [row]}}}
    (tmp_path / "manifest.yaml").write_text(json.dumps(content))
    return tmp_path


def written(root: Path) -> Any:
    return json.loads((root / SCHEMA).read_text())


def changed(document: dict[str, Any], **properties: Any) -> Document:
    """The document with other properties of the body."""
    copy = json.loads(json.dumps(document))
    body = copy["paths"]["/things/{id}"]["patch"]["requestBody"]["content"]["application/json"]["schema"]
    body["properties"] |= properties
    for name in [name for name, schema in body["properties"].items() if schema is None]:
        del body["properties"][name]
    return Document(copy)


def test_a_file_is_begun_with_facts_and_without_words_of_the_document(root: Path) -> None:
    files, notes = made.make(root, Document(DOCUMENT))
    assert files == [SCHEMA]
    assert notes == [
        f"{SCHEMA}: write what {name} is, in by_hand" for name in ("id", "color", "size", "owner", "provider")
    ]
    content = written(root)
    assert content["input_parameters"] == {
        "type": "object",
        "properties": {
            "id": {"minLength": 1, "type": "string"},
            "color": {"type": "string", "enum": ["red", "blue"]},
            "size": {"type": "integer", "minimum": 1},
            "owner": {"type": "object", "properties": {"name": {"type": "string"}}, "additionalProperties": True},
            "provider": {"type": "string"},  # a list of all providers is left open
        },
        "required": ["id", "size"],
        "additionalProperties": False,
    }
    assert content["data"]["contentSchema"]["properties"]["data"]["properties"] == {"id": {"type": "string"}}
    assert "Theirs" not in (root / SCHEMA).read_text()
    assert (content["slug"], content["tags"]) == ("OPENROUTER_UPDATE_THING", ["things", "write"])


def test_what_was_written_by_hand_stays_and_the_second_run_changes_nothing(root: Path) -> None:
    made.make(root, Document(DOCUMENT))
    content = written(root)
    by_hand = {
        "size": "How large.",
        "id": "Which thing.",
        "owner": {"description": "Whose.", "properties": {"name": {"description": "What they are called."}}},
        "color": {"description": "Color.", "x-extension": True},
        "provider": None,
    }
    content |= {"description": "Mine.", "by_hand": by_hand, "annotations": {"title": "Mine"}}
    content["data"]["description"] = "Mine."
    (root / SCHEMA).write_text(made.printed(content))
    assert made.make(root, Document(DOCUMENT)) == ([], [])
    files, notes = made.make(root, changed(DOCUMENT, size={"type": "integer", "maximum": 9}, color=None, new={}))
    assert files == [SCHEMA]
    assert notes == [f"{SCHEMA}: color is gone", f"{SCHEMA}: write what new is, in by_hand"]
    after = written(root)
    assert after["input_parameters"]["properties"]["size"] == {"type": "integer", "maximum": 9}
    assert list(after["by_hand"]) == ["size", "id", "owner", "provider", "new"]
    assert (after["description"], after["annotations"], after["data"]["description"]) == (
        "Mine.",
        {"title": "Mine"},
        "Mine.",
    )


def test_a_request_that_the_document_lacks_is_told(root: Path) -> None:
    document = Document({**DOCUMENT, "paths": {"/others": {"get": {"responses": {}}}}})
    assert made.make(root, document) == ([], [f"{SCHEMA}: PATCH /things/{{id}} is not in the document"])


def test_the_files_are_as_the_document_wants_them(tmp_path: Path) -> None:
    if not _SPECIFICATION.is_file():
        pytest.skip(f"OpenRouter's OpenAPI document is not at {_SPECIFICATION}; OPENROUTER_OPENAPI names it")
    shutil.copy(ROOT / "manifest.yaml", tmp_path)
    shutil.copytree(ROOT / "schemas", tmp_path / "schemas")
    document = Document.parse(_SPECIFICATION.read_bytes(), name=_SPECIFICATION.name)
    assert made.make(tmp_path, document) == ([], [])


@pytest.mark.parametrize("action", FURTHER)
def test_every_further_action_was_made_and_every_parameter_described_by_hand(action: str) -> None:
    content = json.loads(FILES[action].read_text(encoding="utf-8"))
    assert list(content)[-3:] == ["by_hand", "input_parameters", "data"]
    assert content["by_hand"].keys() == content["input_parameters"]["properties"].keys()
    assert not any("description" in schema for schema in subschemas(content["input_parameters"]))
    shown = list(definition(action)["input_parameters"]["properties"])
    by_hand = [name for name, words in content["by_hand"].items() if words is not None]
    assert sorted(shown) == sorted([*by_hand, "x_title", "http_referer"])


@pytest.mark.parametrize(
    ("given", "told"), [([], "Name OpenRouter's OpenAPI file"), (["/nowhere.yaml"], "/nowhere.yaml: ")]
)
def test_a_wrong_file_is_told(given: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert made.main(given) == 2
    assert told in capsys.readouterr().err
