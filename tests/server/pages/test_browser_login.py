"""Connecting by OpenRouter's own page: S256, state, one browser, one code; and everything that can go wrong there."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from openrouter_toolkit.connecting import Checked, check
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import Status, Store, StoreUnavailable

from ..served import KEY, Served, serving
from .person import Page, Person
from .test_connecting import DETAILS, asked, begin

MakePerson = Callable[[], Person]


def leave(admin: Person, **wanted: str) -> tuple[str, dict[str, str]]:
    """To OpenRouter's page: its address, and the query."""
    page = begin(admin, **wanted)
    answer = admin.client.post(f"{page.answer.url}/browser", data=page.form("Continue with").fields)
    assert answer.status_code == 303
    parts = urlsplit(answer.headers["Location"])
    return answer.headers["Location"], {name: values[0] for name, values in parse_qs(parts.query).items()}


def authorize(person: Person, address: str, decision: str = "authorize") -> str:
    """Decide on OpenRouter's page: the address that the browser is sent back to."""
    page = person.client.get(address)
    fields = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    answer = person.client.post(page.url.join("/auth"), data={**fields, "decision": decision})
    location: str = answer.headers["Location"]
    return location


def test_a_key_that_openrouter_made(admin: Person, served: Served, store: Store, sandbox: Sandbox) -> None:
    address, query = leave(admin, alias="work")
    assert address.startswith(f"{sandbox.base_url.removesuffix('/api/v1')}/auth?")
    assert query["code_challenge_method"] == "S256"
    assert query["key_label"] == "OpenRouter Toolkit work"
    assert query["callback_url"].startswith(f"{served.url}/connect/callback/")
    page = admin.open(authorize(admin, address))
    assert "OpenRouter is connected for user alice, as “work”." in page.text
    exchange = next(request for request in sandbox.requests if request.path == "/auth/keys")
    verifier = exchange.body["code_verifier"]
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    assert challenge == query["code_challenge"]
    with served.client(served.token("alice")) as host:
        assert host.post(f"/api/actions/{KEY}", json={"arguments": {}}).json()["successful"]


