"""One-time links: each works once, for ten minutes, in one browser, and only its secret finds it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import update

from openrouter_toolkit.store import (
    AliasTaken,
    LinkRefused,
    SealBroken,
    Status,
    Store,
    UnknownAccount,
    UnknownToolkit,
)
from openrouter_toolkit.store.tables import LinkRow

from .conftest import OpenStore, PassTime
from .processes import Child, Say, all_said


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(LinkRefused) as refused:
        call()
    return refused.value.reason


def test_a_link_connects_the_account_that_was_made_with_it(store: Store) -> None:
    new = store.links.to_connect("openrouter", "alice", alias="work", return_address="https://host/back?x=1")
    link = new.link
    assert link.account_id is not None
    assert (link.kind, link.state, link.toolkit, link.user_id) == ("connect", "open", "OPENROUTER", "alice")
    assert (link.return_address, link.bound, link.used_at) == ("https://host/back?x=1", False, None)
    assert link.expires_at - link.created_at == timedelta(minutes=10)
    account = store.accounts.get(link.account_id)
    assert (account.status, account.alias, account.user_id) == (Status.INITIATED, "work", "alice")
    assert store.links.find(new.secret) == link, "looking does not use it"
    assert store.links.find(new.secret) == link
    with store.transaction():
        used = store.links.consume(new.secret)
        store.accounts.fill(used.account_id or "", {"api_key": "k"})
    assert used.state == "used"
    assert used.used_at is not None
    assert store.accounts.get(link.account_id).status == Status.ACTIVE
    found = store.links.find(new.secret)
    assert found is not None
    assert found.state == "used", "a used link says so"


def test_only_the_secret_finds_it(store: Store) -> None:
    new = store.links.to_connect("OPENROUTER", "alice")
    for wrong in (new.link.id, new.link.account_id or "", new.secret[:-1], "", "\0", "\ud800", new.secret.swapcase()):
        assert store.links.find(wrong) is None
        assert refusal(lambda wrong=wrong: store.links.consume(wrong)) == "unknown"  # type: ignore[misc]
    assert len(new.secret) >= 43
    assert new.secret not in repr(new)


def test_it_works_once_and_in_time(store: Store, pass_time: PassTime) -> None:
    used, late = store.links.to_log_in(), store.links.to_log_in()
    assert (used.link.kind, used.link.account_id, used.link.toolkit) == ("login", None, None)
    store.links.consume(used.secret)
    assert refusal(lambda: store.links.consume(used.secret)) == "used"
    pass_time(timedelta(minutes=10))
    assert refusal(lambda: store.links.consume(late.secret)) == "expired"
    found = store.links.find(late.secret)
    assert found is not None
    assert found.state == "expired"
    assert refusal(lambda: store.links.consume(used.secret)) == "used"


def test_what_fails_afterwards_leaves_it_unused(store: Store) -> None:
    new = store.links.to_connect("OPENROUTER", "alice")
    with pytest.raises(ValueError, match="credentials"), store.transaction():  # noqa: PT012
        link = store.links.consume(new.secret)
        store.accounts.fill(link.account_id or "", {})
    assert store.links.consume(new.secret).state == "used"


def test_it_belongs_to_the_browser_that_opened_it(store: Store) -> None:
    new = store.links.to_connect("OPENROUTER", "alice")
    assert store.links.bind(new.secret, "session-a").bound
    assert store.links.bind(new.secret, "session-a").bound, "a second visit is fine"
    assert refusal(lambda: store.links.bind(new.secret, "session-b")) == "elsewhere"
    assert refusal(lambda: store.links.consume(new.secret, "session-b")) == "elsewhere"
    assert refusal(lambda: store.links.consume(new.secret)) == "elsewhere"
    assert refusal(lambda: store.links.start_pkce(new.secret, "session-b")) == "elsewhere"
    store.links.consume(new.secret, "session-a")
    assert refusal(lambda: store.links.consume(new.secret, "session-b")) == "elsewhere", "not even that it was used"
    made_for = store.links.to_connect("OPENROUTER", "alice", session="session-b")
    assert refusal(lambda: store.links.bind(made_for.secret, "session-a")) == "elsewhere"


def test_a_login_elsewhere_comes_back_once_and_to_its_own_browser(store: Store, pass_time: PassTime) -> None:
    new = store.links.to_connect("OPENROUTER", "alice")
    first = store.links.start_pkce(new.secret, "session-a")
    again = store.links.start_pkce(new.secret, "session-a")
    assert len({first.state, first.verifier, again.state, again.verifier}) == 4
    assert 43 <= len(again.verifier) <= 128, "RFC 7636, section 4.1"
    assert again.state not in repr(again)
    assert again.verifier not in repr(again)
    assert refusal(lambda: store.links.finish_pkce(first.state, "session-a")) == "unknown", "the newer one counts"
    assert refusal(lambda: store.links.finish_pkce(again.state, "session-b")) == "elsewhere"
    link, verifier = store.links.finish_pkce(again.state, "session-a")
    assert (link.state, verifier) == ("used", again.verifier)
    assert refusal(lambda: store.links.finish_pkce(again.state, "session-a")) == "used"
    assert refusal(lambda: store.links.consume(new.secret, "session-a")) == "used"
    late = store.links.to_connect("OPENROUTER", "alice")
    pkce = store.links.start_pkce(late.secret, "session-a")
    pass_time(timedelta(minutes=11))
    assert refusal(lambda: store.links.finish_pkce(pkce.state, "session-a")) == "expired"


def test_a_verifier_does_not_open_in_another_links_row(store: Store) -> None:
    one, other = store.links.to_log_in(), store.links.to_log_in()
    pkce = store.links.start_pkce(one.secret, "session-a")
    store.links.start_pkce(other.secret, "session-a")
    with store._database.write(audited=False) as session:
        theirs = session.get_one(LinkRow, other.link.id).verifier
        session.execute(update(LinkRow).where(LinkRow.id == one.link.id).values(verifier=theirs))
    with pytest.raises(SealBroken):
        store.links.finish_pkce(pkce.state, "session-a")
    found = store.links.find(one.secret)
    assert found is not None
    assert found.state == "open", "nothing was used"


def test_an_account_is_connected_anew_by_a_link(store: Store) -> None:
    account = store.accounts.connect("OPENROUTER", None, {"api_key": "old"}, alias="ours", users=["bob"])
    new = store.links.to_reconnect(account.id)
    assert (new.link.account_id, new.link.user_id, new.link.toolkit) == (account.id, None, "OPENROUTER")
    with pytest.raises(UnknownAccount):
        store.links.to_reconnect("ca_unknown")
    with pytest.raises(AliasTaken):
        store.links.to_connect("OPENROUTER", None, alias="ours")
    assert store.accounts.count() == 1
    store.accounts.disconnect(account.id)
    assert store.links.find(new.secret) is None, "it goes with its account"
    organisations = store.links.to_connect("OPENROUTER", None, users=["bob"])
    assert store.accounts.get(organisations.link.account_id or "").users == frozenset({"bob"})


def test_of_many_threads_one_uses_it(open_store: OpenStore) -> None:
    stores = [open_store(), open_store()]
    new = stores[0].links.to_log_in()
    won: list[int] = []

    def consume(number: int) -> None:
        try:
            stores[number % 2].links.consume(new.secret)
        except LinkRefused:
            return
        won.append(number)

    threads = [threading.Thread(target=consume, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_of_many_processes_one_uses_it(open_store: OpenStore) -> None:
    new = [open_store().links.to_log_in() for _ in range(5)]

    def consume(say: Say) -> None:
        own = open_store()
        for number, link in enumerate(new):
            try:
                own.links.consume(link.secret)
            except LinkRefused as refused:
                assert refused.reason == "used"  # noqa: PT017 - in another process
            else:
                say(str(number))

    won = all_said([Child(consume) for _ in range(4)])
    assert sorted(won) == ["0", "1", "2", "3", "4"]


def test_what_is_over_is_put_away(store: Store, pass_time: PassTime) -> None:
    waiting = store.links.to_connect("OPENROUTER", "alice")
    filled = store.links.to_connect("OPENROUTER", "bob")
    store.links.consume(filled.secret)
    store.accounts.fill(filled.link.account_id or "", {"api_key": "k"})
    store.tidy()
    assert store.accounts.get(waiting.link.account_id or "").status == Status.INITIATED
    pass_time(timedelta(minutes=11))
    again = store.links.to_reconnect(waiting.link.account_id or "")
    store.tidy()
    assert store.accounts.get(waiting.link.account_id or "").status == Status.INITIATED, "it has an open link"
    pass_time(timedelta(minutes=11))
    store.tidy()
    expired = store.accounts.get(waiting.link.account_id or "")
    assert (expired.status, expired.reason) == (Status.EXPIRED, "Nobody connected it in time.")
    assert store.accounts.get(filled.link.account_id or "").status == Status.ACTIVE
    found = store.links.find(again.secret)
    assert found is not None
    assert found.state == "expired"
    pass_time(timedelta(days=1))
    store.tidy()
    assert store.links.find(again.secret) is None
    assert [account.id for account in store.accounts.list()] == [filled.link.account_id]


@pytest.mark.parametrize("toolkit", ["NOTHING", "", "openrouterr", "OPENROUTER ", "x" * 10_000, "\u202e"])
def test_a_link_for_a_toolkit_that_there_is_not_is_an_error(store: Store, toolkit: str) -> None:
    with pytest.raises(UnknownToolkit) as refused:
        store.links.to_connect(toolkit, "alice")
    assert str(refused.value).startswith('There is no toolkit "')
    assert str(refused.value).endswith("here; there are OPENROUTER.")
    assert len(str(refused.value)) < 200
    assert store.accounts.list() == []


def test_links_are_made_for_the_toolkits_that_a_store_is_opened_with(open_store: OpenStore) -> None:
    with open_store(toolkits=["ECHO"]) as store:
        assert store.links.to_connect("echo", "alice").link.toolkit == "ECHO"
        with pytest.raises(UnknownToolkit, match="there are ECHO"):
            store.links.to_connect("OPENROUTER", "alice")
