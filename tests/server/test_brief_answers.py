"""Where a model reads the answer of POST /api/actions: lists in brief, and what `select` chooses."""

from __future__ import annotations

import json

import pytest

from openrouter_toolkit.manifest import load
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.tool_calling.options import DEFAULT_LIMIT
from openrouter_toolkit.tool_calling.summary import for_model

from .served import CHAT, QUESTION, Served

LIST = "OPENROUTER_LIST_AVAILABLE_MODELS"


def test_a_list_comes_as_a_model_gets_it_elsewhere(served: Served) -> None:
    form = next(action.definition.brief for action in load().actions if action.slug == LIST)
    assert form is not None
    with served.client(served.token("alice")) as host:
        whole = host.post(f"/api/actions/{LIST}", json={}).json()
        brief = host.post(f"/api/actions/{LIST}?brief=true", json={}).json()
    assert len(brief["data"]) < len(whole["data"]) / 2
    assert (brief["error"], brief["successful"]) == (None, True)
    assert brief["data"] == for_model(whole["data"], form.model_dump(), limit=DEFAULT_LIMIT)


@pytest.mark.parametrize("query", ["", "?brief=true"])
def test_select_chooses(served: Served, query: str) -> None:
    call = {"arguments": {"select": "data[?contains(id, 'atlas')].id"}}
    with served.client(served.token("alice")) as host:
        envelope = host.post(f"/api/actions/{LIST}{query}", json=call).json()
    assert envelope["successful"]
    assert json.loads(envelope["data"]) == [name for name in json.loads(envelope["data"]) if "atlas" in name] != []


def test_every_tool_that_is_listed_can_be_called_as_it_is_listed(served: Served) -> None:
    with served.client(served.token("alice")) as host:
        tools = host.get("/api/tools").json()["tools"]
        with_select = [
            tool["function"]["name"] for tool in tools if "select" in tool["function"]["parameters"]["properties"]
        ]
        assert len(with_select) >= 5
        for name in with_select:
            arguments = {"select": "length(data)"}
            if name == "OPENROUTER_LIST_MODEL_ENDPOINTS":
                arguments |= {"author": "acme", "slug": "atlas-small", "select": "data.id"}
            envelope = host.post(f"/api/actions/{name}", json={"arguments": arguments}).json()
            assert envelope["successful"], (name, envelope)
            assert len(envelope["data"]) < 100


def test_a_failure_is_the_same_envelope(served: Served) -> None:
    call = {"arguments": {"model": "acme/atlas-smal", "messages": QUESTION["messages"]}}
    with served.client(served.token("alice")) as host:
        plain, brief = (host.post(f"/api/actions/{CHAT}{query}", json=call).json() for query in ("", "?brief=true"))
        wrong = host.post(f"/api/actions/{LIST}", json={"arguments": {"select": "data[?"}}).json()
    assert brief["successful"] is False
    assert brief["error"] == plain["error"]
    assert wrong["successful"] is False
    assert "select" in wrong["error"]


def test_an_object_is_not_mended_and_text_is(served: Served, sandbox: Sandbox) -> None:
    wrong = {**QUESTION, "max_tokens": "50"}
    with served.client(served.token("alice")) as host:
        envelope = host.post(f"/api/actions/{CHAT}?brief=true", json={"arguments": wrong}).json()
        assert "max_tokens" in envelope["error"]
        assert sandbox.requests == []
        envelope = host.post(f"/api/actions/{CHAT}?brief=true", json={"arguments": json.dumps(wrong)}).json()
        assert envelope["successful"]
        text = json.dumps({"select": "length(data)"})
        assert host.post(f"/api/actions/{LIST}", json={"arguments": text}).json()["data"].isdigit()
        assert "select" in host.post(f"/api/actions/{LIST}", json={"arguments": {"select": 5}}).json()["error"]


def test_what_has_no_brief_form_has_no_select(served: Served, sandbox: Sandbox) -> None:
    with served.client(served.token("alice")) as host:
        envelope = host.post(f"/api/actions/{CHAT}", json={"arguments": {**QUESTION, "select": "choices"}}).json()
        assert "select" in envelope["error"]
        assert sandbox.requests == []
        answer = host.post(f"/api/actions/{CHAT}?brief=true", json={"arguments": QUESTION}).json()
        assert json.loads(answer["data"])["choices"][0]["message"]["content"] == "17 * 3 = 51"
        answer = host.post(f"/api/actions/{LIST}?breif=true", json={})
        assert answer.status_code == 422
        assert "did you mean brief?" in answer.json()["error"]["message"]
        assert host.post(f"/api/actions/{CHAT}?brief=perhaps", json={"arguments": QUESTION}).status_code == 422
