"""Answers of a model that calls tools, as the openai package has them."""

from __future__ import annotations

from typing import Any


def calling(*calls: tuple[str, str]) -> Any:
    """A chat completion that calls tools: name and arguments, which are JSON text as the model wrote it."""
    from openai.types.chat import ChatCompletion

    tool_calls = [
        {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for number, (name, arguments) in enumerate(calls)
    ]
    message = {"role": "assistant", "content": None, "tool_calls": tool_calls}
    choice = {"index": 0, "finish_reason": "tool_calls", "message": message}
    return ChatCompletion.model_validate(
        {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
    )
