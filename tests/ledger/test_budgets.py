"""Budgets of a store hold the calls of all its processes, and are settled to the last digit."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.envelope import Envelope
from openrouter_toolkit.ledger import Ledger, running, settling
from openrouter_toolkit.ledger.counters import Settlement
from openrouter_toolkit.ledger.entry import Entry, first_id_at
from openrouter_toolkit.ledger.settling import by_registry
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.spending import Budget, Limits, Raise, Window
from openrouter_toolkit.spending.budgets import Facts
from openrouter_toolkit.spending.decisions import Demand, Request, to_dollars, to_units
from openrouter_toolkit.store import MasterKey, Store, StoreUnavailable

from ..scale import scaled
from ..store.processes import Child, Say
from ..timing import PATIENCE, wait_until
from .test_recording import CHAT, KEY, asking, recorded

GOOD, SLOW, FAILING = "test/good", "test/slow", "test/failing"
AGENTS = scaled(24, full=200)
ROUNDS = scaled(3, full=6)


@pytest.fixture
def prices(openrouter_sandbox: Sandbox) -> Sandbox:
    """The sandbox with models that answer, that take long, and that fail."""
    openrouter_sandbox.script(GOOD, ["one two three four"], repeat_last=True)
    openrouter_sandbox.script(SLOW, [{"text": "one two three four five", "chunk_delay": 0.05}], repeat_last=True)
    openrouter_sandbox.script(FAILING, [{"error": {"status": 502, "message": "down"}}], repeat_last=True)
    return openrouter_sandbox


def chat(registry: ToolRegistry, model: str = GOOD, **more: Any) -> Envelope:
    keywords = {name: more.pop(name) for name in ("agent", "session_id", "on_event") if name in more}
    return registry.execute(CHAT, asking(model, **{"max_tokens": 20, **more}), user_id="alice", **keywords)


def usd(amount: Decimal | str, name: str = "team", **more: Any) -> Budget:
    return Budget(name, Limits(usd=Decimal(amount)), **more)


def worst(registry: ToolRegistry, model: str = GOOD, **more: Any) -> Decimal:
    most = registry.quote(CHAT, asking(model, max_tokens=20, **more), user_id="alice").most
    assert most is not None
    return most


def refused(envelope: Envelope) -> dict[str, Any]:
    error: dict[str, Any] = envelope.json()["error"]
    assert error["type"] == "budget_exceeded", envelope.data
    return error


def spent(ledger: Ledger, budget: str = "team") -> Decimal:
    assert ledger.flush()
    (state,) = [one for one in ledger.budgets.states() if one.budget.name == budget]
    return to_dollars(state.used.spent)


def test_a_call_waits_for_nothing_that_has_ended(registry: ToolRegistry, ledger: Ledger, prices: Sandbox) -> None:
    """Three calls cost less than two may cost at most: each is settled before the next is looked at."""
    most = worst(registry)
    ledger.budgets.set(usd(most))
    first = chat(registry)
    assert first.cost is not None
    assert first.cost < most / 3
    short = refused(chat(registry))
    assert Decimal(short["left"]) == most - first.cost
    assert (short["budget"], short["measure"], Decimal(short["needed"])) == ("team", "usd", most)
    assert short["retryable"]
    ledger.budgets.set(usd(most + first.cost))
    assert chat(registry).successful
    assert spent(ledger) == 2 * first.cost
    rows = [call for call in recorded(ledger) if call.action == CHAT]
    assert [(call.error_type, call.billing, call.attempts) for call in rows] == [
        (None, "known", 1),
        ("budget_exceeded", "nothing", 0),
        (None, "known", 1),
    ]


def test_what_was_used_before_a_budget_was_made_counts(registry: ToolRegistry, ledger: Ledger, prices: Sandbox) -> None:
    costs = [chat(registry, agent="writer").cost, chat(registry, agent="reader").cost]
    registry.execute(KEY, user_id="alice")
    assert ledger.flush()
    ledger.budgets.set(usd("1"))
    ledger.budgets.set(usd("1", "writer", applies_to={"agent": ["writer"], "model": ["test/*"]}))
    ledger.budgets.set(usd("1", "hourly", applies_to={"agent": ["*"]}, window=Window("hour", rolling=True)))
    ledger.budgets.set(Budget("actions", Limits(calls=10), applies_to={"action": ["OPENROUTER_*"]}))
    assert spent(ledger) == sum(cost or 0 for cost in costs)
    assert spent(ledger, "writer") == costs[0]
    third = chat(registry, agent="writer").cost
    assert third is not None
    assert ledger.flush()
    assert spent(ledger) == sum(cost or 0 for cost in costs) + third
    assert spent(ledger, "writer") == (costs[0] or 0) + third
    assert spent(ledger, "hourly") == (costs[0] or 0) + third, "reader has no counter before its next call"
    (actions,) = [one for one in ledger.budgets.states() if one.budget.name == "actions"]
    assert actions.used.calls == 4


def test_free_models_and_reading_are_never_blocked(registry: ToolRegistry, ledger: Ledger) -> None:
    ledger.budgets.set(usd("0"))
    refused(chat(registry, "acme/atlas-small"))
    free = chat(registry, "acme/atlas-small:free")
    assert free.successful, free.error
    assert registry.execute(KEY, user_id="alice").successful
    router = refused(chat(registry, "openrouter/auto"))
    assert "needed" not in router


def test_an_answer_is_made_shorter_where_the_whole_does_not_fit(
    registry: ToolRegistry, ledger: Ledger, prices: Sandbox
) -> None:
    ledger.budgets.set(usd(worst(registry)))
    made = registry.execute(CHAT, asking(GOOD), user_id="alice")
    assert made.successful, made.error
    sent = prices.requests[-1].body["max_tokens"]
    assert sent >= 20
    assert made.note == f"max_tokens was set to {sent}, since a budget leaves no more for this call."
    ledger.budgets.set(usd(worst(registry) / 2, lower_max_tokens=False))
    refused(registry.execute(CHAT, asking(GOOD), user_id="alice"))


@pytest.mark.parametrize(
    ("limits", "applies_to", "passes"),
    [
        (Limits(calls=1), {"session": None}, [True, False]),
        (Limits(tokens=1), {}, [False]),
        (Limits(at_once=1), {}, [True, True]),
        (Limits(at_once=0), {"agent": ["writer"]}, [False]),
        (Limits(calls=1), {"agent": ["*"]}, [True, False]),
        (Limits(calls=0), {"user": ["bob"]}, [True]),
        (Limits(calls=0), {"action": [CHAT]}, [False]),
        (Limits(calls=0), {"action": ["OPENROUTER_GET_*"]}, [True]),
    ],
)
def test_calls_are_held_to_limits_of_those_who_make_them(
    registry: ToolRegistry,
    ledger: Ledger,
    prices: Sandbox,
    limits: Limits,
    applies_to: dict[str, Any],
    passes: list[bool],
) -> None:
    window = Window("session") if "session" in applies_to else Window("day", "Europe/Berlin")
    others = {name: names for name, names in applies_to.items() if names is not None}
    ledger.budgets.set(Budget("one", limits, window, others))
    assert [chat(registry, agent="writer", session_id="run 1").successful for _ in passes] == passes


def test_a_budget_changes_from_the_next_call_on(
    registry: ToolRegistry, ledger: Ledger, store: Store, prices: Sandbox
) -> None:
    budgets = ledger.budgets
    budgets.set(usd("0"))
    refused(chat(registry))
    assert budgets.raise_until("team", Raise(Limits(usd=Decimal(1)), datetime.now(UTC) + timedelta(minutes=5)))
    assert chat(registry).successful
    assert budgets.raise_until("team", None)
    refused(chat(registry))
    budgets.set(usd("0", hard=False))
    assert chat(registry).successful
    budgets.set(usd("0"))
    assert budgets.remove("team")
    assert not budgets.remove("team")
    assert chat(registry).successful
    actions = [entry.action for entry in store.audit.all() if entry.action.startswith("budget.")]
    assert actions == ["budget.removed", *["budget.changed"] * 4, "budget.made"]


def test_a_call_is_settled_once_however_often_it_is_tried(
    registry: ToolRegistry, ledger: Ledger, prices: Sandbox
) -> None:
    ledger.budgets.set(usd("1"))
    cost = chat(registry).cost
    (call,) = [one for one in recorded(ledger) if one.action == CHAT]
    number = int(call.id.removeprefix("call_"), 16)
    for _ in range(2):
        ledger._writer.end(number, Settlement(number, to_units(Decimal(1)), 1))
    assert spent(ledger) == cost


def test_a_stream_that_is_cut_off_has_reserved_its_worst_case_until_its_cost_is_known(
    registry: ToolRegistry, ledger: Ledger, prices: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.budgets.set(usd("1"))
    with registry.stream(CHAT, asking(SLOW, max_tokens=20), user_id="alice") as stream:
        next(iter(stream))
    assert ledger.flush()
    (state,) = ledger.budgets.states()
    assert (state.used.spent, state.used.running) == (0, 0)
    assert to_dollars(state.used.reserved) == worst(registry, SLOW, stream=True)
    monkeypatch.setattr(settling, "_NOT_BEFORE", timedelta(0))
    wait_until(lambda: ledger.settle(by_registry(registry.execute)) == 1)
    (state,) = ledger.budgets.states()
    (call,) = [one for one in recorded(ledger) if one.action == CHAT]
    assert (to_dollars(state.used.spent), state.used.reserved) == (call.cost, 0)
    assert call.cost is not None
    assert call.cost > 0


def test_a_row_that_was_left_over_is_settled_though_its_process_lives(registry: ToolRegistry, ledger: Ledger) -> None:
    ledger.budgets.set(usd("1"))
    left = Entry("OPENROUTER", CHAT, "alice", id=first_id_at(datetime.now(UTC) - timedelta(hours=7)))
    ledger.begin(left, Request(ledger.budgets.current(), Facts(user="alice"), Demand(5, 5)))
    wait_until(lambda: ledger.settle(by_registry(registry.execute)) == 1)
    (state,) = ledger.budgets.states()
    assert (state.used.spent, state.used.reserved, state.used.running) == (5, 0, 0)


def test_a_budget_that_can_t_be_read_lets_only_free_calls_pass(
    registry: ToolRegistry, ledger: Ledger, prices: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.budgets.set(usd("1"))
    monkeypatch.setattr(ledger.budgets, "_load", lambda: (_ for _ in ()).throw(StoreUnavailable("away")))
    ledger.budgets._lookups._kept.found.clear()
    assert chat(registry).error_type == "ledger_unavailable"
    assert registry.execute(KEY, user_id="alice").successful


def work(registry: ToolRegistry, seed: int, say: Say) -> None:
    """What one of many agents does: most calls succeed, some fail, some are cancelled amid the answer."""
    randomly = random.Random(seed)
    for _ in range(ROUNDS):
        chance = randomly.random()
        if chance < 0.1:
            with registry.stream(CHAT, asking(SLOW, max_tokens=20), user_id="alice", agent=f"agent {seed}") as stream:
                next(iter(stream), None)
        else:
            chat(registry, FAILING if chance < 0.4 else GOOD, agent=f"agent {seed}")
        say("called")


@pytest.mark.load
@pytest.mark.faults
def test_many_agents_in_two_processes_of_which_one_is_killed_spend_no_more_than_the_budget(
    store: Store,
    registry: ToolRegistry,
    ledger: Ledger,
    prices: Sandbox,
    fresh_database: str,
    master_key: MasterKey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    most = worst(registry)
    cost = chat(registry).cost
    assert cost is not None
    assert ledger.flush()
    # A third of what all agents would spend, and no less than a few calls may cost at once.
    budget = max(cost * AGENTS * ROUNDS * Decimal("0.6") / 3, most * 4)
    ledger.budgets.set(usd(budget, window=Window("ever")))

    def process(first: int) -> Callable[[Say], None]:
        def begin(say: Say) -> None:
            with Store.open(fresh_database, master_keys=[master_key]) as own, Ledger(own) as own_ledger:
                accounts = own.for_registry()
                options = {"max_attempts": 1}
                others = ToolRegistry.from_manifest(accounts=accounts, ledger=own_ledger, client_options=options)
                with others, ThreadPoolExecutor(AGENTS // 2) as agents:
                    list(agents.map(lambda seed: work(others, seed, say), range(first, first + AGENTS // 2)))

        return begin

    with Child(process(0)) as killed, Child(process(AGENTS)) as other:
        for _ in range(AGENTS * ROUNDS // 8):
            killed.said()
        killed.kill()
        other.rest()
    monkeypatch.setattr(running, "SILENCE", 0)
    monkeypatch.setattr(settling, "SILENCE", 0)
    monkeypatch.setattr(settling, "_NOT_BEFORE", timedelta(0))
    monkeypatch.setattr(settling, "_MISSING_AFTER", timedelta(seconds=5))

    def is_settled() -> bool:
        ledger.settle(by_registry(registry.execute, timeout=1))
        return not ledger._running.find([], 10) and not [c for c in calls(ledger) if c.billing == "unsettled"]

    wait_until(is_settled, scaled(PATIENCE, full=6 * PATIENCE))
    billed = Decimal(str(prices.total_cost))
    (state,) = ledger.budgets.states()
    rows = calls(ledger)
    in_ledger = sum(call.cost or Decimal(0) for call in rows)
    unknown = [call for call in rows if call.billing == "unknown"]
    assert state.used.reserved == state.used.running == 0
    assert billed <= to_dollars(state.used.spent) <= budget
    assert in_ledger <= billed if unknown else in_ledger == billed
    assert len(unknown) <= AGENTS // 2, "only calls of the process that was killed, before they had an id"
    assert any(call.error_type == "budget_exceeded" for call in rows)
    assert chat(registry, "acme/atlas-small:free").successful


def calls(ledger: Ledger) -> list[Any]:
    found: list[Any] = []
    cursor = None
    while True:
        page = ledger.calls(cursor=cursor, limit=1000)
        found += [call for call in page.calls if call.action == CHAT]
        cursor = page.next
        if cursor is None:
            return found


def test_counters_are_deleted_when_nothing_needs_them(
    registry: ToolRegistry, ledger: Ledger, prices: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    budgets = ledger.budgets
    budgets.set(usd("1", "removed"))
    budgets.set(usd("1", "old", window=Window("hour")))
    budgets.set(usd("1", "ever", window=Window("ever")))
    chat(registry)
    numbers = {budget.name: budget.number for budget in budgets.current()}
    assert budgets.remove("removed")
    look_up = by_registry(registry.execute)

    def rows(name: str) -> int:
        assert ledger.flush()
        ledger.settle(look_up)
        return len(ledger._running.counters(numbers[name], 0, 2**62))

    assert [rows(name) for name in ("removed", "old", "ever")] == [0, 2, 2]
    monkeypatch.setattr(running, "_KEPT", -7200)
    assert [rows(name) for name in ("old", "ever")] == [1, 2]
    assert chat(registry).successful
