"""A toolkit's details: the manifest's every word, its accounts, its switches."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from openrouter_toolkit import manifest
from openrouter_toolkit.store import Status, Store
from openrouter_toolkit.store.account_health import UNITS, Finding, Health, Spending

from ..conftest import ALICE, BOB
from ..served import Served
from .person import Person

DETAILS = "/admin/tools/openrouter"
CREDITS = "OPENROUTER_GET_CREDITS"
WITHDRAWN = "OPENROUTER_CREATE_COINBASE_CHARGE"


def test_everything_that_the_manifest_says_is_there(admin: Person) -> None:
    loaded = manifest.load()
    text = admin.open(DETAILS).text
    words = " ".join(text.split())
    assert loaded.toolkit.description in words
    assert loaded.toolkit.version in words
    for field in loaded.auth.fields:
        assert field.title in words
        assert field.name in words
        assert field.description in words
        for step in field.steps:
            assert step in words
    for action in loaded.actions:
        assert action.slug in words
        assert action.definition.name in words
        assert action.definition.description in words


def test_every_parameter_of_every_action_is_there(admin: Person) -> None:
    html = admin.open(DETAILS).html
    for action in manifest.load().actions:
        part = html.split(f'<li class="action" id="{action.slug}">')[1].split('<li class="action"')[0]
        schema = action.definition.input_parameters
        for name in schema["properties"]:
            assert f"<code>{name}</code>" in part
        assert part.count("required</span>") == len(schema.get("required", ()))


def test_the_slug_may_be_written_in_any_case_and_others_are_nothing(admin: Person) -> None:
    assert admin.open("/admin/tools/OpenRouter").status == 200
    for wrong in ("nonsense", "openrouter%00", "%F0%9F%90%BF", "ı", "..%2Fetc"):
        page = admin.open(f"/admin/tools/{wrong}")
        assert page.status == 404
        assert "Nothing here" in page.text


def test_accounts_are_told_without_their_keys(admin: Person, store: Store) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE}, alias="work")
    store.accounts.connect("OPENROUTER", None, {"api_key": BOB}, users=["carol", "dave"])
    broken = store.accounts.connect("OPENROUTER", "eve", {"api_key": BOB})
    store.accounts.disable(broken.id, "Eve left.")
    page = admin.open(DETAILS)
    assert ALICE not in page.html
    assert BOB not in page.html
    assert ALICE[-12:-4] not in page.html
    for words in ("work", "cdef", "carol", "dave", "Eve left.", "Switched off", "default", "Last used", "never"):
        assert words in page.text


def test_the_health_of_a_key_is_told_where_somebody_has_to_do_something(admin: Person, store: Store) -> None:
    alice, bob = (store.accounts.connect("OPENROUTER", user, {"api_key": ALICE}) for user in ("alice", "bob"))
    store.health.found(bob, Finding({}))
    assert "Little left" not in admin.open(DETAILS).text
    assert admin.open(DETAILS).text.count("Checked") == 1
    conditions = {Health.LOW: "The key's limit of $5.00 is used up.", Health.EXPIRING: "The key expires soon."}
    store.health.found(alice, Finding(conditions, spending=Spending(0, 0, elsewhere=2 * UNITS)))
    text = admin.open(DETAILS).text
    assert "alice Active Little left" in text
    assert "The key's limit of $5.00 is used up. The key expires soon." in text
    assert "About $2.00 were spent elsewhere with this key." in text
    store.accounts.disable(alice.id)
    assert "Little left" not in admin.open(DETAILS).text, "it is not in use"


def test_many_accounts_come_in_pages(admin: Person, store: Store) -> None:
    with store.transaction():
        for number in range(120):
            store.accounts.connect("OPENROUTER", f"user-{number:03}", {"api_key": ALICE})
    seen: list[str] = []
    address = DETAILS
    for _ in range(3):
        page = admin.open(address)
        seen += [line for line in page.text.split("\n") if line.startswith("user-")]
        address = page.links.get("Older accounts", "")
    assert address == ""
    assert [line.split()[0] for line in seen] == [f"user-{number:03}" for number in reversed(range(120))]
    assert "Page 3 of 3" in admin.open(f"{DETAILS}?page=99").text
    for nonsense in ("0", "-1", "x", "9" * 5000, "\u0663"):
        assert "Page 1 of 3" in admin.open(f"{DETAILS}?page={nonsense}").text


def test_after_an_action_on_page_3_one_is_there_still(admin: Person, store: Store) -> None:
    with store.transaction():
        accounts = [store.accounts.connect("OPENROUTER", f"user-{n:03}", {"api_key": ALICE}) for n in range(101)]
    oldest = accounts[0]
    address = f"{DETAILS}?page=3"
    for button, said in (("Switch off", "is switched off"), ("Switch on", "is switched on")):
        page = admin.send(admin.open(address), button)
        assert f"The account of user user-000 {said}." in page.text
        assert "Page 3 of 3" in page.text
        assert page.answer.url.fragment == oldest.id
        row = page.html.partition(f'id="{oldest.id}"')[2].partition("</li>\n")[0]
        assert said in row, "in view, beside the account"
    question = admin.open(admin.open(address).links["Disconnect user user-000"])
    assert question.links["Cancel"] == f"{DETAILS}?page=3#{oldest.id}"
    page = admin.send(question, "Disconnect")
    assert "The account of user user-000 is disconnected." in page.text
    assert page.answer.url.fragment == "accounts"
    assert "Page 2 of 2" in page.text, "the third is gone, and the last is the nearest to it"


def test_nobody_can_put_another_text_into_the_message(
    admin: Person, person: Callable[[], Person], store: Store
) -> None:
    account = store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
    page = admin.send(admin.open(DETAILS), "Switch off")
    address = str(page.answer.url.copy_with(fragment=None))
    assert "The account of user alice is switched off." in admin.open(address).text
    for changed in (address.replace("alice", "mallory"), address.replace("done=disabled", "done=removed")):
        assert changed != address
        assert 'role="status"><div' not in admin.open(changed).html.replace("\n", "")
    assert "is switched off." not in person().log_in().open(address).text, "it is another browser's"
    assert store.accounts.get(account.id).status == Status.INACTIVE


def test_what_waits_for_a_key_stands_apart_until_it_ends(
    admin: Person, store: Store, pass_time: Callable[[timedelta], None]
) -> None:
    store.links.to_connect("OPENROUTER", "carol", alias="begun")
    failed = store.links.to_connect("OPENROUTER", "dave", alias="given-up")
    store.accounts.fail(failed.link.account_id or "", "no")
    store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE}, alias="done")
    text = admin.open(DETAILS).text
    connected, _, rest = text.partition("Waiting for a key\n")
    assert "done" in connected
    assert "begun" not in connected
    assert "begun" in rest
    assert "given-up" not in text
    pass_time(timedelta(minutes=11))
    text = admin.open(DETAILS).text
    assert "begun" not in text
    assert "Waiting for a key" not in text


def test_fields_come_in_the_order_in_which_they_are_asked_for(admin: Person, store: Store) -> None:
    account = store.accounts.connect("OPENROUTER", "alice", {"management_api_key": BOB, "api_key": ALICE})
    text = admin.open(DETAILS).text
    assert text.index("API key") < text.index("Management key")
    question = admin.open(f"{DETAILS}/accounts/{account.id}/disconnect").text
    assert "API key ending in cdef, Management key ending in 3210" in question
    assert "Its keys are deleted here" in question


def test_who_repeats_what_is_done_is_told_so(admin: Person, person: Callable[[], Person], store: Store) -> None:
    """Two administrators look at the same page."""
    first = store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
    second = store.accounts.connect("OPENROUTER", "alice", {"api_key": BOB}, alias="second")
    other = person().log_in()
    seen, echo = admin.open(DETAILS), admin.open("/admin/tools/echo")
    others, others_echo = other.open(DETAILS), other.open("/admin/tools/echo")
    for button, to in (("Switch off", f"{first.id}/disable"), ("Make default", f"{second.id}/default")):
        admin.send(seen, button, to=to)
        assert "already." in other.send(others, button, to=to).text
    assert "was switched off already" in other.send(others, to=f"{first.id}/disable").text
    question, others_question = (who.open(f"{DETAILS}/accounts/{first.id}/disconnect") for who in (admin, other))
    assert "is disconnected" in admin.send(question, "Disconnect").text
    assert "was disconnected already" in other.send(others_question, "Disconnect").text
    admin.send(seen, to="get_credits/switch")
    assert "Get Credits was off already." in other.send(others, to="get_credits/switch").text
    admin.send(echo, "Activate")
    assert "Echo was activated already." in other.send(others_echo, "Activate").text


def test_a_switch_counts_everywhere_at_once(admin: Person, served: Served, store: Store) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
    page = admin.open(DETAILS)
    switched = f"/actions/{CREDITS.lower()}/switch"
    page = admin.send(page, to=switched)
    assert "Get Credits is off." in page.text
    assert page.answer.url.fragment == CREDITS
    assert store.switches.off("OPENROUTER").keys() == {CREDITS}
    with served.client(served.token("alice")) as host:
        assert CREDITS not in host.get("/api/tools").text
        answer = host.post(f"/api/actions/{CREDITS}", json={"arguments": {}}).json()
        assert "switched it off" in answer["error"]
        page = admin.send(page, to=switched)
        assert "Get Credits is on." in page.text
        assert CREDITS in host.get("/api/tools").text
    assert store.switches.off("OPENROUTER") == {}


def test_a_withdrawn_action_says_why_and_can_be_switched_on(admin: Person, served: Served, store: Store) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
    store.switches.turn_off("OPENROUTER", WITHDRAWN)  # as it is in a new store
    page = admin.open(DETAILS)
    assert "OpenRouter has withdrawn charges by API. Top up at openrouter.ai/credits." in page.text
    with served.client(served.token("alice")) as host:
        assert WITHDRAWN not in host.get("/api/tools").text
        answer = host.post(f"/api/actions/{WITHDRAWN}", json={"arguments": {}}).json()
        assert "OpenRouter has withdrawn charges by API" in answer["error"]
        admin.send(page, to="coinbase_charge/switch")
        assert WITHDRAWN in host.get("/api/tools").text


def test_a_switch_says_to_which_side(admin: Person, store: Store) -> None:
    page = admin.open(DETAILS)
    token = page.form(to="get_credits/switch").fields["csrf"]
    address = f"{DETAILS}/actions/{CREDITS}/switch"
    for _ in range(2):
        admin.post(address, csrf=token, to="off")
    assert store.switches.off("OPENROUTER").keys() == {CREDITS}
    assert admin.post(address, csrf=token, to="sideways").status == 400
    assert admin.post(f"{DETAILS}/actions/nonsense/switch", csrf=token, to="off").status == 404
    assert admin.post(f"{DETAILS}/actions/ECHO_SAY/switch", csrf=token, to="off").status == 404
    assert store.switches.off("OPENROUTER").keys() == {CREDITS}


def test_one_without_login_is_activated_and_deactivated(admin: Person, store: Store) -> None:
    page = admin.open("/admin/tools/echo")
    assert "Connected accounts" not in page.text
    assert "Authentication" not in page.text
    page = admin.send(page, "Activate")
    assert "Agents can use it now." in page.text
    assert store.switches.activated().keys() == {"ECHO"}
    page = admin.send(page, "Deactivate")
    assert store.switches.activated() == {}
    assert admin.open("/admin/tools/echo/connect").status == 404
    token = page.form("Activate").fields["csrf"]
    assert admin.post(f"{DETAILS}/activate", csrf=token).status == 404, "it has a login"
    assert store.switches.activated() == {}


def test_disconnecting_asks_first(admin: Person, store: Store) -> None:
    account = store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE}, alias="work")
    question = admin.open(f"{DETAILS}/accounts/{account.id}/disconnect")
    assert "Disconnect work of user alice?" in question.text
    assert "ending in cdef" in question.text
    assert "openrouter.ai/keys" in question.text
    assert store.accounts.count() == 1, "the question alone does nothing"
    page = admin.send(question, "Disconnect")
    assert "disconnected" in page.text
    assert store.accounts.count() == 0
    assert "was disconnected already" in admin.send(question, "Disconnect").text


def test_an_account_is_switched_off_and_on(admin: Person, store: Store) -> None:
    account = store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
    page = admin.send(admin.open(DETAILS), "Switch off")
    assert "The account of user alice is switched off." in page.text
    assert (page.answer.url.path, page.answer.url.fragment) == (DETAILS, account.id)
    assert store.accounts.get(account.id).status == Status.INACTIVE
    assert store.for_registry().credentials("alice", "OPENROUTER") is None
    page = admin.send(page, "Switch on")
    assert "The account of user alice is switched on." in page.text
    credentials = store.for_registry().credentials("alice", "OPENROUTER")
    assert credentials is not None
    assert credentials["api_key"] == ALICE


def test_only_what_can_be_switched_has_a_switch(admin: Person, store: Store) -> None:
    expired = store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
    credentials = store.accounts.credentials(expired.id)
    assert credentials is not None
    store.for_registry().refused(credentials, "it was revoked")
    waiting = store.links.to_connect("OPENROUTER", "bob").link.account_id
    page = admin.open(DETAILS)
    offered = {form.action.removeprefix(f"{DETAILS}/accounts/") for form in page.forms if "/accounts/" in form.action}
    assert offered == {f"{one}/{what}" for one in (expired.id, waiting) for what in ("reconnect", "link")}
    token = page.form(to="get_credits/switch").fields["csrf"]
    admin.post(f"{DETAILS}/accounts/{expired.id}/enable", csrf=token)
    assert store.accounts.get(expired.id).status == Status.EXPIRED


def test_another_account_becomes_the_default(admin: Person, store: Store) -> None:
    first = store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE}, alias="first")
    second = store.accounts.connect("OPENROUTER", "alice", {"api_key": BOB}, alias="second")
    page = admin.open(DETAILS)
    assert page.form("Make default").action == f"{DETAILS}/accounts/{second.id}/default"
    page = admin.send(page, "Make default")
    assert "The account second of user alice is its owner's default now." in page.text
    assert [store.accounts.get(account.id).default for account in (first, second)] == [False, True]
    assert page.form("Make default").action == f"{DETAILS}/accounts/{first.id}/default"


@pytest.mark.parametrize("account_id", ["ca_nonsense", "nonsense", "ca_%00", "..%2F..%2F", "ca_" + "x" * 500])
def test_an_account_that_is_not_there(admin: Person, account_id: str) -> None:
    page = admin.open(f"{DETAILS}/accounts/{account_id}/disconnect")
    assert page.status == 404
    token = {"csrf": admin.open(DETAILS).form(to="get_credits/switch").fields["csrf"]}
    for what in ("reconnect", "link", "disable", "enable", "default"):
        assert admin.post(f"{DETAILS}/accounts/{account_id}/{what}", **token).status == 404


def test_an_account_of_another_toolkit_is_not_there(admin: Person, store: Store) -> None:
    account = store.accounts.connect("ECHO", "alice", {"api_key": "x" * 20})
    assert admin.open(f"{DETAILS}/accounts/{account.id}/disconnect").status == 404


def test_nothing_of_it_is_for_strangers(served: Served, store: Store) -> None:
    account = store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
    pages = [
        "/admin/tools",
        DETAILS,
        f"{DETAILS}/connect",
        f"{DETAILS}/actions/openrouter_get_credits/try",
        f"{DETAILS}/accounts/{account.id}/disconnect",
    ]
    forms = [
        f"{DETAILS}/connect",
        f"{DETAILS}/activate",
        f"{DETAILS}/actions/openrouter_get_credits/switch",
        f"{DETAILS}/actions/openrouter_get_credits/try",
        f"{DETAILS}/accounts/{account.id}/disconnect",
        f"{DETAILS}/accounts/{account.id}/reconnect",
        f"{DETAILS}/accounts/{account.id}/link",
        f"{DETAILS}/accounts/{account.id}/disable",
        f"{DETAILS}/accounts/{account.id}/enable",
        f"{DETAILS}/accounts/{account.id}/default",
    ]
    with served.client() as stranger:
        for address in pages:
            answer = stranger.get(address)
            assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
        for address in forms:
            assert stranger.post(address, data={"to": "off"}).status_code in (303, 403)
    assert store.accounts.count() == 1
    assert store.switches.off("OPENROUTER") == {}
