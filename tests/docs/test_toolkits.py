"""docs/toolkits.md leads from nothing to a toolkit on the command line, on the page, over MCP and in an agent."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import ThreadingHTTPServer
from importlib.metadata import EntryPoint
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
import yaml

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.cli import main, parser
from openrouter_toolkit.manifest import ToolkitClient, installed, load
from openrouter_toolkit.manifest.file_models import ClientPart
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import Store

from ..declared import write
from ..server.pages.person import Person
from ..server.served import serving
from .command_options import unmentioned_options
from .test_snippets import python_of, sections

TEXT = (Path(__file__).parents[2] / "docs" / "toolkits.md").read_text(encoding="utf-8")
SECTIONS = sections(TEXT)
FILES = dict(re.findall(r"^`(weather/[\w./]+)`:\n\n```\w+\n(.*?)```", TEXT, re.DOTALL | re.MULTILINE))
LINES = {
    title: re.findall(r"^    (\S.*)$", re.sub(r"```.*?```", "", part, flags=re.DOTALL), re.MULTILINE)
    for title, part in SECTIONS.items()
}
KEY = "sunny-day-0123456789"


class Reader:
    """Somebody who follows the page, in a folder of their own and with the stand-in that the page has."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, requests: list[str]) -> None:
        self.folder, self.requests = folder, requests
        self._patch = patch

    def run(self, line: str, stdin: str = "") -> tuple[int, str, str]:
        """Run a command line: its exit status, what it printed, and what it said on standard error."""
        program, *words = shlex.split(line)
        if program == "export":
            for name, value in (word.split("=") for word in words):
                self._patch.setenv(name, value)
            return 0, "", ""
        assert program == "openrouter-toolkit"
        output, errors = BytesIO(), BytesIO()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdin", TextIOWrapper(BytesIO(stdin.encode()), encoding="utf-8"))
            patch.setattr(sys, "stdout", TextIOWrapper(output, encoding="utf-8", write_through=True))
            patch.setattr(sys, "stderr", TextIOWrapper(errors, encoding="utf-8", write_through=True))
            status = main(words)
            return status, output.getvalue().decode(), errors.getvalue().decode()


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder = tmp_path_factory.mktemp("reader")
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        for name in [name for name in os.environ if name.startswith(("OPENROUTER_", "WEATHER_"))]:
            patch.delenv(name)
        patch.chdir(folder)
        patch.setenv("OPENROUTER_TOOLKIT_DATABASE", f"sqlite:///{folder / 'store.db'}")
        patch.setenv("OPENROUTER_TOOLKIT_MASTER_KEY", base64.b64encode(bytes(range(32))).decode())
        api: dict[str, Any] = {"__name__": "weather_api"}
        exec(python_of(SECTIONS["An API to try it with"])[0], api)
        requests: list[str] = []
        log: Callable[..., None] = lambda self, text, *words: requests.append(str(words[0]))  # noqa: E731
        api["Weather"].log_message = log
        server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), api["Weather"]))
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        stack.callback(server.shutdown)
        for name, content in FILES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content.replace("127.0.0.1:8900", f"127.0.0.1:{server.server_port}"))
        yield Reader(folder, patch, requests)


def test_the_lines_of_the_command_line_do_what_they_say(reader: Reader) -> None:
    export, actions, show, get, send, connect = LINES["On the command line"]
    assert reader.run(export)[0] == 0
    assert "WEATHER_GET_FORECAST" in reader.run(actions)[1]
    assert "The city's English name." in reader.run(show)[1]
    envelope = json.loads(reader.run(get)[1])
    assert json.loads(envelope["data"]) == {
        "city": "Oslo",
        "days": [{"day": 0, "sky": "clear"}, {"day": 1, "sky": "clear"}],
    }
    sent = json.loads(json.loads(reader.run(send)[1])["data"])
    assert sent == {"received": {"city": "Oslo", "sky": "rain"}, "query": "dry_run=true"}
    status, _, errors = reader.run(f"{connect} --stdin", "a-wrong-key-0123456789\n")
    assert (status, 'Weather said: "There is no such key"' in errors) == (1, True)
    status, out, errors = reader.run(f"{connect} --stdin", f"{KEY}\n")
    assert status == 0, errors
    assert "Connected Weather for user alice" in out


def test_it_is_on_the_page_and_over_mcp(reader: Reader) -> None:
    (serve,) = LINES["On the page"]
    options = parser().parse_args(shlex.split(serve)[1:])
    create, stdio = LINES["Over MCP"]
    status, token, errors = reader.run(create)
    assert status == 0, errors
    assert parser().parse_args(shlex.split(stdio)[1:]).allow == ["WEATHER"]
    with Store.open() as store, serving(store, manifests=options.manifest) as served:
        admin = Person(served).log_in()
        page = admin.open("/admin/tools")
        assert "Weather" in page.links
        assert "1 connected account" in page.text
        assert "How many days, today included." in admin.open(page.links["Weather"]).text
        admin.client.close()
        headers = {"Accept": "application/json, text/event-stream"}
        with served.client(token.strip(), **headers) as client:
            call = {"name": "WEATHER_GET_FORECAST", "arguments": {"city": "Bergen"}}
            body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
            address = re.search(r"`http://127.0.0.1:8700(/mcp/\w+)`", TEXT)
            assert address
            answer = client.post(address[1], json=body)
            assert '\\"city\\": \\"Bergen\\"' in answer.text
            assert (
                client.post("/api/actions/WEATHER_GET_FORECAST", json={"arguments": {"city": "Atlantis"}})
                .json()["error"]
                .startswith('Weather refused or failed (HTTP 404): "There is no such city".')
            )


