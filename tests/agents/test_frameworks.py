"""What holds in each framework: what the model is shown, what it reads, and that nothing it does ends the run."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pytest

from openrouter_toolkit import MemoryAccounts, ToolRegistry
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.tool_calling import input_schema

from ..timing import wait_until
from .frameworks import FRAMEWORKS, Framework
from .scripted_models import Call

CHAT: dict[str, Any] = {"model": "acme/atlas-small", "messages": [{"role": "user", "content": "What is 17 * 3?"}]}
COMPLETION = "OPENROUTER_CREATE_CHAT_COMPLETION"
GENERATION = "OPENROUTER_GET_GENERATION"


@pytest.fixture(params=FRAMEWORKS, ids=lambda framework: framework.name)
def framework(request: pytest.FixtureRequest) -> Framework:
    chosen: Framework = request.param
    return chosen


def read(framework: Framework, registry: ToolRegistry, *calls: Call, **options: Any) -> list[str]:
    """What the model reads after it made the calls; the run has to go on to its end."""
    with framework.model(list(calls), "Done.") as model:
        assert asyncio.run(framework.run(model, registry, **options)) == "Done."
        return model.read()


# What the model is shown.


@pytest.mark.parametrize("extensions", [False, True])
def test_the_model_is_shown_our_definitions_as_they_are(
    framework: Framework, registry: ToolRegistry, extensions: bool
) -> None:
    with framework.model("Done.") as model:
        asyncio.run(framework.run(model, registry, extensions=extensions))
        shown = [(name, description, framework.told(schema)) for name, description, schema in model.definitions()]
    assert shown == [
        (slug, action.definition.description, framework.told(input_schema(action, extensions=extensions)))
        for slug, action in registry.offered.items()
    ]
    schemas = {name: schema for name, _, schema in shown}
    assert "X-Title" in schemas["OPENROUTER_LIST_EMBEDDING_MODELS"]["properties"]
    assert schemas[GENERATION]["required"] == ["id"]
    assert schemas[COMPLETION]["properties"]["logit_bias"]["additionalProperties"]["type"] == "number"
    assert schemas[COMPLETION]["properties"]["messages"]["items"]["additionalProperties"] is True
    if extensions:
        assert schemas["OPENROUTER_LIST_EMBEDDING_MODELS"]["properties"]["offset"]["type"] == ["integer", "null"]


def test_only_what_may_be_used_is_shown(framework: Framework, openrouter_sandbox: Sandbox) -> None:
    with ToolRegistry.from_manifest(allow=["account"], read_only=True) as registry, framework.model("Done.") as model:
        asyncio.run(framework.run(model, registry))
        assert {name for name, _, _ in model.definitions()} == set(registry.offered)
        assert COMPLETION not in registry.actions


# What it reads.


def test_an_answer_is_read_as_it_is(framework: Framework, registry: ToolRegistry) -> None:
    assert json.loads(*read(framework, registry, Call("OPENROUTER_GET_MODELS_COUNT")))["data"]["count"] > 5


def test_a_name_with_a_dash_arrives_as_the_header(
    framework: Framework, registry: ToolRegistry, openrouter_sandbox: Sandbox
) -> None:
    read(framework, registry, Call("OPENROUTER_LIST_EMBEDDING_MODELS", {"X-Title": "My agent"}))
    assert openrouter_sandbox.requests[-1].headers["X-Title"] == "My agent"


def test_arguments_are_mended(framework: Framework, registry: ToolRegistry, openrouter_sandbox: Sandbox) -> None:
    arguments = {**CHAT, "max_tokens": "5", "messages": json.dumps(CHAT["messages"]), "user": None}
    (text,) = read(framework, registry, Call(COMPLETION, arguments))
    assert "17 * 3" in text
    sent = openrouter_sandbox.requests[-1].body
    assert (sent["max_tokens"], sent["messages"]) == (5, CHAT["messages"])
    assert "user" not in sent


def test_a_whole_catalogue_is_brief(framework: Framework, registry: ToolRegistry) -> None:
    (brief,) = read(framework, registry, Call("OPENROUTER_LIST_AVAILABLE_MODELS"))
    assert "columns" in json.loads(brief)
    assert "acme/atlas-small" in brief
    assert len(brief) < len(registry.execute("OPENROUTER_LIST_AVAILABLE_MODELS").data) / 3
    (cut,) = read(framework, registry, Call("OPENROUTER_LIST_AVAILABLE_MODELS", {"select": "data"}), limit=1_000)
    assert len(cut) <= 1_000
    assert "select" in json.loads(cut)["cut"]["ask_for_less"]


def test_calls_are_made_at_once_within_their_time_and_told_in_order(
    framework: Framework, registry: ToolRegistry, openrouter_sandbox: Sandbox
) -> None:
    silent = Call(COMPLETION, {**CHAT, "model": "sandbox/silent"})
    texts = read(framework, registry, silent, Call("OPENROUTER_GET_MODELS_COUNT"), silent, timeout=1.5)
    first, second = (request for request in openrouter_sandbox.requests if request.method == "POST")
    wait_until(lambda: first.closed_at and second.closed_at)
    assert max(first.received_at, second.received_at) < min(first.closed_at or 0, second.closed_at or 0)
    assert ["1.5 s" in texts[0], "count" in texts[1], "1.5 s" in texts[2]] == [True] * 3


# What goes wrong.


@pytest.mark.parametrize(
    ("call", "fragments"),
    [
        (Call("OPENROUTER_GET_CREDITS"), ["management key"]),
        (Call(COMPLETION, {**CHAT, "model": "sandbox/no-credits"}), ["credits"]),
        (Call(GENERATION, {"idd": "gen-1"}), ["did you mean id?", "id: required"]),
        (Call(GENERATION), ["id: required"]),
        (Call(GENERATION, {"id": "gen-1", "self": 1, "config": {}}), ["self: unknown", "config: unknown"]),
        (Call(GENERATION, {"id": "gen-1", "run_manager": 1, "callbacks": []}), ["run_manager: unk", "callbacks: unk"]),
        (Call("OPENROUTER_LIST_PROVIDERS", {"select": "data["}), ["select", "JMESPath"]),
    ],
    ids=str,
)
def test_a_failure_is_read_and_the_run_goes_on(
    framework: Framework, registry: ToolRegistry, call: Call, fragments: list[str]
) -> None:
    (text,) = read(framework, registry, call)
    assert [fragment for fragment in fragments if fragment not in text] == []


def test_no_number_of_failures_ends_the_run(framework: Framework, registry: ToolRegistry) -> None:
    with framework.model(*[[Call(GENERATION)]] * 5, "Done.") as model:
        assert asyncio.run(framework.run(model, registry)) == "Done."
        assert len(model.requests) == 6


def test_a_tool_that_does_not_exist_is_a_result(
    framework: Framework, registry: ToolRegistry, openrouter_sandbox: Sandbox
) -> None:
    (text,) = read(framework, registry, Call("OPENROUTER_LIST_MODELS"))
    assert "OPENROUTER_LIST_MODELS" in text
    assert openrouter_sandbox.requests == []


@pytest.mark.parametrize("name", ["openai-agents", "pydantic-ai"])
@pytest.mark.parametrize("arguments", ['{"id": "gen', "[1]", '"gen-1"'])
def test_arguments_that_are_no_json_object_are_a_result(name: str, registry: ToolRegistry, arguments: str) -> None:
    (framework,) = (framework for framework in FRAMEWORKS if framework.name == name)
    (text,) = read(framework, registry, Call(GENERATION, arguments))
    assert "JSON" in text or "object" in text


def test_cancelling_the_run_closes_the_connection(
    framework: Framework, registry: ToolRegistry, openrouter_sandbox: Sandbox
) -> None:
    async def run_and_cancel() -> None:
        calls = [Call(COMPLETION, {**CHAT, "model": "sandbox/silent"})]
        with framework.model(calls, "Done.") as model:
            task = asyncio.ensure_future(framework.run(model, registry))
            while not openrouter_sandbox.requests and not task.done():
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run_and_cancel())
    (request,) = openrouter_sandbox.requests
    wait_until(lambda: request.closed_by_client)


# For whom.


def test_each_user_has_a_key_of_their_own(framework: Framework, openrouter_sandbox: Sandbox) -> None:
    keys = {"alice": "sk-or-v1-sandbox-alice", "bob": "sk-or-v1-sandbox-bob"}
    accounts = MemoryAccounts({user_id: {"api_key": key} for user_id, key in keys.items()})
    with ToolRegistry.from_manifest(accounts=accounts) as registry:
        for user_id, key in keys.items():
            read(framework, registry, Call("OPENROUTER_GET_CURRENT_KEY"), user_id=user_id)
            assert openrouter_sandbox.requests[-1].key == key
        (text,) = read(framework, registry, Call("OPENROUTER_GET_CURRENT_KEY"), user_id="carol")
        assert "carol" in text


def test_no_key_is_shown(framework: Framework, openrouter_sandbox: Sandbox) -> None:
    key = "sk-or-v1-sandbox-a-secret-of-alices"
    with ToolRegistry.from_manifest(accounts=MemoryAccounts({"default": {"api_key": key}})) as registry:
        made = framework.tools(registry)
        shown = [repr(made), str(made), *(repr(vars(tool)) for tool in made if hasattr(tool, "__dict__"))]
        shown += read(framework, registry, Call(COMPLETION, {**CHAT, "model": "sandbox/echo-key"}))
        assert openrouter_sandbox.requests[-1].key == key
    assert [text for text in shown if "a-secret" in text] == []


def test_a_framework_that_is_missing_is_told_with_its_extra(
    framework: Framework, registry: ToolRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name == framework.module or name.startswith(f"{framework.module}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, framework.module, None)
    with pytest.raises(ImportError, match=rf"pip install 'openrouter-toolkit\[{framework.name}\]'"):
        framework.tools(registry)
