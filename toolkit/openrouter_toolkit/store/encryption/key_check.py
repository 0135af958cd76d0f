"""Chooses the master keys of a store, and checks that they are the ones that its values are encrypted with."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from ..columns import now
from ..database import Database
from ..errors import MasterKeyError
from ..tables import MasterKeyRow
from . import key_providers
from .key_providers import MASTER_KEY
from .keys import HOW_TO_MAKE_ONE, MasterKey
from .sealing import Sealer

_CHANGED_NOTHING = "Nothing was changed."


def read_proofs(session: Session) -> dict[str, str]:
    """Return id and proof of the keys that encrypt the store's values; empty if the store has no tables yet."""
    if not inspect(session.connection()).has_table(MasterKeyRow.__tablename__):
        return {}
    return {row.key_id: row.proof for row in session.scalars(select(MasterKeyRow))}


def choose(database: Database, proofs: Mapping[str, str], given: Sequence[MasterKey] | None) -> tuple[MasterKey, ...]:
    """Return the keys to use: those given, else the environment's, else those of the user's key providers.

    An empty local store gets a new key if there is none. A database that several machines may share needs a key that
    is given or in the environment, since each machine would create another one.

    Raises:
        MasterKeyError: there is no key, or the keys are not those that the store is encrypted with.
    """
    keys = tuple(given) if given is not None else key_providers.in_environment()
    failures: list[str] = []
    if not keys and not database.shared:
        keys = _from_providers(proofs, failures)
    if not keys and not proofs:
        if database.shared:
            raise MasterKeyError(
                f"A {database.name} may be shared, so its master key has to be stated, the same for all who use it: "
                f"set {MASTER_KEY}. {HOW_TO_MAKE_ONE}"
            )
        keys = key_providers.create_key()
    missing = ", ".join(name for name in proofs if name not in {key.id for key in keys})
    if missing:
        searched = "; ".join([f"{MASTER_KEY} is not set", *failures])
        advice = f"Set {MASTER_KEY} to it."
        if keys:
            searched = f"given: {', '.join(key.id for key in keys)}"
            advice = (
                f"Give that one too: {MASTER_KEY} takes several, parted by commas; the first seals, all of them open."
            )
        raise MasterKeyError(
            f"The {database.name} is sealed with the master key {missing}, which isn't there ({searched}). "
            f"{_CHANGED_NOTHING} {advice} Without it the connected accounts can't be read: "
            "who has lost it moves the database away and connects the accounts again."
        )
    for key in keys:
        if key.id in proofs and not hmac.compare_digest(proof(key).encode(), proofs[key.id].encode()):
            raise MasterKeyError(
                f"The {database.name} has a wrong proof of the master key {key.id}. {_CHANGED_NOTHING}"
            )
    return keys


def _from_providers(proofs: Mapping[str, str], failures: list[str]) -> tuple[MasterKey, ...]:
    """Return the keys of the first provider that has a key of the store; for a new store, of the first that has any."""
    for provider, found in key_providers.read_all(failures):
        if found and (not proofs or any(key.id in proofs for key in found)):
            return found
        failures.append(f"{provider.name} has {'another key' if found else 'none'}")
    return ()


def proof(key: MasterKey) -> str:
    """Return an HMAC that only an owner of the key can compute: 64 hexadecimal digits."""
    return hmac.digest(key.derive("store: proof of a key"), key.id.encode(), "sha256").hex()


def register(database: Database, session: Session, key: MasterKey) -> None:
    """Record that values may be encrypted with a key from now on."""
    session.execute(database.insert_missing(MasterKeyRow, key_id=key.id, proof=proof(key), added_at=now()))


def lock_key(session: Session, sealer: Sealer) -> None:
    """Lock the encrypting key, so that no rotation retires it before the transaction ends. Call before encrypting.

    Raises:
        MasterKeyError: the key was retired, and no key provider has the new one.
    """
    for _ in range(2):
        query = select(MasterKeyRow.key_id).where(MasterKeyRow.key_id == sealer.keys[0].id)
        if session.scalar(query.with_for_update(read=True)) is not None:
            return
        if not sealer.renew(read_proofs(session)):
            break
    raise MasterKeyError(f"The master key {sealer.keys[0].id} was retired. Start the program again, with the new one.")
