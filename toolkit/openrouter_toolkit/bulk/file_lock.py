"""An exclusive lock on a file, which the operating system ends with the process that holds it."""

from __future__ import annotations

import os
import sys

if sys.platform == "win32":
    import msvcrt

    def lock(file: int) -> bool:
        """Lock an open file; whether nobody else held it."""
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def lock(file: int) -> bool:
        """Lock an open file; whether nobody else held it."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def is_at(file: int, path: str | os.PathLike[str]) -> bool:
    """Whether this open file is still the one at the path, and has not been removed or replaced."""
    try:
        there = os.stat(path)  # noqa: PTH116 - beside fstat
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(file), there)
