"""Periodic jobs that one process at a time runs, of all that use a database."""

from __future__ import annotations

from .lease import Lease
from .runner import Job, Runner, Stop
from .threads import for_each

__all__ = ["Job", "Lease", "Runner", "Stop", "for_each"]
