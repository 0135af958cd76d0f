"""Who guesses is slowed down, a good login or token from the same address is not; no token may call without end."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.server import limits
from openrouter_toolkit.server.limits import CallLimit, Throttle
from openrouter_toolkit.store import Store
from openrouter_toolkit.store.tokens import new_text

from ..timing import quickest
from .served import KEY, PATIENCE, Served, serving
from .test_access import log_in


@pytest.fixture
def served(store: Store) -> Iterator[Served]:
    """The web application, which slows down who guesses."""
    with serving(store, guesses_wait=True) as served:
        yield served


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_first_few_are_free_and_then_it_gets_slower_up_to_a_limit() -> None:
    slow = Throttle(Clock())
    delays = [slow.delay("10.0.0.1") for _ in range(30)]
    assert delays[:5] == [0.0] * 5
    assert delays[5:9] == [0.25, 0.5, 1.0, 2.0]
    assert set(delays[9:]) == {4.0}
    assert slow.delay("10.0.0.2") == 0.0


def test_a_client_has_a_whole_network_of_ipv6_addresses() -> None:
    slow = Throttle(Clock())
    for number in range(30):
        delay = slow.delay(f"2001:db8:1:2::{number:x}")
    assert delay == 4.0
    assert slow.delay("2001:db8:1:2:ffff:ffff:ffff:ffff") == 4.0
    assert slow.delay("2001:db8:1:3::1") == 0.0
    assert slow.delay("fe80::1%eth0") == 0.0
    assert [limits.address_key(one) for one in ("::ffff:10.0.0.1", "10.0.0.1")] == ["10.0.0.1"] * 2
    assert limits.address_key("::1") == limits.address_key("::1%lo")
    assert limits.address_key("not:an:address") == "not:an:address"


def test_it_is_forgotten_after_a_while() -> None:
    clock = Clock()
    slow = Throttle(clock)
    for _ in range(10):
        slow.delay("10.0.0.1")
    clock.now += 300
    assert slow.delay("10.0.0.1") < 4.0
    clock.now += 3000
    assert slow.delay("10.0.0.1") == 0.0


def test_it_remembers_no_more_addresses_than_it_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_MAX_REMEMBERED", 100)
    slow = Throttle(Clock())
    for number in range(1000):
        slow.delay(f"10.0.0.{number}")
    assert len(slow._failed_attempts) == 100


def test_calls_come_back_evenly() -> None:
    clock = Clock()
    limit = CallLimit(60, clock)
    assert [limit.wait("a") for _ in range(60)] == [0.0] * 60
    assert limit.wait("a") == pytest.approx(1.0)
    assert limit.wait("b") == 0.0
    clock.now += 0.5
    assert limit.wait("a") == pytest.approx(0.5)
    clock.now += 0.6
    assert limit.wait("a") == 0.0
    assert limit.wait("a") > 0
    clock.now += 3600
    assert [limit.wait("a") for _ in range(61)][:60] == [0.0] * 60


def test_a_guesser_waits_and_a_good_token_from_the_same_address_does_not(served: Served) -> None:
    token = served.token("alice")
    with served.client() as guesser, served.client(token) as host, served.client() as browser:
        for _ in range(8):
            guesser.get("/api/tools", headers={"Authorization": f"Bearer {new_text()}"})
        begun = time.monotonic()
        assert guesser.get("/api/tools", headers={"Authorization": "Bearer sk-or-v1-wrong"}).status_code == 401
        waited = time.monotonic() - begun
        assert waited > 1
        for _ in range(20):
            begun = time.monotonic()
            assert host.get("/api/tools").status_code == 200
            assert time.monotonic() - begun < waited
        took, _ = quickest(lambda: log_in(served, browser), below=waited)
        assert took < waited


def test_guessed_login_links_are_slow_too(served: Served) -> None:
    with served.client() as guesser:
        for number in range(7):
            assert guesser.get(f"/login/{number}").status_code == 404
        begun = time.monotonic()
        guesser.get("/login/guess")
        assert time.monotonic() - begun > 0.9


def test_guesses_in_a_crowd_all_wait(served: Served) -> None:
    crowd = 230
    with served.client() as guesser, served.client(served.token("alice")) as host, ThreadPoolExecutor(crowd) as threads:
        for _ in range(9):
            guesser.get("/api/tools")

        def guess(_: int) -> tuple[int, float]:
            begun = time.monotonic()
            with closing(http.client.HTTPConnection(urlsplit(served.url).netloc, timeout=PATIENCE)) as one:
                one.request("GET", "/api/tools", headers={"Authorization": f"Bearer {new_text()}"})
                return one.getresponse().status, time.monotonic() - begun

        guesses = [threads.submit(guess, number) for number in range(crowd)]
        time.sleep(1)
        took, answer = quickest(lambda: host.get("/api/tools"), below=2)
        assert answer.status_code == 200
        assert took < 2, "a good token from the same address waits for none of them"
        answers = [guessed.result() for guessed in guesses]
    assert {status for status, _ in answers} == {401}
    assert min(took for _, took in answers) >= 3


def test_a_token_that_calls_too_often_is_told_when_to_come_back(store: Store, sandbox: Sandbox) -> None:
    with (
        serving(store, calls_per_minute=5) as served,
        served.client(served.token("alice")) as host,
        served.client(served.token("bob")) as other,
    ):
        answers = [host.post(f"/api/actions/{KEY}", json={}) for _ in range(7)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
        assert answers[-1].json()["error"]["type"] == "too_many_calls"
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 12
        assert host.post("/mcp", content=json.dumps({})).status_code == 429
        assert other.post(f"/api/actions/{KEY}", json={}).status_code == 200
    assert len(sandbox.requests) == 6
