"""Whether there is a store of connected accounts, told without its packages: they may be missing, and take time."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

_DATABASE = "OPENROUTER_TOOLKIT_DATABASE"
_SQLITE = re.compile(r"sqlite(?:\+pysqlite)?:///(.+)", re.DOTALL)


def is_there() -> bool:
    """Whether a store was made before, or one in another kind of database is named."""
    url = os.environ.get(_DATABASE, "").strip()
    file = _SQLITE.fullmatch(url)
    if file is not None:
        place = Path(unquote(file[1]))
        return _may_exist(place) or not place.is_absolute()  # the store itself says what is wrong with it
    if url:
        return True
    return left_behind() is not None


def left_behind() -> Path | None:
    """The store at its usual place, where nobody names another: an installation of before may have made it."""
    if os.environ.get(_DATABASE, "").strip():
        return None
    places = (folder / "openrouter-toolkit" / "store.db" for folder in _data_folders())
    return next((place for place in places if _may_exist(place)), None)


def missing() -> str:
    """The end of a sentence that says that there is nothing: the file that was named and does not exist, if so."""
    file = _SQLITE.fullmatch(os.environ.get(_DATABASE, "").strip())
    if file is None or is_there():
        return ""
    return f": {unquote(file[1])}, which {_DATABASE} names, does not exist"


def _may_exist(path: Path) -> bool:
    """Whether a file is there, or can't be looked at: the store itself says why then."""
    try:
        return path.exists()
    except OSError:
        return True


def _data_folders() -> Iterator[Path]:
    """Where users' data may be kept; without platformdirs, wherever it would be on any of the systems."""
    try:
        from platformdirs import user_data_path  # noqa: PLC0415
    except ImportError:
        for name in ("XDG_DATA_HOME", "LOCALAPPDATA"):
            if os.environ.get(name):
                yield Path(os.environ[name])
        for folder in ("~/.local/share", "~/Library/Application Support", "~/AppData/Local"):
            yield Path(os.path.expanduser(folder))  # noqa: PTH111 - Path.expanduser fails where there is no home
    else:
        yield user_data_path()
