"""People on the pages: the first owner, invitations, changes, logins that are listed and ended; the audit log."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from openrouter_toolkit.server.pages.login import new_link
from openrouter_toolkit.server.pages.rendering import browser_name
from openrouter_toolkit.store import Role, Store

from ...store.conftest import PassTime
from ..served import Served
from .person import Page, Person

NewPerson = Callable[[], Person]
PEOPLE, AUDIT, YOU = "/admin/people", "/admin/audit", "/admin/you"


def first_link(served: Served) -> str:
    return new_link(served.store, served.state.settings)


def flat(page: Page) -> str:
    """What people read, on one line."""
    return " ".join(page.text.split())


def link_on(page: Page) -> str:
    """The one-time link that a page shows, without the server."""
    (found,) = [given["value"] for tag, given in page.elements if tag == "input" and given.get("id") == "link"]
    return found


def test_the_first_who_comes_gives_a_name_and_is_the_owner(served: Served, person: NewPerson) -> None:
    link, other = first_link(served), first_link(served)
    first, second = person(), person()
    page = first.open(link)
    assert "You are the first here, and will be the owner" in page.text
    for wrong in ("", "  ", "a\u202eb", "x" * 101):
        page = first.send(first.open(link), "Log in", name=wrong)
        assert page.status == 422
        assert "A name is printable text of 1 to 100 characters." in page.text
    assert served.store.people.list() == []
    page = first.send(page, "Log in", name="Olivia <b>")
    assert (page.status, page.answer.url.path) == (200, "/admin/tools")
    assert "Olivia <b>" in page.text
    (owner,) = served.store.people.list()
    assert (owner.name, owner.role) == ("Olivia <b>", Role.OWNER)
    page = second.open(other)
    assert "In this browser, you will be:" in page.text
    second.send(page, "Log in", name="Mallory")
    assert [one.name for one in served.store.people.list()] == ["Olivia <b>"]
    begun = served.store.audit.list(limit=1)[0]
    assert (begun.action, begun.who, begun.what) == ("session.begun", "Olivia <b>", "logged in")


def test_where_there_is_not_just_one_owner_a_link_needs_a_name(served: Served, person: NewPerson, store: Store) -> None:
    link = first_link(served)
    store.people.first_owner("Olivia")
    store.people.joined(store.people.add("Otto", Role.OWNER).id)
    somebody = person()
    page = somebody.open(link)
    assert page.status == 410
    assert "does not say who logs in" in page.text
    page = somebody.open("/login")
    assert f"openrouter-toolkit login-link {served.url} --as NAME" in page.text
    page = somebody.send(somebody.open(new_link(store, served.state.settings, store.people.named("otto"))), "Log in")
    assert "Otto" in page.text


def test_somebody_is_invited_comes_and_is_seen(served: Served, admin: Person, person: NewPerson) -> None:
    page = admin.send(
        admin.open(PEOPLE),
        "Make the link",
        name="Ada Byron",
        email="ada@host.example",
        role="member",
        users="ada, ada-at-work,ada",
        lifetime="7-days",
    )
    assert "Send this only to Ada Byron." in page.text
    assert "Whoever opens it first is logged in as Ada Byron, Member." in page.text
    link = link_on(page)
    assert link.startswith(f"{served.url}/login/")
    assert admin.open(str(page.answer.url)).text == page.text, "reloading makes no other one"
    assert person().open(str(page.answer.url)).answer.url.path == "/login"
    ada = person()
    listed = admin.open(PEOPLE)
    assert "Ada Byron Member Invited" in listed.text
    assert "ada-at-work" in listed.text
    (link_row,) = served.store.links.to_person(served.store.people.named("ada byron").id)
    assert link_row.expires_at - link_row.created_at == timedelta(days=7)
    welcome = ada.send(ada.open(link), "Log in")
    assert "Ada Byron" in welcome.text
    assert "People" not in welcome.links
    assert "Invited" not in admin.open(PEOPLE).text
    details = admin.open(admin.open(PEOPLE).links["Ada Byron"])
    assert "From 127.0.0.1" in flat(details)
    assert admin.open(str(page.answer.url)).answer.url.path == details.answer.url.path, "the link is used"
    last = [(entry.who, entry.what) for entry in served.store.audit.list(limit=4)]
    assert last == [
        ("Ada Byron", "logged in"),
        ("Ada Byron", "used a link to log in as Ada Byron"),
        ("Olivia", "made a link to log in as Ada Byron"),
        ("Olivia", "added Ada Byron"),
    ]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "A name is printable text"),
        ("name", "olivia", "There is somebody of that name already."),
        ("email", "nobody", "An e-mail address is NAME@HOST."),
        ("role", "emperor", "Choose one of them."),
        ("role", "", "Choose one of them."),
        ("users", "ok,\u202e", "A user_id is printable text"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(
    field: str, value: str, words: str, admin: Person, served: Served
) -> None:
    given = {"name": "Ada", "email": "ada@host.example", "role": "auditor", "users": "ada", field: value}
    page = admin.send(admin.open(PEOPLE), "Make the link", **given)
    assert page.status == 422
    assert words in page.text
    faults = [given["id"] for tag, given in page.elements if tag == "p" and given.get("class") == "fault"]
    assert faults == [f"{field}-fault"]
    form = page.form("Make the link")
    assert form.fields["name"] == given["name"]
    assert [one.name for one in served.store.people.list()] == ["Olivia"]


def test_a_person_is_changed_disabled_enabled_and_removed(admin: Person, served: Served, person: NewPerson) -> None:
    store = served.store
    bob = store.people.add("Bob", Role.AUDITOR)
    theirs = person()
    theirs.send(theirs.open(new_link(store, served.state.settings, bob)), "Log in")
    path = f"{PEOPLE}/{bob.id}"
    page = admin.send(admin.open(path), "Save", name="Robert", role="member", users="bob")
    assert "Robert is changed." in page.text
    assert "People" not in theirs.open("/admin/tools").links
    page = admin.send(page, "Disable")
    assert "Robert is logged out and can't log in until enabled again." in page.text
    assert "Disabled" in page.text
    assert "Not logged in anywhere." in page.text
    assert theirs.open("/admin/tools").answer.url.path == "/login"
    page = admin.send(page, "Enable")
    assert "Robert can log in again." in page.text
    question = admin.open(f"{path}/remove")
    assert "Remove Robert?" in question.text
    page = admin.send(question, "Remove")
    assert "Robert is removed." in page.text
    assert admin.open(path).status == 404
    assert [entry.action for entry in store.audit.list(limit=4)] == ["person.removed"] + ["person.changed"] * 3


def test_the_last_owner_stays(admin: Person, served: Served) -> None:
    olivia = served.store.people.only_owner()
    assert olivia is not None
    path = f"{PEOPLE}/{olivia.id}"
    page = admin.send(admin.open(path), "Save", role="member")
    assert page.status == 422
    assert "There would be no owner left. Make somebody else an owner first." in page.text
    for page in (admin.send(admin.open(path), "Disable"), admin.send(admin.open(f"{path}/remove"), "Remove")):
        assert page.status == 409
        assert "There would be no owner left." in page.text
    assert served.store.people.only_owner() == olivia
    assert admin.open(path).status == 200


def test_logins_are_listed_and_ended(admin: Person, served: Served, person: NewPerson) -> None:
    olivia = served.store.people.only_owner()
    assert olivia is not None
    other, third = person(), person()
    other.client.headers["User-Agent"] = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18.0 Mobile Safari/604.1"
    for one in (other, third):
        one.log_in()
    page = admin.open(YOU)
    assert "Safari on iPhone" in page.text
    assert flat(page).count("From 127.0.0.1") == 3
    assert page.text.count("this one") == 1
    theirs = served.store.sessions.of(olivia)
    ended = next(session for session in theirs if session.browser and "iPhone" in session.browser)
    page = admin.send(page, to=f"{YOU}/sessions/{ended.id}/end")
    assert "That login of Olivia is ended." in page.text
    assert other.open(YOU).answer.url.path == "/login"
    page = admin.send(page, "End all others")
    assert "Olivia: all other logins are ended." in page.text
    assert third.open(YOU).answer.url.path == "/login"
    assert "End all others" not in page.text
    bob = served.store.people.add("Bob", Role.MEMBER)
    served.store.sessions.create(bob)
    served.store.sessions.create(bob, address="192.0.2.9")
    page = admin.send(admin.open(f"{PEOPLE}/{bob.id}"), "End all of them")
    assert "Bob is logged out everywhere." in page.text
    assert served.store.sessions.of(bob) == []


def test_a_link_is_made_again_and_withdrawn(admin: Person, served: Served, person: NewPerson) -> None:
    bob = served.store.people.add("Bob", Role.MEMBER)
    page = admin.send(admin.open(f"{PEOPLE}/{bob.id}"), "Make a link", lifetime="nonsense")
    link = link_on(page)
    page = admin.open(f"{PEOPLE}/{bob.id}")
    assert "not used, works until" in page.text
    page = admin.send(page, "Withdraw")
    assert "The link for Bob is withdrawn." in page.text
    assert person().open(link).status == 404
    assert served.store.audit.list(limit=1)[0].what == "withdrew a link to log in as Bob"
    foreign = served.store.links.to_connect("OPENROUTER", "alice")
    form = admin.open(f"{PEOPLE}/{bob.id}").form("Make a link").fields
    admin.post(f"{PEOPLE}/{bob.id}/links/{foreign.link.id}/withdraw", **form)
    assert served.store.links.find(foreign.secret) is not None


def test_the_audit_log_says_who_did_what(admin: Person, served: Served) -> None:
    page = admin.open("/admin/tools/openrouter")
    admin.send(page, to="openrouter_get_credits/switch")
    served.store.tokens.create("<script>alert(1)</script>")
    page = admin.open(AUDIT)
    assert "Olivia switched off the action OPENROUTER_GET_CREDITS" in flat(page)
    assert "on was yes → now no" in flat(page)
    assert "made the token <script>alert(1)</script>" in page.text
    assert "<script>alert" not in page.html
    found = admin.open(f"{AUDIT}?actor=Olivia&action=action")
    assert found.text.count("OPENROUTER_GET_CREDITS") == 2
    assert "made the token" not in found.text
    whole = admin.open(next(address for words, address in found.links.items() if words == "the whole request"))
    assert whole.text.count("the whole request") == 1
    assert "No change passes the filters." in admin.open(f"{AUDIT}?actor=nobody").text
    assert "No change passes the filters." in admin.open(f"{AUDIT}?since=2999-01-01").text
    for odd in ("since=x", "until=2026-13-45", "before=x", "before=-1", "after=" + "9" * 30, "actor=%00", "action=%25"):
        assert admin.open(f"{AUDIT}?{odd}").status == 200


def test_pages_of_the_audit_log_go_forth_and_back(admin: Person, served: Served) -> None:
    for number in range(120):
        served.store.switches.turn_off("ECHO", f"ECHO_{number}")
    first = admin.open(f"{AUDIT}?action=action&user_id=")
    assert "Newer changes" not in first.links
    second = admin.open(first.links["Older changes"])
    third = admin.open(second.links["Older changes"])
    assert "Older changes" not in third.links
    seen = [re.findall(r"action ECHO_(\d+)", flat(page)) for page in (first, second, third)]
    assert [number for page in seen for number in page] == [str(number) for number in range(119, -1, -1)]
    assert admin.open(third.links["Newer changes"]).text == second.text
    assert admin.open(second.links["Newest"]).text == first.text
    everything = admin.client.get(first.links["CSV"])
    assert everything.headers["content-type"].startswith("text/csv")
    assert everything.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    assert len(list(csv.reader(io.StringIO(everything.text)))) == 121
    assert len(admin.client.get(first.links["JSON"]).json()) == 120
    assert admin.client.get(f"{AUDIT}/export?format=xml").status_code == 422


def test_an_invitation_that_is_too_old(admin: Person, served: Served, person: NewPerson, pass_time: PassTime) -> None:
    page = admin.send(admin.open(PEOPLE), "Make the link", name="Ada", role="member", lifetime="10-minutes")
    pass_time(timedelta(minutes=11))
    late = person().open(link_on(page))
    assert late.status == 410
    assert "Ask for a new one." in late.text


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (None, "Unknown browser"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Chrome/130.0 Safari/537.36", "Chrome on macOS"),
        ("curl/8 \u202e" + "x" * 60, "curl/8 " + "x" * 32 + "…"),
    ],
)
def test_browsers_are_named(given: str | None, name: str) -> None:
    assert browser_name(given) == name
