"""Agents on Composio's provider for Gemini: google-genai calls the tools itself, or the provider answers its calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from composio_gemini import GeminiProvider  # type: ignore[import-not-found]
from google import genai
from google.genai import types

from openrouter_toolkit.sandbox import Sandbox

from ...agents.scripted_models import Call, GeminiModel
from ...server.served import CHAT
from ...server.served import QUESTION as ASKED
from ..conftest import ALICE

QUESTION = "Count the available models"
COUNT = "OPENROUTER_GET_MODELS_COUNT"
Agent = Callable[[genai.Client, Any, Any], str]


def automatic(client: genai.Client, composio: Any, tools: Any) -> str:
    chat = client.chats.create(model="scripted", config=types.GenerateContentConfig(tools=tools))
    return chat.send_message(QUESTION).text or ""


def by_hand(client: genai.Client, composio: Any, tools: Any) -> str:
    off = types.AutomaticFunctionCallingConfig(disable=True)
    config = types.GenerateContentConfig(tools=tools, automatic_function_calling=off)
    contents: list[Any] = [types.UserContent(QUESTION)]
    wanted = client.models.generate_content(model="scripted", contents=contents, config=config)
    results, executed = composio.provider.handle_response(wanted)
    assert executed
    assert wanted.candidates
    contents += [wanted.candidates[0].content, types.UserContent(results)]
    return client.models.generate_content(model="scripted", contents=contents, config=config).text or ""


@pytest.mark.parametrize("agent", [automatic, by_hand])
@pytest.mark.parametrize(
    ("call", "path", "told"),
    [(Call(COUNT), "/models/count", "14"), (Call(CHAT, ASKED), "/chat/completions", "17 * 3 = 51")],
    ids=["count", "chat"],
)
def test_an_agent_comes_to_its_answer_with_the_users_key(
    host: Callable[..., Any], sandbox: Sandbox, agent: Agent, call: Call, path: str, told: str
) -> None:
    composio = host(provider=GeminiProvider())
    tools = composio.tools.get(user_id="alice", toolkits=["openrouter"])
    with (
        GeminiModel([call], "Done.") as model,
        genai.Client(api_key="k", http_options=types.HttpOptions(base_url=model.url)) as client,
    ):
        assert agent(client, composio, tools) == "Done."
        first, second = model.requests
    shown = [function["name"] for tool in first["tools"] for function in tool["functionDeclarations"]]
    assert len(shown) == 13
    (answered,) = second["contents"][-1]["parts"]
    assert answered["functionResponse"]["name"] == call.name
    assert told in str(answered["functionResponse"]["response"])
    assert [(request.path, request.key) for request in sandbox.requests] == [(path, ALICE)]
