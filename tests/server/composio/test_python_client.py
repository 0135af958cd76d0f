"""Composio's own client for Python, unmodified, with this server in Composio's place."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import replace
from typing import Any

import anyio
import composio_client
import httpx
import httpx2
import pytest
from composio import Composio
from composio.core.models.base import allow_tracking
from composio.core.models.connected_accounts import AuthScheme
from composio.exceptions import (
    ComposioConnectedAccountRevocationNotSupportedError,
    ComposioMultipleConnectedAccountsError,
    ComposioSDKTimeoutError,
    MCPDestinationError,
    SessionConfigConflictError,
    ToolNotFoundError,
)
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from openrouter_toolkit.manifest import load
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.server.composio import execute

from ...loopback import stay_on_loopback
from ...scale import scaled
from ..conftest import ALICE, BOB
from ..pages.person import Person
from ..served import CHAT, KEY, MODELS, PATIENCE, QUESTION, Served

ALL = [action.slug for action in load().actions]
CHARGE = "OPENROUTER_CREATE_COINBASE_CHARGE"
DOCUMENTED = "20260316_00"
FIXED = "ac_openrouter"
SLOW = "acme/atlas-large"
WRONG_KEY = "sk-or-v1-0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def _loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("COMPOSIO_API_KEY", "COMPOSIO_BASE_URL", "COMPOSIO_USER_API_KEY", "COMPOSIO_ORG_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    strangers = stay_on_loopback(monkeypatch)
    yield
    assert strangers == []


@contextmanager
def client_of(served: Served, *users: str, api_key: str = "", **options: Any) -> Iterator[Any]:
    """A host's client; with a token for everybody when nobody is named. By itself, it would wait for ever."""
    options = {"toolkit_versions": "latest", "allow_tracking": False, "timeout": PATIENCE, **options}
    composio = Composio(api_key=api_key or served.token(*users), base_url=served.url, **options)
    with composio.client:
        yield composio


@pytest.fixture(scope="module")
def composio(_shared: Served) -> Iterator[Any]:
    with client_of(_shared) as composio:
        yield composio


def run(composio: Any, slug: str, arguments: dict[str, Any], user_id: str = "alice", **more: Any) -> dict[str, Any]:
    version = {} if "version" in more else {"dangerously_skip_version_check": True}
    answer: dict[str, Any] = composio.tools.execute(slug, arguments, user_id=user_id, **version, **more)
    return answer


def by_key(composio: Any, user_id: str, key: str = ALICE, config: str = FIXED, **more: Any) -> Any:
    given: Any = {"api_key": key}
    state = AuthScheme().api_key(given)
    return composio.connected_accounts.initiate(user_id, config, config=state, **more)


def refusal(error: Any) -> tuple[int, str]:
    """Status and slug, as hosts read them; the client's own exceptions have them in their cause."""
    error = error if hasattr(error, "status_code") else error.__cause__
    return error.status_code, error.body["error"]["slug"]


def test_tools_and_toolkits_are_listed(composio: Any) -> None:
    listed = composio.tools.get(user_id="alice", toolkits=["openrouter"])
    assert [tool["function"]["name"] for tool in listed] == ALL
    assert [tool["function"]["name"] for tool in composio.tools.get("alice", slug=KEY)] == [KEY]
    assert composio.tools.get("alice", tools=["GMAIL_SEND_EMAIL"]) == []
    assert composio.tools.get("alice", toolkits=["gmail"]) == []
    found = composio.tools.get("alice", search="list the available models", limit=3)
    assert MODELS in [tool["function"]["name"] for tool in found]
    raw = composio.tools.get_raw_composio_tool_by_slug(KEY)
    assert (raw.slug, raw.toolkit.slug) == (KEY, "openrouter")
    assert DOCUMENTED in raw.available_versions
    assert "openrouter" in [toolkit.slug for toolkit in composio.toolkits.get()]
    assert composio.toolkits.get("openrouter").name == "OpenRouter"
    (field,) = composio.toolkits.get_connected_account_initiation_fields("openrouter", "API_KEY", required_only=True)
    assert field.name == "api_key"
    assert composio.toolkits.list_categories()


