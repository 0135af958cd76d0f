"""An answer is not held back by the network's habits."""

from __future__ import annotations

import time

import pytest

from .served import Served


@pytest.mark.wall_clock
def test_small_answers_come_at_once(served: Served) -> None:
    """Nagle's algorithm would hold each back for 40 ms."""
    with served.client() as nobody:
        nobody.get("/healthz")
        begun = time.perf_counter()
        for _ in range(25):
            nobody.get("/healthz")
    assert time.perf_counter() - begun < 0.5
