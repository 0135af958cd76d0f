"""Ways in and out, and what the pages say at a glance, in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from openrouter_toolkit.store import Store

from .conftest import NewPage
from .walking import DETAILS, KEY, OTHER_KEY, told

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_admin_and_a_used_login_link_lead_to_the_tools(new_page: NewPage, store: Store) -> None:
    address = f"/login/{store.links.to_log_in().secret}"
    with new_page(logged_in=False) as page:
        page.goto(address)
        page.get_by_role("button", name="Log in").click()
        for again in (address, "/admin"):
            page.goto(again)
            expect(page.get_by_role("heading", level=1)).to_have_text("Tools")


def test_who_was_logged_out_elsewhere_is_told_so(page: Page, store: Store) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY})
    page.goto(DETAILS)
    other = page.context.new_page()
    other.goto("/admin/tools")
    other.get_by_role("button", name="Log out").click()
    other.wait_for_url("**/login")
    page.get_by_role("button", name="Switch off").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are logged out")
    expect(page.locator("main")).to_contain_text("What you sent last was not done. To log in again, run this")
    assert [account.status for account in store.accounts.list()] == ["ACTIVE"]


def test_a_second_administrator_is_told_what_was_done_already(page: Page, new_page: NewPage, store: Store) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY}, alias="work")
    with new_page() as other:
        for administrator in (page, other):
            administrator.goto(DETAILS)
        page.get_by_role("button", name="Switch off").click()
        told(page, "The account work of user alice is switched off.")
        other.get_by_role("button", name="Switch off").click()
        told(other, "The account work of user alice was switched off already.")
        expect(other.locator(".message")).to_be_in_viewport()


def test_a_tool_that_needs_something_is_not_called_ready(page: Page, store: Store) -> None:
    def badges() -> list[str]:
        page.goto("/admin/tools")
        return page.locator(".card-top .badge").all_inner_texts()

    store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY})
    store.switches.activate("ECHO")
    assert badges() == ["Ready", "Ready"]
    refused = store.accounts.connect("OPENROUTER", "bob", {"api_key": OTHER_KEY})
    credentials = store.accounts.credentials(refused.id)
    assert credentials is not None
    store.for_registry().refused(credentials, 'OpenRouter refused the key. OpenRouter said: "User not found".')
    for action in ("ECHO_SAY", "ECHO_LIST_TOPICS"):
        store.switches.turn_off("ECHO", action)
    assert badges() == ["Needs attention", "All actions are off"]
    page.get_by_role("link", name="OpenRouter").click()
    expect(page.locator(".why")).to_have_text(
        'OpenRouter refused the key. OpenRouter said: "User not found". Reconnect it with another key.'
    )


def test_a_withdrawn_action_says_why(page: Page) -> None:
    page.goto(DETAILS)
    action = page.locator("#OPENROUTER_CREATE_COINBASE_CHARGE")
    expect(action.locator(".badge")).to_have_text("withdrawn")
    expect(action).to_contain_text("OpenRouter has withdrawn charges by API. Top up at openrouter.ai/credits.")


def test_the_tick_is_green_and_the_logo_is_there(page: Page) -> None:
    page.goto("/connect/done")
    red, green, blue = page.locator("main svg").first.evaluate(
        "(tick) => getComputedStyle(tick).color.match(/[0-9]+/g).slice(0, 3).map(Number)"
    )
    assert green > max(red, blue)
    page.goto(DETAILS)
    assert page.locator("img.mark").evaluate("(logo) => logo.complete && logo.naturalWidth > 0")
