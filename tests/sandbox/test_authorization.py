"""The page that asks a person, and its codes: once, for ten minutes, for whoever holds the verifier."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.sandbox.authorization import Authorizations
from openrouter_toolkit.sandbox.errors import ApiError

Ask = Callable[..., requests.Response]
Fits = Callable[[object, str], None]
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
S256 = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
CALLBACK = "http://127.0.0.1:5/callback/state"


class _Form(HTMLParser):
    """The form of a page: where it goes, and what it sends with each button."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.buttons: dict[str, str] = {}
        self.scripts = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = told["action"]
        elif tag == "input":
            self.fields[told["name"]] = told["value"]
        elif tag == "button":
            self.buttons[told["value"]] = told["name"]
        elif tag == "script":
            self.scripts += 1


class Browser:
    """Opens the page and presses a button, as a person would."""

    def __init__(self, sandbox: Sandbox, session: requests.Session) -> None:
        self._host = sandbox.base_url.removesuffix("/api/v1")
        self._session = session

    def open(self, **query: str) -> requests.Response:
        return self._session.get(f"{self._host}/auth", params=query, timeout=10)

    def press(self, button: str, **query: str) -> requests.Response:
        form = _Form(self.open(**query).text)
        data = {**form.fields, form.buttons[button]: button}
        return self._session.post(f"{self._host}{form.action}", data=data, timeout=10, allow_redirects=False)

    def code(self, **query: str) -> str:
        location = self.press("authorize", **{"callback_url": CALLBACK, **query}).headers["Location"]
        return parse_qs(urlsplit(location).query)["code"][0]


@pytest.fixture
def browser(sandbox: Sandbox, session: requests.Session) -> Browser:
    return Browser(sandbox, session)


@pytest.fixture
def exchange(sandbox: Sandbox, session: requests.Session) -> Callable[..., requests.Response]:
    def exchange(code: Any, **more: Any) -> requests.Response:
        body = {"code": code, "code_verifier": VERIFIER, "code_challenge_method": "S256", **more}
        return session.post(f"{sandbox.base_url}/auth/keys", json=body, timeout=10)

    return exchange


def test_the_page_names_who_asks_and_needs_no_script(browser: Browser) -> None:
    page = browser.open(callback_url="https://app.example:8443/back?x=1", **S256)
    assert page.status_code == 200
    assert "app.example:8443" in page.text
    assert _Form(page.text).scripts == 0
    assert list(_Form(page.text).buttons) == ["authorize", "cancel"]
    headless = browser.open(key_label="<b>My app</b>", **S256)
    assert "&lt;b&gt;My app&lt;/b&gt; asks" in headless.text


def test_authorize_leads_back_with_a_code(browser: Browser) -> None:
    answer = browser.press("authorize", callback_url=f"{CALLBACK}?a=1", **S256)
    assert answer.status_code == 303
    before, _, query = answer.headers["Location"].partition("?")
    assert before == CALLBACK
    assert parse_qs(query)["a"] == ["1"]
    assert parse_qs(query)["code"][0]


def test_cancel_leads_back_without_one(browser: Browser) -> None:
    answer = browser.press("cancel", callback_url=CALLBACK, **S256)
    assert answer.headers["Location"] == f"{CALLBACK}?error=access_denied"
    assert "Cancelled" in browser.press("cancel", **S256).text


def test_without_a_callback_the_page_shows_the_code(browser: Browser, exchange: Ask) -> None:
    page = browser.press("authorize", key_label="My app", **S256).text
    code = page.partition('<code id="code">')[2].partition("</code>")[0]
    assert exchange(code).status_code == 200


def test_a_code_becomes_a_new_key_that_works(browser: Browser, exchange: Ask, get: Ask, assert_fits: Fits) -> None:
    answers = [exchange(browser.code(**S256)).json() for _ in range(2)]
    for answer in answers:
        assert_fits(answer, "POST /auth/keys")
        assert answer["key"].startswith("sk-or-v1-sandbox")
        described = get("/key", key=answer["key"]).json()["data"]
        assert described["is_management_key"] is False
    assert answers[0]["key"] != answers[1]["key"]


