"""`demo`: the whole story, on a terminal, in a file, and against an API that the environment names."""

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from openrouter_toolkit import Envelope, ToolRegistry
from openrouter_toolkit.cli import main
from openrouter_toolkit.commands.demo import CHAT, MODELS, Demo, DemoFailed, cap_max_tokens, correct, rank_models
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import Store

Run = Callable[..., subprocess.CompletedProcess[bytes]]
Printed = pytest.CaptureFixture[str]

REQUEST = "Find the cheapest model that supports tools, then ask it: What is 17 * 3?"
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
    assert "16 calls, 2 of them refused as expected and corrected" in text
    assert not sandbox.requests


def test_the_model_itself_calls_the_tools_and_each_round_is_shown(run: Run) -> None:
    text = " ".join(run("demo").stdout.decode().split())
    rounds = text[text.index("The model itself is the agent") :].split(" Round ")
    assert len(rounds) == 4
    assert REQUEST in rounds[0]
    assert 'OPENROUTER_LIST_AVAILABLE_MODELS {} reads {"columns":"id|context|in|out|can"' in rounds[1]
    assert 'OPENROUTER_CREATE_CHAT_COMPLETION {"model": "acme/atlas-small:free", "messages": [' in rounds[2]
    assert 'reads {"id": "gen-' in rounds[2]
    assert "the model answers in words" in rounds[3]
    assert "17 * 3 = 51" in rounds[3]


