"""Manifests that describe their API: what is wrong with one is told with file, line and reason."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit import ManifestError
from openrouter_toolkit.manifest import load

from ..declared import field, write

HTTPS = "https://api.weather.example/v1"
GET = {"request": "GET /cities/{city}", "takes": {"city": {}, "days": {}}}
POST = {"request": "POST /reports", "takes": {"text": {}, "more": {}}}


def problems(folder: Path, client: Any, row: dict[str, Any] = GET, **more: Any) -> str:
    path = write(folder, client, {"GET": row}, **more)
    with pytest.raises(ManifestError) as caught:
        load(path)
    lines = path.read_text().splitlines()
    for problem in caught.value.problems:
        place = re.match(rf"{path}:(\d+): (\S+): ", problem)
        assert place, problem
        assert int(place[1]) <= len(lines)
    return str(caught.value).replace(str(path), "manifest.yaml")


def client(**more: Any) -> dict[str, Any]:
    return {"base_url": HTTPS, "authorization": "Bearer {api_key}", **more}


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (client(authorization="Bearer {apikey}"), "12: toolkit.client.authorization: auth has no field apikey"),
        (client(authorization="Bearer {api key}"), "authorization: a brace names no field; write {field}"),
        (client(authorization={"query": {"name": "key", "value": "{}"}}), "authorization: a brace names no field"),
        (client(authorization={"header": {"name": "a b", "value": "x"}}), "authorization.header.name: "),
        (client(authorization={}), "authorization: is a text such as Bearer {api_key}, or one of header, query and"),
        (client(authorization={"bearer": "x"}), "toolkit.client.authorization.bearer: unknown key"),
        ({"base_url": HTTPS}, "authorization: missing; say how a request carries the key"),
        (client(headers={"X-Project": "{project}"}), "toolkit.client.headers.X-Project: auth has no field project"),
        (client(headers={"Host": "evil.example"}), "toolkit.client.headers.Host: is set by the client itself"),
        (client(base_url="http://weather.example"), "11: toolkit.client.base_url: plain http would show the key"),
        (client(base_url="weather.example"), "toolkit.client.base_url: it must be https://host/path"),
        (client(base_url=f"{HTTPS}?a=1"), "toolkit.client.base_url: it must have no user, query or fragment"),
        (client(base_url="https://{api_key}.weather.example"), "base_url: api_key must be required and not secret"),
        (client(base_url="https://{tenant}.weather.example"), "toolkit.client.base_url: auth has no field tenant"),
        (client(base_url="https://{tenant}"), "toolkit.client.base_url: a base URL with a field is https://{field}."),
        (client(base_url="https://{tenant}.example"), "toolkit.client.base_url: a base URL with a field is"),
        (client(base_url="https://x{tenant}.weather.example"), "base_url: a base URL with a field is"),
        (client(base_url="http://{tenant}.weather.example"), "base_url: a base URL with a field is"),
        (client(base_url="https://weather.example/{tenant}"), "base_url: a base URL with a field is"),
        (client(retries=-1), "toolkit.client.retries: "),
        (client(retires=1), "toolkit.client.retires: unknown key"),
        ({"authorization": "x"}, "toolkit.client.base_url: missing"),
        (5, "toolkit.client: "),
        ("no path", "toolkit.client: "),
    ],
    ids=repr,
)
def test_a_client_that_can_not_be(tmp_path: Path, given: Any, problem: str) -> None:
    assert problem in problems(tmp_path, given)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({**GET, "parameters": {"dayz": "query"}}, "actions[0].parameters.dayz: WEATHER_GET has no parameter dayz"),
        ({**GET, "parameters": {"days": "cookie"}}, "actions[0].parameters.days.in: "),
        ({**GET, "parameters": {"days": "body"}}, "actions[0].parameters.days: days: a GET has no body"),
        ({**GET, "parameters": {"days": "path"}}, "days: the request has no {days} in its path"),
        ({**GET, "parameters": {"city": "query"}}, "city stands in the path of the request"),
        ({**GET, "parameters": {"days": {"in": "header", "name": "Authorization"}}}, "is set by the client itself"),
        ({**GET, "parameters": {"days": {"in": "header", "name": "host"}}}, "is set by the client itself"),
        ({**POST, "parameters": {"text": {"in": "body", "whole": True}}}, "one is the whole body"),
        ({**POST, "body": "form", "parameters": {"text": {"in": "body", "whole": True}}}, "whole is for a JSON body"),
        ({"handler": "weather_handler:report", "takes": {}, "body": "form"}, "a handler decides where arguments go"),
    ],
    ids=repr,
)
def test_a_row_that_can_not_be(tmp_path: Path, row: dict[str, Any], problem: str) -> None:
    assert problem in problems(tmp_path, client(), row)


@pytest.mark.parametrize(
    "path", ["/", "/cities/", "/users/@me", "/cities/{city}:run", "/cities/{city}.json", "/a(b='{city}')"]
)
def test_a_path_that_can_be(tmp_path: Path, path: str) -> None:
    (action,) = load(write(tmp_path, client(), {"GET": {"request": f"GET {path}", "takes": {"city": {}}}})).actions
    assert action.slug == "WEATHER_GET"


@pytest.mark.parametrize(
    "path", ["", "cities", "//cities", "/a//b", "/a?b=c", "/a#b", "/a b", "/{a-b}", "/{}", "/{a", "/%2e"]
)
def test_a_path_that_can_not_be(tmp_path: Path, path: str) -> None:
    row = {"request": f"GET {path}", "takes": {}}
    assert "a request is a method and a path" in problems(tmp_path, client(), row)


def test_an_argument_never_stands_in_for_the_key(tmp_path: Path) -> None:
    row = {"request": "GET /cities", "takes": {"Key": {}}}
    given = client(authorization={"query": {"name": "key", "value": "{api_key}"}})
    assert "Key is set by the client itself" in problems(tmp_path, given, row)


def test_an_optional_field_is_no_credential(tmp_path: Path) -> None:
    fields = [field("api_key"), field("other", required=False)]
    assert "other is optional" in problems(tmp_path, client(authorization="{api_key} {other}"), fields=fields)


def test_a_client_in_python_decides_itself(tmp_path: Path) -> None:
    row = {**GET, "parameters": {"days": "query"}}
    assert "the client that toolkit.client names decides" in problems(tmp_path, "echo_toolkit.requests:Requests", row)


def test_a_good_one_loads_without_importing_what_sends(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, client(), {"GET": GET, "SEND": POST}))
    assert [action.slug for action in loaded.actions] == ["WEATHER_GET", "WEATHER_SEND"]
    assert loaded.declared_api is not None
    assert loaded.declared_api.base_url == HTTPS
