"""The kinds of hooks: what they may be, with how many arguments they are called, and of which calls they hear."""

from __future__ import annotations

import asyncio
import functools
import json
import threading
import time
from typing import Any

import pytest

from openrouter_toolkit import Action, Envelope, MemoryAccounts, Refused, ToolRegistry

from .test_hooks import KEY, MANIFEST, registry, told

TOOL_CALL = {"id": "1", "type": "function", "function": {"name": "ECHO_SAY", "arguments": '{"text": "a"}'}}


class Counting:
    """Hooks of several kinds, on an object."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []

    def three(self, action: Action, envelope: Envelope, seconds: float) -> None:
        self.heard.append((action, envelope, seconds))

    def five(self, action: Action | None, envelope: Envelope, seconds: float, arguments: Any, user_id: str) -> None:
        self.heard.append((action, envelope, seconds, arguments, user_id))

    def __call__(self, action: Any, envelope: Envelope, seconds: float, arguments: Any, user_id: str) -> None:
        self.five(action, envelope, seconds, arguments, user_id)

    def with_own(self, mine: str, action: Any, envelope: Envelope, seconds: float, given: Any, who: str) -> None:
        self.heard.append((action, envelope, seconds, given, who))

    def three_with_own(
        self, action: Any, envelope: Envelope, seconds: float, mine: str = "a", yours: str = "b"
    ) -> None:
        self.heard.append((action, envelope, seconds))

    def any_number(self, *given: Any) -> None:
        self.heard.append(given)

    def three_and_more(self, action: Any, *rest: Any) -> None:
        self.heard.append((action, *rest))

    def five_in_words(
        self, action: Any, envelope: Envelope, seconds: float, arguments: Any = None, user_id: str = ""
    ) -> None:
        self.heard.append((action, envelope, seconds, arguments, user_id))

    def five_or_more(self, action: Any, envelope: Any, seconds: float, arguments: Any, *rest: Any) -> None:
        self.heard.append((action, envelope, seconds, arguments, *rest))


def kinds_of_hooks() -> dict[str, tuple[Counting, Any, int]]:
    made: dict[str, tuple[Counting, Any, int]] = {}
    for name, count in (
        ("three", 3),
        ("five", 5),
        ("three_with_own", 3),
        ("any_number", 3),
        ("three_and_more", 3),
        ("five_in_words", 5),
        ("five_or_more", 5),
    ):
        counting = Counting()
        made[name] = (counting, getattr(counting, name), count)
    counting = Counting()
    made["object"] = (counting, counting, 5)
    counting = Counting()
    made["partial"] = (counting, functools.partial(counting.with_own, "mine"), 5)
    return made


@pytest.mark.parametrize(("counting", "hook", "count"), kinds_of_hooks().values(), ids=kinds_of_hooks().keys())
def test_a_hook_gets_three_or_five_as_it_takes_them(counting: Counting, hook: Any, count: int) -> None:
    watching = registry(after_execute=hook)
    envelope = watching.execute("ECHO_SAY", {"text": "a"})
    ((action, *rest),) = counting.heard
    assert (action.slug, rest[0]) == ("ECHO_SAY", envelope)
    assert rest[2:] == ([{"text": "a"}, "default"] if count == 5 else [])
    watching.execute("ECHO_SHOUT", {"text": "a"}, user_id="bob")
    assert len(counting.heard) == (2 if count == 5 else 1)


def test_a_hook_of_five_hears_of_every_call() -> None:
    counting = Counting()
    watching = registry(after_execute=counting.five, before_execute=lambda action, arguments, user: {"text": "new"})
    watching.execute("ECHO_SHOUT", {"text": "a"}, user_id="bob")
    watching.execute("ECHO_SHOUT")
    watching.execute(5, ["a"])  # type: ignore[arg-type]
    watching.execute("ECHO_SAY", {"text": "a"}, user_id="bob")
    watching.execute("ECHO_SAY", ["a"])  # type: ignore[arg-type]
    told_of = [(action and action.slug, arguments, user) for action, _, _, arguments, user in counting.heard]
    assert told_of == [
        (None, {"text": "a"}, "bob"),
        (None, {}, "default"),
        (None, ["a"], "default"),
        ("ECHO_SAY", {"text": "new"}, "bob"),
        ("ECHO_SAY", ["a"], "default"),
    ]
    types = [json.loads(envelope.data)["error"]["type"] for _, envelope, *_ in counting.heard]
    assert types == ["unknown_action"] * 3 + ["not_connected", "invalid_arguments"]


def test_a_hook_of_five_hears_of_refused_calls_and_of_models_calls() -> None:
    counting = Counting()

    def refuse(action: Action, arguments: dict[str, Any], user: str) -> None:
        raise Refused("no")

    registry(after_execute=counting.five, before_execute=refuse).execute("ECHO_SAY", {"text": "a"})
    denied = registry(after_execute=counting.five, deny=["ECHO_SAY"])
    denied.execute("ECHO_SAY", {"text": "b"})
    denied.call_tool("ECHO_SHOUT", '{"text": "c"}')
    heard = [(action and action.slug, arguments) for action, _, _, arguments, _ in counting.heard]
    assert heard == [("ECHO_SAY", {"text": "a"}), ("ECHO_SAY", {"text": "b"}), (None, {"text": "c"})]


def test_a_hook_that_writes_into_its_arguments_changes_nothing() -> None:
    def scribble(action: Any, envelope: Envelope, seconds: float, arguments: Any, user_id: str) -> None:
        arguments["text"] = "scribbled"

    given, counting = {"text": "a"}, Counting()
    registry(after_execute=[scribble, counting.five]).execute("ECHO_SAY", given)
    assert given == counting.heard[0][3] == {"text": "a"}


def test_a_hook_may_withhold_what_is_said_of_an_unknown_slug() -> None:
    def withhold(action: Any, envelope: Envelope, seconds: float, arguments: Any, user_id: str) -> None:
        raise Refused("names are secret")

    envelope = registry(after_execute=withhold).execute("ECHO_SHOUT")
    assert envelope.error == (
        "The call was refused by a policy here: names are secret. Do not repeat the call as it is."
    )


async def async_before(action: Any, arguments: Any, user_id: str) -> None: ...
async def async_after(action: Any, envelope: Any, seconds: float) -> None: ...


class AsyncCallable:
    async def __call__(self, *given: Any) -> None: ...

    async def method(self, *given: Any) -> None: ...


async def generating(*given: Any) -> Any:
    yield


@pytest.mark.parametrize(
    "hook",
    [
        async_before,
        async_after,
        functools.partial(async_after),
        functools.partial(functools.partial(AsyncCallable().method), 1),
        AsyncCallable(),
        AsyncCallable().method,
        generating,
    ],
    ids=lambda hook: type(hook).__name__,
)
@pytest.mark.parametrize("kind", ["before_execute", "after_execute"])
def test_an_async_hook_is_refused_with_what_to_write_instead(hook: Any, kind: str) -> None:
    with pytest.raises(TypeError, match=rf"{kind}: .* is async: a hook is a plain function; the async methods call it"):
        registry(**{kind: hook})


def test_a_hook_that_turns_out_to_be_async_lets_nothing_pass(caplog: pytest.LogCaptureFixture) -> None:
    """Such a function can't be seen to be. A warning that nobody awaited it would be an error in these tests."""

    def hidden(*given: Any) -> Any:
        return async_after(*given)

    refused = told(registry(before_execute=hidden).execute("ECHO_SAY", {"text": "a"}))
    assert refused["type"] == "refused_by_policy"
    envelope = registry(after_execute=hidden).execute("ECHO_SAY", {"text": "a"})
    assert "do not repeat it" in str(envelope.error)
    assert "a hook is a plain function" in caplog.text