def test_it_goes_to_any_encoding(run_process: Run) -> None:
    done = run_process("demo", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()


def test_live_goes_where_the_environment_says_and_spends_little(openrouter_sandbox: Sandbox, capsys: Printed) -> None:
    assert main(["demo", "--live"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert all(slug in text for slug in SLUGS)
    assert "at most US$ 0.0" in text
    assert openrouter_sandbox.api_key not in text
    sent = [request.body for request in openrouter_sandbox.requests if request.method == "POST"]
    assert [body["max_tokens"] for body in sent] == [60, 60, 60, 300, 300, 300, 300]
    models = [body["model"] for body in sent]
    assert models == [*["globex/hermes-70b"] * 5, "acme/atlas-small:free", "globex/hermes-70b"]


def test_live_without_a_key_says_how_to_get_one(capsys: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENROUTER_API_KEY", raising=False)
    monkeypatch.setenv("OPENROUTER_TOOLKIT_DATABASE", "sqlite:////nowhere/store.db")
    assert main(["demo", "--live"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "https://openrouter.ai/keys" in printed.err


def test_live_takes_the_connected_account(run: Run, store: Store, sandbox: Sandbox) -> None:
    connected = f"{sandbox.api_key}-connected"
    store.accounts.connect("OPENROUTER", "default", {"api_key": connected})
    done = run("demo", "--live", OPENROUTER_API_KEY="")
    assert done.returncode == 0, done.stdout
    assert {request.key for request in sandbox.requests} == {connected}


def test_a_step_that_goes_otherwise_ends_it_with_1(
    openrouter_sandbox: Sandbox, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-v1-sandbox-expired")
    assert main(["demo", "--live"]) == 1
    text = capsys.readouterr().out
    assert "Stopped: OPENROUTER_GET_MODELS_COUNT failed, see its error above" in text
    assert "sk-or-v1-sandbox-expired" not in text


# The model as an agent, when it behaves otherwise.


class Scripted(ToolRegistry):
    """A registry whose chat completions are written by the test."""

    answers: Iterator[Any]

    def execute(self, slug: str, arguments: Mapping[str, Any] | None = None, **options: Any) -> Envelope:
        assert slug == "OPENROUTER_CREATE_CHAT_COMPLETION"
        return Envelope.success(json.dumps(next(self.answers)))


@pytest.fixture
def toolset(openrouter_sandbox: Sandbox) -> Iterator[ToolRegistry]:
    with ToolRegistry.from_manifest(
        allow=(MODELS, CHAT), before_execute=cap_max_tokens, client_options={"max_attempts": 1}
    ) as registry:
        yield registry


def scripted(*messages: Any) -> Demo:
    registry = Scripted.from_manifest()
    registry.answers = iter([{"choices": [{"message": message}]} for message in messages])
    return Demo(registry)


def tool_call(name: str, arguments: Any) -> dict[str, Any]:
    return {"id": "same", "type": "function", "function": {"name": name, "arguments": arguments}}


def test_an_agent_reads_its_mistakes_and_several_results_in_a_round(toolset: ToolRegistry, capsys: Printed) -> None:
    dear = {"model": "acme/atlas-large", "messages": [{"role": "user", "content": "2+2"}], "max_tokens": 90_000}
    calls = [
        tool_call("OPENROUTER_GET_CREDITS", "{}"),
        tool_call("OPENROUTER_LIST_AVAILABLE_MODELS", '{"catgory": "legal"'),
        tool_call("OPENROUTER_CREATE_CHAT_COMPLETION", json.dumps(dear)),
    ]
    demo = scripted(
        {"role": "assistant", "content": "Let me\x1b[2J see.", "tool_calls": calls},
        {"role": "assistant", "content": "It is 4."},
    )
    demo.run_agent(toolset, "some/model", "What is 2+2?")
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    text = " ".join(printed.split())
    assert "Round 1: the model calls tools. → Let me see." in text
    assert "OPENROUTER_GET_CREDITS {} reads OPENROUTER_GET_CREDITS exists, but whoever set up this toolset" in text
    assert "Write them as one JSON object" in text
    assert "2 + 2 = 4" in text
    assert demo.calls == 5
    assert demo.cost > 0


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([{"content": "51, of course."}], "answered without calling a tool"),
        ([{"content": " "}], "called no tool and said nothing"),
        ([{"content": None, "tool_calls": []}], "called no tool and said nothing"),
        ([None], "answered in a shape that the demo does not know"),
        ([{"tool_calls": [{"id": "1"}]}], "answered in a shape that the demo does not know"),
        ([{"tool_calls": [{"id": "1", "function": None}]}], "answered in a shape that the demo does not know"),
        ([{"tool_calls": [tool_call("OPENROUTER_LIST_AVAILABLE_MODELS", "{}")]}] * 9, "still calling tools after 6"),
    ],
    ids=str,
)
def test_a_model_that_is_no_agent_ends_the_story_with_a_reason(
    toolset: ToolRegistry, capsys: Printed, messages: list[Any], reason: str
) -> None:
    with pytest.raises(DemoFailed, match=reason):
        scripted(*messages).run_agent(toolset, "some/model", REQUEST)
    if messages[0] and messages[0].get("content") == "51, of course.":
        assert "51, of course." in capsys.readouterr().out


@pytest.mark.parametrize("name", ["provider-down", "empty", "html-200", "error-in-200", "choice-error"])
def test_a_model_that_fails_ends_the_story_with_its_error(toolset: ToolRegistry, capsys: Printed, name: str) -> None:
    with pytest.raises(DemoFailed, match="failed, see its error above"):
        Demo(toolset).run_agent(toolset, f"sandbox/{name}", REQUEST)
    assert "error" in capsys.readouterr().out


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
        {**model("forgets", "0.000001", "0.000001", "tools"), "context_length": 8_192},
        {"id": "unpriced", "pricing": None, "supported_parameters": None},
    ]
    assert [one["id"] for one in rank_models(models)] == ["cheap", "dear", "reasons"]


def test_arguments_are_corrected_as_the_error_says() -> None:
    problems = [{"path": "max_token", "did_you_mean": "max_tokens"}, {"path": "temperature", "problem": "given 7"}]
    assert correct({"max_token": 60, "temperature": 7, "n": 1}, problems) == {"max_tokens": 60, "n": 1}
