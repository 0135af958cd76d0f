"""Reservations hold a limit, whatever runs at the same time."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from openrouter_toolkit.envelope import ActionError
from openrouter_toolkit.spending import Reservation, SpendingLimit, Verdict, may_be_billed

ONE = Decimal(1)


def reserved(limit: SpendingLimit, worst: Decimal | None) -> Reservation:
    found = limit.reserve(worst)
    assert isinstance(found, Reservation)
    return found


def test_a_call_waits_for_what_others_may_give_back() -> None:
    limit = SpendingLimit(Decimal(3))
    first, second = reserved(limit, ONE * 2), reserved(limit, ONE)
    assert limit.reserve(ONE) is Verdict.WAIT
    assert limit.left == 0
    limit.settle(first, Decimal("0.5"))
    assert limit.left == Decimal("1.5")
    limit.settle(second, ONE)
    assert limit.reserve(ONE * 2) is Verdict.TOO_DEAR
    assert isinstance(limit.reserve(Decimal("1.5")), Reservation)


def test_what_can_never_fit_does_not_wait() -> None:
    limit = SpendingLimit(ONE)
    reserved(limit, ONE)
    assert limit.reserve(ONE * 2) is Verdict.TOO_DEAR


def test_a_call_that_may_have_been_billed_counts_by_its_worst_case() -> None:
    limit = SpendingLimit(ONE * 5)
    limit.settle(reserved(limit, ONE * 2), None)
    assert limit.spent == 2


def test_unknown_prices_run_one_at_a_time_until_one_has_told_its_cost() -> None:
    limit = SpendingLimit(ONE * 10)
    first = reserved(limit, None)
    assert limit.reserve(None) is Verdict.WAIT
    assert isinstance(limit.reserve(ONE), Reservation)  # a known one need not wait
    limit.settle(first, Decimal(0))  # it failed, or came from a cache
    second = reserved(limit, None)
    assert limit.reserve(None) is Verdict.WAIT
    limit.settle(second, Decimal(4))
    assert reserved(limit, None).amount == 4
    assert limit.reserve(None) is Verdict.WAIT  # 4 spent, 5 reserved
    assert limit.reserve(Decimal(7)) is Verdict.TOO_DEAR


def test_an_unknown_price_of_which_nothing_is_said_ends_them() -> None:
    limit = SpendingLimit(ONE)
    limit.settle(reserved(limit, None), None)
    assert limit.reserve(None) is Verdict.UNKNOWN_COST
    assert isinstance(limit.reserve(ONE), Reservation)


def test_without_a_limit_all_may_begin() -> None:
    limit = SpendingLimit()
    limit.settle(reserved(limit, ONE), ONE)
    assert limit.left is None
    assert isinstance(limit.reserve(None), Reservation)
    assert isinstance(limit.reserve(None), Reservation)
    assert limit.spent == 1


@pytest.mark.parametrize("amount", ["-1", "nan", "inf"])
def test_a_limit_is_an_amount(amount: str) -> None:
    with pytest.raises(ValueError, match="amount of US dollars"):
        SpendingLimit(Decimal(amount))


def test_many_threads_never_exceed_it() -> None:
    limit, highest = SpendingLimit(Decimal("2.5")), [Decimal(0)]

    def call(number: int) -> int:
        worst = Decimal(random.Random(number).randint(1, 50)) / 100
        found = limit.reserve(worst)
        if not isinstance(found, Reservation):
            return 0
        highest.append(limit.spent)
        limit.settle(found, worst * (number % 3) / 2)
        return 1

    with ThreadPoolExecutor(16) as threads:
        made = sum(threads.map(call, range(2000)))
    assert 0 < made < 2000
    assert max(highest) <= limit.spent <= Decimal("2.5")


def failure(type: str, status: int | None = None, **more: object) -> ActionError:
    return ActionError(type, "why", status=status, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "billed"),
    [
        (failure("invalid_arguments"), False),
        (failure("refused_by_policy"), False),
        (failure("refused_by_policy", executed=True), True),
        (failure("ledger_unavailable", sent=False), False),
        (failure("connection_failed", sent=False), False),
        (failure("connection_failed", sent=True), True),
        (failure("timeout"), True),
        (failure("timeout", 408), True),
        (failure("timeout", 504), True),
        (failure("cancelled"), True),
        (failure("invalid_response", 200), True),
        (failure("invalid_request", 400), False),
        (failure("rate_limit_exceeded", 429), False),
        (failure("rate_limit_exceeded", 429, http_status=200), True),
        (failure("provider_overloaded", 503), False),
        (failure("server", 500), True),
        (failure("server", 502, partial={"choices": []}), True),
    ],
)
def test_which_failures_may_be_billed(error: ActionError, billed: bool) -> None:
    assert may_be_billed(error) is billed
