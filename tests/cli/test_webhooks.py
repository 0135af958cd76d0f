"""`webhooks`: added with a secret that is printed once, listed without it, tested, switched, sent again, removed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import pytest
from standardwebhooks import Webhook

from openrouter_toolkit.store import Store

from ..webhooks.conftest import Receiver, happen
from .conftest import Command, Run


@pytest.fixture
def command(command_here: Command) -> Command:
    return partial(command_here, "webhooks")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with ExitStack() as stack:
        yield Receiver(stack)


def test_there_is_none(command: Command) -> None:
    assert command() == (0, "", "There is no webhook; openrouter-toolkit webhooks add adds one.\n")
    assert command("list", "--json") == (0, "[]\n", "")
    assert command("deliveries")[1] == ""
    status, _, err = command("test", "wh_nothing")
    assert status == 1
    assert "there is no webhook" in err


def test_one_is_added_and_its_secret_printed_alone_and_once(command: Command, store: Store) -> None:
    status, out, err = command("add", "https://hooks.example.com/a?token=hidden", "--event", "account.refused")
    assert status == 0
    secret = out.strip()
    assert Webhook(secret), "a secret of Standard Webhooks"
    (webhook,) = store.webhooks.list()
    assert webhook.events == ("account.refused",)
    told = f"{webhook.id} to https://hooks.example.com/a?… receives account.refused."
    assert err == f"{told} The secret is shown this one time.\n"
    for words in ((), ("list", "--json")):
        listed = command(*words)[1]
        assert webhook.id in listed
        assert "account.refused" in listed
        assert secret not in listed
        assert "hidden" not in listed


def test_for_programs(command: Command, store: Store) -> None:
    made = json.loads(command("add", "https://hooks.example.com/", "--json")[1])
    assert made["events"] is None
    assert made["kind"] == "http"
    assert store.webhooks.target(made["id"]).secrets == (made["secret"],)
    (listed,) = json.loads(command("--json")[1])
    assert listed == {name: value for name, value in made.items() if name != "secret"}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["http://hooks.example.com/"], "must be https"),
        (["https://10.0.0.1/"], "not on the public internet"),
        (["nonsense"], "give an https URL"),
        (["ops@example.com"], "OPENROUTER_TOOLKIT_SMTP"),
        (["https://hooks.example.com/", "--event", "account.lost"], "choose among the events account.connected"),
    ],
)
def test_what_can_not_be_added(command: Command, store: Store, words: list[str], why: str) -> None:
    status, out, err = command("add", *words)
    assert (status, out) == (2, "")
    assert why in err
    assert store.webhooks.list() == []


def test_a_new_secret_is_printed_alone_and_once(command: Command, store: Store) -> None:
    first = command("add", "https://hooks.example.com/")[1].strip()
    (webhook,) = store.webhooks.list()
    status, out, err = command("replace-secret", webhook.id)
    assert status == 0
    assert store.webhooks.target(webhook.id).secrets == (out.strip(), first)
    assert "For a day" in err
    made = json.loads(command("replace-secret", webhook.id, "--json")[1])
    assert store.webhooks.target(webhook.id).secrets == (made["secret"], out.strip())
    assert store.audit.list(limit=1)[0].actor_kind == "command"
    slack, _ = store.webhooks.add("slack", "https://hooks.slack.com/services/T0", "https://hooks.slack.com/…")
    status, out, err = command("replace-secret", slack.id)
    assert (status, out) == (1, "")
    assert "no secret" in err


def test_slack_is_read_from_standard_input(run: Run, store: Store) -> None:
    added = run("webhooks", "add", "-", stdin=b"https://hooks.slack.com/services/T0/B0/hidden-1234\n")
    assert added.returncode == 0, added.stderr
    (webhook,) = store.webhooks.list()
    assert added.stdout.decode() == f"{webhook.id}\n"
    assert webhook.kind == "slack"
    assert b"hidden" not in added.stdout + added.stderr + run("webhooks").stdout


def test_a_mail_server_that_is_none_is_told(run: Run) -> None:
    added = run("webhooks", "add", "ops@example.com", OPENROUTER_TOOLKIT_SMTP="mail.example.com")
    assert added.returncode == 1
    assert b"give smtp://USER:PASSWORD@HOST:PORT" in added.stderr


def test_it_is_tested_now(command: Command, store: Store, receiver: Receiver) -> None:
    command("add", f"{receiver.address}/hook", "--private-webhooks")
    (webhook,) = store.webhooks.list()
    status, out, err = command("test", webhook.id[:8], "--private-webhooks")
    assert (status, err) == (0, "")
    assert out.startswith(f"{receiver.address}/hook took it in ")
    assert out.endswith("with status 200.\n")
    receiver.status = 500
    status, out, _ = command("test", webhook.id, "--private-webhooks")
    assert status == 1
    assert "did not take it. It answered 500" in out
    status, out, _ = command("test", webhook.id)
    assert status == 1
    assert "not https" in out
    failed, second, first = json.loads(command("deliveries", "--json")[1])
    assert [one["state"] for one in (failed, second, first)] == ["failed", "failed", "delivered"]
    assert first["body"]["type"] == "webhook.test"
    assert (first["status"], first["attempts"], first["next_at"]) == (200, 1, None)
    assert "It answered 500" in command("deliveries", webhook.id)[1]
    assert len(receiver.got) == 2


def test_it_is_switched_off_and_on_and_removed(command: Command, store: Store) -> None:
    command("add", "https://hooks.example.com/")
    (webhook,) = store.webhooks.list()
    happen(store)
    assert command("off", webhook.id)[1] == f"{webhook.id} is switched off.\n"
    assert "off: Somebody switched it off." in command()[1]
    (delivery,) = store.webhooks.deliveries()
    assert delivery.state == "failed"
    status, _, err = command("resend", delivery.id)
    assert status == 1
    assert "Switch it on first" in err
    assert json.loads(command("on", webhook.id, "--json")[1])["off_at"] is None
    assert command("resend", delivery.id[:8])[1] == f"{delivery.id} is sent again, as soon as a server runs.\n"
    assert json.loads(command("resend", delivery.id, "--json")[1])["state"] == "waiting"
    assert command("resend", "dlv_nothing")[0] == 1
    assert command("remove", webhook.id)[1] == f"{webhook.id} to https://hooks.example.com/ is removed.\n"
    assert store.webhooks.list() == []
    assert store.webhooks.deliveries() == []
