"""A model's tool call, from what it wrote to what it is to read: mended, executed, made brief."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ..brief import for_model
from ..envelope import ActionError, Envelope
from ..manifest import Action
from ..wording import quoted, shorten
from .mending import mend
from .responses import ToolCall, ToolResult
from .schemas import SELECT, original_names

DEFAULT_LIMIT = 20_000  # characters
LEAST_LIMIT = 1_000


def run(
    call: ToolCall,
    action: Action | None,
    execute: Callable[[str, dict[str, Any]], Envelope],
    *,
    limit: int = DEFAULT_LIMIT,
) -> ToolResult:
    """Make one call; whatever is wrong with it comes back as a result that the model can mend.

    Args:
        call: what the model wrote.
        action: the action of that name, or None.
        execute: runs the slug with the arguments.
        limit: the result's length in characters, at the most.
    """
    try:
        arguments = read_arguments(call.name, call.arguments)
        select = None
        if action is not None:
            arguments = original_names(action, arguments)
            if action.definition.brief is not None:
                select = arguments.pop(SELECT, None)
            arguments = mend(action.definition.input_parameters, arguments)
        envelope = execute(call.name, arguments)
        return told(envelope, action, call, select=select, limit=limit)
    except ActionError as error:
        return ToolResult(call, error.explanation, Envelope.failure(error))


def told(envelope: Envelope, action: Action | None, call: ToolCall, *, select: Any, limit: int) -> ToolResult:
    """An envelope as the model reads it: the answer, made brief where it has a brief form, or the error."""
    if not envelope.successful or action is None:
        return ToolResult(call, shorten(envelope.error or "", limit), envelope)
    brief = action.definition.brief
    if select is not None and not isinstance(select, str):
        raise ActionError("invalid_arguments", "select: wanted a JMESPath expression as text")
    form = None if brief is None else brief.model_dump()
    return ToolResult(call, for_model(envelope.data, form, select=select, limit=limit), envelope)


def read_arguments(name: str, written: Any, loads: Callable[[str], Any] = json.loads) -> dict[str, Any]:
    """The arguments of a call as an object; models write JSON text, and nothing at all where there are no parameters.

    Args:
        name: the tool's, as the model wrote it.
        written: the arguments, as the model wrote them.
        loads: reads JSON; what it can't read is a `ValueError`.

    Raises:
        ActionError: they are none; it says what the model has to write.
    """
    if written is None or (isinstance(written, str) and not written.strip()):
        return {}
    if isinstance(written, str):
        try:
            written = loads(written)
        except (ValueError, RecursionError) as error:
            message = f"The arguments of {quoted(name, 80)} are no JSON: {quoted(str(error), 100)}."
            raise ActionError(
                "invalid_arguments", message, f"{message} Nothing was called. Write them as one JSON object."
            ) from None
    if not isinstance(written, dict):
        message = f"The arguments of {quoted(name, 80)} are no JSON object."
        raise ActionError("invalid_arguments", message, f"{message} Nothing was called. Write an object.")
    return dict(written)
