"""After a 401 an account is EXPIRED only if OpenRouter itself refuses its key, asked once for many calls."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit import ActionError, Envelope, ToolRegistry, manifest
from openrouter_toolkit.commands import account_views
from openrouter_toolkit.execution.hooks import Hooks
from openrouter_toolkit.execution.toolset import Toolset
from openrouter_toolkit.store import Status, Store

from ..openrouter.servers import Exchange, Script, Server, answering
from ..timing import PATIENCE, quickest

ECHO = Path(__file__).parents[1] / "echo_toolkit" / "with_key.yaml"
KEY = "sk-or-v1-" + "1" * 64
CHAT, MESSAGE = "OPENROUTER_CREATE_CHAT_COMPLETION", "OPENROUTER_CREATE_MESSAGE"
ASK: dict[str, Any] = {"model": "a/b", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5}
NO_USER = {"error": {"message": "User not found.", "code": 401}}
PROVIDER = {"provider_name": "OpenAI", "raw": '{"error":{"message":"Incorrect API key provided"}}'}


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A SQLite file: the other database makes no difference here."""
    return f"sqlite:///{tmp_path / 'store.db'}"


def refused(body: Any = NO_USER, status: int = 401, **headers: str) -> Script:
    text = body if isinstance(body, str) else json.dumps(body)
    return lambda exchange: exchange.answer(status, text, **headers)


def error(message: str = "Provider returned error", **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "code": 401, **more}}


def streamed(*events: Any, name: str = "") -> Script:
    def script(exchange: Exchange) -> None:
        exchange.stream()
        exchange.event(*events, name=name)
        exchange.end()

    return script


@contextmanager
def openrouter(store: Store, to_calls: Script, to_key: Script) -> Iterator[tuple[ToolRegistry, Server]]:
    """OpenRouter that answers so, and a registry whose one account is the organisation's."""
    store.accounts.connect("OPENROUTER", None, {"api_key": KEY})

    def script(exchange: Exchange) -> None:
        (to_key if exchange.request.target.endswith("/key") else to_calls)(exchange)

    with (
        Server(script) as server,
        ToolRegistry.from_manifest(
            accounts=store.for_registry(), client_options={"base_url": server.base_url}
        ) as registry,
    ):
        yield registry, server


def status(store: Store) -> Status:
    return store.accounts.list()[0].status


def asked(server: Server) -> int:
    """How often GET /key was asked."""
    return [target for _, target in server.calls].count("/api/v1/key")


GOOD = answering(200)
CHUNK = {"id": "gen-1", "choices": [{"index": 0, "delta": {"content": "Hel"}, "finish_reason": None}]}
END = {"choices": [{"index": 0, "delta": {}, "finish_reason": "error"}]}
OF_A_PROVIDER = {
    "with its name": refused(error(metadata=PROVIDER)),
    "without its name": refused(error()),
    "in its words": refused(error("Unauthorized", metadata={"raw": "invalid x-api-key"})),
    "with a typed code": refused(error(metadata={**PROVIDER, "error_type": "authentication"})),
    "in a stream": streamed(CHUNK, {**END, **error(metadata=PROVIDER)}),
    "in an answer with 200": refused(error(metadata=PROVIDER), 200),
}
OF_A_PROXY = {
    "a page": refused("<html><title>401 Authorization Required</title></html>", Content_Type="text/html"),
    "nothing": refused(""),
    "an empty object": refused({}),
    "other JSON": refused({"message": "Unauthorized"}),
    "other JSON still": refused({"error": "Unauthorized"}),
}


@pytest.mark.parametrize("form", OF_A_PROVIDER)
def test_a_providers_401_leaves_the_account_alone(form: str, store: Store) -> None:
    with openrouter(store, OF_A_PROVIDER[form], refused()) as (registry, server):
        envelope = registry.execute(CHAT, ASK, user_id="alice")
        assert not envelope.successful
        assert "The provider refused the key that OpenRouter has for it" in str(envelope.error)
        assert "connected (" not in str(envelope.error)
        assert "connect --user-id" not in str(envelope.error)
        assert json.loads(envelope.data)["error"]["refused_by"] == "provider"
        assert asked(server) == 0, "a provider's word needs no proof"
    assert status(store) == Status.ACTIVE


@pytest.mark.parametrize("form", OF_A_PROXY)
def test_a_401_of_something_on_the_way_leaves_the_account_alone(form: str, store: Store) -> None:
    """It answers GET /key in the same way."""
    with openrouter(store, OF_A_PROXY[form], OF_A_PROXY[form]) as (registry, _):
        for action in (CHAT, "OPENROUTER_GET_CURRENT_KEY"):
            envelope = registry.execute(action, ASK if action == CHAT else {}, user_id="alice")
            assert "A proxy or gateway on the way" in str(envelope.error).replace("a proxy", "A proxy")
            assert "connect --user-id" not in str(envelope.error)
            assert json.loads(envelope.data)["error"]["refused_by"] == "proxy"
    assert status(store) == Status.ACTIVE