@pytest.mark.parametrize(
    "hook",
    [
        lambda: None,
        lambda a: None,
        lambda a, b: None,
        lambda a, b, c, d: None,
        lambda a, b, c, d, e, f: None,
        lambda *, action, envelope, seconds: None,
        lambda a, b, c, *, more: None,
        [].append,
    ],
    ids=range(8),
)
def test_an_after_hook_of_a_wrong_number_of_parameters_is_a_mistake(hook: Any) -> None:
    with pytest.raises(TypeError, match=r"an after_execute hook takes \(action, envelope, seconds\) or \("):
        registry(after_execute=hook)


@pytest.mark.parametrize(
    "hook",
    [lambda: None, lambda a, b: None, lambda a, b, c, d: None, lambda a, b, *, c: None, [].append],
    ids=range(5),
)
def test_so_is_a_before_hook(hook: Any) -> None:
    with pytest.raises(TypeError, match=r"a before_execute hook takes \(action, arguments, user_id\)"):
        registry(before_execute=hook)


@pytest.mark.parametrize("hook", [5, "print", [print, 5], {"a": 1}], ids=repr)
def test_what_can_not_be_called_is_no_hook(hook: Any) -> None:
    for kind in ("before_execute", "after_execute"):
        with pytest.raises(TypeError):
            registry(**{kind: hook})


def test_no_hook_and_no_look_up_runs_on_the_event_loops_thread() -> None:
    """Also not of a call whose time was over before a thread was free."""
    threads: list[threading.Thread] = []

    class Looked(MemoryAccounts):
        def credentials(self, user_id: str, toolkit: str) -> Any:
            threads.append(threading.current_thread())
            return super().credentials(user_id, toolkit)

    def before(action: Any, arguments: Any, user_id: str) -> None:
        threads.append(threading.current_thread())
        time.sleep(0.05)

    def after(action: Any, envelope: Any, seconds: float, arguments: Any, user_id: str) -> None:
        threads.append(threading.current_thread())

    def switched_off() -> tuple[str, ...]:
        threads.append(threading.current_thread())
        return ()

    watching = ToolRegistry.from_manifest(
        MANIFEST,
        accounts=Looked({"default": {"api_key": KEY}}),
        before_execute=before,
        after_execute=after,
        max_workers=1,
        switched_off=switched_off,
    )
    asked = {"choices": [{"message": {"role": "assistant", "tool_calls": [TOOL_CALL] * 3}}]}

    async def run() -> list[Envelope]:
        late = [watching.execute_async("ECHO_SAY", {"text": "a"}, timeout=0.02) for _ in range(5)]
        late += [watching.execute_async("ECHO_SHOUT"), watching.execute_async("ECHO_SAY", {"text": "a"})]
        answers = await asyncio.gather(*late)
        await watching.handle_tool_calls_async(asked)
        await watching.call_tool_async("ECHO_SAY", '{"text": "a"}')
        return list(answers)

    answers = asyncio.run(run())
    assert [json.loads(envelope.data)["error"]["type"] for envelope in answers[1:5]] == ["timeout"] * 4
    assert answers[-1].successful
    assert len(threads) > 10
    assert threading.main_thread() not in threads
