"""Keys that were connected in every way are in no answer, no log and no file, whatever is asked and whatever fails."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from openrouter_toolkit import manifest
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import MasterKey, Store, sqlite
from openrouter_toolkit.tool_calling import FORMATS

from ..postgresql import PostgreSQL
from ..scale import scaled
from ..store.test_secrets import seen
from .pages.person import Person
from .pages.test_browser_login import authorize
from .pages.test_connecting import begin
from .served import CHAT, KEY, QUESTION, Served, serving
from .test_access import application, filled, routes
from .test_disconnect import LEGACY, MODERN
from .test_mcp import ACCEPT
from .test_secrets import logged

WITH_KEY = Path(__file__).parents[1] / "echo_toolkit" / "with_key.yaml"
TOOLS = "/admin/tools/openrouter"
# What is random in each key, and how each begins.
SECRETS = {
    "typed": "sk-or-v1-sandbox-T7vQ2mZk9xWc4Rp8Ls3Yd6Nb1Hf0Jg5",
    "made": "sk-or-v1-sandbox-M3kX8wPq5zBn1Vt7Gr4Cj9Fs2Ld6Ha0",
    "management": "sk-or-v1-sandbox-management-G9hR4tYw2uKp7Xc5Vb1Nm8Qz3Ls",
    "expired": "sk-or-v1-sandbox-expired-E5jK1lPo9iUy3Tr7Ew2Qa6Sd8Fg4",
    "unknown": "sk-or-v1-U2nB6vCx4zLk8Jh1Gf5Ds9Ap3Oi7Uy0Tr2Ew",
    "misplaced": "sk-or-v1-sandbox-P8oI2uYt6rEw4Qa0Sd9Fg3Hj7Kl1Zx5",
    "echo": "W4eR7tYu1iOp5aSd9fGh3jKl6zXc2vBn",
}
RANDOM = {name: key.rpartition("-")[2] for name, key in SECRETS.items()}
MODELS_THAT_FAIL = ("sandbox/echo-key", "sandbox/hostile", "sandbox/cut", "sandbox/html", "sandbox/error-mid-stream")


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What anybody logs, from before the database is opened: that is when SQLAlchemy looks whether it is to log."""
    for name in ("", "sqlalchemy", "psycopg", "alembic", "uvicorn", "mcp", "urllib3", "openrouter_toolkit"):
        caplog.set_level(logging.DEBUG, name)
    return caplog


