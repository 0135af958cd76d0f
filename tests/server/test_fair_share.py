"""Worker threads are shared among tokens: nobody takes all, nobody waits in silence, and /readyz tells the truth."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.server.limits import FairShare
from openrouter_toolkit.store import Store

from ..timing import wait_until
from .pages.person import Person
from .served import CHAT, KEY, QUESTION, Served, serving
from .test_disconnect import MODERN, calling

SILENT = {"arguments": {**QUESTION, "model": "sandbox/silent"}}
THREADS = 8


@pytest.fixture
def served(store: Store) -> Iterator[Served]:
    """A server with few threads."""
    with serving(store, worker_threads=THREADS) as served:
        yield served


def taken(share: FairShare, *tokens: str) -> list[int]:
    """How many threads each token gets that wants all of them, one after the other."""
    with ExitStack() as stack:
        counts = []
        for token in tokens:
            count = 0
            while stack.enter_context(share.one(token)) is None:
                count += 1
            counts.append(count)
        return counts


def test_a_token_takes_what_stays_free_beside_it() -> None:
    assert taken(FairShare(400), "a") == [200]
    assert taken(FairShare(400), "a", "b", "c") == [200, 100, 50]
    assert taken(FairShare(1), "a", "b") == [1, 0]
    many = taken(FairShare(400), *map(str, range(9)))
    assert min(many) >= 1


def test_what_is_given_back_is_shared_again() -> None:
    share = FairShare(8)
    with share.one("b"), share.one("b"), share.one("b"):
        assert taken(share, "a") == [3]
    assert taken(share, "a") == [4]
    assert (share.free, dict(share._taken)) == (8, {})
    with share.at_work(), share.at_work():  # calls that were given up, and have not noticed yet
        assert share.free == 6
    assert share.free == 8


def test_two_greedy_tokens_leave_room_for_others(served: Served, sandbox: Sandbox) -> None:
    first, second = served.token("alice"), served.token("bob")
    with ExitStack() as calls, served.client(served.token("alice")) as other, served.client() as balancer:
        for token in [first] * 6 + [second] * 6:
            calls.enter_context(calling(served, f"/api/actions/{CHAT}", SILENT, token))
        wait_until(lambda: len(sandbox.requests) == 4 + 2)
        for token, count in ((first, 4), (second, 2)):
            with served.client(token) as host:
                for path, body in ((f"/api/actions/{KEY}", {}), ("/mcp", MODERN)):
                    begun = time.monotonic()
                    answer = host.post(path, json=body)
                    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
                    assert f"makes {count} calls already" in answer.json()["error"]["message"]
                    assert time.monotonic() - begun < 5
        answer = other.post(f"/api/actions/{KEY}", json={})
        assert (answer.status_code, answer.json()["successful"]) == (200, True)
        assert balancer.get("/readyz").status_code == 200
        calls.close()
        with served.client(first) as host:
            wait_until(lambda: host.post(f"/api/actions/{KEY}", json={}).status_code == 200)
    wait_until(lambda: served.state.threads.free == THREADS)


def test_without_a_free_thread_it_is_not_ready_and_says_so(served: Served, sandbox: Sandbox) -> None:
    tokens = [served.token("alice") for _ in range(THREADS)]
    with ExitStack() as calls, served.client() as balancer:
        for token in tokens:
            calls.enter_context(calling(served, f"/api/actions/{CHAT}", SILENT, token))
        wait_until(lambda: len(sandbox.requests) >= 4)
        for token in tokens:
            calls.enter_context(calling(served, f"/api/actions/{CHAT}", SILENT, token))
        wait_until(lambda: served.state.threads.free == 0)
        answer = balancer.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"status": "all threads are busy with calls"})
        assert balancer.get("/healthz").status_code == 200
        with served.client(served.token("bob")) as newcomer:
            answer = newcomer.post(f"/api/actions/{KEY}", json={})
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert answer.json()["error"]["type"] == "unavailable"
        admin = Person(served).log_in()
        form = admin.open(f"/admin/tools/openrouter/actions/{KEY}/try")
        page = admin.send(form, user_id="alice")
        assert (page.status, "All threads are busy" in page.text) == (503, True)
        admin.client.close()
        calls.close()
        wait_until(lambda: balancer.get("/readyz").status_code == 200)


def test_as_many_calls_run_at_once_as_there_are_threads(store: Store, sandbox: Sandbox) -> None:
    """The threads of the calls are that many too, or some would wait for one in silence."""
    with serving(store, worker_threads=600, connections_per_address=1000) as served, ExitStack() as calls:
        before = threading.active_count()
        tokens = [served.token("alice") for _ in range(2)]
        for token in tokens:
            for _ in range(140):
                calls.enter_context(calling(served, f"/api/actions/{CHAT}", SILENT, token))
        wait_until(lambda: len(sandbox.requests) == 280)
        assert threading.active_count() - before >= 280
