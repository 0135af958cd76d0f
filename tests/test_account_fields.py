"""Accounts of several fields: which is the key, which are secret, and what of them a toolkit's client gets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit import Envelope, MemoryAccounts, ToolRegistry, manifest
from openrouter_toolkit.accounts import EnvironmentAccounts
from openrouter_toolkit.connecting import check
from openrouter_toolkit.manifest import ManifestError

KEY, OTHER = "canary-5f7d2c9a1b3e", "canary-of-another-kind"


class Desk:
    """A client that gets all of an account."""

    def connected(self, credentials: Mapping[str, str], call: Any) -> dict[str, str]:
        """What handlers get."""
        return dict(credentials)

    def close(self) -> None:
        """Nothing is open."""


class Keyed:
    """A client that gets the key."""

    def connected(self, key: str, call: Any) -> dict[str, str]:
        """What handlers get."""
        return {"key": key}

    def close(self) -> None:
        """Nothing is open."""


class Unconnected:
    """No client."""


class Narrow:
    """A client that takes too little."""

    def connected(self, key: str) -> None:
        """Never called."""


class Choosy(Desk):
    def __init__(self, *, region: str) -> None:
        self.region = region


def made() -> Desk:
    """A factory that says what it makes."""
    return Desk()


def made_without_a_word():  # type: ignore[no-untyped-def]
    """A factory that does not."""
    return Keyed()


def show(arguments: dict[str, Any], held: dict[str, str]) -> str:
    """What the client gave, and the arguments; a wrong password is refused."""
    from openrouter_toolkit import ActionError

    if "wrong" in held.values():
        raise ActionError("authentication", "Wrong password", status=401)
    return json.dumps({"held": {name: f"<{value[:-1]}>{value[-1:]}" for name, value in held.items()}, **arguments})


def repeat(arguments: dict[str, Any], held: dict[str, str]) -> str:
    """All values, as a careless upstream may repeat them."""
    return json.dumps(held)


FIELDS = {
    "subdomain": "{name: subdomain, title: Subdomain, required: true, secret: false, description: A., "
    "environment: DESK_SUBDOMAIN}",
    "user": "{name: user, title: User, required: true, secret: false, description: A.}",
    "password": "{name: password, title: Password, required: true, secret: true, description: A.}",
    "api_key": "{name: api_key, title: Key, required: true, secret: true, description: A., environment: DESK_API_KEY, "
    "link: 'https://desk.example/keys'}",
    "admin_key": "{name: admin_key, title: Admin key, required: false, secret: true, description: A.}",
    "region": "{name: region, title: Region, required: false, secret: false, description: A.}",
    "token": "{name: token, title: Token, required: false, secret: true, description: A.}",
}
SCHEMA = {
    "description": "Shows.",
    "tags": ["desk"],
    "annotations": {
        "title": "Show",
        **dict.fromkeys(("readOnlyHint", "idempotentHint", "destructiveHint", "openWorldHint", "costsMoney"), False),
    },
    "output_parameters": {"type": "object"},
}


@pytest.fixture
def written(tmp_path: Path) -> Any:
    """Writes a toolkit of these fields; the path of its manifest."""

    def write(*fields: str, client: str = "Desk", auth: str = "", required: bool = False) -> Path:
        parameters = {"type": "object", "properties": {"text": {"type": "string"}}, "additionalProperties": False}
        for name, more in (("show", {"required": ["text"]} if required else {}), ("repeat", {}), ("admin", {})):
            schema = {
                **SCHEMA,
                "slug": f"DESK_{name.upper()}",
                "name": name,
                "input_parameters": {**parameters, **more},
            }
            (tmp_path / f"{name}.json").write_text(json.dumps(schema), encoding="utf-8")
        listed = "".join(f"    - {FIELDS[field]}\n" for field in fields)
        module = __name__
        admin = ", credential: admin_key" if "admin_key" in fields else ""
        (tmp_path / "manifest.yaml").write_text(
            "toolkit: {slug: DESK, name: Desk, version: '20261124_00', description: A., categories: [a], links: {}, "
            f"client: '{module}:{client}'}}\n"
            f"auth:\n  scheme: API_KEY\n{auth}  fields:\n{listed}"
            f"actions:\n  - {{schema: show.json, handler: '{module}:show'}}\n"
            f"  - {{schema: repeat.json, handler: '{module}:repeat'}}\n"
            f"  - {{schema: admin.json, handler: '{module}:show'{admin}}}\n",
            encoding="utf-8",
        )
        return tmp_path / "manifest.yaml"

    return write


def call(path: Path, held: dict[str, str], slug: str = "DESK_SHOW") -> Envelope:
    return ToolRegistry.from_manifest(path, accounts=MemoryAccounts({"default": held})).execute(slug)


def given(envelope: Envelope) -> dict[str, str]:
    """What the client got: values come in two pieces, so that nothing redacts them."""
    assert envelope.successful, envelope.error
    held: dict[str, str] = json.loads(envelope.data)["held"]
    return {name: value.replace("<", "").replace(">", "") for name, value in held.items()}


@pytest.mark.parametrize(
    ("fields", "held"),
    [
        (["subdomain", "api_key"], {"subdomain": "acme", "api_key": KEY}),
        (["api_key", "subdomain"], {"subdomain": "acme", "api_key": KEY}),
        (["user", "password"], {"user": "alice", "password": "correct horse, battery"}),
        (["user", "password"], {"user": "token", "password": "secret"}),
        (["api_key", "admin_key", "region"], {"api_key": KEY, "admin_key": OTHER, "region": "eu"}),
    ],
)
@pytest.mark.parametrize("client", ["Desk", "made"])
def test_a_client_gets_all_of_the_account(written: Any, fields: list[str], held: dict[str, str], client: str) -> None:
    assert given(call(written(*fields, client=client), held)) == held


@pytest.mark.parametrize("fields", [["subdomain", "api_key"], ["api_key", "subdomain"], ["admin_key", "api_key"]])
@pytest.mark.parametrize("client", ["Keyed", "made_without_a_word"])
def test_or_the_key_wherever_its_field_is(written: Any, fields: list[str], client: str) -> None:
    held = {"subdomain": "acme", "api_key": KEY, "admin_key": OTHER}
    path = written(*fields, client=client)
    assert given(call(path, {name: held[name] for name in fields})) == {"key": KEY}
    assert given(call(path, held, "DESK_ADMIN")) == {"key": OTHER if "admin_key" in fields else KEY}


def test_an_option_that_a_client_requires_is_missed_at_once(written: Any) -> None:
    path = written("subdomain", client="Choosy")
    with pytest.raises(TypeError, match=r"client_options: missing a required .*argument: 'region'"):
        ToolRegistry.from_manifest(path)
    ToolRegistry.from_manifest(path, client_options={"region": "north"}).close()


def test_only_secrets_are_kept_out_of_answers(written: Any) -> None:
    held = {"subdomain": "acme-industries", "user": "alice.liddell", "password": KEY, "region": "europe-west"}
    path = written("subdomain", "user", "region", "password")
    answer = json.loads(call(path, held, "DESK_REPEAT").data)
    assert answer == {**held, "password": "[redacted]"}


def test_what_no_field_says_is_taken_for_a_secret(written: Any) -> None:
    envelope = call(written("api_key"), {"api_key": KEY, "other": OTHER}, "DESK_REPEAT")
    assert OTHER not in envelope.data


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({"api_key": KEY}, "No Desk account with subdomain is connected"),
        ({"subdomain": "acme"}, "No Desk account with api_key is connected"),
        ({"subdomain": ""}, "No Desk account with api_key and subdomain is connected"),
    ],
)
def test_what_is_missing_of_an_account_is_named(written: Any, held: dict[str, str], said: str) -> None:
    error = call(written("subdomain", "api_key"), held).error
    assert said in str(error)
    assert ("A key is made at https://desk.example/keys" in str(error)) is ("api_key" not in held)


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        (["subdomain", "api_key"], "api_key"),
        (["token", "subdomain"], "token"),
        (["admin_key", "api_key"], "api_key"),
        (["region"], "region"),
    ],
)
def test_one_field_can_be_the_key_or_the_manifest_says_which(written: Any, fields: list[str], key: str) -> None:
    for order in (fields, fields[::-1]):
        assert manifest.load(written(*order)).auth.key.name == key


@pytest.mark.parametrize("fields", [["api_key", "password"], ["password", "api_key"], ["token", "admin_key"]])
def test_where_several_can_be_it_has_to_be_said(written: Any, fields: list[str]) -> None:
    with pytest.raises(ManifestError, match=r":2: auth.credential: missing; say which field is the key: \w+, \w+$"):
        manifest.load(written(*fields))
    for key in fields:
        assert manifest.load(written(*fields, auth=f"  credential: {key}\n")).auth.key.name == key
    with pytest.raises(ManifestError, match=r"auth\.credential: there is no field colour"):
        manifest.load(written(*fields, auth="  credential: colour\n"))


@pytest.mark.parametrize(
    ("client", "problem"),
    [
        ("Unconnected", "Unconnected has no method connected(key, call) or connected(credentials, call)"),
        ("Narrow", "Narrow.connected must take (key, call) or (credentials, call)"),
    ],
)
def test_a_client_that_can_not_be_connected_is_a_mistake_of_the_manifest(
    written: Any, client: str, problem: str
) -> None:
    with pytest.raises(ManifestError) as caught:
        manifest.load(written("api_key", client=client))
    assert caught.value.problems[0].endswith(f":1: toolkit.client: {problem}")


def test_the_environment_names_the_keys_variable_first(written: Any) -> None:
    accounts = EnvironmentAccounts(manifest.load(written("subdomain", "api_key")).auth.environment, {})
    assert accounts.how_to_connect("default", "DESK") == "Set the environment variable DESK_API_KEY."


@pytest.mark.parametrize("order", [["subdomain", "api_key", "admin_key"], ["api_key", "admin_key", "subdomain"]])
@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "Set the environment variables DESK_API_KEY and DESK_SUBDOMAIN."),
        ({"DESK_API_KEY": KEY}, "Set the environment variable DESK_SUBDOMAIN."),
        ({"DESK_SUBDOMAIN": "acme"}, "Set the environment variable DESK_API_KEY."),
    ],
)
def test_the_variables_that_are_missing_are_named(
    written: Any, order: list[str], variables: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DESK_API_KEY", "DESK_SUBDOMAIN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    registry = ToolRegistry.from_manifest(written(*order, client="Keyed"))
    assert said in str(registry.execute("DESK_SHOW").error)
    over_mcp = registry.accounts.how_to_connect_over_mcp("default")  # type: ignore[attr-defined]
    assert [name in over_mcp for name in ("DESK_API_KEY", "DESK_SUBDOMAIN")] == [
        "DESK_API_KEY" in said,
        "DESK_SUBDOMAIN" in said,
    ]


# Checking.

VERIFY = "  verify: {action: DESK_SHOW, arguments: {text: hello}}\n"


def test_a_key_is_checked_together_with_the_rest_and_with_arguments(written: Any) -> None:
    loaded = manifest.load(written("user", "region", "password", auth=VERIFY, required=True))
    good = {"user": "alice", "password": "correct horse", "region": "eu"}
    checked = check(loaded, good)
    assert (dict(checked.values), checked.refusals, list(checked.facts)) == (good, {}, ["password"])
    assert checked.facts["password"]["text"] == "hello"
    assert checked.facts["password"]["held"].keys() == good.keys()
    refused = check(loaded, {**good, "password": "wrong"})
    assert list(refused.refusals) == ["password"]
    assert check(loaded, {"password": "correct horse"}).refusals == {"user": "User is needed."}


def test_each_key_that_an_action_prefers_is_tried_on_its_own(written: Any) -> None:
    loaded = manifest.load(written("subdomain", "api_key", "admin_key", client="Desk", auth=VERIFY))
    checked = check(loaded, {"subdomain": "acme", "api_key": KEY, "admin_key": OTHER})
    assert {name: set(facts["held"]) for name, facts in checked.facts.items()} == {
        "api_key": {"subdomain", "api_key"},
        "admin_key": {"subdomain", "api_key"},
    }


@pytest.mark.parametrize(
    ("verify", "problem"),
    [
        ("DESK_SHOW", "DESK_SHOW can't be called without arguments: text: required"),
        ("{action: DESK_SHOW}", "DESK_SHOW can't be called without arguments: text: required"),
        ("{action: DESK_SHOW, arguments: {txt: a}}", "DESK_SHOW can't be called with these arguments: txt: unknown"),
        ("{action: DESK_SHOW, arguments: {text: 5}}", "DESK_SHOW can't be called with these arguments: text: given 5"),
        ("{action: DESK_NOTHING, arguments: {}}", "there is no action DESK_NOTHING"),
        ("{action: DESK_SHOW, arguments: [a]}", "the arguments of verify are an object, such as {name: me}"),
        ("{action: DESK_SHOW, arguments: }", "the arguments of verify are an object, such as {name: me}"),
        ("{arguments: {}}", "verify has an action and, where it needs them, arguments"),
        ("{action: DESK_SHOW, colour: red}", "verify has an action and, where it needs them, arguments"),
    ],
)
def test_a_verify_that_can_not_be_called_is_a_mistake_of_the_manifest(written: Any, verify: str, problem: str) -> None:
    with pytest.raises(ManifestError) as caught:
        manifest.load(written("api_key", auth=f"  verify: {verify}\n", required=True))
    assert problem in caught.value.problems[0]
    assert "manifest.yaml:" in caught.value.problems[0]
