"""Roles: every page below /admin by every role, what a member sees of others, and who is named in the audit log."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2
import pytest

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.server.access.roles import RIGHTS, Right
from openrouter_toolkit.store import AuditEntry, Person, Role, Which

from .conftest import ALICE, BOB
from .served import KEY, Served
from .test_access import application, filled, routes
from .test_login import csrf

DETAILS = "/admin/tools/openrouter"
Browser = Callable[[Role], httpx2.Client]


def of_role(served: Served, role: Role, *users: str) -> Person:
    """Somebody of a role. There is an owner, too, who is not the only one."""
    people = served.store.people
    if not people.exist():
        people.first_owner("Olivia")
    return people.joined(people.add(f"The {role}", role, users=users).id)


@contextmanager
def logged_in(served: Served, person: Person | None) -> Iterator[httpx2.Client]:
    """A browser in which a person is logged in."""
    name = f"openrouter-toolkit-session-{served.state.settings.port}"
    with served.client(**{"User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/130.0"}) as browser:
        browser.cookies.set(name, served.store.sessions.create(person), domain="127.0.0.1")
        yield browser


def newest(served: Served) -> AuditEntry:
    return served.store.audit.list(limit=1)[0]


def test_the_table_has_every_route_and_no_others(served: Served) -> None:
    found = {f"{method} {path}" for method, path in routes(application(served)) if path.startswith("/admin/")}
    assert found == RIGHTS.keys()


@pytest.mark.parametrize("role", Role)
def test_each_page_by_each_role(role: Role, served: Served) -> None:
    person = of_role(served, role, "alice")
    allowed = []
    with logged_in(served, person) as browser:
        token = csrf(browser.get("/admin/you"))
        for route, right in RIGHTS.items():
            method, path = route.split()
            form = {"csrf": token} if method == "POST" else None
            answer = browser.request(method, filled(path), data=form)
            refused = (answer.status_code == 403 and "Ask" in answer.text) or "is for administrators" in answer.text
            assert refused == (role not in right.value), (route, answer.status_code)
            assert answer.status_code < 500
            allowed.append(not refused)
    assert any(allowed)
    assert all(allowed) == (role is Role.OWNER)


def test_an_auditor_changes_nothing() -> None:
    """By the table: the only forms that an auditor may send end the auditor's own logins."""
    forms = {route for route, right in RIGHTS.items() if route.startswith("POST") and Role.AUDITOR in right.value}
    assert forms == {"POST /admin/you/sessions/end", "POST /admin/you/sessions/{session_id}/end"}
    pages = {route for route, right in RIGHTS.items() if route.startswith("GET") and Role.AUDITOR not in right.value}
    assert {RIGHTS[route] for route in pages} <= {Right.CHANGE, Right.CHANGE_OWN, Right.PEOPLE}, "pages of forms"


def test_an_auditor_is_shown_no_button_that_would_not_work(served: Served) -> None:
    with logged_in(served, of_role(served, Role.AUDITOR)) as browser:
        for path in (DETAILS, "/admin/tools", "/admin/people", "/admin/audit", "/admin/tools/echo"):
            page = browser.get(path)
            assert page.status_code == 200
            assert re.findall(r'<form method="post"[^>]*action="([^"]*)"', page.text) == ["/logout"], path
        page = browser.get(DETAILS)
        assert "For alice alone" in page.text
        assert "/connect" not in page.text