@pytest.mark.parametrize(
    ("action", "form"),
    [
        (CHAT, refused()),
        (CHAT, streamed(CHUNK, {**END, **error("No auth")})),
        (
            MESSAGE,
            streamed({"type": "error", "error": {"type": "authentication_error", "message": "No"}}, name="error"),
        ),
        (CHAT, refused(error("No auth"), 200)),
    ],
    ids=["plain", "in a stream", "in a stream of a message", "with 200"],
)
def test_an_account_whose_key_is_good_stays_connected(action: str, form: Script, store: Store) -> None:
    with openrouter(store, form, GOOD) as (registry, server):
        envelope = registry.execute(action, {**ASK, "stream": True}, user_id="alice")
        assert not envelope.successful
        assert "The account's key is not the reason: OpenRouter takes it, and it stays connected." in str(
            envelope.error
        )
        assert "connect --user-id" not in str(envelope.error)
        assert asked(server) == 1
    assert status(store) == Status.ACTIVE


@pytest.mark.parametrize("form", [refused(), streamed(CHUNK, {**END, **error("No auth")})], ids=["plain", "stream"])
def test_an_account_whose_key_openrouter_refuses_is_expired(form: Script, store: Store) -> None:
    with openrouter(store, form, refused()) as (registry, server):
        envelope = registry.execute(CHAT, {**ASK, "stream": True}, user_id="alice")
        assert "connect --user-id alice" in str(envelope.error)
        assert asked(server) == 1
    assert status(store) == Status.EXPIRED


NO_PROOF = {
    "500": refused(error("Oops", code=500), 500),
    "403": refused(error("Forbidden", code=403), 403),
    "cut": lambda exchange: exchange.cut(),
    "a page": OF_A_PROXY["a page"],
    "another type": refused({"error": {"message": "No", "code": 401, "error_type": "permission_denied"}}),
    "of a provider": OF_A_PROVIDER["with its name"],
}


@pytest.mark.parametrize("answer", NO_PROOF)
def test_only_a_definite_refusal_is_one(answer: str, store: Store) -> None:
    with openrouter(store, refused(), NO_PROOF[answer]) as (registry, _):
        envelope = registry.execute(CHAT, ASK, user_id="alice")
        assert "could not be found out, so the account stays connected. Call again later" in str(envelope.error)
        assert json.loads(envelope.data)["error"]["retryable"]
    assert status(store) == Status.ACTIVE


def test_a_401_of_another_type_says_nothing_about_the_key(store: Store) -> None:
    typed = refused({"error": {"message": "No", "code": 401, "error_type": "permission_denied"}})
    with openrouter(store, typed, refused()) as (registry, server):
        data = json.loads(registry.execute(CHAT, ASK, user_id="alice").data)
        assert data["error"]["type"] == "permission_denied"
        assert asked(server) == 0
    assert status(store) == Status.ACTIVE


@pytest.mark.parametrize("is_good", [True, False])
def test_fifty_calls_at_once_ask_once(is_good: bool, store: Store) -> None:
    together = threading.Barrier(50)

    def to_calls(exchange: Exchange) -> None:
        together.wait(30)
        refused()(exchange)

    def to_key(exchange: Exchange) -> None:
        time.sleep(0.3)
        (GOOD if is_good else refused())(exchange)

    with openrouter(store, to_calls, to_key) as (registry, server), ThreadPoolExecutor(50) as threads:
        envelopes = list(threads.map(lambda n: registry.execute(CHAT, ASK, user_id=f"user-{n}"), range(50)))
        assert asked(server) == 1
    assert status(store) == (Status.ACTIVE if is_good else Status.EXPIRED)
    wanted = "stays connected" if is_good else "Somebody has to run `openrouter-toolkit connect"
    assert all(wanted in str(envelope.error) for envelope in envelopes)


