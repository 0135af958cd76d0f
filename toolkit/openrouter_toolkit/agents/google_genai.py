"""Adapter for Google's genai SDK: actions as function declarations, and handling of Gemini's function calls.

    config = GenerateContentConfig(tools=[tools(registry)])
    response = client.models.generate_content(model=model, contents=contents, config=config)
    contents += respond(registry, response, user_id="alice")

Repeat until the response has no function calls. The model gets our schemas unchanged, and the results of
`registry.call_tool` as `{"output": ...}`, or `{"error": ...}` if a call failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from ..registry import ToolRegistry
from ..tool_calling import ToolCall, ToolResult
from ..tool_calling.options import DEFAULT_LIMIT, CallKeywords
from .bound_tools import needs

if TYPE_CHECKING:
    from google.genai import types


def tools(registry: ToolRegistry, *, extensions: bool = False) -> types.Tool:
    """Return one tool that declares each allowed action as a function.

    Args:
        registry: the actions.
        extensions: include the undocumented parameters that the API accepts.

    Raises:
        ImportError: google-genai is not installed.
    """
    with needs("google-genai is missing: pip install 'openrouter-toolkit[google-genai]'"):
        from google.genai import types
    declarations = [types.FunctionDeclaration(**tool) for tool in registry.tools("gemini", extensions=extensions)]
    return types.Tool(function_declarations=declarations)


def respond(
    registry: ToolRegistry,
    response: types.GenerateContentResponse,
    *,
    user_id: str = "default",
    limit: int = DEFAULT_LIMIT,
    timeout: float | None = None,
) -> list[types.Content]:
    """Make the function calls of a response in parallel, and return what to append to the contents.

    Args:
        registry: the actions.
        response: Gemini's response.
        user_id: the user whose connected account is used.
        limit: the maximum length of one result in characters.
        timeout: seconds for each call, as in `ToolRegistry.execute`.

    Returns:
        The model's own content, unchanged (Gemini requires its thought signatures), and a content with the results
        in the order of the calls. Without function calls, only the model's content; an empty list if that is missing
        or empty.

    Raises:
        ValueError: `limit` or `timeout` is invalid.
        TypeError: `user_id` is not a string.
    """
    results = registry.call_tools(_calls(response), user_id=user_id, limit=limit, timeout=timeout)
    return _contents(response, results)


async def respond_async(
    registry: ToolRegistry, response: types.GenerateContentResponse, **options: Unpack[CallKeywords]
) -> list[types.Content]:
    """`respond` for async code; cancelling it cancels the calls."""
    return _contents(response, await registry.call_tools_async(_calls(response), **options))


def _calls(response: types.GenerateContentResponse) -> list[ToolCall]:
    content = _content(response)
    calls = [part.function_call for part in (content and content.parts) or () if part.function_call is not None]
    return [ToolCall(call.id or "", call.name or "", call.args) for call in calls]


def _content(response: types.GenerateContentResponse) -> types.Content | None:
    return response.candidates[0].content if response.candidates else None


def _contents(response: types.GenerateContentResponse, results: list[ToolResult]) -> list[types.Content]:
    from google.genai import types

    model_content = _content(response)
    if model_content is None or not any(part.model_dump(exclude_none=True) for part in model_content.parts or ()):
        return []  # Gemini refuses contents without parts
    parts = [
        types.Part(
            function_response=types.FunctionResponse(
                id=result.call.id or None,
                name=result.call.name,
                response={"error" if result.failed else "output": result.text},
            )
        )
        for result in results
    ]
    return [model_content, types.Content(role="user", parts=parts)] if parts else [model_content]
