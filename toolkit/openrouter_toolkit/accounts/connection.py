"""Which credentials a call is made with: the user's, if they are there and can be a key."""

from __future__ import annotations

from collections.abc import Mapping

from ..envelope import ActionError
from ..wording import quoted
from .credentials import Accounts, Credentials, unusable


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
    connected: Mapping[str, str] = accounts.credentials(user_id, slug) or {}
    credentials = Credentials({field: value for field, value in connected.items() if value})
    field = preferred if preferred is not None and preferred in credentials else next(iter(fields))
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
