"""Where the master key comes from, and what happens when it is another, malformed, or gone."""

from __future__ import annotations

import base64
import os
import sqlite3
import stat
from pathlib import Path

import pytest
from keyring.backend import KeyringBackend
from keyring.errors import InitError, KeyringLocked, PasswordSetError

from openrouter_toolkit.store import MasterKey, MasterKeyError, SealBroken, Store
from openrouter_toolkit.store.encryption import keys
from openrouter_toolkit.store.encryption.key_providers import MASTER_KEY

from ...postgresql import PostgreSQL
from ..conftest import OpenStore
from ..processes import Say, start_together


class MemoryKeyring(KeyringBackend):
    """A keyring that works."""

    priority = 1

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


class BrokenKeyring(MemoryKeyring):
    """A keyring whose every call raises, or only that which puts something in."""

    def __init__(self, error: Exception, *, on_read: bool = True) -> None:
        super().__init__()
        self.error = error
        self.on_read = on_read

    def get_password(self, service: str, username: str) -> str | None:
        if self.on_read:
            raise self.error
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise self.error


class ForgetfulKeyring(MemoryKeyring):
    """A keyring like keyring's own `null`: it takes everything and keeps nothing."""

    def set_password(self, service: str, username: str, password: str) -> None:
        pass


def use(monkeypatch: pytest.MonkeyPatch, backend: KeyringBackend) -> None:
    monkeypatch.setattr("keyring.core._keyring_backend", backend)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "openrouter-toolkit" / "master-key"


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


def fill(url: str | None = None) -> str:
    with Store.open(url) as store:
        return store.accounts.connect("OPENROUTER", "alice", {"api_key": "the key"}).id


def reads(url: str | None = None) -> str:
    with Store.open(url) as store:
        credentials = store.for_registry().credentials("alice", "OPENROUTER")
        return "" if credentials is None else credentials["api_key"]


def test_keys_are_read_from_base64_the_first_seals() -> None:
    old, new = MasterKey.fresh(), MasterKey.fresh()
    assert keys.read(f" {new.written()} , {old.written()},{new.written()}", "X") == (new, old)
    url_safe = new.written().replace("+", "-").replace("/", "_")
    assert keys.read(url_safe, "X") == (new,)
    assert keys.read(keys.write([new, old]), "X") == (new, old)
    assert new != old
    assert len({new.id, old.id, MasterKey.fresh().id}) == 3


@pytest.mark.parametrize(
    "wrong",
    [
        "changeme",
        "0" * 64,
        base64.b64encode(os.urandom(31)).decode(),
        base64.b64encode(os.urandom(33)).decode(),
        base64.b64encode(bytes(32)).decode(),
        base64.b64encode(b"0123012301230123" * 2).decode(),
        MasterKey.fresh().written() + ",",
        "," + MasterKey.fresh().written(),
        MasterKey.fresh().written()[:-1],
        f"'{MasterKey.fresh().written()}'",
        "ключ",
    ],
    ids=range(11),
)
def test_a_malformed_key_is_told_without_repeating_it(
    wrong: str, monkeypatch: pytest.MonkeyPatch, database: str, tmp_path: Path
) -> None:
    monkeypatch.setenv(MASTER_KEY, wrong)
    with pytest.raises(MasterKeyError) as told:
        Store.open(database)
    message = str(told.value)
    assert MASTER_KEY in message
    assert "openssl rand -base64 32" in message
    for part in wrong.split(","):
        assert not part or part[:12] not in message
    assert told.value.__cause__ is None
    assert not (tmp_path / "data").exists(), "no key was made in its place"


def test_without_any_key_one_is_made_in_a_file_of_the_users_own(key_file: Path) -> None:
    fill()
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(key_file.parent.stat().st_mode) == 0o700
    before = key_file.read_bytes()
    assert reads() == "the key"
    assert key_file.read_bytes() == before
    assert sorted(path.name for path in key_file.parent.iterdir() if not path.name.startswith("store.db-")) == [
        "master-key",
        "master-key.lock",
        "store.db",
    ]


