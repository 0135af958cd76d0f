"""Whether the master keys at hand are those that the store was filled with; and which one a new store gets."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from ..clock import now
from ..database import Database
from ..errors import MasterKeyError
from ..tables import MasterKeyRow
from . import key_providers
from .key_providers import MASTER_KEY
from .keys import HOW_TO_MAKE_ONE, MasterKey
from .sealing import Sealer

_CHANGED_NOTHING = "Nothing was changed."


def known(session: Session) -> dict[str, str]:
    """The keys that the store's values are sealed with: id and proof. None in a store that isn't there yet."""
    if not inspect(session.connection()).has_table(MasterKeyRow.__tablename__):
        return {}
    return {row.key_id: row.proof for row in session.scalars(select(MasterKeyRow))}


def choose(database: Database, proofs: Mapping[str, str], given: Sequence[MasterKey] | None) -> tuple[MasterKey, ...]:
    """The keys to work with: those given, else the environment's, else those of the user's own places.

    For an empty store on this machine a key is made, where there is none. A database that several machines share
    takes keys that were stated, since each machine would make its own.

    Raises:
        MasterKeyError: there is no key, or they aren't the ones that the store was filled with.
    """
    keys = tuple(given) if given is not None else key_providers.in_environment()
    failures: list[str] = []
    if not keys and not database.shared:
        keys = _from_places(proofs, failures)
    if not keys and not proofs:
        if database.shared:
            raise MasterKeyError(
                f"A {database.name} may be shared, so its master key has to be stated, the same for all who use it: "
                f"set {MASTER_KEY}. {HOW_TO_MAKE_ONE}"
            )
        keys = key_providers.make()
    missing = [name for name in proofs if name not in {key.id for key in keys}]
    if missing:
        raise MasterKeyError(_wrong(database, keys, missing, failures))
    for key in keys:
        if key.id in proofs and not hmac.compare_digest(proof(key).encode(), proofs[key.id].encode()):
            raise MasterKeyError(
                f"The {database.name} has a wrong proof of the master key {key.id}. {_CHANGED_NOTHING}"
            )
    return keys


def proof(key: MasterKey) -> str:
    """What only somebody who has the key can write: 64 hexadecimal digits."""
    return hmac.digest(key.derive("store: proof of a key"), key.id.encode(), "sha256").hex()


def register(database: Database, session: Session, key: MasterKey) -> None:
    """Note that values may be sealed with a key from now on."""
    database.add_missing(session, MasterKeyRow, key_id=key.id, proof=proof(key), added_at=now())


def hold(session: Session, sealer: Sealer) -> None:
    """Make sure that the key that seals is not retired before the transaction ends. To be called by all who seal.

    Raises:
        MasterKeyError: it is retired already, and the new one isn't where keys are kept.
    """
    if not _held(session, sealer.keys[0]) and not (sealer.renew(known(session)) and _held(session, sealer.keys[0])):
        raise MasterKeyError(
            f"The master key {sealer.keys[0].id} was retired. Start the program again, with the new one."
        )


def _held(session: Session, key: MasterKey) -> bool:
    held = select(MasterKeyRow.key_id).where(MasterKeyRow.key_id == key.id).with_for_update(read=True)
    return session.scalar(held) is not None


def _from_places(proofs: Mapping[str, str], failures: list[str]) -> tuple[MasterKey, ...]:
    """The first place's keys that the store knows; for a new store, the first place's that has any."""
    for place in key_providers.places():
        try:
            found = place.read()
        except MasterKeyError as error:
            failures.append(str(error))
            continue
        if found and (not proofs or any(key.id in proofs for key in found)):
            return found
        failures.append(f"{place.name} has {'another key' if found else 'none'}")
    return ()


def _wrong(database: Database, keys: Sequence[MasterKey], missing: Sequence[str], failures: Sequence[str]) -> str:
    names = ", ".join(missing)
    if keys:
        looked = f"given: {', '.join(key.id for key in keys)}"
        advice = f"Give that one too: {MASTER_KEY} takes several, parted by commas; the first seals, all of them open."
    else:
        looked = "; ".join([f"{MASTER_KEY} is not set", *failures])
        advice = f"Set {MASTER_KEY} to it."
    return (
        f"The {database.name} is sealed with the master key {names}, which isn't there ({looked}). "
        f"{_CHANGED_NOTHING} {advice} Without it the connected accounts can't be read: "
        "who has lost it moves the database away and connects the accounts anew."
    )
