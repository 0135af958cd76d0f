"""The registry: one way for every call, and an envelope at its end whatever happens on it."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import json
import logging
import math
import threading
import time
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openrouter_toolkit import Envelope, MemoryAccounts, ToolRegistry
from openrouter_toolkit.manifest import load
from openrouter_toolkit.sandbox import Sandbox

from .envelopes import failure
from .scale import scaled
from .small_server import Handler, running
from .timing import PATIENCE, quickest, wait_until

ECHO = Path(__file__).parent / "echo_toolkit"
SLUGS = [action.slug for action in load().actions]
ASKED = [{"role": "user", "content": "Hello"}]
CHAT = {"model": "acme/atlas-small", "messages": ASKED}


@pytest.fixture
def registry(openrouter_sandbox: Sandbox) -> Iterator[ToolRegistry]:
    with ToolRegistry.from_manifest(client_options={"max_attempts": 1}) as registry:
        yield registry


# Executing.


def test_an_action_is_executed(registry: ToolRegistry, openrouter_sandbox: Sandbox) -> None:
    envelope = registry.execute("OPENROUTER_GET_MODELS_COUNT", {})
    assert envelope.successful
    assert envelope.error is None
    assert json.loads(envelope.data)["data"]["count"] > 0
    assert [request.key for request in openrouter_sandbox.requests] == [openrouter_sandbox.api_key]


def test_it_is_executed_the_same_in_async_code(registry: ToolRegistry) -> None:
    assert asyncio.run(registry.execute_async("OPENROUTER_LIST_PROVIDERS")) == registry.execute(
        "OPENROUTER_LIST_PROVIDERS"
    )


def test_many_calls_run_at_once_in_async_code(openrouter_sandbox: Sandbox) -> None:
    async def ask() -> list[Envelope]:
        with ToolRegistry.from_manifest(
            ECHO / "with_key.yaml", accounts=MemoryAccounts({"default": {"api_key": "k3y"}})
        ) as registry:
            return await asyncio.gather(*(registry.execute_async("ECHO_WAIT", timeout=0.5) for _ in range(100)))

    took, envelopes = quickest(lambda: asyncio.run(ask()), below=5)
    assert [failure(envelope)["type"] for envelope in envelopes] == ["timeout"] * 100
    assert took < 5


def test_context_variables_reach_the_worker(registry: ToolRegistry) -> None:
    variable = contextvars.ContextVar("variable", default="unset")
    seen: list[str] = []

    async def ask() -> None:
        variable.set("request-7")
        await registry.execute_async(
            "OPENROUTER_CREATE_CHAT_COMPLETION",
            {**CHAT, "stream": True},
            on_event=lambda _: seen.append(variable.get()),
        )

    asyncio.run(ask())
    assert set(seen) == {"request-7"}


@pytest.mark.parametrize("name", ["MODEL_ENDPOINTS", "PROVIDERS"])
def test_an_older_slug_is_the_same_action(registry: ToolRegistry, name: str, openrouter_sandbox: Sandbox) -> None:
    arguments = {"author": "acme", "slug": "atlas-small"} if name == "MODEL_ENDPOINTS" else {}
    older = registry.execute(f"OPENROUTER_OPENROUTER_LIST_{name}", arguments)
    assert older.successful
    assert older == registry.execute(f"OPENROUTER_LIST_{name}", arguments)
    assert f"OPENROUTER_OPENROUTER_LIST_{name}" not in registry.actions


def test_an_unknown_action_is_answered_with_the_nearest(registry: ToolRegistry) -> None:
    envelope = registry.execute("OPENROUTER_LIST_MODELS", {})
    assert failure(envelope)["type"] == "unknown_action"
    assert failure(envelope)["suggestions"][0] == "OPENROUTER_LIST_AVAILABLE_MODELS"
    assert envelope.error == (
        'There is no action "OPENROUTER_LIST_MODELS". Did you mean OPENROUTER_LIST_AVAILABLE_MODELS?'
    )


@pytest.mark.parametrize(
    ("slug", "meant"),
    [
        ("openrouter_get_credits", "OPENROUTER_GET_CREDITS"),
        ("OPENROUTER_GET_CREDIT", "OPENROUTER_GET_CREDITS"),
        ("OPENROUTER_CHAT_COMPLETION", "OPENROUTER_CREATE_CHAT_COMPLETION"),
        ("get_generation", "OPENROUTER_GET_GENERATION"),
    ],
)
def test_the_nearest_is_what_was_meant(registry: ToolRegistry, slug: str, meant: str) -> None:
    assert failure(registry.execute(slug))["suggestions"][0] == meant


def test_where_nothing_is_near_all_actions_are_named(registry: ToolRegistry) -> None:
    envelope = registry.execute("SEND_EMAIL", {})
    assert failure(envelope)["suggestions"] == []
    for slug in SLUGS:
        assert slug in str(envelope.error)


@pytest.mark.parametrize(
    "slug",
    [None, 5, b"OPENROUTER_GET_CREDITS", ["OPENROUTER_GET_CREDITS"], {}, "", " ", "\ud800", 10**5000, "x" * 1_000_000],
    ids=["None", "number", "bytes", "list", "dict", "empty", "blank", "surrogate", "huge", "long"],
)
def test_what_is_no_slug_is_an_unknown_action(registry: ToolRegistry, slug: Any) -> None:
    envelope = registry.execute(slug, {})
    assert failure(envelope)["type"] == "unknown_action"
    assert len(str(envelope.error)) < 1_000


# Arguments.


def test_no_arguments_are_none(registry: ToolRegistry) -> None:
    assert registry.execute("OPENROUTER_GET_MODELS_COUNT").successful
    assert registry.execute("OPENROUTER_GET_MODELS_COUNT", None).successful


@pytest.mark.parametrize("arguments", [[], "{}", 5, True, [("id", "gen-1")], b"{}"], ids=repr)
def test_arguments_are_an_object(registry: ToolRegistry, arguments: Any, openrouter_sandbox: Sandbox) -> None:
    envelope = registry.execute("OPENROUTER_GET_GENERATION", arguments)
    assert failure(envelope)["type"] == "invalid_arguments"
    assert "they must be an object" in str(envelope.error)
    assert openrouter_sandbox.requests == []


@pytest.mark.parametrize(
    ("slug", "arguments"),
    [
        (
            "OPENROUTER_CREATE_CHAT_COMPLETION",
            {
                **CHAT,
                "functions": [{"name": "add", "parameters": {"type": "object", "properties": {}}}],
                "function_call": "{'name': 'add'}",
                "tools": [{"type": "function", "function": {"name": "multiply"}}],
                "x_title": " My app ",
                "stop": ["\n"],
            },
        ),
        ("OPENROUTER_LIST_AVAILABLE_MODELS", {"zdr": False, "use_rss": True, "providers": ["acme"]}),
        ("OPENROUTER_LIST_MODEL_ENDPOINTS", {"author": "acme", "slug": "atlas-small", "x_title": "A"}),
        ("OPENROUTER_CREATE_MESSAGE", {**CHAT, "max_tokens": 5, "system": [{"type": "text", "text": "x"}]}),
        ("OPENROUTER_GET_GENERATION", {"wrong": {"nested": [1]}}),
    ],
)
def test_arguments_are_not_changed(registry: ToolRegistry, slug: str, arguments: dict[str, Any]) -> None:
    before = copy.deepcopy(arguments)
    order = json.dumps(arguments)
    registry.execute(slug, arguments)
    assert arguments == before
    assert json.dumps(arguments) == order


def test_each_user_has_their_own_account(openrouter_sandbox: Sandbox) -> None:
    keys = {"alice": "sk-or-v1-sandbox-alice", "bob": "sk-or-v1-sandbox-bob"}
    accounts = MemoryAccounts({user: {"api_key": key} for user, key in keys.items()})
    with ToolRegistry.from_manifest(accounts=accounts) as registry:
        for user in ("alice", "bob", "alice"):
            assert registry.execute("OPENROUTER_GET_CURRENT_KEY", user_id=user).successful
        assert failure(registry.execute("OPENROUTER_GET_CURRENT_KEY"))["type"] == "not_connected"
        assert failure(registry.execute("OPENROUTER_GET_CURRENT_KEY", user_id="Alice"))["type"] == "not_connected"
    assert [request.key for request in openrouter_sandbox.requests] == [keys["alice"], keys["bob"], keys["alice"]]


def test_a_users_name_is_quoted_clean_and_short(registry: ToolRegistry) -> None:
    envelope = registry.execute("OPENROUTER_GET_CURRENT_KEY", user_id="eve\x1b[31m\n\u202e" + "x" * 100_000)
    assert failure(envelope)["type"] == "not_connected"
    assert len(str(envelope.error)) < 500
    assert "\x1b" not in str(envelope.error)
    assert "\n" not in str(envelope.error)
    assert "\u202e" not in str(envelope.error)


# Time.


@pytest.mark.parametrize(
    "timeout",
    [0, -1, -0.0, math.nan, -math.inf, -(10**5000), True, "3", [], {}, 1j, object()],
    ids=lambda timeout: type(timeout).__name__,
)
def test_a_timeout_is_a_positive_number(registry: ToolRegistry, timeout: Any, openrouter_sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="timeout must be a positive number of seconds"):
        registry.execute("OPENROUTER_GET_MODELS_COUNT", timeout=timeout)
    with pytest.raises(ValueError, match="timeout must be a positive number of seconds"):
        asyncio.run(registry.execute_async("OPENROUTER_GET_MODELS_COUNT", timeout=timeout))
    for other in (registry.stream, registry.call_tool):
        with pytest.raises(ValueError, match="timeout must be a positive number of seconds"):
            other("OPENROUTER_GET_MODELS_COUNT", timeout=timeout)
    assert openrouter_sandbox.requests == []


@pytest.mark.parametrize(
    "timeout", [5, 0.5 + 4, math.inf, 1e9, 9e9, 1e10, 1e300, 10**5000], ids=lambda timeout: type(timeout).__name__
)
def test_any_positive_number_is_a_timeout(registry: ToolRegistry, timeout: float) -> None:
    slug = "OPENROUTER_GET_MODELS_COUNT"
    assert registry.execute(slug, timeout=timeout).successful
    assert asyncio.run(registry.execute_async(slug, timeout=timeout)).successful
    assert registry.stream(slug, timeout=timeout).envelope.successful
    assert not registry.call_tool(slug, timeout=timeout).failed


@pytest.mark.parametrize("stream", [True, False])
def test_a_timeout_ends_the_call(registry: ToolRegistry, stream: bool) -> None:
    arguments = {**CHAT, "model": "sandbox/silent", "stream": stream}
    took, envelope = quickest(
        lambda: registry.execute("OPENROUTER_CREATE_CHAT_COMPLETION", arguments, timeout=0.4), below=2
    )
    assert 0.35 < took < 2
    assert failure(envelope)["type"] == "timeout"
    assert "0.4 s" in str(envelope.error)
    assert ("partial" in json.loads(envelope.data)) is stream


# Never raising.


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
NAMES = sorted(
    {name for action in load().actions for name in action.definition.input_parameters["properties"]}
    | {"", "x" * 50, "\x1b[31m"}
)
arguments_of_any_kind = json_values | st.dictionaries(st.sampled_from(NAMES), json_values, max_size=6)
slugs_of_any_kind = st.sampled_from(SLUGS) | st.text(max_size=40) | json_values


def is_told_as_it_should_be(envelope: Envelope) -> None:
    assert type(envelope) is Envelope
    assert list(envelope) == ["data", "error", "successful"]
    json.dumps(envelope)
    if envelope.successful:
        assert envelope.error is None
        return
    error = failure(envelope)
    assert error["type"] != "unmapped", envelope
    assert len(str(envelope.error)) < 5_000


@pytest.mark.load
@settings(max_examples=scaled(60, full=300), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(slug=slugs_of_any_kind, arguments=arguments_of_any_kind)
def test_anything_in_json_is_answered_with_an_envelope(registry: ToolRegistry, slug: Any, arguments: Any) -> None:
    is_told_as_it_should_be(registry.execute(slug, arguments))


def nested(depth: int, kind: type) -> Any:
    value: Any = kind()
    for _ in range(depth):
        value = [value] if kind is list else {"a": value}
    return value


def inside_itself() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["a"] = [value]
    return value


HOSTILE: dict[str, Any] = {
    "bytes": b"\xff",
    "set": {1, 2},
    "tuple": (1, 2),
    "object": object(),
    "class": dict,
    "NaN": math.nan,
    "infinity": -math.inf,
    "complex number": 1j,
    "huge integer": 10**5000,
    "negative huge integer": -(10**5000),
    "integer beyond floats": 10**400,
    "inside itself": inside_itself(),
    "deep list": nested(10_000, list),
    "deep dict": nested(10_000, dict),
    "quite deep list": nested(400, list),
    "lone surrogate": "\ud800",
    "list of surrogates": ["\udfff"],
    "zero byte": "\x00",
    "keys that are numbers": {1: 2},
    "keys that are nothing": {None: None},
    "keys that are tuples": {(1, 2): "x"},
    "keys that are bytes": {b"a": "x"},
    "keys that are huge": {10**5000: "x"},
    "surrogate key": {"\ud800": 1},
    "many keys": {str(number): number for number in range(20_000)},
    "long": "x" * 1_000_000,
}
PLACES: dict[str, tuple[str, Any]] = {
    "arguments": ("OPENROUTER_GET_GENERATION", lambda value: value),
    "an unknown parameter": ("OPENROUTER_GET_GENERATION", lambda value: {"id": "gen-1", "extra": value}),
    "a text": ("OPENROUTER_CREATE_CHAT_COMPLETION", lambda value: {**CHAT, "model": value}),
    "a number": ("OPENROUTER_CREATE_CHAT_COMPLETION", lambda value: {**CHAT, "temperature": value}),
    "a seed": ("OPENROUTER_CREATE_CHAT_COMPLETION", lambda value: {**CHAT, "seed": value}),
    "an enumeration": ("OPENROUTER_LIST_AVAILABLE_MODELS", lambda value: {"category": value}),
    "alternatives": ("OPENROUTER_CREATE_CHAT_COMPLETION", lambda value: {**CHAT, "tool_choice": value}),
    "an open object": ("OPENROUTER_CREATE_CHAT_COMPLETION", lambda value: {**CHAT, "provider": {"order": value}}),
    "a whole open object": ("OPENROUTER_CREATE_CHAT_COMPLETION", lambda value: {**CHAT, "provider": value}),
    "a map of numbers": ("OPENROUTER_CREATE_CHAT_COMPLETION", lambda value: {**CHAT, "logit_bias": value}),
    "a message": ("OPENROUTER_CREATE_MESSAGE", lambda value: {"model": "m", "max_tokens": 1, "messages": [value]}),
    "functions": ("OPENROUTER_CREATE_CHAT_COMPLETION", lambda value: {**CHAT, "functions": value}),
    "function_call": (
        "OPENROUTER_CREATE_CHAT_COMPLETION",
        lambda value: {**CHAT, "functions": [{"name": "add"}], "function_call": value},
    ),
    "a query number": ("OPENROUTER_LIST_AVAILABLE_MODELS", lambda value: {"offset": value}),
    "a query price": ("OPENROUTER_LIST_AVAILABLE_MODELS", lambda value: {"min_price": value}),
    "a query list": ("OPENROUTER_LIST_AVAILABLE_MODELS", lambda value: {"providers": value}),
    "a part of a path": ("OPENROUTER_LIST_MODEL_ENDPOINTS", lambda value: {"author": value, "slug": "atlas-small"}),
    "a header": ("OPENROUTER_GET_MODELS_COUNT", lambda value: {"x_title": value}),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", HOSTILE)
def test_anything_in_python_is_answered_with_an_envelope(registry: ToolRegistry, kind: str, place: str) -> None:
    slug, arguments = PLACES[place]
    is_told_as_it_should_be(registry.execute(slug, arguments(HOSTILE[kind])))


@pytest.mark.parametrize("value", [math.nan, math.inf], ids=repr)
@pytest.mark.parametrize("name", ["min_price", "max_age_days"])
def test_numbers_that_json_does_not_have_are_never_sent(
    registry: ToolRegistry, name: str, value: float, openrouter_sandbox: Sandbox
) -> None:
    assert failure(registry.execute("OPENROUTER_LIST_AVAILABLE_MODELS", {name: value}))["type"] == "invalid_arguments"
    assert openrouter_sandbox.requests == []


@pytest.mark.parametrize("field", [{"api_key": ""}, {"api_key": "k3y\n"}, {"api_key": "\ud800"}, {}])
def test_no_key_makes_it_raise(openrouter_sandbox: Sandbox, field: dict[str, str]) -> None:
    with ToolRegistry.from_manifest(accounts=MemoryAccounts({"default": field})) as registry:
        assert failure(registry.execute("OPENROUTER_GET_CURRENT_KEY"))["type"] == "not_connected"
    assert openrouter_sandbox.requests == []


@pytest.mark.parametrize("base_url", ["http://openrouter.ai/api/v1", "nonsense", "http://127.0.0.1:1/api/v1"])
def test_no_address_makes_it_raise(base_url: str, openrouter_sandbox: Sandbox) -> None:
    with ToolRegistry.from_manifest(client_options={"base_url": base_url, "max_attempts": 1}) as registry:
        assert failure(registry.execute("OPENROUTER_GET_CURRENT_KEY"))["type"] == "connection_failed"
    assert openrouter_sandbox.requests == []


# A handler's mistake.

KEY = "canary-5f7d2c9a1b3e"


@pytest.fixture
def keyed() -> ToolRegistry:
    return ToolRegistry.from_manifest(ECHO / "with_key.yaml", accounts=MemoryAccounts({"default": {"api_key": KEY}}))


def test_a_mistake_of_a_handler_is_told_as_one(keyed: ToolRegistry) -> None:
    envelope = keyed.execute("ECHO_BREAK_DOWN", {"text": "tea"})
    error = json.loads(envelope.data)["error"]
    assert (error["type"], error["retryable"]) == ("unmapped", False)
    assert "RuntimeError" in str(envelope.error)
    for secret in ("Traceback", "client.py", "no idea", KEY):
        assert secret not in str(envelope)


def test_a_mistake_of_a_handler_is_logged_without_the_key(
    keyed: ToolRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    keyed.execute("ECHO_BREAK_DOWN", {"text": "tea"})
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    message = record.getMessage()
    assert record.name == "openrouter_toolkit"
    assert "ECHO_BREAK_DOWN" in message
    assert "no idea what to do with [redacted] and tea" in message
    assert "client.py" in message
    assert record.exc_info is None
    assert KEY not in caplog.text


def test_nothing_is_written_to_the_terminal(keyed: ToolRegistry, capfd: pytest.CaptureFixture[str]) -> None:
    keyed.execute("ECHO_SAY", {"text": "tea"})
    keyed.execute("ECHO_SAY", {})
    assert capfd.readouterr() == ("", "")


# Life.


def test_it_closes_and_can_be_used_again(registry: ToolRegistry) -> None:
    for _ in range(3):
        assert registry.execute("OPENROUTER_GET_MODELS_COUNT").successful
        assert asyncio.run(registry.execute_async("OPENROUTER_GET_MODELS_COUNT")).successful
        registry.close()
    registry.close()


def test_it_closes_before_anything_was_asked() -> None:
    ToolRegistry.from_manifest().close()


def test_as_a_context_manager_it_closes_its_client(keyed: ToolRegistry) -> None:
    with keyed as registry:
        assert registry is keyed
        registry.execute("ECHO_SAY", {"text": "a"})
        client = registry._resources.client().of("ECHO")
        assert not client.closed
    assert client.closed


def test_closing_ends_its_worker_threads(registry: ToolRegistry) -> None:
    before = set(threading.enumerate())
    asyncio.run(registry.execute_async("OPENROUTER_GET_MODELS_COUNT"))
    workers = [thread for thread in set(threading.enumerate()) - before if "openrouter-toolkit" in thread.name]
    assert workers
    registry.close()
    for thread in workers:
        thread.join(5)
    assert not any(thread.is_alive() for thread in workers)


class CountingServer(ThreadingHTTPServer):
    """Answers everything with a count, and counts the connections that are made to it."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        self.connections = 0
        self.calls = 0
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), Answering)

    def get_request(self) -> Any:
        self.connections += 1
        return super().get_request()


