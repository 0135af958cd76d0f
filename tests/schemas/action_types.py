"""Writes the actions' names and arguments as Python types, from the schemas: `make types`."""

from __future__ import annotations

import keyword
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from openrouter_toolkit.manifest import Action, load

from .definitions import ROOT

TARGET = ROOT / "toolkit/openrouter_toolkit/action_types.py"
_HEAD = '''"""The names and arguments of OpenRouter's actions as types, written by `make types` from the schemas."""

from __future__ import annotations

from typing import Any, Literal, Required, TypedDict, Unpack, overload

from .call import Listener
from .envelope import Envelope
from .execution.event_stream import EventStream
from .registry import ToolRegistry


class StreamOptions(TypedDict, total=False):
    """The keyword arguments of `ToolRegistry.stream`."""

    user_id: str
    account_id: str | None
    timeout: float | None
    agent: str | None
    session_id: str | None


class ExecuteOptions(StreamOptions, total=False):
    """The keyword arguments of `ToolRegistry.execute`."""

    on_event: Listener | None
'''
_CLASS = '''
class OpenRouterRegistry(ToolRegistry):
    """A `ToolRegistry` of OpenRouter's actions in which type checkers know each slug and its arguments.

    It does what `ToolRegistry` does. A slug or an argument that does not exist, or a value of a wrong type, is an error
    of the type checker; where slugs are known at run time only, use `ToolRegistry`.
    """
'''
_METHODS = (
    ("def execute", "ExecuteOptions", "Envelope", "return super().execute(slug, arguments, **options)"),
    (
        "async def execute_async",
        "ExecuteOptions",
        "Envelope",
        "return await super().execute_async(slug, arguments, **options)",
    ),
    ("def stream", "StreamOptions", "EventStream", "return super().stream(slug, arguments, **options)"),
)
_TYPES = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
    "object": "dict[str, Any]",
}


def write() -> str:
    """The module's text."""
    actions = load().all_actions
    slugs = [slug for action in actions for slug in (action.slug, *action.aliases)]
    parts = [_HEAD, f"ActionSlug = {_literal(slugs)}\n"]
    parts += [_arguments(action) for action in actions]
    streaming = [action for action in actions if action.streams]
    parts.append(_CLASS + "\n".join(_method(streaming if "stream" in of[0] else actions, *of) for of in _METHODS))
    return _formatted("\n\n".join(parts))


def type_of(schema: dict[str, Any]) -> str:
    """The type of a parameter's values. Ranges and what is inside open objects are left to validation."""
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(type_of(each) for each in schema["anyOf"]))
    if "enum" in schema:
        return _literal(schema["enum"])
    kinds = schema.get("type", [])
    found = [_type(kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    return " | ".join(found) or "Any"


def _type(kind: str, schema: dict[str, Any]) -> str:
    return f"list[{type_of(schema.get('items', {}))}]" if kind == "array" else _TYPES[kind]


def _literal(values: list[Any]) -> str:
    return f"Literal[{', '.join(map(repr, values))}]"


def _name(action: Action) -> str:
    return action.slug.removeprefix("OPENROUTER_").title().replace("_", "") + "Arguments"


def _arguments(action: Action) -> str:
    """The TypedDict of an action's arguments; names that Python can't have stand in one of their own."""
    schema = action.definition.input_parameters
    required = schema.get("required", [])
    types = {
        name: f"Required[{type_of(each)}]" if name in required else type_of(each)
        for name, each in schema["properties"].items()
    }
    others = {name: type_ for name, type_ in types.items() if not name.isidentifier() or keyword.iskeyword(name)}
    base, before = "TypedDict", ""
    if others:
        base = f"_{_name(action)}"
        pairs = ", ".join(f"{name!r}: {type_}" for name, type_ in others.items())
        before = f"{base} = TypedDict({base!r}, {{{pairs}}}, total=False)\n\n\n"
    fields = "".join(f"    {name}: {type_}\n" for name, type_ in types.items() if name not in others)
    head = f'class {_name(action)}({base}, total=False):\n    """The arguments of {action.slug}."""\n'
    return before + head + ("\n" + fields if fields else "")


def _method(actions: list[Action], definition: str, options: str, answer: str, body: str) -> str:
    lines = []
    for number, action in enumerate(actions):
        ignored = "" if number else "  # type: ignore[override]"
        default = "" if action.definition.input_parameters.get("required") else " | None = None"
        lines.append(
            f"    @overload{ignored}\n"
            f"    {definition}(self, slug: {_literal([action.slug, *action.aliases])}, "
            f"arguments: {_name(action)}{default}, **options: Unpack[{options}]) -> {answer}: ...\n"
        )
    own = re.sub(r".*def (\w+)", r"\1", definition)
    lines.append(
        f"    {definition}(self, slug: Any, arguments: Any = None, **options: Any) -> {answer}:\n"
        f'        """See `ToolRegistry.{own}`."""\n'
        f"        {body}\n"
    )
    return "\n".join(lines)


def _formatted(text: str) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(TARGET), "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=ROOT, timeout=60)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


if __name__ == "__main__":
    Path(TARGET).write_text(write(), encoding="utf-8")
