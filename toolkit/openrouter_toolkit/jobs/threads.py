"""Does something for several items at once, in threads that keep no process from ending."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextvars import copy_context
from typing import TypeVar

Item = TypeVar("Item")


def for_each(items: Iterable[Item], work: Callable[[Item], object], *, at_once: int, name: str) -> None:
    """Call `work`, which must not raise, with each item, and wait for all of them."""
    waiting = deque(items)

    def next_ones() -> None:
        while True:
            try:
                item = waiting.popleft()
            except IndexError:
                return
            work(item)

    threads = [
        threading.Thread(target=copy_context().run, args=(next_ones,), name=f"openrouter-toolkit-{name}", daemon=True)
        for _ in range(min(at_once, len(waiting)))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
