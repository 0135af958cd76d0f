"""The toolsets of a manifest: which actions a host sees, chooses and is refused."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit import ManifestError, ToolRegistry
from openrouter_toolkit.manifest import load, packaged_manifest
from openrouter_toolkit.sandbox import Sandbox

DOCUMENTED = list(ToolRegistry.from_manifest().actions)
TOOLKIT = load()
EMBED = "OPENROUTER_CREATE_EMBEDDINGS"


def chosen(*names: str, **options: Any) -> set[str]:
    return set(ToolRegistry.from_manifest(toolsets=names, **options).actions)


def of(*names: str) -> set[str]:
    return {action.slug for name in names for action in TOOLKIT.actions_of(name)}


def test_without_a_choice_a_host_sees_what_is_documented() -> None:
    assert len(DOCUMENTED) == 14
    assert chosen("documented") == set(DOCUMENTED) == of("documented")


def test_toolsets_are_chosen_by_name_alone_or_together() -> None:
    assert chosen("inference") == of("inference") == {EMBED, "OPENROUTER_CREATE_RERANK"}
    assert chosen("documented", "keys") == of("documented", "keys")
    assert chosen("all") == of("documented", *TOOLKIT.toolsets)


def test_every_toolset_has_the_actions_that_it_says() -> None:
    assert {name: one.size for name, one in TOOLKIT.toolsets.items()} == {
        name: len(TOOLKIT.actions_of(name)) for name in TOOLKIT.toolsets
    }
    assert all(action.toolset == name for name in TOOLKIT.toolsets for action in TOOLKIT.actions_of(name))


def test_allow_and_deny_choose_among_them() -> None:
    assert chosen("documented", "keys", allow=["keys"]) == of("keys")
    assert chosen("documented", "keys", deny=["keys"]) == of("documented")
    assert chosen("keys", read_only=True) == {"OPENROUTER_LIST_KEYS", "OPENROUTER_GET_KEY"}
    assert chosen("keys", tags=["write"]) == {f"OPENROUTER_{verb}_KEY" for verb in ("CREATE", "UPDATE", "DELETE")}


def test_an_action_of_another_toolset_may_be_allowed_by_its_slug() -> None:
    assert set(ToolRegistry.from_manifest(allow=[EMBED, "OPENROUTER_GET_CREDITS"]).actions) == {
        EMBED,
        "OPENROUTER_GET_CREDITS",
    }
    assert set(ToolRegistry.from_manifest(deny=["OPENROUTER_DELETE_KEY"]).actions) == set(DOCUMENTED)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"toolsets": ["infrence"]}, "no toolset 'infrence', did you mean 'inference'"),
        ({"toolsets": ["x"]}, "no toolset 'x', there are documented, inference, "),
        ({"allow": ["keys"]}, r"toolset, which has to be chosen as one: toolsets=\['keys'\]"),
        ({"tags": ["keys"]}, "no tag 'keys'; it is a toolset"),
        ({"deny": ["OPENROUTER_DELETE_KEYS"]}, "did you mean 'OPENROUTER_DELETE_KEY'"),
    ],
)
def test_a_wrong_name_is_the_programmers_mistake(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        ToolRegistry.from_manifest(**options)


@pytest.mark.parametrize("call", ["execute", "call_tool"])
def test_an_action_that_was_not_chosen_is_refused_and_nothing_is_sent(call: str, openrouter_sandbox: Sandbox) -> None:
    with ToolRegistry.from_manifest() as registry:
        result = getattr(registry, call)("OPENROUTER_DELETE_KEY", {"hash": "a"})
    envelope = result if call == "execute" else result.envelope
    assert json.loads(envelope.data)["error"]["type"] == "refused_by_policy"
    assert "toolset keys" in str(envelope.error)
    assert openrouter_sandbox.requests == []


def test_a_pickled_registry_has_the_same_toolsets() -> None:
    registry = pickle.loads(pickle.dumps(ToolRegistry.from_manifest(toolsets=["keys"])))
    assert set(registry.actions) == of("keys")


def test_a_start_reads_no_other_toolset() -> None:
    program = (
        "from openrouter_toolkit import ToolRegistry; from openrouter_toolkit.manifest import compiled;"
        "compiled.read_further = lambda manifest: exit('read')\n"
        "registry = ToolRegistry.from_manifest(); registry.tools(); registry.find('OPENROUTER_GET_CREDITS')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    (tmp_path / "one.json").write_text((packaged_manifest().parent / "schemas/get_credits.json").read_text())
    text = (packaged_manifest().parent / "schemas/keys/list_keys.json").read_text()
    (tmp_path / "two.json").write_text(text)
    path = tmp_path / "manifest.yaml"
    path.write_text(
        """
