"""Hooks: a host looks at each call before and after it, changes it, or refuses it."""

from __future__ import annotations

import copy
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit import Action, Envelope, MemoryAccounts, Refused, ToolRegistry

MANIFEST = Path(__file__).parents[1] / "echo_toolkit" / "with_key.yaml"
KEY = "canary-5f7d2c9a1b3e"
Arguments = dict[str, Any]


def registry(**hooks: Any) -> ToolRegistry:
    return ToolRegistry.from_manifest(MANIFEST, accounts=MemoryAccounts({"default": {"api_key": KEY}}), **hooks)


def told(envelope: Envelope) -> dict[str, Any]:
    error: dict[str, Any] = json.loads(envelope.data)["error"]
    return error


def greeting(envelope: Envelope) -> str:
    assert envelope.successful, envelope.error
    return str(json.loads(envelope.data)["greeting"])


# Before.


def test_a_hook_sees_the_action_the_arguments_and_the_user() -> None:
    seen: list[object] = []

    def watch(action: Action, arguments: Arguments, user_id: str) -> None:
        seen.append((action.slug, arguments, user_id))

    registry(before_execute=watch).execute("ECHO_REPEAT", {"text": "a"}, user_id="bob")
    registry(before_execute=watch).execute("ECHO_LEAK")
    assert seen == [("ECHO_SAY", {"text": "a"}, "bob"), ("ECHO_LEAK", {}, "default")]


def test_a_hook_changes_the_arguments_and_not_the_callers() -> None:
    given = {"text": "a", "times": 1}
    before = copy.deepcopy(given)
    changing = registry(before_execute=lambda action, arguments, user: {**arguments, "text": "b"})
    assert greeting(changing.execute("ECHO_SAY", given)) == "Hello, b"
    assert given == before


def test_a_hook_that_writes_into_its_copy_and_returns_nothing_changes_nothing() -> None:
    def scribble(action: Action, arguments: Arguments, user_id: str) -> None:
        arguments["text"] = "scribbled"

    given = {"text": "a"}
    assert greeting(registry(before_execute=scribble).execute("ECHO_SAY", given)) == "Hello, a"
    assert given == {"text": "a"}


def test_nested_values_are_copies_too() -> None:
    def scribble(action: Action, arguments: Arguments, user_id: str) -> Arguments:
        arguments["text"].append("scribbled")
        return arguments

    given = {"text": ["a"]}
    registry(before_execute=scribble).execute("ECHO_SAY", given)
    assert given == {"text": ["a"]}


def test_several_hooks_are_asked_in_order_each_with_what_the_one_before_left() -> None:
    def adding(letter: str) -> Any:
        return lambda action, arguments, user: {**arguments, "text": arguments["text"] + letter}

    hooks = [adding("b"), lambda action, arguments, user: None, adding("c")]
    assert greeting(registry(before_execute=hooks).execute("ECHO_SAY", {"text": "a"})) == "Hello, abc"


def test_what_a_hook_changed_is_validated() -> None:
    envelope = registry(before_execute=lambda *_: {"text": 5}).execute("ECHO_SAY", {"text": "a"})
    assert told(envelope)["type"] == "invalid_arguments"
    assert told(envelope)["problems"][0]["path"] == "text"


def test_a_hook_is_asked_before_validation_so_that_it_can_mend() -> None:
    mending = registry(before_execute=lambda *_: {"text": "mended"})
    assert greeting(mending.execute("ECHO_SAY", {"wrong": 1})) == "Hello, mended"


def test_a_hook_refuses_with_its_reason() -> None:
    asked = []

    def refuse(action: Action, arguments: Arguments, user_id: str) -> None:
        raise Refused("not on Sundays.")

    envelope = registry(before_execute=[refuse, lambda *_: asked.append(1)]).execute("ECHO_SAY", {"text": "a"})
    assert envelope.error == ("ECHO_SAY was refused by a policy here: not on Sundays. Do not repeat the call as it is.")
    assert told(envelope)["type"] == "refused_by_policy"
    assert told(envelope)["message"] == "not on Sundays."
    assert asked == []


def test_a_hook_that_raises_does_not_let_the_call_pass(caplog: pytest.LogCaptureFixture) -> None:
    def broken(action: Action, arguments: Arguments, user_id: str) -> None:
        raise KeyError("the policy's table")

    envelope = registry(before_execute=broken).execute("ECHO_SAY", {"text": "a"})
    assert told(envelope)["type"] == "refused_by_policy"
    assert "KeyError" in str(envelope.error)
    assert "the policy's table" not in str(envelope)
    assert "the policy's table" in caplog.text


@pytest.mark.parametrize("nonsense", ["text", 5, [], [("text", "a")], True], ids=repr)
def test_a_hook_that_returns_nonsense_does_not_let_the_call_pass(
    nonsense: object, caplog: pytest.LogCaptureFixture
) -> None:
    envelope = registry(before_execute=lambda *_: nonsense).execute("ECHO_SAY", {"text": "a"})
    assert told(envelope)["type"] == "refused_by_policy"
    assert type(nonsense).__name__ in caplog.text


