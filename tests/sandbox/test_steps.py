"""A question with steps: a round of tool calls for each, and what a later one takes from a tool's result."""

import json
from collections.abc import Callable
from typing import Any

import anthropic
import openai
import pytest
import requests

from openrouter_toolkit.sandbox import Sandbox

Ask = Callable[..., requests.Response]
Message = dict[str, Any]

REQUEST = "Find the cheapest model that supports tools, then ask it: What is 17 * 3?"
SCHEMAS: dict[str, dict[str, Any]] = {
    "list_models": {"type": "object", "properties": {}},
    "create_chat": {
        "type": "object",
        "properties": {
            "model": {"type": "string"},
            "messages": {"type": "array", "items": {"type": "object", "required": ["role"]}, "minItems": 1},
            "temperature": {"type": "number"},
        },
        "required": ["model", "messages"],
    },
    "list_endpoints": {
        "type": "object",
        "properties": {"author": {"type": "string"}, "slug": {"type": "string"}},
        "required": ["author", "slug"],
    },
    "get_weather": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "divide": {
        "type": "object",
        "properties": {"numerator": {"type": "number"}, "denominator": {"type": "number"}},
        "required": ["numerator", "denominator"],
    },
}
TOOLS = [{"type": "function", "function": {"name": name, "parameters": SCHEMAS[name]}} for name in SCHEMAS]

NAMES = ["globex/hermes-8b", "umbra/coder", "acme/atlas-small", "b/unknown"]  # without tools; dear; cheap
TABLE = {"columns": "id|context", "rows": [f"{name}|8" for name in NAMES]}
LIST = [{"id": name, "context": 8} for name in NAMES]


def called(message: Message) -> dict[str, Any]:
    """The tools that a message calls, with their arguments."""
    functions = [call["function"] for call in message.get("tool_calls", [])]
    return {function["name"]: json.loads(function["arguments"]) for function in functions}


def turns(post: Ask, question: str, *results: object, **more: Any) -> list[Message]:
    """The model's messages in a conversation whose tool calls get the results, a round each."""
    messages: list[Message] = [{"role": "user", "content": question}]
    said: list[Message] = []
    for result in (*results, None):
        answer = post("/chat/completions", messages=messages, **{"tools": TOOLS, **more})
        assert answer.status_code == 200, answer.text
        said.append(answer.json()["choices"][0]["message"])
        text = result if isinstance(result, str) else json.dumps(result)
        calls = said[-1].get("tool_calls", [])
        messages += [said[-1], *({"role": "tool", "tool_call_id": call["id"], "content": text} for call in calls)]
    return said


def test_each_step_gets_a_round_and_its_own_arguments(post: Ask) -> None:
    question = "What is the weather in Paris? Then divide 12 by 4, and then the weather in Rome."
    *rounds, last = turns(post, question, "sunny", "3", "windy")
    assert [called(message) for message in rounds] == [
        {"get_weather": {"city": "Paris"}},
        {"divide": {"numerator": 12, "denominator": 4}},
        {"get_weather": {"city": "Rome"}},
    ]
    assert called(last) == {}
    assert "windy" in last["content"]


@pytest.mark.parametrize("result", [TABLE, LIST, {"data": LIST}, {"data": json.dumps({"data": LIST})}])
def test_the_cheapest_that_can_do_it_is_asked(post: Ask, result: object) -> None:
    first, second, last = turns(post, REQUEST, result, {"answer": "51"})
    assert called(first) == {"list_models": {}}
    asked = {"model": "acme/atlas-small", "messages": [{"role": "user", "content": "What is 17 * 3?"}]}
    assert called(second) == {"create_chat": asked}
    assert called(last) == {}
    assert "51" in last["content"]


@pytest.mark.parametrize("result", [TABLE, LIST])
def test_only_abilities_that_are_named_count(post: Ask, result: object) -> None:
    wishes = {
        "Find the cheapest model": "globex/hermes-8b",
        "Find the cheapest model with tools and reasoning": "umbra/coder",
        "List all models that have tool calling and tools": "acme/atlas-small",
    }
    for wish, model in wishes.items():
        _, second, _ = turns(post, f"{wish}, then ask the cheapest: Hi", result, "")
        assert called(second)["create_chat"]["model"] == model


def test_a_reference_fills_author_and_slug(post: Ask) -> None:
    _, second, _ = turns(post, "Find the cheapest model with tools, then list its endpoints", TABLE, "")
    assert called(second) == {"list_endpoints": {"author": "acme", "slug": "atlas-small"}}


def test_what_is_asked_fills_nothing_else(post: Ask) -> None:
    question = 'What temperature has the sun: is it "hot"?'
    _, second, _ = turns(post, f"Find the cheapest model, then ask it: {question}", TABLE, "")
    assert called(second)["create_chat"] == {
        "model": "globex/hermes-8b",
        "messages": [{"role": "user", "content": question}],
    }


@pytest.mark.parametrize(
    "result",
    [
        "OpenRouter failed (HTTP 503). Try again later.",
        "{broken",
        "[" * 100_000,
        {"columns": "id|in", "rows": ["a/b|1", 5, None]},
        {"columns": "id|in", "rows": []},
        [{"id": "acme/atlas-smaller"}, {"id": "my-acme/atlas-small"}, {"id": "acme/atlas-small:nitro"}],
    ],
    ids=lambda result: str(result)[:20],
)
def test_without_a_known_model_it_gives_up_in_words(post: Ask, result: object) -> None:
    _, second = turns(post, REQUEST, result)
    assert called(second) == {}
    assert second["content"].startswith("Here is what the tool found")


