"""Which credentials a call is made with: the user's, if they are there and can be a key."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping

from ..envelope import ActionError
from ..redaction import redact_thoroughly
from ..wording import quoted
from .credentials import Accounts, Credentials, unusable

_log = logging.getLogger("openrouter_toolkit")


def connection(
    accounts: Accounts,
    *,
    user_id: str,
    toolkit: tuple[str, str],
    fields: Mapping[str, str | None],
    preferred: str | None,
) -> tuple[Credentials, str]:
    """The user's credentials, and the name of the field to use.

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
    return credentials, field


def _asked(accounts: Accounts, user_id: str, toolkit: str) -> Mapping[str, str]:
    try:
        return accounts.credentials(user_id, toolkit) or {}
    except Exception as error:  # noqa: BLE001 - a host's store may raise anything
        _log.error("the account store failed\n%s", redact_thoroughly(traceback.format_exc(), ()))
        message = f"The account store failed ({type(error).__name__}). Nothing was sent."
        how = "Call again later; if it stays so, tell whoever runs this agent."
        raise ActionError("not_connected", message, f"{message} {how}", retryable=True) from None
