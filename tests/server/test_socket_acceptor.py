"""A process that may have few files open: it takes no more connections than it can serve, and its log stays short."""

from __future__ import annotations

import errno
import os
import resource
import signal
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.server import socket_acceptor
from openrouter_toolkit.store import MasterKey, Store

from ..timing import wait_until
from .served import KEY, PATIENCE, Process, Served, environment
from .test_connections import REQUEST, connect, open_connections

FILES = 96


def test_few_descriptors_are_never_used_up(
    store: Store, database: str, key: MasterKey, sandbox: Sandbox, tmp_path: Path
) -> None:
    token = store.tokens.create("a test's", ["alice"])[1]
    own = environment(database, key.written(), sandbox.base_url, tmp_path)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, limit[1]))
    try:
        started = Process(own, "--client-timeout", "1", "--connections-per-address", "1000")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    with started as process, ExitStack() as stack:
        parts = urlsplit(process.url)
        where = (parts.hostname or "", parts.port or 0)
        silent = [
            # No address gets more than half of all connections.
            stack.enter_context(socket.create_connection(where, PATIENCE, (f"127.0.0.{2 + number % 8}", 0)))
            for number in range(2 * FILES)
        ]
        used = Path(f"/proc/{process.process.pid}/fd")
        wait_until(lambda: len(list(used.iterdir())) > FILES // 2)
        most = 0
        for _ in range(20):
            most = max(most, len(list(used.iterdir())))
            time.sleep(0.1)
        assert most < FILES - 10, "some are left for calls and the database"
        # Those that say nothing are ended, and then everybody is served whose connection waited.
        with process.client(token) as host:
            assert host.post(f"/api/actions/{KEY}", json={}).json()["successful"]
        assert silent[-1].recv(100) == b""
        process.process.send_signal(signal.SIGTERM)
        process.process.wait(PATIENCE)
        said = process.end()
    assert said.count("as many as may be") in (1, 2), said
    assert len(said) < 2000


def test_a_failing_accept_is_tried_again(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(socket_acceptor, "_PAUSE", 0.05)
    acceptor = served.server._acceptor
    tries = 0

    class _Failing:
        """A listening socket of a process without descriptors."""

        def accept(self) -> None:
            nonlocal tries
            tries += 1
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

        def fileno(self) -> int:
            return real.fileno()

    real = acceptor._listening
    monkeypatch.setattr(acceptor, "_listening", _Failing())
    with connect(served) as waiting:
        waiting.sendall(REQUEST)
        wait_until(lambda: tries >= 5)
        assert len([one for one in caplog.records if "no connection can be accepted" in one.getMessage()]) == 1
        monkeypatch.setattr(acceptor, "_listening", real)
        assert waiting.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert tries < 100
    wait_until(lambda: not open_connections(served))


@pytest.mark.parametrize(
    ("allowed", "open_now", "threads"), [(1024, 30, 400), (256, 40, 400), (64, 20, 400), (20, 20, 9)]
)
def test_how_many_there_may_be(monkeypatch: pytest.MonkeyPatch, allowed: int, open_now: int, threads: int) -> None:
    monkeypatch.setattr(socket_acceptor, "_files_allowed", lambda: allowed)
    monkeypatch.setattr(socket_acceptor, "_files_open", lambda: open_now)
    most = socket_acceptor.most_connections(threads)
    left = allowed - open_now
    assert 1 <= most <= max(1, left)
    assert most >= left // 2, "at least half of what is left"
    assert most <= max(left - threads - 64, left // 2 + 1), "each call may need one"
