"""Ids of somebody else's are answered as ids that nobody has, wherever they are put, and nothing comes of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import ConnectedAccount, Store, UnknownToolkit, names
from openrouter_toolkit.store.tokens import new_text

from ..scale import scaled
from .conftest import ALICE, BOB, ECHO
from .pages.person import Page
from .served import CHAT, KEY, QUESTION, Served, serving
from .test_access import log_in
from .test_login import csrf
from .test_mcp import ACCEPT

NAMES = ("account_id", "connected_account_id", "connectedAccountId", "account", "session", "link", "token", "toolkit")
Ask = Callable[[str], httpx2.Response]
# What each answer has of its own.
_OWN = ("date", "set-cookie", "x-request-id")


class Foreign:
    """What is bob's, and for each something of the same form that is nobody's."""

    def __init__(self, store: Store) -> None:
        (self.account,) = (account for account in store.accounts.list() if account.user_id == "bob")
        link = store.links.to_connect("OPENROUTER", "bob", session="bob's browser")
        token, text = store.tokens.create("bob's", ["bob"])
        self.pairs = [
            (self.account.id, names.new_id("ca")),
            (link.link.account_id or "", names.new_id("ca")),
            (link.link.id, names.new_id("link")),
            (store.links.to_connect("OPENROUTER", "bob").link.id, names.new_id("link")),
            (token.id, names.new_id("tok")),
            (store.sessions.create(), "s" * 43),
            (text, new_text()),
            ("bob", "zoe"),
            ("ECHO", "ECHA"),
            ("ECHO_SAY", "ECHO_SAX"),
        ]


@pytest.fixture
def served(store: Store) -> Iterator[Served]:
    """The web application, which lets a token make many calls."""
    with serving(store, manifests=[ECHO], calls_per_minute=100_000) as served:
        yield served


@pytest.fixture
def foreign(store: Store) -> Foreign:
    """What is bob's."""
    return Foreign(store)


def told(ask: Ask, name: str) -> tuple[int, str, str]:
    """Everything that an answer says, but for the name itself."""
    answer = ask(name)
    headers = {key: value for key, value in answer.headers.items() if key not in _OWN}
    return answer.status_code, answer.text.replace(name, "NAME"), str(headers).replace(name, "NAME")


def same(ask: Ask, foreign: Foreign, share: int | None = None) -> list[tuple[int, str, str]]:
    """The answers for what is bob's, each of which is the one for what is nobody's.

    `share`: in a quick run only every third, beginning with this one.
    """
    found = []
    for theirs, nobodys in (
        foreign.pairs if share is None else foreign.pairs[scaled(share % 3, full=0) :: scaled(3, full=1)]
    ):
        found.append(told(ask, theirs))
        assert found[-1] == told(ask, nobodys), theirs
    return found


def ways_into_the_api(host: httpx2.Client) -> Iterator[Ask]:
    """Each place of a request to the API that a name can be put in, under each key."""
    path = f"/api/actions/{KEY}"
    for key in NAMES:
        yield lambda name, key=key: host.post(path, json={key: name})  # type: ignore[misc]
        yield lambda name, key=key: host.post(path, json={"arguments": {key: name}})  # type: ignore[misc]
        yield lambda name, key=key: host.post(path, json={}, params={key: name})  # type: ignore[misc]
        yield lambda name, key=key: host.get("/api/tools", params={key: name})  # type: ignore[misc]
        yield lambda name, key=key: host.post(path, json={}, headers={f"X-{key.replace('_', '-')}": name})  # type: ignore[misc]


def own_ways_into_the_api(host: httpx2.Client) -> Iterator[Ask]:
    """The places where a name is expected, and addresses."""
    yield lambda name: host.post(f"/api/actions/{KEY}", json={"user_id": name})
    yield lambda name: host.get("/api/tools", params={"format": name})
    for address in ("/api/accounts/{}", "/api/tools/{}", "/api/connected_accounts/{}/credentials", "/mcp/{}"):
        yield lambda name, address=address: host.get(address.format(name))  # type: ignore[misc]
        yield lambda name, address=address: host.delete(address.format(name))  # type: ignore[misc]


