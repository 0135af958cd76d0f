"""Keys for an account that is there already: those that it has beside the new ones stay, where they still work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..accounts import Credentials
from ..manifest import LoadedToolkit
from ..store import ConnectedAccount, SealBroken, Store
from .checking import Checked, check


def check_for(store: Store, loaded: LoadedToolkit, account: ConnectedAccount, given: Mapping[str, str]) -> Checked:
    """`check` of what is given, and of the optional keys that the account has and that are not given anew.

    One of these that does not pass any more is left out, and not held against what was given.

    Raises:
        ValueError: `given` has a name that is no field.
    """
    entered = {name: value for name, value in given.items() if value.strip()}
    kept = {name: value for name, value in _optional(store, loaded, account).items() if name not in entered}
    checked = check(loaded, {**kept, **entered})
    lost = {name: reason for name, reason in checked.refusals.items() if name in kept}
    if not lost or checked.unsure:
        return checked
    return replace(
        checked,
        values=Credentials({name: value for name, value in checked.values.items() if name not in lost}),
        refusals={name: reason for name, reason in checked.refusals.items() if name not in lost},
        left_out=lost,
    )


def _optional(store: Store, loaded: LoadedToolkit, account: ConnectedAccount) -> dict[str, str]:
    """The optional keys that an account has; none where they can't be opened any more."""
    held: Mapping[str, str]
    try:
        held = store.accounts.credentials(account.id) or {}
    except SealBroken:
        return {}
    return {field.name: held[field.name] for field in loaded.auth.fields if not field.required and field.name in held}
