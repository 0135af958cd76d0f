"""Logging in: a link that works once, a session that ends, forms that are only ours, headers that keep browsers in."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from openrouter_toolkit.server.settings import Settings
from openrouter_toolkit.store import Store

from .served import Served, serving
from .test_access import log_in


def csrf(page: httpx2.Response) -> str:
    found = re.search(r'name="csrf" value="(\w+)"', page.text)
    assert found
    return found[1]


def is_in(browser: httpx2.Client) -> bool:
    answer = browser.get("/admin/tools")
    assert answer.status_code == 200 or answer.headers["location"] == "/login"
    return answer.status_code == 200


def cookies(answer: httpx2.Response) -> dict[str, str]:
    """The cookies that are set, each with its attributes."""
    return {line.partition("=")[0]: line.partition("; ")[2] for line in answer.headers.get_list("set-cookie")}


def test_the_link_is_used_by_the_button_and_once(served: Served) -> None:
    link = served.login_link()
    with served.client() as preview, served.client() as browser, served.client() as other:
        for _ in range(3):
            assert preview.get(link).status_code == 200
            assert preview.head(link).status_code == 200
        assert not is_in(preview)
        answer = browser.post(link, data={"csrf": csrf(browser.get(link))})
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/tools")
        assert is_in(browser)
        page = other.get(link)
        assert page.status_code == 410
        assert "used already" in page.text
        assert other.post(link, data={"csrf": csrf(other.get(served.login_link()))}).status_code == 410
        assert not is_in(other)


def test_of_many_at_once_one_gets_in(served: Served) -> None:
    link = served.login_link()

    def attempt(_: int) -> bool:
        with served.client() as browser:
            page = browser.get(served.login_link())
            return browser.post(link, data={"csrf": csrf(page)}).status_code == 303

    with ThreadPoolExecutor(8) as workers:
        assert sum(workers.map(attempt, range(8))) == 1


def test_a_link_that_is_none(served: Served) -> None:
    connect = served.store.links.to_connect("OPENROUTER", "carol").secret
    with served.client() as browser:
        token = csrf(browser.get(served.login_link()))
        for secret in ("x", "a" * 43, connect, "%00", "\u202e", "a" * 5000, "..%2Fadmin", "'; DROP TABLE links; --"):
            assert browser.get(f"/login/{secret}").status_code == 404
            answer = browser.post(f"/login/{secret}", data={"csrf": token})
            assert answer.status_code in (404, 405)
        assert not is_in(browser)
    assert served.store.links.find(connect).state == "open"  # type: ignore[union-attr]


def test_logging_out_ends_the_session_for_a_copied_cookie_too(served: Served) -> None:
    with served.client() as browser, served.client() as thief:
        log_in(served, browser)
        thief.cookies.update(browser.cookies)
        assert is_in(thief)
        answer = browser.post("/logout", data={"csrf": csrf(browser.get("/admin/tools"))})
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
        assert not is_in(browser)
        assert not is_in(thief)


def test_revoking_all_sessions_counts_at_once(served: Served) -> None:
    with served.client() as browser:
        log_in(served, browser)
        served.store.sessions.revoke_all()
        assert not is_in(browser)


def test_a_login_makes_a_fresh_session(served: Served) -> None:
    """A cookie that somebody planted before is worth nothing afterwards."""
    name = f"openrouter-toolkit-session-{served.state.settings.port}"
    with served.client() as browser:
        browser.cookies.set(name, "p" * 43, domain="127.0.0.1")
        log_in(served, browser)
        assert browser.cookies.get(name, domain="127.0.0.1") != "p" * 43 or len(browser.cookies.jar) > 2
    with served.client(Cookie=f"{name}={'p' * 43}") as planted:
        assert not is_in(planted)


def test_cookies_hold_an_id_alone_and_carry_the_port(served: Served) -> None:
    port = served.state.settings.port
    with served.client() as browser:
        link = served.login_link()
        page = browser.get(link)
        assert list(cookies(page)) == [f"openrouter-toolkit-browser-{port}"]
        answer = browser.post(link, data={"csrf": csrf(page)})
    assert list(cookies(answer)) == [f"openrouter-toolkit-session-{port}"]
    for attributes in (*cookies(page).values(), *cookies(answer).values()):
        assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(attributes.split("; "))
        assert "Domain" not in attributes
        assert "Secure" not in attributes


def test_two_servers_on_one_machine_do_not_share_a_login(store: Store, served: Served) -> None:
    """Browsers send a host's cookies to each of its ports."""
    with serving(store) as other, served.client() as browser:
        tools, others = f"{served.url}/admin/tools", f"{other.url}/admin/tools"
        log_in(served, browser)
        assert [browser.get(address).status_code for address in (tools, others)] == [200, 303]
        log_in(other, browser)
        assert [browser.get(address).status_code for address in (tools, others)] == [200, 200]
        assert browser.post(f"{other.url}/logout", data={"csrf": csrf(browser.get(others))}).status_code == 303
        assert [browser.get(address).status_code for address in (tools, others)] == [200, 303]


def test_behind_https_cookies_are_for_https_alone(store: Store) -> None:
    with serving(store, url="https://tools.example.com") as served:
        path = served.login_link().removeprefix("https://tools.example.com")
        with served.client(Host="tools.example.com") as browser:
            page = browser.get(path)
    ((name, attributes),) = cookies(page).items()
    assert name == "__Host-openrouter-toolkit-browser-443"
    assert {"Secure", "HttpOnly", "Path=/"} <= set(attributes.split("; "))


