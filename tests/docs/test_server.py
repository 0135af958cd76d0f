"""docs/server.md and docs/squados.md: the command lines are taken, the requests answered, and nothing is left out."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from openrouter_toolkit.cli import parser
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.server.access.throttle import _MOST_AT_ONCE
from openrouter_toolkit.server.problems import TYPES
from openrouter_toolkit.store import MasterKey, Store

from ..server.served import Served, serving

DOCS = Path(__file__).parents[2] / "docs"
SERVER, SQUADOS = ((DOCS / name).read_text(encoding="utf-8") for name in ("server.md", "squados.md"))
LINES = re.findall(r"^    openrouter-toolkit (.*)$", SERVER + SQUADOS, re.MULTILINE)
BODIES = re.findall(r"```json\n(.*?)```", SQUADOS, re.DOTALL)


@pytest.fixture
def served(openrouter_sandbox: Sandbox, tmp_path: Path) -> Iterator[Served]:
    """A server with alice's account."""
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}", master_keys=[MasterKey.fresh()]) as store:
        store.accounts.connect("OPENROUTER", "alice", {"api_key": openrouter_sandbox.api_key})
        with serving(store) as served:
            yield served


@pytest.mark.parametrize("line", LINES)
def test_it_is_a_command_line(line: str) -> None:
    assert callable(parser().parse_args(shlex.split(line)).run)


def test_every_option_and_every_refusal_is_told() -> None:
    commands = next(action for action in parser()._actions if action.dest == "command").choices
    assert isinstance(commands, dict)
    for action in commands["serve"]._actions:
        told = [name for name in action.option_strings if f"`{name}" in SERVER]
        assert told or action.dest == "help", action.option_strings
    for type_ in set(TYPES.values()) - {"internal", "not_found", "method_not_allowed"}:
        assert f"`{type_}`" in SERVER
    assert f"{_MOST_AT_ONCE} of one token" in SERVER


@pytest.mark.parametrize("body", BODIES)
def test_what_squados_sends_is_answered(served: Served, body: str) -> None:
    path = re.search(r"https://tools\.example\.com(/api/actions/:slug)", SQUADOS)
    slug = re.search(r"`slug` \| the fixed value `(\w+)`", SQUADOS)
    assert path
    assert slug
    with served.client(served.token("alice")) as host:
        answer = host.post(path[1].replace(":slug", slug[1]), json=json.loads(body))
    assert answer.status_code == 200
    assert answer.json()["successful"]
    assert "51" in answer.json()["data"]


def test_there_are_as_many_as_expected() -> None:
    assert len(BODIES) == 2
    assert len(LINES) == 7


def test_a_program_makes_a_link(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENROUTER_TOOLKIT_DATABASE", f"sqlite:///{tmp_path / 'other.db'}")
    monkeypatch.setenv("OPENROUTER_TOOLKIT_MASTER_KEY", (key := MasterKey.fresh()).written())
    (snippet,) = re.findall(r"```python\n(.*?)```", SERVER, re.DOTALL)
    exec(snippet, {})
    address = capsys.readouterr().out.strip()
    with Store.open(f"sqlite:///{tmp_path / 'other.db'}", master_keys=[key]) as store:
        link = store.links.find(address.rpartition("/")[2])
    assert address.startswith("http://127.0.0.1:8700/connect/")
    assert link is not None
    assert (link.state, link.user_id) == ("open", "alice")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_command_of_curl_works(served: Served) -> None:
    (command,) = re.findall(r"```sh\n(curl .*?)```", SERVER, re.DOTALL)
    done = subprocess.run(
        ["sh", "-c", command.replace("http://127.0.0.1:8700", served.url)],
        env={"TOKEN": served.token("alice"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert json.loads(done.stdout)["successful"], done.stdout
