"""An answer made short enough for a model: its brief form, a selection, or a cut that stays valid JSON."""

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
_LONGEST_CELL = 200
# Room in the limit for the words that tell of a cut.
_NOTE = 400
# A part of an answer gets at least this many characters, or its whole length, or is left out.
_LEAST = 40
# Levels of nesting that are kept where an answer is cut; above all that OpenRouter has.
_DEEPEST = 50
# What is longer than this is not measured to its end.
_MEASURED = 10_000_000
# A selection may have the same part millions of times.
_MEASURED_OF_SELECTION = 1_000_000
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# Everything that JMESPath may raise, its own errors and what its functions stumble over.
_SEARCH_ERRORS = (JMESPathError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def for_model(
    data: str,
    brief: Mapping[str, Any] | None,
    *,
    select: str | None = None,
    limit: int = 20_000,
    checkpoint: Callable[[], None] | None = None,
) -> str:
    """A successful answer's text for a model: JSON in at most `limit` characters.

    Args:
        data: the envelope's data.
        brief: the action's brief form: `rows` (JMESPath to the list), `columns` (a JMESPath expression each) and
            `legend` (what columns and letters mean).
        select: another JMESPath expression, over the whole answer, in the brief form's place.
        limit: characters, 1000 or more; what is longer is cut, and tells how much is missing and how to ask for less.
        checkpoint: called from time to time while `select` is evaluated; what it raises ends that.

    Raises:
        ActionError: `invalid_arguments`, when `select` can't be applied: it is no JMESPath expression, would take too
            much, or the answer is no JSON.
    """
    constants: list[str] = []  # NaN and the infinities: they become null, for append answers None
    try:
        body = json.loads(data, parse_constant=constants.append)
    except (ValueError, RecursionError):
        if select is not None:
            raise _no_selection("the answer is no JSON that can be searched", "Leave it out.") from None
        return _fitted(data, limit)
    if select is not None:
        return _fitted(_selected(body, select, checkpoint), limit, _MEASURED_OF_SELECTION)
    if brief is not None:
        return _in_rows(body, brief, limit)
    as_it_is = len(data) <= limit and not constants and not _LONE_SURROGATE.search(data)
    return data if as_it_is else _fitted(body, limit)


def _selected(body: Any, expression: str, checkpoint: Callable[[], None] | None) -> Any:
    try:
        return select_from(expression, body, checkpoint)
    except SelectionError as error:
        raise _no_selection(
            f"it can't be applied: {quoted(str(error), 160)}",
            "Correct it: it is JMESPath, for example data[0:5].id. Or leave it out.",
        ) from None


def _no_selection(reason: str, advice: str) -> ActionError:
    return ActionError(
        "invalid_arguments",
        f"select: {reason}",
        f"select: {reason}. {advice}",
        problems=[{"path": "select", "problem": reason}],
    )


def _in_rows(body: Any, brief: Mapping[str, Any], limit: int) -> str:
    """Column names once, then a row each: values in the columns' order, parted by a vertical bar."""
    found = _searched(brief["rows"], body)
    if not isinstance(found, list):
        return _fitted(body, limit)
    head = {"columns": _SEPARATOR.join(brief["columns"]), "legend": brief["legend"]}
    room = limit - len(_dumped({**head, "rows": []}))
    rows: list[str] = []
    kept = 0  # rows that leave room for the words that tell of a cut
    for entry in found:
        row = _SEPARATOR.join(_cell(_searched(column, entry)) for column in brief["columns"].values())
        rows.append(row)
        room -= len(_dumped(row)) + 1
        if room >= _NOTE:
            kept += 1
        if room < -1:  # the first row has no comma before it
            break
    else:
        return _dumped({**head, "rows": rows}) if room >= -1 else _fitted({**head, "rows": rows}, limit)
    if not kept:
        return _fitted({**head, "rows": rows}, limit)
    note = _note(f"{len(found) - kept} of {len(found)} rows")
    return _dumped({**head, "rows": rows[:kept], "cut": note})


def _searched(expression: str, value: Any) -> Any:
    """What a brief form's expression finds; nothing in an answer that is not as documented."""
    try:
        return jmespath.search(expression, value, OPTIONS)
    except _SEARCH_ERRORS:
        return None


def _cell(value: Any) -> str:
    """A value as a clean text without the separator."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else ""
    text = short_name(value, _LONGEST_CELL) if isinstance(value, str) else preview(value, _LONGEST_CELL)
    return text.replace(_SEPARATOR, "/")


def _fitted(value: Any, limit: int, measured: int = _MEASURED) -> str:
    """The value as JSON when it fits; else as much as fits, and what is missing."""
    whole = _size(value, measured)
    if whole <= limit:
        return _dumped(_shrunk(value, limit))
    kept = _shrunk(value, limit - _NOTE)
    length = len(_dumped(kept))
    rest = f"{whole - length} of {whole} characters" if whole <= measured else f"all but {length} characters"
    return _dumped({"answer": kept, "cut": _note(rest)})


def _size(value: Any, most: int, deep: int = _DEEPEST) -> int:
    """The characters that a value takes as JSON; only some number above `most`, when it takes more or is too deep."""
    if isinstance(value, str):
        return len(value) + 2 if len(value) > most else len(_ENCODER.encode(value))
    if not isinstance(value, list | dict):
        return len(_ENCODER.encode(_scalar(value)))
    if value and not deep:
        return most + 1
    size = 2 if not value else 1  # two brackets, and a comma less than parts
    for name, part in _parts(value):
        size += _size(part, most - size, deep - 1) + 1 + (0 if name is None else _size(name, most - size) + 1)
        if size > most:
            break
    return size


def _parts(value: list[Any] | dict[str, Any]) -> Any:
    return value.items() if isinstance(value, dict) else ((None, part) for part in value)


def _shrunk(value: Any, room: int, deep: int = _DEEPEST) -> Any:
    """A copy that takes at most `room` characters as JSON; whole, when it fits. `room` is its size or _LEAST."""
    if isinstance(value, str):
        return _shrunk_text(value, room)
    if isinstance(value, list):
        return _shrunk_list(value, room, deep - 1) if deep else []
    if isinstance(value, dict):
        return _shrunk_object(value, room, deep - 1) if deep else {}
    plain = _scalar(value)
    return plain if len(_dumped(plain)) <= room else None


def _shrunk_text(text: str, room: int) -> str:
    if _size(text, room) <= room:
        return text
    head = text[:room]
    # Some characters are escaped: the longest head that fits with the ellipsis is looked for.
    return head[: bisect_right(range(len(head)), room, key=lambda end: len(_dumped(head[:end] + "…"))) - 1] + "…"


def _shrunk_list(items: list[Any], room: int, deep: int) -> list[Any]:
    """The first items; of one that alone takes half of the room or more, as much as fits."""
    kept: list[Any] = []
    left = room - 1
    for item in items:
        size = _size(item, left - 1, deep) + 1
        if size > left:
            if left > max(room // 2, _LEAST):
                kept.append(_shrunk(item, left - 1, deep))
            break
        kept.append(_shrunk(item, size - 1, deep))
        left -= size
    return kept


def _shrunk_object(node: dict[str, Any], room: int, deep: int) -> dict[str, Any]:
    """The first keys; short values whole, long ones share what these leave."""
    left = room - 1
    names: list[str] = []
    for_values = 0
    for name, part in node.items():
        least = min(_size(part, _LEAST, deep), _LEAST)
        overhead = _size(name, left) + 2
        if for_values + least + overhead <= left:
            names.append(name)
            for_values += least
            left -= overhead
        elif left - for_values < _LEAST:
            break
    sizes = {name: _size(node[name], left, deep) for name in names}
    shares = {}
    for position, name in enumerate(sorted(names, key=sizes.__getitem__)):
        shares[name] = min(sizes[name], left // (len(names) - position))
        left -= shares[name]
    return {name: _shrunk(node[name], shares[name], deep) for name in names}


def _scalar(value: Any) -> Any:
    """A number, truth value or null as JSON has it; null for NaN, the infinities, and what JSON has no form for."""
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


def _dumped(value: Any) -> str:
    """Compact JSON that any encoding takes."""
    return _LONE_SURROGATE.sub("\ufffd", _ENCODER.encode(value))
