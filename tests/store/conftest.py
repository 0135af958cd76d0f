"""Both databases, and master keys, for the tests of the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pytest
from keyring.backends.fail import Keyring as NoKeyring

from openrouter_toolkit.store import MasterKey, Store, columns
from openrouter_toolkit.store.encryption.key_providers import MASTER_KEY
from openrouter_toolkit.store.urls import DATABASE

OpenStore = Callable[..., Store]
PassTime = Callable[[timedelta], None]


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of whoever runs the tests is used or touched: no key, no keyring, no data folder."""
    for name in (MASTER_KEY, DATABASE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("keyring.core._keyring_backend", NoKeyring())  # type: ignore[no-untyped-call]


@pytest.fixture
def url(fresh_database: str) -> str:
    """The URL of a fresh, empty database of each kind."""
    return fresh_database


@pytest.fixture
def key() -> MasterKey:
    """A master key."""
    return MasterKey.fresh()


@pytest.fixture
def open_store(url: str, key: MasterKey) -> Iterator[OpenStore]:
    """Open the database, as often as wanted: `open_store()`, `open_store(keys=[new, old])`."""

    def open_store(*, keys: list[MasterKey] | None = None, toolkits: list[str] | None = None) -> Store:
        return opened.enter_context(Store.open(url, master_keys=[key] if keys is None else keys, toolkits=toolkits))

    with ExitStack() as opened:
        yield open_store


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    """A store, empty."""
    return open_store()


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> PassTime:
    """Let time pass for the store: `pass_time(timedelta(minutes=11))`."""
    passed = timedelta()

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + passed

    def pass_time(more: timedelta) -> None:
        nonlocal passed
        passed += more

    monkeypatch.setattr(columns, "datetime", Clock)
    assert columns.now() <= datetime.now(UTC)
    return pass_time
