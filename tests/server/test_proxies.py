"""Behind a real nginx and a real Caddy, set up by the documentation's own lines: nobody is led to another address."""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from openrouter_toolkit.cli import parser
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.server.access.middleware import BODY_WITH_TOKEN
from openrouter_toolkit.store import Status, Store
from openrouter_toolkit.store.tokens import new_text

from ..timing import wait_until
from .pages.person import Page
from .proxy import DOCS, PROXIES, URL, Proxy, proxying
from .served import CHAT, KEY, PATIENCE, QUESTION, Served, client, serving
from .test_fair_share import SILENT
from .test_mcp import ACCEPT, LIST

MOST = 4


@pytest.fixture
def served(store: Store) -> Iterator[Served]:
    """A server that is started as the documentation says, but for its port and a limit."""
    (line,) = re.findall(r"^    openrouter-toolkit (serve .*--url.*)$", DOCS, re.MULTILINE)
    options = parser().parse_args(shlex.split(line))
    trusted = tuple(options.trusted_proxy)
    with serving(
        store, url=options.url, trusted_proxies=trusted, connections_per_address=MOST, guesses_wait=True
    ) as served:
        yield served


@pytest.fixture(params=PROXIES)
def proxy(request: pytest.FixtureRequest, served: Served, tmp_path: Path) -> Iterator[Proxy]:
    """A proxy before it."""
    (tmp_path / "proxy").mkdir()
    host, port = served.server._listening.getsockname()
    with proxying(request.param, f"{host}:{port}", tmp_path / "proxy") as proxy:
        yield proxy


class Browser:
    """Somebody's browser, which follows redirects within the server and notes all that it was told."""

    def __init__(self, proxy: Proxy, **headers: str) -> None:
        self.client = proxy.client(**headers)
        self.told: list[str] = []
        self.cookies: list[str] = []

    def open(self, address: str, form: dict[str, str] | None = None) -> Page:
        """Open a page, or send a form to it."""
        answer = self.client.get(address) if form is None else self.client.post(address, data=form)
        self._note(answer)
        while answer.is_redirect and urlsplit(answer.headers["location"]).netloc in ("", urlsplit(URL).netloc):
            answer = self.client.get(answer.url.join(answer.headers["location"]))
            self._note(answer)
        return Page(answer)

    def send(self, page: Page, button: str = "", to: str = "", **changed: str) -> Page:
        """Send a form of a page."""
        form = page.form(button, to)
        return self.open(str(page.answer.url.join(form.action or str(page.answer.url))), {**form.fields, **changed})

    def _note(self, answer: httpx2.Response) -> None:
        self.told.append(f"{answer.headers!r}\n{answer.text}")
        self.cookies += answer.headers.get_list("set-cookie")


@pytest.mark.parametrize("forged", [{}, {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}])
def test_the_login_in_the_browser_leads_back_to_the_public_address(
    proxy: Proxy, served: Served, store: Store, sandbox: Sandbox, forged: dict[str, str]
) -> None:
    browser = Browser(proxy, **forged)
    browser.send(browser.open(served.login_link()), "Log in")
    page = browser.open("/admin/tools/openrouter")
    assert page.status == 200
    page = browser.open("/admin/tools/openrouter/connect")
    wanted = {**page.form("Continue with").fields, "whose": "user", "user_id": "carol"}
    left = browser.open(f"{page.answer.url}/browser", wanted)
    address = left.answer.headers["location"]
    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert query["callback_url"].startswith(f"{URL}/connect/callback/")
    with client(f"http://{urlsplit(address).netloc}") as elsewhere:
        elsewhere.get(address)
        back = elsewhere.post("/auth", data={**query, "decision": "authorize"}).headers["location"]
    assert back.startswith(f"{URL}/connect/callback/")
    assert "is connected" in browser.open(back).text
    assert [one.status for one in store.accounts.list() if one.user_id == "carol"] == [Status.ACTIVE]

    inside = served.server._listening.getsockname()[1]
    for told in browser.told:
        assert f":{inside}" not in told
        assert "evil.example" not in told
    assert len(browser.cookies) >= 3
    for cookie in browser.cookies:
        assert "; Secure" in cookie
        assert cookie.startswith(("__Host-openrouter-toolkit-", "__Secure-openrouter-toolkit-link-443="))
    browser.client.close()


def test_calls_streams_and_mcp_pass(proxy: Proxy, served: Served, sandbox: Sandbox) -> None:
    with proxy.client(served.token("alice")) as host:
        assert host.post(f"/api/actions/{CHAT}", json={"arguments": QUESTION}).json()["successful"]
        listed = host.post("/mcp", json=LIST, headers=ACCEPT)
        assert (listed.status_code, CHAT in listed.text) == (200, True)
        picture = {**QUESTION, "messages": [{"role": "user", "content": "x" * (BODY_WITH_TOKEN - 10_000)}]}
        assert host.post(f"/api/actions/{CHAT}", json={"arguments": picture}).status_code == 200
        silent = {"arguments": {**SILENT["arguments"], "stream": True}}
        sandbox.reset()
        with host.stream("POST", f"/api/actions/{CHAT}", json=silent) as stream:
            for line in stream.iter_lines():
                if line == "event: text":  # it is handed on, though the stream has not ended
                    break
        wait_until(lambda: sandbox.requests[0].closed_by_client)
    with proxy.client() as nobody:
        answer = nobody.get("/.well-known/oauth-protected-resource/mcp")
        assert (answer.status_code, set(answer.json())) == (404, {"error", "error_description"})


def test_a_client_is_limited_by_its_own_address_whatever_it_forges(
    proxy: Proxy, served: Served, sandbox: Sandbox
) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9"}
    with (
        proxy.client(new_text(), **forged) as guesser,
        proxy.client(served.token("alice"), address="127.0.0.3") as other,
        ExitStack() as calls,
    ):
        for _ in range(7):
            guesser.get("/api/tools")
        begun = time.monotonic()
        assert guesser.get("/api/tools").status_code == 401
        assert time.monotonic() - begun > 0.9
        assert set(served.state.throttle._failed_attempts) == {"127.0.0.2"}

        greedy = [calls.enter_context(proxy.client(served.token("alice"), **forged)) for _ in range(MOST)]
        for host in greedy:
            stream = {"arguments": {**SILENT["arguments"], "stream": True}}
            calls.enter_context(host.stream("POST", f"/api/actions/{CHAT}", json=stream, timeout=PATIENCE))
        refused = calls.enter_context(proxy.client(served.token("alice"))).post(f"/api/actions/{KEY}", json={})
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert "this address" in json.loads(refused.text)["error"]["message"]
        assert other.post(f"/api/actions/{KEY}", json={}).json()["successful"]
