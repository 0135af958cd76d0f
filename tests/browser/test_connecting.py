"""The secure page in a browser: what is refused, what is not shown again, and every way back."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from composio import Composio
from playwright.sync_api import expect

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import Status, Store

from ..loopback import stay_on_loopback
from ..server.served import CHAT, QUESTION, Process
from ..small_server import Handler, running
from .conftest import NewPage
from .walking import (
    DETAILS,
    KEY,
    MANAGEMENT_KEY,
    OTHER_KEY,
    WRONG_KEY,
    enter,
    let_expire,
    to_link,
    to_secure_page,
    told,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_a_wrong_key_is_refused_and_the_page_stays_usable(page: Page, store: Store) -> None:
    to_secure_page(page)
    enter(page, WRONG_KEY)
    field = page.get_by_label("API key", exact=True)
    fault = page.locator("#api_key-fault")
    expect(fault).to_contain_text('OpenRouter said: "No account goes with this API key". Copy it again')
    assert field.get_attribute("aria-invalid") == "true"
    assert "api_key-fault" in (field.get_attribute("aria-describedby") or "")
    assert field.input_value() == ""
    assert WRONG_KEY not in page.content()
    expect(field).to_be_focused()
    enter(page, KEY)
    page.wait_for_url("**/admin/tools*")
    assert store.accounts.list()[0].status == Status.ACTIVE


def test_a_management_key_belongs_in_the_other_field(page: Page, store: Store) -> None:
    to_secure_page(page, None)
    enter(page, MANAGEMENT_KEY)
    expect(page.locator("#api_key-fault")).to_contain_text("completions would all fail")
    assert not page.get_by_label("Management key").is_visible()
    page.get_by_text("Management key (optional)").click()
    page.get_by_label("Management key").fill(MANAGEMENT_KEY)
    enter(page, KEY)
    page.wait_for_url("**/admin/tools*")
    assert store.accounts.list()[0].last_four == {"api_key": KEY[-4:], "management_api_key": MANAGEMENT_KEY[-4:]}


def test_a_key_is_pasted(page: Page, store: Store) -> None:
    to_secure_page(page)
    field = page.get_by_label("API key", exact=True)
    field.focus()
    assert (field.get_attribute("type"), field.get_attribute("autocomplete")) == ("password", "off")
    page.evaluate(
        """(text) => {
            const pasted = new DataTransfer();
            pasted.setData("text/plain", text);
            const event = new ClipboardEvent("paste", {clipboardData: pasted, bubbles: true, cancelable: true});
            if (document.activeElement.dispatchEvent(event)) document.execCommand("insertText", false, text);
        }""",
        f" {KEY}\n",
    )
    page.get_by_role("button", name="Connect", exact=True).click()
    page.wait_for_url("**/admin/tools*")
    assert store.accounts.list()[0].last_four == {"api_key": KEY[-4:]}


def test_a_login_at_openrouter(page: Page, process: Process, store: Store, sandbox: Sandbox) -> None:
    to_secure_page(page)
    page.get_by_role("button", name="Continue with OpenRouter").click()
    page.get_by_role("heading", name="asks for a key to your OpenRouter account").wait_for()
    assert page.url.startswith(sandbox.base_url.removesuffix("/api/v1"))
    assert page.evaluate("document.referrer") == ""
    page.get_by_role("button", name="Authorize").click()
    page.wait_for_url("**/admin/tools*")
    told(page, "OpenRouter is connected for user alice.")
    with process.client(store.tokens.create("an agent's", ["alice"])[1]) as agent:
        assert agent.post(f"/api/actions/{CHAT}", json={"arguments": QUESTION}).json()["successful"]
    page.go_back()
    page.go_back()
    assert store.accounts.list()[0].version == 1, "looking back does nothing again"


def test_cancelling_at_openrouter(page: Page, store: Store) -> None:
    to_secure_page(page)
    page.get_by_role("button", name="Continue with OpenRouter").click()
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_url("**/connect/*?cancelled")
    told(page, "nothing was stored")
    enter(page, KEY)
    page.wait_for_url("**/admin/tools*")
    assert store.accounts.list()[0].status == Status.ACTIVE


def test_reload_and_back_button_store_nothing_twice(page: Page, store: Store) -> None:
    to_link(page, store)
    address = page.url
    enter(page, KEY)
    page.wait_for_url("**/admin/tools*")
    page.reload()
    assert page.locator(".message").count() == 0, "the message was for that once"
    page.go_back()
    page.wait_for_url(address)
    expect(page.get_by_role("heading", level=1)).to_have_text("This link was used already")
    page.reload()
    assert KEY not in page.content()
    page.get_by_role("link", name="To the tools").click()
    assert store.accounts.list()[0].version == 1


def test_reload_after_a_refusal_sends_the_same_again_and_keeps_nothing(page: Page, store: Store) -> None:
    to_secure_page(page)
    enter(page, WRONG_KEY)
    page.locator("#api_key-fault").wait_for()
    page.reload()
    page.locator("#api_key-fault").wait_for()
    assert store.accounts.count() == 0


def test_a_link_that_is_too_old(page: Page, store: Store) -> None:
    to_link(page, store)
    let_expire(store, page.url)
    enter(page, KEY)
    page.get_by_role("heading", name="This link is too old").wait_for()
    expect(page.locator("main")).to_contain_text("Ask for a new one")
    assert KEY not in page.content()
    assert store.accounts.list()[0].status == Status.INITIATED


def test_a_link_in_somebody_elses_browser(page: Page, new_page: NewPage, store: Store) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY})
    page.goto(DETAILS)
    page.get_by_role("button", name="Reconnect").click()
    page.wait_for_url("**/connect/*")
    with new_page() as other:
        other.goto(page.url)
        expect(other.get_by_role("heading", level=1)).to_have_text("This link is not for this browser")
        assert other.get_by_role("textbox").count() == 0
    enter(page, KEY)
    told(page, "OpenRouter is connected for user alice.")


def test_somebody_without_a_login_is_sent_a_link(new_page: NewPage, store: Store) -> None:
    link = store.links.to_connect("OPENROUTER", "carol", alias="research")
    with new_page(logged_in=False) as page:
        page.goto(f"/connect/{link.secret}")
        expect(page.locator(".whose")).to_contain_text("User carol")
        expect(page.locator(".whose")).to_contain_text("research")
        enter(page, KEY)
        page.get_by_role("heading", name="Connected").wait_for()
        page.goto("/admin/tools")
        expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
    assert store.accounts.list()[0].status == Status.ACTIVE


def test_a_host_on_composios_client_waits_until_the_key_was_entered(
    new_page: NewPage, process: Process, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    strangers = stay_on_loopback(monkeypatch)
    token = store.tokens.create("the host's")[1]
    composio = Composio(api_key=token, base_url=process.url, timeout=30, allow_tracking=False)
    with composio.client, new_page(logged_in=False) as page, ThreadPoolExecutor() as threads:
        request = composio.toolkits.authorize(user_id="carol", toolkit="openrouter")
        assert (request.status, store.accounts.list()[0].status) == ("INITIATED", Status.INITIATED)
        waiting = threads.submit(copy_context().run, request.wait_for_connection, 30)
        page.goto(str(request.redirect_url))
        expect(page.locator(".whose")).to_contain_text("User carol")
        enter(page, KEY)
        page.get_by_role("heading", name="Connected").wait_for()
        account = waiting.result()
        assert (account.status, account.user_id) == ("ACTIVE", "carol")
        answer = composio.tools.execute(CHAT, QUESTION, user_id="carol", version="20260316_00")
    assert answer["data"]["choices"][0]["message"]["content"] == "17 * 3 = 51"
    assert strangers == []


def test_a_form_is_not_sent_twice(page: Page, sandbox: Sandbox, store: Store) -> None:
    to_secure_page(page)
    page.get_by_label("API key", exact=True).fill(KEY)
    page.get_by_role("button", name="Connect", exact=True).dblclick()
    page.wait_for_url("**/admin/tools*")
    assert [request.path for request in sandbox.requests] == ["/key"]


def test_reconnecting(page: Page, store: Store) -> None:
    account = store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY})
    credentials = store.accounts.credentials(account.id)
    assert credentials is not None
    store.for_registry().refused(credentials, "OpenRouter refused the key.")
    page.goto(DETAILS)
    expect(page.locator(".account")).to_contain_text("Expired")
    expect(page.locator(".account")).to_contain_text("OpenRouter refused the key.")
    page.get_by_role("button", name="Reconnect").click()
    expect(page.locator(".whose")).to_contain_text("This replaces the key ending in 4242")
    enter(page, OTHER_KEY)
    told(page, "OpenRouter is connected for user alice.")
    (account,) = store.accounts.list()
    assert (account.status, account.last_four) == (Status.ACTIVE, {"api_key": OTHER_KEY[-4:]})


@pytest.fixture
def host_page() -> Iterator[str]:
    """The address of a page of the host's, on another origin."""

    class Host(Handler):
        def respond(self) -> None:
            page = b"<!doctype html><title>Host</title><link rel=icon href=data:,><h1>Welcome back</h1>"
            self.answer(page, Content_Type="text/html")

    with running(ThreadingHTTPServer(("127.0.0.1", 0), Host)) as address:
        yield f"{address}/tools?agent=7"


