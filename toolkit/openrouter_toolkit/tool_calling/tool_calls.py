"""Runs a model's tool call: reads and coerces its arguments, executes it, and renders the result."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from ..answer import ToolCall
from ..envelope import ActionError, Envelope
from ..manifest import Action, Toolkits
from ..steps import Steps
from ..text.sanitize import clean, quoted, shorten
from ..validation.arguments import interruptible
from .coercion import prepare_arguments
from .options import DEFAULT_LIMIT
from .responses import ToolResult
from .schemas import SELECT

_MAX_DECODES = 4  # an object that was encoded as text three extra times


def run(
    call: ToolCall,
    action: Action | None,
    execute: Callable[[str, dict[str, Any]], Steps[Envelope]],
    *,
    limit: int = DEFAULT_LIMIT,
    checkpoint: Callable[[], None] | None = None,
) -> Steps[ToolResult]:
    """Make one call, in steps. Errors are returned as a result that the model can react to.

    Args:
        call: what the model wrote.
        action: the action with that name, or None.
        execute: executes the slug with the arguments.
        limit: the result's maximum length in characters.
        checkpoint: called repeatedly before and after the execution; an `ActionError` that it raises is the result.
    """
    try:
        arguments = read_arguments(call.name, call.arguments)
        select = None
        if action is not None:
            if action.definition.brief is not None:
                select = arguments.pop(SELECT, None)
            with interruptible(checkpoint):
                arguments = prepare_arguments(action, arguments)
        envelope = yield from execute(call.name if action is None else action.slug, arguments)
        return to_result(envelope, action, call, select=select, limit=limit, checkpoint=checkpoint)
    except ActionError as error:
        return failed(call, error)


def failed(call: ToolCall, error: ActionError) -> ToolResult:
    """The result of a call that was not made."""
    return ToolResult(call, error.explanation, Envelope.failure(error))


def to_result(
    envelope: Envelope,
    action: Action | None,
    call: ToolCall,
    *,
    select: Any,
    limit: int,
    checkpoint: Callable[[], None] | None = None,
) -> ToolResult:
    """Render an envelope for a model: the answer, as a summary if the action has one, or the error."""
    if not envelope.successful or action is None:
        return ToolResult(call, shorten(envelope.error or "", limit), envelope)
    brief = action.definition.brief
    if select is not None and not isinstance(select, str):
        raise ActionError("invalid_arguments", "select: wanted a JMESPath expression as text")
    from .summary import for_model  # it loads JMESPath

    form = None if brief is None else brief.model_dump()
    text = for_model(envelope.data, form, select=select, limit=limit, checkpoint=checkpoint)
    if envelope.note is not None:
        text = shorten(f"{text}\n{envelope.note}", limit)
    return ToolResult(call, text, envelope)


def read_arguments(name: str, written: Any, loads: Callable[[str], Any] = json.loads) -> dict[str, Any]:
    """Parse the arguments of a call into an object.

    Models write JSON text, an empty text or null for no parameters, and JSON text that is encoded twice.

    Args:
        name: the tool's name, as the model wrote it.
        written: the arguments, as the model wrote them.
        loads: parses JSON; raises `ValueError` for invalid JSON.

    Raises:
        ActionError: they are not an object; the error says what the model has to write.
    """
    for _ in range(_MAX_DECODES):
        if not isinstance(written, str) or not written.strip():
            break
        try:
            written = loads(written)
        except (ValueError, RecursionError) as error:
            message = f"The arguments of {quoted(name, 80)} are not valid JSON: {quoted(str(error), 100)}."
            raise ActionError(
                "invalid_arguments", message, advice="Nothing was called. Write them as one JSON object."
            ) from None
    if written is None or (isinstance(written, str) and not written.strip()):
        return {}
    if not isinstance(written, dict):
        kind = _TYPE_NAMES.get(type(written), "a value")
        message = f"The arguments of {quoted(name, 80)} are not a JSON object, but {kind}."
        raise ActionError("invalid_arguments", message, advice="Nothing was called. Write an object.")
    return dict(written)


_TYPE_NAMES = {str: "text", list: "an array", bool: "a truth value", int: "a number", float: "a number"}


def find_tool(toolkits: Toolkits, written: Any) -> Action | None:
    """Find the action that a model named, also if the name has common additions; None if it is unknown.

    Common additions are spaces, quotes, a namespace (`functions.NAME`, `mcp__server__NAME`), parentheses, a call
    number (`NAME:0`) and special tokens of the model's own format (`NAME<|channel|>json`).
    """
    action = toolkits.find(written)
    if action is not None or not isinstance(written, str):
        return action
    name = clean(written[:_MAX_NAME]).partition("<|")[0].strip(_NAME_PADDING).removesuffix("()")
    name = _CALL_NUMBER.sub("", name)
    parts = _NAMESPACES.split(name)
    ends = ["".join(parts[start:]) for start in range(0, len(parts), 2)]
    return next((found for end in (name, *ends) if (found := toolkits.find(end))), None)


_MAX_NAME = 300
_NAME_PADDING = " \"'`*"
_CALL_NUMBER = re.compile(r":\d+$")
_NAMESPACES = re.compile(r"(\.|::?|/|__)")
