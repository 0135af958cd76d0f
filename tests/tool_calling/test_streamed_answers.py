"""The tool calls of streamed answers: of OpenAI's and Anthropic's clients, of their helpers, of lists of chunks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anthropic
import openai
import pytest

from openrouter_toolkit import ActionError, ToolRegistry
from openrouter_toolkit.sandbox import Sandbox

from ..agents.responses_stand_in import responses_before

MODEL = "acme/atlas-small"
QUESTION: Any = [{"role": "user", "content": "List the providers, please."}]
Messages = list[dict[str, Any]]


@pytest.fixture
def registry(openrouter_sandbox: Sandbox) -> Iterator[ToolRegistry]:
    options = {"max_attempts": 1}
    with ToolRegistry.from_manifest(allow=["OPENROUTER_LIST_PROVIDERS"], client_options=options) as registry:
        yield registry


@pytest.fixture
def chat(openrouter_sandbox: Sandbox, registry: ToolRegistry) -> Iterator[Any]:
    """Asks for a streamed chat completion."""
    tools: Any = registry.tools()
    with openai.OpenAI(base_url=openrouter_sandbox.base_url, api_key=openrouter_sandbox.api_key) as client:

        def ask(messages: Any = QUESTION) -> Any:
            return client.chat.completions.create(model=MODEL, messages=messages, tools=tools, stream=True)

        yield ask


def anthropics(sandbox: Sandbox) -> dict[str, Any]:
    return {"base_url": sandbox.base_url.removesuffix("/v1"), "api_key": sandbox.api_key}


def asked(registry: ToolRegistry) -> dict[str, Any]:
    """What Anthropic's client asks."""
    tools: Any = registry.tools("anthropic")
    return {"model": MODEL, "max_tokens": 200, "messages": QUESTION, "tools": tools}


def the_providers_were_listed(appended: Messages) -> None:
    own, told = appended
    assert own["role"] == "assistant"
    if told["role"] == "tool":
        (call,) = own["tool_calls"]
        assert set(call) == {"id", "type", "function"}
        assert set(call["function"]) == {"name", "arguments"}
        assert told["tool_call_id"] == call["id"]
        assert "acme" in told["content"]
        return
    (block,) = [block for block in own["content"] if block["type"] == "tool_use"]
    assert set(block) <= {"type", "id", "name", "input", "caller"}
    (result,) = told["content"]
    assert (result["tool_use_id"], result["is_error"]) == (block["id"], False)
    assert "acme" in result["content"]


# OpenAI's chat completions.


def test_a_stream_of_openais_client_goes_round(registry: ToolRegistry, chat: Any) -> None:
    appended = registry.handle_tool_calls(chat())
    the_providers_were_listed(appended)
    (message,) = registry.handle_tool_calls(chat([*QUESTION, *appended]))
    assert message["role"] == "assistant"
    assert message["content"]
    assert "tool_calls" not in message


def test_what_was_printed_is_given_as_a_list_or_passed_through(registry: ToolRegistry, chat: Any) -> None:
    chunks = list(chat())
    the_providers_were_listed(registry.handle_tool_calls(chunks))
    the_providers_were_listed(registry.handle_tool_calls([chunk.model_dump() for chunk in chunks]))
    seen = []

    def shown() -> Iterator[Any]:
        for chunk in chunks:
            seen.append(chunk)
            yield chunk

    the_providers_were_listed(registry.handle_tool_calls(shown()))
    assert seen == chunks


@pytest.mark.parametrize("read_it", [False, True], ids=["unread", "read"])
def test_openais_helper_gives_its_answer(registry: ToolRegistry, openrouter_sandbox: Sandbox, read_it: bool) -> None:
    with openai.OpenAI(base_url=openrouter_sandbox.base_url, api_key=openrouter_sandbox.api_key) as client:
        for strict in (False, True):  # of strict tools, the helper parses the arguments
            tools: Any = registry.tools(strict=strict)
            with client.chat.completions.stream(model=MODEL, messages=QUESTION, tools=tools) as stream:
                events: list[Any] = list(stream) if read_it else []
                own, told = registry.handle_tool_calls(stream)
                assert own["role"] == "assistant"
                assert [set(call["function"]) for call in own["tool_calls"]] == [{"name", "arguments"}]
                assert told["role"] == "tool"
        if read_it:
            assert registry.handle_tool_calls(events) == [own, told]


