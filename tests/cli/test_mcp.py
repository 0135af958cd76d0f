"""`mcp`: nothing but the protocol on standard output, an end when it is due, and a line when it can't begin."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit.cli import main
from openrouter_toolkit.manifest import load
from openrouter_toolkit.sandbox import Sandbox

from ..openrouter.servers import Exchange, Server, chunk
from ..timing import wait_until

Start = Callable[..., "subprocess.Popen[bytes]"]
Run = Callable[..., "subprocess.CompletedProcess[bytes]"]
Printed = pytest.CaptureFixture[str]
CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"
SCRIPT = Path(sys.executable).with_name("openrouter-toolkit")
PATIENCE = 20.0


class Conversation:
    """A client that writes and reads lines, as they come into its head."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._last_id = 0

    def write(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def send(self, method: str, **params: Any) -> int:
        """Send a request; its id."""
        self._last_id += 1
        self.write(json.dumps({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params}).encode())
        return self._last_id

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        message: dict[str, Any] = json.loads(self.process.stdout.readline())
        assert message["jsonrpc"] == "2.0"
        return message

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a request and read its answer; nothing may come between."""
        number = self.send(method, **params)
        answer = self.read()
        assert answer["id"] == number
        return answer

    def greet(self, version: str = "2025-11-25") -> dict[str, Any]:
        who = {"name": "test", "version": "1"}
        answer = self.ask("initialize", protocolVersion=version, capabilities={}, clientInfo=who)
        self.write(b'{"jsonrpc": "2.0", "method": "notifications/initialized"}')
        result: dict[str, Any] = answer["result"]
        return result

    def call_the_silent_model(self, sandbox: Sandbox) -> None:
        """Begin a call that does not end, and wait until it has reached the sandbox."""
        question = {"model": "sandbox/silent", "messages": [{"role": "user", "content": "Hello?"}]}
        self.send("tools/call", name=CHAT, arguments=question)
        wait_until(lambda: sandbox.requests)


@pytest.fixture
def converse(start: Start) -> Callable[..., Conversation]:
    return lambda *options: Conversation(start("mcp", *options, stdin=subprocess.PIPE))


Converse = Callable[..., Conversation]


# The end.


def test_the_end_of_the_input_is_the_end(converse: Converse) -> None:
    conversation = converse()
    conversation.greet()
    output, errors = conversation.process.communicate(timeout=PATIENCE)
    assert (conversation.process.returncode, output, errors) == (0, b"", b"")


def test_no_input_at_all_is_the_end(start: Start) -> None:
    process = start("mcp")
    assert process.communicate(timeout=PATIENCE) == (b"", b"")
    assert process.returncode == 0


def test_the_end_of_the_input_ends_calls_too(converse: Converse, sandbox: Sandbox) -> None:
    conversation = converse()
    conversation.greet()
    conversation.call_the_silent_model(sandbox)
    output, errors = conversation.process.communicate(timeout=PATIENCE)
    assert (conversation.process.returncode, errors) == (0, b"")
    assert json.loads(output)["error"]["message"] == "Connection closed"
    wait_until(lambda: sandbox.requests[0].closed_by_client)


@pytest.mark.parametrize("busy", [False, True])
def test_ctrl_c_ends_it_at_once(converse: Converse, sandbox: Sandbox, busy: bool) -> None:
    conversation = converse()
    conversation.greet()
    if busy:
        conversation.call_the_silent_model(sandbox)
    conversation.process.send_signal(signal.SIGINT)
    conversation.process.wait(PATIENCE)
    assert conversation.process.returncode == -signal.SIGINT  # which a shell tells as 130
    assert conversation.process.communicate() == (b"", b"")


def test_a_client_that_is_gone_gets_no_complaints(converse: Converse) -> None:
    conversation = converse()
    conversation.greet()
    process = conversation.process
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    conversation.send("tools/list")
    time.sleep(0.2)
    assert process.communicate(timeout=PATIENCE)[1] == b""
    assert process.returncode == 0


# Whose account.


def test_a_connected_account_is_used_without_a_key_in_the_environment(
    converse: Converse, run: Run, environment: dict[str, str], sandbox: Sandbox
) -> None:
    key = "sk-or-v1-sandbox-a1b2c3d4e5f60718"
    done = run("connect", "--user-id", "alice", "--stdin", stdin=key.encode())
    assert done.returncode == 0, done.stderr
    del environment["OPENROUTER_API_KEY"]
    sandbox.reset()
    conversation = converse("--user-id", "alice")
    conversation.greet()
    assert conversation.ask("tools/call", name="OPENROUTER_GET_CURRENT_KEY")["result"]["isError"] is False
    assert [request.key for request in sandbox.requests] == [key]


# What goes in and out.


def test_only_the_protocol_is_on_standard_output(converse: Converse, environment: dict[str, str]) -> None:
    environment["OPENROUTER_TOOLKIT_DEBUG"] = "1"
    conversation = converse()
    conversation.greet()
    assert len(conversation.ask("tools/list")["result"]["tools"]) == len(
        [action for action in load().actions if not action.withdrawn]
    )
    question = {"model": "sandbox/echo-key", "messages": [{"role": "user", "content": "Hello?"}]}
    assert conversation.ask("tools/call", name=CHAT, arguments=question)["result"]["isError"] is True
    output, errors = conversation.process.communicate(timeout=PATIENCE)
    assert output == b""
    assert environment["OPENROUTER_API_KEY"].encode() not in errors


@pytest.mark.parametrize("version", ["2024-11-05", "2025-06-18"])
def test_clients_of_all_ages_are_served(converse: Converse, version: str) -> None:
    conversation = converse()
    greeting = conversation.greet(version)
    assert greeting["protocolVersion"] == version
    assert greeting["serverInfo"]["name"] == "openrouter"
    assert greeting["instructions"]
    assert greeting["capabilities"]["tools"]
    tools = conversation.ask("tools/list")["result"]["tools"]
    assert tools[0]["name"] == CHAT
    told = conversation.ask("tools/call", name="OPENROUTER_GET_MODELS_COUNT")["result"]
    assert json.loads(told["content"][0]["text"])["data"]["count"] > 5


def test_broken_calls_are_told_and_lines_that_are_no_messages_dropped(converse: Converse) -> None:
    conversation = converse()
    conversation.greet()
    for params in (
        b"{}",
        b'{"name": 5}',
        b'{"name": "OPENROUTER_GET_MODELS_COUNT", "arguments": [1]}',
        b'{"name": "OPENROUTER_GET_MODELS_COUNT", "arguments": "{}"}',
    ):
        conversation.write(b'{"jsonrpc": "2.0", "id": "broken", "method": "tools/call", "params": ' + params + b"}")
        answer = conversation.read()
        assert (answer["id"], answer["error"]["code"]) == ("broken", -32602)
        assert answer["error"]["message"] == "Invalid request parameters"
    for line in (b"", b"{", b"null", b"[]", b"\xff\x00", b'"' * 100_000, b"[" * 100_000, b'{"jsonrpc": "2.0"}'):
        conversation.write(line)
        assert conversation.ask("ping")["result"] == {}


def test_a_client_that_does_not_read_holds_no_stream_up(converse: Converse, environment: dict[str, str]) -> None:
    """2 MB of tokens, and a pipe that holds 64 KiB: what waits is told in few words later, whole and in order."""
    sent = threading.Event()
    pieces = [f"{number:05d} " * 170 for number in range(2_000)]

    def script(exchange: Exchange) -> None:
        exchange.stream()
        exchange.event(*map(chunk, pieces), chunk("", finish="stop"), "[DONE]")
        exchange.end()
        sent.set()

    with Server(script) as server:
        environment["OPENROUTER_BASE_URL"] = server.base_url
        conversation = converse()
        conversation.greet()
        question = {"model": "acme/atlas-small", "messages": [{"role": "user", "content": "Hello?"}]}
        number = conversation.send("tools/call", name=CHAT, arguments=question, _meta={"progressToken": "mine"})
        assert sent.wait(PATIENCE)
        time.sleep(0.5)
        told = []
        while "id" not in (message := conversation.read()):
            assert message["method"] == "notifications/progress"
            assert message["params"]["progressToken"] == "mine"
            told.append(message["params"])
    assert message["id"] == number
    assert message["result"]["isError"] is False
    assert len(message["result"]["content"][0]["text"]) <= 20_000
    assert "".join(params["message"] for params in told) == "".join(pieces)
    assert [params["progress"] for params in told] == sorted({params["progress"] for params in told})
    assert len(told) < len(pieces) / 2


# The beginning.


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--allow", "OPENROUTER_GET_CREDIT"], "did you mean 'OPENROUTER_GET_CREDITS'?"),
        (["--deny", "animals"], "there is no action or tag 'animals'"),
        (["--allow"], "--allow: expected at least one argument"),
        (["--read-onyl"], "unknown option --read-onyl"),
    ],
)
def test_a_misspelt_toolset_is_a_wrong_command_line(options: list[str], reason: str, capsys: Printed) -> None:
    assert main(["mcp", *options]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert reason in printed.err
    assert printed.err.count("\n") == 1


def test_a_missing_package_is_one_line(capsys: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.setitem(sys.modules, "mcp_types", None)
    assert main(["mcp"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "openrouter-toolkit: The MCP SDK is missing: pip install 'openrouter-toolkit[mcp]'\n"


def test_a_closed_standard_input_is_told(environment: dict[str, str]) -> None:
    done = subprocess.run(
        f"{SCRIPT} mcp <&-", shell=True, env=environment, capture_output=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr == b"openrouter-toolkit: mcp reads standard input, and there is none\n"


def test_a_person_at_a_terminal_is_told_what_this_is(start: Start) -> None:
    own, its = pty.openpty()
    try:
        process = start("mcp", stdin=its)
        assert process.stderr is not None
        assert select.select([process.stderr], [], [], PATIENCE)[0]
        assert b"server for an MCP client" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == -signal.SIGINT
    finally:
        os.close(own)
        os.close(its)
