"""Checks new keys for an existing account; its other optional keys are kept if they still work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..accounts import Credentials
from ..manifest import LoadedToolkit
from ..store import ConnectedAccount, SealBroken, Store
from .checking import Checked, check


def check_for(store: Store, loaded: LoadedToolkit, account: ConnectedAccount, given: Mapping[str, str]) -> Checked:
    """Check the given values, and the account's optional keys that `given` does not replace.

    An optional key that no longer passes is left out, and does not refuse the given values.

    Raises:
        ValueError: `given` has an unknown field name.
    """
    entered = {name: value for name, value in given.items() if value.strip()}
    existing = {name: value for name, value in _optional_keys(store, loaded, account).items() if name not in entered}
    checked = check(loaded, {**existing, **entered})
    rejected = {name: reason for name, reason in checked.refusals.items() if name in existing}
    if not rejected or checked.unsure:
        return checked
    return replace(
        checked,
        values=Credentials({name: value for name, value in checked.values.items() if name not in rejected}),
        refusals={name: reason for name, reason in checked.refusals.items() if name not in rejected},
        left_out=rejected,
    )


def _optional_keys(store: Store, loaded: LoadedToolkit, account: ConnectedAccount) -> dict[str, str]:
    """Return an account's optional keys; none if they can no longer be decrypted."""
    stored: Mapping[str, str]
    try:
        stored = store.accounts.credentials(account.id) or {}
    except SealBroken:
        return {}
    return {
        field.name: stored[field.name] for field in loaded.auth.fields if not field.required and field.name in stored
    }
