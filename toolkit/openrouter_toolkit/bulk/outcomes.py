"""What an answer means for its run: what it cost, and whether others would fail in the same way."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from .. import answer as answers
from ..accounts import refuses_key
from ..envelope import ActionError, Envelope
from ..spending import failure_cost, may_be_billed

_USED_UP = ("key", "budget", "credits", "free_models_per_day")


def parsed(envelope: Envelope) -> Any:
    """What the model answered, as far as it arrived, with exact numbers; None if it is not JSON."""
    try:
        data = json.loads(envelope.data, parse_float=Decimal)
    except (ValueError, RecursionError, ArithmeticError):
        return None
    return data if envelope.successful or not isinstance(data, dict) else data.get("partial")


def cost_of(data: Any, error: ActionError | None) -> Decimal | None:
    """What a call cost; None if it may have been billed, but does not say how much."""
    stated = answers.cost_in(data)
    return stated if stated is not None or error is None else failure_cost(error)


def ends_run(error: ActionError) -> bool:
    """Whether every other line would fail in the same way: no usable account, no ledger, or no credit."""
    if error.type in ("unknown_action", "not_connected", "ledger_unavailable") or refuses_key(error):
        return True
    return error.details.get("limit") in _USED_UP and not may_be_billed(error)
