"""Each cassette, replayed through the registry without a network, is answered as it was when it was recorded."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit import Envelope, ToolRegistry

from ..there import after_calls
from .cases import CASES, Case
from .conftest import Connect
from .tape import FOLDER, tape
from .tape import mode as tape_mode

_CHAT = next(case for case in CASES if case.id == "create_chat_completion/plain")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_answer_holds_what_the_case_says(case: Case, mode: str, connect: Connect, tmp_path: Path) -> None:
    registry = connect(case.key)
    path = FOLDER / f"{case.id}.yaml"
    if mode == "replay":
        _check(case, _replayed(case, registry, path))
    elif mode == "live" and case.only_in_sandbox:
        pytest.skip("only the sandbox fails on demand: the cassette is left as it is")
    else:
        recorded = tmp_path / "recorded.yaml"
        _check(case, _recorded(case, registry, recorded, mode))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(recorded.read_text(encoding="utf-8"), encoding="utf-8")


def test_each_action_has_a_case(connect: Connect) -> None:
    assert {case.slug for case in CASES} == set(connect("ordinary").actions)


def test_each_cassette_has_a_case_and_each_case_a_cassette() -> None:
    found = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.glob("*/*"))
    assert found == sorted(f"{case.id}.yaml" for case in CASES)


def test_no_cassette_holds_a_key() -> None:
    for path in FOLDER.rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"sk-or-v1-\w", text), path
        assert not re.search(r"Bearer\s+\S", text, re.IGNORECASE), path
        assert set(re.findall(r"authorization:\s*- (.*)", text, re.IGNORECASE)) == {"REDACTED"}, path


def _replayed(case: Case, registry: ToolRegistry, path: Path) -> Envelope:
    with tape().use_cassette(path, record_mode=tape_mode.NONE) as cassette:
        envelope = _execute(case, registry, cassette.get_metadata("recorded_from", "sandbox"))
    assert cassette.play_count == len(cassette), "not every recorded request was made: record it again"
    return envelope


def _recorded(case: Case, registry: ToolRegistry, path: Path, mode: str) -> Envelope:
    with tape().use_cassette(path, record_mode=tape_mode.ONCE) as cassette:
        return _execute(case, registry, cassette.get_metadata("recorded_from", "live" if mode == "live" else "sandbox"))


def _execute(case: Case, registry: ToolRegistry, source: str) -> Envelope:
    arguments = after_calls(registry, case.action, case.arguments_for(source), _CHAT.arguments_for(source))
    return registry.execute(case.slug, arguments)


def _check(case: Case, envelope: Envelope) -> None:
    if case.failure is None:
        assert envelope.error is None
        assert envelope.successful
        assert envelope.data.startswith(case.begins)
        assert [path for path in case.present if not _has(json.loads(envelope.data), path)] == []
    else:
        error: Mapping[str, Any] = json.loads(envelope.data)["error"]
        assert (error["type"], error["status"]) == case.failure
        assert envelope.error
        assert not envelope.successful


def _has(value: Any, path: str) -> bool:
    for part in path.split("."):
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (KeyError, IndexError, TypeError):
            return False
    return value is not None
