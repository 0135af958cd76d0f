"""Providers of master keys: the environment, the operating system's keyring, or a file in the user's data folder."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from ..errors import MasterKeyError
from ..urls import APPLICATION, data_folder
from . import keys
from .keys import MasterKey

MASTER_KEY = "OPENROUTER_TOOLKIT_MASTER_KEY"
_USERNAME = "master-key"
_log = logging.getLogger("openrouter_toolkit")


class Keyring:
    """The operating system's keyring, if there is one that works. Raises `MasterKeyError` otherwise."""

    name = "the system's keyring"

    def read(self) -> tuple[MasterKey, ...]:
        """Return the keys in it, or an empty tuple."""
        text = self._call("get_password")
        return keys.read(text, self.name) if text else ()

    def write(self, new_keys: Sequence[MasterKey]) -> None:
        """Store the keys and read them back, since some backends accept values without storing them."""
        text = keys.write(new_keys)
        self._call("set_password", text)
        if self._call("get_password") != text:
            raise MasterKeyError("the system's keyring does not keep what it is given")

    def _call(self, function: str, *arguments: str) -> str | None:
        import keyring

        try:
            found: str | None = getattr(keyring, function)(APPLICATION, _USERNAME, *arguments)
        except Exception as error:  # noqa: BLE001 - KeyringError, or any error of a backend
            raise MasterKeyError(f"the system's keyring can't be used ({type(error).__name__})") from None
        return found


class KeyFile:
    """A file in the user's data folder that only its owner may read. Raises `MasterKeyError` if it can't be used."""

    def __init__(self) -> None:
        self.path = data_folder() / "master-key"
        self.name = f"the file {self.path}"

    def read(self) -> tuple[MasterKey, ...]:
        """Return the keys in it, or an empty tuple."""
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

    def write(self, new_keys: Sequence[MasterKey]) -> None:
        """Replace the file atomically, so that a crash leaves the old file or the new one."""
        draft = self.path.with_name(f"master-key.{os.getpid()}.draft")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.unlink(missing_ok=True)
            try:
                with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                    file.write(keys.write(new_keys) + "\n")
                    file.flush()
                    os.fsync(file.fileno())
                draft.replace(self.path)
            finally:  # also on a full disk or an interrupt: no copy of the keys may remain
                draft.unlink(missing_ok=True)
            _sync(self.path.parent)
        except OSError as error:
            raise MasterKeyError(f"{self.name} can't be written: {error.strerror}") from None


def in_environment() -> tuple[MasterKey, ...]:
    """Return the keys in OPENROUTER_TOOLKIT_MASTER_KEY, or an empty tuple if it is not set or empty."""
    text = os.environ.get(MASTER_KEY, "").strip()
    return keys.read(text, f"the environment variable {MASTER_KEY}") if text else ()


def providers() -> tuple[Keyring, KeyFile]:
    """Return the providers other than the environment, the preferred one first."""
    return Keyring(), KeyFile()


def read_all(failures: list[str]) -> Iterator[tuple[Keyring | KeyFile, tuple[MasterKey, ...]]]:
    """Return each provider that can be read, with its keys; add the reasons of the others to `failures`."""
    for provider in providers():
        try:
            found = provider.read()
        except MasterKeyError as error:
            failures.append(str(error))
        else:
            yield provider, found


def find_keys(ids: Collection[str]) -> tuple[MasterKey, ...]:
    """Return the keys of the first of `providers()` that has one of these ids, else an empty tuple."""
    return next((found for _, found in read_all([]) if any(key.id in ids for key in found)), ())


def create_key() -> tuple[MasterKey, ...]:
    """Create a first key in the first provider that can store it. Concurrent processes all get the same key.

    Raises:
        MasterKeyError: no provider can store it.
    """
    created = (MasterKey.fresh(),)
    failures: list[str] = []
    with exclusive_lock():
        for provider, found in read_all(failures):
            if found:
                return found
            try:
                provider.write(created)
            except MasterKeyError as error:
                failures.append(str(error))
            else:
                return created
    tried = "; ".join(failures)
    raise MasterKeyError(f"No place keeps a master key ({tried}). Set {MASTER_KEY}. {keys.HOW_TO_MAKE_ONE}")


def add_fresh() -> str:
    """Add a new key before those of the user's provider, for a rotation. Returns the provider's name.

    The older keys stay: other databases of the user may be encrypted with them.

    Raises:
        MasterKeyError: no provider has a key, or the new one can't be stored there.
    """
    with exclusive_lock():
        for provider, found in read_all([]):
            if found:
                provider.write((MasterKey.fresh(), *found))
                return provider.name
    raise MasterKeyError(f"Neither the system's keyring nor {KeyFile().path} has a master key.")


def remove_drafts() -> None:
    """Delete temporary key files ("drafts") of processes that were killed while they wrote the key file.

    Drafts contain all keys, so call this at each start. It waits for a process that is writing a draft now.
    """
    if not _drafts():
        return
    try:
        with exclusive_lock(timeout=1):
            for draft in _drafts():
                draft.unlink(missing_ok=True)
                _log.warning("%s, left behind by a process that was killed while it wrote keys, was removed", draft)
    except (OSError, MasterKeyError) as error:
        if left := _drafts():
            _log.warning("%s has master keys in it and could not be removed: %s", left[0], error)


def _drafts() -> list[Path]:
    try:
        return [path for path in data_folder().glob("master-key.*.draft") if not path.is_dir()]
    except OSError:  # no permission to read the folder
        return []


@contextmanager
def exclusive_lock(timeout: float = 60) -> Iterator[None]:
    """Lock the stored keys against this user's other processes; `MasterKeyError` after `timeout` seconds of waiting."""
    path = data_folder() / "master-key.lock"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite's locks work on every operating system, and end when their process ends.
        with closing(sqlite3.connect(path, timeout=timeout, isolation_level=None)) as lock:
            lock.execute("BEGIN EXCLUSIVE")
            yield
    except (OSError, sqlite3.Error) as error:
        raise MasterKeyError(f"The folder {path.parent} can't be used ({error}). Set {MASTER_KEY}.") from None


def _sync(folder: Path) -> None:
    """Sync a folder, so that a renamed file survives a power loss. Windows can't sync folders."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
