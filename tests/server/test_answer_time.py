"""An answer is not held back by the network's habits."""

from __future__ import annotations

from ..timing import quickest
from .served import Served


def test_small_answers_come_at_once(served: Served) -> None:
    """Nagle's algorithm would hold each back for 40 ms."""
    with served.client() as nobody:
        nobody.get("/healthz")
        took, _ = quickest(lambda: [nobody.get("/healthz") for _ in range(25)], below=0.5)
    assert took < 0.5
