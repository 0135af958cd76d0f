"""docs/webhooks.md: its command lines are taken, its programs run, and every command of its kind is told."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from openrouter_toolkit.cli import parser
from openrouter_toolkit.store import MasterKey, Store
from openrouter_toolkit.store.event_types import EVENTS

from .command_options import commands, unmentioned_options

TEXT = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
LINES = re.findall(r"^    openrouter-toolkit (.*)$|`openrouter-toolkit (webhooks[^`]*)`", TEXT, re.MULTILINE)
RECEIVING, ADDING = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("line", [one or other for one, other in LINES])
def test_it_is_a_command_line(line: str) -> None:
    assert callable(parser().parse_args(shlex.split(line.partition(" <")[0])).run)


def test_every_command_is_told() -> None:
    actions = next(action for action in commands()["webhooks"]._actions if action.dest == "action").choices
    for name in actions or ():
        assert name == "list" or f"openrouter-toolkit webhooks {name}" in TEXT
    server = (Path(__file__).parents[2] / "docs" / "server.md").read_text(encoding="utf-8")
    assert unmentioned_options("serve", server) == []


def test_a_receiver_takes_what_is_signed_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    place: dict[str, Any] = {}
    exec(RECEIVING, place)
    secret, body, at = "whsec_" + "MfKQ" * 8, '{"type": "account.low", "data": {}}', datetime.now(UTC)
    headers = {"webhook-id": "evt_1", "webhook-timestamp": str(int(at.timestamp()))}
    headers["webhook-signature"] = Webhook(secret).sign("evt_1", at, body)
    assert place["receive"](secret, body.encode(), headers) == "204 No Content"
    assert capsys.readouterr().out == "evt_1 account.low {}\n"
    assert place["receive"](secret, b"{}", headers) == "400 Bad Request"


def test_the_program_adds_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OPENROUTER_TOOLKIT_DATABASE", f"sqlite:///{tmp_path / 'store.db'}")
    key = MasterKey.fresh()
    monkeypatch.setenv("OPENROUTER_TOOLKIT_MASTER_KEY", key.written())
    exec(ADDING, {})
    with Store.open(master_keys=[key]) as store:
        assert [webhook.events for webhook in store.webhooks.list()] == [("account.refused",)]


def test_the_example_is_an_event() -> None:
    example = re.search(r'"type": "(account.low)".*?"data": ({.*?})\n}', TEXT, re.DOTALL)
    assert example is not None
    import json

    assert json.loads(example[2]) == dict(EVENTS[example[1]].example)
