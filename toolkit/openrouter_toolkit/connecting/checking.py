"""Checks keys before they are stored: whether they can be keys, work, and belong in their fields."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..accounts import Credentials, MemoryAccounts, refuses_key, unusable
from ..call import Call
from ..envelope import ActionError, Envelope
from ..execution.hooks import Hooks
from ..execution.toolset import Toolset
from ..manifest import AuthField, LoadedToolkit
from ..registry import ToolRegistry
from ..text.json_text import json_or
from ..text.sanitize import quoted, short_name
from .foreign import why_foreign, why_too_much

if TYPE_CHECKING:  # the store is an extra, which `check` does not need
    from ..store import ConnectedAccount, Store

_TIMEOUT = 30.0
_USER_ID = "check"


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of a check.

    Attributes:
        values: the values to store by field name, without surrounding white space and without empty ones.
        refusals: for each field that must not be stored, the reason and what to do.
        unsure: whether a field could not be verified (network or API failure): the same values may pass later.
        unknown: the fields whose key the API itself refuses as unknown (401).
        facts: for each field that passed, the API's answer about its key: `label`, `limit`, `limit_remaining`,
            `usage`, `expires_at` and so on for OpenRouter, in US dollars.
        left_out: for each optional key of the account that no longer passes, the reason.
    """

    values: Credentials
    refusals: dict[str, str] = dataclasses.field(default_factory=dict)
    unsure: bool = False
    unknown: frozenset[str] = frozenset()
    facts: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    left_out: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether the values may be stored."""
        return not self.refusals


def check(loaded: LoadedToolkit, values: Mapping[str, str], client_options: Mapping[str, Any] | None = None) -> Checked:
    """Verify values for the auth scheme's fields with the manifest's `verify` action.

    Nothing is sent while one of them is plainly none of the toolkit's: a placeholder, or another service's key.

    Each key is verified separately: the main key, and each key that only some actions prefer. Other values of the
    account, such as a subdomain or a user name, are used with each of them.

    No connected account is read or changed, and no hooks or toolset apply: the check uses a temporary registry with
    these values. A call takes at most 30 s.

    Raises:
        ValueError: `values` has an unknown field name.
    """
    fields = {field.name: field for field in loaded.auth.fields}
    unknown = [name for name in values if name not in fields]
    if unknown:
        raise ValueError(f"{loaded.toolkit.name} has no field {', '.join(map(repr, unknown))}")
    given = {name: value.strip() for name, value in values.items() if value.strip()}
    keys = _key_fields(loaded)
    others = {name: value for name, value in given.items() if name not in keys}
    complete = all(name in given or name in keys or not field.required for name, field in fields.items())
    refusals = {name: why for name, field in fields.items() if (why := _unfit(loaded, field, given.get(name)))}
    if any(name in given for name in refusals):
        return Checked(Credentials(given), refusals)
    facts: dict[str, dict[str, Any]] = {}
    unsure, unknown_keys = False, set()
    for name, field in fields.items():
        value = given.get(name)
        if value is not None and name in keys and complete and loaded.auth.verify is not None:
            envelope = _verify(loaded, others, name, value, client_options)
            data = json_or(envelope.data)
            answer: dict[str, Any] = data if isinstance(data, dict) else {}
            error = envelope.action_error
            refusal = loaded.check(name, answer) if error is None and loaded.check is not None else None
            if error is not None:
                refusal = _refusal(loaded.toolkit.name, field, error)
                unsure = unsure or not (refuses_key(error) or error.status == 403)
                unknown_keys |= {name} if refuses_key(error) else set()
            if refusal is None:
                facts[name] = answer["data"] if isinstance(answer.get("data"), dict) else answer
            else:
                refusals[name] = refusal
    return Checked(Credentials(given), refusals, unsure, frozenset(unknown_keys), facts)


def _unfit(loaded: LoadedToolkit, field: AuthField, value: str | None) -> str | None:
    """Return why a value can't be used, as far as is known without asking the API; None if it may be."""
    if value is None:
        return f"{field.title} is needed.{_where_to_get(field)}" if field.required else None
    any_text = not field.secret or loaded.client_takes_any_value  # such a client judges passwords itself
    if field.prefix or not any_text:
        if too_much := why_too_much(field, value):
            return too_much
        if foreign := why_foreign(field, value):
            return f"{foreign}{_where_to_get(field)}"
    wrong = None if any_text else unusable(value)
    return None if wrong is None else f"This can't be a key: {wrong}.{_where_to_get(field)}"


