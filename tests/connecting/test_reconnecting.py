"""An account gets a new key: the other one that it has stays, is left out, or stops everything, as its check says."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from openrouter_toolkit.connecting import check_for
from openrouter_toolkit.manifest import LoadedToolkit
from openrouter_toolkit.store import ConnectedAccount, MasterKey, Store

OLD, NEW = "sk-or-v1-0000000000000000000000old", "sk-or-v1-0000000000000000000000new"
KEPT = "sk-or-v1-00000000000000000000management"


class Upstream(BaseHTTPRequestHandler):
    """GET /key: every key is good, but for the kept one, which is answered with `status`."""

    status = 200

    def do_GET(self) -> None:
        kept = self.headers["Authorization"] == f"Bearer {KEPT}"
        status = type(self).status if kept else 200
        error = {"error": {"code": status, "message": "Not now."}}
        body = json.dumps({"data": {"is_management_key": kept}} if status == 200 else error).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Upstream]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OPENROUTER_BASE_URL", f"http://127.0.0.1:{server.server_address[1]}/api/v1")
    monkeypatch.setattr(Upstream, "status", 200)
    yield Upstream
    server.shutdown()
    server.server_close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path}/store.db", master_keys=[MasterKey.fresh()]) as store:
        yield store


@pytest.fixture
def account(store: Store) -> ConnectedAccount:
    return store.accounts.connect("OPENROUTER", "alice", {"api_key": OLD, "management_api_key": KEPT})


def test_a_key_that_works_stays(
    upstream: type[Upstream], store: Store, account: ConnectedAccount, loaded: LoadedToolkit
) -> None:
    checked = check_for(store, loaded, account, {"api_key": NEW})
    assert checked.passed
    assert dict(checked.values) == {"management_api_key": KEPT, "api_key": NEW}
    assert checked.left_out == {}


def test_a_key_that_is_refused_is_left_out(
    upstream: type[Upstream], store: Store, account: ConnectedAccount, loaded: LoadedToolkit
) -> None:
    upstream.status = 401
    checked = check_for(store, loaded, account, {"api_key": NEW})
    assert checked.passed
    assert dict(checked.values) == {"api_key": NEW}
    assert list(checked.left_out) == ["management_api_key"]


def test_a_key_that_can_not_be_asked_about_is_not_lost_for_that(
    upstream: type[Upstream], store: Store, account: ConnectedAccount, loaded: LoadedToolkit
) -> None:
    """It may work again in a minute, so nothing may be stored without it."""
    upstream.status = 418
    checked = check_for(store, loaded, account, {"api_key": NEW})
    assert checked.unsure
    assert not checked.passed
    assert list(checked.refusals) == ["management_api_key"]
    assert checked.left_out == {}
    assert dict(checked.values) == {"management_api_key": KEPT, "api_key": NEW}
