"""Requests share the check whether what the store keeps still holds, and none is answered by an older one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from openrouter_toolkit.server.access.shared_check import SharedCheck
from openrouter_toolkit.store.lookups import Kept


class Database:
    """Stands in for the look-ups: counts the checks, and lets those that block wait."""

    def __init__(self, blocks: bool) -> None:
        self.blocks = blocks
        self.checks = 0
        self.may_end = threading.Semaphore(0)

    def current(self, *, wait: bool = True) -> Kept | None:
        if self.blocks and not wait:
            return None
        self.checks += 1
        kept = Kept(self.checks)
        if self.blocks:
            self.may_end.acquire()
        return kept


@pytest.fixture(params=[False, True], ids=["at once", "in a thread"])
def database(request: pytest.FixtureRequest) -> Database:
    """A database."""
    return Database(request.param)


@pytest.fixture
def check(database: Database) -> Iterator[SharedCheck]:
    """The check of it."""
    shared: Any = database
    check = SharedCheck(shared)
    yield check
    check.close()


def test_requests_that_come_together_share_a_check_and_later_ones_have_another(
    database: Database, check: SharedCheck
) -> None:
    async def main() -> None:
        first = [asyncio.create_task(check.current()) for _ in range(5)]
        while database.checks == 0:
            await asyncio.sleep(0)
        second = [asyncio.create_task(check.current()) for _ in range(5)]
        first[0].cancel()
        await asyncio.sleep(0)
        database.may_end.release(2)
        answers = await asyncio.gather(*first[1:], *second)
        assert [kept.version for kept in answers if kept] == [1] * 4 + [2] * 5
        database.may_end.release()
        last = await check.current()
        assert last is not None
        assert last.version == 3

    asyncio.run(main())


def test_a_check_that_fails_leaves_each_request_to_itself(database: Database, check: SharedCheck) -> None:
    database.blocks = True
    check._lookups.current = lambda *, wait=True: None  # type: ignore[method-assign]

    async def main() -> None:
        assert list(await asyncio.gather(check.current(), check.current())) == [None, None]

    asyncio.run(main())
