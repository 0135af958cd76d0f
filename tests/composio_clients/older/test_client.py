"""Composio's client of 0.10: listing, connecting, executing, and what it repeats."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import composio_client
import httpx
import pytest
from composio import Composio
from composio.core.models.connected_accounts import AuthScheme
from composio.exceptions import ComposioMultipleConnectedAccountsError, ComposioSDKTimeoutError

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.server.composio import execute

from ...scale import scaled
from ...server.pages.person import Person
from ...server.served import CHAT, KEY, MODELS, QUESTION, Served
from ..conftest import ALICE

Host = Callable[..., Any]
FIXED = "ac_openrouter"
SLOW = "acme/atlas-large"
WRONG_KEY = "sk-or-v1-0123456789abcdef0123456789abcdef"


@pytest.fixture
def person(served: Served) -> Iterator[Person]:
    person = Person(served)
    with person.client:
        yield person


def run(composio: Any, user_id: str = "alice", slug: str = KEY, **more: Any) -> Any:
    return composio.tools.execute(slug, {}, user_id=user_id, **more)


def by_key(composio: Any, user_id: str, key: str = ALICE) -> Any:
    given: Any = {"api_key": key}
    state = AuthScheme().api_key(given)
    return composio.connected_accounts.initiate(user_id, FIXED, config=state)


def refusal(error: Any) -> tuple[int, str]:
    return error.status_code, error.body["error"]["slug"]


def test_the_address_has_to_be_said_in_python(served: Served) -> None:
    """This client takes the key from the environment, but not COMPOSIO_BASE_URL."""
    assert os.environ["COMPOSIO_BASE_URL"] == served.url
    given: list[tuple[dict[str, Any], bool]] = [({}, False), ({"base_url": served.url}, True)]
    for options, led_here in given:
        client: Any = Composio(allow_tracking=False, **options).client
        with client:
            assert (client.base_url.host == "127.0.0.1") == led_here
            assert client.api_key == os.environ["COMPOSIO_API_KEY"]


def test_tools_are_listed(composio: Any) -> None:
    listed = composio.tools.get(user_id="alice", toolkits=["openrouter"])
    names = [tool["function"]["name"] for tool in listed]
    assert len(names) == 13
    assert {KEY, CHAT, MODELS} < set(names)
    assert [tool["function"]["name"] for tool in composio.tools.get("alice", slug=KEY)] == [KEY]
    found = composio.tools.get("alice", search="list the available models", limit=3)
    assert MODELS in [tool["function"]["name"] for tool in found]
    assert composio.toolkits.get("openrouter").name == "OpenRouter"
    assert "openrouter" in [toolkit.slug for toolkit in composio.toolkits.get()]


def test_executing(composio: Any, sandbox: Sandbox) -> None:
    done = composio.tools.execute(CHAT, QUESTION, user_id="alice")
    assert done["data"]["choices"][0]["message"]["content"] == "17 * 3 = 51"
    assert (done["error"], done["successful"]) == (None, True)
    assert [(request.path, request.key) for request in sandbox.requests] == [("/chat/completions", ALICE)]
    wrong = composio.tools.execute(CHAT, {"model": 5}, user_id="alice")
    assert (wrong["successful"], "messages" in wrong["error"]) == (False, True)


WAYS: dict[str, Callable[[Any, str], Any]] = {
    "authorize": lambda composio, user: composio.toolkits.authorize(user_id=user, toolkit="openrouter"),
    "link": lambda composio, user: composio.connected_accounts.link(user, FIXED),
    "initiate": lambda composio, user: composio.connected_accounts.initiate(user, FIXED),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_person_connects_by_the_link(composio: Any, person: Person, way: str) -> None:
    user = f"by-{way}"
    request = WAYS[way](composio, user)
    assert request.status == "INITIATED"
    with pytest.raises(composio_client.BadRequestError):
        run(composio, user)
    page = person.send(person.open(request.redirect_url), "Connect", **{"field.api_key": ALICE})
    assert page.status == 200
    account = composio.connected_accounts.wait_for_connection(request.id, timeout=5)
    assert (account.status, account.user_id, account.toolkit.slug) == ("ACTIVE", user, "openrouter")
    assert run(composio, user)["successful"]


def test_the_host_waits_while_a_wrong_key_is_entered_and_then_the_right_one(composio: Any, person: Person) -> None:
    request = composio.toolkits.authorize(user_id="typing", toolkit="openrouter")
    page = person.send(person.open(request.redirect_url), "Connect", **{"field.api_key": WRONG_KEY})
    with pytest.raises(ComposioSDKTimeoutError):
        request.wait_for_connection(timeout=0.1)
    typing = threading.Timer(0.1, person.send, (page, "Connect"), {"field.api_key": ALICE})
    typing.start()
    assert request.wait_for_connection(timeout=10).status == "ACTIVE"
    typing.join()


def test_the_life_of_an_account_that_is_connected_by_key(composio: Any, sandbox: Sandbox) -> None:
    account = by_key(composio, "carol").wait_for_connection()
    assert account.status == "ACTIVE"
    assert ALICE not in account.model_dump_json()
    with pytest.raises(ComposioMultipleConnectedAccountsError):
        by_key(composio, "carol")
    assert run(composio, "carol")["successful"]
    sandbox.clear()
    composio.connected_accounts.disable(account.id)
    with pytest.raises(composio_client.BadRequestError) as disabled:
        run(composio, "carol")
    assert refusal(disabled.value) == (400, "ActionExecute_ConnectedAccountNotFound")
    assert sandbox.requests == []
    composio.connected_accounts.enable(account.id)
    assert run(composio, "carol", connected_account_id=account.id)["successful"]
    composio.connected_accounts.delete(account.id)
    with pytest.raises(composio_client.BadRequestError):
        run(composio, "carol")
    with pytest.raises(composio_client.NotFoundError) as gone:
        composio.connected_accounts.get(account.id)
    assert refusal(gone.value) == (404, "ConnectedAccount_ResourceNotFound")
    assert len(sandbox.requests) == 1


def test_a_wrong_key_connects_nothing_and_is_not_tried_again(composio: Any, sandbox: Sandbox) -> None:
    with pytest.raises(composio_client.BadRequestError) as refused:
        by_key(composio, "dave", WRONG_KEY)
    assert WRONG_KEY not in str(refused.value)
    assert len(sandbox.requests) == 1
    assert composio.connected_accounts.list(user_ids=["dave"]).items == []


REFUSED: dict[str, tuple[Callable[[Any], Any], tuple[int, str]]] = {
    "unknown slug": (lambda composio: run(composio, slug="OPENROUTER_NOTHING"), (404, "Tool_ToolNotFound")),
    "wrong version": (lambda composio: run(composio, version="20990101_00"), (404, "Tool_ToolNotFound")),
    "no account": (lambda composio: run(composio, "nobody"), (400, "ActionExecute_ConnectedAccountNotFound")),
    "unknown account": (
        lambda composio: run(composio, connected_account_id="ca_nothing"),
        (404, "ConnectedAccount_ResourceNotFound"),
    ),
    "another toolkit": (lambda composio: composio.toolkits.get("gmail"), (404, "Toolkit_ToolkitNotFound")),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(composio: Any, sandbox: Sandbox, case: str) -> None:
    call, expected = REFUSED[case]
    with pytest.raises(composio_client.APIStatusError) as refused:
        call(composio)
    assert refusal(refused.value) == expected
    assert sandbox.requests == []


def test_a_wrong_api_key(host: Host) -> None:
    stranger = host(api_key="ort_wrong")
    asks: list[Callable[[], Any]] = [
        lambda: stranger.tools.get("alice", toolkits=["openrouter"]),
        lambda: run(stranger),
    ]
    for ask in asks:
        with pytest.raises(composio_client.AuthenticationError) as refused:
            ask()
        assert refusal(refused.value) == (401, "HTTP_Unauthorized")


@pytest.mark.load
def test_a_completion_longer_than_the_clients_patience_is_paid_once(
    host: Host, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    lasts, patience, interval = scaled((1.5, 0.75, 0.2), full=(66.0, 30.0, execute.BLANK_INTERVAL))
    monkeypatch.setattr(execute, "BLANK_INTERVAL", interval)
    sandbox.script(SLOW, [{"text": "At last.", "delay": lasts}], repeat_last=True)
    composio = host(timeout=patience)
    began = time.monotonic()
    done = composio.tools.execute(CHAT, {**QUESTION, "model": SLOW}, user_id="alice")
    assert time.monotonic() - began >= lasts
    assert done["data"]["choices"][0]["message"]["content"] == "At last."
    assert [request.path for request in sandbox.requests] == ["/chat/completions"]


class _Broken(httpx.SyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        raise httpx.ReadError("the connection broke")


@pytest.mark.parametrize("arrived", ["nothing", "headers"])
@pytest.mark.parametrize("repeats", [2, 0])
def test_an_execute_whose_connection_broke_is_repeated_by_the_client_unless_it_is_told_not_to(
    host: Host, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, arrived: str, repeats: int
) -> None:
    """The server can't know that these are one: each is paid for. Headers change nothing about it."""
    handle = httpx.HTTPTransport.handle_request
    sent: list[tuple[str, str]] = []

    def lose(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        response = handle(transport, request)
        if request.method == "GET":
            return response
        sent.append((request.url.path, request.headers["x-stainless-retry-count"]))
        response.read()
        if arrived == "nothing":
            raise httpx.ReadError("the connection broke")
        return httpx.Response(200, stream=_Broken())

    monkeypatch.setattr("composio_client._base_client.INITIAL_RETRY_DELAY", 0.01)
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", lose)
    composio = host(max_retries=repeats)
    with pytest.raises(composio_client.APIConnectionError):
        composio.tools.execute(CHAT, QUESTION, user_id="alice")
    tries = range(repeats + 1)
    assert sent == [(f"/api/v3/tools/execute/{CHAT}", str(number)) for number in tries]
    assert [request.path for request in sandbox.requests] == ["/chat/completions" for _ in tries]
