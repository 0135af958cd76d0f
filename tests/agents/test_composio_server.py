"""Agents on Composio's client and providers, with `openrouter-toolkit serve` in Composio's place."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anthropic
import openai
import pytest
from agents import Agent, OpenAIChatCompletionsModel, RunConfig, Runner
from composio import Composio
from composio_anthropic import AnthropicProvider
from composio_langchain import LangchainProvider
from composio_langgraph import LanggraphProvider
from composio_openai import OpenAIProvider, OpenAIResponsesProvider
from composio_openai_agents import OpenAIAgentsProvider
from langchain.agents import create_agent
from langchain_openai import ChatOpenAI

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import MasterKey, Store

from ..loopback import stay_on_loopback
from ..server.served import Served, serving
from .responses_stand_in import responses_before

ALICE, HOST = "sk-or-v1-sandbox-alice", "sk-or-v1-sandbox-host"
MODEL = "acme/atlas-large"
QUESTION = "Count the available models"


@pytest.fixture(autouse=True)
def _loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("COMPOSIO_API_KEY", "COMPOSIO_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    strangers = stay_on_loopback(monkeypatch)
    yield
    assert strangers == []


@pytest.fixture
def served(openrouter_sandbox: Sandbox, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server with alice's account; the model is asked with the host's own key."""
    monkeypatch.delenv("OPENROUTER_API_KEY", raising=False)
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}", master_keys=[MasterKey.fresh()]) as store:
        store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
        with serving(store) as served:
            yield served


@contextmanager
def host_of(served: Served, provider: Any) -> Iterator[Any]:
    composio = Composio(
        provider=provider,
        api_key=served.token(),
        base_url=served.url,
        timeout=30,
        allow_tracking=False,
        toolkit_versions={"openrouter": "20260316_00"},
    )
    with composio.client:
        yield composio


def made(sandbox: Sandbox) -> list[str | None]:
    """The keys with which the models were counted."""
    return [request.key for request in sandbox.requests if request.path.endswith("/models/count")]


def openai_agent(host: Any, tools: Any, sandbox: Sandbox) -> str:
    conversation: list[Any] = [{"role": "user", "content": QUESTION}]
    with openai.OpenAI(base_url=sandbox.base_url, api_key=HOST) as client:
        wanted = client.chat.completions.create(model=MODEL, messages=conversation, tools=tools)
        message = wanted.choices[0].message
        results = host.provider.handle_tool_calls(user_id="alice", response=wanted)
        assert message.tool_calls is not None
        conversation.append(message)
        for call, result in zip(message.tool_calls, results, strict=True):
            conversation.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)})
        answer = client.chat.completions.create(model=MODEL, messages=conversation, tools=tools)
        return answer.choices[0].message.content or ""


def responses_agent(host: Any, tools: Any, sandbox: Sandbox) -> str:
    conversation: list[Any] = [{"role": "user", "content": QUESTION}]
    with responses_before(sandbox) as url, openai.OpenAI(base_url=url, api_key=HOST) as client:
        wanted = client.responses.create(model=MODEL, input=conversation, tools=tools)
        results = host.provider.handle_tool_calls(user_id="alice", response=wanted)
        calls = [item for item in wanted.output if item.type == "function_call"]
        conversation += calls
        for call, result in zip(calls, results, strict=True):
            conversation.append({"type": "function_call_output", "call_id": call.call_id, "output": json.dumps(result)})
        conversation = [item if isinstance(item, dict) else item.model_dump() for item in conversation]
        return client.responses.create(model=MODEL, input=conversation, tools=tools).output_text


def anthropic_agent(host: Any, tools: Any, sandbox: Sandbox) -> str:
    conversation: list[Any] = [{"role": "user", "content": QUESTION}]
    url = sandbox.base_url.removesuffix("/v1")
    with anthropic.Anthropic(base_url=url, auth_token=HOST, api_key=None, max_retries=0) as client:
        wanted = client.messages.create(model=MODEL, max_tokens=500, messages=conversation, tools=tools)
        results = host.provider.handle_tool_calls(user_id="alice", response=wanted)
        uses = [block for block in wanted.content if block.type == "tool_use"]
        told = [
            {"type": "tool_result", "tool_use_id": use.id, "content": json.dumps(result)}
            for use, result in zip(uses, results, strict=True)
        ]
        conversation += [{"role": "assistant", "content": wanted.content}, {"role": "user", "content": told}]
        answer = client.messages.create(model=MODEL, max_tokens=500, messages=conversation, tools=tools)
        return "".join(block.text for block in answer.content if block.type == "text")


def langchain_agent(host: Any, tools: Any, sandbox: Sandbox) -> str:
    key: Any = HOST
    agent: Any = create_agent(ChatOpenAI(base_url=sandbox.base_url, api_key=key, model=MODEL), tools)
    return str(agent.invoke({"messages": [{"role": "user", "content": QUESTION}]})["messages"][-1].content)


def openai_agents_agent(host: Any, tools: Any, sandbox: Sandbox) -> str:
    async def run() -> str:
        async with openai.AsyncOpenAI(base_url=sandbox.base_url, api_key=HOST) as client:
            agent = Agent(name="Assistant", model=OpenAIChatCompletionsModel(MODEL, client), tools=tools)
            return str((await Runner.run(agent, QUESTION, run_config=RunConfig(tracing_disabled=True))).final_output)

    return asyncio.run(run())


AgentOf = Callable[[Any, Any, Sandbox], str]
PROVIDERS: dict[str, tuple[Callable[[], Any], AgentOf]] = {
    "openai": (OpenAIProvider, openai_agent),
    "responses": (OpenAIResponsesProvider, responses_agent),
    "anthropic": (AnthropicProvider, anthropic_agent),
    "langchain": (LangchainProvider, langchain_agent),
    "langgraph": (LanggraphProvider, langchain_agent),
    "openai-agents": (OpenAIAgentsProvider, openai_agents_agent),
}


@pytest.mark.parametrize("name", PROVIDERS)
def test_an_agent_comes_to_its_answer_with_the_users_key(
    name: str, served: Served, openrouter_sandbox: Sandbox
) -> None:
    provider, agent = PROVIDERS[name]
    with host_of(served, provider()) as host:
        tools = host.tools.get(user_id="alice", toolkits=["openrouter"])
        assert len(tools) == 13
        assert '"count": 14' in agent(host, tools, openrouter_sandbox)
    assert made(openrouter_sandbox) == [ALICE]


def test_an_agent_over_a_sessions_tools(served: Served, openrouter_sandbox: Sandbox) -> None:
    with host_of(served, LanggraphProvider()) as host:
        session = host.create(user_id="alice", tools={"openrouter": ["OPENROUTER_GET_MODELS_COUNT"]})
        tools = session.tools()
        assert [tool.name for tool in tools] == ["OPENROUTER_GET_MODELS_COUNT"]
        assert '"count": 14' in langchain_agent(host, tools, openrouter_sandbox)
    assert made(openrouter_sandbox) == [ALICE]
