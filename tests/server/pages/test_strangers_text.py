"""What others wrote into a manifest, a name or an answer is text on every page, whatever it looks like."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from openrouter_toolkit.store import Store

from ..conftest import ALICE
from ..served import Served, serving
from .person import Page, Person

HOSTILE = "</title></textarea><script>alert(1)</script><img src=x onerror=alert(1)>\"' onload='alert() {{ 7*7 }}"
ECHO = Path(__file__).parents[2] / "echo_toolkit"
KEY = "a-word-that-is-long-enough"
_OWN_ADDRESSES = re.compile(r"/[a-z]|#|https://echo\.example/|https://openrouter\.ai/|https://docs\.composio\.dev/|$")


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """The tests' toolkit with a login, whose every text is hostile."""
    shutil.copytree(ECHO / "schemas", tmp_path / "schemas")
    raw: dict[str, Any] = yaml.safe_load((ECHO / "with_key.yaml").read_text())
    raw["toolkit"] |= {"name": HOSTILE, "description": HOSTILE, "categories": [HOSTILE]}
    raw["auth"]["fields"][0] |= {"title": HOSTILE, "description": HOSTILE, "steps": [HOSTILE]}
    (tmp_path / "manifest.yaml").write_text(yaml.safe_dump(raw))
    for path in (tmp_path / "schemas").glob("*.json"):
        schema = json.loads(path.read_text())
        schema |= {"name": HOSTILE, "description": HOSTILE}
        schema["annotations"]["readOnlyHint"] = True
        schema["input_parameters"]["properties"] |= {
            HOSTILE: {"type": "string", "enum": [HOSTILE], "description": HOSTILE},
            f"{HOSTILE} {HOSTILE}": {"type": "array", "description": HOSTILE},
        }
        path.write_text(json.dumps(schema))
    return tmp_path / "manifest.yaml"


@pytest.fixture
def served(store: Store, manifest: Path) -> Iterator[Served]:
    with serving(store, manifests=[manifest], host_name=HOSTILE) as served:
        yield served


def harmless(page: Page) -> Page:
    """The page, if it shows the text as a text, and has no element and no attribute but ours."""
    assert HOSTILE in " ".join(page.text.split())
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)
        for name in ("src", "href", "action"):
            assert _OWN_ADDRESSES.match(attributes.get(name, "")), (tag, attributes)
        assert tag != "script" or attributes["src"].startswith("/static/")
        assert tag != "img" or attributes["src"].startswith("/static/")
    return page


def test_every_page_shows_it_as_text(admin: Person, store: Store) -> None:
    account = store.accounts.connect("ECHO", "alice", {"api_key": KEY}, alias=HOSTILE[:100])
    store.accounts.disable(account.id, HOSTILE)
    harmless(admin.open("/admin/tools"))
    harmless(admin.open("/admin/tools?tab=available"))
    details = admin.open("/admin/tools/echo")
    harmless(details)
    harmless(admin.open("/admin/tools/echo/actions/echo_leak/try"))
    harmless(admin.open(f"/admin/tools/echo/accounts/{account.id}/disconnect"))
    harmless(admin.open("/admin/tools/nonsense"))
    harmless(admin.open("/connect/nonsense"))
    harmless(admin.open("/login"))
    secure = admin.send(details, to="/reconnect")
    harmless(secure)
    assert f"{HOSTILE} wants to connect to your {HOSTILE}" in " ".join(secure.text.split())


def test_a_users_name_is_text(admin: Person, store: Store) -> None:
    link = store.links.to_connect("OPENROUTER", HOSTILE)
    page = harmless(admin.open(f"/connect/{link.secret}"))
    assert f"User {HOSTILE}" in " ".join(page.text.split())
    page = admin.open("/admin/tools/openrouter/connect")
    page = harmless(admin.send(page, "Connect", whose="users", users=HOSTILE, alias=HOSTILE[:100]))
    page = admin.send(page, "Connect", **{"field.api_key": ALICE})
    harmless(page)
    harmless(admin.open("/admin/tools/openrouter"))
    harmless(admin.open("/admin/tools/openrouter/actions/openrouter_get_current_key/try"))


def test_what_a_provider_answers_is_text(admin: Person, served: Served, store: Store) -> None:
    store.accounts.connect("ECHO", "alice", {"api_key": KEY})
    (leak,) = [action for action in served.state.toolkits["ECHO"].loaded.actions if action.slug == "ECHO_LEAK"]
    leak.handler = lambda arguments, echo: HOSTILE
    page = harmless(admin.send(admin.open("/admin/tools/echo/actions/echo_leak/try"), "Run"))
    shown = page.html.partition('aria-label="data">')[2].partition("</pre>")[0]
    assert unescape(shown) == HOSTILE


def test_what_is_typed_is_text(admin: Person, store: Store) -> None:
    page = admin.open("/admin/tools/echo/actions/echo_leak/try")
    page = harmless(admin.send(page, "Run", user_id=HOSTILE, **{f"argument.{HOSTILE} {HOSTILE}": HOSTILE}))
    assert page.status == 422
    assert "This is not valid JSON" in page.text


def test_the_address_is_text(admin: Person, store: Store) -> None:
    account = store.accounts.connect("ECHO", "alice", {"api_key": KEY})
    for address in (
        "/admin/tools?tab=",
        "/admin/tools?q=",
        "/admin/tools?sort=",
        "/admin/tools?done=",
        "/admin/tools?status=success&connected_account_id=",
        "/admin/tools/echo?after=",
        "/admin/tools/openrouter/connect?return_address=",
        "/connect/",
        "/connect/callback/x?error=",
        "/connect/callback/",
        "/login/",
        f"/admin/tools/echo/accounts/{account.id}/disconnect?x=",
    ):
        harmless(admin.open(f"{address}{quote(HOSTILE, safe='')}"))
