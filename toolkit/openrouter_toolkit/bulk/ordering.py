"""The answers that are there but not read yet: as they come, or in the order of their lines."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


class AsTheyCome(Generic[_Item]):
    """Answers in the order in which they come."""

    def __init__(self) -> None:
        self._items: deque[_Item] = deque()

    @property
    def oldest(self) -> float:
        """The number of the oldest line without an answer: none is waited for."""
        return float("inf")

    def add(self, number: int, item: _Item) -> None:
        """Add the answer of a line."""
        self._items.append(item)

    def leave_out(self, number: int) -> None:
        """A line gets no answer."""

    def waiting(self) -> list[_Item]:
        """The answers that were not read."""
        return list(self._items)

    def pop(self) -> _Item | None:
        """The next answer, if there is one."""
        return self._items.popleft() if self._items else None


class InOrder(Generic[_Item]):
    """Answers in the order of their lines, whose numbers go from 1 on."""

    def __init__(self) -> None:
        self._items: dict[int, _Item | None] = {}
        self.oldest = 1

    def add(self, number: int, item: _Item) -> None:
        """Add the answer of a line."""
        self._items[number] = item

    def leave_out(self, number: int) -> None:
        """A line gets no answer."""
        self._items[number] = None
        self._pass_over()

    def waiting(self) -> list[_Item]:
        """The answers whose turn has not come."""
        return [item for _, item in sorted(self._items.items()) if item is not None]

    def pop(self) -> _Item | None:
        """The answer whose turn it is, if it is there."""
        if self.oldest not in self._items:
            return None
        item = self._items.pop(self.oldest)
        self.oldest += 1
        self._pass_over()
        return item

    def _pass_over(self) -> None:
        """Go on to the next line that has, or gets, an answer."""
        while self.oldest in self._items and self._items[self.oldest] is None:
            del self._items[self.oldest]
            self.oldest += 1
