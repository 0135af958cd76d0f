"""`sandbox`: its first line is the base URL, Ctrl-C ends it, a busy port is told."""

import signal
import subprocess
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
import requests

from openrouter_toolkit.cli import main
from openrouter_toolkit.sandbox import Sandbox

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_line_is_the_base_url(start: Start, number: signal.Signals) -> None:
    process = start("sandbox")
    assert process.stdout is not None
    base_url = process.stdout.readline().decode().rstrip("\n")
    assert requests.get(f"{base_url}/models/count", timeout=10).json()["data"]["count"] > 0
    process.send_signal(number)
    output, errors = process.communicate(timeout=20)
    assert (process.returncode, output) == (0, b"")
    assert f"export OPENROUTER_BASE_URL={base_url}\n" in errors.decode()
    assert f"export OPENROUTER_API_KEY={Sandbox.api_key}\n" in errors.decode()


def test_a_busy_port_is_told(capsys: pytest.CaptureFixture[str], sandbox: Sandbox) -> None:
    port = urlsplit(sandbox.base_url).port
    assert main(["sandbox", "--port", str(port)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == (
        f"openrouter-toolkit: port {port} can't be used: Address already in use; choose another with --port\n"
    )


@pytest.mark.parametrize("port", ["-1", "65536", "http", "1.5", "²"])
def test_what_is_no_port(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sandbox", f"--port={port}"]) == 2
    assert "a number from 0 to 65535" in capsys.readouterr().err
