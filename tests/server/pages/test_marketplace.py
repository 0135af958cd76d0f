"""/admin/tools: what is active and what is available, by links and forms alone."""

from __future__ import annotations

from openrouter_toolkit.store import Store

from ..conftest import ALICE
from .person import Page, Person

TOOLS = "/admin/tools"


def cards(page: Page) -> list[str]:
    """The names on the cards that are not hidden, in order."""
    parts = page.html.split("<li data-name=")[1:]
    return [part.split('"')[1] for part in parts if "hidden" not in part.split(">")[0].split('data-accounts="')[1]]


def test_everything_is_available_at_first(admin: Person) -> None:
    page = admin.open(TOOLS)
    assert "Active (0)" in page.links
    assert "Available (2)" in page.links
    assert "Nothing is connected yet" in page.text
    page = admin.open(page.links["Available (2)"])
    assert cards(page) == ["Echo", "OpenRouter"]
    assert "artificial intelligence" in page.text
    assert "14 actions" in page.text
    assert "needs no login" in page.text


def test_a_connected_toolkit_is_active(admin: Person, store: Store) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
    store.accounts.connect("OPENROUTER", None, {"api_key": ALICE})
    page = admin.open(TOOLS)
    assert cards(page) == ["OpenRouter"]
    assert "Active (1)" in page.links
    assert "Available (1)" in page.links
    assert "Ready" in page.text
    assert "2 connected accounts" in page.text


def test_one_whose_every_account_is_broken_stays_listed_and_says_so(admin: Person, store: Store) -> None:
    account = store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
    store.accounts.disable(account.id)
    page = admin.open(TOOLS)
    assert cards(page) == ["OpenRouter"]
    assert "Needs attention" in page.text


def test_one_that_nobody_ever_connected_is_not_active(admin: Person, store: Store) -> None:
    store.accounts.initiate("OPENROUTER", "alice")
    store.accounts.fail(store.accounts.initiate("OPENROUTER", "bob").id, "no")
    assert "Active (0)" in admin.open(TOOLS).links


def test_a_toolkit_without_login_is_active_when_it_is_activated(admin: Person, store: Store) -> None:
    store.switches.activate("ECHO")
    assert cards(admin.open(TOOLS)) == ["Echo"]


def test_search_and_sorting_work_without_script(admin: Person, store: Store) -> None:
    available = f"{TOOLS}?tab=available"
    assert cards(admin.open(f"{available}&q=OPENROUTER")) == ["OpenRouter"]
    assert cards(admin.open(f"{available}&q=model+language")) == ["OpenRouter"]
    assert cards(admin.open(f"{available}&q=%C3%A9cho")) == ["Echo"], "accents don't count"
    page = admin.open(f"{available}&q=squirrel")
    assert cards(page) == []
    assert "Nothing found" in page.text
    assert "0 tools" in page.text
    assert [attributes["name"] for tag, attributes in page.elements if attributes.get("type") == "search"] == ["q"]
    store.accounts.connect("OPENROUTER", None, {"api_key": ALICE})
    store.switches.activate("ECHO")
    assert cards(admin.open(f"{TOOLS}?sort=popularity")) == ["OpenRouter", "Echo"]
    assert cards(admin.open(f"{TOOLS}?sort=alphabet")) == ["Echo", "OpenRouter"]


def test_a_search_that_finds_nothing_offers_what_was_probably_meant(admin: Person, store: Store) -> None:
    page = admin.open(f"{TOOLS}?tab=available&q=opnrouter&sort=alphabet")
    assert "Did you mean OpenRouter?" in page.text
    assert cards(page) == ["OpenRouter"]
    store.switches.activate("ECHO")
    page = admin.open(f"{TOOLS}?tab=active&q=OpenRouter")
    assert cards(admin.open(page.links["OpenRouter"])) == ["OpenRouter"], "it is on the other tab"
    for q in ("squirrel", "", "echo", "nonsense words", "%00", "x" * 500):
        assert "Did you mean" not in admin.open(f"{TOOLS}?tab=active&q={q}").text
    assert admin.open(page.links["Show all"]).links == admin.open(f"{TOOLS}?tab=active").links


