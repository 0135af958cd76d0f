"""The registry is not about OpenRouter: another toolkit, with its own schemas and handlers, runs unchanged."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit import ActionError, MemoryAccounts, ToolRegistry

FOLDER = Path(__file__).parent / "echo_toolkit"


@pytest.fixture
def echo() -> Iterator[ToolRegistry]:
    with ToolRegistry.from_manifest(FOLDER / "manifest.yaml") as registry:
        yield registry


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch) -> Iterator[ToolRegistry]:
    monkeypatch.setenv("ECHO_API_KEY", "open-sesame")
    with ToolRegistry.from_manifest(FOLDER / "with_key.yaml") as registry:
        yield registry


def test_its_actions_are_listed_in_the_order_of_its_manifest(echo: ToolRegistry) -> None:
    assert list(echo.actions) == ["ECHO_SAY", "ECHO_LIST_TOPICS"]
    assert echo.toolkit.name == "Echo"


def test_without_a_key_or_a_client_handlers_get_the_arguments_alone(echo: ToolRegistry) -> None:
    envelope = echo.execute("ECHO_SAY", {"text": "hello", "times": 2}, user_id="anybody")
    assert envelope == {"data": '{"said": ["hello", "hello"]}', "error": None, "successful": True}


def test_its_aliases_work(echo: ToolRegistry) -> None:
    assert echo.execute("ECHO_REPEAT", {"text": "hello"}).successful


def test_its_arguments_are_validated(echo: ToolRegistry) -> None:
    envelope = echo.execute("ECHO_SAY", {"txet": "hello"})
    assert envelope.error == (
        "ECHO_SAY was not called, its arguments are wrong. txet: unknown parameter, did you mean text?; "
        "text: required (a string). Fix them and call again."
    )


def test_its_slugs_are_suggested(echo: ToolRegistry) -> None:
    assert json.loads(echo.execute("ECHO_TOPICS").data)["error"]["suggestions"] == ["ECHO_LIST_TOPICS"]
    assert "OPENROUTER" not in str(echo.execute("OPENROUTER_LIST_PROVIDERS").error).split("There are")[1]


def test_its_toolset_is_chosen_likewise() -> None:
    registry = ToolRegistry.from_manifest(FOLDER / "manifest.yaml", read_only=True)
    assert list(registry.actions) == ["ECHO_LIST_TOPICS"]


def test_its_definitions_are_exported_likewise(echo: ToolRegistry) -> None:
    function = echo.tools("openai")[0]["function"]
    assert function["name"] == "ECHO_SAY"
    assert function["parameters"] == {
        "type": "object",
        "properties": {"text": {"type": "string", "description": "What to say."}},
        "required": ["text"],
        "additionalProperties": False,
    }
    assert list(echo.tools("openai", extensions=True)[0]["function"]["parameters"]["properties"]) == ["text", "times"]
    assert echo.tools("composio")[0]["toolkit"]["slug"] == "echo"


def test_its_key_comes_from_its_own_variable(keyed: ToolRegistry) -> None:
    envelope = keyed.execute("ECHO_SAY", {"text": "world"})
    assert json.loads(envelope.data) == {"greeting": "Hello, world", "key_length": len("open-sesame")}


def test_without_its_key_the_right_variable_and_page_are_named(
    keyed: ToolRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ECHO_API_KEY")
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-v1-sandbox")
    assert keyed.execute("ECHO_SAY", {"text": "world"}).error == (
        'No Echo account with api_key is connected for user "default". '
        "Set the environment variable ECHO_API_KEY. A key is made at https://echo.example/keys."
    )


def test_its_client_is_made_once_with_the_options_of_the_registry() -> None:
    from echo_toolkit.client import Echo  # type: ignore[import-not-found]

    made = Echo.made
    accounts = MemoryAccounts({"alice": {"api_key": "a-key"}})
    with ToolRegistry.from_manifest(
        FOLDER / "with_key.yaml", accounts=accounts, client_options={"greeting": "Ahoy"}
    ) as registry:
        assert Echo.made == made
        for _ in range(2):
            assert "Ahoy, world" in registry.execute("ECHO_SAY", {"text": "world"}, user_id="alice").data
        assert Echo.made == made + 1


def test_its_key_never_comes_back(keyed: ToolRegistry) -> None:
    assert keyed.execute("ECHO_LEAK", {}).data == '{"said": "[redacted]"}'


def test_its_handlers_can_wait_within_the_deadline(keyed: ToolRegistry) -> None:
    envelope = keyed.execute("ECHO_WAIT", {}, timeout=0.05)
    assert json.loads(envelope.data)["error"]["type"] == "timeout"


@pytest.mark.parametrize("answer", [{"a": 1}, None, 5, b"{}", ["a"]], ids=repr)
def test_a_handler_that_answers_no_text_is_a_mistake_and_told_as_one(
    echo: ToolRegistry, keyed: ToolRegistry, answer: object
) -> None:
    for registry in (echo, keyed):
        registry.actions["ECHO_SAY"].handler = lambda *_: answer  # type: ignore[assignment]
        envelope = registry.execute("ECHO_SAY", {"text": "hello"})
        assert not envelope.successful
        assert json.loads(envelope.data)["error"]["type"] == "unmapped"


@pytest.mark.parametrize("detail", [{1, 2}, b"x", object(), math.nan], ids=["set", "bytes", "object", "NaN"])
def test_what_a_handler_says_of_its_failure_is_told_as_json_whatever_it_is(echo: ToolRegistry, detail: object) -> None:
    def fail(arguments: dict[str, Any]) -> str:
        raise ActionError("server", "It failed.", detail=detail)

    echo.actions["ECHO_SAY"].handler = fail
    envelope = echo.execute("ECHO_SAY", {"text": "hello"})
    assert not envelope.successful
    json.loads(envelope.data, parse_constant=lambda word: pytest.fail(f"{word} is not valid JSON"))


PROGRAM = """
import sys
from openrouter_toolkit import ToolRegistry
for manifest in sys.argv[1:]:
    with ToolRegistry.from_manifest(manifest) as registry:
        envelope = registry.execute("ECHO_SAY", {"text": "hello"})
        assert envelope.successful, envelope
        registry.tools("openai")
print([name for name in sys.modules if name.startswith(("openrouter_toolkit.openrouter", "openrouter_toolkit.handlers",
    "openrouter_toolkit.sandbox", "requests", "urllib3"))])
"""


def test_nothing_of_openrouter_is_imported_by_it() -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(FOLDER / "manifest.yaml"), str(FOLDER / "with_key.yaml")],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(FOLDER.parent), "ECHO_API_KEY": "open-sesame"},
    )
    assert (run.stdout, run.stderr) == ("[]\n", "")