def test_with_a_keyring_it_is_made_there(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = MemoryKeyring()
    use(monkeypatch, keyring)
    fill()
    assert list(keyring.kept) == [("openrouter-toolkit", "master-key")]
    assert not key_file.exists()
    assert reads() == "the key"


@pytest.mark.parametrize(
    "backend",
    [
        BrokenKeyring(InitError("no bus")),
        BrokenKeyring(KeyringLocked("locked")),
        BrokenKeyring(OSError("a backend's own")),
        BrokenKeyring(PasswordSetError("no"), on_read=False),
        ForgetfulKeyring(),
    ],
)
def test_a_keyring_that_does_not_work_is_done_without(
    backend: KeyringBackend, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, backend)
    fill()
    assert key_file.exists()
    assert reads() == "the key"


def test_the_environment_comes_first_and_nothing_else_is_asked(
    key_file: Path, monkeypatch: pytest.MonkeyPatch, key: MasterKey
) -> None:
    use(monkeypatch, BrokenKeyring(RuntimeError("it was asked")))
    monkeypatch.setenv(MASTER_KEY, key.written())
    fill()
    assert reads() == "the key"
    assert not key_file.exists()


def test_a_keyring_that_turns_up_later_does_not_hide_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    fill()
    use(monkeypatch, MemoryKeyring())
    assert reads() == "the key"
    foreign = MemoryKeyring()
    foreign.set_password("openrouter-toolkit", "master-key", MasterKey.fresh().written())
    use(monkeypatch, foreign)
    assert reads() == "the key"


def contents(database: str) -> list[str]:
    with sqlite3.connect(database.removeprefix("sqlite:///")) as connection:
        dump = list(connection.iterdump())
    connection.close()
    return dump


def test_a_filled_store_without_its_key_is_left_alone(
    key_file: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database)
    before = contents(database)
    key_file.rename(key_file.with_name("moved"))
    keyring = MemoryKeyring()
    use(monkeypatch, keyring)
    for _ in range(2):
        with pytest.raises(MasterKeyError, match=r"isn't there.*is not set.*keyring has none.*Nothing was changed"):
            Store.open(database)
    assert not key_file.exists()
    assert keyring.kept == {}
    assert contents(database) == before
    key_file.with_name("moved").rename(key_file)
    assert reads(database) == "the key"


@pytest.mark.parametrize("place", ["environment", "argument", "file"])
def test_a_filled_store_with_another_key_is_left_alone(
    place: str, key_file: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database)
    before, other = contents(database), MasterKey.fresh()
    right = keys.read(key_file.read_text(), "")[0]
    if place == "environment":
        monkeypatch.setenv(MASTER_KEY, other.written())
    elif place == "file":
        key_file.write_text(other.written())
    with pytest.raises(MasterKeyError, match=f"{right.id}.*{other.id if place != 'file' else 'another key'}"):
        Store.open(database, master_keys=[other] if place == "argument" else None)
    assert contents(database) == before


def test_a_key_file_that_others_can_read_is_refused(key_file: Path, database: str) -> None:
    fill(database)
    key_file.chmod(0o640)
    with pytest.raises(MasterKeyError, match="chmod 600"):
        Store.open(database)
    key_file.write_text("not base64!")
    key_file.chmod(0o600)
    with pytest.raises(MasterKeyError, match="isn't there"):
        Store.open(database)
    with pytest.raises(MasterKeyError, match=r"No place keeps.*not base64"):
        Store.open(f"{database}.empty")


def test_where_no_place_keeps_a_key_it_is_said_so(tmp_path: Path, database: str) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(MasterKeyError, match=f"can't be used.*{MASTER_KEY}"):
        Store.open(database)


@pytest.fixture
def shared(postgresql: PostgreSQL) -> str:
    return postgresql.new_database()


def test_a_shared_database_wants_a_stated_key(
    shared: str, key_file: Path, key: MasterKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MasterKeyError, match=f"may be shared.*set {MASTER_KEY}.*openssl"):
        Store.open(shared)
    fill()  # makes a key file, which does not count either
    with pytest.raises(MasterKeyError, match="may be shared"):
        Store.open(shared)
    monkeypatch.setenv(MASTER_KEY, key.written())
    fill(shared)
    assert reads(shared) == "the key"
    monkeypatch.delenv(MASTER_KEY)
    with pytest.raises(MasterKeyError, match=f"{key.id}.*isn't there.*{MASTER_KEY} is not set"):
        Store.open(shared)
    assert key_file.exists()


def test_a_wrong_key_on_a_shared_database(open_store: OpenStore, key: MasterKey) -> None:
    account = open_store().accounts.connect("OPENROUTER", "alice", {"api_key": "the key"})
    other = MasterKey.fresh()
    with pytest.raises(MasterKeyError, match=f"{key.id}.*{other.id}"):
        open_store(keys=[other])
    with pytest.raises(MasterKeyError, match=key.id):
        open_store(keys=[other])
    assert open_store().accounts.list() == [account]


def test_of_many_processes_one_makes_the_key_and_all_get_it(tmp_path: Path) -> None:
    def start(say: Say) -> None:
        with Store.open(f"sqlite:///{tmp_path / f'{os.getpid()}.db'}") as store:
            store.accounts.connect("OPENROUTER", "alice", {"api_key": "the key"})
            say(store._sealer.keys[0].id)

    heard = start_together(12, start, tmp_path)
    assert len(heard) == 12
    assert len(set(heard)) == 1
    for path in tmp_path.glob("*.db"):
        assert reads(f"sqlite:///{path}") == "the key"


def test_a_process_that_was_started_with_a_retired_key_can_not_seal(open_store: OpenStore, key: MasterKey) -> None:
    late = open_store()
    account = late.accounts.connect("OPENROUTER", "alice", {"api_key": "the key"})
    new = MasterKey.fresh()
    open_store(keys=[new, key]).rotate()
    for attempt in (
        lambda: late.accounts.fill(account.id, {"api_key": "another"}),
        lambda: late.accounts.connect("OPENROUTER", "bob", {"api_key": "another"}),
        lambda: late.links.start_pkce(late.links.to_log_in().secret, "session"),
    ):
        with pytest.raises(MasterKeyError, match="retired"):
            attempt()
    with pytest.raises(SealBroken, match="not given"):
        late.for_registry().credentials("alice", "OPENROUTER")
    current = open_store(keys=[new]).for_registry().credentials("alice", "OPENROUTER")
    assert current is not None
    assert current["api_key"] == "the key"
