"""The web application in a process of its own, its store beside it, and a real browser that looks at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import MasterKey, Person, Role, Store

from ..server.served import Process, environment
from .chromium import Chromium

if TYPE_CHECKING:
    from playwright.sync_api import Page

TESTS = Path(__file__).parents[1]
HOST = "SquadOS"
NewPage = Callable[..., AbstractContextManager["Page"]]
_chromium = Chromium()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """End the browser behind this folder's last test: tests elsewhere have event loops of their own."""
    yield
    if nextitem is None or Path(__file__).parent not in nextitem.path.parents:
        _chromium.stop()


@pytest.fixture(scope="session")
def _key() -> MasterKey:
    return MasterKey.fresh()


@pytest.fixture(scope="session")
def _database(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('browser') / 'store.db'}"


@pytest.fixture(scope="session")
def process(
    _running_sandbox: Sandbox, _key: MasterKey, _database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Process]:
    """`openrouter-toolkit serve`, with the tests' toolkit that needs no login beside OpenRouter."""
    variables = environment(
        _database,
        _key.written(),
        _running_sandbox.base_url,
        tmp_path_factory.mktemp("home"),
        PYTHONPATH=str(TESTS),
    )
    manifest = str(TESTS / "echo_toolkit" / "manifest.yaml")
    with Process(variables, "--name", HOST, "--manifest", manifest) as process:
        yield process


@pytest.fixture(scope="session")
def _store(process: Process, _key: MasterKey, _database: str) -> Iterator[Store]:
    with Store.open(_database, master_keys=[_key]) as store:
        yield store


@pytest.fixture
def store(_store: Store) -> Store:
    """The store that the server works with: empty, and seen from another process."""
    for account in _store.accounts.list():
        _store.accounts.disconnect(account.id)
    for toolkit in ("OPENROUTER", "ECHO"):
        for action in _store.switches.off(toolkit):
            _store.switches.turn_on(toolkit, action)
        _store.switches.deactivate(toolkit)
    for address in _store.return_addresses.list():
        _store.return_addresses.remove(address)
    for person in _store.people.list():
        if person.role != Role.OWNER or person.joined_at is None:
            _store.people.remove(person.id)
    for webhook in _store.webhooks.list():
        _store.webhooks.remove(webhook.id)
    return _store


def owner(store: Store) -> Person:
    """The only owner, who is added if there is nobody yet."""
    return store.people.first_owner("Olivia Ortega") or store.people.only_owner()  # type: ignore[return-value]


@pytest.fixture
def new_page(process: Process, store: Store, sandbox: Sandbox) -> NewPage:
    """Open a page in a browser of its own, in which somebody is logged in unless said otherwise."""

    @contextmanager
    def new_page(*, logged_in: bool = True, as_person: Person | None = None, **options: Any) -> Iterator[Page]:
        with _chromium.page(base_url=process.url, **options) as page:
            if logged_in:
                name = f"openrouter-toolkit-session-{process.url.rsplit(':', 1)[1]}"
                session = store.sessions.create(as_person or owner(store))
                page.context.add_cookies([{"name": name, "value": session, "url": process.url}])
            yield page

    return new_page


@pytest.fixture
def page(new_page: NewPage) -> Iterator[Page]:
    """A page of an administrator's."""
    with new_page() as page:
        yield page