def test_back_to_the_host(page: Page, store: Store, host_page: str) -> None:
    store.return_addresses.register(host_page)
    page.goto(f"{DETAILS}/connect?return_address={host_page.replace('?', '%3F')}")
    enter(page, KEY)
    page.get_by_role("heading", name="Welcome back").wait_for()
    (account,) = store.accounts.list()
    assert page.url == f"{host_page}&status=success&connected_account_id={account.id}"
    assert page.evaluate("document.referrer") == "", "the link's address is told to nobody"


def test_cancelling_leads_back_to_the_host(page: Page, new_page: NewPage, store: Store, host_page: str) -> None:
    store.return_addresses.register(host_page)
    page.goto(f"{DETAILS}/connect?return_address={host_page}")
    page.get_by_role("link", name="Cancel").click()
    page.wait_for_url(f"{host_page}&status=cancelled")
    with new_page(logged_in=False) as other:
        link = to_link(other, store, return_address=host_page)
        other.get_by_role("button", name="Cancel").click()
        other.wait_for_url(f"{host_page}&status=cancelled&connected_account_id={link.account_id}")
    assert store.accounts.list()[0].status == Status.FAILED


def test_a_login_that_fails_leads_back_to_the_host(page: Page, store: Store, host_page: str) -> None:
    store.return_addresses.register(host_page)
    link = to_link(page, store, return_address=host_page)
    page.get_by_role("button", name="Continue with OpenRouter").click()
    page.get_by_role("button", name="Authorize").wait_for()
    page.goto(f"{parse_qs(urlsplit(page.url).query)['callback_url'][0]}?code=auth_code_nonsense")
    page.wait_for_url(f"{host_page}&status=failed&connected_account_id={link.account_id}")