def test_a_form_that_is_not_ours_is_refused(served: Served) -> None:
    with served.client() as browser, served.client() as attacker:
        log_in(served, browser)
        good = csrf(browser.get("/admin/tools"))
        foreign = csrf(attacker.get(served.login_link()))
        for data in ({}, {"csrf": ""}, {"csrf": "x"}, {"csrf": foreign}, {"csrf": good[:-1]}, {"csrf": "é"}):
            assert browser.post("/logout", data=data).status_code == 403
        for headers in (
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "https://evil.example"},
            {"Origin": f"{served.url}.evil.example"},
        ):
            assert browser.post("/logout", data={"csrf": good}, headers=headers).status_code == 403
        assert browser.post("/logout", content=f'{{"csrf": "{good}"}}').status_code == 403
        assert browser.post(f"/logout?csrf={good}").status_code == 403
        assert is_in(browser)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Origin": "null"},
    ],
)
def test_a_form_of_ours_is_taken(served: Served, headers: dict[str, str]) -> None:
    with served.client() as browser:
        log_in(served, browser)
        good = csrf(browser.get("/admin/tools"))
        assert browser.post("/logout", data={"csrf": good}, headers=headers).status_code == 303


def test_a_token_from_before_the_login_is_worth_nothing_after_it(served: Served) -> None:
    with served.client() as browser:
        before = csrf(browser.get(served.login_link()))
        log_in(served, browser)
        assert browser.post("/logout", data={"csrf": before}).status_code == 403


def test_every_answer_carries_the_headers_that_keep_browsers_in(served: Served) -> None:
    link = served.login_link()
    with served.client() as nobody:
        for path in ("/", "/login", link, "/admin/tools", "/nothing", "/api/tools", "/healthz", "/static/style.css"):
            headers = nobody.get(path).headers
            policy = dict(part.partition(" ")[::2] for part in headers["content-security-policy"].split("; "))
            assert policy["default-src"] == "'none'"
            assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
            assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
            assert "access-control-allow-origin" not in headers
            assert "server" not in headers
            if not path.startswith("/static"):
                assert headers["cache-control"] == "no-store"
        assert nobody.get(link).headers["referrer-policy"] == "no-referrer"
        assert nobody.get("/login").headers["referrer-policy"] == "same-origin"
        options = {"Origin": served.url, "Access-Control-Request-Method": "POST"}
        assert "access-control-allow-origin" not in nobody.options("/api/tools", headers=options).headers


def test_static_files_are_those_and_no_others(served: Served) -> None:
    with served.client() as nobody:
        assert nobody.get("/static/style.css").headers["content-type"].startswith("text/css")
        for path in ("../templates/base.html", "..%2Ftemplates/base.html", "%2e%2e/routes.py", "", "logos"):
            assert nobody.get(f"/static/{path}").status_code == 404, path


def test_a_failing_page_tells_nothing(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(served.store.links, "find", fail)
    monkeypatch.setattr(served.store.tokens, "find", fail)
    with served.client() as nobody:
        page = nobody.get("/login/abc")
        answer = nobody.get("/api/tools", headers={"Authorization": f"Bearer {served.token()}"})
    assert (page.status_code, answer.status_code) == (500, 500)
    assert answer.json()["error"]["type"] == "internal"
    for told in (page, answer):
        assert "secret" not in told.text
        assert "content-security-policy" in told.headers


@pytest.mark.parametrize(
    "sent_as", ["multipart/form-data; boundary=x", "multipart/form-data; boundary=x; charset=undefined", "text/plain"]
)
def test_forms_come_as_browsers_send_ours(served: Served, sent_as: str) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="csrf"\r\n\r\nabc\r\n--x--\r\n'
    with served.client() as browser:
        answer = browser.post("/logout", content=body, headers={"Content-Type": sent_as})
    assert answer.status_code == 415
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("name", ["", "two\nlines", "\udcff", "x" * 300])
def test_a_name_that_nobody_could_read_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="printable text"):
        Settings("http://127.0.0.1:1", host_name=name)


def test_logging_in_leads_to_the_page_that_was_asked_for(served: Served) -> None:
    wanted = "/admin/tools/openrouter/connect?return_address=https%3A%2F%2Fsquad.example%2Ftools%3Fx%3D1"
    with served.client() as browser:
        assert browser.get(wanted).headers["location"] == "/login"
        link = served.login_link()
        answer = browser.post(link, data={"csrf": csrf(browser.get(link))})
        assert answer.headers["location"] == wanted


@pytest.mark.parametrize(
    "address",
    ["/admin/\\\\evil.example", "/admin/x?%0d%0aX: y", "//evil.example/admin/", "/connect/x", "https://evil.example/"],
)
def test_and_nowhere_else(served: Served, address: str) -> None:
    name = f"openrouter-toolkit-wanted-{served.state.settings.port}"
    with served.client() as browser:
        link = served.login_link()
        page = browser.get(link)
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies.jar)
        given = {"Cookie": f'{cookies}; {name}="{address}"'}
        answer = browser.post(link, data={"csrf": csrf(page)}, headers=given)
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/tools")
