"""Toolsets: what is allowed, what is denied, and that denying wins."""

from __future__ import annotations

import json
from typing import Any

import pytest

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.manifest import packaged_manifest

from ..schemas.operations import ACTIONS, OPERATIONS

WRITING = {
    ACTIONS[name].slug
    for name, (method, _) in OPERATIONS.items()
    if method != "get" and ACTIONS[name].toolset == "documented"
}


def chosen(**options: Any) -> list[str]:
    return list(ToolRegistry.from_manifest(**options).actions)


ALL = chosen()


def test_without_a_choice_all_actions_may_be_used() -> None:
    assert len(ALL) == len(list((packaged_manifest().parent / "schemas").glob("*.json")))


def test_allow_takes_slugs_aliases_and_tags_and_keeps_the_manifests_order() -> None:
    assert chosen(allow=["OPENROUTER_GET_CREDITS", "OPENROUTER_CREATE_MESSAGE"]) == [
        "OPENROUTER_CREATE_MESSAGE",
        "OPENROUTER_GET_CREDITS",
    ]
    assert chosen(allow=["OPENROUTER_OPENROUTER_LIST_PROVIDERS"]) == ["OPENROUTER_LIST_PROVIDERS"]
    assert set(chosen(allow=["write"])) == WRITING
    assert chosen(allow="OPENROUTER_GET_CREDITS") == ["OPENROUTER_GET_CREDITS"]


def test_allowing_nothing_leaves_nothing() -> None:
    assert chosen(allow=[]) == []
    assert chosen(tags=[]) == []


def test_tags_are_added_to_what_is_allowed() -> None:
    assert set(chosen(allow=["OPENROUTER_GET_CREDITS"], tags=["write"])) == {*WRITING, "OPENROUTER_GET_CREDITS"}
    assert set(chosen(tags="write")) == WRITING


@pytest.mark.parametrize("name", ["OPENROUTER_LIST_PROVIDERS", "OPENROUTER_OPENROUTER_LIST_PROVIDERS"])
def test_deny_takes_away_by_any_name(name: str) -> None:
    assert set(ALL) - set(chosen(deny=[name])) == {"OPENROUTER_LIST_PROVIDERS"}


def test_deny_takes_away_by_tag() -> None:
    assert set(ALL) - set(chosen(deny=["write"])) == WRITING


def test_denying_always_wins() -> None:
    slug = "OPENROUTER_CREATE_MESSAGE"
    assert chosen(allow=[slug], tags=["write"], deny=[slug, "write"]) == []
    assert chosen(allow=[slug], deny=[slug]) == []


def test_read_only_leaves_what_changes_nothing_and_can_not_be_widened() -> None:
    assert set(chosen(read_only=True)) == set(ALL) - WRITING
    assert chosen(read_only=True, allow=["OPENROUTER_CREATE_MESSAGE", "OPENROUTER_GET_CREDITS"]) == [
        "OPENROUTER_GET_CREDITS"
    ]


@pytest.mark.parametrize("kind", ["allow", "deny"])
def test_a_name_that_does_not_exist_is_the_programmers_mistake(kind: str) -> None:
    with pytest.raises(
        ValueError, match="no action or tag 'OPENROUTER_GET_CREDIT', did you mean 'OPENROUTER_GET_CREDITS'"
    ):
        chosen(**{kind: ["OPENROUTER_GET_CREDIT"]})


def test_a_tag_that_does_not_exist_is_too() -> None:
    with pytest.raises(ValueError, match="no tag 'writes', did you mean 'write'"):
        chosen(tags=["writes"])
    with pytest.raises(ValueError, match="no tag 'OPENROUTER_GET_CREDITS'"):
        chosen(tags=["OPENROUTER_GET_CREDITS"])


def test_names_may_come_from_any_iterable_once() -> None:
    assert chosen(allow=(slug for slug in ALL if slug.endswith("CREDITS"))) == ["OPENROUTER_GET_CREDITS"]


def test_an_action_outside_the_toolset_is_refused_by_every_name_and_not_listed() -> None:
    registry = ToolRegistry.from_manifest(deny=["OPENROUTER_LIST_PROVIDERS"])
    for slug in ("OPENROUTER_LIST_PROVIDERS", "OPENROUTER_OPENROUTER_LIST_PROVIDERS"):
        envelope = registry.execute(slug, {})
        assert json.loads(envelope.data)["error"]["type"] == "refused_by_policy"
        assert envelope.error == (
            "OPENROUTER_LIST_PROVIDERS exists, but whoever set up this toolset did not allow it. Do without it."
        )
    assert "OPENROUTER_LIST_PROVIDERS" not in [tool["function"]["name"] for tool in registry.tools()]


def test_an_action_outside_the_toolset_is_never_suggested() -> None:
    registry = ToolRegistry.from_manifest(deny=["OPENROUTER_LIST_PROVIDERS"])
    told = json.loads(registry.execute("OPENROUTER_LIST_PROVIDER").data)["error"]
    assert told["type"] == "unknown_action"
    assert "OPENROUTER_LIST_PROVIDERS" not in told["suggestions"]


def test_an_action_that_is_switched_off_is_neither_listed_nor_executed_until_it_is_on_again() -> None:
    off: set[str] = set()
    registry = ToolRegistry.from_manifest(switched_off=lambda: off)
    assert list(registry.actions) == ALL

    off.add("OPENROUTER_GET_CREDITS")
    assert set(ALL) - set(registry.actions) == off
    assert off.isdisjoint(tool["function"]["name"] for tool in registry.tools())
    refused = registry.execute("OPENROUTER_GET_CREDITS", {})
    assert json.loads(refused.data)["error"]["type"] == "refused_by_policy"
    assert "an administrator switched it off" in str(refused.error)

    off.clear()
    assert list(registry.actions) == ALL
    assert json.loads(registry.execute("OPENROUTER_GET_CREDITS", {}).data)["error"]["type"] == "not_connected"


def test_switching_an_action_on_does_not_widen_the_toolset() -> None:
    registry = ToolRegistry.from_manifest(deny=["OPENROUTER_GET_CREDITS"], switched_off=tuple)
    assert "OPENROUTER_GET_CREDITS" not in registry.actions
    assert "whoever set up this toolset did not allow it" in str(registry.execute("OPENROUTER_GET_CREDITS").error)


def test_nothing_is_executed_when_nobody_can_tell_what_is_switched_off() -> None:
    def unreachable() -> set[str]:
        raise OSError("the database is gone")

    registry = ToolRegistry.from_manifest(switched_off=unreachable)
    assert not registry.execute("OPENROUTER_GET_CREDITS", {}).successful
    with pytest.raises(OSError, match="the database is gone"):
        registry.tools()


def test_a_withdrawn_action_is_offered_to_models_only_if_it_is_named() -> None:
    charge = "OPENROUTER_CREATE_COINBASE_CHARGE"
    cases: list[tuple[dict[str, Any], bool]] = [
        ({}, False),
        ({"tags": ["payments"]}, False),
        ({"allow": ["payments"]}, False),
        ({"allow": [charge, "models"]}, True),
    ]
    for options, offered in cases:
        registry = ToolRegistry.from_manifest(**options)
        assert charge in registry.actions, "it is allowed, and answers that it was withdrawn"
        assert (charge in registry.offered) is offered
        assert (charge in [tool["function"]["name"] for tool in registry.tools()]) is offered
    off = ToolRegistry.from_manifest(switched_off=lambda: [charge]).execute(charge, {})
    assert "OpenRouter has withdrawn charges by API" in str(off.error)
