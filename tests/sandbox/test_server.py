"""The sandbox's life: starting, recording, failing at random, serving, closing."""

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from openrouter_toolkit.sandbox import Sandbox

from ..timing import PATIENCE

Ask = Callable[..., requests.Response]


def test_requests_are_recorded_in_order(get: Ask, post: Ask, sandbox: Sandbox) -> None:
    get("/models", q="atlas large")
    post("/chat/completions")
    first, second = sandbox.requests
    assert (first.method, first.path, first.query, first.body) == (
        "GET",
        "/models",
        {"q": "atlas large"},
        None,
    )
    assert (second.method, second.path) == ("POST", "/chat/completions")
    assert second.body["model"] == "acme/atlas-small"
    assert second.key == sandbox.api_key
    assert second.headers["content-type"] == second.headers["Content-Type"] == "application/json"
    assert first.received_at <= second.received_at <= time.monotonic()
    assert not second.closed_by_client
    assert sandbox.api_key not in repr(second)
    sandbox.clear()
    assert sandbox.requests == []


def test_it_listens_on_loopback_only(sandbox: Sandbox) -> None:
    assert sandbox.base_url.startswith("http://127.0.0.1:")
    assert sandbox.base_url.endswith("/api/v1")


def test_closing_ends_threads_and_open_connections_and_frees_the_port() -> None:
    threads = set(threading.enumerate())
    sandbox = Sandbox()
    port = int(sandbox.base_url.split(":")[2].split("/")[0])
    with socket.create_connection(("127.0.0.1", port)) as idle, requests.Session() as session:
        session.get(f"{sandbox.base_url}/models")
        sandbox.close()
        assert idle.recv(1) == b""
    sandbox.close()
    assert set(threading.enumerate()) <= threads
    with Sandbox(port) as again:
        assert again.base_url == sandbox.base_url


def test_closing_does_not_wait_for_a_silent_answer() -> None:
    with Sandbox() as sandbox, requests.Session() as session:
        body = {"model": "sandbox/silent", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
        headers = {"Authorization": f"Bearer {sandbox.api_key}"}
        answer = session.post(f"{sandbox.base_url}/chat/completions", json=body, headers=headers, stream=True)
        assert answer.status_code == 200
        started = time.monotonic()
        sandbox.close()
        assert time.monotonic() - started < PATIENCE
        answer.close()


def test_a_port_that_is_taken_is_an_os_error(sandbox: Sandbox) -> None:
    with pytest.raises(OSError, match=r".+"):
        Sandbox(int(sandbox.base_url.split(":")[2].split("/")[0]))


def test_a_connection_is_kept_for_the_next_request(sandbox: Sandbox) -> None:
    port = int(sandbox.base_url.split(":")[2].split("/")[0])
    with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rb") as answers:
        for _ in range(2):
            connection.sendall(b"GET /api/v1/models/count HTTP/1.1\r\nHost: sandbox\r\n\r\n")
            assert answers.readline() == b"HTTP/1.1 200 OK\r\n"
            length = next(int(line.split()[1]) for line in answers if line.startswith(b"Content-Length"))
            while answers.readline() != b"\r\n":
                pass
            assert len(answers.read(length)) == length


def outcomes(seed: int, rate: float) -> list[int]:
    found = []
    with Sandbox(failure_rate=rate, seed=seed) as sandbox, requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {sandbox.api_key}"
        body = {"model": "acme/atlas-small", "messages": [{"role": "user", "content": "Hi"}]}
        for _ in range(60):
            try:
                found.append(session.post(f"{sandbox.base_url}/chat/completions", json=body).status_code)
            except requests.exceptions.ConnectionError:
                found.append(0)
    return found


def test_calls_fail_at_random_but_reproducibly() -> None:
    found = outcomes(seed=1, rate=0.3)
    assert found == outcomes(seed=1, rate=0.3)
    assert set(found) == {0, 200, 503}
    assert 0.15 < 1 - found.count(200) / len(found) < 0.45
    assert set(outcomes(seed=1, rate=0.0)) == {200}


@pytest.mark.parametrize(
    "options",
    [
        *({"failure_rate": value} for value in (-0.1, 1.1, float("nan"), "0.5", True)),
        *({"chunk_delay": value} for value in (-1, float("inf"), None)),
        *({"generation_delay": value} for value in (-1, "1")),
        *({"seed": value} for value in (1.5, "1", True)),
    ],
    ids=str,
)
def test_wrong_options_are_refused_by_name(options: Any) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(options))}: must be "):
        Sandbox(**options)


def test_chunks_can_come_slowly(session: requests.Session) -> None:
    with Sandbox(chunk_delay=0.05) as sandbox:
        body = {"model": "acme/atlas-small", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
        session.headers["Authorization"] = f"Bearer {sandbox.api_key}"
        started = time.monotonic()
        assert session.post(f"{sandbox.base_url}/chat/completions", json=body).text.endswith("[DONE]\n\n")
        assert time.monotonic() - started > 0.3


def test_many_clients_are_answered_at_once(sandbox: Sandbox) -> None:
    body = {"model": "acme/atlas-small", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    found: list[bool] = []

    def ask() -> None:
        with requests.Session() as session:
            answer = session.post(f"{sandbox.base_url}/chat/completions", json=body, headers=headers)
            found.append(answer.text.endswith("[DONE]\n\n"))

    threads = [threading.Thread(target=ask) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 100


def test_clients_that_leave_cause_no_traceback(post: Ask, capfd: pytest.CaptureFixture[str]) -> None:
    for model in ("sandbox/huge", "sandbox/silent", "acme/atlas-small"):
        post("/chat/completions", model=model, stream=True).close()
    time.sleep(0.3)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_serve_prints_its_url_first_and_ends_quietly(stop: signal.Signals) -> None:
    program = "from openrouter_toolkit.sandbox import serve; serve(0)"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert requests.get(f"{url}/models/count").status_code == 200
        process.send_signal(stop)
        out, errors = process.communicate(timeout=10)
    assert (process.returncode, out, errors) == (0, "", "")
