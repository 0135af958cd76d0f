"""Whatever stands in a document: it is refused in words, or what was written loads."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit.openapi import Document, Imported, WrongDocument, import_toolkit, operations

from ..scale import scaled
from .conftest import OK, SERVER, Json, body, document, written

JUNK: list[Any] = [
    *(None, True, False, 0, -1, 7.5, 10**400, float("nan"), float("inf"), "", "x", "a b", "\x00", "é{x}", "9"),
    *([], [[]], [None], ["x", "x"], {}, {"": 1}, {"$ref": "#/paths"}, {"$ref": 7}, {"type": 7}, {"x": None}),
    *("{", "}", "$", "../..", "object", "path", "header", "Host", "https://{x}", "http://x.example", "[x](y)", "<b>"),
    *(
        {"$ref": "#/components/schemas/Pet"},
        {"allOf": [{"$ref": "#/components/schemas/Pet"}]},
        "x" * 300,
        "(",
        r"\p{L}",
    ),
]
PET: Json = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "pattern": "^x", "default": "x", "enum": ["x"]},
        "size": {"type": "integer", "minimum": 1, "exclusiveMinimum": True, "nullable": True, "multipleOf": 1},
        "mother": {"$ref": "#/components/schemas/Pet"},
        "any": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "number"}, "maxItems": 3}]},
    },
}
WHOLE: Json = document(
    {
        "/pets/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {
                "operationId": "getPet",
                "summary": "Get",
                "description": "A pet.",
                "tags": ["pets"],
                "parameters": [
                    {"name": "f", "in": "query", "style": "deepObject", "schema": {"$ref": "#/components/schemas/Pet"}},
                    {"name": "tags", "in": "query", "explode": False, "schema": {"type": "array", "items": {}}},
                    {"name": "X-Id", "in": "header", "schema": {"type": "string"}},
                ],
                "responses": OK,
            },
        },
        "/pets": {
            "post": {"requestBody": body({"$ref": "#/components/schemas/Pet"}, required=True), "responses": OK},
            "put": {"requestBody": body(PET, "application/x-www-form-urlencoded"), "responses": OK, "servers": []},
        },
    },
    components={
        "schemas": {"Pet": PET},
        "securitySchemes": {
            "key": {"type": "apiKey", "in": "header", "name": "X-Key", "description": "A key."},
            "basic": {"type": "http", "scheme": "basic"},
        },
    },
    security=[{"key": [], "basic": []}],
    externalDocs={"url": "https://shop.example/docs"},
)


def places(node: Any) -> list[tuple[Any, Any]]:
    """Every place in a document, as the container and the key."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [place for key, value in list(pairs) for place in [(node, key), *places(value)]]


def spoilt(seed: int) -> Json:
    """The document with junk in one to three places, or with a key that is junk."""
    chance = random.Random(seed)
    content = copy.deepcopy(WHOLE)
    for _ in range(chance.randint(1, 3)):
        holder, key = chance.choice(places(content))
        junk = copy.deepcopy(chance.choice(JUNK))
        if isinstance(holder, dict) and isinstance(junk, str) and chance.random() < 0.3:
            holder[junk] = holder.pop(key)
        else:
            holder[key] = junk
    return content


def imported(content: Json) -> Imported | None:
    """The toolkit that is made of a document, or None if it is refused."""
    try:
        parsed = Document(content)
        found = operations(parsed)
        return import_toolkit(parsed, found, found, name="Shop", slug="SHOP")
    except WrongDocument:
        return None


@pytest.mark.load
def test_it_is_refused_or_loads(tmp_path: Path) -> None:
    made = {seed: one for seed in range(scaled(20, full=3_000)) if (one := imported(spoilt(seed)))}
    assert len(made) > scaled(5, full=1_000)
    for seed, one in made.items():
        assert len(written(one, tmp_path / str(seed)).actions) == len(one.slugs), seed


def test_the_document_that_is_spoilt_is_a_good_one() -> None:
    found = operations(Document(WHOLE))
    imported = import_toolkit(Document(WHOLE), found, found, name="Shop", slug="SHOP")
    assert not imported.skipped
    assert SERVER in imported.files["manifest.yaml"]
    assert json.loads(imported.files["schemas/get_pet.json"])["input_parameters"]["required"] == ["id"]
