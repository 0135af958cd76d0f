"""The ledger of one store: written by registries, read by commands and the server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from ..envelope import Envelope
from ..spending.decisions import Demand, Request, Shortage
from ..store import Store, StoreError
from . import calls, settling, totals, usage
from .batch import Batches, Change
from .budgets import LedgerBudgets
from .calls import CallEntry, CallFilter, CallPage
from .cleanup import Cleanup
from .entry import Entry, new_id
from .running import RunningCalls
from .spent import Spent, spent
from .totals import Totals
from .usage import By, Order, Usage
from .writer import LedgerUnavailable, Writer

# How many days calls are kept, and daily sums.
DAYS = 90
USAGE_DAYS = 800


class Ledger:
    """The ledger in a store's database. Safe for many threads, in forked processes, and for several processes.

        with Store.open() as store, Ledger(store) as ledger:
            registry = ToolRegistry.from_manifest(accounts=store.for_registry(), ledger=ledger)

    Rows of free calls are written behind, within half a second. The row of a call that may cost money is committed
    before the call is made. Methods that read may raise `StoreUnavailable`.

    Attributes:
        budgets: the budgets that calls are held to.
    """

    def __init__(self, store: Store, *, days: int = DAYS, usage_days: int = USAGE_DAYS, required: bool = True) -> None:
        """Start nothing yet; a thread starts with the first call.

        Args:
            store: the store. It is not closed with the ledger.
            days: how many days calls are kept.
            usage_days: how many days the daily sums are kept; at least as long as calls.
            required: whether calls that may cost money are refused while their row can't be committed.

        Raises:
            ValueError: `days` or `usage_days` is below 1.
        """
        if days < 1 or usage_days < 1:
            raise ValueError("the ledger keeps calls and sums for 1 day or more")
        self.required = required
        self.kept_for = timedelta(days=days)
        self._database = store.database
        self._batches = Batches(store.database)
        self._running = RunningCalls(store.database)
        self._cleanup = Cleanup(store.database, days, max(days, usage_days))
        self.budgets = LedgerBudgets(store, self._running)
        self._writer = Writer(self._batches, self._running, self._cleanup.step)

    def add(self, entry: Entry) -> None:
        """Write the row of a call that has ended, behind. Never raises for the database."""
        entry.id = entry.id or new_id()
        self._writer.add(Change(entry))

    def begin(self, entry: Entry, request: Request | None = None) -> Demand | Shortage | None:
        """Commit the row of a call that may cost money, before it is made, and reserve that in budgets.

        The entry's `id` may change.

        Returns:
            What the call may use, or why it may not begin; None without a request.

        Raises:
            LedgerUnavailable: it could not be committed, and has to be.
        """
        entry.id = entry.id or new_id()
        try:
            return self._writer.begin(entry, request)
        except LedgerUnavailable:
            if self.required:
                raise
            return None if request is None else request.demand

    def generated(self, entry: Entry, generation_id: str) -> None:
        """Write the id of the generation of a call that goes on, soon."""
        self._writer.note_generation(entry.id, generation_id)

    def finish(self, entry: Entry, *, reserved: bool = False) -> None:
        """Write what came of a call that was begun, behind; also of one whose row could not be committed.

        `reserved` is whether it has reserved something in budgets.
        """
        before = None
        if settling.may_be_given_up(entry):
            with suppress(StoreError), self._database.read() as session:
                before = calls.ended(session, entry.id)
        self._writer.add(Change(entry, before, begun=entry.id), settling.settlement(entry) if reserved else None)

    def calls(
        self,
        wanted: CallFilter | None = None,
        *,
        cursor: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> CallPage:
        """Return a page of calls, newest first: the newest, or those older than `cursor`, or newer than `after`.

        Raises:
            ValueError: the cursor is none that a page gave, or `limit` is not from 1 to 1000.
        """
        wanted = wanted or CallFilter()
        return calls.page(self._database, self._running, wanted, cursor=cursor, after=after, limit=limit)

    def call(self, call_id: str, users: Sequence[str] | None = None) -> CallEntry | None:
        """Return a call by its id; None if there is none, or if it is of none of `users`."""
        return calls.find(self._database, self._running, call_id, None if users is None else tuple(users))

    def usage(
        self,
        by: Sequence[By] = (),
        wanted: CallFilter | None = None,
        *,
        among: Sequence[str] | None = None,
        order: Order = "cost",
        limit: int | None = None,
    ) -> list[Usage]:
        """Return the sums of calls, broken down by some dimensions: the greatest first, or days in order.

        With `among`, only these values of the last dimension are there; an empty text is that of calls that have none.

        Raises:
            ValueError: there is no such dimension, or the filter has a session.
        """
        return usage.usage(self._database, by, wanted, among=among, order=order, limit=limit)

    def totals(self, since: datetime, until: datetime) -> Totals:
        """Return the totals of the calls that began from one moment on, a midnight in UTC, and before another one.

        The last part of a day is added up from its calls, and is nothing if those are not kept any more.
        """
        return totals.totals(self._database, since, until)

    def spent(self, account_id: str, *, since: datetime, recently: datetime) -> Spent:
        """Return what a connected account spent since a day, and of that since a moment lately."""
        return spent(self._database, self._running, account_id, since=since, recently=recently)

    def settle(self, look_up: Callable[[str, str, str | None], Envelope], *, limit: int = 100) -> int:
        """Look up the costs of calls that were cut off, or whose answer did not tell them.

        Args:
            look_up: returns the API's statistics of a generation, of a user and an account; see `settling.by_registry`.
            limit: the maximum number of calls to look up.

        Returns:
            For how many calls it is now clear what they cost, or that it can't be found out.
        """
        return settling.Settling(self._database, self._batches, self._running, self._writer, self.budgets).run(
            look_up, limit
        )

    @property
    def waiting(self) -> int:
        """How many changes of rows are not written yet."""
        return self._writer.waiting

    @property
    def lost(self) -> int:
        """How many changes of this process were given up because the database could not be written for long."""
        return self._writer.lost

    def flush(self, timeout: float = 5.0) -> bool:
        """Write everything that waits. Returns whether it was written within `timeout` seconds."""
        return self._writer.flush(timeout)

    def close(self) -> None:
        """Write everything that waits. The ledger can still be used."""
        self._writer.close()

    def __repr__(self) -> str:
        return f"<Ledger in {self._database.name}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
