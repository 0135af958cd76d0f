"""What the openai and anthropic packages make of a stream, and where that differs from ours."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from anthropic.lib.streaming._messages import accumulate_event
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

# The package takes it for a field like any other that it does not know, and keeps the first chunk's null.
_NOT_KEPT = {"native_finish_reason"}
_LISTS = ("annotations", "images", "reasoning_details")
_SAID_ONCE = ("type", "format", "id")


def by_openai(events: list[dict[str, Any]]) -> Any:
    """The completion that the openai package accumulates."""
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    for chunk in _as_openai_streams(events):
        state.handle_chunk(ChatCompletionChunk.construct(**chunk))
    return json.loads(state.current_completion_snapshot.model_dump_json(warnings=False))


def by_anthropic(events: list[dict[str, Any]]) -> Any:
    """The message that the anthropic package accumulates."""
    message: Any = None
    buffers: dict[int, bytes] = {}
    for event in copy.deepcopy(events):
        if event["type"] != "ping":
            message = accumulate_event(event=event, current_snapshot=message, json_bufs=buffers)  # type: ignore[arg-type]
    return json.loads(message.model_dump_json(warnings=False))


def differences(oracle: Any, ours: Any, path: str = "") -> Iterator[str]:
    """Fields that the oracle has and ours has not, or has otherwise. Its nulls may be absent in ours."""
    if isinstance(oracle, dict) and isinstance(ours, dict):
        for name, value in oracle.items():
            if name in _NOT_KEPT or (value is None and (name in _LISTS or ours.get(name) is None)):
                continue
            if (path, name) == ("", "object"):
                value = value.removesuffix(".chunk")  # noqa: PLW2901
            yield from differences(value, ours.get(name), f"{path}.{name}")
    elif isinstance(oracle, list) and isinstance(ours, list) and len(oracle) == len(ours):
        for at, (theirs, value) in enumerate(zip(oracle, ours, strict=True)):
            yield from differences(theirs, value, f"{path}[{at}]")
    elif oracle != ours:
        yield f"{path}: {str(oracle)[:200]} there, {str(ours)[:200]} here"


def _as_openai_streams(events: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The chunks as OpenAI's API would send them.

    OpenRouter repeats role, type, format and id, which the package would join to `assistantassistant`. Lists whose
    entries have no index of their own, or one index for several types, the package can't join at all.
    """
    said: set[tuple[Any, ...]] = set()
    unindexed = {name for name in _LISTS if not _indexed(events, name)}
    for chunk in copy.deepcopy(events):
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            at = choice.get("index") or 0
            if delta.get("role") and not _first(said, (at, "role")):
                del delta["role"]
            for name in unindexed:
                delta.pop(name, None)
            for detail in delta.get("reasoning_details") or ():
                for name in _SAID_ONCE:
                    if detail.get(name) and not _first(said, (at, detail["index"], name)):
                        del detail[name]
        yield chunk


def _indexed(events: list[dict[str, Any]], name: str) -> bool:
    choices = [choice for event in events for choice in event.get("choices") or ()]
    entries = [entry for choice in choices for entry in (choice.get("delta") or {}).get(name) or ()]
    types = {(entry.get("index"), entry.get("type")) for entry in entries}
    return None not in {index for index, _ in types} and len(types) == len({index for index, _ in types})


def _first(said: set[tuple[Any, ...]], what: tuple[Any, ...]) -> bool:
    if what in said:
        return False
    said.add(what)
    return True
