"""How long each query of a page takes with many calls.

    python -m tests.ledger.measured COUNT [URL]

fills a store with made-up calls, unless it has some already, and prints for each query the median and the 95th
percentile of its times, in milliseconds. Without a URL, it is a SQLite file in a temporary folder.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from time import perf_counter

from openrouter_toolkit.ledger import BY, CallEntry, CallFilter, Ledger
from openrouter_toolkit.store import MasterKey, Store

from .generated import MODELS, fill

LIMIT = 0.3
NOW = datetime.now(UTC)
FILTERS: dict[str, tuple[CallFilter, Callable[[CallEntry], bool]]] = {
    "all": (CallFilter(), lambda call: True),
    "user": (CallFilter(users=("user-3",)), lambda call: call.user_id == "user-3"),
    "seldom user": (CallFilter(users=("user-49",)), lambda call: call.user_id == "user-49"),
    "several users": (CallFilter(users=("user-3", "user-5")), lambda call: call.user_id in ("user-3", "user-5")),
    "nobody": (CallFilter(users=()), lambda call: False),
    "no such user": (CallFilter(users=("zoe",)), lambda call: False),
    "action": (
        CallFilter(action="OPENROUTER_GET_CREDITS"),
        lambda call: call.action == "OPENROUTER_GET_CREDITS",
    ),
    "model": (CallFilter(model=MODELS[7]), lambda call: call.model == MODELS[7]),
    "failed": (CallFilter(successful=False), lambda call: not call.successful),
    "successful": (CallFilter(successful=True), lambda call: call.successful),
    "error type": (CallFilter(error_type="timeout"), lambda call: call.error_type == "timeout"),
    "account, agent": (
        CallFilter(account_id="ca_3", agent="agent-3"),
        lambda call: (call.account_id, call.agent) == ("ca_3", "agent-3"),
    ),
    "token": (CallFilter(token_id="tok_7"), lambda call: call.token_id == "tok_7"),
    "user who failed": (
        CallFilter(users=("user-0",), successful=False),
        lambda call: call.user_id == "user-0" and not call.successful,
    ),
    "session": (CallFilter(session_id="session-200"), lambda call: call.session_id == "session-200"),
    "time": (
        CallFilter(since=NOW - timedelta(days=1, hours=3), until=NOW - timedelta(hours=5)),
        lambda call: NOW - timedelta(days=1, hours=3) <= call.at < NOW - timedelta(hours=5),
    ),
    "user and time": (
        CallFilter(users=("user-1",), until=NOW - timedelta(hours=30)),
        lambda call: call.user_id == "user-1" and call.at < NOW - timedelta(hours=30),
    ),
}


def queries(ledger: Ledger) -> dict[str, Callable[[], object]]:
    """What the pages of an administrator's console ask for: lists of calls, sums of a month, trends."""
    month = NOW - timedelta(days=30)
    found: dict[str, Callable[[], object]] = {}
    for name, (wanted, _) in FILTERS.items():
        found[f"calls: {name}"] = partial(ledger.calls, wanted)
    for by in BY:
        found[f"usage by {by}"] = partial(ledger.usage, [by], CallFilter(since=month))
    week = CallFilter(since=NOW - timedelta(days=6))
    found["a week by user and model"] = lambda: ledger.usage(["user", "model"], week)
    found["a model's users"] = lambda: ledger.usage(["user"], CallFilter(model=MODELS[7], since=month))
    found["a user's models"] = lambda: ledger.usage(["model"], CallFilter(users=("user-3",), since=month))
    found["usage today"] = lambda: ledger.usage(wanted=CallFilter(since=NOW))
    found["usage of 90 days by user"] = lambda: ledger.usage(["user"])
    found["a user's days"] = lambda: ledger.usage(["day"], CallFilter(users=("user-3",)))
    return found


def measured(ledger: Ledger, rounds: int) -> Iterator[tuple[str, list[float]]]:
    """Each query and its times in seconds, sorted."""
    for name, query in queries(ledger).items():
        times = []
        for _ in range(rounds):
            began = perf_counter()
            query()
            times.append(perf_counter() - began)
        yield name, sorted(times)


def main(count: int, url: str) -> None:
    """Fill and measure."""
    key = MasterKey(bytes(range(32)))
    with Store.open(url, master_keys=[key]) as store:
        if not Ledger(store).calls(limit=1).calls:
            began = perf_counter()
            fill(store, count)
            print(f"{count:,} calls in {perf_counter() - began:.0f} s")
        for name, times in measured(Ledger(store), rounds=20):
            print(f"{name:28} {times[10] * 1000:8.1f} {times[18] * 1000:8.1f}", flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else f"sqlite:///{folder}/store.db")
