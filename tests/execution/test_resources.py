"""A registry in forked processes: each has connections and threads of its own."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
from typing import Any

import pytest

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.sandbox import Sandbox

CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"
FORK = multiprocessing.get_context("fork")
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


def ask(number: int) -> dict[str, Any]:
    return {"model": "acme/atlas-small", "messages": [{"role": "user", "content": f"What is {number} * 1?"}]}


def in_a_child(work: Any, *arguments: Any) -> Any:
    answers: Any = FORK.Queue()
    child = FORK.Process(target=lambda: answers.put(work(*arguments)))
    child.start()
    return child, answers


def test_each_process_gets_its_own_answers(openrouter_sandbox: Sandbox) -> None:
    registry = ToolRegistry.from_manifest()
    assert registry.execute(CHAT, ask(0)).successful

    def many(start: int) -> list[bool]:
        numbers = range(start, start + 20)
        return [f"{number} * 1 = {number}" in registry.execute(CHAT, ask(number)).data for number in numbers]

    children = [in_a_child(many, start) for start in (1000, 2000, 3000, 4000)]
    for child, answers in children:
        assert all(answers.get(timeout=30))
        child.join(10)
    assert registry.execute(CHAT, ask(7)).successful
    registry.close()


def test_async_calls_work_in_a_child_of_a_process_that_made_some(openrouter_sandbox: Sandbox) -> None:
    registry = ToolRegistry.from_manifest()

    def one() -> str:
        return asyncio.run(asyncio.wait_for(registry.execute_async(CHAT, ask(3)), 10)).data

    assert json.loads(one())
    child, answers = in_a_child(one)
    assert "3 * 1 = 3" in answers.get(timeout=20)
    child.join(10)
    registry.close()
