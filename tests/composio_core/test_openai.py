"""Through composio_openai: what a model gets, and what becomes of its calls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.agents.composio import local_toolset
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.tool_calling.options import DEFAULT_LIMIT

from .completions import calling
from .odd_toolkit import odd_registry
from .upstream import upstream

APP = "OPENROUTER_TOOLKIT"
GENERATION = f"{APP}_OPENROUTER_GET_GENERATION"
MODELS = f"{APP}_OPENROUTER_LIST_AVAILABLE_MODELS"
EMBEDDINGS = f"{APP}_OPENROUTER_LIST_EMBEDDING_MODELS"
COUNT = f"{APP}_OPENROUTER_GET_MODELS_COUNT"
ODD = "ODD_TOOLKIT_ODD_ACTION"


@pytest.fixture
def given(openai_toolset: Any) -> Any:
    """A toolset whose model was given all tools."""
    openai_toolset.get_tools(apps=[APP])
    return openai_toolset


def test_an_agent_with_the_openai_client(
    openai_toolset: Any, registry: ToolRegistry, openrouter_sandbox: Sandbox
) -> None:
    from openai import OpenAI

    tools = openai_toolset.get_tools(actions=[COUNT, GENERATION])
    client = OpenAI(base_url=openrouter_sandbox.base_url, api_key=openrouter_sandbox.api_key)
    conversation: list[Any] = [{"role": "user", "content": "What is the count of models?"}]
    answer = client.chat.completions.create(model="acme/atlas-small", messages=conversation, tools=tools)
    on_the_wire = openrouter_sandbox.requests[-1].body["tools"]
    parameters = {tool["function"]["name"]: tool["function"]["parameters"] for tool in on_the_wire}
    ours = {f"{APP}_{t['function']['name']}": t["function"]["parameters"] for t in registry.tools("openai")}
    assert parameters == {name: ours[name] for name in (COUNT, GENERATION)}
    (result,) = openai_toolset.handle_tool_calls(answer, entity_id="alice")
    assert result["successful"], result
    assert result["data"]["data"]["count"] > 0
    assert openrouter_sandbox.requests[-1].path.endswith("/models/count")


def test_tags_choose_tools(openai_toolset: Any, registry: ToolRegistry) -> None:
    tools = openai_toolset.get_tools(apps=[APP], tags=["account"])
    wanted = [f"{APP}_{slug}" for slug, action in registry.offered.items() if "account" in action.tags]
    assert [tool["function"]["name"] for tool in tools] == wanted
    refused, good = openai_toolset.handle_tool_calls(calling((COUNT, "{}"), (f"{APP}_OPENROUTER_GET_CURRENT_KEY", "")))
    assert (refused["successful"], good["successful"]) == (False, True)


def test_a_header_parameter_arrives_as_a_header(given: Any, openrouter_sandbox: Sandbox) -> None:
    (result,) = given.handle_tool_calls(calling((EMBEDDINGS, '{"X-Title": "My agent", "HTTP-Referer": "https://a.b"}')))
    assert result["successful"], result
    headers = openrouter_sandbox.requests[-1].headers
    assert headers["x-title"] == "My agent"
    assert headers["http-referer"] == "https://a.b"


def test_a_long_answer_is_brief_for_a_model_and_can_be_selected_from(given: Any, registry: ToolRegistry) -> None:
    brief, selected = given.handle_tool_calls(calling((MODELS, "{}"), (MODELS, '{"select": "data[0:2].id"}')))
    assert brief["data"] == json.loads(registry.call_tool("OPENROUTER_LIST_AVAILABLE_MODELS", "{}").text)
    assert "columns" in brief["data"]
    assert len(selected["data"]["result"]) == 2
    (wrong,) = given.handle_tool_calls(calling((MODELS, '{"select": "data["}')))
    assert wrong["successful"] is False
    assert "no JMESPath expression" in wrong["error"]


def test_arguments_are_mended_for_a_model(given: Any, openrouter_sandbox: Sandbox) -> None:
    name = f"{APP}_OPENROUTER_CREATE_COMPLETION"
    arguments = '{"model": "acme/atlas-small", "prompt": "One two", "max_tokens": "7", "temperature": null}'
    (result,) = given.handle_tool_calls(calling((name, arguments)))
    assert result["successful"], result
    assert openrouter_sandbox.requests[-1].body["max_tokens"] == 7


@pytest.mark.parametrize("arguments", ["{", "[]", '"[]"', "nonsense", "{'id': 1}", "[" * 100_000])
def test_broken_arguments_do_not_lose_the_other_results(given: Any, arguments: str) -> None:
    broken, good = given.handle_tool_calls(calling((GENERATION, arguments), (COUNT, "")))
    assert broken["successful"] is False
    assert broken["data"]["error"]["type"] == "invalid_arguments"
    assert "Nothing was called" in broken["error"]
    assert good["successful"], good


@pytest.mark.parametrize("name", ["get_weather", f"{APP}_NOTHING", "", "X" * 100_000, "OPENROUTER_OPENROUTER_NOTHING"])
def test_a_tool_that_the_model_was_not_given_is_told(given: Any, name: str) -> None:
    unknown, good = given.handle_tool_calls(calling((name, "{"), (COUNT, "{}")))
    assert unknown["successful"] is False
    assert unknown["data"]["error"]["type"] == "unknown_action"
    assert len(unknown["error"]) < 2000
    assert good["successful"]


def test_an_action_that_was_not_asked_for_is_no_tool(openai_toolset: Any, openrouter_sandbox: Sandbox) -> None:
    openai_toolset.get_tools(actions=[COUNT])
    (result,) = openai_toolset.handle_tool_calls(calling((GENERATION, '{"id": "gen-1"}')))
    assert result["data"]["error"]["type"] == "unknown_action"
    assert f"There are {COUNT}." in result["error"]
    assert openrouter_sandbox.requests == []


def test_the_slug_alone_is_understood(given: Any) -> None:
    (result,) = given.handle_tool_calls(calling(("OPENROUTER_GET_MODELS_COUNT", "{}")))
    assert result["successful"]


def test_a_user_who_is_not_connected(given: Any) -> None:
    (result,) = given.handle_tool_calls(calling((COUNT, "{}")), entity_id="mallory")
    assert result["successful"] is False
    assert result["data"]["error"]["type"] == "not_connected"


def test_two_entities_are_composios_error(registry: ToolRegistry) -> None:
    toolset = local_toolset(registry, package="composio_openai", entity_id="alice")
    toolset.get_tools(apps=[APP])
    with pytest.raises(upstream("InvalidEntityIdError", "composio.exceptions")):
        toolset.handle_tool_calls(calling((COUNT, "{}")), entity_id="bob")


def test_an_empty_entity_is_composios_error_and_not_the_toolsets_own(
    registry: ToolRegistry, openrouter_sandbox: Sandbox
) -> None:
    from types import SimpleNamespace

    toolset = local_toolset(registry, package="composio_openai", entity_id="alice")
    toolset.get_tools(apps=[APP])
    answer = calling((COUNT, "{}"))
    calls = answer.choices[0].message.tool_calls
    run = SimpleNamespace(required_action=SimpleNamespace(submit_tool_outputs=SimpleNamespace(tool_calls=calls)))
    for handle, given in ((toolset.handle_tool_calls, answer), (toolset.handle_assistant_tool_calls, run)):
        with pytest.raises(upstream("InvalidEntityIdError", "composio.exceptions"), match="empty"):
            handle(given, "")
        with pytest.raises(upstream("InvalidEntityIdError", "composio.exceptions"), match="empty"):
            handle(given, entity_id="")
    assert openrouter_sandbox.requests == []
    assert toolset.handle_tool_calls(answer)[0]["successful"]


def test_a_long_failure_is_cut_for_a_model_and_whole_for_a_host(tmp_path: Path) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    words = "word " * 40_000
    toolset = local_toolset(odd_registry(tmp_path, after_execute=broken), package="composio_openai")
    toolset.get_tools(apps=["ODD_TOOLKIT"])
    arguments = {"either": None, "answer": json.dumps({"said": words})}
    (told,) = toolset.handle_tool_calls(calling((ODD, json.dumps(arguments))))
    whole = toolset.execute_action(ODD, arguments)
    assert (told["successful"], whole["successful"]) == (False, False)
    assert words in json.dumps(whole["data"]["partial"])
    assert len(json.dumps(told["data"], ensure_ascii=False, separators=(",", ":"))) <= DEFAULT_LIMIT
    assert "word word" in json.dumps(told["data"]["answer"]["partial"])
    assert told["data"]["answer"]["error"] == whole["data"]["error"]
    assert told["error"] == whole["error"]


def test_an_answer_without_calls_has_no_results(given: Any) -> None:
    assert given.handle_tool_calls(calling()) == []


def test_an_assistants_run_gets_json_texts(given: Any) -> None:
    from types import SimpleNamespace

    calls = calling((COUNT, "{}"), (GENERATION, "{")).choices[0].message.tool_calls
    run = SimpleNamespace(required_action=SimpleNamespace(submit_tool_outputs=SimpleNamespace(tool_calls=calls)))
    good, bad = given.handle_assistant_tool_calls(run)
    assert json.loads(good["output"])["successful"] is True
    assert json.loads(bad["output"])["successful"] is False
    assert bad["tool_call_id"] == "call_1"


def test_calls_of_other_apps_are_composios(given: Any) -> None:
    with pytest.warns(UserWarning, match="without a Composio API key"):
        given.get_tools(actions=["MATHEMATICAL_CALCULATOR"])
    with pytest.raises(json.JSONDecodeError):
        given.handle_tool_calls(calling(("MATHEMATICAL_CALCULATOR", "{")))