def test_an_agent_calls_it(
    reader: Reader, openrouter_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WEATHER_API_KEY", KEY)
    monkeypatch.setenv("OPENROUTER_MODEL", "acme/atlas-large")
    reader.requests.clear()
    names: dict[str, Any] = {}
    exec(python_of(SECTIONS["In an agent"])[0], names)
    names["registry"].close()
    assert len(reader.requests) == 1
    assert "/forecast" in reader.requests[0]
    assert capsys.readouterr().out.strip()
    assert [request.path for request in openrouter_sandbox.requests] == ["/chat/completions"] * 2


def test_arguments_go_where_the_page_says(tmp_path: Path) -> None:
    (rows,) = re.findall(r"```yaml\n(.*?)```", SECTIONS["Where arguments go"], re.DOTALL)
    parameters = yaml.safe_load(rows)["parameters"]
    row = {"request": "POST /all", "takes": {name: {} for name in parameters}, "parameters": parameters}
    client = {"base_url": "https://weather.example", "authorization": "Bearer {api_key}"}
    (action,) = load(write(tmp_path, client, {"SEND": row})).actions
    api = action.toolkit and action.toolkit.declared_api
    assert api
    request = action.route(api).request(
        {
            "dry_run": True,
            "request_id": "r1",
            "page_size": 5,
            "tags": ["a", "b"],
            "filter": {"sky": "clear"},
            "report": 7,
        }
    )
    assert request.target == "/all?dry_run=true&page%5Bsize%5D=5&tags=a%2Cb&filter%5Bsky%5D=clear"
    assert (request.headers["X-Request-Id"], request.body) == (b"r1", b"7")


def test_a_document_is_imported_as_the_page_says(reader: Reader) -> None:
    section = SECTIONS["From an OpenAPI document"]
    (content,) = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    (reader.folder / "shop.yaml").write_text(content)
    listing, importing, actions = LINES["From an OpenAPI document"]
    assert re.findall(r"^(\w+) +1 ", reader.run(listing)[1], re.MULTILINE) == ["pets", "photos"]
    status, out, errors = reader.run(importing)
    assert (status, out) == (0, "shop/manifest.yaml\n"), errors
    assert "SHOP_LIST_PETS" in reader.run(actions)[1]
    (action,) = load(reader.folder / "shop").actions
    assert action.toolkit
    assert action.toolkit.declared_api
    assert action.route(action.toolkit.declared_api).request({"page_size": 5}).target == "/pets?page%5Bsize%5D=5"
    assert "multipart" in reader.run(importing.replace("--tag pets", "--directory all"))[2]
    assert unmentioned_options("import-openapi", section) == []


def test_every_key_and_every_authorization_is_told() -> None:
    told = SECTIONS["What `client` says"]
    for name in ClientPart.model_fields:
        assert f"`{name}`" in told
    (base_url,) = re.findall(r"`(https://\{.*?)`", told)
    written = re.findall(r"^\| `(\w.*?)` \| ", told.partition("| written | sent |")[2], re.MULTILINE)
    assert len(written) == 4
    for authorization in written:
        given = yaml.safe_load(authorization) if ": " in authorization else authorization
        ClientPart.model_validate({"base_url": base_url, "authorization": given})


def test_the_client_in_python_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (snippet,) = python_of(SECTIONS["A client in Python"])
    (tmp_path / "weather_in_python.py").write_text(snippet)
    monkeypatch.syspath_prepend(str(tmp_path))
    row = {"handler": "weather_in_python:get_forecast", "takes": {"city": {}}}
    manifest = write(tmp_path, "weather_in_python:Weather", {"GET": row})
    monkeypatch.setenv("WEATHER_API_KEY", KEY)
    with ToolRegistry.from_manifest(manifest) as registry:
        assert registry.loaded.client_takes_credentials
        answer = registry.execute("WEATHER_GET", {"city": "Oslo"}).json()
    assert answer == {"city": "Oslo", "length_of_key": len(KEY)}
    client: ToolkitClient = sys.modules["weather_in_python"].Weather()
    client.close()


def test_the_package_offers_it(reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    ((name, value),) = tomllib.loads(project)["project"]["entry-points"][installed.GROUP].items()
    package = tmp_path / "weather_toolkit"
    package.symlink_to(reader.folder / "weather")
    monkeypatch.syspath_prepend(str(tmp_path))
    offer = installed._offer(EntryPoint(name, value, installed.GROUP))
    assert offer.problems == []
    assert offer.loaded
    assert offer.loaded.toolkit.slug == "WEATHER"
