"""What an answer cost: by its own word, nothing where a failure can't be billed, or unknown."""

from __future__ import annotations

from decimal import Decimal

from ..envelope import ActionError

_NEVER_SENT = frozenset(
    {
        "unknown_action",
        "invalid_arguments",
        "not_connected",
        "refused_by_policy",
        "budget_exceeded",
        "ledger_unavailable",
    }
)
_MAYBE_EXECUTED = frozenset({408, 499})
# No provider has answered; with these of Cloudflare's, nothing reached OpenRouter.
_NOT_EXECUTED = frozenset({502, 503, 521, 523, 525, 526, 529})


def may_be_billed(error: ActionError) -> bool:
    """Whether a failed call may have been billed all the same: it was sent, and perhaps executed in part."""
    if error.type in _NEVER_SENT:
        return bool(error.details.get("executed"))
    if error.partial is not None or "http_status" in error.details:
        return True
    if error.type == "connection_failed":
        return error.details.get("sent") is not False
    if error.status is None:
        return True
    return error.status in _MAYBE_EXECUTED or not (400 <= error.status < 500 or error.status in _NOT_EXECUTED)


def failure_cost(error: ActionError) -> Decimal | None:
    """What a failed call cost if its answer does not say: nothing, or unknown (None)."""
    return None if may_be_billed(error) else Decimal(0)
