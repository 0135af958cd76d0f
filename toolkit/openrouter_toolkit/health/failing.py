"""Notices in the ledger when actions begin to fail, and reports it once until they recover."""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import timedelta

from ..jobs import Stop
from ..ledger import CallEntry, CallFilter, Ledger
from ..ledger.entry import INTERRUPTED, UNFINISHED
from ..store import Store, outbox
from ..store.columns import now

EVERY = 30.0
# An action fails if more than so many of its calls failed in a row, or more than half of the last ones.
FAILING_AFTER = 5
_LAST = 20
_READ = 100
_WITHIN = timedelta(days=1)
_EVENT = "call.failing"
# These say something about the caller and nothing about the action, or not yet.
_NOT_COUNTED = frozenset(
    {
        UNFINISHED,
        INTERRUPTED,
        "cancelled",
        "invalid_arguments",
        "ledger_unavailable",
        "not_connected",
        "refused_by_policy",
        "unknown_action",
    }
)
_log = logging.getLogger("openrouter_toolkit")


class FailingActions:
    """The watch over one ledger's calls. For one thread at a time."""

    def __init__(self, store: Store, ledger: Ledger, failing_after: int = FAILING_AFTER) -> None:
        """Look at nothing yet."""
        self._database = store.database
        self._ledger = ledger
        self._failing_after = failing_after
        self._seen: dict[tuple[str, str], tuple[int, int]] = {}

    def run(self, stop: Stop) -> None:
        """Look at each action that was called since the last run, if it failed lately."""
        failing = outbox.marked(self._database, _EVENT)
        counts = self._counts()
        for name, found in counts.items():
            if stop:
                return
            failed = found[1] > 0
            if found != self._seen.get(name) and (failed or " ".join(name) in failing):
                self._look_at(*name, known=" ".join(name) in failing)
        self._seen = counts

    def _counts(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Return how many calls each action had of late, and how many of them failed."""
        counts: dict[tuple[str, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
        for row in self._ledger.usage(["toolkit", "action", "error_type"], CallFilter(since=now() - _WITHIN)):
            toolkit, action, error = (row.key[name] for name in ("toolkit", "action", "error_type"))
            if toolkit is not None and action is not None and error not in _NOT_COUNTED:
                calls, failures = counts[toolkit, action]
                counts[toolkit, action] = (calls + row.calls, failures + row.failures)
        return dict(counts)

    def _look_at(self, toolkit: str, action: str, *, known: bool) -> None:
        wanted = CallFilter(toolkit=toolkit, action=action, since=now() - _WITHIN)
        calls = [call for call in self._ledger.calls(wanted, limit=_READ).calls if call.error_type not in _NOT_COUNTED]
        last = calls[:_LAST]
        failed = [call for call in last if not call.successful]
        in_a_row = next((number for number, call in enumerate(last) if call.successful), len(last))
        fails = in_a_row > self._failing_after or (len(last) == _LAST and len(failed) > _LAST // 2)
        if fails != known:
            self._record(toolkit, action, in_a_row, failed) if fails else self._recovered(toolkit, action)

    def _record(self, toolkit: str, action: str, in_a_row: int, failed: list[CallEntry]) -> None:
        with self._database.write(counts_as_change=False) as session:
            if not outbox.first_time(self._database, session, _EVENT, f"{toolkit} {action}"):
                return
            outbox.emit(
                session,
                _EVENT,
                toolkit=toolkit,
                action=action,
                in_a_row=in_a_row,
                failed=len(failed),
                error_type=failed[0].error_type,
                call_id=failed[0].id,
            )
            self._database.log_change(session, f"{action} fails: the last error is {failed[0].error_type}")

    def _recovered(self, toolkit: str, action: str) -> None:
        with self._database.write(counts_as_change=False) as session:
            outbox.forget(session, _EVENT, f"{toolkit} {action}")
            self._database.log_change(session, f"{action} works again")
