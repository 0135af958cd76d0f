"""A thread pool for key checks, so that a slow API does not block the pages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_MAX_THREADS = 16
_Answer = TypeVar("_Answer")
_threads = ThreadPoolExecutor(_MAX_THREADS, "connecting")


async def run_in_thread(work: Callable[[], _Answer]) -> _Answer:
    """Run slow work in the pool and return its result; at most 16 run at the same time, and others wait."""
    return await asyncio.get_running_loop().run_in_executor(_threads, work)
