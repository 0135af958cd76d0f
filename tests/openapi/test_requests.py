"""What an imported toolkit sends: each odd case of a document, executed against a server over a socket."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest

from openrouter_toolkit import MemoryAccounts, ToolRegistry
from openrouter_toolkit.openapi import Imported, WrongDocument

from ..envelopes import failure
from ..openrouter.conftest import Serve
from ..openrouter.servers import Received, Server
from .conftest import Importing, body, document, operation

Json = dict[str, Any]
Send = Callable[..., Received]
KEY = "key-of-alice-0123456789"
TEXT: Json = {"type": "string"}
LIST: Json = {"type": "array", "items": TEXT}
OBJECT: Json = {"type": "object", "properties": {"sky": TEXT, "wind": {"type": "integer"}}, "required": ["sky"]}


def parameter(name: str, place: str = "query", schema: Json | None = None, **more: Any) -> Json:
    return {"name": name, "in": place, "schema": TEXT if schema is None else schema, **more}


@pytest.fixture
def server(serve: Serve) -> Server:
    return serve(lambda exchange: exchange.json({"ok": True}))


@pytest.fixture
def send(server: Server, importing: Importing) -> Send:
    """Import one operation and call it: `send("GET /pets", {"parameters": […]}, name="x")`."""

    def send(line: str, content: Json, *, security: Json | None = None, **arguments: Any) -> Received:
        method, path = line.split(" ")
        more: Json = {} if security is None else {"components": {"securitySchemes": security}}
        whole = document({path: {method.lower(): operation(**content)}}, **more)
        _, loaded = importing(whole, base_url=server.base_url)
        account = {field.name: KEY for field in loaded.auth.fields}
        with ToolRegistry.from_manifest([loaded], accounts=MemoryAccounts({"default": account})) as registry:
            envelope = registry.execute("SHOP_DO_IT", arguments)
        assert envelope.successful, envelope.error
        return server.requests[-1]

    return send


@pytest.mark.parametrize(
    ("given", "arguments", "query"),
    [
        (parameter("tags", schema=LIST), {"tags": ["a", "b,c"]}, "tags=a&tags=b%2Cc"),
        (parameter("tags", schema=LIST, explode=False), {"tags": ["a", "b"]}, "tags=a%2Cb"),
        (parameter("tags", schema=LIST, style="pipeDelimited"), {"tags": ["a", "b"]}, "tags=a%7Cb"),
        (parameter("tags", schema=LIST, style="spaceDelimited", explode=True), {"tags": ["a", "b"]}, "tags=a&tags=b"),
        (
            parameter("f", schema=OBJECT, style="deepObject"),
            {"f": {"sky": "x", "wind": 2}},
            "f%5Bsky%5D=x&f%5Bwind%5D=2",
        ),
        (parameter("f", schema=OBJECT), {"sky": "x", "wind": 2}, "sky=x&wind=2"),
        (parameter("page[size]", schema={"type": "integer"}), {"page_size": 5}, "page%5Bsize%5D=5"),
        (parameter("$top", schema={"type": "integer"}), {"top": 5}, "%24top=5"),
        (
            {"name": "f", "in": "query", "content": {"application/json": {"schema": OBJECT}}},
            {"f": {"sky": "x"}},
            "f=%7B%22sky%22%3A%20%22x%22%7D",
        ),
    ],
)
def test_queries(send: Send, given: Json, arguments: Json, query: str) -> None:
    request = send("GET /pets", {"parameters": [given]}, **arguments)
    assert (request.method, request.target, request.body) == ("GET", f"/api/v1/pets?{query}", b"")


@pytest.mark.parametrize(
    ("path", "arguments", "target"),
    [
        ("/pets/{pet-id}", {"pet_id": "a/b"}, "/pets/a%2Fb"),
        ("/pets/{id}/", {"id": 7}, "/pets/7/"),
        ("/users/@me/{x.y}:run", {"x_y": "z"}, "/users/@me/z:run"),
        ("/files/{name}.json", {"name": "a b"}, "/files/a%20b.json"),
        ("/pets/{undescribed}", {"undescribed": "x"}, "/pets/x"),
        ("/", {}, "/"),
    ],
)
def test_paths(send: Send, path: str, arguments: Json, target: str) -> None:
    described = [parameter(name, "path", {}, required=True) for name in ("pet-id", "id", "x.y", "name")]
    request = send(f"GET {path}", {"parameters": described}, **arguments)
    assert request.target == f"/api/v1{target}"


def test_no_argument_leads_out_of_a_step_that_has_more_than_it(server: Server, importing: Importing) -> None:
    _, loaded = importing(document({"/a/{x}{y}": {"get": operation()}}), base_url=server.base_url)
    with ToolRegistry.from_manifest([loaded]) as registry:
        for x, y in ((".", "."), ("..", "z"), ("z", "..")):
            assert failure(registry.execute("SHOP_DO_IT", {"x": x, "y": y}))["type"] == "invalid_arguments"
    assert server.requests == []


def test_headers_but_not_those_of_the_client(send: Send) -> None:
    names = ("X-Request-Id", "Accept", "Content-Type", "Authorization", "User-Agent")
    given = [parameter(name, "header", required=True) for name in names]
    request = send("GET /pets", {"parameters": given}, **{"X-Request-Id": "r1"})
    assert request.headers["x-request-id"] == "r1"
    assert "authorization" not in request.headers


def test_the_members_of_a_json_body_are_arguments_beside_others(send: Send) -> None:
    schema = {
        "type": "object",
        "properties": {"name": TEXT, "a b": LIST, "id": {"readOnly": True}},
        "required": ["name"],
    }
    content = {
        "parameters": [parameter("shop", "path", required=True), parameter("dry_run", schema={"type": "boolean"})],
        "requestBody": body(schema),
    }
    request = send("POST /shops/{shop}/pets", content, shop="s", dry_run=True, name="Rex", a_b=["x"])
    assert request.target == "/api/v1/shops/s/pets?dry_run=true"
    assert request.json == {"name": "Rex", "a b": ["x"]}
    assert request.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (LIST, ["a", "b"]),
        ({"type": "object", "additionalProperties": TEXT}, {"any": "x"}),
        ({"oneOf": [OBJECT, LIST]}, {"sky": "x"}),
        ({"type": "object", "properties": {"id": {"type": "integer"}}}, {"id": 7}),  # the path has an id, too
        ({"type": ["object", "null"], "properties": {"x": {}}}, None),
        ({}, 7),
    ],
)
def test_another_body_is_one_argument(send: Send, schema: Json, value: Any) -> None:
    content = {"parameters": [parameter("id", "path", required=True)], "requestBody": body(schema, required=True)}
    assert send("PUT /pets/{id}", content, id="i", body=value).json == value


def test_a_parameter_called_body_stands_beside_the_body(send: Send) -> None:
    request = send(
        "POST /pets", {"parameters": [parameter("body")], "requestBody": body(LIST)}, body="q", request_body=["x"]
    )
    assert (request.target, request.json) == ("/api/v1/pets?body=q", ["x"])


def test_the_same_name_in_path_and_query(send: Send) -> None:
    given = [parameter("id"), parameter("id", "path", required=True)]
    for parameters in (given, given[:1], given[::-1]):
        assert send("GET /pets/{id}", {"parameters": parameters}, id="p", query_id="q").target == "/api/v1/pets/p?id=q"


def test_a_delete_may_have_a_body(send: Send) -> None:
    request = send("DELETE /pets", {"requestBody": body(OBJECT)}, sky="x")
    assert (request.target, request.json) == ("/api/v1/pets", {"sky": "x"})


def test_a_form_with_an_encoding(send: Send) -> None:
    schema = {"type": "object", "properties": {"name": TEXT, "f": OBJECT, "tags": LIST}}
    form = body(schema, "application/x-www-form-urlencoded")
    form["content"]["application/x-www-form-urlencoded"]["encoding"] = {
        "f": {"style": "deepObject", "explode": True},
        "tags": {"explode": False},
    }
    request = send("POST /pets", {"requestBody": form}, name="a b", f={"sky": "x"}, tags=["a", "b"])
    assert request.body == b"name=a%20b&f%5Bsky%5D=x&tags=a%2Cb"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"


def test_json_is_taken_where_there_is_a_choice(send: Send) -> None:
    both = {
        "content": {"multipart/form-data": {"schema": OBJECT}, "Application/JSON; charset=utf-8": {"schema": OBJECT}}
    }
    assert send("POST /pets", {"requestBody": both}, sky="x").json == {"sky": "x"}


@pytest.mark.parametrize(
    ("scheme", "header", "value"),
    [
        ({"type": "http", "scheme": "Bearer"}, "authorization", f"Bearer {KEY}"),
        ({"type": "apiKey", "in": "header", "name": "X-Api-Key"}, "x-api-key", KEY),
        ({"type": "oauth2", "flows": {}}, "authorization", f"Bearer {KEY}"),
        ({"type": "openIdConnect", "openIdConnectUrl": "https://x.example"}, "authorization", f"Bearer {KEY}"),
    ],
)
def test_the_key_is_in_a_header(send: Send, scheme: Json, header: str, value: str) -> None:
    taken = [parameter("x-api-key", "header", required=True)] if header == "x-api-key" else []
    assert send("GET /pets", {"parameters": taken}, security={"key": scheme}).headers[header] == value


def test_the_key_is_in_the_query_and_no_parameter_too(send: Send) -> None:
    security = {"key": {"type": "apiKey", "in": "query", "name": "appid"}}
    given = [parameter("appid", required=True), parameter("q")]
    assert send("GET /pets", {"parameters": given}, security=security, q="x").target == f"/api/v1/pets?q=x&appid={KEY}"


def test_user_name_and_password(send: Send) -> None:
    request = send("GET /pets", {}, security={"basic": {"type": "http", "scheme": "basic"}})
    scheme, _, token = request.headers["authorization"].partition(" ")
    assert (scheme, b64decode(token).decode()) == ("Basic", f"{KEY}:{KEY}")


def test_two_headers_that_are_wanted_together(send: Send) -> None:
    security = {name: {"type": "apiKey", "in": "header", "name": f"X-{name}"} for name in ("appId", "appKey")}
    request = send("GET /pets", {"security": [{"appId": [], "appKey": []}]}, security=security)
    assert (request.headers["x-appid"], request.headers["x-appkey"]) == (KEY, KEY)


def pets(**content: Any) -> Json:
    return document({"/pets": {"get": operation(operationId="fine"), "post": operation(**content)}})


def answer(kind: str) -> Json:
    return {"200": {"content": {kind: {}}}}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"parameters": [parameter("c", "cookie", required=True)]}, "needs c, a cookie"),
        (
            {"requestBody": body(OBJECT, "multipart/form-data", required=True)},
            "needs a body, which is multipart/form-data",
        ),
        (
            {"requestBody": body({}, "application/vnd.api+json", required=True)},
            "needs a body, which is application/vnd.api+json",
        ),
        (
            {"requestBody": body(LIST, "application/x-www-form-urlencoded")},
            "has a form whose fields are not listed, or named",
        ),
        ({"responses": answer("text/event-stream")}, "answers with a stream of events"),
        ({"responses": answer("image/png")}, "answers with image/png, which is no text"),
        ({"parameters": [{"$ref": "#/nowhere"}]}, 'the reference "#/nowhere" leads nowhere'),
        (
            {"parameters": [parameter("f", schema=OBJECT, explode=False, required=True)]},
            "needs f, an object in the query",
        ),
        ({"parameters": [parameter("f", style="odd", required=True)]}, "needs f, a query parameter in the style odd"),
        ({"parameters": [parameter(f"p{n}") for n in range(201)]}, "has more than 200 parameters"),
        ({"servers": [{"url": "https://uploads.shop.example"}]}, "is at another address, https://uploads.shop.example"),
        ({"parameters": ["odd"]}, "the document has no object where one belongs"),
    ],
)
def test_what_can_not_be_sent_is_skipped_with_the_reason(importing: Importing, content: Json, reason: str) -> None:
    imported, loaded = importing(pets(**content))
    ((told, ids),) = imported.skipped.items()
    assert told.startswith(reason)
    assert list(ids) == ["doIt"]
    assert [action.slug for action in loaded.actions] == ["SHOP_FINE"]
    assert told in imported.files["README.md"]


def test_what_a_document_says_makes_no_lines_of_its_own(importing: Importing) -> None:
    whole = pets(operationId="a\n# Run this", parameters=[parameter("c\n\n- x", "cookie", required=True)])
    imported, _ = importing(whole)
    assert "- needs c - x, a cookie: a # Run this\n" in imported.files["README.md"]


@pytest.mark.parametrize("path", ["/a//b", "/a/../b", "/a/{}", "/a/{+rest}/{rest}", "/a b", "a", "/ä", "/a?b=c", "/{x"])
def test_a_path_that_can_not_be_written(importing: Importing, path: str) -> None:
    imported, _ = importing(document({path: {"get": operation()}, "/fine": {"get": operation(operationId="fine")}}))
    assert dict(imported.skipped) == {"has a path that can't be written": ["doIt"]}


@pytest.mark.parametrize(
    ("content", "left_out"),
    [
        ({"parameters": [parameter("c", "cookie")]}, "c, a cookie"),
        ({"requestBody": body(OBJECT, "multipart/form-data")}, "a body, which is multipart/form-data"),
        (
            {
                "requestBody": body({"type": "object", "properties": {"stream": {"type": "boolean"}, "q": TEXT}}),
                "responses": {"200": {"content": {"application/json": {}, "text/event-stream": {}}}},
            },
            "stream, which answers with events",
        ),
    ],
)
def test_what_is_optional_is_left_out_with_a_note(importing: Importing, content: Json, left_out: str) -> None:
    imported, loaded = importing(pets(**content))
    assert f"SHOP_DO_IT is without {left_out}" in imported.notes
    properties = loaded.actions[1].definition.input_parameters["properties"]
    assert properties.keys() <= {"q"}


def test_an_answer_that_is_not_json_is_taken_as_text(serve: Serve, importing: Importing) -> None:
    server = serve(lambda exchange: exchange.answer(200, "Rex, a dog", Content_Type="text/plain"))
    paths = {
        "/text": {"get": operation(operationId="text", responses=answer("text/plain"))},
        "/json": {"get": operation(operationId="json")},
        "/unsaid": {"get": operation(operationId="unsaid", responses={})},
    }
    _, loaded = importing(document(paths), base_url=server.base_url)
    with ToolRegistry.from_manifest([loaded], client_options={"max_attempts": 1}) as registry:
        assert registry.execute("SHOP_TEXT", {}).data == "Rex, a dog"
        assert registry.execute("SHOP_UNSAID", {}).data == "Rex, a dog"
        assert failure(registry.execute("SHOP_JSON", {}))["type"] == "invalid_response"


def test_arguments_are_checked_before_anything_is_sent(server: Server, importing: Importing) -> None:
    schema = {"type": "object", "properties": {"name": {**TEXT, "minLength": 2}}, "required": ["name"]}
    _, loaded = importing(document({"/pets": {"post": operation(requestBody=body(schema))}}), base_url=server.base_url)
    with ToolRegistry.from_manifest([loaded]) as registry:
        for wrong in ({}, {"name": "x"}, {"name": "Rex", "other": 1}):
            assert failure(registry.execute("SHOP_DO_IT", wrong))["type"] == "invalid_arguments"
    assert server.requests == []


def test_a_body_that_may_be_left_out_requires_no_members(importing: Importing) -> None:
    schema = {"type": "object", "properties": {"name": TEXT}, "required": ["name"]}
    for said, required in ((False, []), (True, ["name"]), (None, ["name"])):
        more: Json = {} if said is None else {"required": said}
        _, loaded = importing(document({"/pets": {"post": operation(requestBody=body(schema, **more))}}))
        assert loaded.actions[0].definition.input_parameters["required"] == required


def test_nothing_that_can_be_used(importing: Importing) -> None:
    only = document({"/pets": {"get": operation(responses=answer("image/png"))}})
    with pytest.raises(WrongDocument, match="none of the operations can be an action: doIt answers with image/png"):
        importing(only)


def test_references_out_of_the_document_are_named_where_they_are_used(importing: Importing) -> None:
    whole = pets(requestBody={"$ref": "bodies.yaml#/pet"})
    with pytest.raises(WrongDocument, match=r'"bodies\.yaml#/pet" leads out'):
        importing(whole)
    imported, _ = importing(whole, ids=["fine"])
    assert isinstance(imported, Imported)
