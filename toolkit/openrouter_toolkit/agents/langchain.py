"""Adapter for LangChain: actions as tools, for `create_agent`, a LangGraph `ToolNode`, or a model's `bind_tools`.

    agent = create_agent(model, tools(registry, user_id="alice"), middleware=[answering_broken_calls()])

The model gets our schemas unchanged, and the results of `registry.call_tool`. A `ToolMessage` has the full envelope
as its `artifact`, and the status "error" if the call failed; the agent continues after a failure.
A tool's `metadata` has the action's annotations (`readOnlyHint`, `costsMoney`, ...), its `tags` the action's tags.

Invalid JSON never reaches a tool: LangChain puts it into the `invalid_tool_calls` of the model's message, and
`create_agent` ends with that message, whose text is empty. The middleware answers it, so the model can correct it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from ..registry import ToolRegistry
from ..tool_calling import ToolResult
from .bound_tools import BoundTools, BoundToolsKeywords, needs

if TYPE_CHECKING:
    from langchain.agents.middleware import AgentMiddleware
    from langchain_core.tools import BaseTool


def tools(registry: ToolRegistry, **options: Unpack[BoundToolsKeywords]) -> list[BaseTool]:
    """Return one tool per allowed action, sync and async; cancelling an async call closes its connection.

    The options and their errors are those of `BoundTools`: `user_id`, `limit`, `timeout` and `extensions`.

    Raises:
        ImportError: LangChain is not installed.
    """
    bound = BoundTools(registry, **options)
    with needs("LangChain is missing: pip install 'openrouter-toolkit[langchain]'"):
        from langchain_core.messages import ToolMessage
        from langchain_core.tools import BaseTool

    def to_content(result: ToolResult, tool_call_id: str | None) -> tuple[str | ToolMessage, dict[str, Any]]:
        """Return content and artifact. The content is a message, since LangChain has no other way to set its status."""
        envelope = dict(result.envelope)
        if tool_call_id is None:  # called by a program, not by a model: LangChain returns only the content
            return result.text, envelope
        message = ToolMessage(
            result.text,
            artifact=envelope,
            name=result.call.name,
            tool_call_id=tool_call_id,
            status="error" if result.failed else "success",
        )
        return message, envelope

    class ActionTool(BaseTool):
        def _to_args_and_kwargs(
            self, tool_input: str | dict[str, Any], tool_call_id: str | None
        ) -> tuple[tuple[str, ...], dict[str, Any]]:
            """Pass the model's arguments as one, so that no name in them conflicts with `self`, `config` and others."""
            return (), {"arguments": tool_input, "tool_call_id": tool_call_id}

        def _run(self, arguments: Any, tool_call_id: str | None) -> tuple[str | ToolMessage, dict[str, Any]]:
            return to_content(bound.call(self.name, arguments), tool_call_id)

        async def _arun(self, arguments: Any, tool_call_id: str | None) -> tuple[str | ToolMessage, dict[str, Any]]:
            return to_content(await bound.call_async(self.name, arguments), tool_call_id)

    return [
        ActionTool(
            name=action.slug,
            description=action.definition.description,
            args_schema=schema,
            response_format="content_and_artifact",
            tags=list(action.definition.tags),
            metadata=action.definition.annotations.model_dump(),
        )
        for action, schema in bound.actions
    ]


def answering_broken_calls() -> AgentMiddleware[Any, Any]:
    """Middleware for `create_agent`: if all tool calls of a model are invalid JSON, report that and let it continue.

    Raises:
        ImportError: LangChain's agents (the package `langchain`) are not installed.
    """
    with needs("LangChain's agents are missing: pip install langchain"):
        from langchain.agents.middleware import after_model
        from langchain_core.messages import AIMessage, ToolMessage

    @after_model(can_jump_to=["model"])
    def answer_broken_calls(state: Any, runtime: Any) -> dict[str, Any] | None:
        last = state["messages"][-1]
        if not isinstance(last, AIMessage) or last.tool_calls or not last.invalid_tool_calls:
            return None
        messages = [
            ToolMessage(
                "The arguments are not valid JSON. Nothing was called. Write them as one JSON object.",
                name=call["name"],
                tool_call_id=call["id"] or "",
                status="error",
            )
            for call in last.invalid_tool_calls
        ]
        return {"messages": messages, "jump_to": "model"}

    return answer_broken_calls
