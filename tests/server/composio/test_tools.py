"""Lists of tools with all their filters, versions, and single tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit.manifest import load
from openrouter_toolkit.store import Store

from .conftest import Api

OPENROUTER = [action.slug for action in load().actions]
EARLIER = "20260316_00"
DOCUMENTED = load().toolkit.earlier_versions[EARLIER]
CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"


def slugs(api: Api, **params: Any) -> list[str]:
    answer = api("GET", "/tools", params=params)
    assert answer.status_code == 200, answer.text
    return [item["slug"] for item in answer.json()["items"]]


def test_a_toolkit_is_asked_for_in_any_letter_case(api: Api) -> None:
    assert slugs(api, toolkit_slug="openrouter") == OPENROUTER
    assert slugs(api, toolkit_slug="OpenRouter,nothing") == OPENROUTER
    assert slugs(api, toolkit_slug="nothing") == []


def test_named_tools_come_and_unknown_names_are_left_out(api: Api) -> None:
    assert slugs(api, tool_slugs=f"{CHAT},OPENROUTER_NOTHING", limit=9999) == [CHAT]


def test_an_alias_finds_its_tool(api: Api) -> None:
    assert slugs(api, tool_slugs="OPENROUTER_OPENROUTER_LIST_PROVIDERS") == ["OPENROUTER_LIST_PROVIDERS"]


def test_important_tools_are_all_that_composio_documents(api: Api) -> None:
    found = slugs(api, toolkit_slug="openrouter", important="true")
    assert sorted(found) == sorted(DOCUMENTED)
    assert len(found) == len(DOCUMENTED)


def test_tools_are_filtered_by_tags_and_auth_configs(api: Api) -> None:
    read_only = slugs(api, toolkit_slug="openrouter", tags="readOnlyHint")
    assert read_only == [action.slug for action in load().actions if action.definition.annotations.readOnlyHint]
    assert slugs(api, auth_config_ids="ac_openrouter") == OPENROUTER
    assert slugs(api, auth_config_ids="ac_nothing") == []


@pytest.mark.parametrize("name", ["query", "search"])
def test_a_search_finds_tools_by_words_in_any_order(api: Api, name: str) -> None:
    assert slugs(api, **{name: "completion chat"})[0] == CHAT
    assert slugs(api, **{name: "zzz"}) == []


def test_pages_have_cursors_until_the_end(api: Api) -> None:
    found: list[str] = []
    params: dict[str, Any] = {"toolkit_slug": "openrouter", "limit": 5}
    numbers = []
    while True:
        page = api("GET", "/tools", params=params).json()
        found += [item["slug"] for item in page["items"]]
        numbers.append(page["current_page"])
        assert page["total_items"] == len(OPENROUTER)
        assert page["total_pages"] == -(-len(OPENROUTER) // 5)
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert found == OPENROUTER
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("params", [{"limit": "0"}, {"limit": "x"}, {"cursor": "nothing"}, {"cursor": "///"}])
def test_a_wrong_page_is_refused_by_name(api: Api, params: dict[str, str]) -> None:
    answer = api("GET", "/tools", params=params)
    assert answer.status_code == 400
    assert answer.json()["error"]["slug"] == "HTTP_BadRequest"
    assert next(iter(params)) in answer.json()["error"]["message"]


def test_an_earlier_version_has_its_own_actions_and_no_more(api: Api) -> None:
    page = api("GET", "/tools", params={"toolkit_versions[openrouter]": EARLIER, "toolkit_slug": "openrouter"}).json()
    assert sorted(item["slug"] for item in page["items"]) == sorted(DOCUMENTED)
    assert {item["version"] for item in page["items"]} == {EARLIER}
    assert slugs(api, toolkit_slug="openrouter", **{"toolkit_versions[gmail]": "20200101_00"}) == OPENROUTER
    assert slugs(api, toolkit_slug="openrouter", toolkit_versions="latest") == OPENROUTER
    added = next(slug for slug in OPENROUTER if slug not in DOCUMENTED)
    for params in ({"version": EARLIER}, {"toolkit_versions[openrouter]": EARLIER}):
        refused = api("GET", f"/tools/{added}", params=params)
        assert (refused.status_code, refused.json()["error"]["slug"]) == (404, "Tool_ToolNotFound")


@pytest.mark.parametrize("version", ["20990101_00", "nonsense", "0"])
def test_an_unknown_version_is_an_unknown_tool(api: Api, version: str) -> None:
    answer = api("GET", f"/tools/{CHAT}", params={"version": version})
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == 2401


def test_a_tool_says_that_its_data_is_an_object(api: Api) -> None:
    tool = api("GET", f"/tools/{CHAT}").json()
    assert tool["slug"] == CHAT
    assert tool["toolkit"]["slug"] == "openrouter"
    assert tool["input_parameters"]["type"] == "object"
    assert tool["output_parameters"]["properties"]["data"]["type"] == "object"
    assert EARLIER in tool["available_versions"]
    added = next(slug for slug in OPENROUTER if slug not in DOCUMENTED)
    assert EARLIER not in api("GET", f"/tools/{added}").json()["available_versions"]
    assert not list(_booleans_as_schemas(tool["input_parameters"]))


def _booleans_as_schemas(schema: Any) -> Any:
    """Yield what TypeScript's client throws at: true in place of a schema, and examples that are no array."""
    if isinstance(schema, dict):
        for key in ("properties", "$defs"):
            yield from (name for name, inner in schema.get(key, {}).items() if not isinstance(inner, dict))
        if not isinstance(schema.get("items", {}), dict) or not isinstance(schema.get("examples", []), list):
            yield schema
        for inner in schema.values():
            yield from _booleans_as_schemas(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _booleans_as_schemas(inner)


def test_an_action_that_is_switched_off_does_not_exist(api: Api, store: Store) -> None:
    store.switches.turn_off("OPENROUTER", CHAT)
    assert CHAT not in slugs(api, toolkit_slug="openrouter")
    assert CHAT not in api("GET", "/tools/enum").json()
    answer = api("POST", f"/tools/execute/{CHAT}", json={"user_id": "alice", "arguments": {}})
    assert (answer.status_code, answer.json()["error"]["slug"]) == (404, "Tool_ToolNotFound")


def test_both_versions_of_the_api_answer_alike(api: Api, older_api: Api) -> None:
    for path in ("/tools", "/toolkits", "/toolkits/openrouter", "/auth_configs", "/connected_accounts"):
        assert older_api("GET", path).json() == api("GET", path).json()


def test_toolkits_are_found_by_category_and_text(api: Api) -> None:
    assert api("GET", "/toolkits").json()["items"][0]["slug"] == "openrouter"
    for params in ({"search": "language models"}, {"category": "developer-tools"}, {"sort_by": "alphabetically"}):
        found = api("GET", "/toolkits", params=params).json()["items"]
        assert "openrouter" in [one["slug"] for one in found]
    for params in ({"search": "zzz"}, {"category": "nothing"}, {"managed_by": "composio"}):
        assert api("GET", "/toolkits", params=params).json()["items"] == []
    category = api("GET", "/toolkits/categories").json()["items"][0]
    assert set(category) >= {"id", "slug", "name"}
    assert api("GET", "/toolkits/gmail").status_code == 404
    assert api("GET", "/toolkits/OPENROUTER", params={"version": EARLIER}).json()["meta"]["version"] == EARLIER
    some = api("POST", "/toolkits/multi", json={"toolkits": ["openrouter", "gmail"]}).json()["items"]
    assert [one["slug"] for one in some] == ["openrouter"]


def test_the_packaged_documentation_and_the_manifest_name_the_same_actions() -> None:
    seed = Path(__file__).parents[4] / "shared" / "seed" / "documented_actions.json"
    if not seed.exists():
        pytest.skip("the documented actions are not here")
    names = [one["slug"] for one in json.loads(seed.read_text("utf-8"))]
    assert sorted(DOCUMENTED) == sorted(names)
