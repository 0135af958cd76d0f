"""Finds the store of connected accounts without importing its packages, which may be missing and are slow to import."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

_DATABASE = "OPENROUTER_TOOLKIT_DATABASE"
_SQLITE = re.compile(r"sqlite(?:\+pysqlite)?:///(.+)", re.DOTALL)


def exists() -> bool:
    """Whether the SQLite file of a store exists, or the environment names another kind of database."""
    url = os.environ.get(_DATABASE, "").strip()
    file = _SQLITE.fullmatch(url)
    if file is not None:
        place = Path(unquote(file[1]))
        return _may_exist(place) or not place.is_absolute()  # opening the store reports what is wrong
    if url:
        return True
    return default_store() is not None


def default_store() -> Path | None:
    """The store at its default path, if the environment names no other. An earlier installation may have created it."""
    if os.environ.get(_DATABASE, "").strip():
        return None
    places = (folder / "openrouter-toolkit" / "store.db" for folder in _data_folders())
    return next((place for place in places if _may_exist(place)), None)


def missing_note() -> str:
    """For the end of a "nothing found" message: the file that the environment names, if it does not exist."""
    file = _SQLITE.fullmatch(os.environ.get(_DATABASE, "").strip())
    if file is None or exists():
        return ""
    return f": {unquote(file[1])}, which {_DATABASE} names, does not exist"


def _may_exist(path: Path) -> bool:
    """Whether a file exists or can't be checked; opening the store then reports why."""
    try:
        return path.exists()
    except OSError:
        return True


def _data_folders() -> Iterator[Path]:
    """Folders for users' data; without platformdirs, the usual ones of all operating systems."""
    try:
        from platformdirs import user_data_path
    except ImportError:
        for name in ("XDG_DATA_HOME", "LOCALAPPDATA"):
            if os.environ.get(name):
                yield Path(os.environ[name])
        for folder in ("~/.local/share", "~/Library/Application Support", "~/AppData/Local"):
            yield Path(os.path.expanduser(folder))  # noqa: PTH111 - Path.expanduser fails if there is no home
    else:
        yield user_data_path()
