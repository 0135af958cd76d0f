"""Settles calls whose answer did not tell what they cost: the API's statistics of the generation tell it later."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from random import random
from typing import Any

from ..envelope import Envelope
from ..store.columns import now
from ..store.database import Database
from . import calls
from .batch import Batches, Change
from .budgets import LedgerBudgets
from .counters import Settlement
from .entry import (
    FREE,
    INTERRUPTED,
    KNOWN,
    NOTHING,
    UNFINISHED,
    UNKNOWN,
    UNSETTLED,
    Entry,
    began_at,
    first_id_at,
    to_units,
)
from .running import SILENCE, RunningCalls
from .writer import Writer

# Statistics appear some seconds after a generation has ended.
_NOT_BEFORE = timedelta(seconds=5)
# Calls of this age are looked up each time, and twice as old ones every second time.
_OFTEN_WITHIN = timedelta(minutes=10)
_GIVE_UP_AFTER = timedelta(days=3)
# A generation that the API does not know after this time is none: the call failed before it began.
_MISSING_AFTER = timedelta(hours=1)
_STATISTICS = "OPENROUTER_GET_GENERATION"
_TIMEOUT = 30.0
_AGENT = "ledger"

# Returns the statistics of a generation, by its id, the user and the account of the call.
LookUp = Callable[[str, str, str | None], Envelope]


def by_registry(execute: Callable[..., Envelope], *, timeout: float = _TIMEOUT) -> LookUp:
    """Return a function that looks statistics up by a registry's `execute`, with the account that made the call."""

    def look_up(generation_id: str, user_id: str, account_id: str | None) -> Envelope:
        return execute(
            _STATISTICS,
            {"id": generation_id},
            user_id=user_id,
            account_id=account_id,
            timeout=timeout,
            agent=_AGENT,
        )

    return look_up


class Settling:
    """Settles calls that are not settled; see `Ledger.settle`. Several processes may do it at once."""

    def __init__(
        self, database: Database, batches: Batches, running: RunningCalls, writer: Writer, budgets: LedgerBudgets
    ) -> None:
        self._database = database
        self._budgets = budgets
        self._batches = batches
        self._running = running
        self._writer = writer

    def run(self, look_up: LookUp, limit: int) -> int:
        """Settle the newest calls. Returns for how many it is now clear what they cost."""
        at = now()
        with self._database.read() as session:
            ended = calls.unsettled(session, limit, before=first_id_at(at - _NOT_BEFORE))
        settled = 0
        for entry in (*ended, *self._running.find_lost(limit)):
            if random() > _OFTEN_WITHIN / (at - began_at(entry.id)):  # noqa: S311 - the older, the more seldom
                continue
            after = _settled(entry, look_up, at)
            if after is not None and self._replace(entry, after):
                settled += 1
        self._release(at, limit)
        self._writer.tidy([budget.number for budget in self._budgets.current()])
        return settled

    def _replace(self, entry: Entry, after: Entry) -> bool:
        """Write a call that was settled, unless another process has changed it. Returns whether it was written."""
        is_running = entry.error_type == UNFINISHED
        with self._database.write(counts_as_change=False) as session:
            before = calls.locked(session, entry.id)
            is_same = before is None if is_running else before == entry
            if is_same:
                connection = session.connection().connection.driver_connection
                self._batches.write_in(connection, [Change(after, before)])
        ended = after if is_same else before
        if ended is not None:
            self._writer.end(entry.id, settlement(ended))
        return is_same

    def _release(self, at: datetime, limit: int) -> None:
        """Settle what is still reserved for calls that ended otherwise: their process ended before it could."""
        for number in self._running.left_over(at - timedelta(seconds=SILENCE), limit):
            with self._database.read() as session:
                found = calls.ended(session, number)
            if found is None or found.billing != UNSETTLED:
                done = Settlement(number, None, None) if found is None else settlement(found)
                self._writer.end(number, done)


def may_be_given_up(entry: Entry) -> bool:
    """Whether a call took so long that it may have been taken for one that was lost with its process."""
    return (entry.milliseconds or 0) >= SILENCE * 1000


def settlement(entry: Entry) -> Settlement:
    """Return what a call that has ended has used of budgets."""
    tokens = None
    if entry.tokens_in is not None or entry.tokens_out is not None:
        tokens = (entry.tokens_in or 0) + (entry.tokens_out or 0)
    if entry.billing in (FREE, NOTHING):
        return Settlement(entry.id, 0, tokens or 0, begun=entry.attempts > 0)
    return Settlement(entry.id, entry.cost, tokens, final=entry.billing != UNSETTLED)


def _settled(entry: Entry, look_up: LookUp, at: datetime) -> Entry | None:
    """Return a call as it is when it is settled; None if its cost may be found out later."""
    after = copy.copy(entry)
    if after.error_type == UNFINISHED:
        after.error_type = INTERRUPTED
    after.billing = UNKNOWN
    if entry.generation_id is None:
        return after
    if at - began_at(entry.id) > _GIVE_UP_AFTER:
        return after
    envelope = look_up(entry.generation_id, entry.user_id, entry.account_id or None)
    statistics = _statistics(envelope)
    cost = to_units(statistics.get("total_cost"))
    if cost is None:
        error = envelope.action_error
        is_unknown_there = error is not None and error.status == 404 and at - began_at(entry.id) > _MISSING_AFTER
        return after if is_unknown_there else None
    after.cost, after.billing = cost, KNOWN
    after.model = after.model or _text(statistics.get("model"), 120)
    after.provider = after.provider or _text(statistics.get("provider_name"), 100)
    if after.tokens_in is None:
        after.tokens_in = _count(statistics.get("native_tokens_prompt"))
    if after.tokens_out is None:
        after.tokens_out = _count(statistics.get("native_tokens_completion"))
    return after


def _statistics(envelope: Envelope) -> Mapping[str, Any]:
    if not envelope.successful:
        return {}
    try:
        answer = envelope.json()
    except ValueError:
        return {}
    data = answer.get("data") if isinstance(answer, dict) else None
    return data if isinstance(data, dict) else {}


def _text(value: Any, length: int) -> str:
    return value[:length] if isinstance(value, str) and value.isprintable() else ""


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < 2**63 else None
