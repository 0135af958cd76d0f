"""A model's tool call, from what it wrote to what it is to read: repaired, executed, made brief."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container
from typing import Any

from ..envelope import ActionError, Envelope
from ..manifest import Action
from ..text.sanitize import clean, quoted, shorten
from ..validation.arguments import interruptible
from .coercion import coerce_arguments
from .responses import ToolCall, ToolResult
from .schemas import SELECT, original_names
from .summary import for_model

DEFAULT_LIMIT = 20_000  # characters
LEAST_LIMIT = 1_000
_MOST_ENCODINGS = 4  # an object, encoded as text three times over


def run(
    call: ToolCall,
    action: Action | None,
    execute: Callable[[str, dict[str, Any]], Envelope],
    *,
    limit: int = DEFAULT_LIMIT,
    checkpoint: Callable[[], None] | None = None,
) -> ToolResult:
    """Make one call; whatever is wrong with it comes back as a result that the model can correct.

    Args:
        call: what the model wrote.
        action: the action of that name, or None.
        execute: runs the slug with the arguments.
        limit: the result's length in characters, at the most.
        checkpoint: called from time to time before and after the execution; what it raises is the result.
    """
    try:
        arguments = read_arguments(call.name, call.arguments)
        select = None
        if action is not None:
            arguments = original_names(action, arguments)
            if action.definition.brief is not None:
                select = arguments.pop(SELECT, None)
            with interruptible(checkpoint):
                arguments = coerce_arguments(action.validator, arguments)
        envelope = execute(call.name if action is None else action.slug, arguments)
        return to_result(envelope, action, call, select=select, limit=limit, checkpoint=checkpoint)
    except ActionError as error:
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
    """An envelope as the model reads it: the answer, made brief where it has a brief form, or the error."""
    if not envelope.successful or action is None:
        return ToolResult(call, shorten(envelope.error or "", limit), envelope)
    brief = action.definition.brief
    if select is not None and not isinstance(select, str):
        raise ActionError("invalid_arguments", "select: wanted a JMESPath expression as text")
    form = None if brief is None else brief.model_dump()
    text = for_model(envelope.data, form, select=select, limit=limit, checkpoint=checkpoint)
    return ToolResult(call, text, envelope)


def read_arguments(name: str, written: Any, loads: Callable[[str], Any] = json.loads) -> dict[str, Any]:
    """The arguments of a call as an object.

    Models write JSON text; nothing at all, or null, where there are no parameters; and text that is encoded twice.

    Args:
        name: the tool's, as the model wrote it.
        written: the arguments, as the model wrote them.
        loads: reads JSON; what it can't read is a `ValueError`.

    Raises:
        ActionError: they are none; it says what the model has to write.
    """
    for _ in range(_MOST_ENCODINGS):
        if not isinstance(written, str) or not written.strip():
            break
        try:
            written = loads(written)
        except (ValueError, RecursionError) as error:
            message = f"The arguments of {quoted(name, 80)} are no JSON: {quoted(str(error), 100)}."
            raise ActionError(
                "invalid_arguments", message, f"{message} Nothing was called. Write them as one JSON object."
            ) from None
    if written is None or (isinstance(written, str) and not written.strip()):
        return {}
    if not isinstance(written, dict):
        message = f"The arguments of {quoted(name, 80)} are no JSON object, but {_KINDS.get(type(written), 'a value')}."
        raise ActionError("invalid_arguments", message, f"{message} Nothing was called. Write an object.")
    return dict(written)


_KINDS = {str: "text", list: "an array", bool: "a truth value", int: "a number", float: "a number"}


def known_name(written: Any, known: Container[str]) -> str | None:
    """The tool that a model named, where what it wrote round the name is of the usual kinds; None where it is unknown.

    The usual kinds are blanks, quotes, a namespace (`functions.NAME`, `mcp__server__NAME`), parentheses, a call's
    number (`NAME:0`) and special tokens of the model's own format (`NAME<|channel|>json`).
    """
    if not isinstance(written, str):
        return None
    if written in known:
        return written
    name = clean(written[:_LONGEST_NAME]).partition("<|")[0].strip(_ROUND_NAMES).removesuffix("()")
    name = _CALL_NUMBER.sub("", name)
    parts = _NAMESPACES.split(name)
    ends = ["".join(parts[start:]) for start in range(0, len(parts), 2)]
    return next((end for end in (name, *ends) if end in known), None)


_LONGEST_NAME = 300
_ROUND_NAMES = " \"'`*"
_CALL_NUMBER = re.compile(r":\d+$")
_NAMESPACES = re.compile(r"(\.|::?|/|__)")
