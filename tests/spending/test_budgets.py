"""Budgets hold whatever runs at the same time, and count for whom they are meant."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openrouter_toolkit.spending.budgets import Budget, Facts, Limits, Raise
from openrouter_toolkit.spending.decisions import Demand, Shortage, to_dollars, to_units
from openrouter_toolkit.spending.estimates import Estimate, ModelEstimate
from openrouter_toolkit.spending.memory import MemoryBudgets, Reservation
from openrouter_toolkit.spending.windows import Window

START = datetime(2026, 3, 4, 15, 30, tzinfo=UTC)
ALICE, BOB = Facts(user="alice"), Facts(user="bob")


class Clock:
    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at


def usd(amount: str, **more: Any) -> Budget:
    return Budget(more.pop("name", "team"), Limits(usd=Decimal(amount)), **more)


def need(amount: str | None, tokens: int | None = None) -> Demand:
    return Demand(None if amount is None else to_units(Decimal(amount)), tokens)


def reserved(budgets: MemoryBudgets, demand: Demand, facts: Facts = ALICE) -> Reservation:
    found = budgets.reserve(facts, demand)
    assert isinstance(found, Reservation)
    return found


def refused(budgets: MemoryBudgets, demand: Demand, facts: Facts = ALICE) -> Shortage:
    found = budgets.reserve(facts, demand)
    assert isinstance(found, Shortage)
    return found


def test_what_runs_counts_by_its_worst_case_and_then_by_its_cost() -> None:
    budgets = MemoryBudgets([usd("3")])
    first = reserved(budgets, need("2"))
    assert refused(budgets, need("1.5")).left == 1
    budgets.settle(first, to_units(Decimal("0.25")), 10)
    second = reserved(budgets, need("2.75"))
    budgets.settle(second, None, None)  # it may have been billed, and nobody knows how much
    assert refused(budgets, need("0.000000000001")).left == 0
    assert isinstance(budgets.reserve(ALICE, need("0")), Reservation)  # a free model is never blocked


def test_a_call_that_was_not_sent_costs_and_counts_nothing() -> None:
    budgets = MemoryBudgets([Budget("few", Limits(usd=Decimal(1), calls=1))])
    budgets.settle(reserved(budgets, need("1")), 0, 0, begun=False)
    budgets.settle(reserved(budgets, need("1")), 0, 0)
    assert refused(budgets, need("0")).measure == "calls"


def test_each_user_has_a_counter_and_the_organisation_one_for_all() -> None:
    budgets = MemoryBudgets([usd("1", name="each", applies_to={"user": ["*"]}), usd("1.5", name="all")])
    reserved(budgets, need("1"), ALICE)
    short = refused(budgets, need("0.1"), ALICE)
    assert (short.budget.name, short.left) == ("each", 0)
    short = refused(budgets, need("0.6"), BOB)
    assert (short.budget.name, short.left) == ("all", Decimal("0.5"))
    reserved(budgets, need("0.5"), BOB)


@pytest.mark.parametrize(
    ("applies_to", "applies"),
    [
        ({}, True),
        ({"user": ["alice", "bob"]}, True),
        ({"user": ["bob"]}, False),
        ({"user": ["ali*"]}, False),  # only models and actions are patterns
        ({"agent": ["writer"]}, True),
        ({"agent": ["writer"], "user": ["bob"]}, False),
        ({"model": ["acme/*"]}, True),
        ({"model": ["acme/large"]}, True),  # the one that may answer instead
        ({"model": ["other/*"]}, False),
        ({"action": ["OPENROUTER_CREATE_*"]}, True),
    ],
)
def test_a_budget_applies_to_those_that_it_names(applies_to: dict[str, Sequence[str]], *, applies: bool) -> None:
    budgets = MemoryBudgets([usd("0", applies_to=applies_to)])
    facts = Facts("alice", "ca_1", "tok_1", "writer", ("acme/small", "acme/large"), "OPENROUTER_CREATE_MESSAGE")
    assert isinstance(budgets.reserve(facts, need("1")), Shortage) == applies


def test_each_model_counts_for_itself_and_a_call_for_every_model_that_may_answer() -> None:
    budgets = MemoryBudgets([usd("1", applies_to={"model": ["*"]})])
    reserved(budgets, need("1"), Facts(models=("one", "two")))
    assert refused(budgets, need("1"), Facts(models=("two",))).left == 0
    reserved(budgets, need("1"), Facts(models=("three",)))


def test_reading_is_blocked_by_no_budget_but_one_that_names_it() -> None:
    reading = Facts(user="alice", action="OPENROUTER_GET_CREDITS", paid=False)
    none = Budget("none", Limits(calls=0, usd=Decimal(0)))
    assert isinstance(MemoryBudgets([none]).reserve(reading, need("0")), Reservation)
    named = Budget("named", Limits(calls=0), applies_to={"action": ["OPENROUTER_GET_CREDITS"]})
    assert isinstance(MemoryBudgets([named]).reserve(reading, need("0")), Shortage)


def test_the_next_day_begins_with_nothing_spent() -> None:
    clock = Clock()
    budgets = MemoryBudgets([usd("1", window=Window("day", "Europe/Berlin"))], clock)
    reserved(budgets, need("1"))
    short = refused(budgets, need("1"))
    assert short.resets == datetime(2026, 3, 4, 23, tzinfo=UTC)
    clock.at = short.resets
    reserved(budgets, need("1"))


def test_a_call_that_ends_tomorrow_counts_for_the_day_on_which_it_began() -> None:
    clock = Clock()
    budgets = MemoryBudgets([Budget("one", Limits(usd=Decimal(1), at_once=1), Window("day"))], clock)
    long = reserved(budgets, need("1"))
    clock.at += timedelta(days=1)
    assert refused(budgets, need("1")).measure == "at_once"
    budgets.settle(long, None, None)
    assert reserved(budgets, need("1"))


def test_a_rolling_day_forgets_hour_by_hour() -> None:
    clock = Clock()
    budgets = MemoryBudgets([usd("2", window=Window("day", rolling=True))], clock)
    budgets.settle(reserved(budgets, need("1")), None, None)
    clock.at += timedelta(hours=12)
    budgets.settle(reserved(budgets, need("1")), None, None)
    clock.at += timedelta(hours=11)
    assert refused(budgets, need("1")).left == 0
    clock.at += timedelta(hours=2)
    assert refused(budgets, need("2")).left == 1


def test_a_budget_per_call_and_one_per_session() -> None:
    budgets = MemoryBudgets([usd("1", window=Window("call")), usd("2", name="session", window=Window("session"))])
    session = Facts(session="one")
    reserved(budgets, need("1"), session)
    assert refused(budgets, need("1.1"), session).left == 1
    reserved(budgets, need("1"), session)
    assert refused(budgets, need("1"), session).budget.name == "session"
    reserved(budgets, need("1"), Facts(session="other"))
    for _ in range(3):
        reserved(budgets, need("1"))  # of no session


def test_a_soft_budget_refuses_nobody() -> None:
    budgets = MemoryBudgets([usd("1", hard=False)])
    reserved(budgets, need("5"))
    (state,) = budgets.states()
    assert to_dollars(state.used.reserved) == 5


def test_a_raise_ends() -> None:
    clock = Clock()
    raised = Raise(Limits(usd=Decimal(5)), START + timedelta(hours=1))
    budgets = MemoryBudgets([usd("1", raised=raised, window=Window("ever"))], clock)
    reserved(budgets, need("4"))
    clock.at += timedelta(hours=1)
    assert refused(budgets, need("1")).left == 0


@pytest.mark.parametrize("allowed", [True, False])
def test_an_unknown_price_passes_where_the_budget_says_so_and_something_is_left(*, allowed: bool) -> None:
    budgets = MemoryBudgets([usd("1", allow_unknown_price=allowed)])
    found = budgets.reserve(ALICE, need(None))
    assert isinstance(found, Reservation) == allowed
    if isinstance(found, Reservation):
        budgets.settle(found, to_units(Decimal(3)), 10)
    else:
        assert (found.left, found.needed) == (1, None)
        reserved(budgets, need("1"))
    assert refused(budgets, need(None)).left == 0


ESTIMATE = Estimate((ModelEstimate(Decimal("0.10"), Decimal("0.001"), 50, 1000),), 2)


def test_an_answer_is_made_as_long_as_what_is_left_allows() -> None:
    budgets = MemoryBudgets([usd("1")])
    whole = Demand.of(ESTIMATE, flexible=True)
    assert whole.units == to_units(Decimal("2.2"))
    found = reserved(budgets, whole)
    assert found.demand.max_tokens == 400  # 2 * (0.10 + 400 * 0.001) = 1
    assert found.demand.units == to_units(Decimal(1))
    assert found.demand.tokens == 900
    assert refused(budgets, whole).left == 0


def test_it_is_refused_where_max_tokens_is_given_or_must_not_be_lowered() -> None:
    assert isinstance(MemoryBudgets([usd("1")]).reserve(ALICE, Demand.of(ESTIMATE)), Shortage)
    strict = MemoryBudgets([usd("1", lower_max_tokens=False)])
    assert isinstance(strict.reserve(ALICE, Demand.of(ESTIMATE, flexible=True)), Shortage)
    poor = MemoryBudgets([usd("0.2")])  # not a single token of an answer
    assert isinstance(poor.reserve(ALICE, Demand.of(ESTIMATE, flexible=True)), Shortage)


def test_tokens_lower_it_too() -> None:
    budgets = MemoryBudgets([Budget("tokens", Limits(tokens=500))])
    assert reserved(budgets, Demand.of(ESTIMATE, flexible=True)).demand.max_tokens == 200


@given(
    left=st.decimals(0, 10, places=12, allow_nan=False),
    fixed=st.decimals(0, 1, places=9),
    price=st.decimals(0, "0.01", places=9),
    answers=st.integers(1, 5),
)
def test_the_longest_answer_is_affordable_and_one_token_more_is_not(
    left: Decimal, fixed: Decimal, price: Decimal, answers: int
) -> None:
    estimate = Estimate((ModelEstimate(fixed, price, 10, 5000),), answers)
    longest = estimate.longest_answer(left)
    if longest is not None:
        assert estimate.with_answer_of(longest).cost <= left
    beyond = 1 if longest is None else longest + 1
    if beyond <= 5000:
        assert estimate.with_answer_of(beyond).cost > left


@given(seed=st.integers(0, 2**32), limit=st.integers(0, 300))
@settings(max_examples=100)
def test_whatever_the_order_no_budget_is_exceeded_and_the_sums_are_exact(seed: int, limit: int) -> None:
    chance, clock = random.Random(seed), Clock()
    budgets = MemoryBudgets(
        [
            Budget("all", Limits(usd=to_dollars(limit)), Window("ever")),
            Budget("each", Limits(usd=to_dollars(limit // 2), at_once=3), Window("ever"), {"user": ["*"]}),
        ],
        clock,
    )
    running: list[tuple[str, Reservation]] = []
    spent: dict[str, int] = defaultdict(int)
    for _ in range(200):
        if running and chance.random() < 0.5:
            user, reservation = running.pop(chance.randrange(len(running)))
            worst = reservation.demand.units or 0
            cost = chance.choice([None, 0, chance.randint(0, worst)])
            budgets.settle(reservation, cost, None, begun=cost != 0)
            spent[user] += worst if cost is None else cost
        else:
            user = chance.choice("abc")
            found = budgets.reserve(Facts(user=user), Demand(chance.randint(0, 40), None))
            if isinstance(found, Reservation):
                running.append((user, found))
        open_ = sum(one.demand.units or 0 for _, one in running)
        assert sum(spent.values()) + open_ <= limit
        for user in "abc":
            mine = [one for name, one in running if name == user]
            assert len(mine) <= 3
            assert spent[user] + sum(one.demand.units or 0 for one in mine) <= limit // 2
    states = {(state.budget.name, state.subject): state.used for state in budgets.states()}
    if ("all", "") in states:
        assert states["all", ""].spent == sum(spent.values())
        assert states["all", ""].running == len(running)


def test_two_hundred_threads_can_t_pass_together() -> None:
    budgets = MemoryBudgets([usd("1")])
    with ThreadPoolExecutor(200) as threads:
        found = list(threads.map(lambda _: budgets.reserve(ALICE, need("0.03")), range(200)))
    assert sum(isinstance(one, Reservation) for one in found) == 33


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: usd("-1"), "0 to 1,000,000"),
        (lambda: usd("nan"), "0 to 1,000,000"),
        (lambda: Budget("x", Limits(usd=1.5)), "as a decimal"),  # type: ignore[arg-type]
        (lambda: Budget("x", Limits(calls=True)), "whole number"),
        (lambda: Budget("x", Limits()), "limit one of"),
        (lambda: usd("1", name=""), "1 to 100"),
        (lambda: usd("1", name="a\nb"), "1 to 100"),
        (lambda: usd("1", applies_to={"city": ["x"]}), "not to a 'city'"),
        (lambda: usd("1", applies_to={"user": []}), "at least one user"),
        (lambda: usd("1", applies_to={"user": "alice"}), "at least one user"),
        (lambda: MemoryBudgets([usd("1"), usd("2")]), "two budgets are called 'team'"),
    ],
)
def test_a_budget_that_can_t_be_kept_is_refused(wrong: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        wrong()
