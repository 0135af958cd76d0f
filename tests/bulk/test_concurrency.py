"""Additive increase, multiplicative decrease, and pauses, by a clock of the test's."""

from __future__ import annotations

from openrouter_toolkit.bulk.concurrency import AdaptiveConcurrency


class Clock:
    time = 100.0

    def __call__(self) -> float:
        return self.time


def test_a_limit_halves_it_once_for_all_calls_that_ran_then() -> None:
    clock = Clock()
    adaptive = AdaptiveConcurrency(64, clock)
    for _ in range(10):
        adaptive.limited(99.0, 1.0)
    assert adaptive.limit == 32
    clock.time = 105.0
    adaptive.limited(104.0, 1.0)
    assert adaptive.limit == 16


def test_it_never_falls_below_one() -> None:
    clock = Clock()
    adaptive = AdaptiveConcurrency(3, clock)
    for _ in range(5):
        clock.time += 1
        adaptive.limited(clock.time, 0.1)
    assert adaptive.limit == 1


def test_a_round_of_successes_adds_one_up_to_the_maximum() -> None:
    adaptive = AdaptiveConcurrency(8, Clock())
    adaptive.limited(100.0, 0.0)
    assert adaptive.limit == 4
    for _ in range(5):
        adaptive.succeeded()
    assert adaptive.limit == 5
    for _ in range(100):
        adaptive.succeeded()
    assert adaptive.limit == 8


def test_the_longest_wait_that_was_asked_for_is_kept() -> None:
    clock = Clock()
    adaptive = AdaptiveConcurrency(8, clock)
    adaptive.limited(99.0, 7.0)
    adaptive.limited(99.0, 2.0)
    assert adaptive.pause == 7.0
    clock.time = 106.5
    assert adaptive.pause == 0.5
    clock.time = 107.0
    assert adaptive.pause == 0.0


def test_without_a_hint_the_pauses_grow_until_a_call_succeeds() -> None:
    clock = Clock()
    adaptive = AdaptiveConcurrency(64, clock)
    pauses = []
    for _ in range(8):
        adaptive.limited(clock.time, None)
        pauses.append(adaptive.pause)
        clock.time += adaptive.pause
    assert 0.5 <= pauses[0] <= 1
    assert all(later > earlier * 0.99 for earlier, later in zip(pauses[:5:2], pauses[2:6:2], strict=False))
    assert 10 <= pauses[-1] <= 20
    adaptive.succeeded()
    adaptive.limited(clock.time, None)
    assert adaptive.pause <= 1
