"""The recorded traffic as fixtures, and a table of the streams that were compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from openrouter_toolkit import Envelope, ToolRegistry
from openrouter_toolkit.accounts import MemoryAccounts

from .traffic import ACTIONS, FOLDER, QUERIES, Recording, recordings
from .upstream import Upstream, upstream

Execute = Callable[[Recording], Envelope]

_COMPARED = pytest.StashKey[Counter[tuple[str, str]]]()
_OF_TEST: dict[str, Callable[[Recording], bool]] = {
    "recording": lambda recording: True,
    "good_plain": lambda recording: recording.good and not recording.streamed,
    "failed": lambda recording: not recording.good,
    "stream": lambda recording: recording.good and recording.streamed,
    "chat_stream": lambda recording: recording.good and recording.streamed and recording.kind == "chat_completions",
    "message_stream": lambda recording: recording.good and recording.streamed and recording.kind == "messages",
}


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_COMPARED] = Counter()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a file; where there are none, one that says why it is skipped."""
    for name, wanted in _OF_TEST.items():
        if name in metafunc.fixturenames:
            found = [recording for recording in recordings() if wanted(recording)]
            reason = f"no such recording in {FOLDER}; name the folder in OPENROUTER_RECORDINGS"
            absent = pytest.param(None, marks=pytest.mark.skip(reason=reason), id="none")
            metafunc.parametrize(name, found or [absent], ids=lambda value: f"{value.kind}/{value.name}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    compared = config.stash[_COMPARED]
    if compared:
        terminalreporter.section("recorded streams compared")
        for (kind, oracle), count in sorted(compared.items()):
            terminalreporter.write_line(f"{kind:<18} with {oracle:<36} {count:>4} streams, no difference")


@pytest.fixture
def compared(request: pytest.FixtureRequest) -> Callable[[Recording, str], None]:
    """Count a stream that is the same as what another reader makes of it."""

    def compared(recording: Recording, oracle: str) -> None:
        request.config.stash[_COMPARED][recording.kind, oracle] += 1

    return compared


@pytest.fixture(scope="session")
def server() -> Iterator[Upstream]:
    with upstream() as server:
        yield server


@pytest.fixture(scope="session")
def registry(server: Upstream) -> Iterator[ToolRegistry]:
    with ToolRegistry.from_manifest(
        toolsets=["documented", "inference"],
        accounts=MemoryAccounts({"default": {"api_key": "sk-or-v1-recordings"}}),
        client_options={"base_url": server.base_url, "max_attempts": 1},
    ) as registry:
        yield registry


@pytest.fixture
def execute(server: Upstream, registry: ToolRegistry) -> Execute:
    """Make a recorded call and get the recorded answer."""

    def execute(recording: Recording) -> Envelope:
        server.recording = recording
        slug = ACTIONS[recording.kind]
        arguments = recording.request["body"] or {}
        if recording.kind in QUERIES:
            known = registry.actions[slug].definition.input_parameters["properties"]
            arguments = {
                name: value if "string" in str(known[name].get("type", "string")) else _from_query(value)
                for name, value in recording.request["query"].items()
            }
        return registry.execute(slug, arguments, timeout=30)

    return execute


def _from_query(value: str) -> bool | int | float | str:
    if value in ("true", "false"):
        return value == "true"
    return float(value) if "." in value else int(value)
