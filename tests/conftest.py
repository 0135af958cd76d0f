"""Hypothesis's profiles; one sandbox and one PostgreSQL for all tests; a SQLite database that is migrated already."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from openrouter_toolkit.store import migrating, urls
from openrouter_toolkit.store.database import Database

from .postgresql import NoPostgreSQL, PostgreSQL
from .sandboxes import *  # noqa: F403

settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_collection_finish() -> None:
    """What is imported by now stays: the garbage collector need not visit it in each test, so times mean more."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A server for all tests. Where there is none, they are skipped, but in CI they fail."""
    try:
        server = PostgreSQL()
    except NoPostgreSQL as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))
    yield server
    server.close()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store's file with all tables and no master key yet. It is copied: migrations take longer than most tests."""
    path = tmp_path_factory.mktemp("migrated") / "store.db"
    database = Database(urls.chosen(f"sqlite:///{path}"))
    with database.rebuild() as session:
        migrating.upgrade(session.connection())
    database.close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a fresh, empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.new_database()
