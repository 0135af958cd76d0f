"""The overview: figures beside those of the time before, failures, what needs attention; and tokens that are unused."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from openrouter_toolkit.ledger import Totals
from openrouter_toolkit.ledger.advice import BY_TYPE
from openrouter_toolkit.ledger.entry import KNOWN, UNKNOWN, Entry
from openrouter_toolkit.server.pages.overview import _month_before
from openrouter_toolkit.store import Role, Store
from openrouter_toolkit.store.columns import now

from ..served import KEY, Served
from ..test_roles import logged_in, of_role
from .person import Page, Person
from .test_calls import call, write
from .test_people import flat

OVERVIEW, TOKENS = "/admin/overview", "/admin/tokens"
DAY = 24 * 60


def paid(user: str, minutes_ago: float, dollars: int, **more: str) -> Entry:
    return call(user, minutes_ago, cost=dollars * 10**12, billing=KNOWN, model="acme/atlas-small", **more)


def test_an_empty_ledger_leads_to_the_tools(admin: Person) -> None:
    page = admin.open(OVERVIEW)
    assert "No call was made yet" in page.text
    assert "Needs attention" not in page.text
    assert page.links["To the tools"] == "/admin/tools"
    assert next(iter(page.links)) == "Skip to the content"
    assert list(page.links)[1:3] == ["Overview", "Tools"]


def test_figures_stand_beside_those_of_the_same_time_before(served: Served, admin: Person) -> None:
    write(
        served,
        paid("alice", 0, 3),
        paid("bob", 0, 2, error_type="timeout"),
        paid("alice", DAY + 1, 4),
        paid("alice", DAY - 1, 50),  # yesterday, but later than now
    )
    page = flat(admin.open(OVERVIEW))
    today = page[page.index("Today beside yesterday until this time") :][:200]
    assert "of unknown cost" not in today
    if now().hour or now().minute > 2:  # else "a day and a minute ago" is the day before yesterday
        assert re.search(r"Spend \$5\.00 \$4\.00 then, \+25\s% Calls 2 1 then, \+100\s% Failures 1 0 then", today), (
            today
        )


def test_what_is_unknown_is_never_nothing(served: Served, admin: Person) -> None:
    write(served, call("alice", 0, billing=UNKNOWN, model="acme/atlas-small"))
    for path in (OVERVIEW, "/admin/usage", "/admin/calls"):
        html = re.sub(r"<svg.*?</svg>|\$0 then", "", admin.open(path).html, flags=re.DOTALL)
        assert ">unknown<" in html
        assert "$0" not in html, path


def test_what_failed_and_who_spent_lead_on(served: Served, admin: Person) -> None:
    write(served, paid("alice", 0, 3), paid("bob", 0, 2), call("bob", 0, action=KEY, error_type="timeout"))
    page = admin.open(OVERVIEW)
    assert BY_TYPE["timeout"] in page.text
    assert admin.open(page.links["timeout"]).html.count('class="user">bob<') == 1
    assert "alice $3.00" in flat(page)
    assert "acme/atlas-small" in admin.open(page.links["alice"]).text
    assert "bob" in admin.open(page.links["acme/atlas-small"]).text


def test_refused_accounts_need_attention(served: Served, admin: Person, store: Store) -> None:
    account = store.accounts.connect("OPENROUTER", "bob", {"api_key": "sk-or-v1-sandbox-0123456789abcdef-4242"})
    credentials = store.accounts.credentials(account.id)
    assert credentials is not None
    store.for_registry().refused(credentials, "OpenRouter refused the key.")
    page = admin.open(OVERVIEW)
    assert "OpenRouter refused the key." in page.text
    assert account.id in admin.open(page.links["bob"]).html


@pytest.mark.parametrize(
    ("at", "before"),
    [
        (datetime(2026, 11, 30, 10, tzinfo=UTC), datetime(2026, 10, 30, 10, tzinfo=UTC)),
        (datetime(2026, 3, 31, 10, tzinfo=UTC), datetime(2026, 2, 28, 10, tzinfo=UTC)),
        (datetime(2026, 1, 1, 10, tzinfo=UTC), datetime(2025, 12, 1, 10, tzinfo=UTC)),
    ],
)
def test_the_same_time_of_the_month_before(at: datetime, before: datetime) -> None:
    assert _month_before(at) == before


def test_totals_until_any_moment_are_those_of_the_rows(served: Served) -> None:
    write(served, *(paid("alice", DAY * number / 7, 1) for number in range(60)))
    calls = write(served, *(call("bob", DAY * number / 2, billing=UNKNOWN) for number in range(9)))
    ledger, at = served.state.ledger, now()
    since = (at - timedelta(days=5)).replace(hour=0, minute=0, second=0, microsecond=0)
    for until in (since, since + timedelta(hours=7), at - timedelta(days=2, hours=3), at):
        wanted = [call for call in calls if since <= call.at < until]
        total = ledger.totals(since, until)
        unknown = sum(call.cost is None for call in wanted)
        assert total == Totals(len(wanted), 0, unknown, Decimal(len(wanted) - unknown))


def names(page: Page) -> list[str]:
    return [name.strip() for name in re.findall(r"<h3>([^<]*)", page.html)]


def test_tokens_that_were_never_used_are_marked_and_first_if_wanted(
    served: Served, admin: Person, store: Store
) -> None:
    used, text = store.tokens.create("used")
    store.tokens.create("idle", ["alice"], agent="writer")
    store.tokens.revoke(store.tokens.create("gone")[0].id)
    with served.client(text) as host:
        host.get("/api/calls")
    write(served, paid("alice", 0, 7, token_id=used.id))
    page = admin.open(f"{TOKENS}?sort=unused")
    assert names(page) == ["idle", "used", "gone"]
    assert "idle Never used" in flat(page)
    assert "used Never" not in flat(page)
    assert "1 token was never used." in page.text
    assert "1 call and $7.00 in the last 30 days" in flat(page)
    assert f"/{used.id}/revoke" in page.html
    assert text not in page.html
    assert admin.open(page.links["1 call"]).html.count('class="user">alice<') == 1
    assert names(admin.open(f"{TOKENS}?sort=name")) == ["idle", "used", "gone"]
    assert names(admin.open(f"{TOKENS}?sort=beauty")) == ["idle", "used", "gone"]


def test_a_token_is_revoked_after_a_question(served: Served, admin: Person, store: Store) -> None:
    token, text = store.tokens.create("idle")
    page = admin.send(admin.open(admin.open(TOKENS).links["Revoke idle"]), "Revoke")
    assert "The token idle is revoked." in page.text
    assert store.tokens.find(text) is None
    entry = store.audit.list(limit=1)[0]
    assert (entry.action, entry.object_id) == ("token.revoked", token.id)
    assert admin.open(f"{TOKENS}/tok_1/revoke").status == 404


def test_members_have_neither_page_and_auditors_only_read(served: Served, store: Store) -> None:
    store.tokens.create("idle")
    with logged_in(served, of_role(served, Role.MEMBER, "alice")) as browser:
        assert [browser.get(path).status_code for path in (OVERVIEW, TOKENS)] == [403, 403]
        assert OVERVIEW not in browser.get("/admin/calls").text
    with logged_in(served, of_role(served, Role.AUDITOR)) as browser:
        for path in (OVERVIEW, TOKENS):
            page = browser.get(path)
            assert page.status_code == 200
            assert page.text.count('method="post"') == 1, "to log out"
        assert "/revoke" not in browser.get(TOKENS).text
