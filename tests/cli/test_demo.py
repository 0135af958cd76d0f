"""`demo`: the whole story, on a terminal, in a file, and against an API that the environment names."""

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from openrouter_toolkit.cli import main
from openrouter_toolkit.commands.demo.models import suitable
from openrouter_toolkit.commands.demo.story import mended
from openrouter_toolkit.sandbox import Sandbox

Run = Callable[..., subprocess.CompletedProcess[bytes]]
Printed = pytest.CaptureFixture[str]

SLUGS = [
    "OPENROUTER_GET_MODELS_COUNT",
    "OPENROUTER_LIST_AVAILABLE_MODELS",
    "OPENROUTER_LIST_MODEL_ENDPOINTS",
    "OPENROUTER_CREATE_CHAT_COMPLETION",
    "OPENROUTER_GET_GENERATION",
    "OPENROUTER_CREATE_MESSAGE",
    "OPENROUTER_GET_CURRENT_KEY",
]


def test_it_tells_the_story_offline_and_reads_well_in_a_file(run: Run, sandbox: Sandbox) -> None:
    done = run("demo", OPENROUTER_API_KEY="", OPENROUTER_BASE_URL="https://nowhere.invalid")
    text = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b""), text
    assert all(slug in text for slug in SLUGS)
    assert all(character.isprintable() or character == "\n" for character in text)
    text = " ".join(text.split())
    assert "did you mean max_tokens?" in text
    assert "Call again with max_tokens of at most 1204" in text
    assert "11 calls, 2 of them refused as expected and mended" in text
    assert not sandbox.requests


def test_it_goes_to_any_encoding(run: Run) -> None:
    done = run("demo", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()


def test_live_goes_where_the_environment_says_and_spends_little(openrouter_sandbox: Sandbox, capsys: Printed) -> None:
    assert main(["demo", "--live"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert all(slug in text for slug in SLUGS)
    assert "at most US$ 0.0" in text
    assert openrouter_sandbox.api_key not in text
    sent = [request.body for request in openrouter_sandbox.requests if request.method == "POST"]
    assert [body["max_tokens"] for body in sent] == [60, 60, 60]
    assert {body["model"] for body in sent} == {"globex/hermes-70b"}


def test_live_without_a_key_says_how_to_get_one(capsys: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENROUTER_API_KEY", raising=False)
    assert main(["demo", "--live"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "https://openrouter.ai/keys" in printed.err


def test_a_step_that_goes_otherwise_ends_it_with_1(
    openrouter_sandbox: Sandbox, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-v1-sandbox-expired")
    assert main(["demo", "--live"]) == 1
    text = capsys.readouterr().out
    assert "Stopped: OPENROUTER_GET_MODELS_COUNT failed, see its error above" in text
    assert "sk-or-v1-sandbox-expired" not in text


def model(identity: str, prompt: str, completion: str, *parameters: str) -> dict[str, Any]:
    pricing = {"prompt": prompt, "completion": completion}
    return {"id": identity, "pricing": pricing, "supported_parameters": list(parameters)}


def test_the_model_is_the_cheapest_that_costs_something_calls_tools_and_answers_at_once() -> None:
    models = [
        model("free", "0", "0", "tools"),
        model("router", "-1", "-1", "tools"),
        model("no-tools", "0.000001", "0.000001"),
        model("reasons", "0.000001", "0.000002", "tools", "reasoning"),
        model("dear", "0.001", "0.002", "tools"),
        model("cheap", "0.00001", "0.00002", "tools"),
        {**model("images", "0.000001", "0.000001", "tools"), "architecture": {"output_modalities": ["image"]}},
        {"id": "unpriced", "pricing": None, "supported_parameters": None},
    ]
    assert [one["id"] for one in suitable(models)] == ["cheap", "dear", "reasons"]


def test_arguments_are_mended_as_the_error_says() -> None:
    problems = [{"path": "max_token", "did_you_mean": "max_tokens"}, {"path": "temperature", "problem": "given 7"}]
    assert mended({"max_token": 60, "temperature": 7, "n": 1}, problems) == {"max_tokens": 60, "n": 1}