class Answering(Handler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def respond(self) -> None:
        server = self.server
        assert isinstance(server, CountingServer)
        with server.lock:
            server.calls += 1
        body = json.dumps({"data": {"asked": self.headers["X-Title"]}}).encode()
        self.answer(body)


@pytest.fixture
def server() -> Iterator[CountingServer]:
    server = CountingServer()
    with running(server):
        yield server


def test_many_threads_share_it_and_its_connections(server: CountingServer) -> None:
    accounts = MemoryAccounts({"default": {"api_key": "k3y"}})
    wrong: list[object] = []
    start = threading.Barrier(32)

    def ask(registry: ToolRegistry, name: str) -> None:
        start.wait()
        for number in range(20):
            title = f"{name}-{number}"
            envelope = registry.execute("OPENROUTER_GET_MODELS_COUNT", {"x_title": title})
            if not envelope.successful or json.loads(envelope.data)["data"]["asked"] != title:
                wrong.append(envelope)

    with ToolRegistry.from_manifest(
        accounts=accounts, client_options={"base_url": f"http://127.0.0.1:{server.server_port}"}
    ) as registry:
        threads = [threading.Thread(target=ask, args=(registry, f"thread-{number}")) for number in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert server.calls == 32 * 20
    assert server.connections <= 32


# Cancelling.


async def ask_and_cancel(registry: ToolRegistry, sandbox: Sandbox, arguments: dict[str, Any]) -> None:
    task = asyncio.create_task(registry.execute_async("OPENROUTER_CREATE_CHAT_COMPLETION", arguments))
    while not sandbox.requests:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, PATIENCE)


@pytest.mark.parametrize("stream", [True, False])
def test_cancelling_ends_the_call_and_closes_its_connection(
    registry: ToolRegistry, openrouter_sandbox: Sandbox, stream: bool
) -> None:
    arguments = {**CHAT, "model": "sandbox/silent", "stream": stream}

    asyncio.run(ask_and_cancel(registry, openrouter_sandbox, arguments))
    (request,) = openrouter_sandbox.requests
    wait_until(lambda: request.closed_by_client)
    assert request.closed_at is not None


def test_cancelling_while_it_waits_for_a_retry_ends_it_too(openrouter_sandbox: Sandbox) -> None:
    arguments = {**CHAT, "model": "sandbox/rate-limited"}
    with ToolRegistry.from_manifest() as registry:
        asyncio.run(ask_and_cancel(registry, openrouter_sandbox, arguments))
        time.sleep(1.2)
    assert len(openrouter_sandbox.requests) == 1


# Definitions.


def test_a_format_that_does_not_exist_is_the_programmers_mistake(registry: ToolRegistry) -> None:
    with pytest.raises(ValueError, match="there is no format 'opanai'; there are openai, "):
        registry.tools("opanai")
