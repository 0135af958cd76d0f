"""Master keys changed: every sealed value is sealed anew with the first key, then the others are retired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import sleep
from typing import Any

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import InstrumentedAttribute

from .. import account, links
from ..database import Database
from ..errors import SealBroken
from ..tables import AccountRow, LinkRow, MasterKeyRow
from .key_check import hold
from .sealing import Sealer

BATCH = 100
# Seconds between two batches, so that others get to write too.
_PAUSE = 0.01
# Everything that is sealed: the table, its column, and what a row's value is bound to.
_SEALED: tuple[tuple[Any, InstrumentedAttribute[str | None], Callable[[Any], tuple[str, ...]]], ...] = (
    (AccountRow, AccountRow.sealed, account.place),
    (LinkRow, LinkRow.verifier, links.place),
)


@dataclass(frozen=True)
class Rotated:
    """What a rotation did.

    Attributes:
        resealed: how many values were sealed anew.
        unreadable: ids of accounts and links whose values no key opens. While there are any, no key is retired.
        retired: ids of the keys that open nothing any more.
    """

    resealed: int
    unreadable: tuple[str, ...]
    retired: tuple[str, ...]


def rotate(database: Database, sealer: Sealer, on_batch: Callable[[int], None] | None = None) -> Rotated:
    """Seal everything with the first of the sealer's keys, in batches, and retire the others.

    It may be killed at any time and begun again: until it ends, the old keys and the new one together open all.
    Others may read and write meanwhile, if they have both keys or find the new one where keys are kept. `on_batch` is
    called with the number of values sealed so far.
    """
    resealed = 0
    unreadable: set[str] = set()
    while True:
        for table, column, place in _SEALED:
            last = ""
            while True:
                with database.write() as session:
                    hold(session, sealer)
                    chosen = _old(table, column, sealer).where(table.id > last).order_by(table.id).limit(BATCH)
                    rows = session.scalars(chosen.with_for_update()).all()
                    done = [row for row in rows if _reseal(sealer, row, column, place(row))]
                if not rows:
                    break
                last = rows[-1].id
                resealed += len(done)
                unreadable |= {row.id for row in rows if row not in done}
                if on_batch is not None:
                    on_batch(resealed)
                sleep(_PAUSE)
        retired = _retire(database, sealer, unreadable)
        if retired is not None:
            return Rotated(resealed, tuple(sorted(unreadable)), retired)


def _old(table: Any, column: InstrumentedAttribute[str | None], sealer: Sealer) -> Select[Any]:
    """The rows whose values are sealed with another key than the first."""
    return select(table).where(column.is_not(None), ~column.startswith(sealer.prefix, autoescape=True))


def _reseal(sealer: Sealer, row: Any, column: InstrumentedAttribute[str | None], place: tuple[str, ...]) -> bool:
    try:
        plain = sealer.open(getattr(row, column.key), *place)
    except SealBroken:
        return False
    setattr(row, column.key, sealer.seal(plain, *place))
    return True


def _retire(database: Database, sealer: Sealer, unreadable: set[str]) -> tuple[str, ...] | None:
    """Forget all keys but the first; the ids of those forgotten. None when it has to be tried again."""
    with database.write() as session:
        # Whoever is sealing right now holds its key (key_check.hold): this waits for it, and nobody else begins.
        keys = session.scalars(select(MasterKeyRow.key_id).with_for_update()).all()
        left: set[str] = set()
        for table, column, place in _SEALED:
            # What was sealed since. Who has a row locked waits for the key: to wait for the row would be a deadlock.
            for row in session.scalars(_old(table, column, sealer).with_for_update(skip_locked=True)):
                _reseal(sealer, row, column, place(row))
            session.flush()
            left |= {row.id for row in session.scalars(_old(table, column, sealer))}
        if left:
            return () if left <= unreadable else None
        old = tuple(sorted(set(keys) - {sealer.keys[0].id}))
        session.execute(delete(MasterKeyRow).where(MasterKeyRow.key_id.in_(old)))
        return old
