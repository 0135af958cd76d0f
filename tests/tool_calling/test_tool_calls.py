"""A model's tool calls run through the registry, and what goes back into the conversation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
from openai.types.responses import Response

from openrouter_toolkit import MemoryAccounts, Refused, ToolRegistry
from openrouter_toolkit.call import Call
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.sandbox.failures import SLOW_SECONDS
from openrouter_toolkit.tool_calling import ToolCall
from openrouter_toolkit.tool_calling.options import CallOptions

Messages = list[dict[str, Any]]


@pytest.fixture
def registry(openrouter_sandbox: Sandbox) -> Iterator[ToolRegistry]:
    with ToolRegistry.from_manifest(client_options={"max_attempts": 1}) as registry:
        yield registry


def chat_answer(*calls: tuple[str, Any], **more: Any) -> dict[str, Any]:
    """The answer of a chat completion that calls tools, as a dict."""
    told = [
        {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for number, (name, arguments) in enumerate(calls)
    ]
    return {"choices": [{"message": {"role": "assistant", "content": None, "tool_calls": told, **more}}]}


def results(registry: ToolRegistry, *calls: tuple[str, Any], **options: Any) -> list[str]:
    return [m["content"] for m in registry.handle_tool_calls(chat_answer(*calls), **options)[1:]]


# The formats, with the vendors' own clients.


def test_an_openai_agent_goes_round(registry: ToolRegistry, openrouter_sandbox: Sandbox) -> None:
    conversation: Any = [{"role": "user", "content": "List the providers, please."}]
    with openai.OpenAI(base_url=openrouter_sandbox.base_url, api_key=openrouter_sandbox.api_key) as client:
        tools: Any = ToolRegistry.from_manifest(allow=["OPENROUTER_LIST_PROVIDERS"]).tools("openai")
        answer = client.chat.completions.create(model="acme/atlas-small", messages=conversation, tools=tools)
        appended = registry.handle_tool_calls(answer)
        assert [message["role"] for message in appended] == ["assistant", "tool"]
        assert "acme" in appended[1]["content"]
        conversation += appended
        final = client.chat.completions.create(model="acme/atlas-small", messages=conversation, tools=tools)
    assert final.choices[0].finish_reason == "stop"


def test_an_anthropic_agent_goes_round(registry: ToolRegistry, openrouter_sandbox: Sandbox) -> None:
    conversation: Any = [{"role": "user", "content": "List the providers, please."}]
    base_url = openrouter_sandbox.base_url.removesuffix("/v1")
    with anthropic.Anthropic(base_url=base_url, api_key=openrouter_sandbox.api_key) as client:
        tools: Any = ToolRegistry.from_manifest(allow=["OPENROUTER_LIST_PROVIDERS"]).tools("anthropic")
        asked: dict[str, Any] = {"model": "acme/atlas-small", "max_tokens": 200, "tools": tools}
        answer = client.messages.create(messages=conversation, **asked)
        appended = registry.handle_tool_calls(answer)
        assert [message["role"] for message in appended] == ["assistant", "user"]
        (told,) = appended[1]["content"]
        assert (told["type"], told["is_error"]) == ("tool_result", False)
        conversation += appended
        final = client.messages.create(messages=conversation, **asked)
    assert final.stop_reason == "end_turn"


def test_openais_responses_get_outputs(registry: ToolRegistry) -> None:
    call = {"type": "function_call", "call_id": "c1", "name": "OPENROUTER_GET_MODELS_COUNT", "arguments": "{}"}
    thought = {"type": "reasoning", "id": "r1", "summary": [], "encrypted_content": "gAAAA"}
    answer = {"id": "resp_1", "object": "response", "output": [thought, call], "model": "m", "tools": []}
    for response in (answer, Response.model_construct(**json.loads(json.dumps(answer)))):
        appended = registry.handle_tool_calls(response)
        assert appended[:2] == [thought, call]
        assert appended[2]["type"] == "function_call_output"
        assert json.loads(appended[2]["output"])["data"]["count"] > 5


def test_the_assistants_message_goes_back_unchanged(registry: ToolRegistry) -> None:
    details = [{"type": "reasoning.text", "text": "Hm.", "signature": "sig", "index": 0}]
    answer = chat_answer(("OPENROUTER_GET_MODELS_COUNT", "{}"), reasoning_details=details, refusal=None)
    message = answer["choices"][0]["message"]
    own = registry.handle_tool_calls(answer)[0]
    assert own == {name: value for name, value in message.items() if name != "refusal"}
    assert registry.handle_tool_calls(openai.types.chat.ChatCompletion.model_construct(**answer))[0][
        "reasoning_details"
    ] == (details)


def test_without_calls_there_is_the_message_alone(registry: ToolRegistry) -> None:
    answer = {"choices": [{"message": {"role": "assistant", "content": "Done."}}]}
    assert registry.handle_tool_calls(answer) == [{"role": "assistant", "content": "Done."}]
    message = {"role": "assistant", "type": "message", "content": [{"type": "text", "text": "Done."}]}
    assert registry.handle_tool_calls(message) == [{"role": "assistant", "content": message["content"]}]


@pytest.mark.parametrize("response", [None, "text", {}, {"data": 1}, []], ids=repr)
def test_what_is_no_answer_is_a_mistake(registry: ToolRegistry, response: Any) -> None:
    with pytest.raises(TypeError, match="wanted the answer"):
        registry.handle_tool_calls(response)


# What models get wrong.


@pytest.mark.parametrize(
    ("call", "fragments"),
    [
        (("OPENROUTER_LIST_MODELS", "{}"), ["Did you mean OPENROUTER_LIST_AVAILABLE_MODELS?"]),
        (("get_weather", '{"city": "Paris"}'), ["no action"]),
        (("OPENROUTER_GET_GENERATION", '{"id": "gen'), ["not valid JSON", "one JSON object"]),
        (("OPENROUTER_GET_GENERATION", "[1]"), ["not a JSON object"]),
        (("OPENROUTER_GET_GENERATION", ""), ["id: required"]),
        (("OPENROUTER_GET_GENERATION", {"idd": "gen-1"}), ["did you mean id?"]),
        (("OPENROUTER_GET_CREDITS", "{}"), ["management key"]),
        (("OPENROUTER_LIST_PROVIDERS", '{"select": "data["}'), ["select", "JMESPath"]),
        (("OPENROUTER_LIST_PROVIDERS", '{"select": 5}'), ["select", "JMESPath"]),
    ],
    ids=repr,
)
def test_a_wrong_call_comes_back_as_a_result_that_says_what_to_mend(
    registry: ToolRegistry, call: tuple[str, Any], fragments: list[str]
) -> None:
    (text,) = results(registry, call)
    assert [fragment for fragment in fragments if fragment not in text] == []


def test_values_are_mended_before_they_are_validated(registry: ToolRegistry, openrouter_sandbox: Sandbox) -> None:
    arguments = {
        "model": "acme/atlas-small",
        "messages": '[{"role": "user", "content": "What is 17 * 3?"}]',
        "max_tokens": "50",
        "temperature": "0.5",
        "stream": "false",
        "user": None,
    }
    (text,) = results(registry, ("OPENROUTER_CREATE_CHAT_COMPLETION", json.dumps(arguments)))
    assert "17 * 3 = 51" in text
    sent: Any = openrouter_sandbox.requests[-1].body
    assert (sent["max_tokens"], sent["temperature"], sent["stream"]) == (50, 0.5, False)
    assert "user" not in sent
    assert not registry.execute("OPENROUTER_CREATE_CHAT_COMPLETION", arguments).successful  # only in this entry


def test_a_name_that_a_format_could_not_carry_arrives_as_it_is(
    registry: ToolRegistry, openrouter_sandbox: Sandbox
) -> None:
    results(registry, ("OPENROUTER_LIST_EMBEDDING_MODELS", '{"X_Title": "My agent"}'))
    assert openrouter_sandbox.requests[-1].headers["X-Title"] == "My agent"


# Several, for whom, and how long.


def test_several_calls_are_made_at_once_and_told_in_order(registry: ToolRegistry, openrouter_sandbox: Sandbox) -> None:
    slow = json.dumps({"model": "sandbox/slow", "messages": [{"role": "user", "content": "What is 17 * 3?"}]})
    texts = results(
        registry,
        ("OPENROUTER_CREATE_CHAT_COMPLETION", slow),
        ("OPENROUTER_GET_MODELS_COUNT", "{}"),
        ("OPENROUTER_CREATE_CHAT_COMPLETION", slow),
    )
    first, second = (request.received_at for request in openrouter_sandbox.requests if request.method == "POST")
    assert abs(first - second) < SLOW_SECONDS  # the second did not wait for the first one's answer
    assert ["51" in texts[0], "count" in texts[1], "51" in texts[2]] == [True] * 3


def test_calls_are_made_for_the_user_and_through_the_hooks(openrouter_sandbox: Sandbox) -> None:
    def only_alice(action: object, arguments: dict[str, Any], user_id: str) -> None:
        if user_id != "alice":
            raise Refused("only alice may")

    accounts = MemoryAccounts({"alice": {"api_key": "sk-or-v1-sandbox-alice"}})
    with ToolRegistry.from_manifest(accounts=accounts, before_execute=only_alice) as registry:
        call = ("OPENROUTER_GET_CURRENT_KEY", "{}")
        assert "label" in results(registry, call, user_id="alice")[0]
        assert openrouter_sandbox.requests[-1].key == "sk-or-v1-sandbox-alice"
        assert "only alice may" in results(registry, call, user_id="bob")[0]


def test_a_long_list_is_brief_and_a_selection_is_what_was_selected(registry: ToolRegistry) -> None:
    brief, selected = results(
        registry,
        ("OPENROUTER_LIST_AVAILABLE_MODELS", "{}"),
        ("OPENROUTER_LIST_AVAILABLE_MODELS", '{"select": "data[?contains(id, \'acme\')].id"}'),
    )
    whole = registry.execute("OPENROUTER_LIST_AVAILABLE_MODELS").data
    assert "acme/atlas-small" in brief
    assert "columns" in json.loads(brief)
    assert len(brief) < len(whole) / 3
    assert all("acme" in name for name in json.loads(selected))


def test_a_result_is_no_longer_than_its_limit(registry: ToolRegistry) -> None:
    (text,) = results(registry, ("OPENROUTER_LIST_AVAILABLE_MODELS", '{"select": "data"}'), limit=1_000)
    assert len(text) <= 1_000
    assert "select" in json.loads(text)["cut"]["ask_for_less"]


def test_each_call_of_a_worker_has_its_whole_time(
    registry: ToolRegistry, openrouter_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent_before: list[int] = []
    new_call = CallOptions.new_call

    def begin(options: CallOptions) -> Call:
        sent_before.append(len(openrouter_sandbox.requests))
        return new_call(options)

    monkeypatch.setattr(CallOptions, "new_call", begin)
    monkeypatch.setattr(registry._resources, "is_worker", lambda: True)
    assert not any(
        result.failed for result in registry.call_tools([ToolCall("", "OPENROUTER_GET_CURRENT_KEY", {})] * 2)
    )
    assert sent_before == [0, 1], "the second call's time begins after the first has ended"