def test_a_step_that_no_tool_fits_is_none(post: Ask) -> None:
    question = "If it should rain, then what is the weather in Paris?"
    first, second = turns(post, question, "sunny")
    assert called(first) == {"get_weather": {"city": "Paris"}}
    assert called(second) == {}
    only = TOOLS[:1]  # nothing to ask a model with
    first, second = turns(post, REQUEST, TABLE, tools=only)
    assert (called(first), called(second)) == ({"list_models": {}}, {})


def test_a_new_question_begins_anew(post: Ask) -> None:
    first, second, last = turns(post, REQUEST, TABLE, "51")
    results = [
        {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": text}
        for message, text in ((first, json.dumps(TABLE)), (second, "51"))
    ]
    asked = {"role": "user", "content": REQUEST}
    answer = post(
        "/chat/completions", tools=TOOLS, messages=[asked, first, results[0], second, results[1], last, asked]
    )
    assert called(answer.json()["choices"][0]["message"]) == {"list_models": {}}


def test_a_choice_of_the_caller_goes_before_steps(post: Ask) -> None:
    assert [called(message) for message in turns(post, REQUEST, TABLE, tool_choice="none")] == [{}, {}]
    named = {"type": "function", "function": {"name": "divide"}}
    assert [list(called(message)) for message in turns(post, REQUEST, TABLE, "", "", tool_choice=named)] == [
        ["divide"]
    ] * 4
    required = [list(called(message)) for message in turns(post, REQUEST, TABLE, "", "", tool_choice="required")]
    assert required == [["list_models"], ["create_chat"], ["create_chat"], ["create_chat"]]


def test_several_calls_at_once_are_one_round(post: Ask) -> None:
    question = "Get the weather of Paris and divide 8 by 2, then list the models"
    first, second, last = turns(post, question, "fine", "")
    assert list(called(first)) == ["get_weather", "divide"]
    assert list(called(second)) == ["list_models"]
    assert called(last) == {}


# The vendors' own clients, streaming.


def test_openais_client_goes_through_the_steps_in_streams(sandbox: Sandbox) -> None:
    conversation: Any = [{"role": "user", "content": REQUEST}]
    tools: Any = TOOLS
    seen: list[str] = []
    with openai.OpenAI(base_url=sandbox.base_url, api_key=sandbox.api_key, max_retries=0) as client:
        for result in (json.dumps(TABLE), "51", ""):
            asked: Any = {"model": "acme/atlas-small", "messages": conversation, "tools": tools}
            with client.chat.completions.stream(**asked) as stream:
                message = stream.get_final_completion().choices[0].message
            for call in message.tool_calls or ():
                conversation += [
                    # The role stands in every chunk, and the client joins what stands there.
                    message.model_dump(exclude_none=True) | {"role": "assistant"},
                    {"role": "tool", "tool_call_id": call.id, "content": result},
                ]
                seen.append(f"{call.function.name} {call.function.arguments}")
    assert seen[0] == "list_models {}"
    assert json.loads(seen[1].removeprefix("create_chat "))["model"] == "acme/atlas-small"
    assert len(seen) == 2
    assert "51" in str(message.content)


@pytest.mark.parametrize("remark", [[], [{"type": "text", "text": " "}]])
def test_anthropics_client_goes_through_the_steps_in_streams(sandbox: Sandbox, remark: list[Message]) -> None:
    conversation: Any = [{"role": "user", "content": REQUEST}]
    tools: Any = [{"name": name, "input_schema": schema} for name, schema in SCHEMAS.items()]
    seen: list[tuple[str, Any]] = []
    base_url = sandbox.base_url.removesuffix("/v1")
    with anthropic.Anthropic(base_url=base_url, auth_token=sandbox.api_key, max_retries=0) as client:
        for result in (json.dumps(TABLE), "51", ""):
            asked: Any = {"model": "acme/atlas-small", "messages": conversation, "tools": tools, "max_tokens": 200}
            with client.messages.stream(**asked) as stream:
                message = stream.get_final_message()
            told = [{"type": "tool_result", "tool_use_id": b.id, "content": result} for b in uses(message)]
            conversation += [
                {"role": "assistant", "content": message.content},
                {"role": "user", "content": told + remark},
            ]
            seen += [(block.name, block.input) for block in uses(message)]
    assert [name for name, _ in seen] == ["list_models", "create_chat"]
    assert seen[1][1]["model"] == "acme/atlas-small"
    assert message.stop_reason == "end_turn"


def uses(message: anthropic.types.Message) -> list[anthropic.types.ToolUseBlock]:
    return [block for block in message.content if block.type == "tool_use"]


def test_words_beside_a_result_are_answered_in_words(post: Ask) -> None:
    """As before there were steps: the result is the last thing said."""
    use = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}}
    told = [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"}, {"type": "text", "text": "Weather?"}]
    messages = [
        {"role": "user", "content": "Weather in Paris?"},
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": told},
    ]
    tools = [{"name": name, "input_schema": schema} for name, schema in SCHEMAS.items()]
    answer = post("/messages", messages=messages, tools=tools, max_tokens=100).json()
    assert answer["stop_reason"] == "end_turn"
    assert "sunny" in answer["content"][0]["text"]
