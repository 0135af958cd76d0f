"""A handler's own network error is told as one; a mistake in it is not."""

from __future__ import annotations

import http.client
import json
import logging
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import urllib3

from openrouter_toolkit import MemoryAccounts, ToolRegistry

from ..openrouter.conftest import Serve

MANIFEST = Path(__file__).parents[1] / "echo_toolkit" / "with_key.yaml"
SECRET = "open-sesame-0123456789"


@pytest.fixture(scope="module")
def registry() -> Iterator[ToolRegistry]:
    accounts = MemoryAccounts({"default": {"api_key": SECRET}})
    with ToolRegistry.from_manifest(MANIFEST, accounts=accounts) as registry:
        yield registry


def failed(registry: ToolRegistry, do: Callable[[], Any], caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    """The error of a call whose handler does something; no key stands in it."""
    caplog.set_level(logging.DEBUG, "openrouter_toolkit")

    def handler(arguments: dict[str, Any], client: Any) -> str:
        do()
        return "{}"

    registry.actions["ECHO_SAY"].handler = handler
    envelope = registry.execute("ECHO_SAY", {"text": "hello"})
    assert SECRET not in f"{envelope}{[record for record in caplog.messages if 'ECHO' in record]}"
    error: dict[str, Any] = json.loads(envelope.data)["error"]
    return error


@pytest.fixture(scope="module")
def closed() -> str:
    """An address where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"http://127.0.0.1:{port}/?key={SECRET}"


REFUSED: dict[str, Callable[[str], Any]] = {
    "requests": requests.get,
    "urllib3": lambda url: urllib3.request("GET", url, retries=False),
    "urllib3, with retries": lambda url: urllib3.request("GET", url, retries=0),
    "httpx": httpx.get,
    "urllib": urllib.request.urlopen,
    "http.client": lambda url: http.client.HTTPConnection(url.split("/")[2]).request("GET", "/"),
    "socket": lambda url: socket.create_connection(("127.0.0.1", int(url.split("/")[2].partition(":")[2]))),
}


@pytest.mark.parametrize("library", REFUSED)
def test_a_refused_connection(
    registry: ToolRegistry, closed: str, caplog: pytest.LogCaptureFixture, library: str
) -> None:
    error = failed(registry, lambda: REFUSED[library](closed), caplog)
    assert (error["type"], error["retryable"], error["sent"]) == ("connection_failed", True, False)
    assert "Connection refused" in error["message"]
    assert "The connection to Echo failed" in error["message"]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


CUT: dict[str, Callable[[str], Any]] = {
    "requests": lambda url: requests.get(url, timeout=0.2),
    "urllib3": lambda url: urllib3.request("GET", url, retries=False, timeout=0.2),
    "httpx": lambda url: httpx.get(url, timeout=0.2),
    "urllib": lambda url: urllib.request.urlopen(url, timeout=0.2),
}


@pytest.mark.parametrize("library", CUT)
@pytest.mark.parametrize("way", ["silent", "reset"])
def test_silence_and_a_connection_that_breaks(
    registry: ToolRegistry,
    serve: Serve,
    caplog: pytest.LogCaptureFixture,
    library: str,
    way: str,
) -> None:
    server = serve(lambda exchange: exchange.reset() if way == "reset" else exchange.wait_until_left(1) and None)
    error = failed(registry, lambda: CUT[library](server.base_url), caplog)
    assert (error["type"], error["retryable"], error["sent"]) == ("connection_failed", True, True)


def bad_status(url: str) -> None:
    requests.get(url, timeout=5).raise_for_status()


MISTAKES: dict[str, Callable[[str], Any]] = {
    "a missing file": lambda url: Path("/no/such/file").read_text(),
    "a folder": lambda url: Path("/").read_text(),
    "a malformed URL": lambda url: requests.get("no-url", timeout=1),
    "a malformed URL of httpx": lambda url: httpx.get("no-url"),
    "a status": bad_status,
    "a status of urllib": urllib.request.urlopen,
    "an unknown scheme": lambda url: urllib.request.urlopen("nowhere://x"),
    "no JSON": lambda url: requests.get(url, timeout=5).json(),
    "arithmetic": lambda url: 1 / 0,
    "a full disk": lambda url: _raise(OSError(28, "No space left on device")),
}


def _raise(error: Exception) -> None:
    raise error


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_the_toolkits_own(
    registry: ToolRegistry,
    serve: Serve,
    caplog: pytest.LogCaptureFixture,
    mistake: str,
) -> None:
    server = serve(lambda exchange: exchange.answer(500, "oh"))
    error = failed(registry, lambda: MISTAKES[mistake](server.base_url), caplog)
    assert (error["type"], error["retryable"]) == ("unmapped", False)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize(
    "error", [OSError(101, "Network is unreachable"), socket.gaierror(-2, "Name or service not known"), TimeoutError()]
)
def test_what_the_system_says(registry: ToolRegistry, caplog: pytest.LogCaptureFixture, error: OSError) -> None:
    assert failed(registry, lambda: _raise(error), caplog)["type"] == "connection_failed"