@pytest.fixture(params=scaled(["sqlite"], full=["sqlite", "postgresql"]))
def database(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a fresh database; SQLite's has a file beside it for what was written last."""
    if request.param == "sqlite":
        monkeypatch.setattr(sqlite, "journal_mode", lambda version: "wal")
        return f"sqlite:///{tmp_path / 'store.db'}"
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.new_database()


@pytest.fixture
def store(log: pytest.LogCaptureFixture, database: str, key: MasterKey) -> Iterator[Store]:
    """An empty store, whose every statement is logged."""
    with Store.open(database, master_keys=[key]) as store:
        yield store


@pytest.fixture
def heard() -> list[str]:
    """Every answer's headers and body."""
    return []


@pytest.fixture
def served(store: Store) -> Iterator[Served]:
    """The web application, with a toolkit whose actions repeat their key."""
    with serving(store, manifests=[WITH_KEY], calls_per_minute=100_000) as served:
        yield served


@pytest.fixture
def admin(served: Served, heard: list[str]) -> Iterator[Person]:
    """Somebody who is logged in, and whose every answer is heard."""
    admin = Person(served)
    admin.client.event_hooks = {"response": [hearing(heard)]}
    yield admin.log_in()
    admin.client.close()


@pytest.fixture
def host(served: Served, heard: list[str]) -> Iterator[httpx2.Client]:
    """A host, whose every answer is heard."""
    with served.client(served.token(), **ACCEPT) as host:
        host.event_hooks = {"response": [hearing(heard)]}
        yield host


def hearing(heard: list[str]) -> Callable[[httpx2.Response], None]:
    """A client's hook that remembers all of each answer."""

    def hear(answer: httpx2.Response) -> None:
        answer.read()
        heard.append(f"{answer.status_code} {answer.headers} {answer.text}")

    return hear


def connect(admin: Person, user: str, **fields: str) -> str:
    """Connect an account on the secure page: what the page says then."""
    secure = begin(admin, user_id=user)
    return admin.send(secure, "Connect", **{f"field.{name}": value for name, value in fields.items()}).text


def connect_in_every_way(admin: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that are good, typed and made; and some that are refused, or stand where none should."""
    both = {"api_key": SECRETS["typed"], "management_api_key": SECRETS["management"]}
    assert "is connected" in connect(admin, "typed", **both)
    secure = begin(admin, user_id="made")
    monkeypatch.setattr("openrouter_toolkit.sandbox.authorization.API_KEY", SECRETS["made"])
    answer = admin.client.post(f"{secure.answer.url}/browser", data=secure.form("Continue with").fields)
    assert "is connected" in admin.open(authorize(admin, answer.headers["Location"])).text
    for wrong in ("expired", "unknown", "management"):
        assert "is connected" not in connect(admin, "wrong", api_key=SECRETS[wrong])
    for wrong in ("expired", "unknown", "typed"):
        keys = {"api_key": SECRETS["typed"], "management_api_key": SECRETS[wrong]}
        assert "is connected" not in connect(admin, "wrong", **keys)
    for field in ("user_id", "alias", "users"):
        wanted = {"whose": "users" if field == "users" else "user", "user_id": "x", field: SECRETS["misplaced"]}
        assert admin.send(begin(admin), "Connect", **wanted, **{"field.api_key": SECRETS["typed"]}).status == 422
    secure = admin.open("/admin/tools/echo/connect")
    wanted = {"whose": "user", "user_id": "typed", "field.api_key": SECRETS["echo"]}
    assert "is connected" in admin.send(secure, "Connect", **wanted).text


def ask_every_route(served: Served, admin: Person, host: httpx2.Client) -> None:
    """GET each route, as a host and as an administrator, for an account of each user and toolkit, or for each."""
    accounts = served.store.accounts.list()
    each = {(account.toolkit, account.user_id): account for account in accounts}
    for account in scaled(list(each.values()), full=accounts):
        for method, path in sorted(routes(application(served))):
            address = filled(path).replace("ca_00000000000000000000", account.id)
            address = address.replace("openrouter", account.toolkit.lower())
            for client in (host, admin.client):
                if method == "GET":
                    client.get(address)
                    client.get(
                        address, params={"status": "success", "connected_account_id": account.id, "after": account.id}
                    )
    for name in FORMATS:
        assert host.get("/api/tools", params={"format": name, "extensions": "true"}).status_code == 200


def call_everything(admin: Person, host: httpx2.Client, users: list[str]) -> None:
    """Call each action that only reads in each way, and a model that repeats its key or fails."""
    for user in users:
        calls: list[tuple[str, dict[str, Any]]] = [(action.slug, {}) for action in manifest.load().actions]
        calls += [(CHAT, {**QUESTION, "model": model}) for model in (QUESTION["model"], *MODELS_THAT_FAIL)]
        calls += [("ECHO_SAY", {"text": "hello"}), ("ECHO_LEAK", {}), ("ECHO_BREAK_DOWN", {"text": "x"})]
        for slug, arguments in calls:
            for more in ({}, {"stream": True}):
                body = {"user_id": user, "arguments": {**arguments, **more}}
                assert host.post(f"/api/actions/{slug}", json=body).status_code == 200
            call_by_mcp(host, user, slug, arguments)
        for page in (f"{TOOLS}/actions/{KEY.lower()}/try", f"{TOOLS}/actions/openrouter_get_credits/try"):
            assert admin.send(admin.open(page), "Run", user_id=user).status == 200
    for path in ("/mcp", "/mcp/echo"):
        host.post(path, json={"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}})


def call_by_mcp(host: httpx2.Client, user: str, slug: str, arguments: dict[str, Any]) -> None:
    """Call a tool in both eras, with progress."""
    path = "/mcp/echo" if slug.startswith("ECHO") else "/mcp"
    for era, headers in (
        (LEGACY, {"MCP-Protocol-Version": "2025-11-25"}),
        (MODERN, {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": slug}),
    ):
        call: dict[str, Any] = json.loads(json.dumps(era))
        call["params"] |= {"name": slug, "arguments": arguments}
        call["params"].setdefault("_meta", {})["progressToken"] = "p"
        assert host.post(path, json=call, headers={**headers, "X-User-Id": user}).status_code == 200


def fail_unexpectedly(served: Served, admin: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake in the middle of connecting, which tells the key."""

    def connect_once(_: str, user_id: str | None, credentials: dict[str, str], **__: Any) -> None:
        raise RuntimeError(f"it did not work for {user_id} with {dict(credentials)}")

    with monkeypatch.context() as patch:
        patch.setattr(served.store.accounts, "connect_once", connect_once)
        assert "itself failed" in connect(admin, "later", api_key=SECRETS["typed"])


@pytest.mark.load
def test_it_is_nowhere_to_be_seen(
    served: Served,
    admin: Person,
    host: httpx2.Client,
    heard: list[str],
    sandbox: Sandbox,
    log: pytest.LogCaptureFixture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    connect_in_every_way(admin, monkeypatch)
    ask_every_route(served, admin, host)
    call_everything(admin, host, ["typed"] if served.store._database.shared else ["typed", "made"])
    fail_unexpectedly(served, admin, monkeypatch)

    used = {request.key or "" for request in sandbox.requests}
    for name in ("typed", "made", "management", "expired", "unknown"):
        assert any(key.startswith(SECRETS[name]) for key in used), name
    secrets = [*RANDOM.values(), *(key[len(SECRETS["made"]) :] for key in used if key.startswith(SECRETS["made"]))]
    assert len(seen(str(used), *secrets)) > 100, "the search finds keys where there are some"
    assert seen("\n".join(heard), *secrets) == []
    assert len(heard) > 200
    said = logged(log)
    for part in ("INSERT INTO ort_connected_accounts", "failed unexpectedly", "urllib3"):
        assert part in said, "the log was listened to"
    assert seen(said, *secrets) == []
    (account, *_) = served.store.accounts.list()
    assert search_files(tmp_path, account.id, secrets, wal=not served.store._database.shared) == []
    if served.store._database.shared:
        postgresql: PostgreSQL = request.getfixturevalue("postgresql")
        assert account.id in postgresql.log(), "it logs statements with their parameters"
        assert seen(postgresql.log(), *secrets) == []


def search_files(folder: Path, account_id: str, secrets: list[str], *, wal: bool) -> list[str]:
    """The traces of keys in all files below a folder; with `wal`, SQLite's are among them, and in use."""
    contents = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    if wal:
        assert {"store.db", "store.db-wal", "store.db-shm"} <= set(contents)
        assert account_id.encode() in contents["store.db-wal"] + contents["store.db"]
    return [trace for content in contents.values() for trace in seen(content, *secrets)]