def test_the_return_address_survives_the_login(new_page: NewPage, store: Store, host_page: str) -> None:
    store.return_addresses.register(host_page)
    with new_page(logged_in=False) as page:
        page.goto(f"{DETAILS}/connect?return_address={host_page}")
        expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
        page.goto(f"/login/{store.links.to_log_in().secret}")
        page.get_by_role("button", name="Log in").click()
        enter(page, KEY)
        page.get_by_role("heading", name="Welcome back").wait_for()
        assert page.url.startswith(f"{host_page}&status=success&")


def test_a_newer_link_voids_the_older_one(page: Page, store: Store) -> None:
    older = to_link(page, store)
    newer = store.links.to_reconnect(older.account_id or "")
    enter(page, KEY)
    expect(page.get_by_role("heading", level=1)).to_have_text("This link isn't valid")
    expect(page.locator("main")).to_contain_text("Ask for a new one.")
    page.goto(f"/connect/{newer.secret}")
    enter(page, KEY)
    page.wait_for_url("**/admin/tools*")


def test_what_waits_for_a_key_stands_apart_and_vanishes_when_it_ends(
    page: Page, new_page: NewPage, store: Store
) -> None:
    with new_page(logged_in=False) as alices:
        to_link(alices, store, "alice")
        late = store.links.to_connect("OPENROUTER", "bob")
        page.goto(DETAILS)
        expect(page.get_by_role("region", name="Connected accounts")).to_contain_text("None yet.")
        waiting = page.get_by_role("region", name="Waiting for a key")
        expect(waiting.get_by_role("heading", level=3)).to_contain_text(["bob", "alice"])
        alices.get_by_role("button", name="Cancel").click()
        alices.get_by_role("heading", name="Cancelled").wait_for()
        page.reload()
        expect(waiting.get_by_role("heading", level=3)).to_contain_text(["bob"])
        let_expire(store, late.secret)
        page.reload()
        expect(waiting).to_have_count(0)
        expect(page.locator(".account")).to_have_count(0)


