"""How much a test of load or of faults does: little in `make test`, everything in `make load` and `make faults`."""

from __future__ import annotations

import os
from typing import TypeVar

Amount = TypeVar("Amount")
FULL = os.environ.get("OPENROUTER_TOOLKIT_FULL") == "1"


def scaled(quick: Amount, *, full: Amount) -> Amount:
    """Rounds, seconds, or the cases to parametrize with: `quick`, or `full` with OPENROUTER_TOOLKIT_FULL=1."""
    return full if FULL else quick
