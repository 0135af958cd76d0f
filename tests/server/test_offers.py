"""Toolkits that installed packages offer: off, and not imported, until an administrator adds them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit.manifest import installed
from openrouter_toolkit.store import Store

from ..packages import install, was_imported
from .conftest import ECHO
from .pages.person import Person
from .served import Served, serving


class Starting:
    """Starts a server after the packages are installed, and lets administrators in."""

    def __init__(self, store: Store, opened: ExitStack) -> None:
        self.store, self.opened = store, opened

    def server(self) -> Served:
        return self.opened.enter_context(serving(self.store, manifests=[ECHO]))

    def admin(self, served: Served | None = None) -> Person:
        person = Person(served or self.server())
        self.opened.callback(person.client.close)
        return person.log_in()


@pytest.fixture
def start(store: Store) -> Iterator[Starting]:
    with ExitStack() as opened:
        yield Starting(store, opened)


@pytest.fixture
def wind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    return install(monkeypatch, tmp_path, "wind", fields=[])


def executed(served: Served, slug: str = "WIND_REPORT") -> dict[str, Any]:
    with served.client(served.token("alice")) as client:
        answer: dict[str, Any] = client.post(f"/api/actions/{slug}", json={"arguments": {}}).json()
        return answer


def names(served: Served) -> set[str]:
    with served.client(served.token("alice")) as client:
        return {tool["function"]["name"] for tool in client.get("/api/tools").json()["tools"]}


def mcp_status(served: Served) -> int:
    headers = {"Accept": "application/json, text/event-stream"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    with served.client(served.token("alice"), **headers) as client:
        return client.post("/mcp/wind", json=body).status_code


def test_it_is_off_until_somebody_adds_it_and_off_again_after_that(start: Starting, wind: Path, store: Store) -> None:
    served = start.server()
    admin = start.admin(served)
    page = admin.open("/admin/tools?tab=available")
    assert "Not added" in page.text
    assert "from wind-toolkit 1.2" in page.text
    assert "unknown_action" in executed(served)["data"]
    assert "WIND_REPORT" not in names(served)
    assert mcp_status(served) == 404
    assert admin.open("/admin/tools/wind").status == 404

    page = admin.open(page.links["Wind"])
    assert "The installed package wind-toolkit 1.2 offers this tool." in page.text
    assert not was_imported(wind)
    page = admin.send(page, "Add")
    assert "Wind is added." in page.text
    assert "From the package wind-toolkit 1.2" in page.text
    assert was_imported(wind)
    assert executed(served) == {"data": '{"reported": true}', "error": None, "successful": True}
    assert "WIND_REPORT" in names(served)
    assert mcp_status(served) != 404

    page = admin.send(page, "Take away")
    assert "Wind is taken away." in page.text
    assert not executed(served)["successful"]
    assert mcp_status(served) == 404
    assert store.switches.activated() == {}


def test_what_was_added_is_there_after_a_restart(start: Starting, wind: Path, store: Store) -> None:
    store.switches.activate("WIND")
    assert executed(start.server())["successful"]


def test_one_with_a_login_is_added_and_then_connected(
    start: Starting, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, store: Store
) -> None:
    package = install(
        monkeypatch,
        tmp_path,
        "wind",
        client="echo_toolkit.client:Echo",
        rows={"REPORT": {"handler": "echo_toolkit.client:leak"}},
    )
    served = start.server()
    admin = start.admin(served)
    page = admin.send(admin.open("/admin/offers/wind"), "Add")
    assert admin.open("/admin/tools/wind/connect").status == 200
    assert "not_connected" in executed(served)["data"]
    store.accounts.connect("WIND", "alice", {"api_key": "key-of-wind-0123"})
    assert executed(served)["data"] == '{"said": "[redacted]"}'
    assert not was_imported(package)  # its manifest names other code
    assert "Take away" in page.text


BROKEN: dict[str, dict[str, Any]] = {
    "a function, which would have to run": {"value": "wind_toolkit:report"},
    "no such file": {"value": "wind_toolkit:other.yaml"},
    "a file elsewhere": {"value": "wind_toolkit:../../secret.yaml"},
    "no such package": {"value": "no_such_package"},
    "a handler without a module": {"rows": {"REPORT": {"handler": "no path"}}},
    "a slug that is taken": {"slug": "ECHO"},
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_one_is_shown_and_breaks_nothing_else(
    start: Starting, wind: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, case: str
) -> None:
    given = dict(BROKEN[case])
    slug = given.pop("slug", None)
    broken = install(monkeypatch, tmp_path, "rain", fields=[], **given)
    if slug:
        manifest = broken / "manifest.yaml"
        manifest.write_text(manifest.read_text().replace("slug: RAIN", f"slug: {slug}"))
    served = start.server()
    admin = start.admin(served)
    page = admin.open("/admin/tools?tab=available")
    assert "from rain-toolkit 1.2" in page.text
    assert "broken" in page.text
    assert "Wind" in page.links
    admin.send(admin.open("/admin/offers/wind"), "Add")
    assert executed(served)["successful"]
    assert not was_imported(broken)


def test_code_that_fails_is_told_when_it_is_added(
    start: Starting, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, store: Store
) -> None:
    install(monkeypatch, tmp_path, "rain", fields=[], code="raise RuntimeError('no clouds')")
    admin = start.admin()
    page = admin.send(admin.open("/admin/offers/rain"), "Add")
    assert page.status == 422
    assert "RuntimeError: no clouds" in page.text
    assert store.switches.activated() == {}


def test_nor_does_it_break_a_server_that_starts(
    start: Starting, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, store: Store
) -> None:
    install(monkeypatch, tmp_path, "rain", fields=[], code="raise SystemExit('no clouds')")
    store.switches.activate("RAIN")
    page = start.admin().open("/admin/tools?tab=available")
    assert "rain-toolkit 1.2" in page.text
    assert "no clouds" in page.text


def test_two_packages_with_one_toolkit_are_not_both_there(
    start: Starting, wind: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = install(monkeypatch, tmp_path, "zephyr", fields=[])
    manifest = other / "manifest.yaml"
    manifest.write_text(manifest.read_text().replace("slug: ZEPHYR", "slug: WIND"))
    page = start.admin().open("/admin/tools?tab=available")
    assert "the toolkit slug WIND is there already, in wind-toolkit 1.2" in page.text


def test_only_administrators_add(start: Starting, wind: Path, store: Store) -> None:
    served = start.server()
    with served.client() as client:
        assert client.get("/admin/offers/wind").status_code == 303
        assert client.post("/admin/offers/wind/add").status_code in (303, 403)
    assert store.switches.activated() == {}
    assert start.admin(served).open("/admin/offers/nothing").status == 404


def test_without_any_nothing_is_looked_up(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Any:
        raise AssertionError

    monkeypatch.setattr(served.store.switches, "activated", refuse)
    assert set(served.state.toolkits) == {"OPENROUTER", "ECHO"}
    assert served.state.offered == {}


def test_a_nested_package_is_found_without_importing_those_around_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = install(monkeypatch, tmp_path, "wind", fields=[])
    inner = package / "inner"
    inner.mkdir()
    (inner / "__init__.py").write_text("raise AssertionError")
    for name in ("manifest.yaml", "schemas"):
        (package / name).rename(inner / name)
    entry = EntryPoint("wind", "wind_toolkit.inner:manifest.yaml", installed.GROUP)
    assert installed._manifest(entry.value) == inner / "manifest.yaml"
    assert not was_imported(package)
