"""Threads in which keys are tried: an API that is slow to answer keeps no page waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_MOST = 16
_Answer = TypeVar("_Answer")
_threads = ThreadPoolExecutor(_MOST, "connecting")


async def in_thread(work: Callable[[], _Answer]) -> _Answer:
    """What some work comes to that takes its time; at most 16 are done at once, and others wait."""
    return await asyncio.get_running_loop().run_in_executor(_threads, work)
