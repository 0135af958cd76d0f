"""A read-only action tried in somebody's name: the envelope as it came, and nothing but reading."""

from __future__ import annotations

import json
from html import unescape

import pytest

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import Store

from ..conftest import ALICE, BOB
from .person import Person

ACTIONS = "/admin/tools/openrouter/actions"
MODELS = f"{ACTIONS}/openrouter_list_available_models/try"


def output(html: str) -> str:
    """The data that is shown."""
    return unescape(html.partition('aria-label="data">')[2].partition("</pre>")[0])


def test_the_envelope_is_shown(admin: Person, store: Store, sandbox: Sandbox) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
    page = admin.open(MODELS)
    assert page.form("Run").fields["user_id"] == "alice"
    page = admin.send(page, "Run", **{"argument.limit": "1", "argument.category": '"programming"'})
    assert "successful" in page.text
    assert len(json.loads(output(page.html))["data"]) == 1
    request = sandbox.requests[-1]
    assert (request.key, request.query) == (ALICE, {"limit": "1", "category": "programming"})
    assert page.form("Run").fields["argument.limit"] == "1", "what was filled in is still there"


def test_it_is_called_in_the_name_that_was_given(admin: Person, store: Store, sandbox: Sandbox) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
    store.accounts.connect("OPENROUTER", "bob", {"api_key": BOB})
    page = admin.send(admin.open(f"{ACTIONS}/openrouter_get_current_key/try"), "Run", user_id="alice")
    assert sandbox.requests[-1].key == ALICE
    page = admin.send(page, "Run", user_id="nobody")
    assert "failed" in page.text
    assert "not_connected" in output(page.html)
    assert "/admin/tools" in page.text, "and where to connect"


def test_arguments_that_are_wrong_are_explained_by_the_envelope(admin: Person, store: Store, sandbox: Sandbox) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
    page = admin.send(admin.open(MODELS), "Run", **{"argument.limit": "five"})
    assert "limit" in page.text
    assert "invalid_arguments" in output(page.html)
    assert sandbox.requests == []


def test_a_text_or_an_array(admin: Person, store: Store, sandbox: Sandbox) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
    page = admin.open(f"{ACTIONS}/openrouter_get_models_count/try")
    page = admin.send(page, "Run", **{"argument.output_modalities": '["text", "image"]'})
    assert sandbox.requests[-1].query == {"output_modalities": "text,image"}
    assert "<details open>" in page.html, "what was filled in can be seen"
    admin.send(page, "Run", **{"argument.output_modalities": "text"})
    assert sandbox.requests[-1].query == {"output_modalities": "text"}


def test_actions_that_do_more_than_read_are_not_to_be_tried(admin: Person, sandbox: Sandbox) -> None:
    token = admin.open(MODELS).form("Run").fields["csrf"]
    for slug in ("openrouter_create_chat_completion", "openrouter_create_coinbase_charge", "nonsense", "echo_say"):
        assert admin.open(f"{ACTIONS}/{slug}/try").status == 404
        assert admin.post(f"{ACTIONS}/{slug}/try", csrf=token, user_id="alice").status == 404
    assert sandbox.requests == []


def test_one_that_is_switched_off_is_not_executed_here_either(admin: Person, store: Store, sandbox: Sandbox) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
    store.switches.turn_off("OPENROUTER", "OPENROUTER_LIST_AVAILABLE_MODELS")
    page = admin.send(admin.open(MODELS), "Run")
    assert "switched it off" in page.text
    assert sandbox.requests == []


def test_a_toolkit_without_login(admin: Person, store: Store) -> None:
    store.switches.activate("ECHO")
    page = admin.open("/admin/tools/echo/actions/echo_list_topics/try")
    assert "user_id" not in page.form("Run").fields
    page = admin.send(page, "Run")
    assert json.loads(output(page.html))["topics"] == ["weather", "tests"]


def test_a_very_long_answer_is_cut_and_says_so(admin: Person, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
    page = admin.send(admin.open(MODELS), "Run")
    whole = output(page.html)
    assert json.loads(whole)
    monkeypatch.setattr("openrouter_toolkit.server.pages.try_it._MAX_SHOWN", 100)
    page = admin.send(page, "Run")
    assert output(page.html) == whole[:100]
    assert f"Not shown here: {len(whole) - 100:,} more characters." in page.text


@pytest.mark.parametrize(
    ("action", "name", "value"),
    [
        ("openrouter_list_available_models", "argument.supported_parameters", "[tools"),
        ("openrouter_get_models_count", "argument.output_modalities", '["text", '),
    ],
)
def test_broken_json_is_marked_at_its_field_and_nothing_is_sent(
    admin: Person, store: Store, sandbox: Sandbox, action: str, name: str, value: str
) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
    page = admin.send(admin.open(f"{ACTIONS}/{action}/try"), "Run", **{name: value})
    assert page.status == 422
    assert "This is not valid JSON" in page.text
    assert "Fix it and run again." in page.text
    field = name.replace(".", "-")
    assert page.links[name.partition(".")[2]] == f"#{field}"
    (marked,) = [given for tag, given in page.elements if given.get("aria-invalid") == "true"]
    assert (marked["id"], page.form("Run").fields["user_id"]) == (field, "alice")
    assert sandbox.requests == []
