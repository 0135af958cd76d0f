"""A registry of several toolkits: their actions side by side, each with its own accounts, client and options."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit import ManifestError, MemoryAccounts, ToolRegistry
from openrouter_toolkit.accounts import EnvironmentAccounts
from openrouter_toolkit.manifest import Toolkits, load, load_several, packaged_manifest
from openrouter_toolkit.sandbox import Sandbox

from .declared import write

ECHO = Path(__file__).parent / "echo_toolkit" / "with_key.yaml"
WAIT = {"handler": "echo_toolkit.client:greet", "takes": {"text": {}}}


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return write(tmp_path, "echo_toolkit.client:Echo", {"GREET": WAIT}, slug="OTHER")


@pytest.fixture
def both(other: Path) -> Iterator[ToolRegistry]:
    accounts = {"ECHO": MemoryAccounts({"alice": {"api_key": "key-of-echo"}}), "OTHER": MemoryAccounts()}
    options = {"ECHO": {"greeting": "Ahoy"}}
    with ToolRegistry.from_manifest([ECHO, other], accounts=accounts, client_options=options) as registry:
        yield registry


def test_their_actions_stand_side_by_side(both: ToolRegistry) -> None:
    assert list(both.actions) == ["ECHO_SAY", "ECHO_LEAK", "ECHO_BREAK_DOWN", "ECHO_WAIT", "OTHER_GREET"]
    assert [tool["toolkit"]["slug"] for tool in both.tools("composio")][-2:] == ["echo", "other"]
    assert repr(both) == "<ToolRegistry ECHO, OTHER, 5 actions>"
    assert both.find_tool("functions.OTHER_GREET") is both.actions["OTHER_GREET"]


def test_an_account_is_used_for_its_own_toolkit_alone(both: ToolRegistry) -> None:
    said = both.execute("ECHO_SAY", {"text": "hello"}, user_id="alice").json()
    assert said == {"greeting": "Ahoy, hello", "key_length": len("key-of-echo")}
    error = both.execute("OTHER_GREET", {"text": "hello"}, user_id="alice").error
    assert str(error).startswith('No Other account with api_key is connected for user "alice".')


def test_the_environment_has_a_variable_for_each(other: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHO_API_KEY", "key-of-echo")
    monkeypatch.setenv("OTHER_API_KEY", "the-others")
    with ToolRegistry.from_manifest([ECHO, other]) as registry:
        lengths = [registry.execute(slug, {"text": "a"}).json()["key_length"] for slug in ("ECHO_SAY", "OTHER_GREET")]
    assert lengths == [len("key-of-echo"), len("the-others")]


def test_beside_the_packaged_one(openrouter_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHO_API_KEY", "key-of-echo")
    with ToolRegistry.from_manifest([None, ECHO], allow=["ECHO", "OPENROUTER_GET_CURRENT_KEY"]) as registry:
        assert registry.execute("OPENROUTER_GET_CURRENT_KEY").successful
        assert registry.execute("ECHO_LEAK").data == '{"said": "[redacted]"}'
        assert len(registry.actions) == 5


def test_a_toolkit_is_allowed_or_denied_by_its_slug(other: Path) -> None:
    for choice in ({"allow": ["OTHER"]}, {"deny": ["ECHO"]}):
        assert list(ToolRegistry.from_manifest([ECHO, other], **choice).actions) == ["OTHER_GREET"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "accounts",
    [
        MemoryAccounts({"alice": {"api_key": "k"}}),
        EnvironmentAccounts({"api_key": "ECHO_API_KEY"}),
        {"ECHO": MemoryAccounts()},
        {"ECHO": MemoryAccounts(), "OTHER": MemoryAccounts(), "THIRD": MemoryAccounts()},
        {"ECHO": MemoryAccounts(), "OTHER": 5},
    ],
    ids=["memory", "environment", "one missing", "one too many", "no accounts"],
)
def test_accounts_that_do_not_say_for_which_are_refused(other: Path, accounts: Any) -> None:
    with pytest.raises(TypeError, match="accounts"):
        ToolRegistry.from_manifest([ECHO, other], accounts=accounts)


@pytest.mark.parametrize("options", [{"greeting": "Ahoy"}, {"ECHO": "Ahoy"}, {"ECHO": {"greting": "Ahoy"}}], ids=repr)
def test_options_that_do_not_say_for_which_are_refused(other: Path, options: Any) -> None:
    with pytest.raises(TypeError, match="client_options"):
        ToolRegistry.from_manifest([ECHO, other], client_options=options)


def test_two_that_share_names_are_told_with_both_files(tmp_path: Path) -> None:
    first = write(tmp_path / "a", None, {"GREET": {**WAIT, "aliases": ["OLD"]}}, fields=[])
    same = write(tmp_path / "b", None, {"OTHER": WAIT}, fields=[])
    alias = write(tmp_path / "c", None, {"X": {**WAIT, "aliases": ["OLD"]}}, slug="THIRD", fields=[])
    with pytest.raises(ManifestError) as caught:
        load_several([first, same, alias])
    assert caught.value.problems == [
        f"{same}: the toolkit slug WEATHER is there already, in {first}",
        f"{alias}: the action OLD is there already, in {first}",
    ]
    with pytest.raises(ValueError, match="two toolkits have the toolkit slug WEATHER"):
        Toolkits([load(first), load(same)])


def test_the_packaged_one_can_not_be_there_twice() -> None:
    with pytest.raises(ManifestError) as caught:
        load_several([None, None])
    place = str(packaged_manifest())
    assert caught.value.problems[0] == f"{place}: the toolkit slug OPENROUTER is there already, in {place}"


def test_all_problems_of_all_manifests_are_told(tmp_path: Path) -> None:
    with pytest.raises(ManifestError) as caught:
        load_several([tmp_path / "a.yaml", tmp_path / "b.yaml"])
    assert [Path(problem.partition(":")[0]).name for problem in caught.value.problems] == ["a.yaml", "b.yaml"]


def test_without_any_there_is_no_registry() -> None:
    with pytest.raises(ValueError, match="no manifest was given"):
        ToolRegistry.from_manifest([])


def test_their_clients_are_closed_with_the_registry(other: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHO_API_KEY", "key-of-echo")
    with ToolRegistry.from_manifest([ECHO, other]) as registry:
        assert json.loads(registry.execute("ECHO_SAY", {"text": "a"}).data)["key_length"] == 11
        client = registry._resources.client().of("ECHO")
    assert client.closed
