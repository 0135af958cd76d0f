"""Keys tried before they are stored: whether they can be keys, whether they work, whether they fit their fields."""

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

_SECONDS = 30.0
_USER = "check"


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a check.

    Attributes:
        values: the values by field name, without the white space around them and without empty ones: what to store.
        refusals: for each field that must not be stored, why, and what to do about it.
        unsure: whether a field could not be asked about (the network, the API): the same values may pass later.
        unknown: the fields whose key the API itself refuses: it does not know it any more (401).
        facts: for each field that passed, what the API told about its key, as it told it: `label`, `limit`,
            `limit_remaining`, `usage`, `expires_at` and so on for OpenRouter, in US dollars.
        left_out: for each optional key that the account had and that does not pass any more, why.
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
    """Try values for the auth scheme's fields with the manifest's `verify` action.

    Each key is tried on its own: the account's, and each that only some actions prefer. What else belongs to the
    account, such as a subdomain or a user's name, goes with each of them.

    No connected account is read or changed, and no hook or toolset has a say: the values are held by a registry of
    their own, which ends with the check. A call takes at most 30 s.

    Raises:
        ValueError: `values` has a name that is no field.
    """
    fields = {field.name: field for field in loaded.auth.fields}
    unknown = [name for name in values if name not in fields]
    if unknown:
        raise ValueError(f"{loaded.toolkit.name} has no field {', '.join(map(repr, unknown))}")
    given = {name: value.strip() for name, value in values.items() if value.strip()}
    keys = {*(field.name for field in loaded.auth.keys), *(action.credential for action in loaded.actions)}
    beside = {name: value for name, value in given.items() if name not in keys}
    complete = all(name in given or name in keys or not wanted.required for name, wanted in fields.items())
    refusals: dict[str, str] = {}
    facts: dict[str, dict[str, Any]] = {}
    unsure = False
    gone: set[str] = set()
    for name, wanted in fields.items():
        value = given.get(name)
        is_key = wanted.secret and not loaded.client_takes_credentials
        wrong = unusable(value) if value is not None and is_key else None
        if value is None and wanted.required:
            refusals[name] = f"{wanted.title} is needed.{_made_at(wanted)}"
        elif wrong is not None:
            refusals[name] = f"This can't be a key: {wrong}.{_made_at(wanted)}"
        elif value is not None and name in keys and complete and loaded.auth.verify is not None:
            envelope = _asked(loaded, {**beside, name: value}, name, client_options)
            answer = _object(envelope.data)
            if envelope.successful:
                refusal = loaded.check(name, answer) if loaded.check is not None else None
            else:
                refusal, passing = _refusal(loaded, wanted, answer)
                unsure = unsure or passing
                if _key_is_refused(answer):
                    gone.add(name)
            if refusal is None:
                facts[name] = answer["data"] if isinstance(answer.get("data"), dict) else answer
            else:
                refusals[name] = refusal
    return Checked(Credentials(given), refusals, unsure, frozenset(gone), facts)


def _asked(
    loaded: LoadedToolkit, values: Mapping[str, str], key: str, client_options: Mapping[str, Any] | None
) -> Envelope:
    """What the verify action answers for one key, whichever field it is meant for."""
    slug = loaded.auth.verify or ""
    action = next(action for action in loaded.actions if action.slug == slug)
    # The action takes its key from this field alone, so the one to be tried is there in place of the usual one.
    used = action.credential or loaded.auth.key.name
    others = {name: value for name, value in values.items() if name != key}
    accounts = MemoryAccounts({_USER: {**others, used: values[key]}})
    everything = Toolset(loaded.actions)
    with ToolRegistry(loaded, everything, accounts=accounts, hooks=Hooks(), client_options=client_options) as registry:
        return registry.execute(slug, loaded.auth.verify_arguments, user_id=_USER, timeout=_SECONDS)


def _refusal(loaded: LoadedToolkit, wanted: AuthField, answer: Mapping[str, Any]) -> tuple[str, bool]:
    """Why a key did not pass, and whether that may be different later."""
    found = answer.get("error")
    error = found if isinstance(found, dict) else {}
    name, message = loaded.toolkit.name, str(error.get("message") or "no reason was given").rstrip(".")
    said = f"{name} said: {quoted(message)}."
    if _key_is_refused(answer):
        return f"{name} refused this key: it is wrong, revoked or expired. {said}{_made_at(wanted)}", False
    if _status(answer) == 403:
        return f"{name} does not let this key be used. {said}{_made_at(wanted)}", False
    return f"It could not be checked: {short_name(message, 200)}. Try again later.", True


def _key_is_refused(answer: Mapping[str, Any]) -> bool:
    """Whether the API itself says so, and not a proxy on the way."""
    error = answer.get("error")
    if not isinstance(error, dict) or error.get("refused_by"):
        return False
    return error.get("status") == 401 and error.get("type") == "authentication"


def _status(answer: Mapping[str, Any]) -> object:
    error = answer.get("error")
    return error.get("status") if isinstance(error, dict) else None


def _made_at(wanted: AuthField) -> str:
    return f" Copy it again, or make a new one at {wanted.link}." if wanted.link else ""


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