def test_users_become_chips(page: Page, store: Store) -> None:
    page.goto(f"{DETAILS}/connect")
    expect(page.get_by_label("Everyone")).to_be_checked()
    page.get_by_label("Some users").check()
    users = page.get_by_label("Only for these users")
    chips = page.locator(".chips-field .chip")
    users.fill("bob, carol,, bob ,dave")
    expect(chips).to_have_text(["bob×", "carol×"])
    users.press("Enter")
    expect(chips).to_have_text(["bob×", "carol×", "dave×"])
    page.get_by_role("button", name="Remove carol").click()
    expect(users).to_be_focused()
    users.press_sequentially("erin")
    users.press("Backspace")
    users.press("Tab")
    expect(chips).to_have_text(["bob×", "dave×", "eri×"])
    users.press("Backspace")
    expect(chips).to_have_text(["bob×", "dave×"])
    enter(page, KEY)
    page.wait_for_url("**/admin/tools*")
    assert store.accounts.list()[0].users == frozenset({"bob", "dave"})
    page.goto(DETAILS)
    expect(page.locator(".account .chip")).to_have_text(["bob", "dave"])


def test_users_are_chips_still_after_a_refusal(page: Page) -> None:
    page.goto(f"{DETAILS}/connect")
    page.get_by_label("Some users").check()
    page.get_by_label("Only for these users").fill("bob, carol")
    enter(page, WRONG_KEY)
    page.locator("#api_key-fault").wait_for()
    expect(page.locator(".chips-field .chip")).to_have_text(["bob×", "carol×"])


def test_one_begins_at_what_was_not_taken(page: Page) -> None:
    page.goto(f"{DETAILS}/connect")
    page.get_by_label("Some users").check()
    enter(page, KEY)
    expect(page.locator("#users-fault")).to_have_text("Enter a user_id, or several.")
    expect(page.get_by_label("Only for these users")).to_be_focused()


def test_another_services_key_is_refused_by_name(page: Page, sandbox: Sandbox) -> None:
    to_secure_page(page, None)
    enter(page, "sk-ant-api03-0123456789abcdef0123")
    expect(page.locator("#api_key-fault")).to_contain_text("This is an Anthropic key")
    assert sandbox.requests == []


def test_a_link_that_was_made_is_the_same_after_a_reload(page: Page, store: Store) -> None:
    to_secure_page(page)
    page.get_by_role("button", name="Make a link").click()
    link = page.get_by_label("The link").input_value()
    page.reload()
    assert page.get_by_label("The link").input_value() == link
    assert store.accounts.count() == 1
