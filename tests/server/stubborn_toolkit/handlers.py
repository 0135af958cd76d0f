"""Its handler."""

from __future__ import annotations

import time
from typing import Any


def hang(arguments: dict[str, Any]) -> str:
    """Hear of nothing for two minutes."""
    time.sleep(120)
    return "{}"
