"""`calls` and `usage`: what commands recorded, listed and summed up, for people and for programs."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from openrouter_toolkit.commands import argument_types
from openrouter_toolkit.ledger import BY
from openrouter_toolkit.store import Store

from .conftest import Command

CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"
KEY = "OPENROUTER_GET_CURRENT_KEY"


@pytest.fixture
def command(command_here: Command, store: Store) -> Command:
    """Commands with a store, which makes them record their calls."""
    return command_here


@pytest.fixture
def recorded(command: Command) -> Command:
    """After a completion, a free call, and a failure of another user."""
    chat = ["model=acme/atlas-small", 'messages=[{"role": "user", "content": "What is 17 * 3?"}]']
    assert command("execute", CHAT, *chat, "--agent", "=writer", "--session-id", "run 1")[0] == 0
    assert command("execute", KEY)[0] == 0
    assert command("execute", KEY, "--user-id", "zoe")[0] == 1
    return command


def test_calls_are_listed_newest_first(recorded: Command) -> None:
    status, out, err = recorded("calls")
    heads, *lines = out.splitlines()
    assert (status, err) == (0, "")
    assert heads.split() == ["id", "at", "user", "action", "model", "result", "cost", "seconds"]
    assert ["zoe" in line for line in lines] == [True, False, False]
    assert "not_connected" in lines[0]
    assert "$0.00000725" in lines[2]


def test_filters_and_pages(recorded: Command) -> None:
    def users(*words: str) -> list[str]:
        return [call["user_id"] for call in json.loads(recorded("calls", "--json", *words)[1])]

    assert users() == ["zoe", "default", "default"]
    assert users("--failed") == users("--error-type", "not_connected") == users("--user-id", "zoe") == ["zoe"]
    assert users("--successful", "--since", "1h") == ["default", "default"]
    assert (
        users("--action", CHAT.lower()) == users("--session-id", "run 1") == users("--agent", "=writer") == ["default"]
    )
    assert len(users("--toolkit", "openrouter")) == 3
    assert users("--toolkit", "weather") == users("--until", "1d") == []
    _, out, err = recorded("calls", "--json", "--limit", "2")
    cursor = json.loads(out)[-1]["id"]
    assert f"--cursor {cursor}" in err
    assert users("--cursor", cursor) == ["default"]
    assert recorded("calls", "--cursor", "2")[0] == 2


def test_one_call_in_detail_says_what_to_do(recorded: Command) -> None:
    failed, _, paid = json.loads(recorded("calls", "--json")[1])
    out = recorded("calls", "show", failed["id"])[1]
    assert "not_connected" in out
    assert "what to do" in out
    out = recorded("calls", "show", paid["id"])[1]
    assert "what to do" not in out
    for fact in ("=writer", "run 1", "Acme AI", "4 in, 5 out", "$0.00000725", paid["generation_id"]):
        assert fact in out
    assert json.loads(recorded("calls", "show", paid["id"], "--json")[1]) == paid
    assert paid["cost"] == "0.00000725"
    status, out, err = recorded("calls", "show", "call_0")
    assert (status, out) == (1, "")
    assert 'there is no call "call_0"' in err


def test_usage(recorded: Command) -> None:
    heads, first, second = recorded("usage")[1].splitlines()
    assert heads.split()[:3] == ["user", "calls", "failures"]
    assert first.split()[:3] == ["default", "2", "0"]
    assert second.split()[:3] == ["zoe", "1", "1"]
    rows = json.loads(recorded("usage", "--by", "user", "action", "--json")[1])
    assert {(row["user"], row["action"], row["cost"]) for row in rows} == {
        ("default", CHAT, "0.00000725"),
        ("default", KEY, None),
        ("zoe", KEY, None),
    }
    table = list(csv.DictReader(recorded("usage", "--by", "agent", "--csv")[1].splitlines()))
    assert [(row["agent"], row["calls"], row["cost"]) for row in table] == [
        ("'=writer", "1", "0.00000725"),
        ("", "2", ""),
    ]


def test_a_bulk_run_is_recorded_for_its_agent(command: Command, tmp_path: Path) -> None:
    lines, output = tmp_path / "questions.jsonl", tmp_path / "answers.jsonl"
    chat = {"model": "acme/atlas-small", "messages": [{"role": "user", "content": "What is 17 * 3?"}]}
    lines.write_text(f"{json.dumps(chat)}\n" * 2, encoding="utf-8")
    notes = ("--agent", "judge", "--session-id", "run 2")
    assert command("bulk", CHAT, str(lines), "--output", str(output), *notes)[0] == 0
    (row,) = json.loads(command("usage", "--by", "agent", "action", "--json")[1])
    assert (row["agent"], row["action"], row["calls"], row["cost"]) == ("judge", CHAT, 2, "0.0000145")
    assert len(json.loads(command("calls", "--session-id", "run 2", "--json")[1])) == 2


def test_nothing_was_recorded(command_here: Command) -> None:
    for words in (["calls"], ["usage"]):
        status, out, err = command_here(*words)
        assert (status, out) == (0, "")
        assert "call" in err
    assert command_here("calls", "--json")[1] == "[]\n"
    assert command_here("calls", "show", "call_0")[0] == 1


@pytest.mark.parametrize("words", [["--since", "yesterday"], ["--limit", "0"], ["--failed", "--successful"]])
def test_a_wrong_option_is_refused(command_here: Command, words: list[str]) -> None:
    assert command_here("calls", *words)[0] == 2


def test_usage_is_broken_down_by_all_that_the_ledger_can() -> None:
    assert set(argument_types.BY) == set(BY)
