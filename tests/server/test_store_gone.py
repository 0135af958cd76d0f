"""The database is gone for a while: everybody is told so, nothing is sent on, and afterwards all is well."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx2
import pytest

from openrouter_toolkit.sandbox import Sandbox

from ..postgresql import PostgreSQL
from ..timing import wait_until
from .served import KEY, Served
from .test_access import log_in
from .test_mcp import ACCEPT, LIST


@pytest.fixture
def database(postgresql: PostgreSQL) -> str:
    """The URL of a fresh database that can be stopped."""
    return postgresql.new_database()


@pytest.fixture
def gone(postgresql: PostgreSQL) -> Iterator[None]:
    """Whatever happens, it runs again afterwards."""
    yield
    postgresql.stop()
    postgresql.start()


@pytest.mark.usefixtures("gone")
def test_everybody_is_told_and_it_recovers(served: Served, postgresql: PostgreSQL, sandbox: Sandbox) -> None:
    with served.client(served.token("alice"), **ACCEPT) as host, served.client() as browser:
        log_in(served, browser)

        def ready() -> bool:
            return browser.get("/readyz").status_code == 200

        def call() -> httpx2.Response:
            return host.post(f"/api/actions/{KEY}", json={})

        assert ready()
        assert call().json()["successful"]
        postgresql.stop()
        before = len(sandbox.requests)
        for answer in (call(), host.get("/api/tools"), host.post("/mcp", json=LIST)):
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert answer.json()["error"]["type"] == "unavailable"
        for path in ("/admin/tools", "/admin/tools?status=success&connected_account_id=ca_1", "/login/abc"):
            page = browser.get(path)
            assert (page.status_code, page.headers["content-type"].split(";")[0]) == (503, "text/html")
            assert "127.0.0.1" not in page.text
        assert browser.get("/login").status_code == 200
        assert not ready()
        assert browser.get("/healthz").status_code == 200
        postgresql.start()
        wait_until(ready)
        assert call().json()["successful"]
        assert browser.get("/admin/tools").status_code == 200
        assert len(sandbox.requests) == before + 1


def test_a_switch_that_can_not_be_looked_up_counts_as_off(
    served: Served, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    from openrouter_toolkit.store import StoreUnavailable

    def fail(*_: object) -> None:
        raise StoreUnavailable("The database at 10.1.2.3 can't be used.")

    monkeypatch.setattr(served.store.switches, "off", fail)
    with served.client(served.token("alice"), **ACCEPT) as host:
        envelope = host.post(f"/api/actions/{KEY}", json={}).json()
        listed = host.get("/api/tools")
        mcp = host.post("/mcp", json=LIST)
    assert envelope["successful"] is False
    error = json.loads(envelope["data"])["error"]
    assert (error["type"], error["retryable"]) == ("not_connected", True)
    assert listed.status_code == 503
    assert "10.1.2.3" not in f"{envelope}{listed.text}{mcp.text}"
    assert "error" in mcp.text
    assert sandbox.requests == []
