"""Whether connected accounts go on to work, and whether calls do: what is watched in the background."""

from __future__ import annotations

from .accounts import AccountChecks
from .failing import FAILING_AFTER, FailingActions

__all__ = ["FAILING_AFTER", "AccountChecks", "FailingActions"]
