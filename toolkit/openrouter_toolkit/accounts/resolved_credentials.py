"""Which credentials a call is made with: the user's, if they are there and can be a key."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..envelope import ActionError
from ..text.redaction import redact_thoroughly
from ..text.sanitize import quoted
from .credentials import Accounts, Credentials, TracksUse, unusable
from .verification import Verdict

_log = logging.getLogger("openrouter_toolkit")


class Field(Protocol):
    """What is to be known of a field of the auth scheme."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def secret(self) -> bool:
        """Whether its value is to be kept out of every text."""
        ...

    @property
    def required(self) -> bool:
        """Whether an account needs it."""
        ...

    @property
    def link(self) -> str | None:
        """The page where one is made."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class ResolvedCredentials:
    """What one call is made with.

    Attributes:
        credentials: all that the account holds and that can be used.
        field: the name of the key among them, which is sent.
        secrets: those that are secret, to be kept out of every answer.
    """

    credentials: Credentials
    field: str
    _held: Mapping[str, str]
    _accounts: Accounts
    _user_id: str
    _toolkit: str
    _name: str
    _is_ordinary: bool
    secrets: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<Connection of {self._user_id!r} by {self.field}>"

    @property
    def key(self) -> str:
        """What is sent."""
        return self.credentials[self.field]

    def revalidate(self) -> None:
        """Make sure that a call of the user's would still be made with this key.

        Raises:
            ActionError: `not_connected`; the account was disconnected or changed, or can't be asked for.
        """
        now = _asked(self._accounts, self._user_id, self._toolkit, "Nothing more was sent.")
        if now.get(self.field) != self.key:
            message = "The account was disconnected or changed before the call could be tried again."
            how = "Nothing more was sent. Call again: then it is made with what is connected now, if anything is."
            raise ActionError("not_connected", message, f"{message} {how}", retryable=True)

    def used(self) -> None:
        """Tell the store that the API took the key."""
        if isinstance(self._accounts, TracksUse) and isinstance(self._held, Credentials):
            try:
                self._accounts.used(self._held)
            except Exception:  # noqa: BLE001 - a host's store may raise anything; the call was executed
                _log.warning("the account store failed\n%s", self._trace())

    def refused(self, error: ActionError, verify: Callable[[], Verdict]) -> None:
        """After a 401: where the API refuses the key itself, tell the store, and the agent how to connect another.

        `verify` finds out. A 401 may have other reasons, and must not disconnect everybody who uses the account.
        With a key that only some actions prefer, the account may go on without.
        """
        if not isinstance(self._accounts, TracksUse) or not isinstance(self._held, Credentials):
            return
        try:
            verdict = verify() if self._is_ordinary else Verdict.REFUSED
            if verdict != Verdict.REFUSED:
                error.retryable = True
                error.explanation = self._not_refused(error, verdict)
                return
            if self._is_ordinary:
                self._accounts.refused(self._held, redact_thoroughly(error.message, self.secrets))
            error.explanation += f" {self._way_on()}"
        except Exception:  # noqa: BLE001
            _log.warning("the account store failed\n%s", self._trace())

    def _not_refused(self, error: ActionError, verdict: Verdict) -> str:
        """What a 401 means that does not end the account."""
        said = f"{self._name} refused the call (HTTP 401): {quoted(error.message.strip().rstrip('.'))}."
        if verdict == Verdict.ACCEPTED:
            return (
                f"{said} The account's key is not the reason: {self._name} takes it, and it stays connected. "
                "Call again; if it stays so, change what the call asks for."
            )
        return (
            f"{said} Whether it still takes the account's key could not be found out, so the account stays connected. "
            "Call again later; if it stays so, somebody has to look at the account."
        )

    def _way_on(self) -> str:
        """What to do about a key that was refused: another account may be there already."""
        other = self._accounts.credentials(self._user_id, self._toolkit)
        if other and other.get(self.field) not in (None, self.key):
            return "Its account is not used any more, and another one is connected: call again."
        return self._accounts.how_to_connect(self._user_id, self._toolkit)

    def _trace(self) -> str:
        return redact_thoroughly(traceback.format_exc(), self.secrets)


def resolve_credentials(
    accounts: Accounts,
    *,
    user_id: str,
    toolkit: tuple[str, str],
    fields: Sequence[Field],
    key: str,
    preferred: str | None,
    all_fields: bool = False,
) -> ResolvedCredentials:
    """The user's credentials, and which of them is the key.

    Args:
        accounts: where to ask.
        user_id: whose.
        toolkit: its slug and its name.
        fields: the auth scheme's fields.
        key: the name of the one that is the key.
        preferred: the field that the action prefers where the account has it.
        all_fields: whether the toolkit's client gets all fields, and checks itself which values its API accepts.

    Raises:
        ActionError: `not_connected`, saying how to connect.
    """
    slug, name = toolkit
    connected = _asked(accounts, user_id, slug)
    sent = preferred if preferred is not None and connected.get(preferred) else key
    by_name = {field.name: field for field in fields}
    needed = [sent, *(field.name for field in fields if field.required and field.name not in (sent, key))]

    def is_secret(name: str) -> bool:
        return name not in by_name or by_name[name].secret

    def wrong(name: str) -> str | None:
        value: object = connected[name]
        if not isinstance(value, str):
            return f"it is no text, but {type(value).__name__}"
        return unusable(value) if is_secret(name) and not all_fields else None

    # A field that is not used now and can't be a key is left out: it is no secret either.
    held = {n: v for n, v in connected.items() if v and (n in needed or wrong(n) is None)}
    who = f"user {quoted(str(user_id), 80)}"
    missing = [field for field in needed if field not in held]
    if missing:
        how = accounts.how_to_connect(user_id, slug)
        only = f" (only {', '.join(held)})" if held else ""
        message = f"No {name} account with {' and '.join(missing)} is connected for {who}{only}."
        raise ActionError("not_connected", message, f"{message} {how} {_made_at(by_name[missing[0]])}".strip())
    for field in needed:
        reason = wrong(field)
        if reason is not None:
            message = f"The {field} of {who} can't be used: {reason}. Nothing was sent."
            raise ActionError("not_connected", message, f"{message} {_made_at(by_name[field])}".strip())
    secrets = tuple(value for field, value in held.items() if is_secret(field))
    return ResolvedCredentials(Credentials(held), sent, connected, accounts, user_id, slug, name, sent == key, secrets)


def _made_at(field: Field) -> str:
    return f"A key is made at {field.link}." if field.link and field.secret else ""


def _asked(accounts: Accounts, user_id: str, toolkit: str, sent: str = "Nothing was sent.") -> Mapping[str, str]:
    try:
        found: object = accounts.credentials(user_id, toolkit)
        if found is None or isinstance(found, Mapping):
            return found or {}
        raise TypeError(f"credentials returned {type(found).__name__}, wanted Credentials or None")  # noqa: TRY301
    except Exception as error:  # noqa: BLE001 - a host's store may raise anything
        reason = redact_thoroughly(str(error), ())
        _log.error("the account store failed: %s\n%s", reason, redact_thoroughly(traceback.format_exc(), ()))
        message = f"The account store failed ({type(error).__name__}). {sent}"
        how = "Call again later; if it stays so, tell whoever runs this agent."
        raise ActionError("not_connected", message, f"{message} {how}", retryable=True) from None
