"""An empty store, the pages served from it, and people who look at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from openrouter_toolkit.store import MasterKey, Store

from ...store.conftest import pass_time  # noqa: F401 - a fixture
from ..served import Served
from .person import Person


@pytest.fixture
def store(database: str, key: MasterKey) -> Iterator[Store]:
    """A store with nothing in it."""
    with Store.open(database, master_keys=[key]) as store:
        yield store


@pytest.fixture
def person(served: Served) -> Iterator[Callable[[], Person]]:
    """Makes people, each with a browser of their own."""
    people: list[Person] = []

    def person() -> Person:
        people.append(Person(served))
        return people[-1]

    yield person
    for one in people:
        one.client.close()


@pytest.fixture
def admin(person: Callable[[], Person]) -> Person:
    """Somebody who is logged in."""
    return person().log_in()