@pytest.mark.load
def test_in_the_api(served: Served, foreign: Foreign, sandbox: Sandbox) -> None:
    with served.client(served.token("alice")) as host:
        answers = [same(ask, foreign, share) for share, ask in enumerate(ways_into_the_api(host))]
        answers += [same(ask, foreign) for ask in own_ways_into_the_api(host)]
    statuses = {status for found in answers for status, *_ in found}
    assert statuses == {200, 403, 404, 422}
    assert {request.key for request in sandbox.requests} == {ALICE}, "where it was left unread"


def test_as_the_name_of_an_action(served: Served, foreign: Foreign, sandbox: Sandbox) -> None:
    with served.client(served.token("alice")) as host:
        for theirs, _ in foreign.pairs:
            answer = host.post(f"/api/actions/{theirs}", json={}).json()
            assert json.loads(answer["data"])["error"]["type"] in ("unknown_action", "refused_by_policy")
    assert sandbox.requests == []


def call_tool(host: httpx2.Client, params: dict[str, Any], **headers: str) -> httpx2.Response:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": KEY, "arguments": {}, **params}}
    return host.post("/mcp", json=body, headers=headers)


def ways_into_mcp(host: httpx2.Client) -> Iterator[Ask]:
    """Each place of a call of a tool that a name can be put in, under each key."""
    for key in NAMES:
        yield lambda name, key=key: call_tool(host, {"arguments": {key: name}})  # type: ignore[misc]
        yield lambda name, key=key: call_tool(host, {key: name})  # type: ignore[misc]
        yield lambda name, key=key: call_tool(host, {"_meta": {key: name}})  # type: ignore[misc]


@pytest.mark.load
def test_in_mcp(served: Served, foreign: Foreign, sandbox: Sandbox) -> None:
    with served.client(served.token("alice"), **ACCEPT) as host:
        answers = [same(ask, foreign, share) for share, ask in enumerate(ways_into_mcp(host))]
        headers = ("X-User-Id", "Mcp-Session-Id", "Last-Event-Id")
        answers += [same(lambda name, in_=in_: call_tool(host, {}, **{in_: name}), foreign) for in_ in headers]  # type: ignore[misc]
    statuses = {status for found in answers for status, *_ in found}
    assert statuses == {200, 403}
    assert {request.key for request in sandbox.requests} == {ALICE}, "where it was left unread"


def without_csrf(ask: Ask) -> Ask:
    """The same, without what each page has for its browser alone."""

    def asked(name: str) -> httpx2.Response:
        answer = ask(name)
        content = re.sub(r'name="csrf" value="\w+"', "", answer.text).encode()
        headers = [(key, value) for key, value in answer.headers.items() if key not in ("content-length", *_OWN)]
        return httpx2.Response(answer.status_code, content=content, headers=headers)

    return asked


def test_on_pages_that_anybody_may_look_at(served: Served, foreign: Foreign) -> None:
    with served.client() as alice:
        form = {"csrf": csrf(alice.get(served.login_link()))}

        def post(address: str) -> httpx2.Response:
            return alice.post(address, data=form)

        forms: list[Ask] = [
            lambda name: post(f"/connect/{name}"),
            lambda name: post(f"/connect/{name}/browser"),
            lambda name: post(f"/login/{name}"),
            lambda name: post(f"/admin/tools/{name}/activate"),
            *(
                lambda name, what=what: post(f"/admin/tools/openrouter/accounts/{name}/{what}")
                for what in ("disconnect", "reconnect", "default", "disable", "enable")
            ),
        ]
        pages: list[Ask] = [
            *(
                lambda name, page=page: alice.get(page.format(name))
                for page in (
                    "/connect/{}",
                    "/connect/callback/{}?code=x",
                    "/login/{}",
                    "/admin/tools/openrouter/accounts/{}/disconnect",
                )
            ),
            *(
                lambda name, page=page: alice.get(page, params={"status": "success", "connected_account_id": name})
                for page in ("/login", "/connect/done", "/connect/x", "/nothing")
            ),
        ]
        statuses = {status for way in forms for status, *_ in same(without_csrf(way), foreign)}
        assert "What you sent last was not done." in Page(alice.get("/login")).text, "it is told once"
        statuses |= {status for way in pages for status, *_ in same(without_csrf(way), foreign)}
    assert statuses == {200, 303, 404}
    assert served.store.accounts.get(foreign.account.id) == foreign.account


