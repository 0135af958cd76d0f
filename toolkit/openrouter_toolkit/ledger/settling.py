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
from .entry import INTERRUPTED, KNOWN, UNFINISHED, UNKNOWN, Entry, began_at, first_id_at, to_units
from .running import COLUMNS as RUNNING
from .running import RunningCalls

# Statistics appear some seconds after a generation has ended.
_NOT_BEFORE = timedelta(seconds=5)
# A call that has not ended after this time was lost with its process.
_LOST_AFTER = timedelta(hours=6)
# Calls of this age are looked up each time, and twice as old ones every second time.
_OFTEN_WITHIN = timedelta(minutes=10)
_GIVE_UP_AFTER = timedelta(days=3)
_STATISTICS = "OPENROUTER_GET_GENERATION"
_TIMEOUT = 30.0
_AGENT = "ledger"

# Returns the statistics of a generation, by its id, the user and the account of the call.
LookUp = Callable[[str, str, str | None], Envelope]


def by_registry(execute: Callable[..., Envelope]) -> LookUp:
    """Return a function that looks statistics up by a registry's `execute`, with the account that made the call."""

    def look_up(generation_id: str, user_id: str, account_id: str | None) -> Envelope:
        return execute(
            _STATISTICS,
            {"id": generation_id},
            user_id=user_id,
            account_id=account_id,
            timeout=_TIMEOUT,
            agent=_AGENT,
        )

    return look_up


def settle(database: Database, batches: Batches, running: RunningCalls, look_up: LookUp, *, limit: int) -> int:
    """Settle the newest calls that are not settled; see `Ledger.settle`. Several processes may do it at once."""
    at = now()
    with database.read() as session:
        ended = calls.unsettled(session, limit, before=first_id_at(at - _NOT_BEFORE))
    lost = running.find([RUNNING.id < first_id_at(at - _LOST_AFTER)], limit)
    settled = 0
    for entry in (*ended, *lost):
        if random() > _OFTEN_WITHIN / (at - began_at(entry.id)):  # noqa: S311 - the older, the more seldom
            continue
        after = _settled(entry, look_up, at)
        if after is not None and _replace(database, batches, running, entry, after):
            settled += 1
    return settled


def may_be_given_up(entry: Entry) -> bool:
    """Whether a call took so long that it may have been taken for one that was lost with its process."""
    return (entry.milliseconds or 0) >= _LOST_AFTER / timedelta(milliseconds=1)


def _replace(database: Database, batches: Batches, running: RunningCalls, entry: Entry, after: Entry) -> bool:
    """Write a call that was settled, unless another process has changed it. Returns whether it was written."""
    is_running = entry.error_type == UNFINISHED
    with database.write(counts_as_change=False) as session:
        before = calls.locked(session, entry.id)
        is_same = before is None if is_running else before == entry
        if is_same:
            batches.write_in(session.connection().connection.driver_connection, [Change(after, before)])
    if is_running:
        running.remove([entry.id])
    return is_same


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
        return None
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
