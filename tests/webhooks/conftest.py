"""A store, receivers on loopback, and what delivers to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import ThreadingHTTPServer
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest

from openrouter_toolkit.jobs import Stop
from openrouter_toolkit.store import MasterKey, Store, outbox
from openrouter_toolkit.webhooks import Deliverer, read_address

from ..scale import scaled
from ..small_server import Handler, running
from ..store.conftest import pass_time

__all__ = ["pass_time"]
# In a quick run PostgreSQL alone, since all other tests have SQLite.
both = pytest.mark.parametrize("store", scaled(["postgresql"], full=["sqlite", "postgresql"]), indirect=True)
EVENT: dict[str, Any] = {"account_id": "ca_1", "toolkit": "OPENROUTER", "user_id": "alice", "alias": "work"}
Add = Callable[..., str]
Run = Callable[[], None]


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENROUTER_TOOLKIT_SMTP", "OPENROUTER_TOOLKIT_MAIL_FROM", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def store(request: pytest.FixtureRequest, migrated: Path, tmp_path: Path) -> Iterator[Store]:
    """A store: SQLite, and where `both` says so PostgreSQL, too."""
    if getattr(request, "param", "sqlite") == "sqlite":
        url = f"sqlite:///{copyfile(migrated, tmp_path / 'store.db')}"
    else:
        url = request.getfixturevalue("postgresql").new_database()
    with Store.open(url, master_keys=[MasterKey.fresh()]) as store:
        yield store


class Receiver:
    """A receiver on loopback: what it got, and what it answers."""

    def __init__(self, stack: ExitStack) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b"ok"
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        receiver = self

        class Answers(Handler):
            def respond(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                self.answer(receiver.body, receiver.status, **receiver.headers)

        self.address = stack.enter_context(running(ThreadingHTTPServer(("127.0.0.1", 0), Answers)))

    @property
    def ids(self) -> list[str]:
        """The ids of the events that it got."""
        return [headers["webhook-id"] for _, headers, _ in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with ExitStack() as stack:
        yield Receiver(stack)


@pytest.fixture
def deliverer(store: Store) -> Deliverer:
    return Deliverer(store, "Tools of Acme", private=True)


@pytest.fixture
def run(deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Make the deliveries that are due."""
    monkeypatch.setattr("openrouter_toolkit.webhooks.delivering._PAUSE", 0.0)
    job = deliverer.job()
    return lambda: job(Stop())


def add(store: Store, address: str, *events: str) -> tuple[str, str]:
    """Add a webhook: its id and its secret."""
    webhook, secret = store.webhooks.add(*read_address(address, private=True), events or None)
    return webhook.id, secret or ""


def happen(store: Store, event: str = "account.connected", **more: Any) -> str:
    """Let something happen: the event's id."""
    with store.database.write() as session:
        return outbox.emit(session, event, **EVENT, **more)
