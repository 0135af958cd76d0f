"""What a declared toolkit answers: texts, errors, retries and redirects; and that no credential comes back."""

from __future__ import annotations

import json
import logging
import threading
from base64 import b64encode
from typing import Any
from urllib.parse import quote

import pytest

from openrouter_toolkit.envelope import ActionError
from openrouter_toolkit.http.retries import writes

from ..declared import KEY, field
from ..envelopes import failure
from ..openrouter.conftest import Serve
from ..openrouter.servers import Exchange
from .conftest import READ, Declare

SECRET = KEY.replace(" ", "-")
CITY = {"city": "Oslo"}
WRITE = {"request": "POST /reports", "takes": {"text": {}}}
QUERY = {"query": {"name": "key", "value": "{api_key}"}}


def answering(status: int, body: Any = None, text: str | None = None, **headers: str) -> Any:
    return lambda exchange: exchange.answer(status, json.dumps(body) if text is None else text, **headers)


@pytest.mark.parametrize("text", ['{"a": 1}', "[1, 2]", "", "17", '"word"'])
def test_data_is_the_text_that_came(declare: Declare, serve: Serve, text: str) -> None:
    envelope = declare(serve(answering(200, text=text)), {"GET": READ}).execute("WEATHER_GET", CITY)
    assert envelope == {"data": text, "error": None, "successful": True}


def test_a_page_where_json_is_due_is_a_failure(declare: Declare, serve: Serve) -> None:
    registry = declare(serve(answering(200, text="<html>Log in</html>")), {"GET": READ}, retries=0)
    error = failure(registry.execute("WEATHER_GET", CITY))
    assert (error["type"], error["retryable"]) == ("invalid_response", True)


@pytest.mark.parametrize(
    ("status", "body", "type_", "message"),
    [
        (400, {"error": {"message": "No such unit."}}, "invalid_request", "No such unit."),
        (401, {"error": "invalid_token", "error_description": "It expired."}, "authentication", "It expired."),
        (403, {"errors": [{"detail": "Not yours."}]}, "permission_denied", "Not yours."),
        (404, {"title": "Not Found", "detail": "No city."}, "not_found", "No city."),
        (404, "No such city", "not_found", "No such city"),
        (409, {"code": 7}, "invalid_request", '{"code": 7}'),
        (422, {"detail": [{"loc": ["days"], "msg": "Too many."}]}, "unprocessable", "Too many."),
        (402, {"message": "Pay first."}, "payment_required", "Pay first."),
        (500, {}, "server", "{}"),
    ],
)
def test_an_error_has_the_apis_own_message(
    declare: Declare, serve: Serve, status: int, body: Any, type_: str, message: str
) -> None:
    registry = declare(serve(answering(status, body)), {"GET": READ}, retries=0)
    envelope = registry.execute("WEATHER_GET", CITY)
    error = failure(envelope)
    assert (error["type"], error["message"], error["status"]) == (type_, message, status)
    assert error["retryable"] == (status == 500)
    assert str(envelope.error).startswith(f"Weather refused or failed (HTTP {status}): ")
    assert "OpenRouter" not in str(envelope)


def test_what_is_wrong_with_the_arguments_is_told_to_the_agent(declare: Declare, serve: Serve) -> None:
    body = {"message": "Validation Failed", "errors": [{"field": "days", "code": "too_large"}]}
    envelope = declare(serve(answering(422, body)), {"GET": READ}).execute("WEATHER_GET", CITY)
    assert '"field": "days", "code": "too_large"' in str(envelope.error)
    assert failure(envelope)["metadata"] == body


def test_an_empty_error_has_its_status(declare: Declare, serve: Serve) -> None:
    registry = declare(serve(answering(500, text="")), {"GET": READ}, retries=0)
    assert failure(registry.execute("WEATHER_GET", CITY))["message"] == "HTTP 500"


def test_a_page_is_told_by_its_title(declare: Declare, serve: Serve) -> None:
    page = "<html><title>Bad gateway</title><script>alert(1)</script></html>"
    registry = declare(serve(answering(502, text=page, Content_Type="text/html")), {"GET": READ}, retries=0)
    assert failure(registry.execute("WEATHER_GET", CITY))["message"] == "Bad gateway"


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [
        (429, {"Retry_After": "7"}, 7),
        (503, {"Retry_After": "9"}, 9),
        (403, {"X_RateLimit_Remaining": "0", "Retry_After": "30"}, 30),
        (429, {}, None),
    ],
)
def test_a_limit_says_how_long_to_wait(
    declare: Declare, serve: Serve, status: int, headers: dict[str, str], wait: float | None
) -> None:
    registry = declare(serve(answering(status, {"message": "Slowly."}, **headers)), {"GET": READ}, retries=0)
    envelope = registry.execute("WEATHER_GET", CITY)
    error = failure(envelope)
    assert (error["retryable"], error["retry_after"]) == (True, wait)
    assert ("Wait some seconds" if wait is None else f"Wait {wait} s") in str(envelope.error)


