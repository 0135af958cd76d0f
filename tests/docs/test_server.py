"""docs/server.md, squados.md, and mcp.md over HTTP: command lines are taken, requests answered, nothing is left out."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from openrouter_toolkit.cli import parser
from openrouter_toolkit.server.access.middleware import BODY_WITH_TOKEN
from openrouter_toolkit.server.connections import MOST_PIPELINED
from openrouter_toolkit.server.error_responses import TYPES
from openrouter_toolkit.store import MasterKey, Store

from ..server.served import Served
from .command_options import unmentioned_options

DOCS = Path(__file__).parents[2] / "docs"
SERVER, SQUADOS, MCP = ((DOCS / f"{name}.md").read_text(encoding="utf-8") for name in ("server", "squados", "mcp"))
LINES = re.findall(r"^    openrouter-toolkit (.*)$", SERVER + SQUADOS, re.MULTILINE)
BODIES = re.findall(r"```json\n(.*?)```", SQUADOS, re.DOTALL)


@pytest.mark.parametrize("line", LINES)
def test_it_is_a_command_line(line: str) -> None:
    assert callable(parser().parse_args(shlex.split(line)).run)


def test_every_option_and_every_refusal_is_told() -> None:
    assert unmentioned_options("serve", SERVER) == []
    for status, type_ in TYPES.items():
        assert type_ == "internal" or re.search(rf"^\| (\d+, )*{status}(, \d+)* \| `{type_}` \|", SERVER, re.MULTILINE)
    assert f"no more than {MOST_PIPELINED}\nrequests" in SERVER


@pytest.mark.parametrize("body", BODIES)
def test_what_squados_sends_is_answered(served: Served, body: str) -> None:
    path = re.search(r"https://tools\.example\.com(/api/actions/:slug\?brief=true)`", SQUADOS)
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
    assert len(LINES) == 13


def test_a_proxy_is_told_what_it_needs() -> None:
    (nginx,) = re.findall(r"```nginx\n(.*?)```", SERVER, re.DOTALL)
    (caddy,) = re.findall(r"```caddy\n(.*?)```", SERVER, re.DOTALL)
    (start,) = (shlex.split(line) for line in LINES if "--url" in line)
    options = parser().parse_args(start)
    assert f"proxy_pass http://{options.host}:{options.port};" in nginx
    assert [str(network) for network in options.trusted_proxy] == [f"{options.host}/32"]
    assert f"reverse_proxy {options.host}:{options.port}\n" in caddy
    for told in ("proxy_buffering off;", f"client_max_body_size {BODY_WITH_TOKEN >> 20}m;", "proxy_read_timeout 10m;"):
        assert told in nginx
    assert f"max_size {BODY_WITH_TOKEN >> 20}MiB" in caddy
    for text in (nginx, caddy):
        assert options.url.removeprefix("https://") in text


def test_the_client_of_mcp_speaks_to_a_real_server(served: Served, tmp_path: Path) -> None:
    (program,) = (text for text in re.findall(r"```python\n(.*?)```", MCP, re.DOTALL) if "streamable_http" in text)

    def run(token: str) -> subprocess.CompletedProcess[str]:
        own = {"TOKEN": token, "MCP_URL": f"{served.url}/mcp", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
        return subprocess.run([sys.executable, "-c", program], env=own, capture_output=True, text=True, timeout=30)

    done = run(served.token("alice"))
    assert done.returncode == 0, done.stderr
    assert "OPENROUTER_GET_CURRENT_KEY" in done.stdout
    assert "17 * 3 = 51" in done.stdout
    assert "wrong or was revoked" in run("ort_wrong").stderr


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
