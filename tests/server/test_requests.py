"""`arguments` as text: what a model wrote. It is mended as elsewhere, or the model is told what to mend."""

from __future__ import annotations

import json
from typing import Any

import pytest

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.sandbox import Sandbox

from .served import CHAT, KEY, MODELS, QUESTION, Served
from .test_events import told
from .test_routes import error_of, refused

NO_OBJECT = {"[]": "an array", "5": "a number"}
BROKEN = ["{model: x}", "{", *NO_OBJECT, '"x"', '{"n": NaN}', '{"n": 1e999}', '{"n": "\\ud800"}', "[" * 100_000]


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_what_is_no_object_comes_back_as_something_to_mend(served: Served, sandbox: Sandbox, text: str) -> None:
    with served.client(served.token("alice")) as host:
        answer = host.post(f"/api/actions/{CHAT}", json={"user_id": "alice", "arguments": text})
    assert answer.status_code == 200
    error = error_of(answer.json())
    assert error["type"] == "invalid_arguments"
    wrong = f"a JSON object, but {NO_OBJECT[text]}." if text in NO_OBJECT else "valid JSON"
    assert answer.json()["error"].startswith(f'The arguments of "{CHAT}" are not {wrong}')
    assert "Nothing was called." in answer.json()["error"]
    assert sandbox.requests == []


def test_it_is_told_as_to_any_model(served: Served) -> None:
    text = "{model: x}"
    with served.client(served.token("alice")) as host:
        envelope = host.post(f"/api/actions/{CHAT}", json={"arguments": text}).json()
    with ToolRegistry.from_manifest() as registry:
        result = registry.call_tool(CHAT, text)
    assert envelope["error"].partition(": ")[0] == result.text.partition(": ")[0]
    assert envelope["error"].rpartition(". ")[2] == result.text.rpartition(". ")[2]


def test_whom_a_token_may_act_for_is_looked_at_first(served: Served) -> None:
    with served.client(served.token("bob")) as host:
        answer = host.post(f"/api/actions/{CHAT}", json={"user_id": "alice", "arguments": "{"})
    refused(answer, 403, "forbidden")


def test_an_action_that_does_not_exist_is_told_too(served: Served) -> None:
    with served.client(served.token("alice")) as host:
        envelope = host.post("/api/actions/OPENROUTER_GET_CURENT_KEY", json={"arguments": "{}"}).json()
    assert error_of(envelope)["suggestions"][0] == KEY


def test_values_in_text_are_mended_and_those_in_an_object_are_not(served: Served, sandbox: Sandbox) -> None:
    wrong: dict[str, Any] = {**QUESTION, "max_tokens": "50", "temperature": None}
    with served.client(served.token("alice")) as host:
        strict = host.post(f"/api/actions/{CHAT}", json={"arguments": wrong}).json()
        mended = host.post(f"/api/actions/{CHAT}", json={"arguments": json.dumps(wrong)}).json()
    assert error_of(strict)["type"] == "invalid_arguments"
    assert mended["successful"]
    assert [request.body for request in sandbox.requests] == [{**QUESTION, "max_tokens": 50}]


def test_the_whole_answer_comes(served: Served) -> None:
    with served.client(served.token("alice")) as host:
        written = host.post(f"/api/actions/{MODELS}", json={"arguments": "{}"}).json()
        assert written == host.post(f"/api/actions/{MODELS}", json={"arguments": {}}).json()


def test_a_stream_is_one(served: Served) -> None:
    for stream in (True, "true"):
        call = {"arguments": json.dumps({**QUESTION, "stream": stream})}
        with (
            served.client(served.token("alice")) as host,
            host.stream("POST", f"/api/actions/{CHAT}", json=call) as answer,
        ):
            *pieces, (last, envelope) = told(answer)
        assert pieces
        assert (last, envelope["successful"]) == ("envelope", True)
