"""An administrator's questions, answered from the pages alone, in a browser with scripts and in one without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from openrouter_toolkit.ledger.advice import BY_TYPE
from openrouter_toolkit.store import Store

from .conftest import NewPage
from .walking import some_calls

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def menu(page: Page, words: str) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name=words).click()


def first_row(page: Page) -> Locator:
    return page.get_by_role("table").get_by_role("row").nth(1)


@pytest.mark.parametrize("scripts", [True, False])
def test_who_spent_most_what_failed_and_which_token_is_unused(new_page: NewPage, store: Store, scripts: bool) -> None:
    some_calls(store)
    with new_page(java_script_enabled=scripts) as page:
        page.goto("/admin/overview")

        # Who spent most this week, and on which model?
        menu(page, "Usage")
        page.get_by_role("link", name="7 days").click()
        expect(page.get_by_label("By", exact=True)).to_have_value("user")
        expect(first_row(page).get_by_role("rowheader")).to_have_text("alice")
        page.get_by_label("By", exact=True).select_option("Model")
        page.get_by_label("User_id").fill("alice")
        page.get_by_role("button", name="Show").click()
        expect(first_row(page).get_by_role("rowheader")).to_have_text("acme/atlas-large")
        expect(page.get_by_role("img", name="Spend by day").first).to_be_visible()

        # Why did bob's call fail?
        menu(page, "Calls")
        page.get_by_label("User_id").fill("bob@example.com")
        page.get_by_label("Outcome").select_option("Failed")
        page.get_by_label("Outcome").press("Tab")
        page.get_by_role("button", name="Filter").press("Enter")
        expect(first_row(page)).to_contain_text("payment_required")
        first_row(page).get_by_role("link").press("Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text("payment_required")
        expect(page.locator(".message")).to_contain_text(BY_TYPE["payment_required"])

        # Which token is unused?
        menu(page, "Tokens")
        page.get_by_role("link", name="Longest unused first").click()
        first = page.locator("li.account").first
        expect(first).to_contain_text("trial of May")
        expect(first).to_contain_text("Never used")
        expect(page.locator("li.account").filter(has_text="night batch").first).not_to_contain_text("Never used")


def test_a_whole_row_leads_to_its_call_and_the_plot_fits_the_screen(new_page: NewPage, store: Store) -> None:
    some_calls(store)
    with new_page(viewport={"width": 360, "height": 740}) as page:
        page.goto("/admin/calls")
        first_row(page).click(position={"x": 200, "y": 5})
        expect(page.get_by_role("heading", name="Who called")).to_be_visible()
        page.goto("/admin/usage")
        expect(page.locator(".plot-narrow")).to_be_visible()
        expect(page.locator(".plot-wide")).to_be_hidden()