def test_hooks_see_objects_only() -> None:
    seen: list[object] = []
    watching = registry(before_execute=lambda action, arguments, user: seen.append(arguments))
    assert told(watching.execute("ECHO_SAY", [1]))["type"] == "invalid_arguments"  # type: ignore[arg-type]
    assert [type(arguments) for arguments in seen if not isinstance(arguments, dict)] == []


def test_arguments_that_can_not_be_copied_are_wrong_arguments_and_no_policys_fault() -> None:
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    envelope = registry(before_execute=lambda *_: None).execute("ECHO_SAY", {"text": deep})
    assert told(envelope)["type"] == "invalid_arguments"


def test_no_hook_is_asked_about_an_unknown_action() -> None:
    asked: list[object] = []
    watching = registry(
        before_execute=lambda *_: asked.append("before"), after_execute=lambda *_: asked.append("after")
    )
    assert told(watching.execute("ECHO_SHOUT", {}))["type"] == "unknown_action"
    assert asked == []


# After.


def test_a_hook_sees_the_envelope_and_the_seconds() -> None:
    seen: list[tuple[str, Envelope, float]] = []
    watching = registry(after_execute=lambda action, envelope, seconds: seen.append((action.slug, envelope, seconds)))
    envelope = watching.execute("ECHO_SAY", {"text": "a"})
    watching.execute("ECHO_WAIT", {}, timeout=0.1)
    assert seen[0][:2] == ("ECHO_SAY", envelope)
    assert 0 <= seen[0][2] < 5
    assert 0.1 <= seen[1][2] < 5
    assert not seen[1][1].successful


def test_failures_are_shown_too() -> None:
    seen: list[str] = []
    watching = registry(after_execute=lambda action, envelope, seconds: seen.append(told(envelope)["type"]))
    watching.execute("ECHO_SAY", {})
    watching.execute("ECHO_SAY", {"text": "a"}, user_id="nobody")
    watching.execute("ECHO_BREAK_DOWN", {"text": "a"})
    assert seen == ["invalid_arguments", "not_connected", "unmapped"]


def test_no_hook_ever_sees_the_key(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []
    caplog.set_level(logging.DEBUG)

    def before(*call: object) -> None:
        seen.append(repr([vars(part) if hasattr(part, "__dict__") else part for part in call]))

    def after(*call: object) -> None:
        seen.append(repr(call))

    watching = registry(before_execute=before, after_execute=after)
    for slug in ("ECHO_SAY", "ECHO_LEAK", "ECHO_BREAK_DOWN"):
        watching.execute(slug, {} if slug == "ECHO_LEAK" else {"text": "a"})
    assert len(seen) == 6
    assert KEY not in "".join(seen) + caplog.text


def test_a_hook_that_writes_into_its_envelope_changes_nothing() -> None:
    def scribble(action: Action, envelope: Envelope, seconds: float) -> None:
        envelope["data"] = "scribbled"

    assert greeting(registry(after_execute=scribble).execute("ECHO_SAY", {"text": "a"})) == "Hello, a"


def test_a_hook_withholds_an_answer_and_says_that_the_action_was_carried_out() -> None:
    def withhold(action: Action, envelope: Envelope, seconds: float) -> None:
        raise Refused("it names a customer")

    envelope = registry(after_execute=withhold).execute("ECHO_SAY", {"text": "a"})
    assert envelope.error == (
        "ECHO_SAY was refused by a policy here: it names a customer. The action itself was carried out; "
        "its answer is withheld. Do not repeat the call as it is."
    )
    assert told(envelope)["executed"] is True
    assert "Hello" not in str(envelope)


def test_a_withheld_answer_stays_withheld_from_the_hooks_that_follow() -> None:
    def withhold(action: Action, envelope: Envelope, seconds: float) -> None:
        raise Refused("it names a customer")

    seen: list[Envelope] = []
    watching = registry(after_execute=[withhold, lambda action, envelope, seconds: seen.append(envelope)])
    envelope = watching.execute("ECHO_SAY", {"text": "a"})
    assert seen == [envelope]


def test_refusing_a_call_that_was_never_carried_out_does_not_claim_it_was() -> None:
    def withhold(action: Action, envelope: Envelope, seconds: float) -> None:
        raise Refused("it names a customer")

    envelope = registry(after_execute=withhold).execute("ECHO_SAY", {"wrong": 1})
    assert "carried out" not in str(envelope.error)


def test_a_hook_that_raises_fails_the_call_and_loses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def broken(action: Action, envelope: Envelope, seconds: float) -> None:
        raise RuntimeError("the audit log is full")

    envelope = registry(after_execute=broken).execute("ECHO_SAY", {"text": "a"})
    assert not envelope.successful
    assert "do not repeat it" in str(envelope.error)
    assert json.loads(envelope.data)["partial"]["greeting"] == "Hello, a"
    assert "the audit log is full" in caplog.text
    assert "the audit log is full" not in str(envelope)


def test_a_hook_that_raises_on_a_failure_leaves_the_failure_as_it_is() -> None:
    def broken(action: Action, envelope: Envelope, seconds: float) -> None:
        raise RuntimeError

    assert told(registry(after_execute=broken).execute("ECHO_SAY", {}))["type"] == "invalid_arguments"