def test_pages_of_five(composio: Any) -> None:
    slugs: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = composio.client.tools.list(toolkit_slug="openrouter", limit=5, **cursor)
        assert len(page.items) <= 5
        slugs += [tool.slug for tool in page.items]
        if page.next_cursor is None:
            break
        cursor = {"cursor": page.next_cursor}
    assert slugs == ALL


def test_the_documented_version_has_the_documented_tools(shared: Served) -> None:
    with client_of(shared, toolkit_versions={"openrouter": DOCUMENTED}) as composio:
        assert len(composio.tools.get("alice", toolkits=["openrouter"])) == 13
        assert composio.tools.execute(KEY, {}, user_id="alice")["successful"]


Ask = Callable[[Any, str], Any]
WAYS: dict[str, Ask] = {
    "authorize": lambda composio, user: composio.toolkits.authorize(user_id=user, toolkit="openrouter"),
    "link": lambda composio, user: composio.connected_accounts.link(user, FIXED, alias="mine"),
    "initiate": lambda composio, user: composio.connected_accounts.initiate(user, FIXED),
    "session": lambda composio, user: composio.create(user_id=user).authorize("openrouter"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_person_connects_by_the_link_while_the_host_waits(composio: Any, shared: Served, way: str) -> None:
    user = f"by-{way}"
    request = WAYS[way](composio, user)
    assert request.status == "INITIATED"
    with pytest.raises(composio_client.NotFoundError):
        run(composio, KEY, {}, user)
    person = Person(shared)
    pages: list[int] = []

    def enter() -> None:
        page = person.send(person.open(request.redirect_url), "Connect", **{"field.api_key": ALICE})
        pages.append(page.status)

    typing = threading.Timer(0.2, enter)
    typing.start()
    account = request.wait_for_connection(timeout=20)
    typing.join()
    person.client.close()
    assert pages == [200]
    assert (account.status, account.user_id, account.toolkit.slug) == ("ACTIVE", user, "openrouter")
    assert run(composio, KEY, {}, user)["successful"]
    with pytest.raises(ComposioMultipleConnectedAccountsError):
        composio.connected_accounts.link(user, FIXED)


def test_a_wrong_key_on_the_page_leaves_the_host_waiting(composio: Any, shared: Served) -> None:
    request = composio.toolkits.authorize(user_id="typing", toolkit="openrouter")
    person = Person(shared)
    with person.client:
        page = person.send(person.open(request.redirect_url), "Connect", **{"field.api_key": WRONG_KEY})
        with pytest.raises(ComposioSDKTimeoutError):
            request.wait_for_connection(timeout=0.1)
        assert person.send(page, "Connect", **{"field.api_key": ALICE}).status == 200
    assert request.wait_for_connection(timeout=5).status == "ACTIVE"


def test_the_life_of_an_account_that_is_connected_by_key(composio: Any, shared: Served, sandbox: Sandbox) -> None:
    request = by_key(composio, "carol", alias="work")
    assert request.status == "ACTIVE"
    account = request.wait_for_connection()
    assert (account.alias, account.status_reason, account.is_disabled) == ("work", None, False)
    assert ALICE not in account.model_dump_json()
    with pytest.raises(ComposioMultipleConnectedAccountsError):
        by_key(composio, "carol")
    assert by_key(composio, "carol", allow_multiple=True).id == account.id
    page = composio.connected_accounts.list(user_ids=["carol"], statuses=["ACTIVE"], toolkit_slugs=["openrouter"])
    assert [one.id for one in page.items] == [account.id]
    assert composio.connected_accounts.update(account.id, alias="home").success
    assert composio.connected_accounts.get(account.id).alias == "home"

    assert run(composio, KEY, {}, "carol")["successful"]
    assert run(composio, KEY, {}, "carol", connected_account_id=account.id)["successful"]
    sandbox.clear()
    composio.connected_accounts.disable(account.id)
    assert composio.connected_accounts.get(account.id).status == "INACTIVE"
    with pytest.raises(composio_client.NotFoundError) as disabled:
        run(composio, KEY, {}, "carol")
    assert refusal(disabled.value) == (404, "ActionExecute_ConnectedAccountNotFound")
    assert "INACTIVE" in str(disabled.value)
    composio.connected_accounts.enable(account.id)
    assert run(composio, KEY, {}, "carol")["successful"]
    with pytest.raises(ComposioConnectedAccountRevocationNotSupportedError):
        composio.connected_accounts.revoke(account.id)
    composio.connected_accounts.delete(account.id)
    with pytest.raises(composio_client.NotFoundError):
        run(composio, KEY, {}, "carol")
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


def test_an_account_that_expired(composio: Any, shared: Served) -> None:
    account = by_key(composio, "erin").id
    found = shared.store.for_registry().credentials("erin", "OPENROUTER")
    assert found is not None
    assert shared.store.for_registry().refused(found, "the key was revoked")
    assert composio.connected_accounts.get(account).status == "EXPIRED"
    with pytest.raises(composio_client.APIStatusError) as refused:
        run(composio, KEY, {}, "erin")
    assert refusal(refused.value) == (410, "ActionExecute_ConnectedAccountExpired")
    assert by_key(composio, "erin").status == "ACTIVE"
    assert run(composio, KEY, {}, "erin")["successful"]


def test_a_disabled_auth_config_is_not_used(composio: Any, shared: Served) -> None:
    options = {"type": "use_custom_auth", "auth_scheme": "API_KEY", "credentials": {}, "name": "second"}
    config = composio.auth_configs.create("openrouter", options).id
    assert config in [one.id for one in composio.auth_configs.list(toolkit_slug="openrouter").items]
    assert by_key(composio, "frank", config=config).status == "ACTIVE"
    assert run(composio, KEY, {}, "frank")["successful"]
    composio.auth_configs.disable(config)
    assert composio.auth_configs.get(config).status == "DISABLED"
    with pytest.raises(composio_client.NotFoundError, match=r"auth config .* is disabled"):
        run(composio, KEY, {}, "frank")
    with pytest.raises(composio_client.BadRequestError):
        by_key(composio, "grace", config=config)
    composio.auth_configs.enable(config)
    assert run(composio, KEY, {}, "frank")["successful"]
    composio.auth_configs.delete(config)
    assert composio.connected_accounts.list(user_ids=["frank"]).items == []


def test_executing(composio: Any, sandbox: Sandbox) -> None:
    done = run(composio, CHAT, QUESTION)
    assert done["data"]["choices"][0]["message"]["content"] == "17 * 3 = 51"
    assert (done["error"], done["successful"]) == (None, True)
    assert sandbox.requests[-1].body == QUESTION
    feed = run(composio, MODELS, {"use_rss": True})
    assert feed["data"]["result"].startswith("<?xml")
    labels = {user: run(composio, KEY, {}, user)["data"]["data"]["label"] for user in ("alice", "bob")}
    assert labels["alice"] != labels["bob"]
    sandbox.clear()
    wrong = run(composio, CHAT, {"model": 5})
    assert (wrong["successful"], "messages" in wrong["error"]) == (False, True)
    assert sandbox.requests == []
    failed = run(composio, CHAT, {**QUESTION, "model": "acme/nothing"})
    assert failed["successful"] is False
    assert failed["data"]["error"]["type"]


BAD, NOT_FOUND, NO_TOOL = composio_client.BadRequestError, composio_client.NotFoundError, ToolNotFoundError
WRONG: dict[str, tuple[Callable[[Any], Any], type[Exception], tuple[int, str]]] = {
    "unknown slug": (lambda host: run(host, "OPENROUTER_NOTHING", {}), NO_TOOL, (404, "Tool_ToolNotFound")),
    "another toolkit's": (lambda host: run(host, "GMAIL_SEND_EMAIL", {}), NO_TOOL, (404, "Tool_ToolNotFound")),
    "another toolkit": (lambda host: host.toolkits.get("gmail"), NOT_FOUND, (404, "Toolkit_ToolkitNotFound")),
    "connect another toolkit": (
        lambda host: host.toolkits.authorize(user_id="alice", toolkit="gmail"),
        NOT_FOUND,
        (404, "Toolkit_ToolkitNotFound"),
    ),
    "wrong version": (
        lambda host: run(host, KEY, {}, version="20990101_00"),
        NOT_FOUND,
        (404, "Tool_ToolNotFound"),
    ),
    "no account": (
        lambda host: run(host, KEY, {}, "nobody"),
        NOT_FOUND,
        (404, "ActionExecute_ConnectedAccountNotFound"),
    ),
    "no user": (
        lambda host: host.tools.execute(KEY, {}, dangerously_skip_version_check=True),
        BAD,
        (400, "ActionExecute_ConnectedAccountEntityIdRequired"),
    ),
    "unknown account": (
        lambda host: run(host, KEY, {}, connected_account_id="ca_nothing"),
        NOT_FOUND,
        (404, "ConnectedAccount_ResourceNotFound"),
    ),
    "own place for the key": (
        lambda host: run(host, KEY, {}, custom_auth_params={"base_url": "https://elsewhere.example", "parameters": []}),
        BAD,
        (400, "HTTP_BadRequest"),
    ),
    "natural language": (lambda host: run(host, KEY, {}, text="say something"), BAD, (400, "HTTP_BadRequest")),
    "callback not registered": (
        lambda host: host.connected_accounts.link("helen", FIXED, callback_url="https://host.example/back"),
        BAD,
        (400, "HTTP_BadRequest"),
    ),
    "unknown auth config": (
        lambda host: host.connected_accounts.link("helen", "ac_nothing"),
        NOT_FOUND,
        (404, "Auth_Config_NotFound"),
    ),
    "approval": (
        lambda host: host.create(user_id="alice", toolkits={"require_approval": ["openrouter"]}),
        BAD,
        (400, "HTTP_BadRequest"),
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_refused(composio: Any, sandbox: Sandbox, case: str) -> None:
    call, kind, expected = WRONG[case]
    with pytest.raises(kind) as refused:
        call(composio)
    assert refusal(refused.value) == expected
    assert sandbox.requests == []


def test_a_wrong_api_key(shared: Served) -> None:
    with client_of(shared, api_key="ort_wrong") as composio:
        for ask in (lambda: composio.tools.get("alice", toolkits=["openrouter"]), lambda: run(composio, KEY, {})):
            with pytest.raises(composio_client.AuthenticationError) as refused:
                ask()
            assert refusal(refused.value) == (401, "HTTP_Unauthorized")


@pytest.fixture
def alices(shared: Served) -> Iterator[Any]:
    """A client whose token is alice's alone."""
    with client_of(shared, "alice") as composio:
        yield composio


def test_a_key_for_alice_is_for_her_alone(alices: Any, composio: Any, sandbox: Sandbox) -> None:
    assert run(alices, KEY, {})["successful"]
    sandbox.clear()
    for ask in (
        lambda: run(alices, KEY, {}, "bob"),
        lambda: alices.toolkits.authorize(user_id="bob", toolkit="openrouter"),
        lambda: alices.create(user_id="bob"),
    ):
        with pytest.raises(composio_client.PermissionDeniedError) as refused:
            ask()
        assert refusal(refused.value) == (403, "HTTP_Forbidden")
    (bobs,) = composio.connected_accounts.list(user_ids=["bob"]).items
    assert alices.connected_accounts.list(user_ids=["bob"]).items == []
    for ask in (
        lambda: alices.connected_accounts.get(bobs.id),
        lambda: alices.connected_accounts.delete(bobs.id),
        lambda: run(alices, KEY, {}, connected_account_id=bobs.id),
        lambda: alices.use(composio.create(user_id="bob").session_id),
    ):
        with pytest.raises(composio_client.NotFoundError):
            ask()
    with pytest.raises(composio_client.BadRequestError) as mismatch:
        run(composio, KEY, {}, connected_account_id=bobs.id)
    assert refusal(mismatch.value) == (400, "ActionExecute_ConnectedAccountEntityIdMismatch")
    assert sandbox.requests == []


class Losing(httpx.HTTPTransport):
    """Loses the answers to the first requests of a method, after the server has done what they ask."""

    def __init__(self, method: str, times: int) -> None:
        super().__init__(verify=False, trust_env=False)
        self.method, self.times, self.sent = method, times, 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if request.method == self.method:
            self.sent += 1
            if self.sent <= self.times:
                response.read()
                raise httpx.ReadError("the connection broke", request=request)
        return response


@contextmanager
def losing(served: Served, method: str, times: int) -> Iterator[tuple[Any, Losing]]:
    """A client whose connections break."""
    transport = Losing(method, times)
    with httpx.Client(transport=transport, trust_env=False) as http, client_of(served, http_client=http) as composio:
        yield composio, transport


def test_three_repeats_of_a_write_have_one_effect(composio: Any, shared: Served) -> None:
    with losing(shared, "POST", 2) as (hasty, transport):
        made = by_key(hasty, "ivan")
        assert transport.sent == 3
    assert [one.id for one in composio.connected_accounts.list(user_ids=["ivan"]).items] == [made.id]
    with losing(shared, "PATCH", 2) as (hasty, transport):
        assert hasty.connected_accounts.disable(made.id).success
        assert transport.sent == 3
    assert composio.connected_accounts.get(made.id).status == "INACTIVE"


@pytest.mark.parametrize("by", ["tools", "session"])
def test_an_execute_whose_answer_is_lost_is_not_repeated(shared: Served, sandbox: Sandbox, by: str) -> None:
    with losing(shared, "POST", 0) as (hasty, transport):
        session = hasty.create(user_id="alice")
        transport.sent, transport.times = 0, 3
        ways: dict[str, Callable[[], Any]] = {
            "tools": lambda: run(hasty, CHAT, QUESTION),
            "session": lambda: session.execute(CHAT, arguments=QUESTION),
        }
        with pytest.raises(composio_client.APIConnectionError):
            ways[by]()
        assert transport.sent == 1
    assert [request.path for request in sandbox.requests] == ["/chat/completions"]


@pytest.mark.load
def test_a_completion_longer_than_the_clients_patience_is_paid_once(
    shared: Served, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    lasts, patience, interval = scaled((2.0, 1.0, 0.25), full=(66.0, 30.0, execute.BLANK_INTERVAL))
    monkeypatch.setattr(execute, "BLANK_INTERVAL", interval)
    sandbox.script(SLOW, [{"text": "At last.", "delay": lasts}], repeat_last=True)
    arguments = {**QUESTION, "model": SLOW}
    with client_of(shared, timeout=patience) as hasty, ThreadPoolExecutor() as threads:
        session = hasty.create(user_id="bob")
        calls: list[Callable[[], Any]] = [
            lambda: run(hasty, CHAT, arguments)["data"],
            lambda: session.execute(CHAT, arguments=arguments).data,
        ]
        began = time.monotonic()
        done = [each.result() for each in [threads.submit(copy_context().run, call) for call in calls]]
    assert time.monotonic() - began >= lasts
    assert [data["choices"][0]["message"]["content"] for data in done] == ["At last."] * 2
    assert sorted(str(request.key) for request in sandbox.requests) == sorted([ALICE, BOB])


def test_a_session_and_its_limits(composio: Any, sandbox: Sandbox) -> None:
    session = composio.create(
        user_id="alice",
        toolkits=["openrouter"],
        tools={"openrouter": {"disable": [CHAT]}},
        tags={"disable": ["destructiveHint"]},
    )
    names = [tool["function"]["name"] for tool in session.tools()]
    assert names == [slug for slug in ALL if slug not in (CHAT, CHARGE)]
    done = session.execute(KEY)
    assert (done.result_type, done.error) == ("completed", None)
    failed = session.execute("OPENROUTER_GET_GENERATION", arguments={})
    assert failed.result_type == "failed"
    assert "id" in failed.error
    sandbox.clear()
    for slug, expected in ((CHAT, (400, "ToolRouterV2_ToolkitNotAllowed")), ("GMAIL_X", (404, "Tool_ToolNotFound"))):
        with pytest.raises(composio_client.APIStatusError) as refused:
            session.execute(slug, arguments=QUESTION)
        assert refusal(refused.value) == expected
    assert sandbox.requests == []
    (state,) = [one for one in session.toolkits().items if one.slug == "openrouter"]
    assert state.connection.is_active
    found = session.search(query="list the available models")
    assert MODELS in found.results[0].primary_tool_slugs

    again = composio.use(session.session_id)
    assert [tool["function"]["name"] for tool in again.tools()] == names
    again.update(tools=None, expected_config_version=1)
    assert CHAT in [tool["function"]["name"] for tool in composio.use(session.session_id).tools()]
    with pytest.raises(SessionConfigConflictError):
        again.update(tags=None, expected_config_version=1)
    assert session.list_config_history().items[0].version == 2
    session.delete()
    with pytest.raises(composio_client.NotFoundError):
        again.execute(KEY)


def test_a_session_without_an_account(composio: Any) -> None:
    session = composio.create(user_id="judy")
    with pytest.raises(composio_client.BadRequestError) as refused:
        session.execute(KEY)
    assert refusal(refused.value) == (400, "ToolRouterV2_NoActiveConnection")
    (state,) = [one for one in session.toolkits().items if one.slug == "openrouter"]
    assert not state.connection.is_active


def test_a_session_at_its_mcp_address(composio: Any) -> None:
    session = composio.create(user_id="bob", toolkits=["openrouter"], tools={"openrouter": [KEY]}, mcp=True)

    async def talk() -> None:
        async with (
            httpx2.AsyncClient(headers=session.mcp.headers) as http,
            streamable_http_client(session.mcp.url, http_client=http) as streams,
            ClientSession(streams[0], streams[1]) as mcp,
        ):
            await mcp.initialize()
            assert [tool.name for tool in (await mcp.list_tools()).tools] == [KEY]
            assert not (await mcp.call_tool(KEY, {})).is_error
            with pytest.raises(Exception, match="no such tool"):
                await mcp.call_tool(CHAT, dict(QUESTION))

    assert set(session.mcp.headers) == {"x-api-key"}
    anyio.run(talk)


def test_only_the_context_in_which_a_client_was_made_goes_unreported() -> None:
    """As docs/composio.md says: allow_tracking=False holds in another thread if that runs in a copy of the context."""
    client = Composio(api_key="ort_any", base_url="http://127.0.0.1:9", allow_tracking=False).client
    with client, ThreadPoolExecutor() as threads:
        assert threads.submit(allow_tracking.get).result() is True
        assert threads.submit(copy_context().run, allow_tracking.get).result() is False


def test_an_mcp_address_at_another_origin_gets_no_key(
    shared: Served, composio: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = replace(shared.state.settings, url="https://tools.example.com", url_given=True)
    monkeypatch.setattr(shared.state, "settings", elsewhere)
    with pytest.raises(MCPDestinationError, match=r"tools\.example\.com"):
        composio.create(user_id="alice", mcp=True)
