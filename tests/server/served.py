"""The web application as it is served: uvicorn on a socket, in a thread or in a process of its own."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from openrouter_toolkit.server import Settings, create
from openrouter_toolkit.server.graceful_shutdown import Server, bind, url_of
from openrouter_toolkit.server.pages.login import new_link
from openrouter_toolkit.server.state import State
from openrouter_toolkit.store import Store

from ..timing import wait_until

SCRIPT = str(Path(sys.executable).with_name("openrouter-toolkit"))
PATIENCE = 30.0
OWNER = "Olivia"
TLS = httpx2.create_ssl_context(trust_env=False)  # made once: it takes longer than a request
QUESTION: dict[str, Any] = {"model": "acme/atlas-small", "messages": [{"role": "user", "content": "What is 17 * 3?"}]}
CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"
KEY = "OPENROUTER_GET_CURRENT_KEY"
MODELS = "OPENROUTER_LIST_AVAILABLE_MODELS"


class Served:
    """A server that answers, and what a test needs of it."""

    def __init__(self, url: str, store: Store, state: State, server: Server) -> None:
        self.url = url
        self.store = store
        self.state = state
        self.server = server

    def token(self, *users: str) -> str:
        """A new API token; for everybody when nobody is named."""
        return self.store.tokens.create("a test's", users or None)[1]

    def client(self, token: str | None = None, **headers: str) -> httpx2.Client:
        """A client; with a token, unless none is given."""
        return client(self.url, token, **headers)

    def login_link(self) -> str:
        """A new login link for the owner, who is added if there is nobody yet."""
        self.store.people.first_owner(OWNER)
        return new_link(self.store, self.state.settings)


def client(url: str, token: str | None = None, **headers: str) -> httpx2.Client:
    """A client that trusts no environment and follows nothing."""
    bearer = {} if token is None else {"Authorization": f"Bearer {token}"}
    return httpx2.Client(base_url=url, headers={**bearer, **headers}, verify=TLS, trust_env=False, timeout=PATIENCE)


@contextmanager
def serving(
    store: Store, *, manifests: list[Path] | None = None, guesses_wait: bool = False, **settings: Any
) -> Iterator[Served]:
    """Serve in a thread, on a free port of 127.0.0.1. Who guesses tokens is slowed down only where that is tested."""
    with bind("127.0.0.1", 0) as listening:
        url = url_of(listening)
        given = settings.pop("url", None)
        chosen = Settings(given or url, url_given=given is not None, **settings)
        application = create(chosen, store, manifests or ())
        hosted: State = application.state.hosted
        if not guesses_wait:
            hosted.throttle.delay = lambda address: 0.0  # type: ignore[method-assign]
        started = threading.Event()
        server = Server(application, listening, started.set)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        assert started.wait(PATIENCE)
        try:
            yield Served(url, store, hosted, server)
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
    assert not thread.is_alive(), "the server did not stop"


class Process:
    """`openrouter-toolkit serve` as a process of its own: its URL, the lines that it says on standard error."""

    def __init__(self, environment: Mapping[str, str], *options: str, port: bool = False) -> None:
        """`port`: listen on a port that is free now, since its URL is that of a proxy."""
        chosen = _free_port() if port else 0
        self.process = subprocess.Popen(
            [SCRIPT, "serve", "--port", str(chosen), *options],
            env=dict(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []
        self._lines: queue.Queue[str] = queue.Queue()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        assert self.process.stdout is not None
        told = self.process.stdout.readline().strip()
        assert told, self.end()
        self.url = f"http://127.0.0.1:{chosen}" if port else told

    @property
    def login_link(self) -> str:
        """The link that was printed at the start."""
        wait_until(lambda: any("/login/" in line for line in self.said))
        return next(line for line in self.said if "/login/" in line).split()[-1]

    def client(self, token: str | None = None, **headers: str) -> httpx2.Client:
        """A client, with a token or without."""
        return client(self.url, token, **headers)

    def end(self) -> str:
        """Kill it, if it runs still; what it said on standard error."""
        self.process.kill()
        self.process.wait(PATIENCE)
        self._reading.join(PATIENCE)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        return "".join(self.said)

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


def _free_port() -> int:
    with bind("127.0.0.1", 0) as trial:
        port: int = trial.getsockname()[1]
        return port


def environment(database: str, master_key: str, base_url: str, tmp_path: Path, **more: str) -> dict[str, str]:
    """What a process gets: a store, its key, the sandbox, and nothing of whoever runs the tests."""
    unwanted = ("OPENROUTER_", "PYTHON", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return {
        **kept,
        "HOME": str(tmp_path),
        "OPENROUTER_TOOLKIT_DATABASE": database,
        "OPENROUTER_TOOLKIT_MASTER_KEY": master_key,
        "OPENROUTER_BASE_URL": base_url,
        "PYTHONUTF8": "1",
        **more,
    }
