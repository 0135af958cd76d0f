"""Shortens an answer for a model: as a summary in rows, by a `select` expression, or truncated to valid JSON."""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from ..envelope import ActionError
from ..text.sanitize import preview, quoted, short_name
from ..text.selection import OPTIONS, SelectionError
from ..text.selection import select as select_from

_SEPARATOR = "|"
_MAX_CELL = 200
# Characters that are reserved for the note about a truncation.
_NOTE_SIZE = 400
# A part of an answer gets at least this many characters, or its full length, or is left out.
_MIN_PART = 40
# Levels of nesting that a truncated answer keeps; OpenRouter's answers have fewer.
_MAX_DEPTH = 50
# Measuring an answer's length stops here.
_MAX_MEASURED = 10_000_000
# Lower for a selection, which may contain the same part millions of times.
_MAX_MEASURED_SELECTION = 1_000_000
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# Everything that JMESPath may raise: its own errors and those inside its functions.
_SEARCH_ERRORS = (JMESPathError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def for_model(
    data: str,
    brief: Mapping[str, Any] | None,
    *,
    select: str | None = None,
    limit: int = 20_000,
    checkpoint: Callable[[], None] | None = None,
) -> str:
    """Render a successful answer for a model: JSON in at most `limit` characters.

    Args:
        data: the envelope's data.
        brief: the action's summary: `rows` (JMESPath to the list), `columns` (a JMESPath expression each) and
            `legend` (the meaning of columns and letters).
        select: a JMESPath expression over the full answer, used instead of the summary.
        limit: characters, 1000 or more; a longer text is truncated, with a note on what is missing and what to do.
        checkpoint: called repeatedly while `select` is evaluated; it may raise to stop the evaluation.

    Raises:
        ActionError: `invalid_arguments`, if `select` can't be applied: it is not a JMESPath expression, would need too
            many resources, or the answer is not JSON.
    """
    constants: list[str] = []  # NaN and infinities: they become null, because append returns None
    try:
        body = json.loads(data, parse_constant=constants.append)
    except (ValueError, RecursionError):
        if select is not None:
            raise _select_error("the answer is not valid JSON that can be searched", "Leave it out.") from None
        return _fit(data, limit)
    if select is not None:
        return _fit(_select(body, select, checkpoint), limit, _MAX_MEASURED_SELECTION)
    if brief is not None:
        return _to_rows(body, brief, limit)
    unchanged = len(data) <= limit and not constants and not _LONE_SURROGATE.search(data)
    return data if unchanged else _fit(body, limit)


def render_failure(data: str, limit: int) -> str:
    """Return a failed envelope's data as JSON in at most `limit` characters: its `partial` may be long."""
    return data if len(data) <= limit else for_model(data, None, limit=limit)


def _select(body: Any, expression: str, checkpoint: Callable[[], None] | None) -> Any:
    try:
        return select_from(expression, body, checkpoint)
    except SelectionError as error:
        raise _select_error(
            f"it can't be applied: {quoted(str(error), 160)}",
            "Correct it: it is JMESPath, for example data[0:5].id. Or leave it out.",
        ) from None


def _select_error(reason: str, advice: str) -> ActionError:
    return ActionError(
        "invalid_arguments", f"select: {reason}", advice=advice, problems=[{"path": "select", "problem": reason}]
    )


def _to_rows(body: Any, brief: Mapping[str, Any], limit: int) -> str:
    """Render a list as rows: the column names once, then one row per entry, with values separated by `|`."""
    entries = _search(brief["rows"], body)
    if not isinstance(entries, list):
        return _fit(body, limit)
    head = {"columns": _SEPARATOR.join(brief["columns"]), "legend": brief["legend"]}
    room = limit - len(_dump({**head, "rows": []}))
    rows: list[str] = []
    kept = 0  # rows that leave room for the note
    for entry in entries:
        row = _SEPARATOR.join(_cell(_search(column, entry)) for column in brief["columns"].values())
        rows.append(row)
        room -= len(_dump(row)) + 1
        if room >= _NOTE_SIZE:
            kept += 1
        if room < -1:  # the first row has no comma before it
            break
    else:
        return _dump({**head, "rows": rows}) if room >= -1 else _fit({**head, "rows": rows}, limit)
    if not kept:
        return _fit({**head, "rows": rows}, limit)
    note = _note(f"{len(entries) - kept} of {len(entries)} rows")
    return _dump({**head, "rows": rows[:kept], "cut": note})


def _search(expression: str, value: Any) -> Any:
    """Evaluate an expression of the summary; None if the answer is not as documented."""
    try:
        return jmespath.search(expression, value, OPTIONS)
    except _SEARCH_ERRORS:
        return None


def _cell(value: Any) -> str:
    """Render a value as clean text without the separator."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else ""
    text = short_name(value, _MAX_CELL) if isinstance(value, str) else preview(value, _MAX_CELL)
    return text.replace(_SEPARATOR, "/")


def _fit(value: Any, limit: int, max_measured: int = _MAX_MEASURED) -> str:
    """Return the value as JSON if it fits; otherwise as much as fits, with a note on what is missing."""
    total = _size(value, max_measured)
    if total <= limit:
        return _dump(_truncate(value, limit))
    kept = _truncate(value, limit - _NOTE_SIZE)
    length = len(_dump(kept))
    rest = f"{total - length} of {total} characters" if total <= max_measured else f"all but {length} characters"
    return _dump({"answer": kept, "cut": _note(rest)})


def _size(value: Any, maximum: int, depth: int = _MAX_DEPTH) -> int:
    """Return a value's length as JSON in characters; if it exceeds the maximum or is too deep, any higher number."""
    if isinstance(value, str):
        return len(value) + 2 if len(value) > maximum else len(_ENCODER.encode(value))
    if not isinstance(value, list | dict):
        return len(_ENCODER.encode(_scalar(value)))
    if value and not depth:
        return maximum + 1
    size = 2 if not value else 1  # two brackets, and one comma fewer than parts
    for name, part in _parts(value):
        size += _size(part, maximum - size, depth - 1) + 1 + (0 if name is None else _size(name, maximum - size) + 1)
        if size > maximum:
            break
    return size


def _parts(value: list[Any] | dict[str, Any]) -> Any:
    return value.items() if isinstance(value, dict) else ((None, part) for part in value)


def _truncate(value: Any, room: int, depth: int = _MAX_DEPTH) -> Any:
    """Copy a value, truncated to at most `room` characters as JSON. `room` is at least its size or _MIN_PART."""
    if isinstance(value, str):
        return _truncate_text(value, room)
    if isinstance(value, list):
        return _truncate_list(value, room, depth - 1) if depth else []
    if isinstance(value, dict):
        return _truncate_object(value, room, depth - 1) if depth else {}
    plain = _scalar(value)
    return plain if len(_dump(plain)) <= room else None


def _truncate_text(text: str, room: int) -> str:
    if _size(text, room) <= room:
        return text
    head = text[:room]
    # Some characters are escaped: search for the longest head that fits with the ellipsis.
    return head[: bisect_right(range(len(head)), room, key=lambda end: len(_dump(head[:end] + "…"))) - 1] + "…"


def _truncate_list(items: list[Any], room: int, depth: int) -> list[Any]:
    """Keep the first items that fit; truncate the next one if more than half of the room is left for it."""
    kept: list[Any] = []
    left = room - 1
    for item in items:
        size = _size(item, left - 1, depth) + 1
        if size > left:
            if left > max(room // 2, _MIN_PART):
                kept.append(_truncate(item, left - 1, depth))
            break
        kept.append(_truncate(item, size - 1, depth))
        left -= size
    return kept


def _truncate_object(node: dict[str, Any], room: int, depth: int) -> dict[str, Any]:
    """Keep the first keys; short values are complete, long ones share the rest of the room."""
    left = room - 1
    names: list[str] = []
    reserved = 0
    for name, part in node.items():
        minimum = min(_size(part, _MIN_PART, depth), _MIN_PART)
        overhead = _size(name, left) + 2
        if reserved + minimum + overhead <= left:
            names.append(name)
            reserved += minimum
            left -= overhead
        elif left - reserved < _MIN_PART:
            break
    sizes = {name: _size(node[name], left, depth) for name in names}
    shares = {}
    for position, name in enumerate(sorted(names, key=sizes.__getitem__)):
        shares[name] = min(sizes[name], left // (len(names) - position))
        left -= shares[name]
    return {name: _truncate(node[name], shares[name], depth) for name in names}


def _scalar(value: Any) -> Any:
    """Return a number, boolean or null for JSON; null for NaN, infinities and values that JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value if value.bit_length() < 10_000 else None
    return None


def _note(missing: str) -> dict[str, str]:
    return {
        "missing": missing,
        "ask_for_less": "Call again with the action's filters or limit and offset, or with select, a JMESPath "
        "expression over the whole answer, such as data[?contains(id, 'gpt')].id.",
    }


def _dump(value: Any) -> str:
    """Return compact JSON; a lone surrogate, which UTF-8 can't encode, becomes U+FFFD."""
    return _LONE_SURROGATE.sub("\ufffd", _ENCODER.encode(value))
