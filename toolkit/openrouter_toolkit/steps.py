"""A call in steps, as a generator: it pauses where it would wait for the network, and goes on in any thread."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Pause:
    """What a call waits for, while it holds no thread.

    Attributes:
        socket: the socket from which bytes have to arrive; None if what follows may block or take long, so that it
            needs a worker thread.
        seconds: how long the bytes may take. After that, `TimeoutError` is thrown into the call.
    """

    socket: Any = None
    seconds: float = 0.0


IN_WORKER = Pause()
Steps: TypeAlias = Generator[Pause, None, _Answer]
# An answer's text, or the steps that lead to it.
Answer: TypeAlias = str | Steps[str]


def finish(steps: Steps[_Answer]) -> _Answer:
    """Run all steps of a call in this thread. It must be one that does not park (`Call.parks`): it waits itself."""
    try:
        next(steps)
    except StopIteration as end:
        answer: _Answer = end.value
        return answer
    steps.close()
    raise RuntimeError("a call that parks has to be driven by what parks it")


def text_of(answer: Answer) -> Steps[str]:
    """The text of an answer."""
    return answer if isinstance(answer, str) else (yield from answer)
