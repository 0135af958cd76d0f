"""The disk is full for a while: calls go on, changes are refused and leave nothing by half, afterwards all is well."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import MasterKey, Status, Store

from .conftest import ALICE
from .served import KEY, OWNER, Process, environment
from .test_login import csrf, is_in

if sys.platform != "linux":
    pytest.skip("a running process's limits can be changed on Linux alone", allow_module_level=True)
import resource


@pytest.fixture
def process(store: Store, database: str, key: MasterKey, sandbox: Sandbox, tmp_path: Path) -> Iterator[Process]:
    """A process on the test's store."""
    with Process(environment(database, key.written(), sandbox.base_url, tmp_path)) as process:
        yield process


def fill_disk(process: Process, *, full: bool) -> None:
    """Let it write no byte to any file, or again as many as it likes."""
    limit = 0 if full else resource.RLIM_INFINITY
    resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


def test_calls_go_on_and_changes_are_refused(process: Process, store: Store, sandbox: Sandbox) -> None:
    token = store.tokens.create("a test's", ["alice"])[1]
    link = store.links.to_connect("OPENROUTER", "carol")
    switch = f"/admin/tools/openrouter/actions/{KEY.lower()}/switch"
    with process.client(token) as host, process.client() as browser, process.client() as carol:
        login = process.login_link
        form = {"name": OWNER, "csrf": csrf(browser.get(login))}
        page = {"csrf": csrf(carol.get(f"/connect/{link.secret}")), "field.api_key": ALICE}
        before = store.accounts.list()

        fill_disk(process, full=True)
        for _ in range(2):
            assert host.post(f"/api/actions/{KEY}", json={}).json()["successful"]
        refused = [
            browser.post(login, data=form),
            carol.post(f"/connect/{link.secret}", data=page),
            carol.post(f"/connect/{link.secret}/browser", data=page),
        ]
        for answer in refused:
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert "Nothing was changed" in answer.text
        assert not is_in(browser)
        assert store.accounts.list() == before
        assert [found.state for found in (store.links.find(link.secret),) if found] == ["open"]

        fill_disk(process, full=False)
        assert browser.post(login, data=form).status_code == 303
        assert is_in(browser)
        form = {"csrf": csrf(browser.get("/admin/tools")), "to": "off"}
        assert carol.post(f"/connect/{link.secret}", data=page).status_code == 303
        assert store.accounts.get(link.link.account_id or "").status == Status.ACTIVE

        fill_disk(process, full=True)
        assert browser.post(switch, data=form).status_code == 503
        assert store.switches.off("OPENROUTER") == {}
        fill_disk(process, full=False)
        assert browser.post(switch, data=form).status_code == 303
        assert list(store.switches.off("OPENROUTER")) == [KEY]
        assert host.post(f"/api/actions/{KEY}", json={}).status_code == 200
    said = process.end()
    assert "Traceback" not in said
    assert "not noted" in said
    assert {request.key for request in sandbox.requests} == {ALICE}
