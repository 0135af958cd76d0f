"""Google's genai SDK: actions as function declarations, and Gemini's function calls answered.

    config = GenerateContentConfig(tools=[tools(registry)])
    response = client.models.generate_content(model=model, contents=contents, config=config)
    contents += respond(registry, response, user_id="alice")

Repeat until the response has no function calls. The model is shown our schemas as they are, and reads what
`registry.call_tool` tells it: `{"output": ...}`, or `{"error": ...}` where a call failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..tool_calling import ToolCall
from ..tool_calling.tool_calls import DEFAULT_LIMIT

if TYPE_CHECKING:
    from google.genai import types

    from ..registry import ToolRegistry
    from ..tool_calling import ToolResult

_MISSING = "google-genai is missing: pip install 'openrouter-toolkit[google-genai]'"


def tools(registry: ToolRegistry, *, extensions: bool = False) -> types.Tool:
    """One tool that declares each action that the registry may use as a function.

    Args:
        registry: the actions.
        extensions: with the parameters that the API takes beyond the documented ones.

    Raises:
        ImportError: google-genai is not installed.
    """
    try:
        from google.genai import types  # noqa: PLC0415
    except ImportError as error:
        raise ImportError(_MISSING) from error
    declared = [types.FunctionDeclaration(**tool) for tool in registry.tools("gemini", extensions=extensions)]
    return types.Tool(function_declarations=declared)


def respond(
    registry: ToolRegistry,
    response: types.GenerateContentResponse,
    *,
    user_id: str = "default",
    limit: int = DEFAULT_LIMIT,
    timeout: float | None = None,
) -> list[types.Content]:
    """Make the function calls of a response, several at once, and tell what to append to the contents.

    Args:
        registry: the actions.
        response: what Gemini answered.
        user_id: whose connected account to use.
        limit: the length of one result in characters, at the most.
        timeout: seconds for each call, as in `ToolRegistry.execute`.

    Returns:
        The model's own content, unchanged (Gemini demands its thought signatures back), and a content with the results
        in the order of the calls. Without function calls, the model's content alone; nothing, where it gave none or
        an empty one.

    Raises:
        ValueError: `limit` or `timeout` can't be.
        TypeError: `user_id` is no text.
    """
    results = registry.call_tools(_calls(response), user_id=user_id, limit=limit, timeout=timeout)
    return _contents(response, results)


async def respond_async(
    registry: ToolRegistry,
    response: types.GenerateContentResponse,
    *,
    user_id: str = "default",
    limit: int = DEFAULT_LIMIT,
    timeout: float | None = None,
) -> list[types.Content]:
    """The same, for async code; cancelling it ends the calls."""
    results = await registry.call_tools_async(_calls(response), user_id=user_id, limit=limit, timeout=timeout)
    return _contents(response, results)


def _calls(response: types.GenerateContentResponse) -> list[ToolCall]:
    content = response.candidates[0].content if response.candidates else None
    parts = content.parts if content is not None else None
    called = [part.function_call for part in parts or () if part.function_call is not None]
    return [ToolCall(call.id or "", call.name or "", call.args) for call in called]


def _contents(response: types.GenerateContentResponse, results: list[ToolResult]) -> list[types.Content]:
    from google.genai import types  # noqa: PLC0415 - who has a response, has the package

    own = response.candidates[0].content if response.candidates else None
    if own is None or not any(part.model_dump(exclude_none=True) for part in own.parts or ()):
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
    return [own, types.Content(role="user", parts=parts)] if parts else [own]
