"""Blocks of README.md and docs that are written by the code, so that they can't drift. `make docs` refreshes them."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path

import pytest

from openrouter_toolkit import ActionError, ToolRegistry
from openrouter_toolkit.envelope import OWN_TYPES
from openrouter_toolkit.http import retries, statuses
from openrouter_toolkit.manifest import DOCUMENTED, Action
from openrouter_toolkit.openrouter.errors import types
from openrouter_toolkit.openrouter.errors.messages import explain
from openrouter_toolkit.store.event_types import EVENTS
from openrouter_toolkit.webhooks.delivering import WAITS

from ..schemas.definitions import openrouter_document
from ..schemas.operations import ACTIONS, OPERATIONS
from ..schemas.without_action import WITHOUT_ACTION

TOP = Path(__file__).parents[2]


def table(*rows: tuple[str, ...]) -> str:
    head, *body = rows
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ("---",) * len(head), *body))


def actions() -> str:
    rows = [("action", "call costs", "what it does")]
    for action in ToolRegistry.from_manifest().actions.values():
        costs = "money" if action.definition.annotations.costsMoney else "nothing"
        rows.append((f"`{action.slug}`", costs, first_sentence(action)))
    return table(*rows)


def first_sentence(action: Action) -> str:
    return re.split(r"(?<=[.;])\s", action.definition.description, maxsplit=1)[0].rstrip(".;")


def types_of_errors() -> str:
    of_types: dict[str, list[int]] = {}
    for status, name in statuses.BY_STATUS.items():
        of_types.setdefault(name, []).append(status)
    rows = [("type", "status", "worth repeating", "what it means")]
    rows += [(f"`{name}`", "", "", meaning) for name, meaning in OWN_TYPES.items()]
    for name, meaning in types.TYPES.items():
        of_type = of_types.get(name, [])
        passing = "yes" if name in statuses.PASSING else "no"
        rows.append((f"`{name}`", ", ".join(map(str, of_type)), passing, meaning))
    return table(*rows)


def next_steps() -> str:
    rows = [("type", "next step, as an agent reads it")]
    for name in types.TYPES:
        status = next((status for status, type_ in statuses.BY_STATUS.items() if type_ == name), 400)
        failure = ActionError(name, "…", status=status, retryable=name in statuses.PASSING)
        rows.append((f"`{name}`", explain(failure).partition('"…". ')[2]))
    return table(*rows)


def repeated() -> str:
    rows: list[tuple[str, ...]] = [("what went wrong", "reads", "completions", "Coinbase charge")]
    cases = [
        ("no connection", ActionError("connection_failed", "", retryable=True, sent=False)),
        ("connection broke after sending", ActionError("connection_failed", "", retryable=True, sent=True)),
        ("silence for too long", ActionError("timeout", "", retryable=True, sent=True)),
        *((f"HTTP {s}", ActionError("", "", status=s, retryable=True)) for s in sorted(statuses.PASSING_STATUSES)),
        ("error inside a 200, or in a stream", ActionError("", "", status=502, retryable=True, http_status=200)),
        ("any other status", ActionError("", "", status=400)),
    ]
    for what, error in cases:
        policies = (retries.reads, retries.completions, retries.never)
        rows.append((what, *("repeated" if policy(error) else "no" for policy in policies)))
    return table(*rows)


def events() -> str:
    rows = [("event", "when", "data")]
    for event in EVENTS.values():
        data = "<br>".join(f"`{name}`: {meaning}" for name, meaning in event.fields.items())
        rows.append((f"`{event.name}`", event.when, data))
    return table(*rows)


def waits() -> str:
    rows = [("attempt", "after the one before", "after the event, about")]
    hours = [wait.total_seconds() / 3600 for wait in WAITS]
    for number, wait in enumerate(WAITS, 2):
        rows.append((str(number), _in_words(wait), _in_words(timedelta(hours=sum(hours[: number - 1])))))
    return table(*rows)


def _in_words(time: timedelta) -> str:
    minutes = round(time.total_seconds() / 60)
    if minutes < 1:
        return f"{time.seconds} seconds"
    return f"{minutes} minutes" if minutes < 120 else f"{round(minutes / 60)} hours"


def toolsets() -> str:
    """Every toolset with its actions."""
    (loaded,) = ToolRegistry.from_manifest().toolkits
    parts = []
    for name in (DOCUMENTED, *loaded.toolsets):
        further = loaded.toolsets.get(name)
        parts.append(f"### {name}\n")
        if further is not None:
            key = " Needs a management key." if further.credential else ""
            parts.append(f"{further.description}{key}\n")
        rows = [("action", "effect", "what it does")]
        for action in loaded.actions_of(name):
            hints = action.definition.annotations
            effects = {"costs money": hints.costsMoney, "destroys": hints.destructiveHint, "reads": hints.readOnlyHint}
            effect = ", ".join(words for words, holds in effects.items() if holds) or "changes"
            rows.append((f"`{action.slug}`", effect, first_sentence(action)))
        parts.append(table(*rows) + "\n")
    return "\n".join(parts).rstrip("\n")


def operations() -> str:
    """Every operation of OpenRouter's API, with its action or the reason why it has none."""
    named = {f"{method.upper()} {path}": ACTIONS[name] for name, (method, path) in OPERATIONS.items()}
    rows = [("operation", "action, or why there is none", "toolset")]
    for line in sorted([*named, *WITHOUT_ACTION], key=lambda line: line.split(" ")[::-1]):
        action = named.get(line)
        told = (WITHOUT_ACTION[line], "") if action is None else (f"`{action.slug}`", action.toolset)
        rows.append((f"`{line}`", *told))
    return table(*rows)


BLOCKS = [
    ("docs/webhooks.md", "events", events),
    ("docs/webhooks.md", "waits", waits),
    ("README.md", "actions", actions),
    ("docs/actions.md", "toolsets", toolsets),
    ("docs/actions.md", "operations", operations),
    ("docs/errors.md", "types", types_of_errors),
    ("docs/errors.md", "next steps", next_steps),
    ("docs/errors.md", "repeated", repeated),
]


@pytest.mark.parametrize(("file", "name", "write"), BLOCKS, ids=[f"{file}: {name}" for file, name, _ in BLOCKS])
def test_the_block_is_what_the_code_says(file: str, name: str, write: object) -> None:
    assert callable(write)
    path = TOP / file
    block = re.compile(f"(<!-- begin generated: {name} -->\n)(.*?)(<!-- end generated: {name} -->)", re.DOTALL)
    text = path.read_text(encoding="utf-8")
    found = block.search(text)
    assert found, f"{file} has no block {name!r}"
    if os.environ.get("UPDATE_DOCS"):
        path.write_text(text[: found.start(2)] + write() + "\n" + text[found.end(2) :], encoding="utf-8")
        return
    assert found[2] == write() + "\n", f"{file} is out of date: run `make docs`"


def test_every_operation_of_the_api_is_explained() -> None:
    lines = openrouter_document().lines()
    named = {f"{method.upper()} {path}" for method, path in OPERATIONS.values()}
    assert lines - named - WITHOUT_ACTION.keys() == set()
    assert WITHOUT_ACTION.keys() - lines == set(), "gone from the API"
    assert WITHOUT_ACTION.keys() & named == set()
    assert named - lines == {"POST /completions"}  # older than the document
