"""Connected accounts as people manage them, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from openrouter_toolkit.store import AliasTaken, Status, Store, StoreError, UnknownAccount, Which

from .conftest import OpenStore, PassTime
from .processes import Child, Say, all_said

KEY = "sk-or-v1-0123456789abcdef0123456789abcdef"


def test_an_account_comes_back_as_it_was_put_in(store: Store) -> None:
    before = datetime.now(UTC)
    made = store.accounts.connect(
        "openrouter", "alice", {"api_key": KEY, "management_api_key": "short"}, alias=" Mine "
    )
    assert made == store.accounts.get(made.id)
    assert made.id.startswith("ca_")
    assert (made.toolkit, made.user_id, made.alias, made.status) == ("OPENROUTER", "alice", "Mine", Status.ACTIVE)
    assert (made.default, made.users, made.version, made.reason) == (True, frozenset(), 1, None)
    assert dict(made.last_four) == {"api_key": "cdef"}, "a short value shows nothing of itself"
    assert made.last_used_at is None
    assert made.connected_at is not None
    for moment in (made.created_at, made.updated_at, made.connected_at):
        assert moment.utcoffset() == timedelta(0)
        assert before <= moment <= datetime.now(UTC)
    assert dict(store.accounts.credentials(made.id) or {}) == {"api_key": KEY, "management_api_key": "short"}


def test_a_user_id_is_kept_letter_by_letter(store: Store) -> None:
    for user in ("alice@example.org", "Größe 💶", "a'b\"; DROP TABLE x", "x" * 255, "None"):
        made = store.accounts.connect("OPENROUTER", user, {"api_key": KEY})
        assert store.accounts.get(made.id).user_id == user
        assert store.accounts.list(Which(users=[user])) == [made]
        assert store.accounts.list(Which(users=[user.swapcase()])) == []


def test_a_user_id_that_nobody_can_have_is_refused(store: Store) -> None:
    for user in ("", "x" * 256, "a\0b", "a\nb", "\ud800", "\u202e"):
        with pytest.raises(ValueError, match="user_id"):
            store.accounts.connect("OPENROUTER", user, {"api_key": KEY})
        assert store.accounts.list(Which(users=[user])) == []
    assert store.accounts.count() == 0


def test_a_slug_that_no_toolkit_has_is_refused(store: Store) -> None:
    for slug in ("", "a b", "ß", "x\0", "1a", "a" * 65, "a-b"):
        with pytest.raises(ValueError, match="slug"):
            store.accounts.connect(slug, "alice", {"api_key": KEY})
        assert store.accounts.list(Which(toolkits=[slug])) == []
    assert store.accounts.count() == 0


def test_an_alias_that_nobody_can_read_is_refused(store: Store) -> None:
    for alias in ("", "   ", "x" * 101, "a\nb", "a\0b", "\ud800"):
        with pytest.raises(ValueError, match="name"):
            store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY}, alias=alias)
    assert store.accounts.count() == 0


def test_credentials_that_are_none_are_refused_and_nothing_is_left_behind(store: Store) -> None:
    wrong: list[Any] = [{}, {"api_key": ""}, {"api_key": None}, {"api_key": 5}]
    for credentials in wrong:
        with pytest.raises(ValueError, match="credential"):
            store.accounts.connect("OPENROUTER", "alice", credentials)
    assert store.accounts.count() == 0


def test_an_account_that_is_not_there(store: Store) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY})
    calls: list[Callable[[str], object]] = [
        store.accounts.get,
        store.accounts.credentials,
        store.accounts.make_default,
        store.accounts.enable,
        store.accounts.disable,
        store.accounts.disconnect,
        lambda name: store.accounts.fill(name, {"api_key": KEY}),
        lambda name: store.accounts.fail(name, "why"),
        lambda name: store.accounts.rename(name, "x"),
        lambda name: store.accounts.share(name, None),
    ]
    for account_id in ("ca_unknown", "", "ca_\0", "\ud800", "x" * 5000, "' OR 1=1 --"):
        for call in calls:
            with pytest.raises(UnknownAccount):
                call(account_id)
        assert store.accounts.list(Which(ids=[account_id])) == []
    assert store.accounts.count() == 1


def test_the_first_is_the_default_until_another_is_made_it(store: Store) -> None:
    first = store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY})
    second = store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY})
    other = store.accounts.connect("ECHO", "alice", {"api_key": KEY})
    bobs = store.accounts.connect("OPENROUTER", "bob", {"api_key": KEY})
    ours = store.accounts.connect("OPENROUTER", None, {"api_key": KEY})
    assert [account.default for account in (first, second, other, bobs, ours)] == [True, False, True, True, True]
    assert store.accounts.make_default(second.id).default
    assert store.accounts.make_default(second.id).default, "twice is once"
    defaults = {account.id for account in store.accounts.list() if account.default}
    assert defaults == {second.id, other.id, bobs.id, ours.id}


def test_when_the_default_goes_the_oldest_active_one_takes_its_place(store: Store) -> None:
    first = store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY})
    asleep = store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY})
    second = store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY})
    third = store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY})
    store.accounts.disable(asleep.id)
    assert store.accounts.disconnect(third.id).id == third.id
    assert store.accounts.get(first.id).default
    store.accounts.disconnect(first.id)
    assert [account.id for account in store.accounts.list() if account.default] == [second.id]
    with pytest.raises(UnknownAccount):
        store.accounts.get(first.id)


def test_an_alias_is_the_owners_in_one_toolkit(store: Store) -> None:
    mine = store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY}, alias="work")
    for toolkit, user in (("ECHO", "alice"), ("OPENROUTER", "bob"), ("OPENROUTER", None)):
        assert store.accounts.connect(toolkit, user, {"api_key": KEY}, alias="work").alias == "work"
    with pytest.raises(AliasTaken):
        store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY}, alias="work")
    other = store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY}, alias="home")
    with pytest.raises(AliasTaken):
        store.accounts.rename(other.id, " work ")
    assert store.accounts.rename(mine.id, "work").alias == "work", "its own is free for it"
    assert store.accounts.rename(mine.id, None).alias is None
    assert store.accounts.rename(other.id, "work").alias == "work"


def test_who_may_use_the_organisations(store: Store) -> None:
    ours = store.accounts.connect("OPENROUTER", None, {"api_key": KEY})
    assert ours.users is None
    assert store.accounts.share(ours.id, ["bob", "alice", "bob"]).users == frozenset({"alice", "bob"})
    assert store.accounts.share(ours.id, ["bob", "carol"]).users == frozenset({"bob", "carol"})
    assert store.accounts.get(ours.id).users == frozenset({"bob", "carol"})
    assert store.accounts.share(ours.id, []).users == frozenset(), "nobody is not everybody"
    assert store.accounts.share(ours.id, None).users is None
    with pytest.raises(ValueError, match="user_id"):
        store.accounts.share(ours.id, ["bob", ""])
    mine = store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY})
    with pytest.raises(StoreError, match="own"):
        store.accounts.share(mine.id, None)
    with pytest.raises(ValueError, match="organisation"):
        store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY}, users=["bob"])


def test_an_account_that_somebody_has_yet_to_connect(store: Store) -> None:
    waiting = store.accounts.initiate("OPENROUTER", "alice", alias="work")
    assert (waiting.status, waiting.default, waiting.connected_at, waiting.version) == (
        Status.INITIATED,
        False,
        None,
        0,
    )
    assert store.accounts.credentials(waiting.id) is None
    filled = store.accounts.fill(waiting.id, {"api_key": KEY})
    assert (filled.status, filled.default, filled.alias, filled.version) == (Status.ACTIVE, True, "work", 1)
    assert store.accounts.fail(filled.id, "late").status == Status.ACTIVE, "what was filled does not fail"
    second = store.accounts.initiate("OPENROUTER", "alice")
    failed = store.accounts.fail(second.id, "The code was refused.")
    assert (failed.status, failed.reason) == (Status.FAILED, "The code was refused.")
    assert store.accounts.fill(second.id, {"api_key": KEY}).reason is None


def test_switched_off_and_on_again(store: Store) -> None:
    mine = store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY})
    off = store.accounts.disable(mine.id)
    assert (off.status, off.reason) == (Status.INACTIVE, "It was switched off.")
    on = store.accounts.enable(mine.id)
    assert (on.status, on.reason, on.version) == (Status.ACTIVE, None, 1)
    waiting = store.accounts.initiate("OPENROUTER", "bob")
    store.accounts.disable(waiting.id, "Not now.")
    assert store.accounts.enable(waiting.id).status == Status.INITIATED
    failed = store.accounts.fail(waiting.id, "No.")
    assert store.accounts.enable(failed.id).status == Status.FAILED, "only disable is undone"


def test_lists_in_pages(store: Store, pass_time: PassTime) -> None:
    made = []
    for number in range(7):
        made.append(store.accounts.connect("OPENROUTER", f"user-{number % 2}", {"api_key": KEY}).id)
        if number % 3 == 0:
            pass_time(timedelta(seconds=1))
    ours = store.accounts.connect("ECHO", None, {"api_key": KEY}, users=["alice", "bob"])
    pages = []
    page = store.accounts.list(limit=3)
    while page:
        pages.append([account.id for account in page])
        page = store.accounts.list(limit=3, after=page[-1])
    assert [len(names) for names in pages] == [3, 3, 2]
    listed = [name for names in pages for name in names]
    assert listed[0] == ours.id, "the newest first"
    assert sorted(listed) == sorted([*made, ours.id])
    assert listed == [account.id for account in store.accounts.list()]
    assert [store.accounts.newer(store.accounts.get(name), Which()) for name in listed] == list(range(8))
    assert store.accounts.newer(store.accounts.get(made[0]), Which(users=["user-1"])) == 3
    assert store.accounts.list(Which(toolkits=["echo"])) == [ours]
    assert store.accounts.list(Which(users=[None, "user-0"]))[0] == ours
    assert store.accounts.count(Which(users=["user-0"])) == 4
    assert store.accounts.count(Which(users=["user-0"], statuses=[Status.EXPIRED])) == 0
    assert store.accounts.count(Which(ids=[])) == 0
    assert store.accounts.count(Which(ids=made[:2], users=["user-0"])) == 1


def test_no_change_is_lost_between_threads(open_store: OpenStore) -> None:
    stores = [open_store(), open_store()]
    account = stores[0].accounts.connect("OPENROUTER", "alice", {"api_key": KEY})

    def fill(store: Store) -> None:
        for number in range(15):
            store.accounts.fill(account.id, {"api_key": f"{KEY}-{number}"})

    threads = [threading.Thread(target=fill, args=(stores[number % 2],)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stores[0].accounts.get(account.id).version == 1 + 4 * 15


def test_no_change_is_lost_between_processes(open_store: OpenStore) -> None:
    store = open_store()
    account = store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY})

    def fill(say: Say) -> None:
        own = open_store()
        for _ in range(15):
            own.accounts.fill(account.id, {"api_key": KEY})
        say("done")

    children = [Child(fill) for _ in range(4)]
    for child in children:
        with child:
            assert child.rest() == ["done"]
    assert store.accounts.get(account.id).version == 1 + 4 * 15


def test_of_many_that_connect_at_once_one_is_the_default_and_one_gets_the_alias(open_store: OpenStore) -> None:
    def connect(say: Say) -> None:
        own = open_store()
        own.accounts.connect("OPENROUTER", "alice", {"api_key": KEY})
        try:
            own.accounts.connect("OPENROUTER", "alice", {"api_key": KEY}, alias="the one")
        except AliasTaken:
            say("taken")
        else:
            say("mine")

    store = open_store()
    heard = all_said([Child(connect) for _ in range(8)])
    assert sorted(heard) == ["mine"] + ["taken"] * 7
    listed = store.accounts.list()
    assert len(listed) == 9
    assert len([account for account in listed if account.default]) == 1


def test_a_transaction_of_the_callers_counts_as_a_whole(store: Store) -> None:
    mine = store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY}, alias="a")
    with pytest.raises(RuntimeError, match="halt"), store.transaction():  # noqa: PT012
        store.accounts.rename(mine.id, "b")
        assert store.accounts.get(mine.id).alias == "b", "inside, it has happened"
        store.accounts.connect("OPENROUTER", "bob", {"api_key": KEY})
        raise RuntimeError("halt")
    assert store.accounts.list() == [mine]
    with store.transaction():
        store.accounts.rename(mine.id, "c")
        with pytest.raises(AliasTaken):
            store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY}, alias="c")
        with pytest.raises(ValueError, match="credential"):
            store.accounts.connect("OPENROUTER", "bob", {})
    assert [(account.user_id, account.alias) for account in store.accounts.list()] == [("alice", "c")]
