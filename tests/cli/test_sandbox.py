"""`sandbox`: its first line is the base URL, Ctrl-C ends it; a busy port and wrong options are refused."""

import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from openrouter_toolkit.cli import main
from openrouter_toolkit.sandbox import Sandbox

Start = Callable[..., subprocess.Popen[bytes]]
ASKED = {"model": "acme/atlas-small", "messages": [{"role": "user", "content": "Hi"}]}


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


def outcomes(process: subprocess.Popen[bytes]) -> list[int]:
    """How twenty calls of a sandbox go; 0 is a closed connection."""
    assert process.stdout is not None
    base_url = process.stdout.readline().decode().rstrip("\n")
    headers = {"Authorization": f"Bearer {Sandbox.api_key}"}
    found = []
    with requests.Session() as session:
        for _ in range(20):
            try:
                answer = session.post(f"{base_url}/chat/completions", json=ASKED, headers=headers, timeout=10)
            except requests.exceptions.ConnectionError:
                found.append(0)
            else:
                found.append(answer.status_code)
    return found


def test_calls_fail_in_their_share_the_same_with_the_same_seed(start: Start) -> None:
    command = ("sandbox", "--failure-rate", "0.5", "--seed", "7")
    found = outcomes(start(*command))
    assert set(found) == {0, 200, 503}
    assert found == outcomes(start(*command))
    assert found != outcomes(start("sandbox", "--failure-rate=0.5", "--seed=8"))


def test_chunks_and_statistics_come_as_late_as_is_wanted(start: Start) -> None:
    process = start("sandbox", "--chunk-delay", "0.05", "--generation-delay", "1000")
    assert process.stdout is not None
    base_url = process.stdout.readline().decode().rstrip("\n")
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {Sandbox.api_key}"
        started = time.monotonic()
        answer = session.post(f"{base_url}/chat/completions", json={**ASKED, "stream": True}, timeout=10)
        assert answer.text.endswith("[DONE]\n\n")
        assert time.monotonic() - started > 0.3
        generation = {"id": answer.headers["X-Generation-Id"]}
        assert session.get(f"{base_url}/generation", params=generation, timeout=10).status_code == 404


@pytest.mark.parametrize(
    ("option", "value", "advice"),
    [
        *(("--chunk-delay", value, "give seconds, 0 or more") for value in ("-1", "inf", "nan", "x", "")),
        *(("--generation-delay", value, "give seconds, 0 or more") for value in ("-0.1", "1e999")),
        *(("--failure-rate", value, "give a number from 0 to 1") for value in ("-0.1", "1.1", "50%", "nan")),
        *(("--seed", value, "give an integer") for value in ("1.5", "x", "")),
    ],
)
def test_a_wrong_option_is_refused(option: str, value: str, advice: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sandbox", f"{option}={value}"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"argument {option}: {advice}" in printed.err


def test_every_option_is_in_the_help_and_in_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sandbox", "--help"]) == 0
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help"}
    assert options == {"--port", "--chunk-delay", "--generation-delay", "--failure-rate", "--seed"}
    document = (Path(__file__).parents[2] / "docs/sandbox.md").read_text(encoding="utf-8")
    assert all(f"`{option}" in document for option in options)
