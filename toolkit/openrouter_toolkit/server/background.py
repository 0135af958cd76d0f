"""The server's background jobs, which one process at a time does of all that use the same database."""

from __future__ import annotations

from ..jobs import Job, Runner, Stop
from ..ledger.settling import by_registry
from .state import State

_MINUTE = 60.0


def background(state: State) -> Runner:
    """Return the runner of the background jobs."""
    openrouter = next(iter(state.toolkits.values()))
    look_up = by_registry(openrouter.registry.execute)

    def tidy(stop: Stop) -> None:
        state.store.tidy()

    def settle(stop: Stop) -> None:
        state.ledger.settle(look_up)

    runner = Runner(
        state.store.database,
        [
            Job("the clean-up of the store", _MINUTE, tidy),
            Job("the look-up of what calls cost", _MINUTE, settle),
        ],
    )
    state.metrics.watch("runs_jobs", "Whether this process does the background jobs: 1 or 0.", lambda: runner.active)
    return runner
