"""A proxy stands before the server and `--url` was forgotten: whoever put it there is told so, in the log once."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import httpx2
import pytest

from openrouter_toolkit.store import Store

from .pages.person import Page
from .served import Served, serving
from .test_access import log_in
from .test_login import csrf
from .test_mcp import ACCEPT, LIST

NAME = "Tools of the Ministry"
PUBLIC = "tools.hidden.example"
# What proxies hand on: the name that was asked for, or the address that they themselves asked.
OTHER_HOST = {"Host": PUBLIC}
OTHER_ORIGIN = {"Origin": f"https://{PUBLIC}"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def served(store: Store) -> Iterator[Served]:
    """A server that was told its name, but not its address."""
    with serving(store, host_name=NAME) as served:
        yield served


def says_what_to_do(answer: httpx2.Response, status: int) -> None:
    assert answer.status_code == status
    assert "start the server with --url" in answer.text
    for foreign in (PUBLIC, NAME, "<script>"):
        assert foreign not in answer.text


def test_a_browser_gets_a_page(served: Served) -> None:
    with served.client(**BROWSER) as browser:
        for path in ("/login", "/admin/tools", "/nothing", "/static/style.css"):
            answer = browser.get(path, headers=OTHER_HOST)
            says_what_to_do(answer, 421)
            assert answer.headers["content-type"].startswith("text/html")
            assert "Wrong address" in Page(answer).text
            assert "set-cookie" not in answer.headers


def test_a_form_that_a_page_of_another_name_sends_is_told_too(served: Served) -> None:
    with served.client(**BROWSER) as browser:
        log_in(served, browser)
        form = {"csrf": csrf(browser.get("/admin/tools"))}
        answer = browser.post("/logout", data=form, headers=OTHER_ORIGIN)
        says_what_to_do(answer, 403)
        assert "Wrong address" in Page(answer).text
        assert browser.get("/admin/tools").status_code == 200


def test_a_program_is_told_in_json(served: Served) -> None:
    with served.client(served.token("alice"), **ACCEPT) as host:
        for headers, status, type_ in ((OTHER_HOST, 421, "wrong_host"), (OTHER_ORIGIN, 403, "forbidden")):
            for answer in (
                host.get("/api/tools", headers=headers),
                host.get("/api/tools", headers={**headers, **BROWSER}),
                host.post("/mcp", json=LIST, headers=headers),
                host.get("/login", headers=headers),
            ):
                says_what_to_do(answer, status)
                assert answer.json()["error"]["type"] == type_


@pytest.mark.parametrize("host", ["<script>alert(1)</script>", "x\" onload='alert(1)", "evil.example/?<script>"])
def test_a_hostile_name_is_not_repeated(served: Served, host: str) -> None:
    with served.client(**BROWSER) as browser:
        answer = browser.get("/login", headers={"Host": host})
    if answer.status_code == 421:  # h11 refuses some of these itself
        says_what_to_do(answer, 421)
        assert "alert" not in answer.text
    assert answer.status_code in (400, 421)


def test_the_log_says_it_once(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    with served.client() as browser:
        for _ in range(3):
            browser.get("/login", headers=OTHER_HOST)
            browser.get("/login", headers=OTHER_ORIGIN)
    (record,) = [record for record in caplog.records if record.name == "openrouter_toolkit"]
    assert record.levelno == logging.WARNING
    assert "--url" in record.getMessage()
    assert PUBLIC not in record.getMessage()


@pytest.mark.parametrize("host", ["tools.example.com", None])
def test_with_the_url_either_host_will_do(store: Store, host: str | None) -> None:
    """Nginx hands on the address that it asks itself, Caddy the name that was asked for."""
    with serving(store, url="https://tools.example.com") as served:
        given = {"Origin": "https://tools.example.com", **({"Host": host} if host else {})}
        with served.client(served.token("alice"), **given) as client:
            assert client.get("/login").status_code == 200
            assert client.get("/api/tools").status_code == 200
