"""Many threads against an upstream that fails a third of the time: everything ends, and nothing is left over."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from openrouter_toolkit import Envelope
from openrouter_toolkit.openrouter.errors.types import TYPES
from openrouter_toolkit.sandbox import Sandbox

from ..envelopes import answer, failure
from ..scale import scaled
from .calls import CHAT, GENERATION, MESSAGE, READ, call
from .conftest import Connect

THREADS = 200
CALLS = scaled(800, full=8000)
DEADLINE = 20


def sockets() -> int:
    """How many sockets this process holds."""
    found = 0
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - an entry may be gone before it is read
        try:
            found += os.readlink(f"/proc/self/fd/{name}").startswith("socket:")  # noqa: PTH115
        except OSError:
            continue
    return found


def settled(count: Callable[[], int], wanted: int) -> int:
    """The count once it has come down to what is wanted, or what it is after five seconds."""
    until = time.monotonic() + 5
    while count() > wanted and time.monotonic() < until:
        time.sleep(0.05)
    return count()


@pytest.mark.load
@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open sockets are counted in /proc")  # noqa: PTH112
def test_two_hundred_threads_all_get_their_envelopes_and_leave_nothing_behind(connect: Connect) -> None:
    threads_before, sockets_before = set(threading.enumerate()), sockets()
    with Sandbox(failure_rate=0.3, seed=7) as sandbox:
        registry = connect(sandbox.base_url, key=sandbox.api_key)

        def ask(number: int) -> tuple[str, Envelope]:
            slug = (CHAT, MESSAGE, CHAT, READ)[number % 4]
            more = {} if slug == READ else {"stream": number % 3 == 0}
            return slug, call(registry, slug, timeout=DEADLINE, **more)

        with ThreadPoolExecutor(THREADS) as threads:
            outcomes = list(threads.map(ask, range(CALLS)))
        sent = Counter(request.path for request in sandbox.requests)
        quota = registry._resources.client().of("OPENROUTER").retries.quota
        left = quota.available
        registry.close()
        assert settled(lambda: len(set(threading.enumerate()) - threads_before), 1) >= 1  # the sandbox itself
    assert len(outcomes) == CALLS
    kinds = Counter("success" if envelope.successful else failure(envelope)["type"] for _, envelope in outcomes)
    assert set(kinds) <= {"success", *TYPES, "connection_failed"}
    assert kinds["success"] > CALLS / 2
    for slug, envelope in outcomes:
        assert f"within the {DEADLINE} s" not in (envelope.error or "")
        if envelope.successful:
            answer(envelope)
        else:
            assert slug != READ, envelope
    assert CALLS <= sum(sent.values()) <= CALLS + 500 // 5 + kinds["success"]  # what succeeds pays back
    assert 0 <= left <= 500
    assert settled(sockets, sockets_before) <= sockets_before
    assert settled(lambda: len(set(threading.enumerate()) - threads_before), 0) == 0


def test_an_upstream_that_is_gone_is_not_stormed(connect: Connect) -> None:
    with Sandbox(failure_rate=1.0, seed=7) as sandbox:
        registry = connect(sandbox.base_url, key=sandbox.api_key)
        with ThreadPoolExecutor(THREADS) as threads:
            envelopes = list(threads.map(lambda _: call(registry, CHAT, timeout=30), range(400)))
        assert not any(envelope.successful for envelope in envelopes)
        assert 400 < len(sandbox.requests) <= 400 + 500 // 5


def test_a_closed_registry_leaves_no_socket_behind(connect: Connect) -> None:
    before = sockets()
    with Sandbox() as sandbox:
        registry = connect(sandbox.base_url, key=sandbox.api_key)
        with ThreadPoolExecutor(20) as threads:
            assert all(envelope.successful for envelope in threads.map(lambda _: call(registry, CHAT), range(100)))
        while_open = sockets()
        registry.close()
        assert sockets() < while_open
        failure(call(registry, GENERATION, id="gen-none", timeout=1))
        registry.close()
    assert settled(sockets, before) <= before


def test_a_call_that_was_repeated_leaves_no_socket_behind(connect: Connect, waits: list[float]) -> None:
    """Its connection is closed with the registry, not some time later by the garbage collector."""
    with Sandbox() as sandbox:
        before = sockets()
        registry = connect(sandbox.base_url, key=sandbox.api_key)
        failure(call(registry, CHAT, model="sandbox/provider-down"))
        assert len(waits) == 2
        registry.close()
        assert settled(sockets, before) <= before


@pytest.mark.parametrize(
    "model", ["sandbox/cut", "sandbox/error-mid-stream", "sandbox/html-200", "sandbox/choice-error"]
)
def test_broken_answers_leave_no_socket_behind(connect: Connect, model: str) -> None:
    before = sockets()
    with Sandbox() as sandbox:
        registry = connect(sandbox.base_url, key=sandbox.api_key, max_attempts=1)
        for stream in (True, False) * 10:
            failure(call(registry, CHAT, model=model, stream=stream))
        # The sandbox's own, and both ends of the few that are kept: not one for each call.
        assert settled(sockets, before + 7) <= before + 7
        registry.close()
    assert settled(sockets, before) <= before
    assert socket.getdefaulttimeout() is None
