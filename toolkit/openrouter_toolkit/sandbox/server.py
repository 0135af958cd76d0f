"""`Sandbox`: the fake API as an object that runs in the background; `serve`: the same until Ctrl-C."""

import math
import signal
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self, TypedDict, Unpack

from .accounts import API_KEY, MANAGEMENT_API_KEY
from .application import PREFIX, Application, RecordedRequest
from .connection import HOST, SandboxServer
from .endpoint import State
from .scripts import ScriptedAnswer


class Sandbox:
    """A fake OpenRouter API on loopback. It runs in the background as soon as it is created.

    Args:
        port: the port to listen on; 0 takes a free one.
        chunk_delay: seconds between the chunks of a stream.
        generation_delay: seconds after its end until GET /generation returns a generation.
        failure_rate: the share of completion calls that fail at random, from 0 to 1: half of them with 503,
            half by a closed connection.
        seed: makes those failures the same in every run.

    Raises:
        OSError: the port is in use.
        ValueError: a delay below 0, a rate outside 0 to 1, or a seed that is not an integer.
    """

    api_key = API_KEY
    management_api_key = MANAGEMENT_API_KEY

    def __init__(
        self,
        port: int = 0,
        *,
        chunk_delay: float = 0.0,
        generation_delay: float = 0.3,
        failure_rate: float = 0.0,
        seed: int | None = None,
    ) -> None:
        _check("chunk_delay", chunk_delay, "seconds, 0 or more")
        _check("generation_delay", generation_delay, "seconds, 0 or more")
        _check("failure_rate", failure_rate, "a number from 0 to 1", maximum=1)
        if seed is not None and (not isinstance(seed, int) or isinstance(seed, bool)):
            raise ValueError(f"seed: must be an integer or None, not {seed!r}")
        self._application = Application(State(chunk_delay, generation_delay, failure_rate, seed))
        self._server = SandboxServer(port, self._application.answer)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name="sandbox")
        self._thread.start()

    @property
    def base_url(self) -> str:
        """The URL to use instead of https://openrouter.ai/api/v1."""
        return f"http://{HOST}:{self._server.server_address[1]}{PREFIX}"

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests received so far, in order."""
        return list(self._application.requests)

    @property
    def total_cost(self) -> float:
        """What all calls so far were billed, in US dollars."""
        cost: float = self._application.state.generations.credits()["total_usage"]
        return cost

    def script(self, model: str, answers: Sequence[str | ScriptedAnswer], *, repeat_last: bool = False) -> None:
        """Set a model's next answers, one per call, in every format, streamed or not.

        The model is in the catalogue until `reset()`. Another script for the same model replaces this one.

        Args:
            model: an id of your choice, such as "my/model".
            answers: texts, or objects that docs/sandbox.md describes: tool calls, errors, cut streams, …
            repeat_last: repeat the last answer forever; otherwise a call after the last answer is refused with 400.

        Raises:
            ValueError: an answer is invalid; the message says which one, and how to correct it.
        """
        self._application.state.scripts.set(model, answers, repeat_last=repeat_last)

    def clear(self) -> None:
        """Remove the recorded requests."""
        self._application.requests.clear()

    def reset(self) -> None:
        """Clear all state: recorded requests, generations and costs, scripts, which keys were rate-limited already."""
        self.clear()
        self._application.state.clear()

    def close(self) -> None:
        """Stop the server, close all connections and free the port. A second call does nothing."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server.end_connections()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class SandboxOptions(TypedDict, total=False):
    """The options of `Sandbox` besides the port."""

    chunk_delay: float
    generation_delay: float
    failure_rate: float
    seed: int | None


def serve(port: int, **options: Unpack[SandboxOptions]) -> None:
    """Run a sandbox until Ctrl-C or SIGTERM. The first line on standard output is its base URL.

    Args:
        port: the port to listen on; 0 takes a free one.
        **options: the options of `Sandbox`.

    Raises:
        OSError: the port is in use.
        ValueError: as for `Sandbox`.
    """
    stop = threading.Event()
    with Sandbox(port, **options) as sandbox:
        signals = (signal.SIGINT, signal.SIGTERM)
        handlers_before = {number: signal.signal(number, lambda *_: stop.set()) for number in signals}
        try:
            print(sandbox.base_url, flush=True)
            # Short waits allow signals to be handled on every platform.
            while not stop.wait(0.5):
                pass
        finally:
            for number, handler in handlers_before.items():
                signal.signal(number, handler)


def _check(name: str, value: float, words: str, maximum: float = math.inf) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not 0 <= value <= maximum:
        raise ValueError(f"{name}: must be {words}, not {value!r}")
