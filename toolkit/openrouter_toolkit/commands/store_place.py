"""Whether there is a store of connected accounts, told without its packages: they may be missing, and take time."""

from __future__ import annotations

import os
import re
from pathlib import Path

_DATABASE = "OPENROUTER_TOOLKIT_DATABASE"
_SQLITE = re.compile(r"sqlite(?:\+pysqlite)?:///(.+)", re.DOTALL)


def is_there() -> bool:
    """Whether a store was made before, or one in another kind of database is named."""
    url = os.environ.get(_DATABASE, "").strip()
    file = _SQLITE.fullmatch(url)
    if file is not None:
        return Path(file[1]).exists()
    if url:
        return True
    try:
        from platformdirs import user_data_path  # noqa: PLC0415
    except ImportError:
        return False
    return (user_data_path("openrouter-toolkit", appauthor=False) / "store.db").exists()