def test_reasoning_goes_back_in_the_stream_too(registry: ToolRegistry, openrouter_sandbox: Sandbox) -> None:
    details = [{"type": "reasoning.text", "text": "Hm.", "signature": "sig", "index": 0}]
    function = {"name": "OPENROUTER_LIST_PROVIDERS", "arguments": "{}"}
    delta = {"role": "assistant", "content": "", "reasoning_details": details}
    chunks: list[Any] = [
        {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta}]},
        {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "call_1", "function": function}]}}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
        {"choices": [], "usage": {"total_tokens": 3}},
    ]
    own, _ = registry.handle_tool_calls(chunks)
    assert own["reasoning_details"] == details
    assert own["tool_calls"] == [{"id": "call_1", "function": function}]


# Anthropic's messages.


def test_a_stream_of_anthropics_client_goes_round(registry: ToolRegistry, openrouter_sandbox: Sandbox) -> None:
    with anthropic.Anthropic(**anthropics(openrouter_sandbox)) as client:
        appended = registry.handle_tool_calls(client.messages.create(**asked(registry), stream=True))
        the_providers_were_listed(appended)
        more = {**asked(registry), "messages": [*QUESTION, *appended]}
        (message,) = registry.handle_tool_calls(client.messages.create(**more, stream=True))
    assert [block["type"] for block in message["content"]] == ["text"]


def test_anthropics_helper_gives_its_answer_read_or_unread(registry: ToolRegistry, openrouter_sandbox: Sandbox) -> None:
    with anthropic.Anthropic(**anthropics(openrouter_sandbox)) as client:
        for read_it in (False, True):
            with client.messages.stream(**asked(registry)) as stream:
                text = "".join(stream.text_stream) if read_it else ""
                the_providers_were_listed(registry.handle_tool_calls(stream))
        assert isinstance(text, str)


