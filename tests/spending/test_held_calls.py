"""Budgets in memory hold the calls of a registry: what the sandbox bills stays below them, and is counted exactly."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.spending import Budget, Limits, MemoryBudgets, Window
from openrouter_toolkit.spending.decisions import to_dollars

from ..scale import scaled

CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"
GOOD, FAILING = "test/good", "test/failing"
AGENTS, ROUNDS = scaled((24, 3), full=(200, 6))


@pytest.mark.load
def test_many_agents_spend_no_more_than_the_budget(
    openrouter_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", openrouter_sandbox.api_key)
    openrouter_sandbox.script(GOOD, ["one two three four"], repeat_last=True)
    openrouter_sandbox.script(FAILING, [{"error": {"status": 502, "message": "down"}}], repeat_last=True)
    question = {"messages": [{"role": "user", "content": "What is 17 * 3?"}], "max_tokens": 20}
    with ToolRegistry.from_manifest() as free:
        most = free.quote(CHAT, {"model": GOOD, **question}).most
        cost = free.execute(CHAT, {"model": GOOD, **question}).cost
    assert most is not None
    assert cost is not None
    billed_before = Decimal(str(openrouter_sandbox.total_cost))
    budget = max(cost * AGENTS * ROUNDS * Decimal("0.6") / 3, most * 4)
    budgets = MemoryBudgets([Budget("team", Limits(usd=budget), Window("ever"))])

    def work(seed: int) -> list[str | None]:
        randomly = random.Random(seed)
        errors: list[str | None] = []
        for _ in range(ROUNDS):
            model = FAILING if randomly.random() < 0.3 else GOOD
            if randomly.random() < 0.1:
                with registry.stream(CHAT, {"model": model, **question}) as stream:
                    next(iter(stream), None)
                continue
            errors.append(registry.execute(CHAT, {"model": model, **question}).error_type)
        return errors

    options = {"max_attempts": 1}
    with (
        ToolRegistry.from_manifest(budgets=budgets, client_options=options) as registry,
        ThreadPoolExecutor(AGENTS) as agents,
    ):
        errors = [error for some in agents.map(work, range(AGENTS)) for error in some]
        free_model = registry.execute(CHAT, {"model": "acme/atlas-small:free", **question})
    (state,) = budgets.states()
    billed = Decimal(str(openrouter_sandbox.total_cost)) - billed_before
    assert "budget_exceeded" in errors
    assert state.used.reserved == state.used.running == 0
    assert billed <= to_dollars(state.used.spent) <= budget, "streams that were cut off count by their worst case"
    assert free_model.successful