def test_a_route_that_is_not_in_the_table_is_refused(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(RIGHTS, "GET /admin/tools")
    with logged_in(served, of_role(served, Role.OWNER)) as browser:
        assert browser.get("/admin/tools").status_code == 403
        assert browser.get("/admin/you").status_code == 200


def test_a_role_that_changes_counts_for_the_next_page(served: Served) -> None:
    person = of_role(served, Role.ADMINISTRATOR)
    with logged_in(served, person) as browser:
        token = csrf(browser.get(DETAILS))
        switch = f"{DETAILS}/actions/{KEY.lower()}/switch"
        assert browser.post(switch, data={"csrf": token, "to": "off"}).status_code == 303
        served.store.people.change(person.id, role=Role.AUDITOR)
        answer = browser.post(switch, data={"csrf": token, "to": "on"})
        assert answer.status_code == 403
        assert "An auditor sees everything and changes nothing." in answer.text
        assert KEY in served.store.switches.off("OPENROUTER")
        served.store.people.disable(person.id)
        assert browser.get("/admin/tools").headers["location"] == "/login"


def test_a_member_sees_and_changes_what_is_theirs_alone(served: Served, sandbox: Sandbox) -> None:
    store = served.store
    store.accounts.connect("OPENROUTER", None, {"api_key": BOB}, alias="everybodys")
    mine, bobs = (store.accounts.list(Which(users=[user]))[0] for user in ("alice", "bob"))
    link = store.links.to_connect("OPENROUTER", "bob")
    with logged_in(served, of_role(served, Role.MEMBER, "alice", "alice-at-work")) as browser:
        page = browser.get(DETAILS)
        token = csrf(page)
        assert mine.id in page.text
        for foreign in ("bob", bobs.id, "everybodys", BOB[-4:], link.link.id):
            assert foreign not in page.text, foreign
        tools = browser.get("/admin/tools").text
        assert "1 connected account" in tools
        assert "/admin/people" not in tools
        for path in ("/admin/people", "/admin/audit", "/admin/audit/export", f"/admin/people/{'person_' + '0' * 20}"):
            assert browser.get(path).status_code == 403
        for what in ("reconnect", "link", "default", "disable", "enable", "disconnect"):
            answer = browser.post(f"{DETAILS}/accounts/{bobs.id}/{what}", data={"csrf": token})
            assert answer.status_code in (303, 404)
            assert "%3A" not in answer.headers.get("location", "")
        assert browser.get(f"{DETAILS}/accounts/{bobs.id}/disconnect").status_code == 404
        assert store.accounts.get(bobs.id) == bobs
        assert browser.post(f"{DETAILS}/accounts/{mine.id}/disable", data={"csrf": token}).status_code == 303
        assert store.accounts.get(mine.id).status == "INACTIVE"
        trial = f"{DETAILS}/actions/{KEY.lower()}/try"
        before = len(sandbox.requests)
        assert browser.post(trial, data={"csrf": token, "user_id": "bob"}).status_code == 403
        assert browser.post(trial, data={"csrf": token, "user_id": ""}).status_code == 403
        assert len(sandbox.requests) == before
        page = browser.get(trial)
        assert "alice-at-work" in page.text
        assert "bob" not in page.text


def test_a_member_connects_for_their_own_users_alone(served: Served) -> None:
    store = served.store
    with logged_in(served, of_role(served, Role.MEMBER, "alice-at-work")) as browser:
        page = browser.get(f"{DETAILS}/connect")
        assert "Everyone" not in page.text
        assert re.findall(r"<option[^>]*>([^<]*)</option>", page.text) == ["alice-at-work"]
        token, count = csrf(page), store.accounts.count()
        for form in (
            {"whose": "organisation"},
            {"whose": "users", "users": "alice-at-work"},
            {"whose": "user", "user_id": "bob"},
            {"whose": "user", "user_id": ""},
        ):
            for way in ("", "/link", "/browser"):
                answer = browser.post(f"{DETAILS}/connect{way}", data={"csrf": token, "field.api_key": ALICE, **form})
                assert answer.status_code == 422, (form, way)
                assert "Choose one of your own users." in answer.text
        assert store.accounts.count() == count
        form = {"csrf": token, "field.api_key": ALICE, "whose": "user", "user_id": "alice-at-work"}
        assert browser.post(f"{DETAILS}/connect", data=form).status_code == 303
    (account,) = store.accounts.list(Which(users=["alice-at-work"]))
    entry = newest(served)
    assert (entry.action, entry.object_id, entry.actor_name) == ("account.connected", account.id, "The member")
    with logged_in(served, store.people.add("New", Role.MEMBER)) as browser:
        page = browser.get(f"{DETAILS}/connect")
        assert "You stand for no user yet." in page.text
        assert "bob" not in browser.get(DETAILS).text


def test_a_login_of_an_earlier_release_works_on_as_a_nameless_administrator(served: Served) -> None:
    with logged_in(served, None) as browser:
        page = browser.get(DETAILS)
        assert page.status_code == 200
        form = {"csrf": csrf(page), "to": "off"}
        assert browser.post(f"{DETAILS}/actions/{KEY.lower()}/switch", data=form).status_code == 303
        entry = newest(served)
        assert (entry.actor_kind, entry.actor_id, entry.who) == ("person", None, "An administrator")
        assert "begun before logins had names" in browser.get("/admin/you").text
        assert browser.post("/admin/people", data={"csrf": form["csrf"]}).status_code == 403


def test_changes_by_page_token_link_and_composios_api_name_who_made_them(served: Served) -> None:
    store = served.store
    person = of_role(served, Role.ADMINISTRATOR)
    alice = store.accounts.list(Which(users=["alice"]))[0]
    with logged_in(served, person) as browser:
        form = {"csrf": csrf(browser.get(DETAILS))}
        headers = {"X-Request-Id": "from-a-proxy-1"}
        browser.post(f"{DETAILS}/accounts/{alice.id}/disable", data=form, headers=headers)
    entry = newest(served)
    assert (entry.actor_kind, entry.actor_id, entry.actor_name) == ("person", person.id, person.name)
    assert (entry.address, entry.request_id) == ("127.0.0.1", "from-a-proxy-1")
    token, text = store.tokens.create("a host", ["alice"])
    with served.client(**{"x-api-key": text}) as host:
        answer = host.patch(f"/api/v3.1/connected_accounts/{alice.id}/status", json={"enabled": True})
        assert answer.status_code == 200
    entry = newest(served)
    assert (entry.actor_kind, entry.actor_id, entry.actor_name) == ("token", token.id, "a host")
    assert (entry.action, entry.user_id, entry.who) == ("account.switched_on", "alice", "the token a host")
    link = store.links.to_connect("OPENROUTER", "carol")
    with served.client() as somebody:
        address = f"/connect/{link.secret}"
        form = {"csrf": csrf(somebody.get(address)), "field.api_key": ALICE}
        assert somebody.post(address, data=form).status_code == 303
    connected, used = store.audit.list(limit=2)
    assert (connected.action, used.action) == ("account.connected", "link.used")
    assert connected.request_id == used.request_id
    assert (connected.actor_kind, connected.actor_id) == ("link", link.link.id)
    assert connected.who == "Somebody with a link"


def test_a_key_that_is_refused_in_a_call_names_the_token(served: Served, sandbox: Sandbox) -> None:
    token, text = served.store.tokens.create("a host", ["dave"])
    served.store.accounts.connect("OPENROUTER", "dave", {"api_key": "sk-or-v1-" + "0" * 60})
    with served.client(text) as host:
        assert not host.post(f"/api/actions/{KEY}", json={}).json()["successful"]
    entry = newest(served)
    assert (entry.action, entry.actor_id, entry.user_id) == ("account.expired", token.id, "dave")
