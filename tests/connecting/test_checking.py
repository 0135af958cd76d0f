"""A key is tried before it is stored, and what is wrong with it is said so that a person can mend it."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from openrouter_toolkit import manifest
from openrouter_toolkit.connecting import browser_login, check, check_for, new_verifier
from openrouter_toolkit.manifest import LoadedToolkit
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import ConnectedAccount, MasterKey, Store

from ..small_server import Handler, running

ECHO = Path(__file__).parents[1] / "echo_toolkit"
ORDINARY = "sk-or-v1-sandbox-1234567890abcdef"
MANAGEMENT = "sk-or-v1-sandbox-management-1234567890abcdef"
EXPIRED = "sk-or-v1-sandbox-expired-1234567890abcdef"
FOREIGN = "sk-or-v1-0123456789abcdef0123456789abcdef"


def asked(sandbox: Sandbox) -> list[tuple[str, str | None]]:
    return [(request.path, request.key) for request in sandbox.requests]


def test_a_good_key_passes_with_what_is_known_about_it(sandbox: Sandbox, loaded: LoadedToolkit) -> None:
    checked = check(loaded, {"api_key": ORDINARY})
    assert checked.passed
    assert dict(checked.values) == {"api_key": ORDINARY}
    assert checked.refusals == {}
    facts = checked.facts["api_key"]
    assert (facts["limit"], facts["limit_remaining"], facts["usage"], facts["expires_at"]) == (100.0, 100.0, 0, None)
    assert facts["label"].startswith("sk-or-v1-...")
    assert asked(sandbox) == [("/key", ORDINARY)]


def test_both_keys_are_tried_each_on_its_own(sandbox: Sandbox, loaded: LoadedToolkit) -> None:
    checked = check(loaded, {"api_key": ORDINARY, "management_api_key": MANAGEMENT})
    assert checked.passed
    assert sorted(checked.facts) == ["api_key", "management_api_key"]
    assert checked.facts["management_api_key"]["is_management_key"] is True
    assert asked(sandbox) == [("/key", ORDINARY), ("/key", MANAGEMENT)]


def test_pasted_white_space_is_no_mistake(sandbox: Sandbox, loaded: LoadedToolkit) -> None:
    checked = check(loaded, {"api_key": f" \t{ORDINARY}\r\n", "management_api_key": "  "})
    assert dict(checked.values) == {"api_key": ORDINARY}
    assert checked.passed


def test_a_management_key_in_place_of_the_ordinary_one(sandbox: Sandbox, loaded: LoadedToolkit) -> None:
    checked = check(loaded, {"api_key": MANAGEMENT})
    assert not checked.passed
    assert not checked.unsure
    assert "completions would all fail" in checked.refusals["api_key"]
    assert checked.facts == {}


def test_an_ordinary_key_in_place_of_the_management_key(sandbox: Sandbox, loaded: LoadedToolkit) -> None:
    checked = check(loaded, {"api_key": ORDINARY, "management_api_key": ORDINARY})
    assert list(checked.refusals) == ["management_api_key"]
    assert list(checked.facts) == ["api_key"]
    assert not checked.passed


def test_exchanged_keys_are_both_refused(sandbox: Sandbox, loaded: LoadedToolkit) -> None:
    checked = check(loaded, {"api_key": MANAGEMENT, "management_api_key": ORDINARY})
    assert sorted(checked.refusals) == ["api_key", "management_api_key"]


@pytest.mark.parametrize(("key", "said"), [(FOREIGN, "No account goes with"), (EXPIRED, "has expired")])
def test_a_wrong_key_is_refused_with_openrouters_word(
    sandbox: Sandbox, loaded: LoadedToolkit, key: str, said: str
) -> None:
    checked = check(loaded, {"api_key": key})
    told = checked.refusals["api_key"]
    assert "wrong, revoked or expired" in told
    assert said in told
    assert "https://openrouter.ai/keys" in told
    assert not checked.unsure
    assert len(sandbox.requests) == 1


def test_each_field_names_its_own_page(sandbox: Sandbox, loaded: LoadedToolkit) -> None:
    checked = check(loaded, {"api_key": ORDINARY, "management_api_key": FOREIGN})
    assert "https://openrouter.ai/settings/management-keys" in checked.refusals["management_api_key"]


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("sk-or-v1-abc def", "white space"),
        ("'sk-or-v1-abcdef'", "quotes"),
        ("<key>", "placeholder"),
        ("sk-or-v1-...", "placeholder"),
        ("sk-or-v1-äöü", "characters that no key has"),
        ("sk-or-v1-\x1b[2J", "characters that no key has"),
    ],
)
def test_what_can_be_no_key_is_not_sent(sandbox: Sandbox, loaded: LoadedToolkit, key: str, why: str) -> None:
    checked = check(loaded, {"api_key": key})
    assert why in checked.refusals["api_key"]
    assert key not in checked.refusals["api_key"]
    assert sandbox.requests == []


@pytest.mark.parametrize("values", [{}, {"api_key": ""}, {"api_key": " \n"}, {"management_api_key": MANAGEMENT}])
def test_the_required_key_is_needed(sandbox: Sandbox, loaded: LoadedToolkit, values: dict[str, str]) -> None:
    assert "API key is needed" in check(loaded, values).refusals["api_key"]


def test_a_name_that_is_no_field_is_a_programmers_mistake(loaded: LoadedToolkit) -> None:
    with pytest.raises(ValueError, match="has no field 'apikey'"):
        check(loaded, {"apikey": ORDINARY})


def test_without_a_network_nothing_is_known(loaded: LoadedToolkit) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{taken.getsockname()[1]}/api/v1"
        checked = check(loaded, {"api_key": ORDINARY}, {"base_url": base_url, "max_attempts": 1})
    assert checked.unsure
    assert not checked.passed
    assert "could not be checked" in checked.refusals["api_key"]
    assert "Connection refused" in checked.refusals["api_key"]


def test_the_environments_key_is_not_taken_instead(
    sandbox: Sandbox, loaded: LoadedToolkit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-v1-sandbox-of-the-environment")
    assert not check(loaded, {"api_key": FOREIGN}).passed
    assert asked(sandbox) == [("/key", FOREIGN)]


def test_no_key_is_told_anywhere(sandbox: Sandbox, loaded: LoadedToolkit, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for key in (ORDINARY, MANAGEMENT, FOREIGN, EXPIRED):
            checked = check(loaded, {"api_key": key, "management_api_key": key})
            assert key not in f"{checked!r} {checked.refusals} {checked.facts} {caplog.text}"


# A toolkit that is not OpenRouter's.


@pytest.fixture
def echo() -> LoadedToolkit:
    return manifest.load(ECHO / "with_key.yaml")


def test_another_toolkits_key_is_tried_and_judged_by_its_own(echo: LoadedToolkit) -> None:
    checked = check(echo, {"api_key": "open-sesame"}, {"greeting": "Ahoy"})
    assert checked.facts == {"api_key": {"said": "[redacted]"}}
    assert check(echo, {"api_key": "abc"}).refusals == {"api_key": "This word is too short."}


@pytest.mark.parametrize("key", ["dGVzdGtleQ==", "user=name!", "sk-proj-0123456789abcdef", "hf_word"])
def test_where_the_manifest_names_no_beginning_a_key_may_look_like_anything(echo: LoadedToolkit, key: str) -> None:
    assert check(echo, {"api_key": key}).passed


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("ECHO_API_KEY=open-sesame", "Enter only what stands behind ECHO_API_KEY=."),
        ("Bearer open-sesame", "Enter only what stands behind Bearer."),
        ("ort_0123456789abcdefghijABCD", "This is an API token of this server"),
    ],
)
def test_some_things_are_no_toolkits_key(echo: LoadedToolkit, value: str, why: str) -> None:
    checked = check(echo, {"api_key": value})
    assert why in checked.refusals["api_key"]
    assert "open-sesame" not in checked.refusals["api_key"]


def test_each_login_has_a_verifier_of_its_own() -> None:
    verifiers = {new_verifier() for _ in range(50)}
    assert len(verifiers) == 50
    assert {len(verifier) for verifier in verifiers} <= set(range(43, 129)), "RFC 7636, section 4.1"


def test_another_toolkits_login(echo: LoadedToolkit) -> None:
    login = browser_login(echo, {"greeting": "Ahoy"})
    assert login is not None
    url = login.begin(None, "label", "secret")
    assert url == "https://echo.example/login/label"
    assert login.finish("sesame", "secret") == "Ahoy-secret-sesame"
    assert browser_login(manifest.load(ECHO / "manifest.yaml")) is None


def test_a_toolkit_without_login_has_nothing_to_check() -> None:
    checked = check(manifest.load(ECHO / "manifest.yaml"), {})
    assert checked.passed
    assert dict(checked.values) == {}


# An account gets a new key.

OLD, NEW = "sk-or-v1-0000000000000000000000old", "sk-or-v1-0000000000000000000000new"
KEPT = "sk-or-v1-00000000000000000000management"


class Upstream(Handler):
    """GET /key: every key is good, but for the kept one, which is answered with `status`."""

    status = 200

    def respond(self) -> None:
        kept = self.headers["Authorization"] == f"Bearer {KEPT}"
        status = type(self).status if kept else 200
        error = {"error": {"code": status, "message": "Not now."}}
        body = json.dumps({"data": {"is_management_key": kept}} if status == 200 else error).encode()
        self.answer(body, status)


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Upstream]]:
    with running(ThreadingHTTPServer(("127.0.0.1", 0), Upstream)) as address:
        monkeypatch.setenv("OPENROUTER_BASE_URL", f"{address}/api/v1")
        monkeypatch.setattr(Upstream, "status", 200)
        yield Upstream


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path}/store.db", master_keys=[MasterKey.fresh()]) as store:
        yield store


@pytest.fixture
def account(store: Store) -> ConnectedAccount:
    return store.accounts.connect("OPENROUTER", "alice", {"api_key": OLD, "management_api_key": KEPT})


@pytest.mark.parametrize(
    ("status", "kept", "refused", "left_out"),
    [
        (200, True, [], []),
        (401, False, [], ["management_api_key"]),
        (418, True, ["management_api_key"], []),  # it may work again in a minute, so nothing is stored without it
    ],
    ids=["works", "refused", "unknown"],
)
def test_the_other_key_of_an_account_stays_is_left_out_or_stops_everything(
    upstream: type[Upstream],
    store: Store,
    account: ConnectedAccount,
    loaded: LoadedToolkit,
    status: int,
    kept: bool,
    refused: list[str],
    left_out: list[str],
) -> None:
    upstream.status = status
    checked = check_for(store, loaded, account, {"api_key": NEW})
    assert (checked.passed, checked.unsure) == (not refused, bool(refused))
    assert list(checked.refusals) == refused
    assert list(checked.left_out) == left_out
    assert dict(checked.values) == {**({"management_api_key": KEPT} if kept else {}), "api_key": NEW}
