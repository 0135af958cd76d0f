"""The counters of budgets: what calls reserve when they begin, and what they have cost when they have ended.

What a call reserves is committed together with its row among the running calls, before it is made; each reservation is
replaced by the cost exactly once, whichever process does it, and however often it is tried.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

from ..spending.decisions import USED, Account, Demand, Request, Shortage, Use, accounts_of, decide
from ..store.columns import now
from ..store.tables import BudgetCounterRow, ReservationRow
from .entry import Entry
from .rows import Row, Rows

# The slot that has the calls that go on; it exists as soon as a counter was begun from the ledger.
HEAD = -1
_counters: Any = BudgetCounterRow.__table__
_reservations: Any = ReservationRow.__table__
_KEY = ("budget_id", "subject", "slot")
_NAMES = (*_KEY, *USED)
_used: Callable[[Use], tuple[int, ...]] = attrgetter(*USED)

_Key = tuple[int, str, int]  # budget, subject, slot
# Returns what the ledger has of an account's window, by slot, for a counter that begins.
FromLedger = Callable[[Account, str | None], dict[int, Use]]


@dataclass(eq=False)
class Beginning:
    """A call that begins.

    Attributes:
        request: what it asks of budgets; None if none applies to it.
        answer: what it may use, or why it may not begin; None as long as that is not decided.
        counters: in which counters it has reserved that.
    """

    entry: Entry
    request: Request | None = None
    answer: Demand | Shortage | None = None
    counters: Sequence[_Key] = ()


class Settlement(NamedTuple):
    """What came of a call that has reserved something.

    Attributes:
        units: its cost in units of 10^-12 US dollars; None counts as what it has reserved.
        tokens: the tokens that it read and wrote; None likewise.
        begun: False if nothing was sent, so that it does not count as a call either.
        final: False if its cost will be looked up; until then, it has reserved as much as before.
    """

    call_id: int
    units: int | None
    tokens: int | None
    begun: bool = True
    final: bool = True


class Counters:
    """The statements for the counters of one database, for a transaction of the driver's connection."""

    def __init__(self, *, shared: bool, from_ledger: FromLedger) -> None:
        """`shared` is whether it is PostgreSQL."""
        self._rows = rows = Rows(shared=shared)
        self._shared = shared
        self._from_ledger = from_ledger
        table = _counters.name
        added = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in USED)
        self._add = rows.insert(_counters, _NAMES) + f" ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET {added}"
        self._begin = rows.insert(_counters, _NAMES) + " ON CONFLICT DO NOTHING"
        self._reserve = rows.insert(_reservations, ["call_id", "units", "tokens", "counters", "running"])
        used = ", ".join(f"c.{name}" for name in USED)
        self._select = f"SELECT c.budget_id, c.subject, c.slot, {used} FROM {table} c "  # noqa: S608 - own names

    def begin(
        self, connection: Any, beginnings: Iterable[Beginning], settlements: Iterable[Settlement]
    ) -> dict[_Key, Use]:
        """Settle calls that have ended, and answer those that begin. Returns what both add to counters, for `writes`.

        On PostgreSQL, others that need one of the same counters wait until this transaction has ended.
        """
        at = now()
        asking = [(one, one.request) for one in beginnings if one.request is not None]
        accounts = [accounts_of(request.budgets, request.facts, at) for _, request in asking]
        sessions = {
            _head(account): request.facts.session
            for (_, request), some in zip(asking, accounts, strict=True)
            for account in some
        }
        changes = self._settle(connection, settlements)
        found = self._read(connection, [account for some in accounts for account in some], sessions, changes)
        for key, use in changes.items():
            found[key].add(use)
        for (one, request), some in zip(asking, accounts, strict=True):
            one.answer = decide([(account, _total(found, account)) for account in some], request.demand, at)
            if isinstance(one.answer, Demand):
                one.counters = [_slot(account) for account in some]
                for key, use in _reserved(one.answer, one.counters):
                    changes[key].add(use)
                    found[key].add(use)
        return changes

    def writes(self, beginnings: Iterable[Beginning], changes: dict[_Key, Use]) -> list[tuple[str, list[Row]]]:
        """Return the statements, each with its rows, that write what calls have reserved that may begin."""
        reserved = [
            (one.entry.id, one.answer.units or 0, one.answer.tokens or 0, json.dumps(one.counters), True)
            for one in beginnings
            if isinstance(one.answer, Demand)
        ]
        return [(self._reserve, reserved), (self._add, _changed(changes))]

    def settle(self, connection: Any, settlements: Iterable[Settlement]) -> None:
        """Replace reservations by what calls have cost. One that is settled already is left as it is."""
        self._rows.execute(connection, self._add, _changed(self._settle(connection, settlements)))

    def _settle(self, connection: Any, settlements: Iterable[Settlement]) -> dict[_Key, Use]:
        """End reservations. Returns what counters change by."""
        changes: dict[_Key, Use] = defaultdict(Use)
        wanted = {one.call_id: one for one in settlements}
        for call_id, units, tokens, counters, running in self._reservations(connection, wanted) if wanted else ():
            one = wanted[call_id]
            change = _settled(one, units, tokens) if one.final else Use()
            for budget, subject, slot in json.loads(counters):
                if running:
                    changes[budget, subject, HEAD].add(Use(running=-1))
                if slot != HEAD:
                    changes[budget, subject, slot].add(change)
        return changes

    def _reservations(self, connection: Any, wanted: dict[int, Settlement]) -> Iterable[tuple[Any, ...]]:
        """Remove the reservations that end, or note that their calls go on no longer. Returns them as they were."""
        names = "call_id, units, tokens, counters, running"
        table = _reservations.name
        final = [number for number, one in wanted.items() if one.final]
        others = [number for number, one in wanted.items() if not one.final]
        if self._shared:
            ended = f"DELETE FROM {table} WHERE call_id = ANY(%s) RETURNING {names}"  # noqa: S608 - own names
            waits = f"UPDATE {table} SET running = false WHERE call_id = ANY(%s) AND running RETURNING {names}"  # noqa: S608
            yield from connection.execute(ended, [final]).fetchall() if final else ()
            for row in connection.execute(waits, [others]).fetchall() if others else ():
                yield (*row[:4], True)
            return
        for statement, ids in (
            (f"DELETE FROM {table} WHERE call_id = ?", final),  # noqa: S608
            (f"UPDATE {table} SET running = 0 WHERE call_id = ?", others),  # noqa: S608
        ):
            yield from self._rows.select(connection, _reservations, names, "call_id", ids)
            connection.executemany(statement, [(number,) for number in ids])

    def _read(
        self,
        connection: Any,
        accounts: Sequence[Account],
        sessions: dict[tuple[int, str], str | None],
        others: Iterable[_Key],
    ) -> dict[_Key, Use]:
        """Return the counters that accounts need, those that are missing begun, and all their heads locked.

        The heads of `others` are locked, too: all at once, in the same order in all processes.
        """
        if not accounts:
            return defaultdict(Use)
        spans = {(*_head(one), *_span(one)) for one in accounts} | {(*key[:2], 0, HEAD) for key in others}
        found = self._locked(connection, sorted(spans))
        needed = [one for one in accounts if _slot(one) not in found]
        if needed:  # they may have been inserted while this waited for the lock
            self._add_heads(connection, {_head(one): one for one in needed}, sessions, found)
            found |= self._locked(connection, sorted({(*_head(one), *_span(one)) for one in needed}))
        return found

    def _add_heads(
        self,
        connection: Any,
        accounts: dict[tuple[int, str], Account],
        sessions: dict[tuple[int, str], str | None],
        found: dict[_Key, Use],
    ) -> None:
        """Begin the counters that are missing, with what the ledger has."""
        for key in sorted(key for key in accounts if (*key, HEAD) not in found):
            rows = [(*key, HEAD, *_used(Use()))]
            # Another process may have begun it meanwhile: the head, which all have, tells.
            if self._rows.execute(connection, self._begin, rows).rowcount:
                earlier = self._from_ledger(accounts[key], sessions[key])
                rows = [(*key, slot, *_used(use)) for slot, use in earlier.items()]
                self._rows.execute(connection, self._begin, rows)

    def _locked(self, connection: Any, spans: Sequence[tuple[int, str, int, int]]) -> dict[_Key, Use]:
        """Return counters: of each budget and subject the head and a span of slots. They stay locked."""
        where = f"c.slot = {HEAD} OR c.slot BETWEEN"
        if not self._shared:
            query = f"{self._select} WHERE c.budget_id = ? AND c.subject = ? AND ({where} ? AND ?)"
            return _by_key(row for span in spans for row in connection.execute(query, span).fetchall())
        query = (
            f"{self._select} JOIN unnest(%s::int[], %s::text[], %s::bigint[], %s::bigint[]) "
            "AS k(budget_id, subject, first, last) USING (budget_id, subject) "
            f"WHERE {where} k.first AND k.last ORDER BY c.budget_id, c.subject, c.slot FOR UPDATE OF c"
        )
        columns = [list(column) for column in zip(*spans, strict=True)]
        return _by_key(connection.execute(query, columns).fetchall())


