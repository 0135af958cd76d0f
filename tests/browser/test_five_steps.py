"""How somebody connects OpenRouter, from the side menu to an agent's call; with the keyboard alone, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import Store

from ..server.served import CHAT, QUESTION, Process
from .conftest import HOST, NewPage
from .walking import DETAILS, KEY, told

if TYPE_CHECKING:
    from playwright.sync_api import Page


class Keyboard:
    """Somebody who has no mouse, and looks where the focus is."""

    def __init__(self, page: Page) -> None:
        self._page = page

    @property
    def at(self) -> str:
        """What has the focus, in words; and it can be seen that it has."""
        self._page.locator(":focus").wait_for()
        words, width, style = self._page.evaluate(
            """() => {
                const element = document.activeElement;
                const drawn = getComputedStyle(element, element.matches(".card h2 a") ? "::after" : null);
                const label = element.labels?.[0]?.innerText || element.getAttribute("aria-label");
                return [label || element.innerText, parseFloat(drawn.outlineWidth), drawn.outlineStyle];
            }"""
        )
        assert style != "none", words
        assert width >= 2, words
        return " ".join(str(words).split())

    def press(self, key: str) -> None:
        self._page.keyboard.press(key)

    def write(self, text: str) -> None:
        self._page.keyboard.type(text)

    def tab_to(self, wanted: str) -> None:
        for _ in range(40):
            self.press("Tab")
            if self.at.startswith(wanted):
                return
        raise AssertionError(f"the focus never came to {wanted}")

    def follow(self, wanted: str, address: str) -> None:
        self.tab_to(wanted)
        self.press("Enter")
        self._page.wait_for_url(address)


def an_agent_calls(process: Process, store: Store, user_id: str) -> str:
    """A completion over the API: its text."""
    token = store.tokens.create("an agent's", [user_id])[1]
    with process.client(token) as agent:
        answer = agent.post(f"/api/actions/{CHAT}", json={"user_id": user_id, "arguments": QUESTION}).json()
    assert answer["successful"], answer
    text: str = answer["data"]
    return text


def test_the_five_steps(new_page: NewPage, process: Process, store: Store, sandbox: Sandbox) -> None:
    with new_page(logged_in=False) as page:
        page.goto(process.login_link)
        if not store.people.exist():
            page.get_by_label("Your name").fill("Olivia Ortega")
        page.get_by_role("button", name="Log in").click()

        # 1. Tools in the side menu.
        page.get_by_role("navigation", name="Main").get_by_role("link", name="Tools").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Tools")

        # 2. The tab Available, and a search for OpenRouter.
        page.get_by_role("link", name="Available (2)").click()
        page.get_by_role("searchbox").press_sequentially("OpenRouter")
        expect(page.locator(".card:visible")).to_have_count(1)

        # 3. The card's details, and Connect.
        page.get_by_role("link", name="OpenRouter").click()
        page.get_by_role("link", name="Connect").click()

        # 4. The secure page, which takes the key, and says for whom it is.
        expect(page.get_by_role("heading", level=1)).to_have_text(f"{HOST} wants to connect to your OpenRouter")
        page.get_by_label("One user").check()
        page.get_by_label("The user_id").fill("alice")
        page.get_by_label("API key", exact=True).fill(KEY)
        page.get_by_role("button", name="Connect", exact=True).click()

        # 5. Back at the tools, connected.
        page.wait_for_url("**/admin/tools*")
        told(page, "OpenRouter is connected for user alice. Agents can use it now.")
        expect(page.get_by_role("link", name="Active (1)")).to_be_visible()
        page.get_by_role("link", name="OpenRouter").click()
        expect(page.locator(".account")).to_contain_text("alice")
        expect(page.locator(".account")).to_contain_text(KEY[-4:])
        assert KEY not in page.content()

    assert "51" in an_agent_calls(process, store, "alice")
    assert sandbox.requests[-1].key == KEY


def test_connecting_with_the_keyboard_alone(page: Page, process: Process, store: Store) -> None:
    keyboard = Keyboard(page)
    page.goto("/admin/tools")
    keyboard.press("Tab")
    assert keyboard.at == "Skip to the content"
    keyboard.press("Enter")
    keyboard.follow("Available (2)", "**tab=available*")
    keyboard.tab_to("Search available tools")
    keyboard.write("openrouter")
    keyboard.follow("OpenRouter", "**/openrouter")
    keyboard.follow("Connect", "**/openrouter/connect")
    assert keyboard.at == "API key", "for everyone, it is enough to enter the key"
    keyboard.press("Shift+Tab")
    assert keyboard.at == "Everyone"
    keyboard.press("ArrowDown")
    keyboard.press("ArrowDown")
    assert keyboard.at == "One user"
    keyboard.tab_to("The user_id")
    keyboard.write("bob")
    keyboard.tab_to("API key")
    keyboard.write(KEY)
    keyboard.press("Enter")
    page.wait_for_url("**/admin/tools*")
    told(page, "OpenRouter is connected for user bob.")
    assert "51" in an_agent_calls(process, store, "bob")


def test_disconnecting_with_the_keyboard_alone(page: Page, store: Store) -> None:
    store.accounts.connect("OPENROUTER", "bob", {"api_key": KEY})
    keyboard = Keyboard(page)
    page.goto(DETAILS)
    keyboard.follow("Disconnect", "**/disconnect")
    assert keyboard.at == "Cancel", "what can't be undone is not what Enter does"
    keyboard.press("Shift+Tab")
    assert keyboard.at == "Disconnect"
    keyboard.press("Enter")
    page.wait_for_url("**/openrouter*")
    assert store.accounts.count() == 0


def test_switching_with_the_keyboard_alone(page: Page, store: Store) -> None:
    keyboard = Keyboard(page)
    page.goto(DETAILS)
    page.get_by_role("heading", name="Get Models Count").click()
    keyboard.tab_to("Get Models Count")
    keyboard.press("Space")
    page.locator('#actions [aria-checked="false"]').wait_for()
    assert keyboard.at == "Get Models Count", "the focus stays where it was"
    assert store.switches.off("OPENROUTER").keys() == {"OPENROUTER_GET_MODELS_COUNT"}
