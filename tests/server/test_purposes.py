"""What was made for one purpose is good for no other: cookies, forms' tokens, API tokens, links, sealed values."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

import httpx2
import pytest
from sqlalchemy import select

from openrouter_toolkit.store import MasterKey
from openrouter_toolkit.store.names import hashed
from openrouter_toolkit.store.tables import AccountRow, LinkRow, MasterKeyRow, SessionRow, TokenRow

from .served import Served
from .test_access import log_in
from .test_login import csrf, is_in

SESSION, BROWSER = "openrouter-toolkit-session-{}", "openrouter-toolkit-browser-{}"


@dataclass
class Made:
    """A browser that is logged in, and every secret and stored value there is, each by the one purpose it has."""

    browser: httpx2.Client
    port: int
    own: dict[str, str] = field(default_factory=dict)
    stored: dict[str, str] = field(default_factory=dict)

    def without(self, *purposes: str) -> Iterator[tuple[str, str]]:
        """All values but those for the purposes named, whole and as pieces that have a session id's form."""
        for purpose, value in {**self.own, **self.stored}.items():
            if purpose not in purposes:
                yield purpose, value
                for piece in {value[:43], value[-43:], value.rpartition(".")[2][:43]} - {value}:
                    if piece not in self.own.values():
                        yield purpose, piece


@pytest.fixture
def made(served: Served, key: MasterKey) -> Iterator[Made]:
    """Everything made once."""
    store, port = served.store, served.state.settings.port
    with served.client() as browser:
        log_in(served, browser)
        made = Made(browser, port)
        cookies = {cookie.name: cookie.value or "" for cookie in browser.cookies.jar}
        connect = store.links.to_connect("OPENROUTER", "alice")
        pkce = store.links.start_pkce(connect.secret, cookies[BROWSER.format(port)])
        api_token = served.token("alice")
        made.own = {
            "session": cookies[SESSION.format(port)],
            "browser": cookies[BROWSER.format(port)],
            "form": csrf(browser.get("/admin/tools")),
            "API token": api_token,
            "login link": served.login_link().rpartition("/")[2],
            "connect link": connect.secret,
            "state": pkce.state,
        }
        derived = store.derived_keys("csrf")[0]
        with store._database.read() as session:
            sealed = session.scalars(select(AccountRow.sealed).where(AccountRow.sealed.is_not(None))).first()
            verifier = session.scalars(select(LinkRow.verifier).where(LinkRow.verifier.is_not(None))).one()
            made.stored = {
                "sealed key": sealed or "",
                "sealed verifier": verifier or "",
                "session's hash": session.scalars(select(SessionRow.id_hash)).one(),
                "token's hash": session.scalars(select(TokenRow.token_hash)).one(),
                "link's hash": hashed(connect.secret),
                "proof": session.scalars(select(MasterKeyRow.proof)).one(),
                "master key": key.written(),
                "derived key": base64.urlsafe_b64encode(derived).decode(),
                "derived key in hex": derived.hex(),
            }
        yield made


def test_each_is_good_for_its_own(made: Made, served: Served) -> None:
    assert is_in(made.browser)
    assert made.browser.get(f"/login/{made.own['login link']}").status_code == 200
    assert made.browser.get(f"/connect/{made.own['connect link']}").status_code == 200
    back = made.browser.get(f"/connect/callback/{made.own['state']}?code=wrong")
    assert (back.status_code, "refused the code" in back.text) == (502, True)
    with served.client(made.own["API token"]) as host:
        assert host.get("/api/tools").status_code == 200
    assert made.browser.post("/logout", data={"csrf": made.own["form"]}).status_code == 303


def test_as_a_sessions_cookie(made: Made, served: Served) -> None:
    for purpose, value in made.without("session"):
        with served.client(Cookie=f"{SESSION.format(made.port)}={value}") as thief:
            assert not is_in(thief), (purpose, value)


def test_as_a_browsers_cookie(made: Made, served: Served) -> None:
    """With another browser's id a bound link and a form's token are worth nothing."""
    for purpose, value in made.without("browser"):
        cookies = f"{BROWSER.format(made.port)}={value}; {SESSION.format(made.port)}={made.own['session']}"
        with served.client(Cookie=cookies) as thief:
            assert thief.get(f"/connect/{made.own['connect link']}").status_code == 403, purpose
            assert thief.post("/logout", data={"csrf": made.own["form"]}).status_code == 403, purpose
    assert is_in(made.browser)


def test_as_a_forms_token(made: Made) -> None:
    for purpose, value in made.without("form"):
        assert made.browser.post("/logout", data={"csrf": value}).status_code == 403, (purpose, value)
    assert is_in(made.browser)


def test_as_an_api_token(made: Made, served: Served) -> None:
    for purpose, value in made.without("API token"):
        with served.client(value) as host:
            for path in ("/api/tools", "/mcp"):
                assert host.post(path, json={}).status_code == 401, (purpose, value)


def test_as_a_link(made: Made) -> None:
    ways = (("login link", "/login/{}"), ("connect link", "/connect/{}"), ("state", "/connect/callback/{}?code=x"))
    for own, address in ways:
        for purpose, value in made.without(own):
            answer = made.browser.get(address.format(quote(value, safe="")))
            assert answer.status_code == 404, (address, purpose)
