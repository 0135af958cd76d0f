"""What load balancers are told."""

from __future__ import annotations

import threading
import time

import pytest

from openrouter_toolkit.server import health

from ..timing import wait_until
from .served import PATIENCE, Served


def test_alive_and_ready_also_by_head(served: Served) -> None:
    with served.client() as balancer:
        for path in ("/healthz", "/readyz"):
            assert balancer.get(path).json() == {"status": "ok"}
            answer = balancer.head(path)
            assert (answer.status_code, answer.content) == (200, b"")


def test_a_database_that_does_not_answer(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_STORE_TIMEOUT", 0.2)
    thawed = threading.Event()
    waiting = 0

    def frozen() -> None:
        nonlocal waiting
        waiting += 1
        thawed.wait(PATIENCE)

    with monkeypatch.context() as patched, served.client() as balancer:
        patched.setattr(served.store, "check", frozen)
        begun = time.monotonic()
        for _ in range(3):
            answer = balancer.get("/readyz")
            assert (answer.status_code, answer.json()) == (503, {"status": "the store does not answer"})
        assert time.monotonic() - begun < 10
        assert waiting == 1, "no further thread waits with the first"
        assert balancer.get("/healthz").status_code == 200
    thawed.set()
    with served.client() as balancer:
        wait_until(lambda: balancer.get("/readyz").status_code == 200)
