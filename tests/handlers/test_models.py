"""The model catalogue: what is asked for in path and query, and what comes back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from openrouter_toolkit import Envelope
from openrouter_toolkit.sandbox import Sandbox

from ..envelopes import data, failure

Execute = Callable[..., Envelope]


@pytest.mark.parametrize(
    ("action", "arguments", "path"),
    [
        ("LIST_AVAILABLE_MODELS", {}, "/models"),
        ("GET_MODELS_COUNT", {}, "/models/count"),
        ("LIST_USER_MODELS", {}, "/models/user"),
        ("LIST_EMBEDDING_MODELS", {}, "/embeddings/models"),
        ("LIST_PROVIDERS", {}, "/providers"),
        ("LIST_ZDR_ENDPOINTS", {}, "/endpoints/zdr"),
        ("LIST_MODEL_ENDPOINTS", {"author": "acme", "slug": "atlas-small"}, "/models/acme/atlas-small/endpoints"),
    ],
)
def test_each_list_has_its_place(
    execute: Execute, openrouter_sandbox: Sandbox, action: str, arguments: dict[str, Any], path: str
) -> None:
    assert data(execute(action, arguments))
    (request,) = openrouter_sandbox.requests
    assert (request.method, request.path, request.query, request.body) == ("GET", path, {}, None)
    assert request.key == openrouter_sandbox.api_key
    assert request.headers["content-type"] is None


TITLES = [
    ("LIST_AVAILABLE_MODELS", "x_title", "http_referer"),
    ("GET_MODELS_COUNT", "x_title", "http_referer"),
    ("LIST_USER_MODELS", "x_title", "http_referer"),
    ("LIST_EMBEDDING_MODELS", "X-Title", "HTTP-Referer"),
    ("LIST_PROVIDERS", "x_title", "http_referer"),
    ("LIST_ZDR_ENDPOINTS", "x_title", "http_referer"),
]


@pytest.mark.parametrize(("action", "title", "referer"), TITLES)
def test_attribution_is_headers_under_each_spelling(
    execute: Execute, openrouter_sandbox: Sandbox, action: str, title: str, referer: str
) -> None:
    assert execute(action, {title: "Grüße 🤖", referer: "https://a.example/"}).successful
    (request,) = openrouter_sandbox.requests
    assert request.query == {}
    for name in ("X-Title", "X-OpenRouter-Title"):
        assert request.headers[name].encode("latin-1").decode() == "Grüße 🤖"
    assert request.headers["HTTP-Referer"] == "https://a.example/"


@pytest.mark.parametrize(("action", "title", "referer"), TITLES)
def test_attribution_with_line_breaks_is_refused_under_each_spelling(
    execute: Execute, openrouter_sandbox: Sandbox, action: str, title: str, referer: str
) -> None:
    for name in (title, referer):
        envelope = execute(action, {name: "https://a.example\r\nAuthorization: Bearer evil"})
        assert failure(envelope)["problems"][0]["path"] == name
    assert openrouter_sandbox.requests == []


# The catalogue.


@pytest.mark.parametrize(("value", "word"), [(True, "true"), (False, "false")])
def test_use_rss_travels_as_a_word(execute: Execute, openrouter_sandbox: Sandbox, value: bool, word: str) -> None:
    assert execute("LIST_AVAILABLE_MODELS", use_rss=value, use_rss_chat_links=value).successful
    assert openrouter_sandbox.requests[0].query == {"use_rss": word, "use_rss_chat_links": word}


def test_an_rss_feed_comes_as_the_xml_that_it_is(execute: Execute) -> None:
    envelope = execute("LIST_AVAILABLE_MODELS", use_rss=True)
    assert envelope.successful
    assert ET.fromstring(envelope.data).tag == "rss"


@pytest.mark.parametrize("value", ["true", 1, None, "yes"])
def test_use_rss_is_true_or_false_and_nothing_else(
    execute: Execute, openrouter_sandbox: Sandbox, value: object
) -> None:
    assert failure(execute("LIST_AVAILABLE_MODELS", use_rss=value))["problems"][0]["wanted"] == "a boolean"
    assert openrouter_sandbox.requests == []


@pytest.mark.parametrize(
    ("name", "value", "sent"),
    [
        ("category", "marketing/seo", "marketing/seo"),
        ("q", "a b&c=ü+%20#💡", "a b&c=ü+%20#💡"),
        ("limit", 5, "5"),
        ("offset", 0, "0"),
        ("sort", "newest", "newest"),
        ("supported_parameters", ["tools", "seed"], "tools,seed"),
        ("supported_parameters", "tools", "tools"),
        ("input_modalities", ["image"], "image"),
        ("output_modalities", "all", "all"),
        ("min_price", 0.5, "0.5"),
        ("max_price", 0, "0"),
        ("min_tool_success_rate", 1e-7, "1e-07"),
        ("zdr", True, "true"),
        ("zdr", "true", "true"),
        ("distillable", False, "false"),
        ("distillable", "false", "false"),
    ],
)
def test_filters_travel_in_the_query(
    execute: Execute, openrouter_sandbox: Sandbox, name: str, value: object, sent: str
) -> None:
    assert execute("LIST_AVAILABLE_MODELS", {name: value}).successful
    assert openrouter_sandbox.requests[0].query == {name: sent}


@pytest.mark.parametrize(("name", "value"), [("zdr", False), ("offset", None), ("max_price", None)])
def test_a_filter_that_filters_nothing_is_left_out(
    execute: Execute, openrouter_sandbox: Sandbox, name: str, value: object
) -> None:
    assert execute("LIST_AVAILABLE_MODELS", {name: value}).successful
    assert openrouter_sandbox.requests[0].query == {}


def test_filters_filter(execute: Execute) -> None:
    everything, some = (
        data(execute("LIST_AVAILABLE_MODELS")),
        data(execute("LIST_AVAILABLE_MODELS", q="atlas", limit=2)),
    )
    assert len(some) == 2 < len(everything)
    assert all("atlas" in model["id"] for model in some)
    rest = data(execute("LIST_AVAILABLE_MODELS", q="atlas", offset=2))
    assert {model["id"] for model in some}.isdisjoint(model["id"] for model in rest)


def test_the_count_counts_what_is_asked_for(execute: Execute, openrouter_sandbox: Sandbox) -> None:
    every = data(execute("GET_MODELS_COUNT", output_modalities="all"))["count"]
    some = data(execute("GET_MODELS_COUNT", output_modalities=["embeddings"]))["count"]
    assert 0 < some < every
    assert openrouter_sandbox.requests[1].query == {"output_modalities": "embeddings"}


@pytest.mark.parametrize("action", ["LIST_USER_MODELS", "LIST_EMBEDDING_MODELS"])
def test_other_lists_have_pages_too(execute: Execute, openrouter_sandbox: Sandbox, action: str) -> None:
    assert len(data(execute(action, limit=1, offset=0))) == 1
    assert openrouter_sandbox.requests[0].query == {"limit": "1", "offset": "0"}


def test_a_user_s_models_are_ordered_and_chosen_by_their_output(execute: Execute, openrouter_sandbox: Sandbox) -> None:
    found = data(execute("LIST_USER_MODELS", sort="newest", output_modalities=["image", "embeddings"]))
    assert [model["created"] for model in found] == sorted((model["created"] for model in found), reverse=True)
    assert len(found) > 1
    assert openrouter_sandbox.requests[0].query == {"sort": "newest", "output_modalities": "image,embeddings"}


@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        ("LIST_USER_MODELS", {}),
        ("LIST_AVAILABLE_MODELS", {}),
        ("LIST_ZDR_ENDPOINTS", {}),
        ("LIST_MODEL_ENDPOINTS", {"author": "acme", "slug": "atlas-small"}),
    ],
)
def test_a_catalogue_that_is_not_to_be_had_now_may_be_asked_again(
    answered: Execute, action: str, arguments: dict[str, Any]
) -> None:
    body = b'{"error": {"code": 503, "message": "Service temporarily unavailable"}}'
    error = failure(answered(action, arguments, body=body, status=503))
    assert (error["type"], error["status"], error["retryable"]) == ("provider_overloaded", 503, True)


# Endpoints: two parts of a path, and never another place.


def test_a_variant_is_part_of_the_slug(execute: Execute, openrouter_sandbox: Sandbox) -> None:
    found = data(execute("LIST_MODEL_ENDPOINTS", author="acme", slug="atlas-small:free"))
    assert found["id"] == "acme/atlas-small:free"
    assert openrouter_sandbox.requests[0].path == "/models/acme/atlas-small:free/endpoints"


@pytest.mark.parametrize(
    "part",
    ["../credits", "a/b", "/", "//evil.example", "..", ".", "\\", "..\\credits", "https://evil.example/x", "\ud800"],
)
@pytest.mark.parametrize("name", ["author", "slug"])
def test_what_reaches_into_another_part_is_refused(
    execute: Execute, openrouter_sandbox: Sandbox, name: str, part: str
) -> None:
    envelope = execute("LIST_MODEL_ENDPOINTS", {"author": "acme", "slug": "atlas-small", name: part})
    assert failure(envelope)["type"] == "invalid_arguments"
    assert failure(envelope)["problems"][0]["path"] == name
    assert openrouter_sandbox.requests == []


@pytest.mark.parametrize(
    ("part", "quoted"),
    [
        ("%2e%2e", "%252e%252e"),
        ("%2E%2E%2Fcredits", "%252E%252E%252Fcredits"),
        ("?x=1", "%3Fx%3D1"),
        ("#x", "%23x"),
        ("..;", "..%3B"),
        ("...", "..."),
        ("a b", "a%20b"),
        ("ü💡", "%C3%BC%F0%9F%92%A1"),
        ("a\x00\r\nHost: evil", "a%00%0D%0AHost:%20evil"),
        ("@evil.example", "%40evil.example"),
        (":80", ":80"),
        ("{slug}", "%7Bslug%7D"),
        (" ", "%20"),
    ],
)
@pytest.mark.parametrize("name", ["author", "slug"])
def test_everything_else_is_quoted_and_stays_in_its_part(
    execute: Execute, openrouter_sandbox: Sandbox, name: str, part: str, quoted: str
) -> None:
    envelope = execute("LIST_MODEL_ENDPOINTS", {"author": "acme", "slug": "atlas-small", name: part})
    assert failure(envelope)["status"] == 404
    (request,) = openrouter_sandbox.requests
    expected = {"author": "acme", "slug": "atlas-small", name: quoted}
    assert request.path == f"/models/{expected['author']}/{expected['slug']}/endpoints"
    assert request.query == {}


@pytest.mark.parametrize("name", ["author", "slug"])
def test_both_parts_are_needed(execute: Execute, openrouter_sandbox: Sandbox, name: str) -> None:
    arguments = {"author": "acme", "slug": "atlas-small"}
    assert failure(execute("LIST_MODEL_ENDPOINTS", {**arguments, name: ""}))["type"] == "invalid_arguments"
    del arguments[name]
    envelope = execute("LIST_MODEL_ENDPOINTS", arguments)
    assert failure(envelope)["problems"][0]["problem"].startswith("required")
    assert openrouter_sandbox.requests == []


def test_a_whole_model_id_in_one_part_is_explained(execute: Execute) -> None:
    envelope = execute("LIST_MODEL_ENDPOINTS", author="acme", slug="acme/atlas-small")
    assert "split at its /" in str(envelope.error)


# Answers that are none.


PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Sign in</body></html>"


@pytest.mark.parametrize("use_rss", [False, True])
@pytest.mark.parametrize(
    "body", [PAGE, b"", b"   \n", b"ok", b'{"data": [', PAGE[1:], b"\xff\xfe\x00"], ids=lambda body: repr(body[:12])
)
def test_a_page_or_nothing_is_no_answer(answered: Execute, body: bytes, use_rss: bool) -> None:
    envelope = answered("LIST_AVAILABLE_MODELS", {"use_rss": use_rss}, body=body, content_type="text/html")
    assert failure(envelope)["type"] == "invalid_response"
    assert failure(envelope)["status"] == 200
    assert "OPENROUTER_BASE_URL" in str(envelope.error)


def test_a_large_page_is_no_answer_either(answered: Execute) -> None:
    for body in (PAGE + b" " * 200_000 + b"x", b'{"data": [' + b"1," * 100_000, b"[" * 200_000 + b"]"):
        assert failure(answered("LIST_AVAILABLE_MODELS", body=body))["type"] == "invalid_response"


def test_xml_is_no_answer_where_json_was_asked_for(answered: Execute) -> None:
    body = b'<?xml version="1.0"?><rss/>'
    assert failure(answered("LIST_AVAILABLE_MODELS", body=body))["type"] == "invalid_response"
    assert answered("LIST_AVAILABLE_MODELS", {"use_rss": True}, body=body).successful


def test_white_space_around_an_answer_goes_and_nothing_else_changes(answered: Execute) -> None:
    body = '\ufeff\r\n  \t{"data": [ {"id":"ü",  "x": 1.50} ]}\n\n'.encode()
    assert answered("LIST_PROVIDERS", body=body) == {
        "data": '{"data": [ {"id":"ü",  "x": 1.50} ]}',
        "error": None,
        "successful": True,
    }


def test_a_large_catalogue_comes_whole(answered: Execute) -> None:
    body = json.dumps({"data": [{"id": f"acme/model-{number}", "description": "x" * 500} for number in range(1000)]})
    assert answered("LIST_AVAILABLE_MODELS", body=body.encode()).data == body


def test_an_answer_above_the_limit_is_refused(answered: Execute) -> None:
    body = b'{"data": "' + b"x" * 2000 + b'"}'
    assert answered("LIST_PROVIDERS", body=body, max_answer_bytes=len(body)).successful
    envelope = answered("LIST_PROVIDERS", body=body, max_answer_bytes=len(body) - 1)
    assert failure(envelope)["type"] == "invalid_response"
    assert "larger than" in str(envelope.error)
