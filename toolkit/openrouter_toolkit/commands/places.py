"""The user's folders for settings, data and caches, and files in them that only the user may read."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

_FOLDER = "openrouter-toolkit"


def config_file() -> Path:
    """The config file's path, which may not exist."""
    from platformdirs import user_config_path

    return user_config_path() / _FOLDER / "config.toml"


def data_file(name: str) -> Path:
    """The path of a file in the user's data folder."""
    from platformdirs import user_data_path

    return user_data_path() / _FOLDER / name


def cache_file(name: str) -> Path:
    """The path of a file that may be deleted at any time."""
    from platformdirs import user_cache_path

    return user_cache_path() / _FOLDER / name


def write_private(path: Path, text: str) -> None:
    """Write a whole file with mode 0600, or leave the old one as it was.

    Raises:
        OSError: it can't be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # made with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(draft).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(draft).unlink()
        raise
