"""The five steps without script, and all that may go wrong on the way: /connect/{link} and whose it is to be."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from openrouter_toolkit.connecting import Checked, check
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import Status, Store

from ..conftest import ALICE, BOB
from ..served import KEY, Served
from .person import Page, Person

DETAILS = "/admin/tools/openrouter"
MANAGEMENT = "sk-or-v1-sandbox-management-0123456789abcd"
WRONG = "sk-or-v1-0123456789abcdef0123456789abcdef"
MakePerson = Callable[[], Person]
PassTime = Callable[[timedelta], None]


def enter(person: Person, page: Page, key: str = ALICE, **more: str) -> Page:
    """Type a key into the secure page, and send it."""
    return person.send(page, "Connect", **{"field.api_key": key, **more})


def begin(admin: Person, **wanted: str) -> Page:
    """The secure page of a new account, on which it was chosen for whom it is."""
    page = admin.open(f"{DETAILS}/connect")
    page.form("Connect").fields.update({"whose": "user", "user_id": "alice", **wanted})
    return page


def make_link(admin: Person, **wanted: str) -> Page:
    """Have a link made for somebody else: the page that shows it."""
    return admin.post(f"{DETAILS}/connect/link", **begin(admin, **wanted).form("Connect").fields)


def asked(admin: Person, store: Store, **wanted: str) -> Page:
    """The secure page of a link for alice."""
    return admin.open(f"/connect/{store.links.to_connect('OPENROUTER', 'alice', **wanted).secret}")


def test_the_five_steps(admin: Person, served: Served, store: Store) -> None:
    tools = admin.open("/admin/tools")
    available = admin.open(tools.links["Available (2)"])
    details = admin.open(available.links["OpenRouter"])
    secure = admin.open(details.links["Connect"])
    assert "OpenRouter Toolkit wants to connect to your OpenRouter" in secure.text
    assert secure.form("Connect").fields["whose"] == "organisation", "for everyone, unless somebody changes it"
    page = enter(admin, secure, whose="user", user_id="alice")
    assert "OpenRouter is connected for user alice. Agents can use it now." in page.text
    assert "Active (1)" in page.links
    with served.client(served.token("alice")) as host:
        answer = host.post(f"/api/actions/{KEY}", json={"arguments": {}}).json()
    assert answer["successful"], answer


def test_what_comes_after_connecting_is_told(admin: Person, served: Served) -> None:
    done = enter(admin, begin(admin, user_id="o'hara"))
    assert done.links["How agents use it"] == f"{DETAILS}#agents"
    page = admin.open(DETAILS)
    assert '<section class="sheet" id="agents"' in page.html
    for words in (
        f"POST {served.url}/api/actions/OPENROUTER_CREATE_CHAT_COMPLETION",
        f"{served.url}/mcp",
        """openrouter-toolkit tokens create --name agents --user-id 'o'"'"'hara'""",
        "--user-id binds it to users",
        "To rename or share one: openrouter-toolkit accounts.",
    ):
        assert words in page.text
    assert f"{served.url}/mcp/echo" in admin.open("/admin/tools/echo").text


def test_the_optional_key_is_called_optional_once(admin: Person) -> None:
    for page in (admin.open(DETAILS), begin(admin)):
        assert "Reads the account's credit" in page.text
        assert "Optional." not in page.text


def test_for_whom_it_is(admin: Person, store: Store) -> None:
    def account() -> tuple[str | None, frozenset[str] | None, str | None]:
        (newest, *_) = store.accounts.list()
        return newest.user_id, newest.users, newest.alias

    enter(admin, begin(admin, whose="organisation", user_id="ignored"))
    assert account() == (None, None, None)
    enter(admin, begin(admin, whose="users", users="bob,, carol ,\r\nbob"))
    assert account() == (None, frozenset({"bob", "carol"}), None)
    enter(admin, begin(admin, user_id=" alice@example.com ", users="ignored", alias=" work "))
    assert account() == ("alice@example.com", frozenset(), "work")
    page = admin.open(DETAILS)
    assert "Shared with everyone" in page.text
    assert [line for line in page.text.split("\n") if line in ("bob", "carol")] == ["bob", "carol"], "one chip each"


def test_looking_at_the_page_stores_nothing(admin: Person, store: Store) -> None:
    for _ in range(3):
        begin(admin)
    assert store.accounts.count() == 0
    assert "Waiting for a key" not in admin.open(DETAILS).text


def test_sending_it_twice_makes_one_account(admin: Person, store: Store) -> None:
    page = begin(admin)
    assert "is connected for user alice" in enter(admin, page).text
    assert "was connected for user alice with this key already" in enter(admin, page).text
    assert store.accounts.count() == 1
    enter(admin, page, BOB)
    enter(admin, page, whose="users", users="bob")
    enter(admin, page, alias="another name for it")
    assert store.accounts.count() == 4


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"user_id": ""}, "Enter the user_id."),
        ({"user_id": "  "}, "Enter the user_id."),
        ({"user_id": "x" * 256}, "1 to 255"),
        ({"user_id": "a\u202eb"}, "printable"),
        ({"whose": "users", "users": "bob,\u0007"}, "printable"),
        ({"whose": "users", "users": " , "}, "Enter a user_id, or several."),
        ({"whose": "nonsense"}, "Choose one"),
        ({"alias": "x" * 101}, "1 to 100"),
        ({"alias": "ca_1"}, "does not begin with ca_"),
    ],
)
def test_names_that_nobody_can_have(admin: Person, store: Store, wanted: dict[str, str], said: str) -> None:
    page = enter(admin, begin(admin, **wanted))
    assert page.status == 422
    assert said in page.text
    assert store.accounts.count() == 0


@pytest.mark.parametrize("field", ["user_id", "alias"])
def test_a_key_in_the_wrong_field_is_not_shown_again(admin: Person, store: Store, field: str) -> None:
    page = enter(admin, begin(admin, **{field: ALICE}))
    assert page.status == 422
    assert "This looks like a key" in page.text
    assert ALICE not in page.html
    assert store.accounts.count() == 0


def test_an_alias_is_an_owners_only_once(admin: Person, store: Store) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE}, alias="work")
    for page in (enter(admin, begin(admin, alias="work"), BOB), make_link(admin, alias="work")):
        assert "There is an account of that name already." in page.text
        assert page.form("Connect").fields["user_id"] == "alice", "what was typed is still there"
    assert store.accounts.count() == 1


def test_a_wrong_key_is_refused_with_the_reason_and_the_page_stays(admin: Person, store: Store) -> None:
    page = enter(admin, begin(admin), WRONG)
    assert page.status == 422
    assert "No account goes with this API key" in page.text
    assert WRONG not in page.html
    assert WRONG[12:24] not in page.html
    assert store.accounts.count() == 0
    page = enter(admin, page, f"  {ALICE}\n")
    assert "is connected for user alice" in page.text


def test_no_key_at_all(admin: Person) -> None:
    page = enter(admin, begin(admin), "   ")
    assert page.status == 422
    assert "API key is needed" in page.text


def test_a_management_key_is_refused_in_place_of_the_ordinary_one(admin: Person, store: Store) -> None:
    page = enter(admin, begin(admin), MANAGEMENT)
    assert "completions would all fail" in page.text
    assert MANAGEMENT not in page.html
    page = enter(admin, page, ALICE, **{"field.management_api_key": MANAGEMENT})
    assert "is connected for user alice" in page.text
    (account,) = store.accounts.list()
    assert account.last_four == {"api_key": ALICE[-4:], "management_api_key": MANAGEMENT[-4:]}


def test_an_ordinary_key_is_refused_in_place_of_the_management_key(admin: Person) -> None:
    page = enter(admin, begin(admin), ALICE, **{"field.management_api_key": BOB})
    assert "may not read the account's credit" in page.text
    assert '<details class="optional" open>' in page.html, "it can be seen where"


def test_only_the_fields_of_the_manifest_are_taken(admin: Person, store: Store) -> None:
    page = enter(admin, begin(admin), ALICE, **{"field.base_url": "http://127.0.0.1:9", "api_key": WRONG})
    assert "is connected for user alice" in page.text
    credentials = store.accounts.credentials(store.accounts.list()[0].id)
    assert dict(credentials or {}) == {"api_key": ALICE}


def test_reconnecting_keeps_the_account_and_its_other_key(admin: Person, store: Store) -> None:
    old = store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE, "management_api_key": MANAGEMENT})
    credentials = store.accounts.credentials(old.id)
    assert credentials is not None
    store.for_registry().refused(credentials, "it was revoked")
    page = admin.send(admin.open(DETAILS), to=f"{old.id}/reconnect")
    assert "This replaces the key ending in cdef." in page.text
    assert "The Management key ending in abcd stays unless you enter another." in page.text
    told = enter(admin, page, BOB).text
    assert "is connected for user alice" in told
    assert "left out" not in told
    (account,) = store.accounts.list()
    assert (account.id, account.status, account.reason) == (old.id, Status.ACTIVE, None)
    assert dict(store.accounts.credentials(old.id) or {}) == {"api_key": BOB, "management_api_key": MANAGEMENT}


def test_an_other_key_that_does_not_work_any_more_is_left_out(admin: Person, store: Store) -> None:
    expired = "sk-or-v1-sandbox-expired-0123456789abcdef"
    old = store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE, "management_api_key": expired})
    page = admin.send(admin.open(DETAILS), to=f"{old.id}/reconnect")
    told = enter(admin, page, BOB).text
    assert "is connected for user alice" in told
    assert "The other key that the account had does not work any more and was left out" in told
    assert dict(store.accounts.credentials(old.id) or {}) == {"api_key": BOB}


def test_who_is_no_administrator_is_told_of_it_too(person: MakePerson, store: Store) -> None:
    expired = "sk-or-v1-sandbox-expired-0123456789abcdef"
    old = store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE, "management_api_key": expired})
    alice = person()
    page = alice.open(f"/connect/{store.links.to_reconnect(old.id).secret}")
    told = enter(alice, page, BOB).text
    assert "was left out" in told
    assert "You can close this page." in told


def test_openrouter_can_not_be_reached(admin: Person, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    page = begin(admin)
    monkeypatch.setenv("OPENROUTER_BASE_URL", "http://127.0.0.1:9/api/v1")
    page = enter(admin, page)
    assert page.status == 422
    assert "could not be checked" in page.text
    assert "Try again later" in page.text
    monkeypatch.undo()
    assert store.accounts.count() == 0


def test_a_link_is_handed_on(admin: Person, person: MakePerson, store: Store) -> None:
    page = make_link(admin)
    assert "A link for user alice" in page.text
    assert "Send this only to user alice" in page.text
    (address,) = [given["value"] for tag, given in page.elements if given.get("id") == "link"]
    alice, bob = person(), person()
    seen = [anybody.open(address) for anybody in (admin, alice, bob)]
    assert [page.status for page in seen] == [200, 200, 200], "looking does nothing"
    assert all("alice" in page.text for page in seen)
    assert "You can close this page." in enter(alice, seen[1], ALICE).text
    assert enter(bob, seen[2], BOB).status == 403
    (account,) = store.accounts.list()
    assert (account.user_id, account.status) == ("alice", Status.ACTIVE)
    assert dict(store.accounts.credentials(account.id) or {}) == {"api_key": ALICE}


def test_a_link_to_connect_again_is_handed_on(admin: Person, person: MakePerson, store: Store) -> None:
    account = store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
    assert "Make a link" not in admin.open(DETAILS).text
    credentials = store.accounts.credentials(account.id)
    assert credentials is not None
    store.for_registry().refused(credentials, "it was revoked")
    page = admin.send(admin.open(DETAILS), "Make a link")
    (address,) = [given["value"] for tag, given in page.elements if given.get("id") == "link"]
    alice = person()
    assert "You can close this page." in enter(alice, alice.open(address), BOB).text
    assert store.accounts.get(account.id).status == Status.ACTIVE


def test_looking_does_not_use_a_link_and_sending_does(admin: Person, person: MakePerson, store: Store) -> None:
    link = store.links.to_connect("OPENROUTER", "alice")
    address = f"/connect/{link.secret}"
    preview = person()
    for _ in range(3):
        assert preview.open(address).status == 200
    alice = person()
    page = enter(alice, alice.open(address))
    assert "You can close this page." in page.text, "she is no administrator"
    for somebody in (alice, admin):
        assert "API key" not in somebody.open(address).text
    assert "used already" in alice.open(address).text
    assert "not for this browser" in admin.open(address).text


def test_a_link_belongs_to_the_browser_that_used_it_first(person: MakePerson, store: Store) -> None:
    link = store.links.to_connect("OPENROUTER", "alice")
    alice, mallory = person(), person()
    seen = mallory.open(f"/connect/{link.secret}")
    enter(alice, alice.open(f"/connect/{link.secret}"), WRONG)
    for page in (mallory.open(f"/connect/{link.secret}"), enter(mallory, seen, BOB)):
        assert page.status == 403
        assert "not for this browser" in page.text
        assert "alice" not in page.text
    assert store.accounts.list()[0].status == Status.INITIATED


def test_an_administrators_link_is_for_that_browser_alone(admin: Person, person: MakePerson, store: Store) -> None:
    account = store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
    address = str(admin.send(admin.open(DETAILS), to=f"{account.id}/reconnect").answer.url)
    assert person().open(address).status == 403
    assert person().log_in().open(address).status == 403
    assert admin.open(address).status == 200


def test_links_that_are_too_old(admin: Person, store: Store, pass_time: PassTime) -> None:
    page = asked(admin, store)
    pass_time(timedelta(minutes=11))
    for late in (admin.open(str(page.answer.url)), enter(admin, page)):
        assert late.status == 410
        assert "too old" in late.text
        assert late.links["To the tools"] == "/admin/tools"
    assert store.accounts.list()[0].status != Status.ACTIVE


def test_a_link_that_gets_too_old_while_the_key_is_tried(
    admin: Person, store: Store, pass_time: PassTime, monkeypatch: pytest.MonkeyPatch
) -> None:

    def slow(*given: Any) -> Checked:
        pass_time(timedelta(minutes=11))
        return check(*given)

    page = asked(admin, store)
    monkeypatch.setattr("openrouter_toolkit.connecting.checking.check", slow)
    assert enter(admin, page).status == 410
    assert store.accounts.credentials(store.accounts.list()[0].id) is None


def test_of_two_who_send_at_once_one_succeeds(person: MakePerson, store: Store) -> None:
    link = store.links.to_connect("OPENROUTER", "alice")
    alice = person()
    page = alice.open(f"/connect/{link.secret}")
    alice.send(page, "Connect", **{"field.api_key": WRONG})  # the link is hers
    fields = {**page.form("Connect").fields, "field.api_key": ALICE}
    outcomes: list[int] = []

    def send() -> None:
        outcomes.append(alice.client.post(f"/connect/{link.secret}", data=fields).status_code)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [303, 410, 410, 410]
    assert store.accounts.list()[0].version == 1


@pytest.mark.parametrize("secret", ["nonsense", "done2", "x" * 43, "%00", "%F0%9F%90%BF", "a%2Fb"])
def test_links_that_nobody_made(person: MakePerson, secret: str) -> None:
    page = person().open(f"/connect/{secret}")
    assert page.status == 404
    assert "Ask for a new one" in page.text or "Nothing here" in page.text


def test_a_login_link_connects_nothing_and_is_not_spoilt_by_trying(
    person: MakePerson, served: Served, sandbox: Sandbox
) -> None:
    secret = served.login_link().rsplit("/", 1)[1]
    stranger = person()
    page = stranger.open(f"/connect/{secret}")
    assert page.status == 404
    token = stranger.open(f"/login/{secret}").form("Log in").fields["csrf"]
    assert stranger.post(f"/connect/{secret}", csrf=token, **{"field.api_key": ALICE}).status == 404
    assert stranger.post(f"/connect/{secret}/browser", csrf=token).status == 404
    assert sandbox.requests == [], "nothing was tried with the key"
    other = person()
    assert "Tools" in other.send(other.open(f"/login/{secret}"), "Log in").text


def test_an_account_that_is_disconnected_meanwhile(admin: Person, store: Store) -> None:
    page = asked(admin, store)
    store.accounts.disconnect(store.accounts.list()[0].id)
    for late in (admin.open(str(page.answer.url)), enter(admin, page)):
        assert late.status == 404
    assert store.accounts.count() == 0


def test_what_stands_in_the_headers(admin: Person, store: Store) -> None:
    store.return_addresses.register("https://host.example/back")
    link = store.links.to_connect("OPENROUTER", "alice", return_address="https://host.example/back")
    answer = admin.open(f"/connect/{link.secret}").answer
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    targets = policy["form-action"].split()
    assert targets[0] == "'self'"
    assert [target.split(":")[0] for target in targets[1:]] == ["http", "https"], "the login page, and the way back"
    assert targets[2] == "https://host.example"


def test_back_to_a_registered_address_with_the_outcome(person: MakePerson, store: Store) -> None:
    for address, parted in (("https://host.example/back", "?"), ("https://host.example/back?chat=1", "&")):
        store.return_addresses.register(address)
        link = store.links.to_connect("OPENROUTER", "alice", return_address=address)
        alice = person()
        page = alice.open(f"/connect/{link.secret}")
        fields = {**page.form("Connect").fields, "field.api_key": ALICE}
        answer = alice.client.post(f"/connect/{link.secret}", data=fields)
        outcome = f"status=success&connected_account_id={link.link.account_id}"
        assert (answer.status_code, answer.headers["Location"]) == (303, f"{address}{parted}{outcome}")


def test_nobody_is_sent_where_it_is_not_registered(admin: Person, person: MakePerson, store: Store) -> None:
    address = "https://host.example/back"
    for wrong in (address, "javascript:alert(1)", "//host.example", r"\\host.example", "///host.example"):
        page = admin.open(f"{DETAILS}/connect?return_address={wrong}")
        assert page.status == 400
        assert "not registered" in page.text
        page = enter(admin, begin(admin, return_address=wrong))
        assert page.status == 400
    assert store.accounts.count() == 0
    store.return_addresses.register(address)
    page = asked(admin, store, return_address=address)
    store.return_addresses.remove(address)
    assert "is connected for user alice" in enter(admin, page).text, "it was taken back meanwhile"


def test_the_form_needs_its_token(admin: Person, person: MakePerson, store: Store) -> None:
    page = asked(admin, store)
    address = str(page.answer.url)
    for token in ("", "nonsense", person().open("/login").html[:64], "\u00e9"):
        assert admin.post(address, csrf=token, **{"field.api_key": ALICE}).status == 403
    other = person().log_in()
    token = other.open(f"{DETAILS}/connect").form("Connect").fields["csrf"]
    assert admin.post(address, csrf=token, **{"field.api_key": ALICE}).status == 403
    assert store.accounts.list()[0].status == Status.INITIATED


def test_keys_are_in_no_page_afterwards(admin: Person, store: Store) -> None:
    enter(admin, begin(admin))
    for address in ("/admin/tools", DETAILS, f"{DETAILS}/actions/openrouter_get_current_key/try"):
        assert ALICE[-16:-4] not in admin.open(address).html


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("sk-proj-0123456789abcdefghij", "an OpenAI key"),
        ("sk-ant-api03-0123456789abcdef", "an Anthropic key"),
        ("ghp_0123456789abcdefghij0123456789abcdef", "a GitHub token"),
        ("sk-0123456789abcdefghij", "another service's key"),
        ("AKIA0123456789ABCDEF", "an AWS access key"),
        ("OPENROUTER_API_KEY=sk-or-v1-0123456789abcdef", "behind OPENROUTER_API_KEY="),
        ("export KEY = sk-or-v1-0123456789abcdef", "behind KEY="),
        ("Bearer sk-or-v1-0123456789abcdef", "behind Bearer"),
    ],
)
def test_what_is_plainly_no_key_of_it_is_refused_by_name_and_sent_nowhere(
    admin: Person, store: Store, sandbox: Sandbox, secret: str, said: str
) -> None:
    for page in (begin(admin), asked(admin, store)):
        refused = enter(admin, page, secret, **{"field.management_api_key": MANAGEMENT})
        assert refused.status == 422
        assert said in refused.text
        assert secret not in refused.html
    assert sandbox.requests == []


def test_a_token_of_this_server_is_no_key(admin: Person, served: Served, sandbox: Sandbox) -> None:
    page = enter(admin, begin(admin), served.token("alice"))
    assert "This is an API token of this server" in page.text
    assert sandbox.requests == []


def test_a_newer_link_voids_the_older_ones(person: MakePerson, store: Store) -> None:
    first = store.links.to_connect("OPENROUTER", "alice")
    seen = person()
    page = seen.open(f"/connect/{first.secret}")
    second = store.links.to_reconnect(first.link.account_id or "")
    for old in (seen.open(f"/connect/{first.secret}"), enter(seen, page)):
        assert old.status == 404
        assert "This link isn't valid\nAsk for a new one." in old.text
    alice = person()
    assert "You can close this page." in enter(alice, alice.open(f"/connect/{second.secret}")).text


def test_reloading_a_link_that_was_made_makes_no_other(admin: Person, person: MakePerson, store: Store) -> None:
    page = make_link(admin, whose="users", users="bob, carol")
    assert "the person who holds the organisation's key" in page.text
    assert "bob\ncarol" in page.text
    address = str(page.answer.url)
    (link,) = [given["value"] for tag, given in page.elements if given.get("id") == "link"]
    assert link in admin.open(address).html
    assert store.accounts.count() == 1
    assert link not in person().log_in().open(address).html, "it is shown where it was made"
    bob = person()
    assert "You can close this page." in enter(bob, bob.open(link)).text
    assert admin.open(address).answer.url.path == DETAILS, "it was used"


def cancel(who: Person, page: Page) -> str:
    """Where Cancel leads to."""
    form = page.form("Cancel", to="/cancel")
    answer = who.client.post(page.answer.url.join(form.action), data=form.fields)
    assert answer.status_code == 303
    return str(answer.headers["Location"])


def test_cancelling_ends_the_link_and_leads_back(admin: Person, person: MakePerson, store: Store) -> None:
    back = "https://host.example/back?chat=1"
    store.return_addresses.register(back)
    alice = person()
    link = store.links.to_connect("OPENROUTER", "alice", return_address=back)
    page = alice.open(f"/connect/{link.secret}")
    assert cancel(alice, page) == f"{back}&status=cancelled&connected_account_id={link.link.account_id}"
    assert alice.open(f"/connect/{link.secret}").status == 410
    account = store.accounts.get(link.link.account_id or "")
    assert (account.status, account.reason) == (Status.FAILED, "You cancelled it.")
    own = person()
    assert cancel(own, asked(own, store)) == "/connect/cancelled"
    assert "Nothing was stored." in own.open("/connect/cancelled").text
    page = asked(admin, store)
    assert cancel(admin, page).startswith(f"{DETAILS}#ca_")
    assert admin.open(f"{DETAILS}/connect?return_address={back}").links["Cancel"] == f"{back}&status=cancelled"


def test_cancelling_a_reconnect_leaves_the_account_as_it_is(admin: Person, store: Store) -> None:
    account = store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
    page = admin.send(admin.open(DETAILS), to=f"{account.id}/reconnect")
    assert cancel(admin, page) == f"{DETAILS}#{account.id}"
    assert store.accounts.get(account.id).status == Status.ACTIVE


def test_a_link_that_is_too_old_leads_back_to_the_host(person: MakePerson, store: Store, pass_time: PassTime) -> None:
    back = "https://host.example/back"
    store.return_addresses.register(back)
    link = store.links.to_connect("OPENROUTER", "alice", return_address=back)
    pass_time(timedelta(minutes=11))
    page = person().open(f"/connect/{link.secret}")
    failed = f"{back}?status=failed&connected_account_id={link.link.account_id}"
    assert page.links["Back to host.example"] == failed


@pytest.mark.parametrize("encode", [False, True])
def test_the_return_address_survives_the_login(person: MakePerson, served: Served, store: Store, encode: bool) -> None:
    back = "https://squad.example/tools?agent=7&tab=tools"
    store.return_addresses.register(back)
    somebody = person()
    login = somebody.open(f"{DETAILS}/connect?return_address={quote(back, safe='') if encode else back}")
    assert "Log in" in login.text
    page = somebody.send(somebody.open(served.login_link()), "Log in")
    assert page.form("Connect").fields["return_address"] == back
    answer = somebody.client.post(f"{DETAILS}/connect", data={**page.form("Connect").fields, "field.api_key": ALICE})
    (account,) = store.accounts.list()
    assert answer.headers["Location"] == f"{back}&status=success&connected_account_id={account.id}"
