"""Agents on providers of Composio's 0.10."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import openai
from composio_gemini import GeminiProvider  # type: ignore[import-not-found]
from composio_openai import OpenAIProvider
from google import genai
from google.genai import types

from openrouter_toolkit.sandbox import Sandbox

from ...agents.scripted_models import Call, GeminiModel
from ..conftest import ALICE, HOST

QUESTION = "Count the available models"
COUNT = "OPENROUTER_GET_MODELS_COUNT"


def made(sandbox: Sandbox) -> list[str | None]:
    return [request.key for request in sandbox.requests if request.path.endswith("/models/count")]


def test_gemini(host: Callable[..., Any], sandbox: Sandbox) -> None:
    composio = host(provider=GeminiProvider())
    tools = composio.tools.get(user_id="alice", toolkits=["openrouter"])
    declared: Any = [types.Tool(function_declarations=tool.function_declarations) for tool in tools]
    config = types.GenerateContentConfig(tools=declared)
    contents: list[Any] = [types.UserContent(QUESTION)]
    with (
        GeminiModel([Call(COUNT)], "There are 14.") as model,
        genai.Client(api_key="k", http_options=types.HttpOptions(base_url=model.url)) as client,
    ):
        wanted = client.models.generate_content(model="scripted", contents=contents, config=config)
        results, executed = composio.provider.handle_response(wanted, tools)
        assert executed
        assert wanted.candidates
        contents += [wanted.candidates[0].content, types.UserContent(results)]
        answer = client.models.generate_content(model="scripted", contents=contents, config=config)
        assert answer.text == "There are 14."
        shown = [function["name"] for tool in model.requests[0]["tools"] for function in tool["functionDeclarations"]]
        told = model.requests[1]["contents"][-1]["parts"]
    assert len(shown) == 10, "types in lists and integers in enums are more than this provider can say: CHAT"
    assert COUNT in shown
    assert [part["functionResponse"] for part in told] == [{"name": COUNT, "response": {"data": {"count": 14}}}]
    assert made(sandbox) == [ALICE]


def test_gemini_over_a_sessions_tools(host: Callable[..., Any], sandbox: Sandbox) -> None:
    session = host(provider=GeminiProvider()).create(user_id="alice", tools={"openrouter": [COUNT]})
    (tool,) = session.tools()
    assert tool.__name__ == COUNT
    assert tool() == {"data": {"count": 14}}
    assert made(sandbox) == [ALICE]


def test_openai(host: Callable[..., Any], sandbox: Sandbox) -> None:
    composio = host(provider=OpenAIProvider())
    tools = composio.tools.get(user_id="alice", toolkits=["openrouter"])
    conversation: list[Any] = [{"role": "user", "content": QUESTION}]
    with openai.OpenAI(base_url=sandbox.base_url, api_key=HOST) as client:
        wanted = client.chat.completions.create(model="acme/atlas-large", messages=conversation, tools=tools)
        message = wanted.choices[0].message
        (result,) = composio.provider.handle_tool_calls(user_id="alice", response=wanted)
        assert message.tool_calls
        told = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": json.dumps(result)}
        conversation += [message, told]
        answer = client.chat.completions.create(model="acme/atlas-large", messages=conversation, tools=tools)
    assert '"count": 14' in (answer.choices[0].message.content or "")
    assert made(sandbox) == [ALICE]