def check_for(store: Store, loaded: LoadedToolkit, account: ConnectedAccount, given: Mapping[str, str]) -> Checked:
    """Check new values for an account, and its optional keys that `given` does not replace.

    An optional key that no longer passes, or can no longer be decrypted, is left out and does not refuse the others.

    Raises:
        ValueError: `given` has an unknown field name.
    """
    from ..store import SealBroken

    try:
        stored: Mapping[str, str] = store.accounts.credentials(account.id) or {}
    except SealBroken:
        stored = {}
    entered = {name: value for name, value in given.items() if value.strip()}
    optional = [field.name for field in loaded.auth.fields if not field.required]
    kept = {name: stored[name] for name in optional if name in stored and name not in entered}
    checked = check(loaded, {**kept, **entered})
    rejected = {name: reason for name, reason in checked.refusals.items() if name in kept}
    if not rejected or checked.unsure:
        return checked
    return replace(
        checked,
        values=Credentials({name: value for name, value in checked.values.items() if name not in rejected}),
        refusals={name: reason for name, reason in checked.refusals.items() if name not in rejected},
        left_out=rejected,
    )


def ask(loaded: LoadedToolkit, credentials: Mapping[str, str], call: Call) -> Envelope:
    """Return what the API answers about an account's main key, by the manifest's `verify` action, which it must have.

    No connected account is changed, whatever the answer is.
    """
    others = {name: value for name, value in credentials.items() if name not in _key_fields(loaded)}
    key = loaded.auth.key.name
    return _verify(loaded, others, key, credentials.get(key, ""), None, call)


def _key_fields(loaded: LoadedToolkit) -> set[str | None]:
    """Return the fields that can be the key of a call."""
    preferred = {*(one.credential for one in loaded.actions), *(one.credential for one in loaded.toolsets.values())}
    return {*(field.name for field in loaded.auth.keys), *preferred}


def _verify(
    loaded: LoadedToolkit,
    others: Mapping[str, str],
    name: str,
    key: str,
    client_options: Mapping[str, Any] | None,
    call: Call | None = None,
) -> Envelope:
    """Call the verify action with one key, for any field."""
    slug = loaded.auth.verify or ""
    action = loaded.find(slug)
    assert action is not None, "the manifest was checked"
    # The action takes its key from this field only, so the key to verify replaces the usual one there.
    accounts = MemoryAccounts({_USER_ID: {**others, action.credential or loaded.auth.key.name: key}})
    only = Toolset([action])
    with ToolRegistry(loaded, only, accounts=accounts, hooks=Hooks(), client_options=client_options) as registry:
        call = Call(timeout=_TIMEOUT) if call is None else call
        return registry.execute_call(slug, loaded.auth.verify_arguments, call, user_id=_USER_ID)


def _refusal(toolkit: str, field: AuthField, error: ActionError) -> str:
    """Return why a key did not pass, and what to do."""
    message = (error.message or "no reason was given").rstrip(".")
    if refuses_key(error):
        what = f"{toolkit} refused this key: it is wrong, revoked or expired."
    elif error.status == 403:
        what = f"{toolkit} does not let this key be used."
    else:
        if error.status is not None:
            return f"It could not be checked. {toolkit} said: {quoted(message)}. Try again later."
        return f"It could not be checked: {short_name(message, 200)}. Try again later."
    return f"{what} {toolkit} said: {quoted(message)}.{_where_to_get(field)}"


def _where_to_get(field: AuthField) -> str:
    return f" Copy it again, or make a new one at {field.link}." if field.link else ""