def failing(times: int, status: int, **headers: str) -> Any:
    def script(exchange: Exchange) -> None:
        if exchange.number < times:
            exchange.json({"message": "Not now."}, status, **headers)
        else:
            exchange.json({"ok": True})

    return script


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_read_is_repeated(declare: Declare, serve: Serve, waits: list[float], status: int) -> None:
    server = serve(failing(2, status, Retry_After="3"))
    assert declare(server, {"GET": READ}).execute("WEATHER_GET", CITY).successful
    assert (len(server.requests), waits) == (3, [3.0, 3.0])


def test_as_often_as_the_manifest_says(declare: Declare, serve: Serve, waits: list[float]) -> None:
    server = serve(failing(9, 503))
    error = failure(declare(server, {"GET": READ}, retries=4).execute("WEATHER_GET", CITY))
    assert (len(server.requests), error["attempts"]) == (5, 5)


@pytest.mark.parametrize(("status", "calls"), [(429, 2), (503, 1), (500, 1), (504, 1)])
def test_what_changes_something_is_repeated_only_if_it_was_not_done(
    declare: Declare, serve: Serve, waits: list[float], status: int, calls: int
) -> None:
    server = serve(failing(1, status))
    declare(server, {"SEND": WRITE}).execute("WEATHER_SEND", {"text": "Rain."})
    assert len(server.requests) == calls


def test_the_definition_may_say_that_repeating_does_no_harm(declare: Declare, serve: Serve, waits: list[float]) -> None:
    server = serve(failing(1, 503))
    registry = declare(server, {"SEND": {**WRITE, "hints": ["idempotentHint"]}})
    assert registry.execute("WEATHER_SEND", {"text": "Rain."}).successful


def test_a_write_that_was_not_sent_is_repeated() -> None:
    sent, unsent = (ActionError("connection_failed", "", retryable=True, sent=sent) for sent in (True, False))
    assert (writes(sent), writes(unsent)) == (False, True)


def test_a_connection_that_breaks_is_told_with_the_toolkits_name(
    declare: Declare, serve: Serve, waits: list[float]
) -> None:
    envelope = declare(serve(lambda exchange: exchange.reset()), {"GET": READ}).execute("WEATHER_GET", CITY)
    assert failure(envelope)["type"] == "connection_failed"
    assert "The connection to Weather broke" in str(envelope.error)
    assert "OPENROUTER" not in str(envelope).upper()


def test_a_refused_connection_too(declare: Declare, serve: Serve, waits: list[float]) -> None:
    server = serve(answering(200, {}))
    server.close()
    envelope = declare(server, {"GET": READ}).execute("WEATHER_GET", CITY)
    assert failure(envelope)["sent"] is False
    assert "Weather can't be reached" in str(envelope.error)
    assert "OPENROUTER" not in str(envelope).upper()


def test_the_deadline_and_cancelling_end_a_silent_call(declare: Declare, serve: Serve) -> None:
    server = serve(lambda exchange: exchange.wait_until_left() and None)
    registry = declare(server, {"GET": READ})
    assert failure(registry.execute("WEATHER_GET", CITY, timeout=0.1))["type"] == "timeout"


def test_silence_is_a_timeout(declare: Declare, serve: Serve) -> None:
    server = serve(lambda exchange: exchange.wait_until_left() and None)
    registry = declare(server, {"GET": READ}, read_timeout=0.1, retries=0)
    envelope = registry.execute("WEATHER_GET", CITY)
    assert failure(envelope)["type"] == "timeout"
    assert "Weather was sent the request and then kept silent" in str(envelope.error)


def test_a_large_answer_is_not_read(declare: Declare, serve: Serve) -> None:
    registry = declare(serve(answering(200, "x" * 2_000)), {"GET": READ}, max_answer_bytes=1_000)
    assert failure(registry.execute("WEATHER_GET", CITY))["type"] == "invalid_response"


def redirecting(location: str, status: int = 302) -> Any:
    def script(exchange: Exchange) -> None:
        if exchange.number == 0:
            exchange.answer(status, "", Location=location)
        else:
            exchange.json({"target": exchange.request.target, "key": "authorization" in exchange.request.headers})

    return script


@pytest.mark.parametrize("location", ["/v2/new?a=1", "new?a=1", "?a=1"])
def test_a_redirect_on_the_same_host_is_followed(declare: Declare, serve: Serve, location: str) -> None:
    server = serve(redirecting(location))
    answer = declare(server, {"GET": READ}).execute("WEATHER_GET", CITY).json()
    assert answer["target"].endswith(location.lstrip("/"))
    assert answer["key"]


