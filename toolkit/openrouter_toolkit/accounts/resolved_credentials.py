"""Resolves the credentials of a call: the user's, if they are connected and can be used."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ..envelope import ActionError
from ..text.redaction import redact_thoroughly, redacted_traceback, spellings
from ..text.sanitize import quoted
from .credentials import Accounts, Credentials, TracksUse, tracker_of, unusable
from .verification import Verdict, why_refused

# What to do about a 401 that does not disconnect the account.
_OTHER_401 = {
    Verdict.ACCEPTED: (
        "The account's key is not the reason: {name} takes it, and it stays connected. "
        "Call again; if it stays so, change what the call asks for."
    ),
    Verdict.UNKNOWN: (
        "Whether it still takes the account's key could not be found out, so the account stays connected. "
        "Call again later; if it stays so, somebody has to look at the account."
    ),
}
_log = logging.getLogger("openrouter_toolkit")


class Field(Protocol):
    """A field of the auth scheme."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def secret(self) -> bool:
        """Whether its value must be redacted in all texts."""

    @property
    def required(self) -> bool:
        """Whether an account requires it."""

    @property
    def link(self) -> str | None:
        """The page where the user can create a value."""


@dataclass(frozen=True, slots=True, repr=False)
class ResolvedCredentials:
    """The credentials of one call.

    Attributes:
        credentials: all usable values of the account.
        field: the field name of the key that is sent.
        secrets: the secret values, to be redacted in all answers.
    """

    credentials: Credentials
    field: str
    secrets: tuple[str, ...]
    _loaded: Any
    _accounts: Accounts
    _tracker: TracksUse | None
    _user_id: str
    _account_id: str | None
    _toolkit: str
    _name: str
    _is_main_key: bool

    def __repr__(self) -> str:
        return f"<Connection of {self._user_id!r} by {self.field}>"

    @property
    def key(self) -> str:
        """The key that is sent."""
        return self.credentials[self.field]

    @property
    def account_id(self) -> str | None:
        """The id of the account that is used; None if its store gives it none."""
        found = getattr(self._loaded, "account_id", self._account_id)
        return found if isinstance(found, str) else None

    def with_secrets(self, derived: Sequence[str]) -> ResolvedCredentials:
        """The same with further secrets to redact, which the client derives from the account's."""
        return replace(self, secrets=(*self.secrets, *derived)) if derived else self

    def revalidate(self) -> None:
        """Check that the user's account still has this key.

        Raises:
            ActionError: `not_connected`; the account was disconnected or changed, or could not be loaded.
        """
        current = _load_credentials(
            self._accounts, self._user_id, self._toolkit, self._account_id, "Nothing more was sent."
        )
        if current.get(self.field) != self.key:
            message = "The account was disconnected or changed before the call could be tried again."
            advice = "Nothing more was sent. Call again: then it is made with what is connected now, if anything is."
            raise ActionError("not_connected", message, advice=advice, retryable=True)

    def used(self) -> None:
        """Report to the store that the API accepted the key."""
        if self._tracker is not None:
            with self._failures_logged():
                self._tracker.used(self._loaded)

    def refused(self, error: ActionError, verify: Callable[[], Verdict]) -> None:
        """After a 401: if the API refuses the key itself, report it to the store, and add the next step to the error.

        `verify` checks the key, since a 401 may have other reasons, and must not disconnect all users of the account.
        A refused key that only some actions prefer is not reported: the account works without it.
        """
        if self._tracker is None:
            return
        with self._failures_logged():
            verdict = verify() if self._is_main_key else Verdict.REFUSED
            if verdict != Verdict.REFUSED:
                error.retryable = True
                error.explanation = (
                    f"{self._name} refused the call (HTTP 401): {quoted(error.message.strip().rstrip('.'))}. "
                    f"{_OTHER_401[verdict].format(name=self._name)}"
                )
                return
            if self._is_main_key:
                self._tracker.refused(self._loaded, redact_thoroughly(why_refused(self._name, error), self.secrets))
            other = None if self._account_id else self._accounts.credentials(self._user_id, self._toolkit)
            if other and other.get(self.field) not in (None, self.key):
                error.explanation += " Its account is not used any more, and another one is connected: call again."
            else:
                error.explanation += f" {self._accounts.how_to_connect(self._user_id, self._toolkit)}"

    @contextmanager
    def _failures_logged(self) -> Iterator[None]:
        try:
            yield
        except Exception:  # noqa: BLE001 - a host's store may raise anything; the call was executed
            _log.warning("the account store failed\n%s", redacted_traceback(self.secrets))


