"""What is compared: each makes the same calls, and returns what shows that it got the answer.

Each class is used in an environment of its own, so that it imports what it needs when it is made.
"""

from __future__ import annotations

import json
from typing import Any

KEY = "sk-or-v1-benchmark"
MODEL = "acme/atlas-small"


def messages(count: int) -> Any:
    """A conversation."""
    return [{"role": "user", "content": f"Message number {number}"} for number in range(count)]


class Requests:
    """A plain `requests.Session`, which reads a stream's lines and joins their texts: the yardstick."""

    def __init__(self, base_url: str) -> None:
        import requests

        self._url = base_url
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {KEY}"

    def credits(self) -> float:
        """GET /credits: the total."""
        return float(json.loads(self._session.get(f"{self._url}/credits").text)["data"]["total_credits"])

    def chat(self, count: int = 1) -> int:
        """POST /chat/completions: the length of what the model says."""
        body = {"model": MODEL, "messages": messages(count)}
        answer = json.loads(self._session.post(f"{self._url}/chat/completions", json=body).text)
        return len(answer["choices"][0]["message"]["content"])

    def chat_100(self) -> int:
        """The same with 100 messages."""
        return self.chat(100)

    def chat_5000(self) -> int:
        """The same with 5,000 messages."""
        return self.chat(5000)

    def models(self) -> int:
        """GET /models: the length of the text."""
        return len(self._session.get(f"{self._url}/models").content.decode())

    def stream(self) -> int:
        """POST /chat/completions, streamed: the length of what the model says."""
        body = {"model": MODEL, "messages": messages(1), "stream": True}
        with self._session.post(f"{self._url}/chat/completions", json=body, stream=True) as answer:
            events = (json.loads(line[6:]) for line in answer.iter_lines() if line.startswith(b"data: {"))
            return len("".join(event["choices"][0]["delta"]["content"] or "" for event in events))


class Toolkit:
    """This toolkit: validation, the user's key, retries, deadline, redaction and the envelope are in."""

    def __init__(self, base_url: str) -> None:
        from openrouter_toolkit import MemoryAccounts, ToolRegistry

        accounts = MemoryAccounts({"default": {"api_key": KEY}})
        self._registry = ToolRegistry.from_manifest(accounts=accounts, client_options={"base_url": base_url})

    def _execute(self, slug: str, arguments: dict[str, Any], **options: Any) -> str:
        envelope = self._registry.execute(f"OPENROUTER_{slug}", arguments, **options)
        if not envelope.successful:
            raise RuntimeError(envelope.error)
        return envelope.data

    def credits(self) -> float:
        """See `Requests`, here and below."""
        return float(json.loads(self._execute("GET_CREDITS", {}))["data"]["total_credits"])

    def chat(self, count: int = 1, **options: Any) -> int:
        """The whole answer is parsed again, to show it."""
        arguments = {"model": MODEL, "messages": messages(count), **options}
        answer = json.loads(self._execute("CREATE_CHAT_COMPLETION", arguments))
        return len(answer["choices"][0]["message"]["content"])

    def chat_100(self) -> int:
        """100 messages."""
        return self.chat(100)

    def chat_5000(self) -> int:
        """5,000 messages."""
        return self.chat(5000)

    def models(self) -> int:
        """The catalogue's text."""
        return len(self._execute("LIST_AVAILABLE_MODELS", {}))

    def stream(self) -> int:
        """Every field of every event is put together, not only the texts."""
        return self.chat(stream=True)


class OpenAI:
    """OpenAI's SDK."""

    def __init__(self, base_url: str) -> None:
        import openai

        self._client = openai.OpenAI(api_key=KEY, base_url=base_url)

    def chat(self, count: int = 1) -> int:
        """A completion."""
        answer = self._client.chat.completions.create(model=MODEL, messages=messages(count))
        return len(answer.choices[0].message.content or "")

    def chat_100(self) -> int:
        """100 messages."""
        return self.chat(100)

    def chat_5000(self) -> int:
        """5,000 messages."""
        return self.chat(5000)

    def stream(self) -> int:
        """The texts alone are joined."""
        chunks: Any = self._client.chat.completions.create(model=MODEL, messages=messages(1), stream=True)
        return len("".join(chunk.choices[0].delta.content or "" for chunk in chunks))


class OpenRouterSDK:
    """OpenRouter's own SDK."""

    def __init__(self, base_url: str) -> None:
        import openrouter

        self._client = openrouter.OpenRouter(api_key=KEY, server_url=base_url)

    def credits(self) -> float:
        """The total."""
        return float(self._client.credits.get_credits().data.total_credits)

    def chat(self, count: int = 1) -> int:
        """A completion."""
        answer = self._client.chat.send(model=MODEL, messages=messages(count))
        return len(answer.choices[0].message.content)

    def chat_100(self) -> int:
        """100 messages."""
        return self.chat(100)

    def stream(self) -> int:
        """The texts alone are joined."""
        with self._client.chat.send(model=MODEL, messages=messages(1), stream=True) as events:
            return len("".join(event.choices[0].delta.content or "" for event in events if event.choices))


class LiteLLM:
    """LiteLLM's library."""

    def __init__(self, base_url: str) -> None:
        import litellm

        litellm.telemetry = False
        self._completion = litellm.completion
        self._options = {"model": f"openrouter/{MODEL}", "api_base": base_url, "api_key": KEY}

    def chat(self, count: int = 1) -> int:
        """A completion."""
        answer = self._completion(messages=messages(count), **self._options)
        return len(answer.choices[0].message.content)

    def chat_100(self) -> int:
        """100 messages."""
        return self.chat(100)

    def stream(self) -> int:
        """The texts alone are joined."""
        chunks = self._completion(messages=messages(1), stream=True, **self._options)
        return len("".join(chunk.choices[0].delta.content or "" for chunk in chunks))


class LangChainOpenRouter:
    """LangChain's package for OpenRouter."""

    def __init__(self, base_url: str) -> None:
        from langchain_openrouter import ChatOpenRouter

        self._model = ChatOpenRouter(model=MODEL, api_key=KEY, base_url=base_url)

    def chat(self, count: int = 1) -> int:
        """A completion."""
        return len(self._model.invoke(messages(count)).content)

    def chat_100(self) -> int:
        """100 messages."""
        return self.chat(100)

    def stream(self) -> int:
        """The texts alone are joined."""
        return len("".join(chunk.content for chunk in self._model.stream(messages(1))))
