"""People: names, roles, the first and the last owner, and what ends when somebody is disabled or removed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from openrouter_toolkit.store import LastOwner, NameTaken, Person, Role, Store, UnknownPerson

from .conftest import OpenStore, PassTime


def owner(store: Store, name: str = "Olivia") -> Person:
    found = store.people.first_owner(name)
    assert found is not None
    return found


def test_the_first_is_the_owner_and_nobody_else_becomes_it_so(open_store: OpenStore) -> None:
    store = open_store()
    assert not store.people.exist()
    assert store.people.only_owner() is None
    olivia = owner(store, " Olivia Ortega ")
    assert (olivia.name, olivia.role, olivia.created_by) == ("Olivia Ortega", Role.OWNER, None)
    assert olivia.joined_at is not None
    assert store.people.first_owner("Mallory") is None
    assert store.people.only_owner() == olivia
    assert store.people.list() == [olivia]


def test_of_many_first_owners_there_is_one(open_store: OpenStore) -> None:
    stores = [open_store() for _ in range(4)]
    with ThreadPoolExecutor(4) as workers:
        made = list(workers.map(lambda pair: pair[1].people.first_owner(f"Owner {pair[0]}"), enumerate(stores)))
    assert [one is None for one in made].count(False) == 1
    assert len(stores[0].people.list()) == 1


def test_names_are_unique_and_printable(open_store: OpenStore) -> None:
    store = open_store()
    ada = store.people.add("Ada Byron", Role.AUDITOR, email=" ada@host.example ", users=["ada", "ada", "b"])
    assert (ada.email, ada.users, ada.joined_at) == ("ada@host.example", frozenset({"ada", "b"}), None)
    assert store.people.named("ADA BYRON") == store.people.named(ada.id) == ada
    for taken in ("ada byron", " Ada Byron "):
        with pytest.raises(NameTaken):
            store.people.add(taken, Role.MEMBER)
    strasse = store.people.add("Straße", Role.MEMBER)
    with pytest.raises(NameTaken):
        store.people.change(ada.id, name="STRASSE")
    assert store.people.change(strasse.id, name="STRASSE").name == "STRASSE"
    for odd in ("", " ", "a\nb", "\u202e", "x" * 101, "person_0123456789"):
        with pytest.raises(ValueError, match="name"):
            store.people.add(odd, Role.MEMBER)
    for email in ("nobody", "a b@c", "@", "a@" + "x" * 300):
        with pytest.raises(ValueError, match="e-mail"):
            store.people.change(ada.id, email=email)
    with pytest.raises(ValueError, match="user_id"):
        store.people.change(ada.id, users=["ok", ""])
    with pytest.raises(ValueError, match="Role"):
        store.people.add("Bob", "emperor")  # type: ignore[arg-type]
    for nobody in ("nobody", "person_00000000000000000000", "x" * 300, "\x00", "'"):
        with pytest.raises(UnknownPerson):
            store.people.named(nobody)
        with pytest.raises(UnknownPerson):
            store.people.get(nobody)
    assert store.people.change(ada.id, email="").email is None


def test_an_owner_is_left(open_store: OpenStore) -> None:
    store = open_store()
    olivia = owner(store)
    store.people.add("Otto", Role.OWNER)  # invited, and never came
    store.people.disable(store.people.joined(store.people.add("Oskar", Role.OWNER).id).id)
    attempts: list[Callable[[], object]] = [
        lambda: store.people.change(olivia.id, role=Role.ADMINISTRATOR),
        lambda: store.people.disable(olivia.id),
        lambda: store.people.remove(olivia.id),
    ]
    for attempt in attempts:
        with pytest.raises(LastOwner):
            attempt()
        assert store.people.get(olivia.id) == olivia
    second = store.people.joined(store.people.named("Otto").id)
    assert store.people.only_owner() is None
    assert store.people.change(olivia.id, role=Role.MEMBER).role == Role.MEMBER
    assert store.people.only_owner() == store.people.get(second.id)
    store.people.remove(olivia.id)
    store.people.remove(store.people.named("Oskar").id)


def test_of_two_owners_who_remove_each_other_one_is_left(open_store: OpenStore) -> None:
    stores = [open_store(), open_store()]
    pair = [owner(stores[0]), stores[0].people.joined(stores[0].people.add("Otto", Role.OWNER).id)]

    def remove(number: int) -> bool:
        try:
            stores[number].people.remove(pair[number].id)
        except LastOwner:
            return False
        return True

    with ThreadPoolExecutor(2) as workers:
        assert sorted(workers.map(remove, range(2))) == [False, True]
    assert len(stores[0].people.list()) == 1


def test_who_is_disabled_or_removed_is_out_at_once(open_store: OpenStore) -> None:
    here, there = open_store(), open_store()
    owner(here)
    for end in (here.people.disable, here.people.remove):
        bob = here.people.add("Bob", Role.MEMBER)
        session = there.sessions.create(bob)
        link = there.links.to_log_in(bob.id)
        assert there.links.to_person(bob.id) == [link.link]
        assert there.sessions.find(session) is not None
        end(bob.id)
        assert there.sessions.find(session) is None
        assert there.links.find(link.secret) is None
        with pytest.raises(UnknownPerson):
            there.people.joined(bob.id)
        if end == here.people.disable:
            assert here.people.enable(bob.id).disabled_at is None
            assert there.sessions.find(session) is None, "an ended login stays ended"
            here.people.remove(bob.id)


def test_sessions_know_their_person_and_end_one_by_one(open_store: OpenStore, pass_time: PassTime) -> None:
    store = open_store()
    olivia = owner(store)
    bob = store.people.add("Bob", Role.MEMBER)
    one = store.sessions.create(olivia, address="192.0.2.7", browser="Firefox/130 \u202e" + "x" * 400)
    other, bobs = store.sessions.create(olivia), store.sessions.create(bob)
    found = store.sessions.find(one)
    assert found is not None
    assert found.person is not None
    assert (found.person.id, found.address) == (olivia.id, "192.0.2.7")
    assert found.browser is not None
    assert found.browser.startswith("Firefox/130 x")
    assert len(found.browser) == 255
    assert one not in found.id
    assert {session.id for session in store.sessions.of(olivia)} >= {found.id}
    assert len(store.sessions.of(olivia)) == 2
    assert not store.sessions.end(bob, found.id), "it is not his"
    for odd in ("", "ses_", "ses_%", "ses_" + "_" * 20, "%" * 24):
        assert not store.sessions.end(olivia, odd)
    assert store.sessions.end(olivia, found.id)
    assert store.sessions.find(one) is None
    third = store.sessions.create(olivia)
    assert store.sessions.end(olivia, but=third)
    assert [store.sessions.find(secret) is not None for secret in (one, other, third, bobs)] == [
        False,
        False,
        True,
        True,
    ]
    pass_time(timedelta(days=1, seconds=1))
    assert store.sessions.of(olivia) == []


def test_last_seen_and_a_role_that_changes(open_store: OpenStore, pass_time: PassTime) -> None:
    here, there = open_store(), open_store()
    owner(here)
    bob = here.people.add("Bob", Role.ADMINISTRATOR)
    assert bob.last_seen_at is None
    session = here.sessions.create(here.people.joined(bob.id))
    pass_time(timedelta(minutes=5))
    there.sessions.find(session)
    seen = here.people.get(bob.id)
    assert seen.last_seen_at is not None
    assert seen.joined_at is not None
    assert seen.last_seen_at - seen.joined_at >= timedelta(minutes=5)
    here.people.change(bob.id, role=Role.AUDITOR, users=["bob"])
    found = there.sessions.find(session)
    assert found is not None
    assert found.person is not None
    assert (found.person.role, found.person.users) == (Role.AUDITOR, frozenset({"bob"}))


def test_a_link_lasts_as_long_as_was_said(open_store: OpenStore, pass_time: PassTime) -> None:
    store = open_store()
    bob = store.people.add("Bob", Role.MEMBER)
    long = store.links.to_log_in(bob.id, lifetime=timedelta(days=7))
    short = store.links.to_log_in(bob.id)
    assert long.link.person_id == bob.id
    pass_time(timedelta(days=6))
    store.tidy()
    states = [store.links.find(link.secret) for link in (long, short)]
    assert [None if link is None else link.state for link in states] == ["open", None]
    assert store.links.withdraw(long.link.id)
    assert not store.links.withdraw(long.link.id)
    assert not store.links.withdraw("'")
    assert store.links.find(long.secret) is None