def test_typos_are_forgiven_in_descriptions_too(admin: Person) -> None:
    page = admin.open(f"{TOOLS}?tab=available&q=langauge+modles")
    assert cards(page) == ["OpenRouter"]
    assert "Did you mean language models?" in page.text
    assert cards(admin.open(page.links["language models"])) == ["OpenRouter"]
    assert cards(admin.open(f"{TOOLS}?tab=available&q=tets")) == ["Echo"], "a category"


def test_a_search_in_available_finds_what_is_connected_already(admin: Person, store: Store) -> None:
    store.accounts.connect("OPENROUTER", None, {"api_key": ALICE})
    available = f"{TOOLS}?tab=available"
    assert cards(admin.open(available)) == ["Echo"]
    page = admin.open(f"{available}&q=openrouter")
    assert cards(page) == ["OpenRouter"]
    assert "connected already" in page.text


def test_categories_filter(admin: Person) -> None:
    available = f"{TOOLS}?tab=available"
    assert cards(admin.open(f"{available}&category=tests")) == ["Echo"]
    assert cards(admin.open(f"{available}&category=developer+tools")) == ["OpenRouter"]
    assert cards(admin.open(f"{available}&category=tests&q=router")) == []
    assert cards(admin.open(f"{available}&category=nonsense")) == ["Echo", "OpenRouter"]


def test_there_is_always_a_search_box(admin: Person) -> None:
    page = admin.open(TOOLS)
    assert "Active (0)" in page.links
    assert any(attributes.get("type") == "search" for _, attributes in page.elements)


def test_one_with_a_refused_account_is_not_ready(admin: Person, store: Store) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
    assert "Ready" in admin.open(TOOLS).text
    refused = store.accounts.connect("OPENROUTER", "bob", {"api_key": ALICE})
    credentials = store.accounts.credentials(refused.id)
    assert credentials is not None
    store.for_registry().refused(credentials, "it was revoked")
    page = admin.open(TOOLS)
    assert "Ready" not in page.text
    assert "Needs attention" in page.text


def test_one_whose_actions_are_all_off_is_not_ready(admin: Person, store: Store) -> None:
    store.switches.activate("ECHO")
    store.switches.turn_off("ECHO", "ECHO_SAY")
    assert "Ready" in admin.open(TOOLS).text
    store.switches.turn_off("ECHO", "ECHO_LIST_TOPICS")
    page = admin.open(TOOLS)
    assert "Ready" not in page.text
    assert "All actions are off" in page.text


def test_the_tabs_keep_the_search(admin: Person) -> None:
    page = admin.open(f"{TOOLS}?tab=available&q=a+%26+b&sort=alphabet")
    assert page.links["Active (0)"] == f"{TOOLS}?tab=active&q=a+%26+b&sort=alphabet"


def test_an_address_that_makes_no_sense_is_the_usual_page(admin: Person) -> None:
    for query in ("tab=nonsense", "sort=nonsense", "q=" + "x" * 5000, "q=%00%ff", "status=success", "done=nonsense"):
        page = admin.open(f"{TOOLS}?{query}")
        assert page.status == 200
        assert "message-good" not in page.html


def test_what_is_searched_for_is_text(admin: Person) -> None:
    page = admin.open(f'{TOOLS}?tab=available&q="><script>alert(1)</script>')
    assert "<script>alert" not in page.html
    assert len(page.elements) == len(admin.open(f"{TOOLS}?tab=available&q=squirrel").elements)


def test_the_message_after_connecting_names_an_account_that_is_there(admin: Person, store: Store) -> None:
    account = store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
    outcome = f"{TOOLS}?status=success&connected_account_id={account.id}"
    assert "OpenRouter is connected for user alice." in admin.open(outcome).text
    store.accounts.disable(account.id)
    assert "is connected for" not in admin.open(outcome).text