def resolve_credentials(
    accounts: Accounts,
    *,
    user_id: str,
    account_id: str | None = None,
    toolkit: tuple[str, str],
    fields: Sequence[Field],
    key: str,
    preferred: str | None,
    all_fields: bool = False,
) -> ResolvedCredentials:
    """Return the user's credentials, with the key for the action.

    Args:
        accounts: the account store.
        user_id: the user.
        account_id: the only account that may be used, or None for the user's best one.
        toolkit: its slug and its name.
        fields: the auth scheme's fields.
        key: the name of the main key's field.
        preferred: the field that the action prefers if the account has it.
        all_fields: whether the toolkit's client gets all fields, and checks itself which values its API accepts.

    Raises:
        ActionError: `not_connected`, saying how to connect.
    """
    slug, name = toolkit
    connected = _load_credentials(accounts, user_id, slug, account_id)
    key_field = preferred if preferred is not None and connected.get(preferred) else key
    by_name = {field.name: field for field in fields}
    needed = [key_field, *(field.name for field in fields if field.required and field.name not in (key_field, key))]

    def is_secret(name: str) -> bool:
        return name not in by_name or by_name[name].secret

    def invalid_reason(name: str) -> str | None:
        value: object = connected[name]
        if not isinstance(value, str):
            return f"it is no text, but {type(value).__name__}"
        return unusable(value) if is_secret(name) and not all_fields else None

    # An invalid value that this call does not need is left out; it is not a secret either.
    usable = {n: v for n, v in connected.items() if v and (n in needed or invalid_reason(n) is None)}
    missing = [field for field in needed if field not in usable]
    if missing:
        how = accounts.how_to_connect(user_id, slug)
        only = f" (only {', '.join(usable)})" if usable else ""
        account = "account" if account_id is None else f"account {quoted(account_id, 80)}"
        user = quoted(str(user_id), 80)
        message = f"No {name} {account} with {' and '.join(missing)} is connected for user {user}{only}."
        raise ActionError("not_connected", message, advice=f"{how} {_where_to_get(by_name[missing[0]])}".strip())
    for field in needed:
        reason = invalid_reason(field)
        if reason is not None:
            user = quoted(str(user_id), 80)
            message = f"The {field} of user {user} can't be used: {reason}. Nothing was sent."
            raise ActionError("not_connected", message, advice=_where_to_get(by_name[field]))
    return ResolvedCredentials(
        Credentials(usable),
        key_field,
        tuple(spelling for field, value in usable.items() if is_secret(field) for spelling in spellings(value)),
        connected,
        accounts,
        tracker_of(accounts) if isinstance(connected, Credentials) else None,
        user_id,
        account_id,
        slug,
        name,
        key_field == key,
    )


def _where_to_get(field: Field) -> str:
    return f"A key is made at {field.link}." if field.link and field.secret else ""


def _load_credentials(
    accounts: Accounts, user_id: str, toolkit: str, account_id: str | None, sent: str = "Nothing was sent."
) -> Mapping[str, str]:
    try:
        chosen: dict[str, Any] = {} if account_id is None else {"account_id": account_id}
        if chosen and "account_id" not in inspect.signature(accounts.credentials).parameters:
            return {}  # these accounts have no ids
        found: object = accounts.credentials(user_id, toolkit, **chosen)
        if found is None or isinstance(found, Mapping):
            return found or {}
        raise TypeError(f"credentials returned {type(found).__name__}, wanted Credentials or None")  # noqa: TRY301
    except Exception as error:  # noqa: BLE001 - a host's store may raise anything
        reason = redact_thoroughly(str(error), ())
        _log.error("the account store failed: %s\n%s", reason, redacted_traceback())
        message = f"The account store failed ({type(error).__name__}). {sent}"
        advice = "Call again later; if it stays so, tell the operator of this agent."
        raise ActionError("not_connected", message, advice=advice, retryable=True) from None
