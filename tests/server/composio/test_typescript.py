"""Composio's client for TypeScript, unmodified, against this server: what hosts do with it, and what goes wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit.manifest import load
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.server.composio import execute
from openrouter_toolkit.store import MasterKey, Store

from ...scale import scaled
from ..conftest import ALICE, BOB, ECHO
from ..pages.person import Person
from ..served import Served, serving
from .nodejs import Node, Step

DOCUMENT = Path(__file__).parents[3] / "docs" / "composio.md"
CALLBACK = "https://host.example/connected"


# The first test of a version goes through everything, in a process of Node's.
pytestmark = [pytest.mark.load, pytest.mark.timeout(300)]
PROGRAMS = ("everything.mjs", "providers.mjs", "slow.mjs")
SLOW = "slow/model"


@pytest.fixture(autouse=True)
def _as_new() -> None:
    """The module's server is not the other modules'."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    """Node.js with Composio's packages."""
    return Node(tmp_path_factory.mktemp("node"))


@pytest.fixture(scope="module", params=scaled(["@composio/core"], full=["@composio/core", "composio-core-0.21"]))
def core(request: pytest.FixtureRequest) -> str:
    """A version of the client, by the name of its package."""
    return str(request.param)


@pytest.fixture(scope="module")
def host(core: str, _running_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server for all tests of a version, in which alice and bob are connected, and somebody with twelve accounts."""
    database = f"sqlite:///{tmp_path_factory.mktemp('typescript') / 'store.db'}"
    with (
        pytest.MonkeyPatch.context() as patch,
        Store.open(database, master_keys=[MasterKey.fresh()]) as store,
    ):
        patch.setenv("OPENROUTER_BASE_URL", _running_sandbox.base_url)
        store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
        store.accounts.connect("OPENROUTER", "bob", {"api_key": BOB})
        for number in range(12):
            store.accounts.connect("OPENROUTER", "many", {"api_key": f"sk-or-v1-sandbox-many-{number:012}"})
        store.return_addresses.register(CALLBACK)
        store.switches.activate("ECHO")
        patch.setattr(execute, "BLANK_INTERVAL", scaled(0.4, full=execute.BLANK_INTERVAL))
        with serving(store, manifests=[ECHO], calls_per_minute=100_000) as served:
            yield served


@pytest.fixture(scope="module")
def steps(core: str, node: Node, host: Served, _running_sandbox: Sandbox) -> dict[str, Step]:
    """All steps of the programs."""

    def connect(url: str, key: str) -> str:
        """Fill in the page of a link; where the browser is sent afterwards."""
        person = Person(host)
        with person.client:
            fields = {**person.open(url).form("Connect").fields, "field.api_key": key}
            return str(person.client.post(url, data=fields).headers.get("Location", ""))

    def expire(user: str) -> None:
        found = host.store.for_registry().credentials(user, "OPENROUTER")
        assert found is not None
        assert host.store.for_registry().refused(found, "the key was revoked")

    def switch(action: str, on: bool) -> None:
        switches = host.store.switches
        (switches.turn_on if on else switches.turn_off)("OPENROUTER", action)

    def slow_model() -> str:
        delay = scaled(6.0, full=66.0)
        _running_sandbox.script(SLOW, [{"text": "51", "delay": delay}], repeat_last=True)
        return SLOW

    bobs = next(one for one in host.store.accounts.list() if one.user_id == "bob")
    return node.steps(
        PROGRAMS,
        _running_sandbox,
        {"connect": connect, "expire": expire, "switch": switch, "slow model": slow_model},
        CORE=core,
        COMPOSIO_BASE_URL=host.url,
        COMPOSIO_API_KEY=host.token(),
        ALICES_TOKEN=host.token("alice"),
        BOBS_TOKEN=host.token("bob"),
        BOBS_ACCOUNT=bobs.id,
        KEY=ALICE,
        OTHER_KEY=BOB,
        SANDBOX_URL=_running_sandbox.base_url,
        SANDBOX_KEY=_running_sandbox.api_key,
        CALLBACK=CALLBACK,
        PATIENCE=scaled("4000", full=""),
    )


def value(steps: dict[str, Step], name: str) -> Any:
    """What a step returned."""
    step = steps[name]
    assert step.error is None, step.error
    return step.value


OPENROUTER = [action.slug for action in load().actions]
DOCUMENTED = load().toolkit.earlier_versions["20260316_00"]
CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"
WHOSE_KEY = "OPENROUTER_GET_CURRENT_KEY"
COUNT = "OPENROUTER_GET_MODELS_COUNT"
COUNTED = {"data": {"count": 14}}


def test_tools_are_listed(steps: dict[str, Step]) -> None:
    assert sorted(value(steps, "tools of a toolkit")) == sorted(DOCUMENTED)
    assert value(steps, "all tools") == OPENROUTER
    assert value(steps, "tools by name") == [CHAT]
    assert value(steps, "one tool")["required"] == ["model", "messages"]
    assert value(steps, "tools by words")[0] == CHAT
    assert value(steps, "tools of another toolkit") == []
    pages = value(steps, "tools in pages of five")
    assert [slug for page in pages for slug in page] == OPENROUTER
    assert {len(page) for page in pages[:-1]} == {5}


def test_toolkits_are_described(steps: dict[str, Step]) -> None:
    assert value(steps, "toolkits") == ["openrouter", "echo"]
    assert value(steps, "a toolkit")["name"] == "OpenRouter"
    fields = value(steps, "what a connection needs")
    assert (fields[0]["name"], fields[0]["required"]) == ("api_key", True)


def test_accounts_are_connected_by_link(steps: dict[str, Step]) -> None:
    linked = value(steps, "connect by link")
    assert (linked["status"], linked["toolkit"], linked["id"]) == ("ACTIVE", "openrouter", linked["requested"])
    assert linked["page"] == f"{CALLBACK}?status=success&connected_account_id={linked['id']}"
    assert value(steps, "authorize") == "ACTIVE"
    assert value(steps, "a session connects") == ["ACTIVE", f"sk-or-v1-...{BOB[-3:]}"]


def test_accounts_are_connected_by_key_and_the_same_write_again_is_the_same_account(steps: dict[str, Step]) -> None:
    assert value(steps, "connect by key") == {"status": "ACTIVE", "link": None}
    ids = value(steps, "connect by key, three times")
    assert len(ids) == 3
    assert len(set(ids)) == 1


def test_accounts_come_in_pages(steps: dict[str, Step], host: Served) -> None:
    pages = value(steps, "accounts in pages of five")
    assert [len(page) for page in pages] == [5, 5, 2]
    of_many = {account.id for account in host.store.accounts.list() if account.user_id == "many"}
    assert {account for page in pages for account in page} == of_many


def test_each_users_calls_are_made_with_the_users_key(steps: dict[str, Step]) -> None:
    alices, bobs = f"sk-or-v1-...{ALICE[-3:]}", f"sk-or-v1-...{BOB[-3:]}"
    labels = value(steps, "execute for each user")
    assert labels == {
        user: [True, None, bobs if user == "bob" else alices] for user in ("alice", "bob", "carol", "dora", "erin")
    }


def test_tools_are_executed(steps: dict[str, Step]) -> None:
    assert value(steps, "execute a completion") == "17 * 3 = 51"
    assert steps["execute a completion"].upstream == ["/chat/completions"]
    feed = value(steps, "execute what is no object")
    assert (feed["data"], feed["error"], feed["successful"]) == (["result"], None, True)
    assert value(steps, "execute in the current version") == COUNTED
    assert value(steps, "execute in the version of all calls") is True
    assert value(steps, "execute another toolkit's tool") is True
    assert value(steps, "execute a tool that is switched on again") == COUNTED
    assert value(steps, "a token for its user") is True


def test_a_failed_call_is_an_answer(steps: dict[str, Step]) -> None:
    wrong = value(steps, "execute with wrong arguments")
    assert (wrong["successful"], wrong["data"]["error"]["type"]) == (False, "invalid_arguments")
    assert steps["execute with wrong arguments"].upstream == []
    unknown = value(steps, "execute with an unknown model")
    assert (unknown["successful"], unknown["data"]["error"]["type"]) == (False, "not_found")
    assert steps["execute with an unknown model"].upstream.count("/chat/completions") == 1
    assert "output_modalities" in value(steps, "the session executes with wrong arguments")["error"]


def test_agents_answer_with_what_a_tool_returned_to_each_provider(steps: dict[str, Step]) -> None:
    twice = {
        "openai": ["/chat/completions"] * 2,
        "anthropic": ["/messages"] * 2,
        "vercel": ["/chat/completions"] * 2,
        "vercel in a session": ["/chat/completions"] * 2,
        "openai responses": [],
    }
    assert {name: steps[name].of_model for name in twice} == twice
    for name in twice:
        assert '"count":14' in value(steps, name).replace(" ", ""), name
        assert (steps[name].upstream, steps[name].keys) == (["/models/count"], {ALICE}), name
    each = ("openai", "responses", "anthropic", "vercel")
    assert value(steps, "all tools by each") == dict.fromkeys(each, OPENROUTER)


def test_a_completion_that_outlasts_the_clients_patience_is_made_once(steps: dict[str, Step]) -> None:
    """The client waits 60 s for headers, and repeats a session's execute twice when none came."""
    long = value(steps, "long completions")
    assert long["said"] == [[None, "51"], [None, "51"]]
    assert long["seconds"] > long["patience"] == scaled(4, full=60)
    assert steps["long completions"].upstream == ["/chat/completions"] * 2
    assert steps["long completions"].keys == {ALICE}
    assert value(steps, "a server without headers") == 3


def test_a_write_whose_answers_get_lost_comes_three_times_and_has_one_effect(steps: dict[str, Step]) -> None:
    assert value(steps, "connect by key while answers get lost") == [3, ["ACTIVE"]]
    assert value(steps, "disable while answers get lost") == [3, "INACTIVE"]
    assert value(steps, "delete while answers get lost") == [3, 404, []]


def test_accounts_are_disabled_enabled_expired_refreshed_and_deleted(steps: dict[str, Step], host: Served) -> None:
    assert value(steps, "disable") == "INACTIVE"
    assert value(steps, "enable") is True
    assert value(steps, "expire") == ["EXPIRED", "the key was revoked"]
    refreshed = value(steps, "refresh")
    assert refreshed["status"] == "EXPIRED"
    assert refreshed["redirect_url"].startswith(f"{host.url}/connect/")
    assert value(steps, "delete") == {"success": True}


def test_auth_configs_are_made_disabled_and_deleted(steps: dict[str, Step]) -> None:
    assert value(steps, "auth configs") == ["openrouter (default)", "of a team"]
    assert value(steps, "an account of the auth config") == "ACTIVE"
    assert value(steps, "execute with the auth config's account") is True
    assert value(steps, "the auth config disabled") == "DISABLED"
    assert value(steps, "the auth config enabled") is True
    assert value(steps, "the auth config deleted")["success"] is True


def test_a_session_has_its_limits(steps: dict[str, Step]) -> None:
    assert value(steps, "the session's tools") == [COUNT, WHOSE_KEY]
    assert value(steps, "the session's toolkits") == [["openrouter", True]]
    assert value(steps, "the session executes")["data"] == COUNTED
    assert value(steps, "the session searches")[0] == COUNT
    assert value(steps, "the session again") == [COUNT, WHOSE_KEY]
    assert value(steps, "the session changed") == [2, [COUNT]]
    assert value(steps, "the session deleted")["deleted"] is True
    readers = [action.slug for action in load().actions if action.definition.annotations.readOnlyHint]
    assert value(steps, "a session that may change nothing") == readers
    own, openrouters = value(steps, "a session with the host's own tool")
    assert (own["data"], own["error"], openrouters) == ({"sum": 20}, None, None)


def test_a_sessions_mcp_address_has_its_limits_too(steps: dict[str, Step], host: Served) -> None:
    session = value(steps, "a session")
    assert list(session["mcp"]["headers"]) == ["x-api-key"]
    assert session["mcp"]["url"].startswith(f"{host.url}/mcp/session/trs_")
    assert value(steps, "the session's tools over MCP") == [COUNT, WHOSE_KEY]
    assert value(steps, "the session executes over MCP") == [False, COUNTED]
    assert value(steps, "the session over MCP with its user's token") == [COUNT, WHOSE_KEY]
    no_session = "There is no such session for this API key"
    refused = {
        "the session executes over MCP what it may not": "no such tool",
        "the session over MCP with another user's token": no_session,
        "the session over MCP with a wrong token": "401",
        "the session over MCP without a token": "401",
        "the deleted session over MCP": no_session,
    }
    for name, message in refused.items():
        error = steps[name].error
        assert error is not None, name
        assert message in error["message"]
        assert steps[name].upstream == []


TOOL_ERROR = "ComposioToolExecutionError"
NO_ACCOUNT = (TOOL_ERROR, 404, "ActionExecute_ConnectedAccountNotFound")
UNKNOWN_ACCOUNT = ("Error", 404, "ConnectedAccount_ResourceNotFound")
NO_SESSION = ("Error", 404, "ToolRouterV2_SessionNotFound")
WRONG_REQUEST = ("Error", 400, "HTTP_BadRequest")
# The class that the client raises, and the status and the slug of this server's answer where there was one.
REFUSED = {
    "another toolkit": ("ComposioToolkitNotFoundError", 404, "Toolkit_ToolkitNotFound"),
    "connect by link though connected": ("ComposioMultipleConnectedAccountsError", None, None),
    "connect by a wrong key": WRONG_REQUEST,
    "connect and return to an address that is not registered": (
        "ComposioFailedToCreateConnectedAccountLink",
        400,
        "HTTP_BadRequest",
    ),
    "connect with an unknown auth config": ("ComposioFailedToCreateConnectedAccountLink", 404, "Auth_Config_NotFound"),
    "wait for nobody": ("ConnectionRequestTimeoutError", None, None),
    "execute without saying a version": ("ComposioToolVersionRequiredError", None, None),
    "execute in an unknown version": ("ComposioToolNotFoundError", 404, "Tool_ToolNotFound"),
    "execute a tool that is switched off": ("ComposioToolNotFoundError", 404, "Tool_ToolNotFound"),
    "execute an unknown tool": ("ComposioToolNotFoundError", 404, "Tool_ToolNotFound"),
    "execute without an account": NO_ACCOUNT,
    "execute with a stranger's account": (TOOL_ERROR, 400, "ActionExecute_ConnectedAccountEntityIdMismatch"),
    "execute with a key's place": (TOOL_ERROR, 400, "HTTP_BadRequest"),
    "a wrong token": ("Error", 401, "HTTP_Unauthorized"),
    "a token for another user": (TOOL_ERROR, 403, "HTTP_Forbidden"),
    "another user's account": UNKNOWN_ACCOUNT,
    "another user's account deleted": UNKNOWN_ACCOUNT,
    "execute with a disabled account": NO_ACCOUNT,
    "execute with an expired account": (TOOL_ERROR, 410, "ActionExecute_ConnectedAccountExpired"),
    "wait for an expired account": ("ConnectionRequestFailedError", None, None),
    "execute with a deleted account": NO_ACCOUNT,
    "the deleted account": UNKNOWN_ACCOUNT,
    "delete again": UNKNOWN_ACCOUNT,
    "execute with a disabled auth config": NO_ACCOUNT,
    "execute with a deleted auth config": NO_ACCOUNT,
    "an auth config that promises limits": WRONG_REQUEST,
    "the session executes what it may not": ("Error", 400, "ToolRouterV2_ToolkitNotAllowed"),
    "another user's session": NO_SESSION,
    "the deleted session": NO_SESSION,
    "the deleted session executes": NO_SESSION,
    "a session without an account": ("Error", 400, "ToolRouterV2_NoActiveConnection"),
    "a session of an unknown toolkit": WRONG_REQUEST,
    "a session with a proxy": WRONG_REQUEST,
}
# The key is tried at OpenRouter, once.
TRIED_UPSTREAM = {"connect by a wrong key": ["/key"]}


def test_what_goes_wrong_is_refused_once_and_nothing_is_sent(steps: dict[str, Step]) -> None:
    failed = {name: step for name, step in steps.items() if step.error is not None and "over MCP" not in name}
    seen = {
        name: tuple(step.error.get(part) for part in ("name", "status", "slug"))
        for name, step in failed.items()
        if step.error
    }
    assert seen == REFUSED
    assert {name: step.upstream for name, step in failed.items() if step.upstream} == TRIED_UPSTREAM


def test_the_documented_program_reaches_this_server_alone(node: Node, core: str, host: Served) -> None:
    (documented,) = re.findall(r"```typescript\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    program = documented.replace('"@composio/core"', json.dumps(core))
    reporting = program.replace("allowTracking: false, disableVersionCheck: true", "")
    assert reporting != program
    node.write("documented.mts", program)
    node.write("reporting.mts", reporting)
    environment = {"COMPOSIO_BASE_URL": host.url, "COMPOSIO_API_KEY": host.token("alice")}
    done = node.run("documented.mts", **environment)
    assert done.returncode == 0, done.stderr
    assert CHAT in done.stdout
    assert f"sk-or-v1-...{ALICE[-3:]}" in done.stdout
    assert "REFUSED" not in done.stderr
    # Without the two options the client reports to its maker, and that would be seen.
    for also in scaled([], full=["reporting.mts"]):
        assert "REFUSED" in node.run(also, **environment).stderr
