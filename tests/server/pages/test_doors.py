"""Ways in and out: /admin, HEAD, a login that was used or has ended; and how static files come."""

from __future__ import annotations

import pytest

from openrouter_toolkit.store import Store

from ..served import Served
from .person import Person

DETAILS = "/admin/tools/openrouter"


def test_admin_leads_to_the_tools(admin: Person) -> None:
    assert admin.open("/admin").answer.url.path == "/admin/tools"


@pytest.mark.parametrize("path", ["/", "/admin", "/login", "/admin/tools", "/connect/done", "/static/style.css"])
def test_head_answers_as_get_does_without_the_body(admin: Person, path: str) -> None:
    get, head = admin.client.get(path), admin.client.head(path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers.get("content-type") == get.headers.get("content-type")
    assert head.headers["content-security-policy"] == get.headers["content-security-policy"]


def test_head_uses_no_link_up(served: Served, store: Store) -> None:
    link = store.links.to_connect("OPENROUTER", "alice")
    with served.client() as preview:
        assert preview.head(f"/connect/{link.secret}").status_code == 200
        assert preview.head("/api/tools").status_code in (401, 405)
    found = store.links.find(link.secret)
    assert found is not None
    assert (found.state, found.bound) == ("open", False)


def test_static_files_are_compressed(served: Served) -> None:
    with served.client() as browser:
        packed = browser.get("/static/style.css", headers={"Accept-Encoding": "gzip"})
        plain = browser.get("/static/style.css", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text
    assert int(packed.headers["content-length"]) < len(plain.content) / 2


def test_a_used_login_link_leads_on_who_is_logged_in(served: Served, admin: Person) -> None:
    link = served.login_link()
    admin.send(admin.open(link), "Log in")
    assert admin.open(link).answer.url.path == "/admin/tools"
    assert admin.open("/login").answer.url.path == "/admin/tools"


def log_out(admin: Person) -> None:
    page = admin.open("/admin/tools")
    (form,) = [form for form in page.forms if form.action == "/logout"]
    admin.post("/logout", **form.fields)


def test_a_form_after_logging_out_in_another_tab(admin: Person, served: Served, store: Store) -> None:
    seen = admin.open(DETAILS)
    log_out(admin)
    page = admin.send(seen, to="get_credits/switch")
    assert page.answer.url.path == "/login"
    assert "You are logged out" in page.text
    assert "What you sent last was not done." in page.text
    assert "openrouter-toolkit login-link" in page.text
    assert "OPENROUTER_GET_CREDITS" not in store.switches.off("OPENROUTER")
    assert "You are logged out" not in admin.open("/login").text, "it is said once"
    admin.send(admin.open(served.login_link()), "Log in")
    assert admin.open("/admin/tools").status == 200


def test_a_page_after_all_were_logged_out(admin: Person, store: Store) -> None:
    store.sessions.revoke_all()
    page = admin.open(DETAILS)
    assert "You are logged out" in page.text
    assert "was not done" not in page.text


def test_who_was_never_logged_in_is_not_told_so(served: Served) -> None:
    with served.client() as stranger:
        assert "You are logged out" not in stranger.get("/login").text