def test_a_link_fills_its_own_account_whatever_the_form_says(served: Served, foreign: Foreign) -> None:
    def account(user: str) -> list[ConnectedAccount]:
        return [account for account in served.store.accounts.list() if account.user_id == user]

    bobs = account("bob")
    link = served.store.links.to_connect("OPENROUTER", "alice")
    named = dict.fromkeys(NAMES, foreign.account.id)
    more = {**named, **{f"field.{name}": foreign.account.id for name in NAMES}, "user_id": "bob", "owner": "bob"}
    with served.client() as alice:
        address = f"/connect/{link.secret}"
        form = {**more, "csrf": csrf(alice.get(address)), "field.api_key": ALICE}
        assert (
            alice.post(f"{address}?connected_account_id={foreign.account.id}&user_id=bob", data=form).status_code == 303
        )
    assert account("bob") == bobs
    filled = served.store.accounts.get(link.link.account_id or "")
    assert (filled.user_id, filled.connected_at is not None) == ("alice", True)
    assert dict(served.store.accounts.credentials(filled.id) or {}) == {"api_key": ALICE}
    assert dict(served.store.accounts.credentials(foreign.account.id) or {}) == {"api_key": BOB}


def test_an_administrators_address_names_an_account_of_its_toolkit(served: Served) -> None:
    """Where one toolkit's page is asked for another's account or action, there is none."""
    other = served.store.accounts.connect("ECHO", "bob", {"api_key": "a-word-that-is-long"})
    pairs = [(other.id, names.new_id("ca")), (other.id[:-1], names.new_id("ca"))]
    with served.client() as admin:
        log_in(served, admin)
        form = {"csrf": csrf(admin.get("/admin/tools"))}
        tools = "/admin/tools/openrouter"
        for theirs, nobodys in pairs:
            for method, what, status in (
                ("GET", "disconnect", 404),
                ("POST", "disconnect", 303),  # and says that it is not connected any more
                *(("POST", what, 404) for what in ("reconnect", "link", "default", "disable", "enable")),
            ):
                sent = {"data": form} if method == "POST" else {}
                ask = without_csrf(
                    lambda name, method=method, what=what, sent=sent: admin.request(  # type: ignore[misc]
                        method, f"{tools}/accounts/{name}/{what}", **sent
                    )
                )
                found = told(ask, theirs)
                assert found == told(ask, nobodys)
                assert found[0] == status
        for method, what in (("GET", "try"), ("POST", "try"), ("POST", "switch")):
            for action in ("echo_list_topics", "echo_nothing"):
                body = {"data": {**form, "to": "off"}} if method == "POST" else {}
                answer = admin.request(method, f"{tools}/actions/{action}/{what}", **body)  # type: ignore[arg-type]
                assert answer.status_code == 404
                assert "There is no such page." in Page(answer).text
    assert served.store.accounts.get(other.id) == other
    assert served.store.switches.off("ECHO") == {}


def test_a_link_whose_toolkit_is_not_offered_here_leads_nowhere(served: Served) -> None:
    with pytest.raises(UnknownToolkit, match='There is no toolkit "OTHER" here; there are OPENROUTER'):
        served.store.links.to_connect("OTHER", "alice")
    account = served.store.accounts.initiate("OTHER", "alice")
    link = served.store.links.to_reconnect(account.id)
    with served.client() as alice:
        for secret in (link.secret, "n" * 43):
            answer = alice.get(f"/connect/{secret}")
            assert answer.status_code == 404
            assert "This link isn't valid" in Page(answer).text
        form = {"csrf": csrf(alice.get(served.login_link())), "field.api_key": ALICE}
        answer = alice.post(f"/connect/{link.secret}", data=form)
    assert (answer.status_code, "This link isn't valid" in Page(answer).text) == (404, True)


def test_a_stream_in_anothers_name_is_refused(served: Served, sandbox: Sandbox) -> None:
    call = {"arguments": {**QUESTION, "stream": True}}
    with served.client(served.token("alice")) as host:
        answers = [host.post(f"/api/actions/{CHAT}", json={**call, "user_id": user}) for user in ("bob", "nobody")]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert answers[0].text == answers[1].text
    assert sandbox.requests == []
