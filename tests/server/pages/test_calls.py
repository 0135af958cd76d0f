"""Calls on the pages: filters in the address, pages in both directions, one call in detail, and what a member sees."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from openrouter_toolkit.ledger import CallEntry
from openrouter_toolkit.ledger.advice import BY_TYPE
from openrouter_toolkit.ledger.entry import FREE, KNOWN, UNKNOWN, Entry, first_id_at
from openrouter_toolkit.store import Role, Store
from openrouter_toolkit.store.columns import now

from ..served import CHAT, KEY, Served
from ..test_roles import logged_in, of_role
from .person import Page, Person

CALLS = "/admin/calls"


def call(user: str, minutes_ago: float, **more: Any) -> Entry:
    facts: dict[str, Any] = {"toolkit": "OPENROUTER", "action": CHAT, "status": 200, "attempts": 1, "milliseconds": 812}
    at = first_id_at(now() - timedelta(minutes=minutes_ago))
    return Entry(**{**facts, "user_id": user, "id": at, **more})


def write(served: Served, *entries: Entry) -> list[CallEntry]:
    """Write calls. Returns all, the newest first."""
    for entry in entries:
        served.state.ledger.add(entry)
    assert served.state.ledger.flush()
    return list(served.state.ledger.calls(limit=1000).calls)


def users(page: Page) -> list[str]:
    """The users of the calls on a page, in order."""
    assert page.status == 200
    return re.findall(r'class="user">([^<]*)<', page.html)


def some(served: Served) -> list[CallEntry]:
    cost = {"cost": 7_250_000, "billing": KNOWN, "model": "acme/atlas-small", "provider": "Acme"}
    return write(
        served,
        call("alice", 3, **cost, token_id="tok_1", agent="writer", session_id="run 7"),
        call("bob", 2, error_type="timeout", billing=UNKNOWN, model="acme/atlas-large", status=None, attempts=2),
        call("carol", 60 * 24 * 3, **cost, account_id="ca_1"),
        call("dave", 1, action=KEY, billing=FREE),
    )


def test_filters_stand_in_the_address_and_have_the_names_of_the_api(served: Served, admin: Person) -> None:
    some(served)
    page = admin.open(CALLS)
    for words in ("Create Chat Completion", "acme/atlas-small", "timeout", "$0.00000725", "unknown", "free"):
        assert words in page.text
    day = (now() - timedelta(days=2)).date().isoformat()
    for query, expected in {
        "user_id=alice": ["alice"],
        "model=acme/atlas-small": ["alice", "carol"],
        f"action={CHAT.lower()}": ["bob", "alice", "carol"],
        "successful=false": ["bob"],
        "error_type=timeout": ["bob"],
        "token_id=tok_1": ["alice"],
        "agent=writer&session_id=run+7": ["alice"],
        "account_id=ca_1": ["carol"],
        f"until={day}": ["carol"],
        f"since={day}&successful=true": ["dave", "alice"],
    }.items():
        assert users(admin.open(f"{CALLS}?{query}")) == expected, query
    nothing = admin.open(f"{CALLS}?user_id=nobody&model=x")
    assert "No call passes the filters." in nothing.text
    for wrong in ("since=yesterday", "until=9999-99-99", "successful=perhaps", "older=2", "newer=call_1", "user_id=+"):
        assert users(admin.open(f"{CALLS}?{wrong}")) == ["dave", "bob", "alice", "carol"], wrong


def test_pages_lead_to_older_calls_and_back(served: Served, admin: Person) -> None:
    written = write(served, *(call(f"user-{number}", number) for number in range(120)))
    first = admin.open(CALLS)
    second = admin.open(first.links["Older calls"])
    third = admin.open(second.links["Older calls"])
    shown = [[one.id in page.html for one in written].count(True) for page in (first, second, third)]
    assert shown == [50, 50, 20]
    assert "Newer calls" not in first.links
    assert "Older calls" not in third.links
    write(served, call("late", 0))
    back = admin.open(third.links["Newer calls"])
    assert [one.id in back.html for one in written] == [50 <= number < 100 for number in range(120)]
    newest = admin.open(back.links["Newer calls"])
    assert users(newest)[0] == "user-0", "the page that was there"
    assert users(admin.open(newest.links["Newer calls"]))[:2] == ["late", "user-0"], "the newest, a whole page"
    filtered = admin.open(f"{CALLS}?successful=true&agent=")
    assert "successful=true" in filtered.links["Older calls"]


def test_one_call_has_all_its_facts_and_what_to_do(served: Served, admin: Person, store: Store) -> None:
    token, _ = store.tokens.create("night batch")
    account = store.accounts.connect(
        "OPENROUTER", "bob", {"api_key": "sk-or-v1-sandbox-0123456789abcdef-4242"}, alias="work"
    )
    (failed,) = write(
        served,
        call(
            "bob",
            5,
            model="acme/atlas-large",
            request_model="acme/atlas",
            error_type="provider_overloaded",
            status=529,
            attempts=3,
            token_id=token.id,
            account_id=account.id,
            agent="writer",
            session_id="run 7",
            request_id="req-1",
            generation_id="gen-1",
            tokens_in=1_234,
            first_token_ms=90,
            billing=UNKNOWN,
        ),
    )
    page = admin.open(admin.open(CALLS).links[f"{failed.at:%d %b, %H:%M:%S}".lstrip("0")])
    assert page.answer.url.path == f"{CALLS}/{failed.id}"
    told = ("acme/atlas-large", "acme/atlas", "529", "3", "night batch", "work of user bob", "writer", "run 7", "req-1")
    for words in (*told, "gen-1", "1,234", "after 90 ms", "812 ms", CHAT, failed.id, BY_TYPE["provider_overloaded"]):
        assert words in page.text, words
    assert "Unknown: it can't be found out" in page.text
    assert "$0" not in page.text
    assert page.links["writer"] == f"{CALLS}?agent=writer"
    assert admin.open(page.links["work of user bob"]).status == 200
    assert admin.open(f"{CALLS}/call_0000000000000000").status == 404


def test_a_member_sees_their_own_calls_alone(served: Served) -> None:
    written = some(served)
    with logged_in(served, of_role(served, Role.MEMBER, "bob", "dave")) as browser:
        html = browser.get(CALLS).text
        for one in written:
            own = one.user_id in ("bob", "dave")
            assert (one.id in html) == own
            assert browser.get(f"{CALLS}/{one.id}").status_code == (200 if own else 404)
        assert "No call passes" in browser.get(f"{CALLS}?user_id=alice").text
        assert "tok_1" not in html


def test_an_auditor_sees_every_call_and_no_button(served: Served) -> None:
    written = some(served)
    with logged_in(served, of_role(served, Role.AUDITOR)) as browser:
        html = browser.get(CALLS).text
        assert all(one.id in html for one in written)
        for path in (CALLS, f"{CALLS}/{written[0].id}"):
            assert browser.get(path).text.count('method="post"') == 1, "to log out"
