"""Browser sessions: how long they live, and how they end."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from openrouter_toolkit.store import Store
from openrouter_toolkit.store.tables import SessionRow

from .conftest import OpenStore, PassTime


def test_a_session_lives_as_long_as_it_is_used_and_a_week_at_the_most(store: Store, pass_time: PassTime) -> None:
    used, idle = store.sessions.create(), store.sessions.create()
    assert len(used) >= 43
    made = store.sessions.find(used)
    assert made is not None
    assert made.expires_at - made.created_at == timedelta(days=7)
    for _ in range(8):
        pass_time(timedelta(hours=20))
        found = store.sessions.find(used)
        assert found is not None
        assert found.expires_at == made.expires_at
    assert store.sessions.find(idle) is None
    pass_time(timedelta(hours=8))
    assert store.sessions.find(used) is None


def test_a_session_ends_everywhere_when_it_is_revoked(open_store: OpenStore) -> None:
    here, there = open_store(), open_store()
    one, other, third = (here.sessions.create() for _ in range(3))
    assert there.sessions.find(one) is not None
    here.sessions.revoke(one)
    here.sessions.revoke(one)
    here.sessions.revoke("unknown")
    assert there.sessions.find(one) is None
    assert there.sessions.find(other) is not None
    there.sessions.revoke_all()
    assert here.sessions.find(other) is None
    assert here.sessions.find(third) is None


def test_what_is_no_session(store: Store) -> None:
    real = store.sessions.create()
    for wrong in ("", real[:-1], real.swapcase(), "\0", "\ud800", "x" * 100_000):
        assert store.sessions.find(wrong) is None
    with store._database.read() as session:
        kept = session.scalars(select(SessionRow.id_hash)).one()
    assert store.sessions.find(kept) is None, "what the database has does not log in"


def test_ended_sessions_are_put_away_after_a_day(store: Store, pass_time: PassTime) -> None:
    revoked, idle, _ = store.sessions.create(), store.sessions.create(), store.sessions.create()
    store.sessions.revoke(revoked)
    store.tidy()
    assert count(store) == 3
    pass_time(timedelta(hours=23))
    assert store.sessions.find(idle) is not None
    pass_time(timedelta(hours=2))
    store.tidy()
    assert count(store) == 2
    pass_time(timedelta(days=2))
    store.tidy()
    assert count(store) == 0


def count(store: Store) -> int:
    with store._database.read() as session:
        return session.scalar(select(func.count(SessionRow.id_hash))) or 0
