"""Master keys changed while the store is in use, and while somebody pulls the plug."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Collection
from pathlib import Path

import pytest
from sqlalchemy import select, update

from openrouter_toolkit.store import MasterKey, MasterKeyError, SealBroken, Store
from openrouter_toolkit.store.encryption import key_providers, keys, rotation
from openrouter_toolkit.store.encryption.sealing import Sealer
from openrouter_toolkit.store.tables import AccountRow

from ...scale import scaled
from ..conftest import OpenStore
from ..processes import Child, Say


def fill(store: Store, count: int) -> list[str]:
    with store.transaction():
        return [
            store.accounts.connect("OPENROUTER", f"user-{number}", {"api_key": f"key-{number}"}).id
            for number in range(count)
        ]


def unreadable(store: Store, numbers: int | list[int]) -> list[int]:
    accounts = store.for_registry()
    wrong = []
    for number in range(numbers) if isinstance(numbers, int) else numbers:
        found = accounts.credentials(f"user-{number}", "OPENROUTER")
        if found is None or found["api_key"] != f"key-{number}":
            wrong.append(number)
    return wrong


def sealed_with(store: Store, key: MasterKey) -> int:
    with store._database.read() as session:
        return sum(value is not None and key.id in value for value in session.scalars(select(AccountRow.sealed)))


def test_afterwards_the_new_key_opens_all_and_the_old_one_nothing(open_store: OpenStore, key: MasterKey) -> None:
    fill(open_store(), 250)
    link = open_store().links.to_log_in()
    pkce = open_store().links.start_pkce(link.secret, "session")
    new = MasterKey.fresh()
    with pytest.raises(MasterKeyError, match=key.id):
        open_store(keys=[new])
    both = open_store(keys=[new, key])
    before = both.accounts.list()
    said: list[int] = []
    done = both.rotate(said.append)
    assert (done.resealed, done.unreadable, done.retired) == (251, (), (key.id,))
    assert said == [100, 200, 250, 251]
    assert both.accounts.list() == before, "nothing else has changed"
    alone = open_store(keys=[new])
    assert unreadable(alone, 250) == []
    assert alone.links.finish_pkce(pkce.state, "session")[1] == pkce.verifier
    with pytest.raises(MasterKeyError, match=new.id):
        open_store(keys=[key])
    with pytest.raises(MasterKeyError, match=new.id):
        open_store()
    assert alone.rotate().resealed == 0


@pytest.mark.faults
def test_killed_at_any_time_all_stays_readable(
    open_store: OpenStore, key: MasterKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    kills, count = scaled((4, 200), full=(12, 1000))
    monkeypatch.setattr(rotation, "BATCH", 10)
    fill(open_store(), count)
    new = MasterKey.fresh()

    def rotate(say: Say) -> None:
        open_store(keys=[new, key]).rotate(lambda done: say(str(done)))

    both = open_store(keys=[new, key])
    seen = []
    for _ in range(kills):
        with Child(rotate) as child:
            for _ in range(random.randint(1, 2)):
                child.said()
            time.sleep(random.uniform(0, 0.005))
            child.kill()
        seen.append(sealed_with(both, new))
        assert seen[-1] + sealed_with(both, key) == count
        assert unreadable(both, random.sample(range(count), 50)) == []
    assert seen == sorted(seen), "what was encrypted again stays so"
    assert kills * 10 <= seen[-1] < count, "it was killed on the way"
    assert both.rotate().retired == (key.id,)
    alone = open_store(keys=[new])
    assert unreadable(alone, count) == []
    assert sealed_with(alone, key) == 0
    with pytest.raises(MasterKeyError, match=new.id):
        open_store()


def test_others_go_on_connecting_meanwhile(open_store: OpenStore, key: MasterKey) -> None:
    """A process that has the old key only keeps sealing with it; nothing of it may be left behind."""
    open_store()
    new = MasterKey.fresh()

    def connect(say: Say) -> None:
        own = open_store()
        say("begun")
        for number in range(100_000):
            try:
                own.accounts.connect("OPENROUTER", f"user-{number}", {"api_key": f"key-{number}"})
            except MasterKeyError:
                say("retired")
                return
            say(str(number))

    with Child(connect) as child:
        assert child.said() == "begun"
        for _ in range(10):
            child.said()
        assert open_store(keys=[new, key]).rotate().retired == (key.id,)
        said = child.rest()
    assert said[-1] == "retired"
    alone = open_store(keys=[new])
    confirmed = int(said[-2]) + 1 if len(said) > 1 else 10
    assert alone.accounts.count() == confirmed
    assert unreadable(alone, confirmed) == []
    assert sealed_with(alone, key) == 0


def test_with_the_new_key_known_both_seal_and_both_open(open_store: OpenStore, key: MasterKey) -> None:
    new = MasterKey.fresh()
    before, after = open_store(keys=[key, new]), open_store(keys=[new, key])
    for store, user in ((before, "alice"), (after, "bob")):
        store.accounts.connect("OPENROUTER", user, {"api_key": user})
    for store in (before, after):
        for user in ("alice", "bob"):
            found = store.for_registry().credentials(user, "OPENROUTER")
            assert found is not None
            assert found["api_key"] == user
    assert (sealed_with(after, key), sealed_with(after, new)) == (1, 1)
    assert before.derived_keys("cookies") == after.derived_keys("cookies")[::-1]


def test_what_nobody_can_open_is_named_and_keeps_the_old_key(
    open_store: OpenStore, key: MasterKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "BATCH", 3)
    store = open_store()
    names = fill(store, 10)
    with store._database.write(audited=False) as session:
        other = session.get_one(AccountRow, names[1]).sealed
        session.execute(update(AccountRow).where(AccountRow.id == names[5]).values(sealed=other))
    new = MasterKey.fresh()
    both = open_store(keys=[new, key])
    done = both.rotate()
    assert (done.resealed, done.unreadable, done.retired) == (9, (names[5],), ())
    with pytest.raises(SealBroken):
        both.accounts.credentials(names[5])
    both.accounts.disconnect(names[5])
    assert both.rotate().retired == (key.id,)
    assert unreadable(open_store(keys=[new]), 5) == []


def test_a_key_in_the_users_own_place_is_changed_there(tmp_path: Path) -> None:
    with pytest.raises(MasterKeyError, match="Neither"):
        key_providers.add_fresh()
    with Store.open() as store:
        fill(store, 3)
    with Store.open(f"sqlite:///{tmp_path / 'other.db'}") as store:
        fill(store, 2)
    path = tmp_path / "data" / "openrouter-toolkit" / "master-key"
    (old,) = keys.read(path.read_text(), "")
    assert str(path) in key_providers.add_fresh()
    new, kept = keys.read(path.read_text(), "")
    assert kept == old
    assert path.stat().st_mode & 0o777 == 0o600
    with Store.open() as store:
        assert store.rotate().retired == (old.id,)
        assert unreadable(store, 3) == []
        assert sealed_with(store, new) == 3
    with Store.open(f"sqlite:///{tmp_path / 'other.db'}") as store:
        assert unreadable(store, 2) == [], "the other database still needs the old key"


def test_who_was_started_before_finds_the_new_key_in_the_users_own_place() -> None:
    with Store.open() as running, Store.open() as idle, Store.open() as checked:
        fill(running, 3)
        old = running.accounts._sealer.keys[0]
        key_providers.add_fresh()
        running.accounts.connect("OPENROUTER", "dave", {"api_key": "sealed with the old key still"})
        with Store.open() as other:
            assert other.rotate().retired == (old.id,)
        assert unreadable(running, 3) == []
        account = idle.accounts.connect("OPENROUTER", "carol", {"api_key": "carols"})
        assert dict(running.accounts.credentials(account.id) or {}) == {"api_key": "carols"}
        assert sealed_with(running, old) == 0
        checked.check()
        assert checked.derived_keys("csrf")[0] == idle.derived_keys("csrf")[0]
        assert checked.derived_keys("csrf")[0] in running.derived_keys("csrf"), "what one signs the other verifies"


def test_the_running_are_ready_all_the_time() -> None:
    with Store.open() as running:
        fill(running, 3)
        key_providers.add_fresh()
        with Store.open() as rotating:
            running.check()
            with rotating._database.write(audited=False) as session:
                broken = session.scalars(select(AccountRow)).first()
                assert broken is not None
                broken.sealed = (broken.sealed or "")[:-8] + "AAAAAAA="
            assert rotating.rotate().retired == ()
        running.check()
        with Store.open() as again:
            again.accounts.disconnect(broken.id)
            assert len(again.rotate().retired) == 1
        running.check()


def test_a_reader_who_looks_a_key_up_does_not_bring_the_retired_one_back() -> None:
    old, new = MasterKey.fresh(), MasterKey.fresh()
    looking, go_on = threading.Event(), threading.Event()

    def look_up(ids: Collection[str]) -> list[MasterKey]:
        if threading.current_thread() is reader:
            looking.set()
            assert go_on.wait(10)
        return [new, old]

    sealer = Sealer([old], look_up)
    sealed = Sealer([new]).seal("secret", "place")
    opened: list[str] = []
    reader = threading.Thread(target=lambda: opened.append(sealer.open(sealed, "place")))
    reader.start()
    assert looking.wait(10)
    assert sealer.renew([new.id])
    go_on.set()
    reader.join()
    assert opened == ["secret"]
    assert sealer.keys == (new, old)


def test_a_key_that_is_nowhere_is_not_looked_up_each_time() -> None:
    looked: list[object] = []
    sealer = Sealer([MasterKey.fresh()], lambda ids: looked.append(ids) or [])  # type: ignore[func-returns-value]
    sealed = Sealer([MasterKey.fresh()]).seal("secret", "place")
    for _ in range(3):
        with pytest.raises(SealBroken):
            sealer.open(sealed, "place")
    assert len(looked) == 1


def test_a_key_that_another_database_got_does_not_seal_here(tmp_path: Path) -> None:
    with Store.open() as here, Store.open(f"sqlite:///{tmp_path / 'other.db'}") as there:
        fill(here, 1)
        (old,) = here.accounts._sealer.keys
        key_providers.add_fresh()
        with Store.open() as rotating:
            rotating.rotate()
        key_providers.add_fresh()
        with Store.open(f"sqlite:///{tmp_path / 'other.db'}") as rotating:
            rotating.rotate()
        here.accounts.connect("OPENROUTER", "alice", {"api_key": "alices"})
        there.accounts.connect("OPENROUTER", "bob", {"api_key": "bobs"})
        newest, middle, oldest = key_providers.KeyFile().read()
        assert oldest == old
        assert (sealed_with(here, middle), sealed_with(there, newest)) == (2, 1)


def test_keys_that_were_stated_are_not_looked_up_elsewhere(
    monkeypatch: pytest.MonkeyPatch, open_store: OpenStore, key: MasterKey
) -> None:
    store = open_store()
    fill(store, 1)
    new = MasterKey.fresh()
    key_providers.KeyFile().write([new, key])
    open_store(keys=[new, key]).rotate()
    with pytest.raises(MasterKeyError, match="was retired"):
        store.accounts.connect("OPENROUTER", "bob", {"api_key": "bobs"})
    with pytest.raises(MasterKeyError, match=new.id):
        store.check()


def all_but(folder: Path, name: str) -> bytes:
    """What is in all files of a folder but one."""
    return b"\n".join(path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != name)


def rotate_until_fsync(say: Say) -> None:
    """Stop in the midst of writing the key file, until somebody kills this process, or half a second later."""

    def fsync(descriptor: int) -> None:
        say("in fsync")
        time.sleep(1.5)

    os.fsync = fsync  # type: ignore[assignment]
    key_providers.add_fresh()
    say("written")


def test_a_rotation_that_is_killed_in_its_fsync_leaves_no_keys_behind(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "data" / "openrouter-toolkit"
    with Store.open() as store:
        fill(store, 1)
    before = (folder / "master-key").read_text()
    for _ in range(2):
        with Child(rotate_until_fsync) as child:
            child.said()
            child.kill()
    drafts = list(folder.glob("*.draft"))
    assert len(drafts) == 2
    assert {path.stat().st_mode & 0o777 for path in drafts} == {0o600}
    kept = [key.strip() for draft in drafts for key in draft.read_text().split(",")]
    assert before.strip() in kept
    with Store.open() as store:
        assert unreadable(store, 1) == []
    assert list(folder.glob("*.draft")) == []
    assert (folder / "master-key").read_text() == before
    for key in kept:
        assert key.encode() not in all_but(folder, "master-key")
        assert key not in caplog.text
    assert f"{drafts[0]}, left behind by a process that was killed while it wrote keys, was removed" in caplog.text


def test_drafts_are_removed_where_the_keys_are_stated_too(tmp_path: Path, open_store: OpenStore) -> None:
    folder = tmp_path / "data" / "openrouter-toolkit"
    folder.mkdir(parents=True)
    (folder / "master-key.12345.draft").write_text("keys")
    (folder / "master-key.of-mine").write_text("kept")
    open_store()
    assert [path.name for path in folder.iterdir() if "lock" not in path.name] == ["master-key.of-mine"]


def test_a_draft_that_is_being_written_is_left_to_its_writer() -> None:
    with Store.open() as store:
        fill(store, 1)
        (old,) = store.accounts._sealer.keys
    with Child(rotate_until_fsync) as child:
        child.said()
        with Store.open() as store:
            assert unreadable(store, 1) == []
        assert child.rest()[-1] == "written"
    assert [key == old for key in key_providers.KeyFile().read()] == [False, True]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), SystemExit(1)])
def test_a_write_that_fails_takes_its_draft_back(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store.open().close()
    folder = tmp_path / "data" / "openrouter-toolkit"
    before = (folder / "master-key").read_text()

    def fail(descriptor: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises((MasterKeyError, KeyboardInterrupt, SystemExit)):
        key_providers.add_fresh()
    assert list(folder.glob("*.draft")) == []
    assert (folder / "master-key").read_text() == before


def test_a_draft_that_can_not_be_removed_is_told_and_stops_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = tmp_path / "data" / "openrouter-toolkit" / "master-key.1.draft"
    draft.parent.mkdir(parents=True)
    draft.write_text("keys")

    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "unlink", refuse)
    with Store.open(master_keys=[MasterKey.fresh()]) as store:
        store.check()
    assert f"{draft} has master keys in it and could not be removed" in caplog.text
