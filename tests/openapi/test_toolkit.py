"""What an imported toolkit says of itself: slugs, descriptions, annotations, the login, the base URL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from openrouter_toolkit.manifest import load
from openrouter_toolkit.openapi import Document, UnknownOperation, WrongDocument, choose, operations, tags
from openrouter_toolkit.openapi.wording import action_slug, argument, plain, split_words

from .conftest import SERVER, Importing, document, operation

Json = dict[str, Any]
BEARER: Json = {"type": "http", "scheme": "bearer"}


@pytest.mark.parametrize(
    ("id", "slug"),
    [
        ("listPets", "SHOP_LIST_PETS"),
        ("repos/list-for-org", "SHOP_REPOS_LIST_FOR_ORG"),
        ("read_items_items__item_id__get", "SHOP_READ_ITEMS_ITEMS_ITEM_ID_GET"),
        ("getHTTPStatus2V3", "SHOP_GET_HTTP_STATUS2_V3"),
        ("Zurückgeben", "SHOP_ZURUCKGEBEN"),
        (None, "SHOP_GET_PETS_PET_ID"),
        ("宠物", "SHOP_GET_PETS_PET_ID"),
    ],
)
def test_a_slug_is_made_of_the_operations_id(importing: Importing, id: str | None, slug: str) -> None:
    content = (
        operation(operationId=id) if id else {key: value for key, value in operation().items() if key != "operationId"}
    )
    _, loaded = importing(document({"/pets/{petId}": {"get": content}}))
    assert [action.slug for action in loaded.actions] == [slug]


def test_slugs_are_unique_short_and_the_same_whatever_is_chosen(importing: Importing) -> None:
    paths = {f"/{n}": {"get": operation(operationId="x" * 80 if n < 2 else "same", tags=[f"t{n}"])} for n in range(5)}
    _, loaded = importing(document(paths))
    slugs = [action.slug for action in loaded.actions]
    assert len(set(slugs)) == 5
    assert max(map(len, slugs)) == 64
    assert slugs[2] == "SHOP_SAME"
    _, last = importing(document(paths), tags=["t4"])
    assert [action.slug for action in last.actions] == slugs[4:]


def test_a_long_slug_is_cut_between_words() -> None:
    slug = action_slug("SHOP", split_words("listAllOfTheThingsThatSomebodyHasEverBoughtInThisShopOrAnother"), "GET /a")
    assert slug == "SHOP_LIST_ALL_OF_THE_THINGS_THAT_SOMEBODY_HAS_EVER_BOUGHT_" + slug[-6:]
    assert len(slug) <= 64
    assert slug != action_slug(
        "SHOP", split_words("listAllOfTheThingsThatSomebodyHasEverBoughtInThisShopOrAnother"), "GET /b"
    )


@pytest.mark.parametrize(
    ("method", "hints"),
    [
        ("get", (True, False, True)),
        ("post", (False, False, False)),
        ("put", (False, False, True)),
        ("patch", (False, False, False)),
        ("delete", (False, True, True)),
    ],
)
def test_hints_are_those_of_the_method(importing: Importing, method: str, hints: tuple[bool, ...]) -> None:
    _, loaded = importing(document({"/a": {method: operation()}}))
    found = loaded.actions[0].definition.annotations
    assert (found.readOnlyHint, found.destructiveHint, found.idempotentHint) == hints
    assert (found.openWorldHint, found.costsMoney) == (True, False)


@pytest.mark.parametrize(
    ("content", "name", "description"),
    [
        ({"summary": "List pets", "description": "All of them."}, "List pets", "List pets. All of them."),
        ({"summary": "List pets", "description": "List pets of a shop"}, "List pets", "List pets of a shop."),
        (
            {"description": "# Head\nA <b>bold</b> **word**, [a link](https://x.example)."},
            "Do It",
            "Head A bold word, a link.",
        ),
        ({"summary": "Hidden\u202etext\u200b"}, "Hiddentext", "Hiddentext."),
        ({"deprecated": True}, "Do It", "Deprecated."),
        ({}, "Do It", "GET /a."),
        ({"summary": 7, "description": []}, "Do It", "GET /a."),
    ],
)
def test_descriptions(importing: Importing, content: Json, name: str, description: str) -> None:
    _, loaded = importing(document({"/a": {"get": operation(**content)}}))
    definition = loaded.actions[0].definition
    assert (definition.name, definition.annotations.title, definition.description) == (name, name, description)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("a < b and c > d", "a < b and c > d"),
        ("Use `x_y_z` or _this_ one, 2*3*4 &amp; more", "Use x_y_z or this one, 2*3*4 & more"),
        ("Give <owner>/<repo>.<br/>Then<!-- secret --> go", "Give <owner>/<repo>. Then go"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "| a | b | | 1 | 2 |"),
        ("One sentence. " * 20, "One sentence. One sentence. One sentence. One sentence."),
        ("word " * 50, "word word word word word word word word word word word word…"),
        ("*" * 20_000 + "[" * 20_000 + "<!--" * 5_000, "*" * 59 + "…"),
    ],
)
def test_markup_goes_and_long_texts_are_cut(text: str, result: str) -> None:
    assert plain(text, 60) == result


@pytest.mark.parametrize(
    ("name", "in_path", "safe"),
    [
        ("a-b.c", False, "a-b.c"),
        ("a-b.c", True, "a_b_c"),
        ("9a", True, "p_9a"),
        ("$", False, "parameter"),
        ("x" * 99, False, "x" * 64),
    ],
)
def test_arguments_have_names_that_every_model_takes(name: str, in_path: bool, safe: str) -> None:
    assert argument(name, in_path=in_path) == safe


def three() -> tuple[Document, Any]:
    paths = {
        "/pets": {
            "get": operation(operationId="listPets", tags=["Pets"]),
            "post": operation(operationId="addPet", tags=["Pets"]),
        },
        "/users": {
            "get": operation(operationId="listUsers", tags=["Users"]),
            "head": operation(),
            "trace": operation(),
        },
        "/bare": {"delete": operation(operationId="bare")},
    }
    parsed = Document(document(paths, tags=[{"name": "Users", "description": "Who *buys*."}, {"name": "Nothing"}]))
    return parsed, operations(parsed)


@pytest.mark.parametrize(
    ("choice", "ids"),
    [
        ({}, ["listPets", "addPet", "listUsers", "bare"]),
        ({"tags": ["pets"]}, ["listPets", "addPet"]),
        ({"tags": ["Pets", "Users"], "read_only": True}, ["listPets", "listUsers"]),
        ({"ids": ["bare", "LISTUSERS"]}, ["listUsers", "bare"]),
        ({"tags": ["Users"], "ids": ["bare"]}, ["listUsers", "bare"]),
        ({"read_only": True}, ["listPets", "listUsers"]),
    ],
)
def test_operations_are_chosen(choice: Json, ids: list[str]) -> None:
    assert [one.id for one in choose(three()[1], **choice)] == ids


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"tags": ["Petz"]}, "no tag 'Petz'; did you mean Pets?"),
        ({"tags": ["Weather"]}, "--list shows all"),
        ({"ids": ["listPet"]}, "did you mean listPets"),
        ({"ids": ["bare"], "read_only": True}, "leave --read-only out"),
    ],
)
def test_what_does_not_exist_is_answered_with_what_resembles_it(choice: Json, words: str) -> None:
    with pytest.raises(UnknownOperation) as error:
        choose(three()[1], **choice)
    assert words in str(error.value)


def test_tags_are_counted() -> None:
    assert [tuple(row) for row in tags(*three())] == [
        ("Users", 1, 1, "Who *buys*."),
        ("Pets", 2, 1, ""),
        ("", 1, 0, "operations without a tag"),
    ]


def secured(schemes: Json, security: Any = None, **content: Any) -> Json:
    more = {} if security is None else {"security": security}
    paths = {
        "/public": {"get": operation(operationId="public", security=[])},
        "/pets/{id}": {"get": operation(operationId="one", **content)},
        "/pets": {"get": operation(operationId="many", **content)},
        "/me": {"post": operation(operationId="post", **content)},
    }
    return document(paths, components={"securitySchemes": schemes}, **more)


def test_the_login_is_what_most_operations_ask_for(importing: Importing) -> None:
    schemes = {"token": BEARER, "key": {"type": "apiKey", "in": "header", "name": "X-Key"}}
    whole = secured(schemes, [{"key": []}])
    whole["paths"]["/me"]["post"]["security"] = [{"token": []}]
    imported, loaded = importing(whole)
    assert loaded.declared_api is not None
    assert loaded.declared_api.authorization_kinds == {"header"}
    assert [(field.name, field.environment, field.secret) for field in loaded.auth.fields] == [
        ("api_key", "SHOP_API_KEY", True)
    ]
    assert loaded.auth.fields[0].steps
    assert loaded.auth.verify == "SHOP_MANY"
    assert "the document asks for another login than this one for SHOP_POST" in imported.notes


def test_a_key_is_tried_by_what_tells_of_the_account(importing: Importing) -> None:
    whole = secured({"token": BEARER}, [{"token": []}])
    whole["paths"]["/me"]["get"] = operation(operationId="whoAmI")
    assert importing(whole)[1].auth.verify == "SHOP_WHO_AM_I"


def test_where_nothing_reads_without_arguments_verify_is_left_to_be_named(importing: Importing) -> None:
    imported, loaded = importing(secured({"token": BEARER}, [{"token": []}]), ids=["one"])
    assert loaded.auth.verify is None
    assert any(note.startswith("auth.verify is missing") for note in imported.notes)


@pytest.mark.parametrize(
    ("scheme", "words"),
    [
        ({"type": "mutualTLS"}, "(odd: mutualTLS) can't be declared"),
        ({"type": "http", "scheme": "digest"}, "(odd: http digest)"),
        ({"type": "apiKey", "in": "cookie", "name": "sid"}, "(odd: apiKey cookie)"),
        ({"type": "apiKey", "in": "header", "name": "Host"}, "can't be declared"),
        ({"$ref": "#/nowhere"}, "(odd: unknown)"),
        (None, "describes no login"),
    ],
)
def test_a_login_that_can_not_be_declared_is_said(importing: Importing, scheme: Any, words: str) -> None:
    whole = secured({}) if scheme is None else secured({"odd": scheme}, [{"odd": []}])
    imported, loaded = importing(whole)
    assert loaded.auth.scheme == "NO_AUTH"
    assert words in " ".join(imported.notes)


def test_the_lines_for_a_key_that_the_document_forgot_work(importing: Importing, tmp_path: Path) -> None:
    imported, _ = importing(document({"/pets": {"get": operation()}}))
    text = imported.files["manifest.yaml"]
    content = yaml.safe_load(text)
    commented = [line[2:] for line in text.splitlines() if line.startswith("#   ")]
    content["auth"] = yaml.safe_load("\n".join(line.removeprefix("  ") for line in commented))
    content["toolkit"]["client"]["authorization"] = "Bearer {api_key}"
    (tmp_path / "shop" / "manifest.yaml").write_text(yaml.safe_dump(content))
    assert load(tmp_path / "shop").auth.fields[0].environment == "SHOP_API_KEY"


@pytest.mark.parametrize(
    ("servers", "base_url"),
    [
        ([{"url": f"{SERVER}/"}], SERVER),
        (
            [
                {
                    "url": "https://{region}.shop.example/{v}",
                    "variables": {"region": {"default": "eu"}, "v": {"enum": ["v2"]}},
                }
            ],
            "https://eu.shop.example/v2",
        ),
        ([{"url": "http://127.0.0.1:8000"}], "http://127.0.0.1:8000"),
        ([{"url": SERVER}, {"url": "https://test.shop.example"}], SERVER),
    ],
)
def test_the_base_url_is_the_first_servers(importing: Importing, servers: list[Json], base_url: str) -> None:
    imported, loaded = importing({**document({"/pets": {"get": operation()}}), "servers": servers})
    assert loaded.declared_api is not None
    assert loaded.declared_api.base_url == base_url
    notes = " ".join(imported.notes)
    assert ("region, v" in notes) == ("region" in str(servers))
    assert ("https://test.shop.example" in notes) == (len(servers) > 1)


@pytest.mark.parametrize(
    ("servers", "words"),
    [
        (None, "the document names no server"),
        ([{"url": "/api/v1"}], 'the document\'s server is "/api/v1", which has no host'),
        ([{"url": "http://api.shop.example"}], "plain http would show the key"),
        ([{"url": "https://{tenant}.shop.example"}], "its host is no name"),
        ([{"url": "https://a:secret-word@shop.example"}], "it must have no user"),
        ("odd", "names no server"),
    ],
)
def test_without_a_base_url_that_can_be_used_one_has_to_be_given(
    importing: Importing, servers: Any, words: str
) -> None:
    whole = {**document({"/pets": {"get": operation()}}), "servers": servers}
    with pytest.raises(WrongDocument) as error:
        importing(whole)
    assert words in str(error.value)
    assert "--base-url" in str(error.value)
    assert "secret-word" not in str(error.value)
    _, loaded = importing(whole, base_url="https://given.example")
    assert loaded.declared_api is not None
    assert loaded.declared_api.base_url == "https://given.example"