def test_the_answer_is_remembered_for_a_while_only(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from openrouter_toolkit.accounts import verification

    to_key: list[Script] = [GOOD]

    def script(exchange: Exchange) -> None:
        to_key[0](exchange)

    with openrouter(store, refused(), script) as (registry, server):
        for _ in range(3):
            registry.execute(CHAT, ASK, user_id="alice")
        assert asked(server) == 1
        to_key[0] = refused()
        monkeypatch.setattr(verification, "monotonic", lambda: time.monotonic() + 31)
        registry.execute(CHAT, ASK, user_id="alice")
        assert asked(server) == 2
    assert status(store) == Status.EXPIRED


def silent(exchange: Exchange) -> None:
    exchange.wait_until_left(2 * PATIENCE)
    exchange.cut()


def test_a_call_waits_for_it_no_longer_than_its_own_deadline(store: Store) -> None:
    with openrouter(store, refused(), silent) as (registry, _):
        took, envelope = quickest(lambda: registry.execute(CHAT, ASK, user_id="alice", timeout=1), below=2)
        assert took < 2
        assert "could not be found out" in str(envelope.error)
    assert status(store) == Status.ACTIVE


def test_a_call_that_is_cancelled_waits_no_more(store: Store) -> None:
    async def call(registry: ToolRegistry, server: Server) -> None:
        task = asyncio.create_task(registry.execute_async(CHAT, ASK, user_id="alice"))
        while asked(server) == 0:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait_for(asyncio.wait([task]), PATIENCE)

    with openrouter(store, refused(), silent) as (registry, server):
        asyncio.run(call(registry, server))
    assert status(store) == Status.ACTIVE


def by_event_stream(registry: ToolRegistry) -> Envelope:
    with registry.stream(CHAT, ASK, user_id="alice") as events:
        list(events)
    return events.envelope


WAYS: dict[str, Callable[[ToolRegistry], Envelope]] = {
    "async": lambda registry: asyncio.run(registry.execute_async(CHAT, ASK, user_id="alice")),
    "events": by_event_stream,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("is_good", [True, False])
def test_the_other_ways_to_call(way: str, is_good: bool, store: Store) -> None:
    with openrouter(store, refused(), GOOD if is_good else refused()) as (registry, server):
        envelope = WAYS[way](registry)
        assert ("stays connected" if is_good else "connect --user-id alice") in str(envelope.error)
        assert asked(server) == 1
    assert status(store) == (Status.ACTIVE if is_good else Status.EXPIRED)


def test_no_hook_and_no_toolset_has_a_say(store: Store) -> None:
    seen: list[str] = []
    store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY})

    def script(exchange: Exchange) -> None:
        refused()(exchange)

    def hook(action: Any, envelope: Envelope, seconds: float) -> None:
        seen.append(action.slug)

    with (
        Server(script) as server,
        ToolRegistry.from_manifest(
            accounts=store.for_registry(),
            allow=[CHAT],
            after_execute=hook,
            client_options={"base_url": server.base_url},
        ) as registry,
    ):
        registry.execute(CHAT, ASK, user_id="alice")
        assert asked(server) == 1
    assert status(store) == Status.EXPIRED
    assert seen == [CHAT]


def test_an_optional_key_that_is_refused_does_not_end_the_account(store: Store) -> None:
    with openrouter(store, refused(), refused()) as (registry, server):
        account = store.accounts.list()[0]
        store.accounts.fill(account.id, {"api_key": KEY, "management_api_key": KEY[:-1] + "2"})
        registry.execute("OPENROUTER_GET_CREDITS", {}, user_id="alice")
        assert asked(server) == 0
    assert status(store) == Status.ACTIVE


class Asked:
    """The client of another toolkit: which key it was given, and what its API says to it."""

    good = True

    def connected(self, key: str, call: object) -> Asked:
        return self

    def close(self) -> None:
        pass


def say(arguments: dict[str, Any], client: Asked) -> str:
    raise ActionError("authentication", "Who are you?", status=401)


def leak(arguments: dict[str, Any], client: Asked) -> str:
    if not client.good:
        raise ActionError("authentication", "Unknown key.", status=401)
    return "{}"


@pytest.mark.parametrize(("verify", "is_good"), [(True, True), (True, False), (False, True)])
def test_any_toolkits_verify_action_is_asked(
    verify: bool, is_good: bool, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = manifest.load(ECHO)
    loaded.client = Asked
    monkeypatch.setattr(Asked, "good", is_good)
    for action in loaded.actions:
        action.handler = leak if action.slug == "ECHO_LEAK" else say
    if not verify:
        loaded.auth = loaded.auth.model_copy(update={"verify": None})
    store.accounts.connect("ECHO", None, {"api_key": "open-sesame"})
    accounts = store.for_registry()
    with ToolRegistry(loaded, Toolset(loaded.actions), accounts=accounts, hooks=Hooks()) as registry:
        envelope = registry.execute("ECHO_SAY", {"text": "hello"}, user_id="alice")
    stays = verify and is_good
    assert ("Echo takes it, and it stays connected" in str(envelope.error)) == stays
    assert status(store) == (Status.ACTIVE if stays else Status.EXPIRED)


@pytest.mark.parametrize(("form", "expired"), [(refused(), True), (OF_A_PROXY["a page"], False)])
def test_an_account_that_is_looked_at_is_expired_by_openrouter_only(form: Script, expired: bool, store: Store) -> None:
    with Server(form) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENROUTER_BASE_URL", server.base_url)
        account = store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY})
        (told,) = account_views.check_keys(manifest.load(), store, account).values()
    assert ("OpenRouter refused this key" in told["problem"]) == expired
    assert ("It could not be checked" in told["problem"]) != expired
    assert status(store) == (Status.EXPIRED if expired else Status.ACTIVE)
