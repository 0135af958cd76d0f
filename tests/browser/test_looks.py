"""Every page in light, in dark and on a phone: no fault of accessibility, nothing that must be scrolled sideways.

The screenshots are kept in build/screenshots. `make screenshots` makes those anew that the documentation shows.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete

from openrouter_toolkit.ledger import Ledger
from openrouter_toolkit.ledger.entry import Entry, new_id
from openrouter_toolkit.server import Settings
from openrouter_toolkit.spending import Budget, Limits, Raise, Window
from openrouter_toolkit.spending.budgets import Facts
from openrouter_toolkit.spending.decisions import Demand, Request
from openrouter_toolkit.store import Role, Store
from openrouter_toolkit.store.account_health import UNITS, Finding, Health, Spending
from openrouter_toolkit.store.tables import PersonRow
from openrouter_toolkit.store.webhooks import Outcome

from ..scale import FULL, scaled
from .chromium import axe
from .conftest import NewPage
from .walking import (
    DETAILS,
    KEY,
    MANAGEMENT_KEY,
    OTHER_KEY,
    WRONG_KEY,
    enter,
    let_expire,
    some_calls,
    to_link,
    to_secure_page,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

TOP = Path(__file__).parents[2]
KEPT = TOP / "build" / "screenshots"
IMAGES = TOP / "docs" / "images"
Visit = Callable[["Page", Store], object]

MODES: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1200, "height": 800}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1200, "height": 800}},
    "phone": {"color_scheme": "light", "viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True},
}


def _some_accounts(store: Store) -> None:
    accounts = store.accounts
    accounts.initiate("OPENROUTER", "carol")
    expired = accounts.connect("OPENROUTER", "bob@example.com", {"api_key": OTHER_KEY})
    credentials = accounts.credentials(expired.id)
    assert credentials is not None
    store.for_registry().refused(credentials, "OpenRouter refused the key: it is wrong, revoked or expired.")
    work = accounts.connect("OPENROUTER", "alice", {"api_key": KEY}, alias="work")
    low = {Health.LOW: "$4.20 of the key's limit of $50.00 are left."}
    store.health.found(work, Finding(low, spending=Spending(0, 0, elsewhere=UNITS)))
    accounts.connect("OPENROUTER", None, {"api_key": OTHER_KEY, "management_api_key": MANAGEMENT_KEY})


def _log_in(page: Page, store: Store) -> None:
    page.goto(f"/login/{store.links.to_log_in().secret}")


def _first_owner(page: Page, store: Store) -> None:
    with store._database.write(audited=False) as session:
        session.execute(delete(PersonRow))
    _log_in(page, store)
    page.get_by_label("Your name").fill("x")
    page.get_by_label("Your name").evaluate("(field) => (field.value = '\u202e')")
    page.get_by_role("button", name="Log in").click()
    page.locator(".fault").wait_for()


def _some_people(store: Store) -> str:
    ada = store.people.add("Ada Byron", Role.AUDITOR, email="ada.byron@a-rather-long-host-name.example")
    store.people.add("Bob", Role.MEMBER, users=["bob@example.com", "bob-at-work", "bob-at-home"])
    store.people.disable(store.people.add("A person with a very long name " + "x" * 60, Role.MEMBER).id)
    store.sessions.create(store.people.joined(ada.id), address="2001:db8::1234:5678:9abc:def0", browser="Firefox/130.0")
    store.sessions.create(ada, address="192.0.2.7", browser="an unheard-of browser " + "x" * 60)
    store.links.to_log_in(ada.id)
    return ada.id


def _people(page: Page, store: Store) -> None:
    _some_people(store)
    page.goto("/admin/people")
    page.get_by_label("Name", exact=True).fill("Ada Byron")
    page.get_by_role("button", name="Make the link").click()
    page.locator(".fault").wait_for()


def _person(page: Page, store: Store) -> None:
    page.goto(f"/admin/people/{_some_people(store)}")


def _invited(page: Page, store: Store) -> None:
    page.goto("/admin/people")
    page.get_by_label("Name", exact=True).fill("Ada Byron")
    page.get_by_role("button", name="Make the link").click()
    page.get_by_label("The link").wait_for()


def _your_logins(page: Page, store: Store) -> None:
    store.sessions.create(store.people.only_owner(), address="192.0.2.7", browser="Firefox/130.0 (Android)")
    page.goto("/admin/you")


def _audit(page: Page, store: Store) -> None:
    _some_accounts(store)
    account = store.accounts.connect("OPENROUTER", None, {"api_key": KEY}, alias="research").id
    store.accounts.share(account, ["alice", "bob@example.com"])
    store.switches.turn_off("OPENROUTER", "OPENROUTER_CREATE_COINBASE_CHARGE")
    page.goto("/admin/audit?until=2999-01-01")


def _some_budgets(store: Store) -> None:
    alice = store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY}).id
    with Ledger(store) as ledger:
        budgets = ledger.budgets
        for agent, cost in (("writer of long reports", 2), ("reader", 1), ("x" * 100, 0)):
            entry = Entry("OPENROUTER", "OPENROUTER_CREATE_CHAT_COMPLETION", "alice", account_id=alice, agent=agent)
            entry.id, entry.cost, entry.billing = new_id(), cost * 10**12, "known"
            ledger.add(entry)
        assert ledger.flush()
        budgets.set(Budget("each agent", Limits(usd=Decimal(2), calls=100), Window("day"), {"agent": ["*"]}))
        budgets.set(Budget("team " + "y" * 90, Limits(usd=Decimal("12.50"), tokens=10_000_000), hard=False))
        budgets.set(Budget("a call", Limits(usd=Decimal("0.50")), Window("call")))
        for agent in ("writer of long reports", "reader", "x" * 100):
            reserved = Demand(3 * 10**11, 1_500_000)
            request = Request(budgets.current(), Facts(user="alice", agent=agent), reserved)
            ledger.begin(Entry(user_id="alice", agent=agent), request)
        raised = Raise(Limits(usd=Decimal(20)), datetime(2999, 1, 1, tzinfo=UTC))
        budgets.raise_until("team " + "y" * 90, raised)


def _budgets(page: Page, store: Store) -> None:
    _some_budgets(store)
    page.goto("/admin/budgets")


def _tried_budget(page: Page, store: Store) -> None:
    _some_budgets(store)
    page.goto("/admin/budgets/change?name=each+agent")
    page.get_by_label("Calls", exact=True).fill("0")
    page.get_by_role("button", name="Try on the last 7 days").click()
    page.locator("#tried").wait_for()


def _wrong_budget(page: Page, store: Store) -> None:
    page.goto("/admin/budgets/new")
    page.get_by_label("US dollars").fill("much")
    page.get_by_role("button", name="Make the budget").click()
    page.locator(".fault").wait_for()


def _ledger(address: str) -> Visit:
    def visit(page: Page, store: Store) -> None:
        _some_accounts(store)
        some_calls(store)
        page.goto(address)

    return visit


def _call(page: Page, store: Store) -> None:
    _ledger("/admin/calls?successful=false")(page, store)
    page.locator(".row-link").first.click()
    page.locator(".message").wait_for()


def _more_filters(page: Page, store: Store) -> None:
    _ledger("/admin/calls?agent=writer&since=2020-01-01")(page, store)


def _logged_out(page: Page, store: Store) -> None:
    store.sessions.revoke_all()
    page.goto("/admin/tools")


def _tools(page: Page, store: Store) -> None:
    _some_accounts(store)
    page.goto("/admin/tools")


def _connected(page: Page, store: Store) -> None:
    to_secure_page(page)
    enter(page, KEY)
    page.locator(".message").wait_for()


def _search(page: Page, store: Store) -> None:
    page.goto("/admin/tools?tab=available")
    page.get_by_role("searchbox").fill("nothing like that")


def _details(page: Page, store: Store) -> None:
    _some_accounts(store)
    store.accounts.disable(store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY}, alias="games").id)
    store.accounts.connect("OPENROUTER", "alice", {"api_key": OTHER_KEY}, alias="a long name for another account")
    store.switches.turn_off("OPENROUTER", "OPENROUTER_CREATE_COINBASE_CHARGE")
    page.goto(DETAILS)


def _parameters(page: Page, store: Store) -> None:
    page.goto(DETAILS)
    page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")


def _refused(page: Page, store: Store) -> None:
    to_secure_page(page)
    page.get_by_text("Management key (optional)").click()
    page.get_by_label("Management key").fill(KEY)
    enter(page, WRONG_KEY)
    page.locator("#api_key-fault").wait_for()


def _wrong_name(page: Page, store: Store) -> None:
    page.goto(f"{DETAILS}/connect")
    page.get_by_label("Some users").check()
    page.get_by_label("Only for these users").fill("bob@example.com, carol, \u202e,")
    enter(page, KEY)
    page.locator(".fault").wait_for()


def _handed_on(page: Page, store: Store) -> None:
    page.goto(f"{DETAILS}/connect")
    page.get_by_label("One user").check()
    page.get_by_label("The user_id").fill("bob@example.com")
    page.get_by_role("button", name="Make a link").click()
    page.get_by_label("The link").wait_for()


def _broken_json(page: Page, store: Store) -> None:
    page.goto(f"{DETAILS}/actions/openrouter_get_models_count/try")
    page.get_by_text("1 more parameter").click()
    page.get_by_label("output_modalities").fill('["text",')
    page.get_by_role("button", name="Run").click()
    page.locator(".fault").wait_for()


def _switched_off(page: Page, store: Store) -> None:
    _some_accounts(store)
    store.accounts.connect("OPENROUTER", None, {"api_key": KEY}, users=["alice", "bob@example.com"], alias="research")
    store.links.to_connect("OPENROUTER", "dave")
    page.goto(DETAILS)
    page.get_by_role("button", name="Switch off research").click()
    page.locator(".message").wait_for()


def _too_old(page: Page, store: Store) -> None:
    to_link(page, store)
    let_expire(store, page.url)
    page.reload()


def _disconnect(page: Page, store: Store) -> None:
    account = store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY}, alias="work")
    page.goto(f"{DETAILS}/accounts/{account.id}/disconnect")


def _tried(page: Page, store: Store) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY})
    page.goto(f"{DETAILS}/actions/openrouter_list_model_endpoints/try")
    page.get_by_label("author").fill("acme")
    page.get_by_label("slug").fill("atlas-small")
    page.get_by_role("button", name="Run").click()
    page.locator("#result").wait_for()


def _webhooks(page: Page, store: Store) -> None:
    _some_webhooks(store)
    page.goto("/admin/webhooks")


def _webhook(page: Page, store: Store) -> None:
    page.goto(f"/admin/webhooks/{_some_webhooks(store)}")
    page.get_by_text("What was sent").first.click()


def _webhook_secret(page: Page, store: Store) -> None:
    page.goto("/admin/webhooks")
    page.get_by_label("The address").fill("https://hooks.example.com/openrouter")
    page.get_by_role("button", name="Add").click()
    page.get_by_label("The secret").wait_for()


def _webhook_refused(page: Page, store: Store) -> None:
    page.goto("/admin/webhooks")
    page.get_by_label("The address").fill("http://10.0.0.1/")
    page.get_by_label("These events").check()
    page.get_by_role("button", name="Add").click()
    page.locator(".fault").first.wait_for()


def _some_webhooks(store: Store) -> str:
    """Webhooks in several states; the id of one with deliveries of all kinds."""
    webhooks = store.webhooks
    gone, _ = webhooks.add("http", "https://old.example.com/", "https://old.example.com/hooks", ["account.refused"])
    webhooks.turn_off(gone.id, "It answered 410 Gone.")
    webhooks.add("slack", "https://hooks.slack.com/services/T/B/C", "https://hooks.slack.com/…wxyz", ["call.failing"])
    long = "https://" + "a-host-with-a-long-name." * 3 + "example.com/and/a/long/path/to/the/receiver"
    webhook, _ = webhooks.add("http", long, long)
    for outcome in (
        Outcome(True, 204, 87),
        Outcome(False, 500, 1203, "It answered 500: Internal Server Error.", again_after=timedelta(hours=2)),
        Outcome(False, None, 15000, "No connection to the webhook's host: it took too long."),
    ):
        webhooks.record(webhooks.write_test(webhook.id, "This webhook works."), outcome)
    return webhook.id


def _failed(page: Page, store: Store) -> None:
    page.goto(f"{DETAILS}/actions/openrouter_list_available_models/try")
    page.get_by_text("30 more parameters").click()
    page.get_by_role("button", name="Run").click()
    page.locator("#result").wait_for()


PAGES: dict[str, Visit] = {
    "log-in": _log_in,
    "log-in-first": _first_owner,
    "people": _people,
    "person": _person,
    "people-link": _invited,
    "your-logins": _your_logins,
    "audit": _audit,
    "overview": _ledger("/admin/overview"),
    "calls": _more_filters,
    "call": _call,
    "usage": _ledger("/admin/usage?by=model"),
    "usage-latency": _ledger("/admin/usage?by=user&measure=latency&span=7"),
    "tokens": _ledger("/admin/tokens"),
    "audit-nothing": lambda page, _: page.goto("/admin/audit?actor=nobody"),
    "budgets": _budgets,
    "budgets-empty": lambda page, _: page.goto("/admin/budgets"),
    "budget-tried": _tried_budget,
    "budget-refused": _wrong_budget,
    "how-to-log-in": _logged_out,
    "tools": _tools,
    "tools-connected": _connected,
    "tools-empty": lambda page, _: page.goto("/admin/tools"),
    "tools-available": lambda page, _: page.goto("/admin/tools?tab=available"),
    "tools-nothing-found": _search,
    "details": _details,
    "details-parameters": _parameters,
    "details-switched-off": _switched_off,
    "details-without-login": lambda page, _: page.goto("/admin/tools/echo"),
    "connect": lambda page, _: to_secure_page(page, None),
    "connect-with-link": lambda page, store: to_link(page, store, "alice"),
    "connect-users": _wrong_name,
    "connect-refused": _refused,
    "connect-link": _handed_on,
    "connect-too-old": _too_old,
    "connect-done": lambda page, _: page.goto("/connect/done"),
    "disconnect": _disconnect,
    "try": _tried,
    "try-failed": _failed,
    "try-broken-json": _broken_json,
    "webhooks": _webhooks,
    "webhooks-refused": _webhook_refused,
    "webhook": _webhook,
    "webhook-secret": _webhook_secret,
    "not-found": lambda page, _: page.goto("/admin/tools/nothing"),
}
# Which of them the documentation shows.
DOCUMENTED = {("connect", "light"): "connect.png", ("tools-connected", "light"): "tools.png"}


@pytest.fixture(scope="session")
def find_faults() -> str:
    return axe()


# Each page in one mode; with make load, in all of them.
LOOKS = [
    (name, mode)
    for number, name in enumerate(PAGES)
    for mode in scaled([list(MODES)[number % len(MODES)]], full=list(MODES))
]


@pytest.mark.load
@pytest.mark.parametrize(("name", "mode"), LOOKS)
def test_a_page(name: str, mode: str, new_page: NewPage, store: Store, find_faults: str) -> None:
    with new_page(**MODES[mode], reduced_motion="reduce") as page:
        PAGES[name](page, store)
        page.wait_for_load_state()
        page.evaluate(find_faults)
        faults = page.evaluate("axe.run().then(found => found.violations)")
        told = [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in faults]
        assert told == [], json.dumps(told, indent=1)
        wide = page.evaluate(
            """() => [...document.querySelectorAll("body *")].filter((element) => {
                const box = element.getBoundingClientRect();
                const seen = element.checkVisibility() && box.width > 1;
                return seen && box.right > innerWidth + 1 && !element.closest(".output");
            }).map((element) => element.outerHTML.slice(0, 200))"""
        )
        assert wide == []
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        if FULL:
            KEPT.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=KEPT / f"{name}-{mode}.png", full_page=True)
        if (name, mode) in DOCUMENTED and os.environ.get("UPDATE_SCREENSHOTS"):
            IMAGES.mkdir(exist_ok=True)
            # The same each time: a picture changes when the page does.
            page.evaluate(
                "document.querySelectorAll('.alone time').forEach((time) => (time.textContent = '10:20 UTC'))"
            )
            page.screenshot(path=IMAGES / DOCUMENTED[name, mode], full_page=True)


@pytest.mark.parametrize("mode", MODES)
def test_the_usual_name_is_shown_whole(mode: str, new_page: NewPage) -> None:
    with new_page(**MODES[mode]) as page:
        page.goto("/admin/tools")
        name = page.locator(".host span").last
        name.evaluate(f"(element) => (element.textContent = {Settings.host_name!r})")
        assert name.evaluate("(one) => one.scrollWidth <= one.clientWidth && one.scrollHeight <= one.clientHeight")
        name.evaluate("(element) => (element.textContent = 'a very long name '.repeat(20))")
        assert name.evaluate("(one) => one.clientHeight") < 50, "two lines, whatever it is"


@pytest.mark.parametrize("name", DOCUMENTED.values())
def test_the_documentation_has_its_pictures(name: str) -> None:
    picture = IMAGES / name
    assert picture.is_file(), "make screenshots"
    assert picture.read_bytes().startswith(b"\x89PNG")
