"""`--manifest` in every command that uses actions, and `python -m openrouter_toolkit`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit.store import Store

from ..declared import write
from ..openrouter.conftest import Serve
from ..openrouter.servers import Exchange
from .conftest import Command, Run

KEY = "weather-key-0123456789"
READ = {"request": "GET /cities/{city}", "takes": {"city": {"type": "string"}}, "hints": ["readOnlyHint"]}
LOGIN = {"verify": {"action": "WEATHER_GET", "arguments": {"city": "Oslo"}}}


def weather(exchange: Exchange) -> None:
    if exchange.request.headers.get("authorization") != f"Bearer {KEY}":
        exchange.json({"message": "No such key."}, 401)
    else:
        exchange.json({"city": exchange.request.target.rpartition("/")[2]})


@pytest.fixture
def manifest(tmp_path: Path, serve: Serve) -> str:
    client = {"base_url": serve(weather).base_url, "authorization": "Bearer {api_key}"}
    return str(write(tmp_path / "weather", client, {"GET": READ}, auth=LOGIN))


def printed(done: subprocess.CompletedProcess[bytes]) -> Any:
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def test_actions_tools_and_show_know_it_beside_openrouters(run: Run, manifest: str) -> None:
    slugs = [action["slug"] for action in printed(run("actions", "--json", "--manifest", manifest))]
    assert (slugs[0], slugs[-1], len(slugs)) == ("OPENROUTER_CREATE_CHAT_COMPLETION", "WEATHER_GET", 15)
    tools = printed(run("tools", "--manifest", manifest, "--allow", "WEATHER"))
    assert [tool["function"]["name"] for tool in tools] == ["WEATHER_GET"]
    assert printed(run("show", "WEATHER_GET", "--json", "--manifest", manifest))["slug"] == "WEATHER_GET"
    shown = run("show", "--manifest", manifest, "WEATHER_GET").stdout.decode()
    assert f"--manifest {manifest}" in shown
    assert f'from_manifest("{manifest}")' in shown


def test_execute_uses_the_toolkits_own_key(run: Run, manifest: str) -> None:
    line = ("execute", "WEATHER_GET", "--arguments", '{"city": "Oslo"}', "--manifest", manifest)
    assert json.loads(printed(run(*line, WEATHER_API_KEY=KEY))["data"]) == {"city": "Oslo"}
    refused = json.loads(run(*line).stdout)
    assert "Set the environment variable WEATHER_API_KEY" in refused["error"]


def test_a_folder_stands_for_the_manifest_in_it(run: Run, manifest: str) -> None:
    assert len(printed(run("actions", "--json", "--manifest", str(Path(manifest).parent)))) == 15


def test_two_of_one_slug_are_told_with_both_files(run: Run, manifest: str, tmp_path: Path) -> None:
    other = str(write(tmp_path / "other", None, {"GET": {"handler": "weather_handler:report"}}))
    done = run("actions", "--manifest", manifest, "--manifest", other)
    assert done.returncode == 2
    assert f"{other}: the toolkit slug WEATHER is there already, in {manifest}" in done.stderr.decode()


def test_no_manifest_there(run: Run) -> None:
    done = run("actions", "--manifest", "nowhere.yaml")
    assert (done.returncode, done.stdout) == (1, b"")
    assert "nowhere.yaml: can't be read: No such file or directory" in done.stderr.decode()


def test_connect_accounts_and_execute_with_a_connected_account(
    run: Run, command_here: Command, store: Store, manifest: str
) -> None:
    line = ("connect", "--stdin", "--manifest", manifest)
    done = run(*line, "--user-id", "alice", stdin=f"{KEY}\n".encode())
    assert done.returncode == 0, done.stderr.decode()
    assert f"mcp --user-id alice --manifest {manifest}" in done.stderr.decode()
    assert b"No such key" in run(*line, stdin=b"another-key-0123456789\n").stderr
    (account,) = store.accounts.list()
    assert (account.toolkit, account.user_id) == ("WEATHER", "alice")
    data = printed(
        run("execute", "WEATHER_GET", "--user-id", "alice", "--arguments", '{"city": "Oslo"}', "--manifest", manifest)
    )["data"]
    assert json.loads(data) == {"city": "Oslo"}
    status, _, errors = command_here("accounts", "show", account.id)
    assert status == 0
    assert "is an account of the toolkit WEATHER: to check its key, name it with --manifest" in errors
    status, out, errors = command_here("accounts", "show", account.id, "--manifest", manifest)
    assert status == 0, errors
    assert "WEATHER" in out


def test_which_toolkit_is_connected(run: Run, manifest: str, tmp_path: Path) -> None:
    other = str(write(tmp_path / "other", None, {"GET": {"handler": "weather_handler:report"}}, slug="OTHER"))
    both = ("--manifest", manifest, "--manifest", other)
    assert b"--toolkit: OPENROUTER, WEATHER, OTHER" in run("connect", "--stdin", *both, stdin=b"x\n").stderr
    assert b"there is no such toolkit" in run("connect", "--toolkit", "wether", *both, stdin=b"x\n").stderr
    done = run("connect", "--stdin", "--toolkit", "weather", *both, stdin=f"{KEY}\n".encode())
    assert done.returncode == 0, done.stderr.decode()


def test_a_toolkit_without_login_has_nothing_to_connect(run: Run) -> None:
    echo = Path(__file__).parents[1] / "echo_toolkit" / "manifest.yaml"
    done = run("connect", "--stdin", "--manifest", str(echo), stdin=b"x\n")
    assert (done.returncode, b"Echo needs no login" in done.stderr) == (2, True)


def test_python_runs_the_package_as_the_command_line(environment: dict[str, str], manifest: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "openrouter_toolkit", "tools", "--manifest", manifest, "--allow", "WEATHER_GET"],
        env=environment,
        capture_output=True,
        timeout=30,
    )
    assert [tool["function"]["name"] for tool in json.loads(done.stdout)] == ["WEATHER_GET"]
