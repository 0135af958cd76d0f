"""Actions executed through composio's toolset."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.accounts import MemoryAccounts
from openrouter_toolkit.agents.composio import local_toolset
from openrouter_toolkit.sandbox import Sandbox

from .completions import calling
from .odd_toolkit import odd_registry
from .upstream import upstream

PREFIX = "OPENROUTER_TOOLKIT_"
ASK = f"{PREFIX}OPENROUTER_CREATE_CHAT_COMPLETION"
QUESTION = {"model": "acme/atlas-small", "messages": [{"role": "user", "content": "What is 17 * 3?"}]}
ODD = "ODD_TOOLKIT_ODD_ACTION"


def test_an_answer_is_composios_envelope_with_an_object(toolset: Any) -> None:
    answer = toolset.execute_action(ASK, QUESTION)
    assert list(answer) == ["data", "error", "successful"]
    assert answer["successful"] is True
    assert answer["error"] is None
    assert "51" in answer["data"]["choices"][0]["message"]["content"]


def test_an_answer_is_whole_for_a_host(toolset: Any, registry: ToolRegistry) -> None:
    answer = toolset.execute_action(f"{PREFIX}OPENROUTER_LIST_AVAILABLE_MODELS", {})
    whole = registry.execute("OPENROUTER_LIST_AVAILABLE_MODELS", {})
    assert answer["data"] == json.loads(whole.data)


@pytest.mark.parametrize("name", [ASK.lower(), "enum"])
def test_a_name_as_composio_takes_it(toolset: Any, name: str) -> None:
    assert toolset.execute_action(upstream("Action")(ASK) if name == "enum" else name, QUESTION)["successful"]


def test_the_entity_is_the_user(openrouter_sandbox: Sandbox) -> None:
    keys = {user: {"api_key": f"{openrouter_sandbox.api_key}-{user}"} for user in ("alice", "bob")}
    registry = ToolRegistry.from_manifest(accounts=MemoryAccounts(keys))
    toolset = local_toolset(registry, entity_id="alice")
    name = f"{PREFIX}OPENROUTER_GET_CURRENT_KEY"
    assert toolset.execute_action(name, {})["successful"]
    assert toolset.execute_action(name, {}, entity_id="bob")["successful"]
    assert [request.key for request in openrouter_sandbox.requests] == [
        keys["alice"]["api_key"],
        keys["bob"]["api_key"],
    ]
    stranger = toolset.execute_action(name, {}, entity_id="mallory")
    assert stranger["successful"] is False
    assert stranger["data"]["error"]["type"] == "not_connected"
    assert 'No OpenRouter account with api_key is connected for user "mallory".' in stranger["error"]
    assert len(openrouter_sandbox.requests) == 2


@pytest.mark.parametrize("way", ["execute_action", "execute_tool_call"])
def test_an_empty_entity_is_nobody_and_not_the_toolsets_own(openrouter_sandbox: Sandbox, way: str) -> None:
    accounts = MemoryAccounts({"alice": {"api_key": openrouter_sandbox.api_key}})
    toolset = local_toolset(ToolRegistry.from_manifest(accounts=accounts), package="composio_openai", entity_id="alice")
    toolset.get_tools(apps=["OPENROUTER_TOOLKIT"])
    name = f"{PREFIX}OPENROUTER_GET_CURRENT_KEY"
    if way == "execute_action":
        answer = toolset.execute_action(name, {}, entity_id="")
    else:
        (tool_call,) = calling((name, "{}")).choices[0].message.tool_calls
        answer = toolset.execute_tool_call(tool_call, entity_id="")
    assert answer["successful"] is False
    assert answer["data"]["error"]["type"] == "not_connected"
    assert openrouter_sandbox.requests == []


@pytest.mark.parametrize("for_model", [False, True])
def test_a_connected_account_id_is_refused_and_not_ignored(
    toolset: Any, openrouter_sandbox: Sandbox, for_model: bool
) -> None:
    name = f"{PREFIX}OPENROUTER_GET_CURRENT_KEY"
    toolset._requested_actions = [name]
    options = {"connected_account_id": "ca_of_bob", "_check_requested_actions": for_model}
    answer = toolset.execute_action(name, {}, entity_id="alice", **options)
    assert answer["successful"] is False
    assert answer["data"]["error"]["type"] == "refused_by_policy"
    assert "accounts are chosen by entity_id here" in answer["error"]
    assert openrouter_sandbox.requests == []


def test_keys_given_to_composio_do_not_count(toolset: Any, openrouter_sandbox: Sandbox) -> None:
    stolen = "sk-or-v1-somebody-elses"
    parameters = [{"in_": "metadata", "name": "api_key", "value": stolen}]
    toolset.add_auth(app="OPENROUTER_TOOLKIT", parameters=parameters)
    name = f"{PREFIX}OPENROUTER_GET_CURRENT_KEY"
    assert toolset.execute_action(name, {}, metadata={"api_key": stolen})["successful"]
    assert openrouter_sandbox.requests[-1].key == openrouter_sandbox.api_key


def test_wrong_arguments_are_told_and_nothing_is_sent(toolset: Any, openrouter_sandbox: Sandbox) -> None:
    answer = toolset.execute_action(f"{PREFIX}OPENROUTER_GET_GENERATION", {"idd": "gen-1"})
    assert answer["successful"] is False
    assert "idd: unknown parameter, did you mean id?" in answer["error"]
    assert answer["data"]["error"]["problems"]
    assert openrouter_sandbox.requests == []


@pytest.mark.parametrize("params", [[1], "[1]", '"{}"', "{", 5, (1, 2), {"id": {1, 2}}, {"id": object()}, {1: 2}])
def test_params_that_are_no_object_are_told(toolset: Any, params: Any) -> None:
    answer = toolset.execute_action(f"{PREFIX}OPENROUTER_GET_GENERATION", params)
    assert answer["successful"] is False
    assert answer["data"]["error"]["type"] == "invalid_arguments"


@pytest.mark.parametrize("params", [None, "", " ", "{}", {}])
def test_no_params_are_an_empty_object(toolset: Any, params: Any) -> None:
    assert toolset.execute_action(f"{PREFIX}OPENROUTER_GET_MODELS_COUNT", params)["successful"]


def test_an_unknown_action_is_told(toolset: Any) -> None:
    answer = toolset.execute_action(f"{PREFIX}OPENROUTER_GET_CREDIT", {})
    assert answer["successful"] is False
    assert answer["data"]["error"]["type"] == "unknown_action"
    assert answer["error"].endswith(f"Did you mean {PREFIX}OPENROUTER_GET_CREDITS?")
    nothing_near = toolset.execute_action(f"{PREFIX}ZZZ", {})
    assert "There are OPENROUTER_TOOLKIT_OPENROUTER_CREATE_CHAT_COMPLETION, " in nothing_near["error"]


def test_an_older_slug_is_no_name_in_composio(toolset: Any) -> None:
    answer = toolset.execute_action(f"{PREFIX}OPENROUTER_OPENROUTER_LIST_PROVIDERS", {})
    assert answer["data"]["error"]["type"] == "unknown_action"


def test_what_openrouter_says_comes_as_a_failure(toolset: Any) -> None:
    answer = toolset.execute_action(ASK, {**QUESTION, "model": "sandbox/no-credits"})
    assert answer["successful"] is False
    assert answer["data"]["error"]["status"] == 402
    assert answer["error"]


def test_the_key_is_in_no_failure(toolset: Any, openrouter_sandbox: Sandbox) -> None:
    answer = toolset.execute_action(ASK, {**QUESTION, "model": "sandbox/echo-key"})
    assert answer["successful"] is False
    assert openrouter_sandbox.api_key not in json.dumps(answer)
    assert openrouter_sandbox.api_key not in repr(toolset) + repr(vars(toolset))


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("[1, 2]", {"result": [1, 2]}),
        ("17", {"result": 17}),
        ("<rss/>", {"result": "<rss/>"}),
        ("", {"result": ""}),
        ("null", {"result": None}),
        ('{"n": NaN}', {"n": None}),
        ("[" * 100_000, {"result": "[" * 100_000}),
    ],
)
def test_an_answer_that_is_no_object_is_the_result(tmp_path: Path, text: str, data: Any) -> None:
    toolset = local_toolset(odd_registry(tmp_path))
    answer = toolset.execute_action(ODD, {"either": None, "answer": text})
    assert answer == {"data": data, "error": None, "successful": True}


def test_no_argument_is_walked_as_an_upload(tmp_path: Path) -> None:
    file = tmp_path / "secret.txt"
    file.write_text("of the host's disk")
    toolset = local_toolset(odd_registry(tmp_path))
    # Composio's walk raises KeyError for `either` and `shared`, and would read the file at `upload` and send it.
    params = {"either": {"a": 1}, "shared": {"n": 1}, "upload": str(file)}
    assert toolset.execute_action(ODD, params)["data"] == {"arrived": params}
    assert params == {"either": {"a": 1}, "shared": {"n": 1}, "upload": str(file)}


def test_objects_of_pydantic_arrive_as_dicts(tmp_path: Path) -> None:
    from pydantic import BaseModel

    class Shared(BaseModel):
        n: int

    toolset = local_toolset(odd_registry(tmp_path))
    answer = toolset.execute_action(ODD, {"either": None, "shared": Shared(n=1)})
    assert answer["data"] == {"arrived": {"either": None, "shared": {"n": 1}}}


def test_processors_of_the_hosts_count(toolset: Any, openrouter_sandbox: Sandbox) -> None:
    def cheaper(request: dict[str, Any]) -> dict[str, Any]:
        return {**request, "max_tokens": 5}

    def short(response: dict[str, Any]) -> dict[str, Any]:
        return {**response, "data": {"usage": response["data"]["usage"]}}

    processors = {"pre": {upstream("App")("OPENROUTER_TOOLKIT"): cheaper}, "post": {upstream("Action")(ASK): short}}
    answer = toolset.execute_action(ASK, QUESTION, processors=processors)
    assert list(answer["data"]) == ["usage"]
    assert openrouter_sandbox.requests[-1].body["max_tokens"] == 5


def test_no_processor_is_gone_round_by_arguments_as_text(toolset: Any) -> None:
    def refuse(request: dict[str, Any]) -> dict[str, Any]:
        raise PermissionError

    toolset._requested_actions = [ASK]
    processors = {"pre": {ASK: refuse}}
    for params in (QUESTION, json.dumps(QUESTION), json.dumps(json.dumps(QUESTION)), "", None):
        with pytest.raises(PermissionError):
            toolset.execute_action(ASK, params, processors=processors, _check_requested_actions=True)


def test_a_processor_may_say_again_and_not_for_ever(toolset: Any, openrouter_sandbox: Sandbox) -> None:
    name = f"{PREFIX}OPENROUTER_GET_MODELS_COUNT"
    seen: list[Any] = []

    def once_again(response: dict[str, Any]) -> Any:
        seen.append(response)
        return upstream("RETRY") if len(seen) < 2 else response

    with pytest.warns(UserWarning, match="got '_Retry'"):  # composio warns of its own constant
        answer = toolset.execute_action(name, {}, processors={"post": {name: once_again}})
    assert answer["successful"]
    assert len(seen) == 2
    with pytest.warns(UserWarning, match="got '_Retry'"):
        never = toolset.execute_action(name, {}, processors={"post": {name: lambda _: upstream("RETRY")}})
    assert never["successful"] is False
    assert len(never["data"]["failed_responses"]) == 3
    assert "executed 3 times" in never["error"]
    assert len(openrouter_sandbox.requests) == 5


def test_many_threads_share_a_toolset(toolset: Any) -> None:
    def ask(number: int) -> str:
        messages = [{"role": "user", "content": f"What is {number} * 3?"}]
        answer = toolset.execute_action(ASK, {**QUESTION, "messages": messages}, entity_id="alice")
        return str(answer["data"]["choices"][0]["message"]["content"])

    with ThreadPoolExecutor(8) as pool:
        for number, said in enumerate(pool.map(ask, range(10, 40)), 10):
            assert str(number * 3) in said


def test_other_apps_are_executed_as_composio_does(
    toolset: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.warns(UserWarning, match="without a Composio API key"):
        answer = toolset.execute_action("MATHEMATICAL_CALCULATOR", {"operation": "17 * 3"})
    assert answer["data"]["result"] == "51"
    assert toolset.get_action_schemas(actions=["MATHEMATICAL_CALCULATOR"])
    assert list(tmp_path.iterdir()) == []  # composio's lock file would be here
