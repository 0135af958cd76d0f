"""The server under MCP's own conformance suite. Its scenarios send no token, so a proxy adds one, and nothing else.

Besides the MCP Inspector's tests, these are the only ones here that need npm's registry.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import Store

from ..npm import path_with
from .served import PATIENCE, serving

# The suite needs a newer Node.js than some machines have.
SUITE = ("node@22.23.3", "@modelcontextprotocol/conformance@0.1.16")
# Each scenario that any server with tools has to pass, and what it checks.
APPLICABLE = {
    "server-initialize": {"server-initialize"},
    "ping": {"ping"},
    "tools-list": {"tools-list"},
    "dns-rebinding-protection": {"localhost-host-rebinding-rejected", "localhost-host-valid-accepted"},
}
# The others want tools of the suite's own, a session, or what this server does not say that it has.
INAPPLICABLE = (
    "tools-call-",
    "json-schema-",
    "server-sse-",
    "elicitation-",
    "logging-",
    "completion-",
    "resources-",
    "prompts-",
)
pytestmark = pytest.mark.timeout(120)
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def path() -> str:
    """The PATH on which the suite is."""
    return path_with(*SUITE)


@pytest.fixture
def run(path: str, tmp_path: Path) -> Run:
    """Run the suite's program with some words: `run("list", "--server")`."""
    program = shutil.which("conformance", path=path)
    assert program is not None
    environment = {**os.environ, "PATH": path}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
        )

    return run


@pytest.fixture
def url(store: Store, sandbox: Sandbox) -> Iterator[str]:
    """Where the server is reached without a token: at a proxy, which is its address for everybody."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _AddingToken) as proxy:
        address = f"http://127.0.0.1:{proxy.server_address[1]}"
        with serving(store, url=address) as served:
            proxy.behind, proxy.token = served.url, served.token("alice")  # type: ignore[attr-defined]
            threading.Thread(target=proxy.serve_forever, daemon=True).start()
            yield f"{address}/mcp"
            proxy.shutdown()


class _AddingToken(BaseHTTPRequestHandler):
    """Passes each request on as it is, with a token."""

    protocol_version = "HTTP/1.1"

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {**self.headers, "Authorization": f"Bearer {self.server.token}"}  # type: ignore[attr-defined]
        to = http.client.HTTPConnection(urlsplit(self.server.behind).netloc, timeout=PATIENCE)  # type: ignore[attr-defined]
        to.request(self.command, self.path, body, headers)
        answer = to.getresponse()
        content = answer.read()
        to.close()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = _pass_on

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_no_scenario_is_left_out_by_mistake(run: Run) -> None:
    listed = run("list", "--server").stdout
    found = {line.split()[1] for line in listed.splitlines() if line.startswith("  - ")}
    assert set(APPLICABLE) <= found
    left = {name for name in found - set(APPLICABLE) if not name.startswith(INAPPLICABLE)}
    assert left == set()


@pytest.mark.parametrize("scenario", APPLICABLE)
def test_scenario(run: Run, url: str, tmp_path: Path, scenario: str) -> None:
    done = run("server", "--url", url, "--scenario", scenario, "--output-dir", str(tmp_path))
    (told,) = tmp_path.glob("*/checks.json")
    checks = {check["id"]: check["status"] for check in json.loads(told.read_text("utf-8"))}
    assert checks == dict.fromkeys(APPLICABLE[scenario], "SUCCESS"), done.stdout
    assert done.returncode == 0
