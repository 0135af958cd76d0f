"""The official clients of OpenAI and Anthropic complete against the sandbox."""

from collections.abc import Iterator

import anthropic
import openai
import pytest

from openrouter_toolkit.sandbox import Sandbox

MODEL = "acme/atlas-large"
QUESTION = "What is the weather in Paris?"
CITY: dict[str, object] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@pytest.fixture
def openai_client(sandbox: Sandbox) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=sandbox.base_url, api_key=sandbox.api_key, max_retries=0) as client:
        yield client


@pytest.fixture
def anthropic_client(sandbox: Sandbox) -> Iterator[anthropic.Anthropic]:
    url = sandbox.base_url.removesuffix("/v1")
    with anthropic.Anthropic(base_url=url, auth_token=sandbox.api_key, api_key=None, max_retries=0) as client:
        yield client


def test_openai_completes(openai_client: openai.OpenAI) -> None:
    answer = openai_client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "What is 6 * 7?"}]
    )
    assert answer.choices[0].message.content == "6 * 7 = 42"
    assert answer.usage is not None


def test_openai_streams(openai_client: openai.OpenAI) -> None:
    words = ""
    with openai_client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "What is 6 * 7?"}], stream=True
    ) as stream:
        for chunk in stream:
            words += chunk.choices[0].delta.content or ""
    assert words == "6 * 7 = 42"


def test_openai_calls_tools(openai_client: openai.OpenAI) -> None:
    answer = openai_client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": QUESTION}],
        tools=[{"type": "function", "function": {"name": "get_weather", "parameters": CITY}}],
    )
    calls = answer.choices[0].message.tool_calls
    assert calls is not None
    assert calls[0].type == "function"
    assert calls[0].function.arguments == '{"city": "Paris"}'


def test_openai_reads_errors(openai_client: openai.OpenAI) -> None:
    with pytest.raises(openai.RateLimitError):
        openai_client.chat.completions.create(
            model="sandbox/rate-limited", messages=[{"role": "user", "content": "Hi"}]
        )


def test_anthropic_completes(anthropic_client: anthropic.Anthropic) -> None:
    answer = anthropic_client.messages.create(
        model=MODEL, max_tokens=100, messages=[{"role": "user", "content": "What is 6 * 7?"}]
    )
    assert answer.content[0].type == "text"
    assert answer.content[0].text == "6 * 7 = 42"


def test_anthropic_streams(anthropic_client: anthropic.Anthropic) -> None:
    with anthropic_client.messages.stream(
        model=MODEL,
        max_tokens=2000,
        thinking={"type": "enabled", "budget_tokens": 1024},
        messages=[{"role": "user", "content": "What is 6 * 7?"}],
    ) as stream:
        answer = stream.get_final_message()
    assert [block.type for block in answer.content] == ["thinking", "text"]
    assert answer.stop_reason == "end_turn"


def test_anthropic_calls_tools_and_answers_their_results(anthropic_client: anthropic.Anthropic) -> None:
    tools: list[anthropic.types.ToolParam] = [{"name": "get_weather", "input_schema": dict(CITY)}]
    question: anthropic.types.MessageParam = {"role": "user", "content": QUESTION}
    with anthropic_client.messages.stream(model=MODEL, max_tokens=100, tools=tools, messages=[question]) as stream:
        call = stream.get_final_message().content[0]
    assert call.type == "tool_use"
    assert call.input == {"city": "Paris"}
    answer = anthropic_client.messages.create(
        model=MODEL,
        max_tokens=100,
        tools=tools,
        messages=[
            question,
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": call.id, "name": call.name, "input": call.input}],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "15 degrees"}],
            },
        ],
    )
    assert answer.content[0].type == "text"
    assert "15 degrees" in answer.content[0].text


def test_anthropic_reads_errors(anthropic_client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.RateLimitError):
        anthropic_client.messages.create(
            model="sandbox/rate-limited", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]
        )
