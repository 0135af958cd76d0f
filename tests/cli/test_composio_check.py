"""`composio-check`: goes a host's own way through a real server, and says what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import HTTPServer

import pytest

from openrouter_toolkit.cli import main
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import Store

from ..server.served import Served, serving
from ..small_server import Handler, running

Check = Callable[..., tuple[int, dict[str, str], str]]
STEPS = ["address", "list", "connect", "link", "execute", "session", "mcp"]


@pytest.fixture
def served(store: Store, sandbox: Sandbox) -> Iterator[Served]:
    """A server with alice's account."""
    store.accounts.connect("OPENROUTER", "alice", {"api_key": sandbox.api_key})
    with serving(store) as served:
        yield served


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Check:
    """Run the command: its exit status, what it says of each step, and what it says at last."""

    def check(url: str, key: str, user_id: str = "alice") -> tuple[int, dict[str, str], str]:
        monkeypatch.setenv("COMPOSIO_API_KEY", key)
        capsys.readouterr()
        status = main(["composio-check", url, "--user-id", user_id])
        printed = capsys.readouterr()
        assert not key or key not in printed.out + printed.err
        lines = [line.split(maxsplit=2) for line in printed.out.splitlines()]
        return status, {name: f"{outcome} {said}" for outcome, name, said in lines}, printed.err

    return check


def failed(steps: dict[str, str]) -> list[str]:
    return [name for name, said in steps.items() if not said.startswith("ok ")]


def test_all_is_well_and_nothing_is_left_behind(check: Check, served: Served, sandbox: Sandbox) -> None:
    before = [account.id for account in served.store.accounts.list()]
    status, steps, last = check(f"{served.url}/", served.token("alice"))
    assert (status, list(steps), failed(steps)) == (0, STEPS, [])
    assert last == "A host can use this server.\n"
    assert steps["list"].startswith("ok 13 tools")
    assert steps["connect"] == "ok 1 ACTIVE accounts of user alice"
    assert [account.id for account in served.store.accounts.list()] == before
    assert "/chat/completions" not in [request.path for request in sandbox.requests]


def test_a_wrong_key(check: Check, served: Served) -> None:
    status, steps, last = check(served.url, "ort_wrong")
    assert (status, list(steps), failed(steps)) == (1, ["address", "list"], ["list"])
    assert "401 HTTP_Unauthorized" in steps["list"]
    assert last == "The other steps were not tried.\n"


def test_no_account(check: Check, served: Served) -> None:
    status, steps, _ = check(served.url, served.token(), "bob")
    assert (status, failed(steps)) == (1, ["execute"])
    assert "404 ActionExecute_ConnectedAccountNotFound" in steps["execute"]
    assert "connected_accounts/link" in steps["execute"]
    assert steps["connect"] == "ok 0 ACTIVE accounts of user bob"


def test_a_key_for_somebody_else(check: Check, served: Served) -> None:
    status, steps, _ = check(served.url, served.token("alice"), "bob")
    assert (status, failed(steps)) == (1, ["link", "execute", "session", "mcp"])
    assert "403 HTTP_Forbidden" in steps["execute"]


def test_plain_http_to_another_machine(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("requests.Session.request", _unreachable)
    status, steps, _ = check("http://tools.example.com", "ort_any")
    assert (status, list(steps)) == (1, ["address"])
    assert steps["address"].startswith("FAILED ")
    assert "put https before the server" in steps["address"]


def _unreachable(*_: object, **__: object) -> None:
    import requests

    raise requests.ConnectionError("no network in this test")


class _Website(Handler):
    status = 200

    def respond(self) -> None:
        self.answer(b"<html>Welcome</html>", self.status, Content_Type="text/html", Location="https://www.example.com/")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (301, "redirects to https://www.example.com"),
        (200, "this is not the address of openrouter-toolkit serve"),
    ],
)
def test_another_kind_of_server(check: Check, monkeypatch: pytest.MonkeyPatch, answer: int, told: str) -> None:
    monkeypatch.setattr(_Website, "status", answer)
    with running(HTTPServer(("127.0.0.1", 0), _Website)) as address:
        status, steps, _ = check(address, "ort_any")
    assert (status, list(steps), failed(steps)) == (1, ["address", "list"], ["list"])
    assert told in steps["list"]


def test_a_server_that_has_another_address(check: Check, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """As behind a proxy whose address the server was not given: it answers, but its links and MCP lead elsewhere."""
    elsewhere = replace(served.state.settings, url="https://tools.example.com", url_given=True)
    monkeypatch.setattr(served.state, "settings", elsewhere)
    status, steps, _ = check(served.url, served.token("alice"))
    assert (status, failed(steps)) == (1, ["link", "mcp"])
    for name in ("link", "mcp"):
        assert f"start the server with --url {served.url}" in steps[name]


@pytest.mark.parametrize(
    ("url", "key", "told"),
    [
        ("https://tools.example.com", "", "set COMPOSIO_API_KEY"),
        ("https://tools.example.com/api/v3", "ort_any", "without a path"),
        ("tools.example.com", "ort_any", "the server's origin"),
    ],
)
def test_wrong_command_lines(check: Check, url: str, key: str, told: str) -> None:
    status, steps, said = check(url, key)
    assert (status, steps) == (2, {})
    assert told in said
