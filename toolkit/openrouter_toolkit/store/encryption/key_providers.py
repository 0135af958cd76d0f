"""Where master keys are kept: the environment, the operating system's keyring, or a file of the user's."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

from ..errors import MasterKeyError
from ..urls import APPLICATION, data_folder
from . import keys
from .keys import MasterKey

MASTER_KEY = "OPENROUTER_TOOLKIT_MASTER_KEY"
_USERNAME = "master-key"
_log = logging.getLogger("openrouter_toolkit")


class KeyPlace(Protocol):
    """A place that keeps master keys. `name` is what it is called in a sentence."""

    name: str

    def read(self) -> tuple[MasterKey, ...]:
        """The keys, none where there are none. `MasterKeyError` when they can't be read."""
        ...

    def write(self, kept: Sequence[MasterKey]) -> None:
        """Replace the keys; when this returns, they are there to stay. `MasterKeyError` when they can't be kept."""
        ...


class Keyring:
    """The operating system's keyring, where there is one that works."""

    name = "the system's keyring"

    def read(self) -> tuple[MasterKey, ...]:
        """The keys in it."""
        text = self._text()
        return keys.read(text, self.name) if text else ()

    def write(self, kept: Sequence[MasterKey]) -> None:
        """Put the keys there, and read them back: some backends take everything and keep nothing."""
        import keyring  # noqa: PLC0415 - a second faster without, where the environment has the key

        text = keys.write(kept)
        try:
            keyring.set_password(APPLICATION, _USERNAME, text)
        except Exception as error:  # noqa: BLE001 - KeyringError, and whatever a backend lets through
            raise _unusable(error) from None
        if self._text() != text:
            raise MasterKeyError("the system's keyring does not keep what it is given")

    def _text(self) -> str | None:
        import keyring  # noqa: PLC0415

        try:
            return keyring.get_password(APPLICATION, _USERNAME)
        except Exception as error:  # noqa: BLE001
            raise _unusable(error) from None


class KeyFile:
    """A file that only its owner may read, in the user's data folder."""

    def __init__(self) -> None:
        self.path = data_folder() / "master-key"
        self.name = f"the file {self.path}"

    def read(self) -> tuple[MasterKey, ...]:
        """The keys in it."""
        try:
            text = self.path.read_text("ascii")
            mode = self.path.stat().st_mode
        except FileNotFoundError:
            return ()
        except (OSError, UnicodeDecodeError) as error:
            raise MasterKeyError(f"{self.name} can't be read ({type(error).__name__})") from None
        if os.name == "posix" and mode & 0o077:
            raise MasterKeyError(f"{self.name} can be read by others: make new keys, or chmod 600 it")
        return keys.read(text, self.name)

    def write(self, kept: Sequence[MasterKey]) -> None:
        """Replace the file as a whole, so that a crash leaves the old one or the new one."""
        draft = self.path.with_name(f"master-key.{os.getpid()}.draft")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.unlink(missing_ok=True)
            try:
                with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                    file.write(keys.write(kept) + "\n")
                    file.flush()
                    os.fsync(file.fileno())
                draft.replace(self.path)
            finally:  # a full disk, an interrupt: the keys must stay nowhere else
                draft.unlink(missing_ok=True)
            _sync(self.path.parent)
        except OSError as error:
            raise MasterKeyError(f"{self.name} can't be written: {error.strerror}") from None


def in_environment(environment: Mapping[str, str] | None = None) -> tuple[MasterKey, ...]:
    """The keys of OPENROUTER_TOOLKIT_MASTER_KEY, none where it is not set or empty."""
    text = (os.environ if environment is None else environment).get(MASTER_KEY, "").strip()
    return keys.read(text, f"the environment variable {MASTER_KEY}") if text else ()


def places() -> tuple[KeyPlace, ...]:
    """The places beside the environment, the better first."""
    return Keyring(), KeyFile()


def look_up(ids: Collection[str]) -> tuple[MasterKey, ...]:
    """The keys of the first place, beside the environment, that has one of these ids; none where no place has."""
    for place in places():
        try:
            found = place.read()
        except MasterKeyError:
            continue
        if any(key.id in ids for key in found):
            return found
    return ()


def make() -> tuple[MasterKey, ...]:
    """A first key, put into the best place that keeps it. Of several processes, one makes it and all get it.

    Raises:
        MasterKeyError: no place keeps it.
    """
    fresh = (MasterKey.fresh(),)
    failures = []
    with alone():
        for place in places():
            try:
                found = place.read()
                if not found:
                    place.write(fresh)
            except MasterKeyError as error:
                failures.append(str(error))
            else:
                return found or fresh
    tried = "; ".join(failures)
    raise MasterKeyError(f"No place keeps a master key ({tried}). Set {MASTER_KEY}. {keys.HOW_TO_MAKE_ONE}")


def add_fresh() -> str:
    """Put a fresh key in front of those in the user's own place, for a rotation; the place's name.

    The older ones stay: other databases of the user's may be sealed with them.

    Raises:
        MasterKeyError: no place has a key, or it can't be kept there.
    """
    with alone():
        for place in places():
            try:
                found = place.read()
            except MasterKeyError:
                continue
            if found:
                place.write((MasterKey.fresh(), *found))
                return place.name
    raise MasterKeyError(f"Neither the system's keyring nor {KeyFile().path} has a master key.")


def remove_drafts() -> None:
    """Remove what processes left behind that were killed while they wrote the key file: drafts with all keys in them.

    To be called at each start. A draft that somebody is writing at this moment stays: its writer is `alone`.
    """
    if not _drafts():
        return
    try:
        with alone(patience=1):
            for draft in _drafts():
                draft.unlink(missing_ok=True)
                _log.warning("%s, left behind by a process that was killed while it wrote keys, was removed", draft)
    except (OSError, MasterKeyError) as error:
        if left := _drafts():
            _log.warning("%s has master keys in it and could not be removed: %s", left[0], error)


def _drafts() -> list[Path]:
    try:
        return [path for path in data_folder().glob("master-key.*.draft") if path.is_symlink() or path.is_file()]
    except OSError:  # a folder that may not be read
        return []


@contextmanager
def alone(patience: float = 60) -> Iterator[None]:
    """Among this user's processes, the only one that changes the keys in their places; after `patience` seconds."""
    path = data_folder() / "master-key.lock"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite's locks work on every system, and end with the process that holds them.
        with closing(sqlite3.connect(path, timeout=patience, isolation_level=None)) as lock:
            lock.execute("BEGIN EXCLUSIVE")
            yield
    except (OSError, sqlite3.Error) as error:
        raise MasterKeyError(f"The folder {path.parent} can't be used ({error}). Set {MASTER_KEY}.") from None


def _sync(folder: Path) -> None:
    """Make a file's new name last through a power loss, on systems where a folder can be synced."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _unusable(error: Exception) -> MasterKeyError:
    return MasterKeyError(f"the system's keyring can't be used ({type(error).__name__})")