def test_input_that_broke_off_is_answered_with_what_to_mend(registry: ToolRegistry) -> None:
    block = {"type": "tool_use", "id": "toolu_1", "name": "OPENROUTER_LIST_PROVIDERS", "input": {}}
    delta = {"type": "input_json_delta", "partial_json": '{"a": '}
    events: list[Any] = [
        {"type": "message_start", "message": {"role": "assistant", "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}},
        {"type": "message_stop"},
    ]
    own, told = registry.handle_tool_calls(events)
    assert own == {"role": "assistant", "content": [block]}
    assert told["content"][0]["is_error"]
    assert "not valid JSON" in told["content"][0]["content"]


# OpenAI's responses.


def test_a_stream_of_responses_goes_round(registry: ToolRegistry, openrouter_sandbox: Sandbox) -> None:
    tools: Any = registry.tools("openai-responses")
    key = openrouter_sandbox.api_key
    with responses_before(openrouter_sandbox) as url, openai.OpenAI(base_url=url, api_key=key) as client:
        stream = client.responses.create(model=MODEL, input=QUESTION, tools=tools, stream=True)
        call, told = registry.handle_tool_calls(stream)
        assert (call["type"], told["type"]) == ("function_call", "function_call_output")
        assert told["call_id"] == call["call_id"]
        assert "acme" in told["output"]
        items: Any = [*QUESTION, call, told]
        with client.responses.stream(model=MODEL, input=items, tools=tools) as helper:
            (message,) = registry.handle_tool_calls(helper)
    assert message["type"] == "message"
    assert set(message["content"][0]) == {"type", "text", "annotations"}


def test_items_that_the_last_event_lacks_are_those_of_the_others(registry: ToolRegistry) -> None:
    call = {"type": "function_call", "call_id": "c1", "name": "OPENROUTER_LIST_PROVIDERS", "arguments": "{}"}
    events: list[Any] = [
        {"type": "response.created", "response": {"status": "in_progress", "output": []}},
        {"type": "response.output_item.done", "output_index": 0, "item": call},
        {"type": "response.completed", "response": {"status": "completed", "output": []}},
    ]
    own, told = registry.handle_tool_calls(events)
    assert own == call
    assert "acme" in told["output"]


# Async.


def test_async_streams_go_round(registry: ToolRegistry, openrouter_sandbox: Sandbox) -> None:
    key = openrouter_sandbox.api_key
    tools: Any = registry.tools()

    async def agents() -> list[Messages]:
        handle = registry.handle_tool_calls_async
        found = []
        async with openai.AsyncOpenAI(base_url=openrouter_sandbox.base_url, api_key=key) as client:
            options: Any = {"model": MODEL, "messages": QUESTION, "tools": tools}
            found.append(await handle(await client.chat.completions.create(**options, stream=True)))
            chunks = [chunk async for chunk in await client.chat.completions.create(**options, stream=True)]
            found.append(await handle(chunks))
            async with client.chat.completions.stream(**options) as stream:
                found.append(await handle(stream))

            async def passed_through() -> AsyncIterator[Any]:
                for chunk in chunks:
                    yield chunk

            found.append(await handle(passed_through()))
        async with anthropic.AsyncAnthropic(**anthropics(openrouter_sandbox)) as other:
            found.append(await handle(await other.messages.create(**asked(registry), stream=True)))
            async with other.messages.stream(**asked(registry)) as helper:
                found.append(await handle(helper))
        return found

    found = asyncio.run(agents())
    assert len(found) == 6
    for appended in found:
        the_providers_were_listed(appended)


def test_a_stream_for_async_code_says_where_it_belongs(registry: ToolRegistry) -> None:
    async def stream() -> AsyncIterator[Any]:
        yield {}

    with pytest.raises(TypeError, match="handle_tool_calls_async"):
        registry.handle_tool_calls(stream())


def test_cancelling_closes_the_stream(registry: ToolRegistry) -> None:
    closed = []

    async def silent() -> AsyncIterator[Any]:
        try:
            yield {"choices": []}
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    async def cancel() -> None:
        task = asyncio.create_task(registry.handle_tool_calls_async(silent()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert closed == [True]


# What goes wrong.


def test_half_a_stream_calls_nothing(registry: ToolRegistry, chat: Any, openrouter_sandbox: Sandbox) -> None:
    chunks = list(chat())
    before = len(openrouter_sandbox.requests)
    finished = next(number for number, chunk in enumerate(chunks) if chunk.choices[0].finish_reason)
    for cut in (chunks[:finished], chunks[:1]):
        with pytest.raises(ActionError, match="ended before") as raised:
            registry.handle_tool_calls(cut)
        assert (raised.value.type, raised.value.retryable) == ("invalid_response", True)
        assert raised.value.partial["choices"]
    assert len(openrouter_sandbox.requests) == before


def test_a_helper_whose_answer_broke_off_calls_nothing(registry: ToolRegistry, openrouter_sandbox: Sandbox) -> None:
    class Helper:
        def __iter__(self) -> Iterator[Any]:
            return iter(())

        def get_final_message(self) -> Any:
            raise AssertionError

    with pytest.raises(ActionError, match="ended before"):
        registry.handle_tool_calls(Helper())


@pytest.mark.parametrize(
    "chunks",
    [
        [{"error": {"message": "overloaded", "code": 529}}],
        [{"choices": [{"index": 0, "delta": {"content": "a"}}]}, {"error": {"message": "overloaded"}, "choices": []}],
        [{"type": "message_start", "message": {}}, {"type": "error", "error": {"message": "overloaded"}}],
        [{"type": "response.created", "response": {}}, {"type": "error", "message": "overloaded"}],
        [{"type": "response.failed", "response": {"status": "failed", "error": {"message": "overloaded"}}}],
    ],
)
def test_an_error_in_a_stream_is_raised(registry: ToolRegistry, chunks: Any) -> None:
    with pytest.raises(ActionError, match="overloaded") as raised:
        registry.handle_tool_calls(chunks)
    assert raised.value.retryable


@pytest.mark.parametrize(
    "chunks",
    [
        [{"choices": 5}, {"choices": [{"delta": 5}]}],
        [{"type": "message_start", "message": {"content": 5}}],
        [{"type": "response.output_item.done"}],
    ],
)
def test_a_part_of_an_unknown_form_is_an_invalid_answer(registry: ToolRegistry, chunks: Any) -> None:
    with pytest.raises(ActionError, match="unknown form"):
        registry.handle_tool_calls(chunks)


@pytest.mark.parametrize(
    "response", [iter([]), ["text"], [{"role": "user"}], "text", {1}], ids=lambda given: type(given).__name__
)
def test_what_has_no_chunks_is_a_mistake(registry: ToolRegistry, response: Any) -> None:
    with pytest.raises(TypeError, match="wanted the answer"):
        registry.handle_tool_calls(response)


def test_a_stream_that_was_read_already_says_so(registry: ToolRegistry, chat: Any) -> None:
    stream = chat()
    assert list(stream)
    with pytest.raises(TypeError, match="read already"):
        registry.handle_tool_calls(stream)
    assert json.dumps(list(stream)) == "[]"
