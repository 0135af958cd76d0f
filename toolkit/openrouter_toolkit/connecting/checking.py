"""Checks keys before they are stored: whether they can be keys, work, and belong in their fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..accounts import Credentials, MemoryAccounts, unusable
from ..envelope import Envelope
from ..execution.hooks import Hooks
from ..execution.toolset import Toolset
from ..manifest import AuthField, LoadedToolkit
from ..registry import ToolRegistry
from ..text.sanitize import quoted, short_name

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
    refusals: dict[str, str] = field(default_factory=dict)
    unsure: bool = False
    unknown: frozenset[str] = frozenset()
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether the values may be stored."""
        return not self.refusals


def check(loaded: LoadedToolkit, values: Mapping[str, str], client_options: Mapping[str, Any] | None = None) -> Checked:
    """Verify values for the auth scheme's fields with the manifest's `verify` action.

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
    keys = {*(field.name for field in loaded.auth.keys), *(action.credential for action in loaded.actions)}
    other_values = {name: value for name, value in given.items() if name not in keys}
    complete = all(name in given or name in keys or not definition.required for name, definition in fields.items())
    refusals: dict[str, str] = {}
    facts: dict[str, dict[str, Any]] = {}
    unsure = False
    unknown_keys: set[str] = set()
    for name, definition in fields.items():
        value = given.get(name)
        is_key = definition.secret and not loaded.client_takes_credentials
        wrong = unusable(value) if value is not None and is_key else None
        if value is None and definition.required:
            refusals[name] = f"{definition.title} is needed.{_where_to_get(definition)}"
        elif wrong is not None:
            refusals[name] = f"This can't be a key: {wrong}.{_where_to_get(definition)}"
        elif value is not None and name in keys and complete and loaded.auth.verify is not None:
            envelope = _verify(loaded, {**other_values, name: value}, name, client_options)
            answer = _parse_object(envelope.data)
            if envelope.successful:
                refusal = loaded.check(name, answer) if loaded.check is not None else None
            else:
                refusal, temporary = _refusal_reason(loaded, definition, answer)
                unsure = unsure or temporary
                if _key_is_refused(answer):
                    unknown_keys.add(name)
            if refusal is None:
                facts[name] = answer["data"] if isinstance(answer.get("data"), dict) else answer
            else:
                refusals[name] = refusal
    return Checked(Credentials(given), refusals, unsure, frozenset(unknown_keys), facts)


def _verify(
    loaded: LoadedToolkit, values: Mapping[str, str], key: str, client_options: Mapping[str, Any] | None
) -> Envelope:
    """Call the verify action with one key, for any field."""
    slug = loaded.auth.verify or ""
    action = next(action for action in loaded.actions if action.slug == slug)
    # The action takes its key from this field only, so the key to verify replaces the usual one there.
    key_field = action.credential or loaded.auth.key.name
    others = {name: value for name, value in values.items() if name != key}
    accounts = MemoryAccounts({_USER_ID: {**others, key_field: values[key]}})
    everything = Toolset(loaded.actions)
    with ToolRegistry(loaded, everything, accounts=accounts, hooks=Hooks(), client_options=client_options) as registry:
        return registry.execute(slug, loaded.auth.verify_arguments, user_id=_USER_ID, timeout=_TIMEOUT)


def _refusal_reason(loaded: LoadedToolkit, definition: AuthField, answer: Mapping[str, Any]) -> tuple[str, bool]:
    """Return why a key did not pass, and whether the failure may be temporary."""
    found = answer.get("error")
    error = found if isinstance(found, dict) else {}
    name, message = loaded.toolkit.name, str(error.get("message") or "no reason was given").rstrip(".")
    reported = f"{name} said: {quoted(message)}."
    if _key_is_refused(answer):
        return f"{name} refused this key: it is wrong, revoked or expired. {reported}{_where_to_get(definition)}", False
    if _status(answer) == 403:
        return f"{name} does not let this key be used. {reported}{_where_to_get(definition)}", False
    return f"It could not be checked: {short_name(message, 200)}. Try again later.", True


def _key_is_refused(answer: Mapping[str, Any]) -> bool:
    """Whether the API itself refused the key, and not a proxy."""
    error = answer.get("error")
    if not isinstance(error, dict) or error.get("refused_by"):
        return False
    return error.get("status") == 401 and error.get("type") == "authentication"


def _status(answer: Mapping[str, Any]) -> object:
    error = answer.get("error")
    return error.get("status") if isinstance(error, dict) else None


def _where_to_get(definition: AuthField) -> str:
    return f" Copy it again, or make a new one at {definition.link}." if definition.link else ""


def _parse_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