def test_a_code_works_once(browser: Browser, exchange: Ask, assert_fits: Fits) -> None:
    code = browser.code(**S256)
    assert exchange(code).status_code == 200
    again = exchange(code)
    assert again.status_code == 403
    assert_fits(again.json(), "ForbiddenResponse")
    assert code not in again.text


def test_a_code_needs_its_verifier(browser: Browser, exchange: Ask) -> None:
    for verifier in ("wrong", CHALLENGE, None, 5):
        assert exchange(browser.code(**S256), code_verifier=verifier).status_code == 403


def test_a_wrong_verifier_uses_the_code_up(browser: Browser, exchange: Ask) -> None:
    code = browser.code(**S256)
    assert exchange(code, code_verifier="wrong").status_code == 403
    assert exchange(code).status_code == 403


def test_a_plain_challenge_and_none_at_all(browser: Browser, exchange: Ask) -> None:
    plain = {"code_challenge": VERIFIER, "code_challenge_method": "plain"}
    assert exchange(browser.code(**plain), code_challenge_method="plain").status_code == 200
    assert exchange(browser.code(), code_challenge_method=None, code_verifier=None).status_code == 200


def test_another_method_than_the_pages_is_400(browser: Browser, exchange: Ask, assert_fits: Fits) -> None:
    for method in ("plain", "MD5", None, 5):
        refusal = exchange(browser.code(**S256), code_challenge_method=method)
        assert refusal.status_code == 400
        assert_fits(refusal.json(), "BadRequestResponse")


def test_what_is_no_exchange(exchange: Ask, get: Ask, sandbox: Sandbox, session: requests.Session) -> None:
    assert exchange(None).status_code == 400
    assert exchange("auth_code_nobodys").status_code == 403
    assert session.post(f"{sandbox.base_url}/auth/keys", data=b"{", timeout=10).status_code == 400
    assert session.post(f"{sandbox.base_url}/auth/keys", json=[], timeout=10).status_code == 400
    assert get("/auth/keys").status_code == 405


@pytest.mark.parametrize(
    "callback",
    [
        "http://app.example/back",
        "http://127.0.0.1.example/back",
        "http://localhost@evil.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "//app.example/back",
        "/back",
        "ftp://127.0.0.1/",
        "https://",
        "http://[::1",
        "https://app.example/\r\nX: y",
        "https://app.example/\u2603",
        "https://exämple.com/",
        "",
    ],
)
def test_a_callback_must_be_https_or_this_machine(browser: Browser, callback: str) -> None:
    page = browser.open(callback_url=callback, **S256)
    assert page.status_code == 400
    assert "Authorize" not in page.text


@pytest.mark.parametrize("callback", ["https://app.example/", "http://localhost:3000/x", "http://[::1]:9/", CALLBACK])
def test_callbacks_that_are_taken(browser: Browser, callback: str) -> None:
    assert browser.open(callback_url=callback).status_code == 200


def test_other_pages_that_are_refused(browser: Browser, sandbox: Sandbox, session: requests.Session) -> None:
    assert browser.open(key_label="no challenge").status_code == 400
    assert browser.open(callback_url=CALLBACK, code_challenge="x", code_challenge_method="MD5").status_code == 400
    host = sandbox.base_url.removesuffix("/api/v1")
    for callback in ("javascript:alert(1)", "https://app.example/\u2603"):
        forged = {"callback_url": callback, "decision": "authorize"}
        assert session.post(f"{host}/auth", data=forged, timeout=10).status_code == 400
    assert session.put(f"{host}/auth", timeout=10).status_code == 404
    assert session.get(f"{host}/author", timeout=10).status_code == 404


def test_reset_forgets_codes(browser: Browser, exchange: Ask, sandbox: Sandbox) -> None:
    code = browser.code(**S256)
    sandbox.reset()
    assert exchange(code).status_code == 403


def test_a_code_lasts_ten_minutes() -> None:
    time = 1000.0
    authorizations = Authorizations(clock=lambda: time)
    codes = [authorizations.issue(S256) for _ in range(2)]
    body = {"code_verifier": VERIFIER, "code_challenge_method": "S256"}
    time += 599
    assert authorizations.exchange("POST", {"code": codes[0], **body})["key"]
    time += 2
    with pytest.raises(ApiError) as caught:
        authorizations.exchange("POST", {"code": codes[1], **body})
    assert caught.value.status == 403