def _by_key(rows: Iterable[tuple[Any, ...]]) -> dict[_Key, Use]:
    found: dict[_Key, Use] = defaultdict(Use)
    found.update({row[:3]: Use(*row[3:]) for row in rows})
    return found


def _head(account: Account) -> tuple[int, str]:
    return account.budget.number, account.subject


def _slot(account: Account) -> _Key:
    return (*_head(account), HEAD if account.slot is None else account.slot.number)


def _span(account: Account) -> tuple[int, int]:
    """Return the first and the last slot of an account's window; an empty span if nothing is counted."""
    return (0, HEAD) if account.slot is None else (account.slot.since, account.slot.number)


def _changed(changes: dict[_Key, Use]) -> list[Row]:
    """Return rows to be added to counters, in an order that is the same in all processes."""
    return [(*key, *used) for key in sorted(changes) if any(used := _used(changes[key]))]


def _total(found: dict[_Key, Use], account: Account) -> Use:
    """Return what was used in an account's window."""
    total = Use(running=found[(*_head(account), HEAD)].running)
    if account.slot is not None:
        for slot in account.slot.numbers:
            use = found.get((*_head(account), slot))
            if use is not None:
                total.add(use)
    return total


def _reserved(granted: Demand, keys: Iterable[_Key]) -> Iterator[tuple[_Key, Use]]:
    """Yield what a call that may begin adds to its counters."""
    for budget, subject, slot in keys:
        yield (budget, subject, HEAD), Use(running=1)
        if slot != HEAD:
            yield (budget, subject, slot), Use(0, granted.units or 0, 0, granted.tokens or 0, 1)


def _settled(one: Settlement, units: int, tokens: int) -> Use:
    """Return what a counter's use changes by when a reservation is replaced by what the call cost."""
    return Use(
        spent=units if one.units is None else one.units,
        reserved=-units,
        tokens=tokens if one.tokens is None else one.tokens,
        reserved_tokens=-tokens,
        calls=0 if one.begun else -1,
    )
