"""The tools in a browser: searching as one types, sorting, tabs, switches, activating; and all of it without script."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import Store

from ..scale import scaled
from ..server.served import Process
from .conftest import NewPage
from .walking import DETAILS, KEY, OTHER_KEY, enter, told

if TYPE_CHECKING:
    from playwright.sync_api import Page

AVAILABLE = "/admin/tools?tab=available"


def shown(page: Page, names: list[str]) -> None:
    """These are the names on the cards that can be seen, in order; or they will be in a moment."""
    expect(page.locator(".card:visible h2")).to_have_text(names)


def test_searching_as_one_types(page: Page) -> None:
    page.goto(AVAILABLE)
    shown(page, ["Echo", "OpenRouter"])
    search = page.get_by_role("searchbox")
    search.press_sequentially("lang")
    shown(page, ["OpenRouter"])
    expect(page.get_by_role("status").filter(has_text="1 tool")).to_be_visible()
    search.press_sequentially("uage squirrel")
    shown(page, [])
    expect(page.get_by_role("status").filter(has_text="0 tools")).to_be_visible()
    assert page.get_by_role("heading", name="Nothing found").is_visible()
    search.fill("ÉCHO")
    shown(page, ["Echo"])
    search.fill("")
    shown(page, ["Echo", "OpenRouter"])


def test_a_search_that_finds_nothing_offers_what_was_probably_meant(page: Page) -> None:
    page.goto(AVAILABLE)
    search = page.get_by_role("searchbox")
    offered = page.get_by_role("status").filter(has_text="Did you mean OpenRouter?")
    search.press_sequentially("opnrouter")
    expect(offered).to_be_visible()
    search.press_sequentially(" squirrel")
    expect(offered).to_have_count(0)
    search.fill("opnrouter")
    offered.get_by_role("link", name="OpenRouter").click()
    expect(search).to_have_value("OpenRouter")
    shown(page, ["OpenRouter"])


def test_a_search_survives_reload_back_button_and_tabs(page: Page) -> None:
    page.goto(AVAILABLE)
    page.get_by_role("searchbox").fill("open")
    page.reload()
    shown(page, ["OpenRouter"])
    page.get_by_role("link", name="OpenRouter").click()
    page.go_back()
    expect(page.get_by_role("searchbox")).to_have_value("open")
    shown(page, ["OpenRouter"])
    page.get_by_role("link", name="Active (0)").click()
    page.get_by_role("link", name="Available (2)").click()
    expect(page.get_by_role("searchbox")).to_have_value("open")


def test_a_search_in_available_finds_what_is_connected_and_forgives_typos(page: Page, store: Store) -> None:
    store.accounts.connect("OPENROUTER", None, {"api_key": KEY})
    page.goto(AVAILABLE)
    shown(page, ["Echo"])
    search = page.get_by_role("searchbox")
    search.fill("router")
    shown(page, ["OpenRouter"])
    expect(page.locator(".card:visible")).to_contain_text("connected already")
    search.fill("langauge modles")
    expect(page.get_by_text("Did you mean language models?")).to_be_visible()
    shown(page, ["OpenRouter"])
    search.fill("")
    shown(page, ["Echo"])


def test_categories_filter_and_the_way_back_keeps_them(page: Page) -> None:
    page.goto(AVAILABLE)
    page.get_by_label("Category").select_option("developer tools")
    shown(page, ["OpenRouter"])
    page.get_by_role("link", name="OpenRouter").click()
    page.go_back()
    expect(page.get_by_label("Category")).to_have_value("developer tools")
    shown(page, ["OpenRouter"])


def test_the_way_back_keeps_the_page_of_accounts(page: Page, store: Store) -> None:
    with store.transaction():
        for number in range(51):
            store.accounts.connect("OPENROUTER", f"user-{number}", {"api_key": KEY})
    page.goto(DETAILS)
    page.get_by_role("link", name="Older accounts").click()
    page.get_by_role("button", name="Switch off").click()
    told(page, "The account of user user-0 is switched off.")
    expect(page.locator(".message")).to_be_in_viewport()
    second = page.get_by_text("Page 2 of 2")
    page.get_by_role("link", name="Disconnect").click()
    page.go_back()
    expect(second).to_be_visible()
    page.get_by_role("button", name="Reconnect").click()
    page.get_by_role("button", name="Cancel").click()
    expect(second).to_be_visible()
    page.get_by_role("button", name="Reconnect").click()
    enter(page, OTHER_KEY)
    told(page, "OpenRouter is connected for user user-0.")
    expect(page.locator(".message")).to_be_in_viewport()
    expect(second).to_be_visible()
    page.get_by_role("link", name="Disconnect").click()
    page.get_by_role("button", name="Disconnect").click()
    told(page, "The account of user user-0 is disconnected.")
    expect(page.locator(".message")).to_be_in_viewport()


def test_broken_json_is_marked_at_its_field(page: Page, store: Store, sandbox: Sandbox) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY})
    page.goto(f"{DETAILS}/actions/openrouter_get_models_count/try")
    page.get_by_text("1 more parameter").click()
    field = page.get_by_label("output_modalities")
    field.fill('["text",')
    page.get_by_role("button", name="Run").click()
    alert = page.get_by_role("alert")
    expect(alert).to_be_in_viewport()
    alert.get_by_role("link", name="output_modalities").click()
    expect(field).to_be_focused()
    assert field.get_attribute("aria-invalid") == "true"
    assert sandbox.requests == []


def test_sorting(page: Page, store: Store) -> None:
    store.accounts.connect("OPENROUTER", None, {"api_key": KEY})
    store.switches.activate("ECHO")
    page.goto("/admin/tools")
    shown(page, ["OpenRouter", "Echo"])
    page.get_by_label("Sort by").select_option("Alphabetical")
    shown(page, ["Echo", "OpenRouter"])
    page.reload()
    shown(page, ["Echo", "OpenRouter"])
    page.get_by_label("Sort by").select_option("Most connected accounts")
    shown(page, ["OpenRouter", "Echo"])


def test_a_switch_counts_at_once_and_the_page_stays(page: Page, process: Process, store: Store) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY})
    page.goto(DETAILS)
    page.evaluate("window.same = true")
    switch = page.get_by_role("switch", name="List Providers")
    assert switch.get_attribute("aria-checked") == "true"
    with page.expect_response("**/switch"):
        switch.click()
    page.locator('#actions [aria-checked="false"]').wait_for()
    expect(page.get_by_role("status")).to_have_text("List Providers is off.")
    with process.client(store.tokens.create("an agent's")[1]) as agent:
        assert "OPENROUTER_LIST_PROVIDERS" not in agent.get("/api/tools").text
        with page.expect_response("**/switch"):
            switch.click()
        page.locator('#actions [aria-checked="false"]').wait_for(state="detached")
        assert "OPENROUTER_LIST_PROVIDERS" in agent.get("/api/tools").text
    assert page.evaluate("window.same") is True
    switch.click()
    page.locator('#actions [aria-checked="false"]').wait_for()
    page.reload()
    assert page.get_by_role("switch", name="List Providers").get_attribute("aria-checked") == "false"


def test_a_switch_in_a_session_that_has_ended_leads_to_the_login(page: Page, store: Store) -> None:
    page.goto(DETAILS)
    store.sessions.revoke_all()
    page.get_by_role("switch", name="List Providers").click()
    page.wait_for_url("**/login")
    assert store.switches.off("OPENROUTER") == {}


def test_one_without_login_is_activated(page: Page, store: Store) -> None:
    page.goto(AVAILABLE)
    page.get_by_role("link", name="Echo").click()
    page.get_by_role("button", name="Activate").click()
    told(page, "Echo is activated. Agents can use it now.")
    assert store.switches.activated().keys() == {"ECHO"}
    page.get_by_role("link", name="Tools", exact=True).first.click()
    shown(page, ["Echo"])


def test_disconnecting_asks_and_can_be_left(page: Page, store: Store) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY}, alias="work")
    page.goto(DETAILS)
    page.get_by_role("link", name="Disconnect").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Disconnect work of user alice?")
    page.get_by_role("link", name="Cancel").click()
    assert store.accounts.count() == 1
    page.get_by_role("link", name="Disconnect").click()
    page.get_by_role("button", name="Disconnect").click()
    page.wait_for_url("**/openrouter*")
    told(page, "The account work of user alice is disconnected.")
    expect(page.locator(".message")).to_be_in_viewport()
    assert page.locator(".account").count() == 0
    assert store.accounts.count() == 0
    page.go_back()
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing here")


def test_trying_an_action(page: Page, store: Store) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY})
    page.goto(DETAILS)
    page.get_by_role("link", name="Try it List Available Models").click()
    assert page.get_by_label("Run as user").input_value() == "alice"
    page.get_by_text("30 more parameters").click()
    page.get_by_label("limit", exact=False).fill("1")
    page.get_by_role("button", name="Run").click()
    heading = page.get_by_role("heading", name="Result")
    heading.wait_for()
    page.locator("#result:focus").wait_for()  # it is read next
    assert "successful" in page.get_by_role("region", name="Result").inner_text()
    assert '"data": [' in page.get_by_role("region", name="data").inner_text()


def test_logging_out(page: Page) -> None:
    page.goto("/admin/tools")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")
    page.go_back()
    page.reload()
    page.wait_for_url("**/login")


@pytest.mark.load
@pytest.mark.parametrize("width", scaled([360], full=[1200, 360]))
def test_everything_works_without_script(new_page: NewPage, store: Store, width: int) -> None:
    store.switches.activate("ECHO")
    with new_page(java_script_enabled=False, viewport={"width": width, "height": 740}) as page:
        page.goto(AVAILABLE)
        page.get_by_role("searchbox").fill("router")
        page.get_by_role("button", name="Search").click()
        shown(page, ["OpenRouter"])
        page.get_by_role("link", name="OpenRouter").click()
        page.get_by_role("switch", name="List Providers").click()
        told(page, "List Providers is off.")
        expect(page.locator(".message")).to_be_in_viewport()
        page.get_by_role("link", name="Connect").click()
        page.get_by_label("One user").check()
        page.get_by_label("The user_id").fill("alice")
        page.get_by_label("API key", exact=True).fill(KEY)
        page.get_by_role("button", name="Connect", exact=True).click()
        told(page, "OpenRouter is connected for user alice.")
        page.get_by_label("Sort by").select_option("Alphabetical")
        page.get_by_role("button", name="Search").click()
        shown(page, ["Echo", "OpenRouter"])