def test_with_the_credential_once(declare: Declare, serve: Serve) -> None:
    server = serve(redirecting("/v2/new?key=stale&a=1"))
    declare(server, {"GET": READ}, authorization=QUERY).execute("WEATHER_GET", CITY)
    assert server.requests[1].target == f"/v2/new?a=1&key={quote(SECRET, safe='')}"


@pytest.mark.parametrize("path", ["http://localhost:{port}/v1", "https://127.0.0.1:{port}/v1", "//evil.example/v1"])
@pytest.mark.parametrize("authorization", ["Bearer {api_key}", QUERY])
def test_no_other_host_gets_anything(declare: Declare, serve: Serve, path: str, authorization: Any) -> None:
    other = serve(answering(200, {}))
    server = serve(redirecting(path.format(port=other.port)))
    envelope = declare(server, {"GET": READ}, authorization=authorization).execute("WEATHER_GET", CITY)
    error = failure(envelope)
    assert (error["type"], error["status"], error["retryable"]) == ("invalid_response", 302, False)
    assert other.requests == []
    assert len(server.requests) == 1


def test_a_write_follows_no_redirect_and_none_goes_in_circles(declare: Declare, serve: Serve) -> None:
    server = serve(lambda exchange: exchange.answer(307, "", Location=exchange.request.target))
    registry = declare(server, {"GET": READ, "SEND": WRITE})
    assert failure(registry.execute("WEATHER_SEND", {"text": "Rain."}))["status"] == 307
    assert failure(registry.execute("WEATHER_GET", CITY))["status"] == 307
    assert len(server.requests) == 2


def spellings(secret: str) -> list[str]:
    return [secret, quote(secret, safe=""), b64encode(f"alice:{secret}".encode()).decode()]


def repeating(exchange: Exchange) -> None:
    """Say again what was sent, in an answer or an error."""
    request = exchange.request
    told = {"target": request.target, "authorization": request.headers.get("authorization"), "key": spellings(SECRET)}
    exchange.json({"message": json.dumps(told), **told}, 400 if "Bergen" in request.target else 200)


@pytest.mark.parametrize(
    ("authorization", "fields"),
    [
        (QUERY, [field("api_key")]),
        ("Bearer {api_key}", [field("api_key")]),
        ({"basic": {"username": "alice", "password": "{api_key}"}}, [field("api_key")]),
    ],
)
@pytest.mark.parametrize("city", ["Oslo", "Bergen"])
def test_no_credential_comes_back_or_is_logged(
    declare: Declare,
    serve: Serve,
    caplog: pytest.LogCaptureFixture,
    authorization: Any,
    fields: list[dict[str, Any]],
    city: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    registry = declare(serve(repeating), {"GET": READ}, authorization=authorization, fields=fields)
    envelope = registry.execute("WEATHER_GET", {"city": city})
    assert envelope.successful == (city == "Oslo")
    texts = [envelope.data, str(envelope.error), caplog.text, repr(registry)]
    hidden = spellings(SECRET)[: 3 if "basic" in authorization else 2]
    assert [spelling for spelling in hidden for text in texts if spelling in text] == []
    assert "/cities/" in caplog.text  # urllib3's own log of the request


def test_no_credential_stands_in_the_error_of_a_broken_connection(
    declare: Declare, serve: Serve, caplog: pytest.LogCaptureFixture, waits: list[float]
) -> None:
    caplog.set_level(logging.DEBUG)
    registry = declare(serve(lambda exchange: exchange.reset()), {"GET": READ}, authorization=QUERY)
    envelope = registry.execute("WEATHER_GET", CITY)
    assert failure(envelope)["type"] == "connection_failed"
    for text in (envelope.data, str(envelope.error), caplog.text):
        assert not any(spelling in text for spelling in spellings(SECRET))


def test_a_refused_key_is_told_as_one(declare: Declare, serve: Serve) -> None:
    envelope = declare(serve(answering(401, {"message": "Bad key."})), {"GET": READ}).execute("WEATHER_GET", CITY)
    assert failure(envelope)["type"] == "authentication"
    assert "have to be connected" in str(envelope.error)


def test_many_threads_share_the_connections(declare: Declare, serve: Serve) -> None:
    server = serve(answering(200, {"ok": True}))
    registry = declare(server, {"GET": READ})
    threads = [threading.Thread(target=registry.execute, args=("WEATHER_GET", CITY)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in range(8):
        assert registry.execute("WEATHER_GET", CITY).successful
    assert len(server.requests) == 16
    assert server.connections <= 8
