"""A change as it is recorded: what was done to what, before and after, without secrets."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Insert, insert

from ...text.sanitize import short_name
from ..columns import now
from ..tables import AuditRow
from . import origin

# Everything that is recorded, and how it is said of what it was done to. What stands before the dot is what is changed.
ACTIONS = {
    "account.begun": "began to connect the account {}",
    "account.connected": "connected the account {}",
    "account.failed": "did not connect the account {}",
    "account.renamed": "renamed the account {}",
    "account.made_default": "made the account {} the default",
    "account.shared": "shared the account {}",
    "account.switched_off": "switched off the account {}",
    "account.switched_on": "switched on the account {}",
    "account.expired": "found the account {} expired",
    "account.disconnected": "disconnected the account {}",
    "account.removed": "removed the account {}",
    "action.switched_off": "switched off the action {}",
    "action.switched_on": "switched on the action {}",
    "auth_config.made": "made the auth config {}",
    "auth_config.changed": "changed the auth config {}",
    "auth_config.deleted": "deleted the auth config {}",
    "budget.made": "made the budget {}",
    "budget.changed": "changed the budget {}",
    "budget.removed": "removed the budget {}",
    "key.rotated": "changed the master key to {}",
    "link.made": "made a link to {}",
    "link.used": "used a link to {}",
    "link.withdrawn": "withdrew a link to {}",
    "person.added": "added {}",
    "person.changed": "changed {}",
    "person.removed": "removed {}",
    "return_address.registered": "registered the return address {}",
    "return_address.removed": "removed the return address {}",
    "session.begun": "logged in {}",
    "session.ended": "logged out {}",
    "token.made": "made the token {}",
    "token.revoked": "revoked the token {}",
    "toolkit.activated": "activated the tool {}",
    "toolkit.deactivated": "deactivated the tool {}",
    "toolset.switched_off": "switched off the toolset {}",
    "toolset.switched_on": "switched on the toolset {}",
    "webhook.added": "added the webhook to {}",
    "webhook.changed": "changed the webhook to {}",
    "webhook.removed": "removed the webhook to {}",
    "webhook.secret_replaced": "replaced the secret of the webhook to {}",
    "webhook.switched_off": "switched off the webhook to {}",
    "webhook.switched_on": "switched on the webhook to {}",
}
# How it is recorded that something is for all users.
EVERY_USER = "every user"
_MAX_NAME = 255
_MAX_ADDRESS = 100
_MAX_REQUEST_ID = 100


@dataclass(frozen=True)
class Change:
    """A change to be recorded.

    Attributes:
        action: one of `ACTIONS`.
        object_id: the id of what was changed; of an action or a toolkit its slug, of a toolset
            `TOOLKIT/toolset`, of a return address the address.
        object_name: its name for people.
        user_id: the user whom it concerns: the owner of an account.
        before: what was changed, as it was: facts by name, without secrets. None for what did not exist.
        after: the same as it is now. None for what exists no longer.
        line: the change in words, for the server's log; None if it has none.
    """

    action: str
    object_id: str | None = None
    object_name: str | None = None
    user_id: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    line: str | None = None


def statement(change: Change) -> Insert:
    """Return the statement that records a change with its origin.

    Raises:
        ValueError: the action is unknown.
    """
    if change.action not in ACTIONS:
        raise ValueError(f"the audit log has no action {change.action}")
    who = origin.current()
    if who.request_id is None:
        who.request_id = f"req_{secrets.token_hex(10)}"
    before, after = difference(change.before, change.after)
    return insert(AuditRow).values(
        at=now(),
        actor_kind=who.kind,
        actor_id=who.id,
        actor_name=who.name and short_name(who.name, _MAX_NAME),
        address=who.address and short_name(who.address, _MAX_ADDRESS),
        request_id=short_name(who.request_id, _MAX_REQUEST_ID),
        action=change.action,
        object_id=change.object_id,
        object_name=change.object_name,
        user_id=change.user_id,
        before=_as_json(before),
        after=_as_json(after),
    )


def difference(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
    """Return both without what they have in common; unchanged if one of them is None."""
    if before is None or after is None:
        return before, after
    differing = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {name: before.get(name) for name in differing}, {name: after.get(name) for name in differing}


def _as_json(facts: Mapping[str, Any] | None) -> str | None:
    if facts is None:
        return None
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else sorted(value)
