"""Which credentials a call is made with: the user's, if they are there and can be a key."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..envelope import ActionError
from ..redaction import redact_thoroughly
from ..wording import quoted
from .credentials import Accounts, Credentials, TracksUse, unusable
from .verification import Verdict

_log = logging.getLogger("openrouter_toolkit")


@dataclass(frozen=True, slots=True, repr=False)
class Connection:
    """What one call is made with.

    Attributes:
        credentials: all that the account holds and that can be a key, to be kept out of every answer.
        field: the name of the one that is sent.
    """

    credentials: Credentials
    field: str
    _held: Mapping[str, str]
    _accounts: Accounts
    _user_id: str
    _toolkit: str
    _name: str
    _is_ordinary: bool

    def __repr__(self) -> str:
        return f"<Connection of {self._user_id!r} by {self.field}>"

    @property
    def key(self) -> str:
        """What is sent."""
        return self.credentials[self.field]

    def recheck(self) -> None:
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
                self._accounts.refused(self._held, redact_thoroughly(error.message, self.credentials.values()))
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
        return redact_thoroughly(traceback.format_exc(), self.credentials.values())


def connection(
    accounts: Accounts,
    *,
    user_id: str,
    toolkit: tuple[str, str],
    fields: Mapping[str, str | None],
    preferred: str | None,
) -> Connection:
    """The user's credentials, and which of them to use.

    Args:
        accounts: where to ask.
        user_id: whose.
        toolkit: its slug and its name.
        fields: the auth scheme's fields, each with the page where one is made; the first is the ordinary one.
        preferred: the field that the action prefers where the account has it.

    Raises:
        ActionError: `not_connected`, saying how to connect.
    """
    slug, name = toolkit
    connected = _asked(accounts, user_id, slug)
    field = preferred if preferred is not None and connected.get(preferred) else next(iter(fields))
    # A field that is not used now and can't be a key is left out: it is no secret either.
    credentials = Credentials({n: v for n, v in connected.items() if v and (n == field or unusable(v) is None)})
    who = f"user {quoted(str(user_id), 80)}"
    link = fields[field]
    where = f"A key is made at {link}." if link else ""
    if field not in credentials:
        held = f" (only {', '.join(credentials)})" if credentials else ""
        message = f"No {name} account with {field} is connected for {who}{held}."
        how = accounts.how_to_connect(user_id, slug)
        raise ActionError("not_connected", message, f"{message} {how} {where}".strip())
    wrong = unusable(credentials[field])
    if wrong is not None:
        message = f"The {field} of {who} can't be used: {wrong}. Nothing was sent."
        raise ActionError("not_connected", message, f"{message} {where}".strip())
    return Connection(credentials, field, connected, accounts, user_id, slug, name, field == next(iter(fields)))


def _asked(accounts: Accounts, user_id: str, toolkit: str, sent: str = "Nothing was sent.") -> Mapping[str, str]:
    try:
        return accounts.credentials(user_id, toolkit) or {}
    except Exception as error:  # noqa: BLE001 - a host's store may raise anything
        reason = redact_thoroughly(str(error), ())
        _log.error("the account store failed: %s\n%s", reason, redact_thoroughly(traceback.format_exc(), ()))
        message = f"The account store failed ({type(error).__name__}). {sent}"
        how = "Call again later; if it stays so, tell whoever runs this agent."
        raise ActionError("not_connected", message, f"{message} {how}", retryable=True) from None
