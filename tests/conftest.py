"""Machines are noisy: Hypothesis works without a deadline, and tests that bound a time get more than one try."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from .postgresql import NoPostgreSQL, PostgreSQL

settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A time that a test bounds can be missed on a busy machine, but not three times in a row by code that keeps it."""
    for item in items:
        if item.get_closest_marker("wall_clock"):
            item.add_marker(pytest.mark.flaky(reruns=2, only_rerun=["AssertionError"]))


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
