"""Keys that were entered, tried before they are kept; those that an account has beside them stay."""

from __future__ import annotations

from collections.abc import Mapping

from ...connecting import Checked, check
from ...manifest import LoadedToolkit
from ...store import ConnectedAccount, SealBroken, Store


def tried(store: Store, loaded: LoadedToolkit, account: ConnectedAccount, given: Mapping[str, str]) -> Checked:
    """The keys for an account, tried: those given, and optional ones that it has and that were not given anew.

    One of these that does not work any more is left out, and not held against what was given.
    """
    entered = {name: value for name, value in given.items() if value.strip()}
    kept = {name: value for name, value in _optional(store, loaded, account).items() if name not in entered}
    checked = check(loaded, {**kept, **entered})
    lost = checked.refusals.keys() & kept.keys()
    if lost and not checked.unsure:
        checked = check(loaded, {name: value for name, value in {**kept, **entered}.items() if name not in lost})
    return checked


def _optional(store: Store, loaded: LoadedToolkit, account: ConnectedAccount) -> dict[str, str]:
    """The optional keys that an account has; none where they can't be opened any more."""
    held: Mapping[str, str]
    try:
        held = store.accounts.credentials(account.id) or {}
    except SealBroken:
        return {}
    return {field.name: held[field.name] for field in loaded.auth.fields if not field.required and field.name in held}
