"""`registry.stream`: events as they arrive, and leaving early."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from openrouter_toolkit import ActionError, Envelope, EventStream, Refused, ToolRegistry
from openrouter_toolkit.sandbox import Sandbox

from ..timing import PATIENCE, quickest, wait_until

CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"


def asking(model: str) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "What is 17 * 3?"}]}


@pytest.fixture
def registry(openrouter_sandbox: Sandbox) -> Iterator[ToolRegistry]:
    with ToolRegistry.from_manifest(client_options={"max_attempts": 1}) as registry:
        yield registry


def test_the_events_come_and_then_the_envelope(registry: ToolRegistry) -> None:
    stream = registry.stream(CHAT, asking("acme/atlas-small"))
    text = "".join(event.text for event in stream if event.kind == "text")
    assert text == "17 * 3 = 51"
    assert stream.envelope.successful
    assert list(stream) == []


def test_a_message_streams_too(registry: ToolRegistry) -> None:
    arguments = {**asking("acme/atlas-small"), "max_tokens": 50}
    kinds = [event.kind for event in registry.stream("OPENROUTER_CREATE_MESSAGE", arguments)]
    assert (kinds[0], kinds[-1]) == ("start", "end")
    assert "text" in kinds


def test_an_action_that_does_not_stream_has_no_events(registry: ToolRegistry) -> None:
    stream = registry.stream("OPENROUTER_GET_MODELS_COUNT")
    assert list(stream) == []
    assert stream.envelope.successful


def test_a_failure_is_in_the_envelope(registry: ToolRegistry) -> None:
    for slug, arguments in ((CHAT, asking("acme/nothing")), (CHAT, {}), ("OPENROUTER_NOTHING", {})):
        stream = registry.stream(slug, arguments)
        assert list(stream) == []
        assert not stream.envelope.successful


@pytest.mark.parametrize("how", ["close", "with", "forget"])
def test_leaving_early_closes_the_connection(registry: ToolRegistry, openrouter_sandbox: Sandbox, how: str) -> None:
    stream = registry.stream(CHAT, asking("sandbox/silent"))
    assert next(stream).text
    if how == "close":
        stream.close()
        assert "cancelled" in stream.envelope.data
        assert "17" in stream.envelope.data or "partial" in stream.envelope.data
    elif how == "with":
        with stream:
            pass
    del stream
    if how == "forget":
        gc.collect()
    wait_until(lambda: openrouter_sandbox.requests[-1].closed_by_client)


def test_the_deadline_ends_it(registry: ToolRegistry) -> None:
    def to_the_end() -> EventStream:
        stream = registry.stream(CHAT, asking("sandbox/silent"), timeout=0.5)
        assert [event.kind for event in stream]
        return stream

    took, stream = quickest(to_the_end, below=1.5)
    assert '"timeout"' in stream.envelope.data
    assert took < 1.5


def test_two_who_wait_for_its_end_both_get_it(registry: ToolRegistry) -> None:
    stream = registry.stream(CHAT, asking("sandbox/silent"))
    next(stream)
    seen: list[object] = []
    others = [threading.Thread(target=lambda: seen.append(stream.envelope), daemon=True) for _ in range(2)]
    for other in others:
        other.start()
    stream.close()
    for other in others:
        other.join(5)
    assert seen == [stream.envelope, stream.envelope]


def test_what_ends_its_thread_ends_the_waiting(openrouter_sandbox: Sandbox) -> None:
    def leave(*_: object) -> None:
        raise SystemExit(3)

    with ToolRegistry.from_manifest(before_execute=leave) as registry:
        stream = registry.stream(CHAT, asking("acme/atlas-small"))
        with pytest.raises(SystemExit):
            next(stream)
        with pytest.raises(SystemExit):
            _ = stream.envelope


def test_hooks_are_plain_functions() -> None:
    async def hook(*_: object) -> None:
        raise Refused

    wrong: Any = hook
    with pytest.raises(TypeError, match="plain function"):
        ToolRegistry.from_manifest(after_execute=wrong)
    with pytest.raises(TypeError, match="plain function"):
        ToolRegistry.from_manifest(before_execute=[wrong])


def test_an_unusable_second_key_garbles_nothing(openrouter_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (" ", "none", "x", "e"):
        monkeypatch.setenv("OPENROUTER_MANAGEMENT_API_KEY", value)
        with ToolRegistry.from_manifest() as registry:
            assert "[redacted]" not in registry.execute("OPENROUTER_GET_MODELS_COUNT").data


def test_an_account_store_that_fails_is_told(openrouter_sandbox: Sandbox) -> None:
    class Down:
        def credentials(self, user_id: str, toolkit: str) -> Any:
            raise ConnectionError("the database is down")

        def how_to_connect(self, user_id: str, toolkit: str) -> str:
            return ""

    with ToolRegistry.from_manifest(accounts=Down()) as registry:
        envelope = registry.execute("OPENROUTER_GET_MODELS_COUNT")
    assert "not_connected" in envelope.data
    assert '"retryable":true' in envelope.data
    assert "database" not in str(envelope)


def test_a_wrong_option_of_the_client_is_a_mistake_here_and_now() -> None:
    with pytest.raises(TypeError, match="nonsense"):
        ToolRegistry.from_manifest(client_options={"nonsense": 1})


def test_an_error_survives_pickling() -> None:
    import pickle

    error = pickle.loads(pickle.dumps(ActionError("timeout", "Late.", status=504, partial={"a": 1}, sent=True)))
    assert (error.type, error.partial, error.as_dict()["sent"]) == ("timeout", {"a": 1}, True)


# In async code.


def test_async_for_has_the_same_events(registry: ToolRegistry) -> None:
    async def read() -> tuple[list[Any], EventStream]:
        stream = registry.stream(CHAT, asking("acme/atlas-small"))
        return [(event.kind, event.text) async for event in stream], stream

    events, stream = asyncio.run(read())
    assert events == [(event.kind, event.text) for event in registry.stream(CHAT, asking("acme/atlas-small"))]
    assert stream.envelope.text == "17 * 3 = 51"
    assert list(stream) == []


def test_the_event_loop_goes_on_and_runs_nothing_of_a_call(openrouter_sandbox: Sandbox) -> None:
    threads: set[int] = set()

    def note(*_: object) -> None:
        threads.add(threading.get_ident())

    async def read(registry: ToolRegistry) -> list[bool]:
        streams = [registry.stream(CHAT, asking("acme/atlas-small")) for _ in range(20)]
        return [(await stream.envelope_async()).successful for stream in streams]

    with ToolRegistry.from_manifest(before_execute=note, after_execute=note) as registry:
        assert asyncio.run(read(registry)) == [True] * 20
    assert threads
    assert threading.get_ident() not in threads


@pytest.mark.parametrize("how", ["aclose", "async with", "cancel", "cancel the answer", "forget"])
def test_leaving_async_code_early_closes_the_connection(
    registry: ToolRegistry, openrouter_sandbox: Sandbox, how: str
) -> None:
    async def leave() -> EventStream | None:
        stream = registry.stream(CHAT, asking("sandbox/silent"))
        assert (await anext(stream)).text
        if how == "aclose":
            await stream.aclose()
        elif how == "async with":
            async with stream as same:
                assert same is stream
        elif how == "forget":
            return None
        else:
            rest = stream.envelope_async() if how == "cancel the answer" else to_the_end(stream)
            task = asyncio.create_task(rest)
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(task, PATIENCE)
        assert [event async for event in stream] == []
        return stream

    async def to_the_end(stream: EventStream) -> None:
        async for _ in stream:
            pass

    stream = asyncio.run(leave())
    gc.collect()
    wait_until(lambda: openrouter_sandbox.requests[-1].closed_by_client)
    if stream is not None:
        assert stream.envelope.error_type == "cancelled"
        assert stream.envelope.text


def test_two_tasks_that_wait_for_its_end_both_get_it(registry: ToolRegistry) -> None:
    async def both() -> tuple[Envelope, Envelope]:
        stream = registry.stream(CHAT, asking("sandbox/silent"), timeout=0.5)
        return await asyncio.gather(stream.envelope_async(), stream.envelope_async())

    one, other = asyncio.run(both())
    assert one is other
    assert one.error_type == "timeout"


def test_what_ends_its_thread_ends_the_waiting_task(openrouter_sandbox: Sandbox) -> None:
    class Left(BaseException):
        pass

    def leave(*_: object) -> None:
        raise Left

    async def read(registry: ToolRegistry) -> None:
        async with registry.stream(CHAT, asking("acme/atlas-small")) as stream:
            with pytest.raises(Left):
                await anext(stream)
            with pytest.raises(Left):
                await stream.envelope_async()

    with ToolRegistry.from_manifest(before_execute=leave) as registry:
        asyncio.run(read(registry))


def test_one_stream_is_read_by_event_loops_one_after_the_other(registry: ToolRegistry) -> None:
    stream = registry.stream(CHAT, asking("acme/atlas-small"))

    async def first() -> Any:
        return await anext(stream)

    events = [asyncio.run(first()) for _ in range(2)] + list(stream)
    assert "".join(event.text for event in events if event.kind == "text") == "17 * 3 = 51"