toolkit: {slug: OPENROUTER, name: A, version: "20261124_00", description: A., categories: [a], links: {},
          client: "openrouter_toolkit.openrouter:OpenRouter"}
auth: {scheme: NO_AUTH}
actions: [{schema: one.json, request: GET /credits}]
toolsets:
  more: {description: More., actions: [{schema: two.json, request: GET /keys}]}
"""
    )
    return path


def test_another_manifest_may_have_toolsets(manifest: Path) -> None:
    assert list(ToolRegistry.from_manifest(manifest).actions) == ["OPENROUTER_GET_CREDITS"]
    assert list(ToolRegistry.from_manifest(manifest, toolsets=["more"]).actions) == ["OPENROUTER_LIST_KEYS"]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("  more:", "  all:", "all is no name for a toolset"),
        ("  more:", "  documented:", "documented is no name for a toolset"),
        (
            "two.json",
            "one.json",
            r"7: toolsets\.more\.actions\[0\]: OPENROUTER_GET_CREDITS is there already, in actions",
        ),
        ("two.json", "none.json", r"toolsets\.more\.actions\[0\]\.schema: there is no file"),
        ("GET /keys", '"GET /keys/{hash}"', r"actions\[0\]\.request: hash is no required parameter"),
        ("description: More.,", "", r"toolsets\.more\.description: missing"),
        ("{description: More.,", "{credential: x, description: More.,", "auth has no field x"),
    ],
)
def test_a_wrong_toolset_is_told_with_its_place(manifest: Path, before: str, after: str, told: str) -> None:
    text = manifest.read_text()
    assert before in text
    manifest.write_text(text.replace(before, after))
    with pytest.raises(ManifestError, match=told):
        load(manifest)


@pytest.mark.parametrize(
    ("by_hand", "told"),
    [({"nothing": "Nothing."}, "by_hand: there is no parameter nothing"), ([], "by_hand is an object about")],
)
def test_words_about_what_is_not_there_are_a_mistake(manifest: Path, by_hand: Any, told: str) -> None:
    schema = manifest.with_name("two.json")
    schema.write_text(json.dumps({**json.loads(schema.read_text()), "by_hand": by_hand}))
    with pytest.raises(ManifestError, match=told):
        load(manifest)


def test_a_management_key_mints_limits_and_deletes_a_key(
    openrouter_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENROUTER_MANAGEMENT_API_KEY", openrouter_sandbox.management_api_key)
    with ToolRegistry.from_manifest(toolsets=["keys"]) as registry:

        def done(action: str, **arguments: Any) -> Any:
            envelope = registry.execute(f"OPENROUTER_{action}_KEY", arguments)
            assert envelope.error is None
            return json.loads(envelope.data)

        made = done("CREATE", name="for one agent", limit=5)
        hash_ = made["data"]["hash"]
        assert key_in_use(made["key"])["limit"] == 5
        done("UPDATE", hash=hash_, limit=1)
        assert key_in_use(made["key"])["limit_remaining"] == 1
        assert done("DELETE", hash=hash_) == {"deleted": True}
        assert key_in_use(made["key"])["error"]["status"] == 401
        again = registry.execute("OPENROUTER_GET_KEY", {"hash": hash_})
    assert "take hash exactly as a list of these gives it" in str(again.error)


def key_in_use(key: str) -> dict[str, Any]:
    """What GET /key says to a key, or the error."""
    from openrouter_toolkit.accounts import MemoryAccounts

    with ToolRegistry.from_manifest(accounts=MemoryAccounts({"default": {"api_key": key}})) as registry:
        found: dict[str, Any] = json.loads(registry.execute("OPENROUTER_GET_CURRENT_KEY").data)
        data: dict[str, Any] = found.get("data", found)
        return data


def test_without_a_management_key_the_error_says_which_key_is_wanted(openrouter_sandbox: Sandbox) -> None:
    with ToolRegistry.from_manifest(toolsets=["keys"]) as registry:
        envelope = registry.execute("OPENROUTER_LIST_KEYS")
    assert json.loads(envelope.data)["error"]["status"] == 403
    assert "management_api_key" in str(envelope.error)
