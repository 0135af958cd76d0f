"""Hypothesis's profiles, and one PostgreSQL for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from .postgresql import NoPostgreSQL, PostgreSQL

settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


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
