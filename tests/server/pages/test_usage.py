"""Usage on the pages: sums by each dimension, plots that the pages' policy allows, downloads, what a member sees."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

from openrouter_toolkit.ledger import CallFilter
from openrouter_toolkit.ledger.entry import KNOWN, UNKNOWN
from openrouter_toolkit.ledger.export import usage_as_dict
from openrouter_toolkit.server.pages.figures import dollars, duration, share, short
from openrouter_toolkit.server.pages.plots import Series, plot
from openrouter_toolkit.store import Role
from openrouter_toolkit.store.columns import now

from ..served import KEY, Served
from ..test_roles import logged_in, of_role
from .person import Page, Person
from .test_calls import call, write

USAGE = "/admin/usage"
DAY = 24 * 60


def some(served: Served) -> None:
    """Seven users over ten days: the greater the number, the less they spend and the more they call."""
    at = now()
    midnight = (at - at.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds() / 60
    write(
        served,
        *(
            call(
                f"user-{user}",
                DAY * day + midnight - (user + number / 10) / 600,
                model=f"acme/model-{user % 2}",
                cost=10**12 * (7 - user),
                billing=KNOWN,
                tokens_in=1_000,
                tokens_out=user,
                token_id=f"tok_{user}",
                error_type="timeout" if user == 6 and not number else "",
            )
            for user in range(7)
            for day in range(0, 10, 3)
            for number in range(user + 1)
        ),
        call("user-3", DAY * 2 + midnight, billing=UNKNOWN, model="acme/model-1"),
        call("user-0", midnight, action=KEY),
    )


def table(page: Page) -> list[str]:
    """The names in the table, in order."""
    assert page.status == 200
    return re.findall(r'role="rowheader"[^>]*>(?:<a [^>]*>)?([^<]*)<', page.html)


def test_sums_by_what_the_address_says(served: Served, admin: Person) -> None:
    some(served)
    page = admin.open(USAGE)
    assert table(page)[0] == "user-3", "4 calls of 4 dollars, four times"
    assert "and 1 call of unknown cost" in page.text
    for query, expected in {
        "by=user&measure=calls": "user-6",
        "by=user&measure=failures": "user-6",
        "by=model": "acme/model-0",
        "by=token&measure=calls": "tok_6",
        "by=action": "Create Chat Completion",
        "by=error_type": "Succeeded",
        "by=user&model=acme/model-0": "user-4",
        "by=user&user_id=user-5": "user-5",
        "by=model&successful=false": "acme/model-0",
        "by=colour&measure=beauty&span=century": "user-3",
        "by=user&session_id=1": "user-3",
    }.items():
        assert table(admin.open(f"{USAGE}?{query}"))[0] == expected, query
    days = admin.open(f"{USAGE}?by=day&span=7")
    assert len(table(days)) == 4
    assert "No call in this time passes" in admin.open(f"{USAGE}?user_id=nobody").text
    assert "No call was made in this time" in admin.open(f"{USAGE}?until=2001-01-01").text


def test_a_row_leads_to_its_calls_and_the_time_stays(served: Served, admin: Person) -> None:
    some(served)
    page = admin.open(f"{USAGE}?by=user&span=7&measure=failures")
    calls = admin.open(page.links["user-6"])
    assert calls.html.count('class="user">user-6<') == 21
    failed = admin.open(page.links["See them"])
    assert failed.html.count('class="user">user-6<') == failed.html.count('class="user"') == 3
    by_day = admin.open(f"{USAGE}?by=day")
    first = table(by_day)[0]
    assert admin.open(by_day.links[first]).html.count('class="user"') >= 1


def test_plots_have_neither_style_nor_script_and_say_what_they_show(served: Served, admin: Person) -> None:
    some(served)
    for query in ("by=user", "by=model&measure=latency", "by=day&measure=calls&span=90"):
        html = admin.open(f"{USAGE}?{query}").html
        (wide, narrow) = re.findall(r"<svg [^>]*class=\"plot .*?</svg>", html, re.DOTALL)
        for svg in (wide, narrow):
            assert 'role="img"' in svg
            assert "<title>" in svg, "tooltips"
            assert not re.search(r"<style|<script|\sstyle=|\sid=\"[^\"]|\son\w+=|<!--", svg)
            colours = set(re.findall("series (colour-.)", svg))
            assert colours == ({"colour-0"} if "by=day" in query else set(re.findall(r'<i class="(colour-.)', html)))


def test_names_of_strangers_are_texts_in_a_plot() -> None:
    series = [Series('<script>alert("1")</script>', 0, [1, None]), Series("b & c", 1, [2, 3])]
    svg = plot(["1 Nov", "2 Nov"], series, says='a "quoted" title', words=str)
    assert "<script" not in svg
    assert "1 Nov, &lt;script&gt;" in svg
    assert "2 Nov, b &amp; c: 3" in svg


def test_downloads_have_every_row_exactly(served: Served, admin: Person) -> None:
    some(served)
    page = admin.open(f"{USAGE}?by=user&span=7")
    rows = served.state.ledger.usage(["user"], CallFilter(since=now() - timedelta(days=6)))
    text = admin.client.get(page.links["CSV"])
    assert "attachment" in text.headers["content-disposition"]
    found = list(csv.DictReader(io.StringIO(text.text)))
    assert [(row["user"], row["calls"]) for row in found] == [(row.key["user"], str(row.calls)) for row in rows]
    answer = admin.client.get(page.links["JSON"])
    assert answer.json() == [usage_as_dict(row) for row in rows]
    assert admin.open(f"{USAGE}/export?format=xls").status == 422


def test_a_member_sees_sums_of_their_own_users(served: Served) -> None:
    some(served)
    with logged_in(served, of_role(served, Role.MEMBER, "user-2", "user-5")) as browser:
        for query in ("by=user", "by=token", "by=model&user_id=user-3", "by=day&model=acme/model-0"):
            page = browser.get(f"{USAGE}?{query}").text
            assert "user-3<" not in page
            assert "tok_3" not in page
        rows: list[dict[str, Any]] = browser.get(f"{USAGE}/export?by=user&format=json").json()
        assert [row["user"] for row in rows] == ["user-2", "user-5"]
        assert browser.get(f"{USAGE}/export?by=user&format=json&user_id=user-3").json() == []


def test_numbers_are_told_as_people_read_them() -> None:
    costs = ("1234.567", "1", "0.12345", "0.00000725", "0.0004", "0", "0.9999")
    assert [dollars(Decimal(cost)) for cost in costs] == [
        "$1,234.57",
        "$1.00",
        "$0.123",
        "$0.00000725",
        "$0.0004",
        "$0",
        "$1.00",
    ]
    times = (None, 0, 999, 1_500, 59_999, 61_000)
    told = [duration(time).replace("\u00a0", " ") for time in times]
    assert told == ["–", "0 ms", "999 ms", "1.5 s", "60 s", "1 min 1 s"]
    assert [short(number).replace("\u00a0", " ") for number in (9_999, 10_000, 1_234_567, 10**9)] == [
        "9,999",
        "10 k",
        "1.23 M",
        "1 bn",
    ]
    parts = [share(*pair).replace("\u00a0", " ") for pair in ((0, 5), (1, 5_000), (3, 7), (1, 30))]
    assert parts == ["0 %", "under 0.1 %", "43 %", "3.3 %"]
