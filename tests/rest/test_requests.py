"""What a declared toolkit sends: the credential, and arguments in path, query, headers and body."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

from openrouter_toolkit import ToolRegistry

from ..declared import KEY, field
from ..envelopes import failure
from ..openrouter.conftest import Serve
from ..openrouter.servers import Received, Server
from .conftest import CITY, READ, Declare

SECRET = KEY.replace(" ", "-")


@pytest.fixture
def server(serve: Serve) -> Server:
    return serve(lambda exchange: exchange.json({"ok": True}))


def sent(server: Server, registry: ToolRegistry, slug: str, **arguments: Any) -> Received:
    envelope = registry.execute(slug, arguments)
    assert envelope == {"data": '{"ok": true}', "error": None, "successful": True}
    return server.requests[-1]


@pytest.mark.parametrize(
    ("authorization", "header", "value"),
    [
        ("Bearer {api_key}", "authorization", f"Bearer {SECRET}"),
        ("token={api_key}", "authorization", f"token={SECRET}"),
        ({"header": {"name": "X-Api-Key", "value": "{api_key}"}}, "x-api-key", SECRET),
    ],
)
def test_the_key_goes_into_a_header(
    declare: Declare, server: Server, authorization: Any, header: str, value: str
) -> None:
    request = sent(server, declare(server, {"GET": READ}, authorization=authorization), "WEATHER_GET", city="Oslo")
    assert request.headers[header] == value
    assert (request.method, request.target) == ("GET", "/api/v1/cities/Oslo")


def test_the_key_goes_into_the_query_beside_other_arguments(declare: Declare, server: Server) -> None:
    row = {**READ, "takes": {**CITY, "days": {"type": "integer"}}}
    authorization = {"query": {"name": "key", "value": "{api_key}"}}
    request = sent(
        server, declare(server, {"GET": row}, authorization=authorization), "WEATHER_GET", city="Oslo", days=3
    )
    assert request.target == "/api/v1/cities/Oslo?days=3&key=key-of-alice%2F0123%2B456789"
    assert "authorization" not in request.headers


def test_user_name_and_password_are_sent_as_basic(declare: Declare, server: Server) -> None:
    registry = declare(
        server,
        {"GET": READ},
        authorization={"basic": {"username": "{user}", "password": "{password}"}},
        fields=[field("user", secret=False), field("password")],
        account={"user": "alice", "password": "any word: also ünusual <ones>"},
    )
    scheme, _, token = sent(server, registry, "WEATHER_GET", city="Oslo").headers["authorization"].partition(" ")
    assert (scheme, b64decode(token).decode()) == ("Basic", "alice:any word: also ünusual <ones>")


def test_a_toolkit_without_login_sends_no_credential(declare: Declare, server: Server) -> None:
    registry = declare(server, {"GET": READ}, fields=[], authorization=None)
    assert "authorization" not in sent(server, registry, "WEATHER_GET", city="Oslo").headers


def test_an_action_may_prefer_another_key(declare: Declare, server: Server) -> None:
    registry = declare(
        server,
        {"GET": READ, "ADMIN": {**READ, "credential": "admin_key"}},
        fields=[field("api_key"), field("admin_key", required=False)],
        account={"api_key": "ordinary-key", "admin_key": "admins-key"},
    )
    assert sent(server, registry, "WEATHER_GET", city="Oslo").headers["authorization"] == "Bearer ordinary-key"
    assert sent(server, registry, "WEATHER_ADMIN", city="Oslo").headers["authorization"] == "Bearer admins-key"


def test_headers_of_the_client_go_with_each_request_and_may_name_fields(declare: Declare, server: Server) -> None:
    registry = declare(
        server,
        {"GET": READ},
        headers={"Weather-Version": "2026-11-30", "X-Project": "{project}", "X-Team": "{team}"},
        fields=[
            field("api_key"),
            field("project", secret=False, required=False),
            field("team", secret=False, required=False),
        ],
        account={"api_key": SECRET, "project": "north"},
    )
    headers = sent(server, registry, "WEATHER_GET", city="Oslo").headers
    assert (headers["weather-version"], headers["x-project"]) == ("2026-11-30", "north")
    assert "x-team" not in headers


@pytest.mark.parametrize(
    ("city", "segment"), [("São Paulo", "S%C3%A3o%20Paulo"), ("a/b", "a%2Fb"), ("a?b=c#d%20", "a%3Fb%3Dc%23d%2520")]
)
def test_what_stands_in_the_path_is_percent_encoded(declare: Declare, server: Server, city: str, segment: str) -> None:
    request = sent(server, declare(server, {"GET": READ}), "WEATHER_GET", city=city)
    assert request.target == f"/api/v1/cities/{segment}"


@pytest.mark.parametrize("city", ["", ".", "..", "../key", "a/../../key", "..\\key"])
def test_no_argument_leads_to_another_path(declare: Declare, server: Server, city: str) -> None:
    envelope = declare(server, {"GET": READ}).execute("WEATHER_GET", {"city": city})
    assert failure(envelope)["type"] == "invalid_arguments"
    assert server.requests == []


VALUES: dict[str, Any] = {"word": "a b", "on": True, "at": 1.5, "list": ["a", "b,c"], "none": None, "where": {"x": 1}}
ANY: dict[str, Any] = {name: {} for name in VALUES}


def test_a_get_has_its_arguments_in_the_query(declare: Declare, server: Server) -> None:
    registry = declare(server, {"GET": {"request": "GET /all", "takes": ANY, "hints": ["readOnlyHint"]}})
    request = sent(server, registry, "WEATHER_GET", **VALUES)
    assert request.target == "/api/v1/all?word=a%20b&on=true&at=1.5&list=a&list=b%2Cc&where=%7B%22x%22%3A%201%7D"
    assert request.body == b""


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_other_methods_have_them_in_a_json_body(declare: Declare, server: Server, method: str) -> None:
    registry = declare(server, {"SEND": {"request": f"{method} /all", "takes": ANY}})
    request = sent(server, registry, "WEATHER_SEND", **VALUES)
    assert (request.method, request.target, request.json) == (method, "/api/v1/all", VALUES)
    assert request.headers["content-type"] == "application/json"


def test_without_arguments_nothing_is_sent_as_a_body(declare: Declare, server: Server) -> None:
    registry = declare(server, {"SEND": {"request": "POST /all", "takes": ANY}, "END": {"request": "DELETE /all"}})
    for slug in ("WEATHER_SEND", "WEATHER_END"):
        request = sent(server, registry, slug)
        assert request.body == b""
        assert "content-type" not in request.headers


def test_a_form_is_a_form(declare: Declare, server: Server) -> None:
    registry = declare(server, {"SEND": {"request": "POST /all", "takes": ANY}}, body="form")
    request = sent(server, registry, "WEATHER_SEND", word="a b&c", list=["x", "y"])
    assert request.body == b"word=a%20b%26c&list=x&list=y"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"


def test_the_manifest_says_where_arguments_go_in_openapis_words(declare: Declare, server: Server) -> None:
    row = {
        "request": "POST /cities/{city}/reports",
        "takes": {name: {} for name in ("city", "dry_run", "page", "tags", "pipes", "filter", "trace", "text")},
        "parameters": {
            "dry_run": "query",
            "page": {"in": "query", "name": "page[size]"},
            "tags": {"in": "query", "explode": False},
            "pipes": {"in": "query", "style": "pipeDelimited"},
            "filter": {"in": "query", "style": "deepObject"},
            "trace": {"in": "header", "name": "X-Trace"},
            "text": {"in": "body", "name": "report-text"},
        },
    }
    request = sent(
        server,
        declare(server, {"SEND": row}),
        "WEATHER_SEND",
        city="Oslo",
        dry_run=True,
        page=5,
        tags=["a", "b"],
        pipes=["c", "d"],
        filter={"wind": "high", "none": None},
        trace=17,
        text="Rain.",
    )
    query = "dry_run=true&page%5Bsize%5D=5&tags=a%2Cb&pipes=c%7Cd&filter%5Bwind%5D=high"
    assert request.target == f"/api/v1/cities/Oslo/reports?{query}"
    assert request.headers["x-trace"] == "17"
    assert request.json == {"report-text": "Rain."}


def test_one_argument_may_be_the_whole_body(declare: Declare, server: Server) -> None:
    row = {
        "request": "PUT /stations",
        "takes": {"stations": {"type": "array"}, "mode": {}},
        "parameters": {"stations": {"in": "body", "whole": True}, "mode": "query"},
    }
    request = sent(server, declare(server, {"SEND": row}), "WEATHER_SEND", stations=[{"id": 1}], mode="all")
    assert (request.target, request.json) == ("/api/v1/stations?mode=all", [{"id": 1}])


def test_a_header_takes_no_line_breaks(declare: Declare, server: Server) -> None:
    row = {
        **READ,
        "takes": {**CITY, "trace": {}},
        "parameters": {"trace": {"in": "header", "name": "X-Trace"}},
    }
    envelope = declare(server, {"GET": row}).execute("WEATHER_GET", {"city": "Oslo", "trace": "a\r\nX-Api-Key: b"})
    assert failure(envelope)["type"] == "invalid_arguments"
    assert server.requests == []


def test_what_only_the_account_can_say_is_told_as_such(declare: Declare, server: Server) -> None:
    registry = declare(
        server,
        {"GET": READ},
        headers={"X-Project": "{project}"},
        fields=[field("api_key"), field("project", secret=False)],
        account={"api_key": SECRET, "project": "a\nb"},
    )
    error = failure(registry.execute("WEATHER_GET", {"city": "Oslo"}))
    assert error["type"] == "not_connected"
    assert "project can't be sent" in error["message"]


def test_a_placeholder_is_no_key(declare: Declare, server: Server) -> None:
    registry = declare(server, {"GET": READ}, account={"api_key": "<your key>"})
    assert failure(registry.execute("WEATHER_GET", {"city": "Oslo"}))["type"] == "not_connected"
    assert server.requests == []


def test_a_handler_gets_the_same_client(declare: Declare, server: Server) -> None:
    row = {"handler": "weather_handler:report", "takes": {"city": {"type": "string"}}}
    registry = declare(server, {"SEND": row})
    assert sent(server, registry, "WEATHER_SEND", city="Oslo").json == {"text": "from Oslo"}
    assert server.requests[-1].headers["authorization"] == f"Bearer {SECRET}"


TENANT = [field("api_key"), field("tenant", secret=False)]


@pytest.mark.parametrize("tenant", ["", "a.evil.example", "evil.example/", "a@evil", "127.0.0.1:1", "-a", "a b", "a#"])
def test_a_tenant_never_chooses_the_host(declare: Declare, server: Server, tenant: str) -> None:
    registry = declare(
        server,
        {"GET": READ},
        base_url="https://{tenant}.weather.example/v1",
        fields=TENANT,
        account={"api_key": SECRET, "tenant": tenant},
    )
    assert failure(registry.execute("WEATHER_GET", {"city": "Oslo"}))["type"] == "not_connected"


def test_a_tenant_is_a_part_of_the_host(declare: Declare, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    wanted: list[str] = []

    def look_up(host: Any, *more: Any, **named: Any) -> Any:
        wanted.append(host)
        raise socket.gaierror("no such host")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    registry = declare(
        server,
        {"GET": READ},
        base_url="https://{tenant}.weather.example/v1",
        retries=0,
        fields=TENANT,
        account={"api_key": SECRET, "tenant": "north-1"},
    )
    assert failure(registry.execute("WEATHER_GET", {"city": "Oslo"}))["type"] == "connection_failed"
    assert wanted == ["north-1.weather.example"]


def test_options_of_the_host_come_before_the_manifest(declare: Declare, serve: Serve, server: Server) -> None:
    registry = declare(
        server, {"GET": READ}, base_url="https://weather.example/v1", options={"base_url": server.base_url}
    )
    assert sent(server, registry, "WEATHER_GET", city="Oslo").target == "/api/v1/cities/Oslo"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"base_url": "http://weather.example"}, ValueError),
        ({"base_url": 5}, TypeError),
        ({"read_timeout": 0}, ValueError),
        ({"max_attempts": 0}, ValueError),
        ({"retries": 1}, TypeError),
    ],
    ids=repr,
)
def test_wrong_options_raise_when_the_registry_is_made(
    declare: Declare, server: Server, options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match=next(iter(options))):
        declare(server, {"GET": READ}, options=options)