def test_neither_the_link_nor_the_verifier_is_told_to_openrouter(admin: Person, store: Store) -> None:
    page = asked(admin, store)
    secret = str(page.answer.url).rsplit("/", 1)[1]
    answer = admin.client.post(f"{page.answer.url}/browser", data=page.form("Continue with").fields)
    assert secret not in answer.headers["Location"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    cookie = next(value for value in answer.headers.get_list("set-cookie") if "-link-" in value)
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/connect/callback/" in cookie


def test_the_way_back_works_once(admin: Person, store: Store) -> None:
    back = authorize(admin, leave(admin)[0])
    admin.open(back)
    page = admin.open(back)
    assert page.status == 410
    assert "used already" in page.text
    assert store.accounts.list()[0].version == 1


def test_another_browser_does_not_get_in_between(admin: Person, person: MakePerson, store: Store) -> None:
    mallory = person()
    back = authorize(mallory, leave(admin)[0])
    assert mallory.open(back).status == 403
    assert store.accounts.list()[0].status == Status.INITIATED
    assert "is connected" in admin.open(back).text, "and nothing was used up by trying"


def test_a_state_that_nobody_was_given(admin: Person, sandbox: Sandbox) -> None:
    for state in ("nonsense", "x" * 43, "%00"):
        assert admin.open(f"/connect/callback/{state}?code=auth_code_1").status == 404
    assert all(request.path != "/auth/keys" for request in sandbox.requests)


def test_who_cancels_is_back_on_the_page_which_still_works(admin: Person, store: Store) -> None:
    page = admin.open(authorize(admin, leave(admin)[0], "cancel"))
    assert page.status == 200
    assert "nothing was stored" in page.text
    answer = admin.client.post(
        f"{page.answer.url.copy_with(query=None)}/browser", data=page.form("Continue with").fields
    )
    assert "is connected" in admin.open(authorize(admin, answer.headers["Location"])).text


def test_cancelling_without_the_cookie_ends_on_a_page_of_its_own(person: MakePerson) -> None:
    page = person().open("/connect/callback/whatever?error=access_denied")
    assert page.status == 400
    assert "nothing was stored" in page.text


def test_a_wrong_code_is_explained_and_one_can_begin_anew(admin: Person, store: Store) -> None:
    _, query = leave(admin)
    page = admin.open(f"{query['callback_url']}?code=auth_code_nonsense")
    assert page.status == 502
    assert "refused the code" in page.text
    (account,) = store.accounts.list()
    assert account.status == Status.FAILED
    assert "refused the code" in (account.reason or "")
    again = admin.send(page, "Try again")
    assert "wants to connect" in again.text
    assert "/connect/" in str(again.answer.url)


def test_a_key_that_does_not_pass_is_explained(
    admin: Person, store: Store, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    monkeypatch.setattr("openrouter_toolkit.sandbox.authorization.API_KEY", "sk-or-v1-sandbox-management")
    page = admin.open(authorize(admin, leave(admin)[0]))
    assert page.status == 502
    assert "completions would all fail" in page.text
    assert "delete it at https://openrouter.ai/keys" in page.text
    assert store.accounts.list()[0].status == Status.FAILED


def test_a_key_that_can_not_be_kept_is_not_forgotten_without_a_word(
    admin: Person, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fill(*_: object) -> None:
        raise StoreUnavailable("The database at 10.1.2.3 can't be used.")

    back = authorize(admin, leave(admin)[0])
    monkeypatch.setattr(store.accounts, "fill", fill)
    page = admin.open(back)
    assert page.status == 503
    assert "It could not be stored." in page.text
    assert "10.1.2.3" not in page.html
    assert "The database at 10.1.2.3 can't be used." in caplog.text
    assert "delete it at https://openrouter.ai/keys" in page.text


def test_the_account_is_disconnected_meanwhile(
    admin: Person, store: Store, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = authorize(admin, leave(admin)[0])

    def disconnecting(*given: Any) -> Checked:
        store.accounts.disconnect(store.accounts.list()[0].id)
        return check(*given)

    monkeypatch.setattr("openrouter_toolkit.connecting.checking.check", disconnecting)
    page = admin.open(back)
    assert page.status == 502
    assert "delete it at https://openrouter.ai/keys" in page.text
    assert "Try again" not in page.text
    assert store.accounts.count() == 0


def test_it_comes_back_too_late(admin: Person, store: Store, pass_time: Callable[[timedelta], None]) -> None:
    back = authorize(admin, leave(admin)[0])
    pass_time(timedelta(minutes=11))
    assert admin.open(back).status == 410
    assert store.accounts.list()[0].status != Status.ACTIVE


def test_who_is_no_administrator_is_told_the_end(person: MakePerson, store: Store) -> None:
    link = store.links.to_connect("OPENROUTER", "alice")
    alice = person()
    page = alice.open(f"/connect/{link.secret}")
    answer = alice.client.post(f"/connect/{link.secret}/browser", data=page.form("Continue with").fields)
    page = alice.open(authorize(alice, answer.headers["Location"]))
    assert "You can close this page." in page.text
    assert store.accounts.list()[0].user_id == "alice"
    assert store.accounts.list()[0].status == Status.ACTIVE


def test_the_browser_is_sent_back_by_the_name_that_it_used(admin: Person, served: Served, person: MakePerson) -> None:
    port = served.url.rsplit(":", 1)[1]
    link = served.store.links.to_connect("OPENROUTER", "alice")
    alice = person()
    address = f"http://localhost:{port}/connect/{link.secret}"
    page = alice.open(address)
    answer = alice.client.post(f"{address}/browser", data=page.form("Continue with").fields)
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["callback_url"][0].startswith(f"http://localhost:{port}/")


@pytest.mark.parametrize("host", ["tools.example.com", "tools.example.com:443", "TOOLS.example.com"])
def test_behind_a_proxy_it_is_sent_back_to_the_public_name(store: Store, host: str) -> None:
    with serving(store, url="https://tools.example.com") as served:
        link = store.links.to_connect("OPENROUTER", "alice")
        with served.client(Host=host) as browser:
            page = Page(browser.get(f"/connect/{link.secret}"))
            cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies.jar)
            fields = page.form("Continue with").fields
            answer = browser.post(f"/connect/{link.secret}/browser", data=fields, headers={"Cookie": cookies})
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["callback_url"][0].startswith("https://tools.example.com/connect/callback/")


def test_reconnecting_in_the_same_way(admin: Person, store: Store) -> None:
    old = store.accounts.connect("OPENROUTER", "alice", {"api_key": "sk-or-v1-sandbox-0000000000000000"})
    page = admin.send(admin.open(DETAILS), to=f"{old.id}/reconnect")
    answer = admin.client.post(f"{page.answer.url}/browser", data=page.form("Continue with").fields)
    assert "is connected" in admin.open(authorize(admin, answer.headers["Location"])).text
    (account,) = store.accounts.list()
    assert (account.id, account.version) == (old.id, 2)


@pytest.mark.parametrize("made", [False, True])
def test_a_login_that_fails_leads_back_to_the_host(
    person: MakePerson, store: Store, made: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = "https://host.example/back"
    store.return_addresses.register(back)
    link = store.links.to_connect("OPENROUTER", "alice", return_address=back)
    alice = person()
    page = alice.open(f"/connect/{link.secret}")
    answer = alice.client.post(f"/connect/{link.secret}/browser", data=page.form("Continue with").fields)
    failed = f"{back}?status=failed&connected_account_id={link.link.account_id}"
    if made:  # there is something to do first
        monkeypatch.setattr("openrouter_toolkit.sandbox.authorization.API_KEY", "sk-or-v1-sandbox-management")
        page = alice.open(authorize(alice, answer.headers["Location"]))
        assert "delete it at https://openrouter.ai/keys" in page.text
        assert page.links["Back to host.example"] == failed
    else:
        query = parse_qs(urlsplit(answer.headers["Location"]).query)
        answer = alice.client.get(f"{query['callback_url'][0]}?code=auth_code_nonsense")
        assert (answer.status_code, answer.headers["Location"]) == (303, failed)


def test_from_the_page_of_a_new_account(admin: Person, store: Store) -> None:
    page = begin(admin, whose="users", users="bob, carol", user_id="")
    answer = admin.client.post(f"{DETAILS}/connect/browser", data=page.form("Continue with").fields)
    back = authorize(admin, answer.headers["Location"])
    assert "Waiting for a key" in admin.open(DETAILS).text
    assert "OpenRouter is connected for the organisation." in admin.open(back).text
    (account,) = store.accounts.list()
    assert account.users == frozenset({"bob", "carol"})
    assert "Waiting for a key" not in admin.open(DETAILS).text
