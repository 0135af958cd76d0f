"""Completions in the three formats: answers, tools, limits, streams."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from jsonschema import validate

Ask = Callable[..., requests.Response]
Fits = Callable[[object, str], None]

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
    "required": ["city"],
}
DIVIDE = {
    "type": "object",
    "properties": {"numerator": {"type": "number"}, "denominator": {"type": "integer"}},
    "required": ["numerator", "denominator"],
}


def chat_tool(name: str, description: str, parameters: dict[str, Any]) -> dict[str, Any]:
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


TOOLS = [
    chat_tool("get_weather", "Current weather of a city", WEATHER),
    chat_tool("divide", "Divide two numbers", DIVIDE),
    chat_tool("best_language_to_learn", "Names a programming language", {"type": "object", "properties": {}}),
]


def message(answer: requests.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["choices"][0]["message"]
    return found


def calls(answer: requests.Response) -> dict[str, Any]:
    return {
        call["function"]["name"]: json.loads(call["function"]["arguments"])
        for call in message(answer).get("tool_calls", [])
    }


def events(answer: requests.Response) -> list[dict[str, Any]]:
    lines = answer.content.decode().splitlines()
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    return [json.loads(line) for line in data if line != "[DONE]"]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is 17 * 3?", "17 * 3 = 51"),
        ("2+2", "2 + 2 = 4"),
        ("What's the capital of France?", "The capital of France is Paris."),
        ("Hello there", "Hello! How can I help you today?"),
    ],
)
def test_questions_have_answers(post: Ask, question: str, answer: str) -> None:
    assert message(post("/chat/completions", question=question))["content"] == answer
    assert post("/messages", question=question).json()["content"][0]["text"] == answer
    assert post("/completions", question=question).json()["choices"][0]["text"] == answer


def test_other_questions_are_repeated(post: Ask) -> None:
    assert "Sing me a song" in message(post("/chat/completions", question="Sing me a song"))["content"]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"n": 2},
        {"model": "acme/atlas-large", "reasoning": {"effort": "low"}},
        {"tools": TOOLS, "question": "Weather in Paris"},
        {"model": "initech/painter", "modalities": ["image", "text"]},
    ],
)
def test_whole_and_streamed_chat_completions_have_the_real_shape(
    post: Ask, assert_fits: Fits, more: dict[str, Any]
) -> None:
    whole = post("/chat/completions", **more)
    assert_fits(whole.json(), "ChatResult")
    assert whole.headers["X-Generation-Id"] == whole.json()["id"]
    streamed = post("/chat/completions", stream=True, **more)
    assert streamed.headers["Content-Type"].startswith("text/event-stream")
    assert streamed.text.startswith(": OPENROUTER PROCESSING\n\n")
    assert streamed.text.endswith("data: [DONE]\n\n")
    for chunk in events(streamed):
        assert_fits(chunk, "ChatStreamChunk")
    assert events(streamed)[-1]["usage"] == whole.json()["usage"]


def test_a_stream_joins_to_the_whole_answer(post: Ask) -> None:
    more = {"question": "Tell a tale", "model": "acme/atlas-large", "reasoning": {"enabled": True}}
    whole = message(post("/chat/completions", **more))
    deltas = [
        choice["delta"]
        for chunk in events(post("/chat/completions", stream=True, **more))
        for choice in chunk["choices"]
    ]
    assert "".join(delta.get("content") or "" for delta in deltas) == whole["content"]
    assert "".join(delta.get("reasoning") or "" for delta in deltas) == whole["reasoning"]
    assert len(deltas) > 20


def test_streamed_arguments_are_split_and_join_again(post: Ask) -> None:
    chunks = events(post("/chat/completions", stream=True, tools=TOOLS, question="Weather in New York"))
    parts = [
        call["function"]["arguments"]
        for chunk in chunks
        for choice in chunk["choices"]
        for call in choice["delta"].get("tool_calls", [])
    ]
    assert len(parts) > 2
    assert json.loads("".join(parts)) == {"city": "New York"}
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"model": "acme/atlas-large", "thinking": {"type": "enabled", "budget_tokens": 1024}},
        {
            "question": "Weather in Paris",
            "tools": [{"name": "get_weather", "description": "Weather", "input_schema": WEATHER}],
        },
    ],
)
def test_whole_and_streamed_messages_have_the_real_shape(post: Ask, assert_fits: Fits, more: dict[str, Any]) -> None:
    whole = post("/messages", max_tokens=500, **more)
    assert_fits(whole.json(), "MessagesResult")
    assert whole.json()["usage"]["cost"] > 0
    streamed = events(post("/messages", max_tokens=500, stream=True, **more))
    for event in streamed:
        assert_fits(event, "MessagesStreamEvents")
    kinds = [event["type"] for event in streamed]
    assert (kinds[0], kinds[-2:]) == ("message_start", ["message_delta", "message_stop"])
    assert "ping" in kinds
    assert kinds.count("content_block_start") == kinds.count("content_block_stop")


def test_thinking_comes_with_a_signature(post: Ask) -> None:
    more = {"model": "acme/atlas-large", "thinking": {"type": "enabled", "budget_tokens": 1024}}
    blocks = post("/messages", **more).json()["content"]
    assert [block["type"] for block in blocks] == ["thinking", "text"]
    assert blocks[0]["signature"]


def test_text_completions_stream(post: Ask) -> None:
    chunks = events(post("/completions", stream=True, question="2+2"))
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == "2 + 2 = 4"
    assert chunks[-1]["usage"]["completion_tokens"] == 5


def test_a_fitting_tool_is_called_with_what_the_question_mentions(post: Ask) -> None:
    question = "What is the weather in Paris in Fahrenheit?"
    answer = post("/chat/completions", tools=TOOLS, question=question)
    assert calls(answer) == {"get_weather": {"city": "Paris", "unit": "fahrenheit"}}
    assert answer.json()["choices"][0]["finish_reason"] == "tool_calls"
    assert calls(post("/chat/completions", tools=TOOLS, question="Divide 123 by 456")) == {
        "divide": {"numerator": 123, "denominator": 456}
    }


def test_no_tool_is_called_when_none_fits_or_none_is_wanted(post: Ask) -> None:
    assert calls(post("/chat/completions", tools=TOOLS, question="Sing a song")) == {}
    question = "Weather in Paris"
    assert calls(post("/chat/completions", tools=TOOLS, question=question, tool_choice="none")) == {}


def test_a_tool_can_be_required_or_named(post: Ask) -> None:
    question = "Sing a song"
    assert calls(post("/chat/completions", tools=TOOLS, question=question, tool_choice="required"))
    named = {"type": "function", "function": {"name": "divide"}}
    assert list(calls(post("/chat/completions", tools=TOOLS, question=question, tool_choice=named))) == ["divide"]


def test_two_named_tools_are_called_together(post: Ask) -> None:
    question = "What's the weather in Berlin, and what's the best language to learn?"
    both = calls(post("/chat/completions", tools=TOOLS, question=question))
    assert list(both) == ["get_weather", "best_language_to_learn"]
    one = calls(post("/chat/completions", tools=TOOLS, question=question, parallel_tool_calls=False))
    assert len(one) == 1


def test_a_tool_result_is_answered_in_words(post: Ask) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "What is the weather in Paris?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "15 degrees, windy"},
    ]
    answer = post("/chat/completions", tools=TOOLS, messages=messages)
    assert "15 degrees, windy" in message(answer)["content"]
    assert calls(answer) == {}


def test_max_tokens_cuts_the_answer(post: Ask) -> None:
    for name in ("max_tokens", "max_completion_tokens"):
        answer = post("/chat/completions", question="Tell a tale", **{name: 3}).json()
        assert answer["choices"][0]["finish_reason"] == "length"
        assert answer["usage"]["completion_tokens"] == 3
    assert post("/messages", question="Tell a tale", max_tokens=3).json()["stop_reason"] == "max_tokens"


def test_a_stop_word_ends_the_answer(post: Ask) -> None:
    answer = post("/chat/completions", question="capital of Japan", stop=[" is"])
    assert message(answer)["content"] == "The capital of Japan"
    spoken = post("/messages", question="capital of Japan", stop_sequences=[" is"]).json()
    assert (spoken["stop_reason"], spoken["stop_sequence"]) == ("stop_sequence", " is")


def test_an_answer_fits_the_wanted_schema(post: Ask) -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 20},
            "age": {"type": "integer", "minimum": 18},
            "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}, "minItems": 2},
            "contact": {"anyOf": [{"type": "null"}, {"type": "string", "format": "email"}]},
            "sure": {"type": "boolean"},
        },
        "required": ["name", "age", "tags", "contact", "sure"],
        "additionalProperties": False,
        "$defs": {"tag": {"enum": ["red", "blue"]}},
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "person", "schema": schema}}
    question = "Anna is 42 and likes Blue; tell me about Anna"
    found = json.loads(message(post("/chat/completions", question=question, response_format=wanted))["content"])
    validate(found, schema)
    assert (found["age"], found["tags"]) == (42, ["blue", "blue"])
    plain = message(post("/chat/completions", response_format={"type": "json_object"}))
    assert isinstance(json.loads(plain["content"]), dict)


def test_the_cost_follows_the_prices(post: Ask) -> None:
    usage = post("/chat/completions", model="acme/atlas-large").json()["usage"]
    expected = usage["prompt_tokens"] * 0.000003 + usage["completion_tokens"] * 0.000015
    assert usage["cost"] == pytest.approx(expected)


def test_ids_are_unique(post: Ask) -> None:
    assert len({post("/chat/completions").json()["id"] for _ in range(20)}) == 20


@pytest.mark.parametrize("path", ["/chat/completions", "/messages"])
@pytest.mark.parametrize("first", ["sandbox/provider-down", "nobody/nothing"])
def test_the_next_model_answers_when_the_first_cannot(post: Ask, path: str, first: str) -> None:
    assert post(path, model=first, models=["acme/atlas-small"]).json()["model"] == "acme/atlas-small"


def test_a_model_without_tools_says_so(post: Ask, assert_fits: Fits) -> None:
    answer = post("/chat/completions", model="initech/scribe", tools=TOOLS)
    error = answer.json()["error"]
    assert (answer.status_code, error["message"]) == (404, "No endpoints found that support tool use")
    assert error["availability"]["retryable"] is False
    assert_fits(answer.json(), "NotFoundResponse")


def test_a_text_model_takes_no_picture(post: Ask) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, picture]}]
    answer = post("/chat/completions", model="initech/scribe", messages=messages)
    assert answer.status_code == 404
    assert "support image input" in answer.json()["error"]["message"]
    assert post("/chat/completions", messages=messages).status_code == 200


@pytest.mark.parametrize("path", ["/chat/completions", "/messages", "/completions"])
def test_a_prompt_can_be_too_long(post: Ask, path: str) -> None:
    answer = post(path, model="umbra/tiny", question="a" * 8000)
    assert answer.status_code == 400
    assert "1024 tokens" in answer.text
    assert "2000 tokens" in answer.text
    assert "context_length_exceeded" in answer.text


def test_an_unknown_model_is_answered_with_similar_ones(post: Ask, assert_fits: Fits) -> None:
    answer = post("/chat/completions", model="acme/atlas-smal")
    error = answer.json()["error"]
    assert (answer.status_code, error["message"]) == (400, "acme/atlas-smal is not a valid model ID")
    assert error["metadata"]["error_type"] == "not_found"
    assert error["availability"]["code"] == "model_not_found"
    assert error["availability"]["requested_models"] == ["acme/atlas-smal"]
    assert "acme/atlas-small" in error["availability"]["fallback_models"]
    assert_fits(answer.json(), "BadRequestResponse")
    assert_fits(post("/messages", model="nobody/nothing").json(), "AnthropicMessagesErrorResponse")


@pytest.mark.parametrize("path", ["/chat/completions", "/messages", "/completions"])
@pytest.mark.parametrize(
    "wrong",
    [
        {"messages": None, "prompt": None},
        {"model": None},
        {"max_tokens": 0},
        {"messages": ["Hi"], "prompt": 1},
    ],
)
def test_a_wrong_body_is_refused(post: Ask, path: str, wrong: dict[str, Any]) -> None:
    assert post(path, **wrong).status_code == 400


def test_a_body_that_is_no_json_is_refused(sandbox: Any, session: requests.Session) -> None:
    for body in ("{", "[1]", "", '"text"'):
        headers = {"Authorization": f"Bearer {sandbox.api_key}"}
        answer = session.post(f"{sandbox.base_url}/chat/completions", data=body, headers=headers)
        assert answer.status_code == 400
