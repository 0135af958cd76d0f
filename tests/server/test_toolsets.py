"""Further toolsets on a server: off until an administrator switches them on, everywhere; then like other actions."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from openrouter_toolkit.manifest import load
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import Store

from .pages.person import Person
from .served import Served

TOOLKIT = load()
DOCUMENTED = [action.slug for action in TOOLKIT.actions]
INFERENCE = [action.slug for action in TOOLKIT.actions_of("inference")]
RERANK = "OPENROUTER_CREATE_RERANK"
ARGUMENTS = {"model": "acme/rank-2", "query": "a cat", "documents": ["a dog", "a cat"]}
MCP = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


@pytest.fixture
def host(served: Served) -> Any:
    token = served.token("alice")
    with served.client(token) as host:
        host.headers["x-api-key"] = token  # as Composio's clients send it
        yield host


def mcp(host: httpx2.Client, method: str, params: dict[str, Any], toolsets: str | None = None) -> httpx2.Response:
    call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return host.post("/mcp", json=call, headers=MCP if toolsets is None else {**MCP, "X-Toolsets": toolsets})


def over_mcp(host: httpx2.Client, toolsets: str | None = None) -> list[str]:
    answer = mcp(host, "tools/list", {}, toolsets).text
    result = json.loads(answer[answer.index("{") :])["result"]
    return [tool["name"] for tool in result["tools"]]


def over_the_api(host: httpx2.Client) -> list[str]:
    tools = host.get("/api/tools").json()["tools"]
    return [name for tool in tools if (name := tool["function"]["name"]).startswith("OPENROUTER_")]


def as_composio(host: httpx2.Client, **params: str) -> list[str]:
    query = {"toolkit_slug": "openrouter", "limit": "500", **params}
    return [item["slug"] for item in host.get("/api/v3.1/tools", params=query).json()["items"]]


def executed(host: httpx2.Client) -> dict[str, Any]:
    answer: dict[str, Any] = host.post(f"/api/actions/{RERANK}", json={"arguments": ARGUMENTS}).json()
    return answer


def test_until_one_is_on_a_host_sees_what_is_documented(host: httpx2.Client, sandbox: Sandbox) -> None:
    for listed in (over_mcp, over_the_api, as_composio):
        assert listed(host) == DOCUMENTED
    assert host.get(f"/api/v3.1/tools/{RERANK}").status_code == 404
    assert json.loads(executed(host)["data"])["error"]["type"] == "refused_by_policy"
    assert "it is not switched on; it belongs to the toolset inference" in executed(host)["error"]
    assert sandbox.requests == []


def test_one_that_is_on_is_shown_and_executed_at_once(host: httpx2.Client, store: Store) -> None:
    store.switches.turn_on_toolset("OPENROUTER", "inference")
    for listed in (over_mcp, over_the_api, as_composio):
        assert listed(host) == [*DOCUMENTED, *INFERENCE]
    assert as_composio(host, important="true") == [
        slug for slug in DOCUMENTED if slug != "OPENROUTER_CREATE_COMPLETION"
    ]
    assert executed(host)["successful"]
    store.switches.turn_off("OPENROUTER", RERANK)
    assert over_mcp(host) == [*DOCUMENTED, INFERENCE[0]]
    store.switches.turn_off_toolset("OPENROUTER", "inference")
    assert over_mcp(host) == DOCUMENTED
    assert not executed(host)["successful"]


def test_an_earlier_version_of_the_toolkit_has_none_of_them(host: httpx2.Client, store: Store) -> None:
    store.switches.turn_on_toolset("OPENROUTER", "inference")
    earlier = as_composio(host, toolkit_versions="20260316_00")
    assert sorted(earlier) == sorted(TOOLKIT.toolkit.earlier_versions["20260316_00"])


def test_a_header_narrows_what_mcp_shows_and_widens_nothing(host: httpx2.Client, store: Store) -> None:
    store.switches.turn_on_toolset("OPENROUTER", "inference")
    assert over_mcp(host, "inference") == INFERENCE
    assert over_mcp(host, "documented, keys") == DOCUMENTED
    assert over_mcp(host, "keys") == []
    call = {"name": RERANK, "arguments": ARGUMENTS}
    assert "relevance_score" in mcp(host, "tools/call", call, "inference").text
    refused = mcp(host, "tools/call", call, "documented").text
    assert "none of the toolsets that this request has chosen" in refused


def test_a_header_with_an_unknown_name_is_a_clear_error(host: httpx2.Client) -> None:
    answer = mcp(host, "tools/list", {}, "inference,infrence")
    assert answer.status_code == 400
    assert 'no toolset "infrence". There are documented, inference, ' in answer.json()["error"]["message"]


def test_the_page_switches_them(served: Served, store: Store, host: httpx2.Client) -> None:
    person = Person(served)
    with person.client:
        person.log_in()
        page = person.open("/admin/tools/openrouter")
        assert "Further toolsets" in page.text
        assert "needs: Management key" in page.text
        assert RERANK not in page.text
        page = person.send(page, to="/toolsets/inference/switch")
        assert "The toolset inference is on." in page.text
        assert RERANK in page.text
        assert over_mcp(host) == [*DOCUMENTED, *INFERENCE]
        page = person.send(page, to="/toolsets/inference/switch")
        assert "The toolset inference is off." in page.text
        assert RERANK not in page.text
        assert "destroys" not in page.text
        page = person.send(page, to="/toolsets/keys/switch")
        assert "Delete Key destroys" in page.text
        page = person.send(page, to="/toolsets/keys/switch")
        form = page.form(to="/toolsets/keys/switch")
        assert person.post(form.action, **{**form.fields, "to": "both"}).status == 400
        assert person.post(form.action.replace("keys", "nothing"), **form.fields).status == 404
    assert store.switches.toolsets("OPENROUTER") == {}


def test_a_toolset_that_is_on_is_no_toolkit(store: Store, served: Served) -> None:
    store.switches.turn_on_toolset("openrouter", "keys")
    assert list(store.switches.toolsets("OPENROUTER")) == ["keys"]
    assert list(store.switches.toolsets("ECHO")) == []
    assert list(served.state.toolkits) == ["OPENROUTER", "ECHO"]
