"""Master key rotation: encrypts every value with the first key, then retires the other keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import sleep
from typing import Any

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import InstrumentedAttribute

from .. import account, links, webhooks
from ..audit.record import Change
from ..database import Database
from ..errors import SealBroken
from ..tables import AccountRow, LinkRow, MasterKeyRow, WebhookRow
from .key_check import lock_key
from .sealing import Sealer

BATCH = 100
# Seconds between two batches, so that other writers get their turn.
_BATCH_PAUSE = 0.01
# All encrypted columns, and the functions that return a row's associated data.
_Column = InstrumentedAttribute[str | None]
_ENCRYPTED_COLUMNS: tuple[tuple[_Column, Callable[[Any], tuple[str, ...]]], ...] = (
    (AccountRow.sealed, account.associated_data),
    (LinkRow.verifier, links.associated_data),
    (WebhookRow.sealed, webhooks.associated_data),
)


@dataclass(frozen=True)
class Rotated:
    """The result of a rotation.

    Attributes:
        resealed: how many values were encrypted again.
        unreadable: ids of accounts, links and webhooks that no key decrypts. While there are any, no key is retired.
        retired: ids of the retired keys, which no value needs now.
    """

    resealed: int
    unreadable: tuple[str, ...]
    retired: tuple[str, ...]


def rotate(database: Database, sealer: Sealer, on_batch: Callable[[int], None] | None = None) -> Rotated:
    """Encrypt all values with the first of the sealer's keys, in batches, and retire the other keys.

    It may be killed at any time and started again: until it ends, the old and new keys together decrypt all values.
    Other processes can read and write during it, if they have both keys or find the new one in a key provider.
    `on_batch` is called with the number of values encrypted so far.

    Raises:
        MasterKeyError: the first key was retired meanwhile.
        StoreUnavailable: the database can't be used.
    """
    resealed = 0
    unreadable: set[str] = set()
    while True:
        for column, associated_data in _ENCRYPTED_COLUMNS:
            last = ""
            while True:
                with database.write(audited=False) as session:
                    lock_key(session, sealer)
                    row_id = column.class_.id
                    query = _select_old(column, sealer).where(row_id > last).order_by(row_id).limit(BATCH)
                    rows = session.scalars(query.with_for_update()).all()
                    done = [row for row in rows if _reencrypt(sealer, row, column, associated_data(row))]
                if not rows:
                    break
                last = rows[-1].id
                resealed += len(done)
                unreadable |= {row.id for row in rows if row not in done}
                if on_batch is not None:
                    on_batch(resealed)
                sleep(_BATCH_PAUSE)
        retired = _retire(database, sealer, unreadable)
        if retired is not None:
            return Rotated(resealed, tuple(sorted(unreadable)), retired)


def _select_old(column: _Column, sealer: Sealer) -> Select[Any]:
    """Select the rows whose values are encrypted with another key than the first."""
    return select(column.class_).where(column.is_not(None), ~column.startswith(sealer.prefix, autoescape=True))


def _reencrypt(sealer: Sealer, row: Any, column: _Column, associated_data: tuple[str, ...]) -> bool:
    try:
        plaintext = sealer.open(getattr(row, column.key), *associated_data)
    except SealBroken:
        return False
    setattr(row, column.key, sealer.seal(plaintext, *associated_data))
    return True


def _retire(database: Database, sealer: Sealer, unreadable: set[str]) -> tuple[str, ...] | None:
    """Delete all keys but the first and return their ids; return None if values with old keys have appeared."""
    with database.write(audited=False) as session:
        # A transaction that encrypts has its key locked (key_check.lock_key): wait for it, and block new ones.
        keys = session.scalars(select(MasterKeyRow.key_id).with_for_update()).all()
        remaining: set[str] = set()
        for column, associated_data in _ENCRYPTED_COLUMNS:
            # Values encrypted meanwhile. Locked rows are skipped: their transactions wait for the key (a deadlock).
            for row in session.scalars(_select_old(column, sealer).with_for_update(skip_locked=True)):
                _reencrypt(sealer, row, column, associated_data(row))
            session.flush()
            remaining |= {row.id for row in session.scalars(_select_old(column, sealer))}
        if remaining:
            return () if remaining <= unreadable else None
        retired = tuple(sorted(set(keys) - {sealer.keys[0].id}))
        if retired:
            session.execute(delete(MasterKeyRow).where(MasterKeyRow.key_id.in_(retired)))
            new = sealer.keys[0].id
            database.record(session, Change("key.rotated", new, after={"retired": retired}))
        return retired
