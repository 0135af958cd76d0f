"""The server's background jobs, which one process at a time does of all that use the same database."""

from __future__ import annotations

from ..health import AccountChecks, FailingActions, accounts, failing
from ..jobs import Job, Runner, Stop
from ..ledger.settling import by_registry
from ..manifest import LoadedToolkit
from ..webhooks import delivering
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

    def loaded_toolkits() -> dict[str, LoadedToolkit]:
        return {slug: toolkit.loaded for slug, toolkit in state.toolkits.items()}

    checks = AccountChecks(state.store, state.ledger, loaded_toolkits)
    failures = FailingActions(state.store, state.ledger, state.settings.failing_after)
    runner = Runner(
        state.store.database,
        [
            Job("the clean-up of the store", _MINUTE, tidy),
            Job("the look-up of what calls cost", _MINUTE, settle),
            Job("the check of accounts", accounts.EVERY, checks.run, after=accounts.AFTER),
            Job("the delivery to webhooks", delivering.EVERY, state.webhooks.job()),
            Job("the watch over failing actions", failing.EVERY, failures.run),
        ],
    )
    state.metrics.watch("runs_jobs", "Whether this process does the background jobs: 1 or 0.", lambda: runner.active)
    return runner
