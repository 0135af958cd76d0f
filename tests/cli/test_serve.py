"""`serve` and `login-link`: what they print, and how they fail."""

from __future__ import annotations

import errno
import html
import os
import re
import signal
import socket
import sqlite3
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from openrouter_toolkit.cli import main
from openrouter_toolkit.commands import serve
from openrouter_toolkit.server import graceful_shutdown
from openrouter_toolkit.store import Store, sqlite

from .conftest import Run

ECHO = Path(__file__).parents[1] / "echo_toolkit" / "manifest.yaml"
Start = Callable[..., "subprocess.Popen[bytes]"]


def url_of(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().decode().strip()


def end(process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> tuple[int, str, str]:
    """Stop it: its exit status, and the rest of what it printed on both outputs."""
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    return process.returncode, out.decode(), err.decode()


def test_the_first_line_is_the_url_and_the_login_link_is_on_standard_error(start: Start) -> None:
    process = start("serve", "--name", "SquadOS")
    url = url_of(process)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
    with urllib.request.urlopen(f"{url}/readyz", timeout=10) as answer:
        assert answer.status == 200
    status, out, err = end(process)
    assert (status, out) == (0, "")
    (link,) = re.findall(r"http://\S+/login/\S+", err)
    assert link.startswith(f"{url}/login/")
    assert "SquadOS" in err
    assert "ten minutes" in err


def test_it_listens_to_this_machine_alone_unless_told_otherwise(start: Start) -> None:
    process = start("serve")
    port = int(url_of(process).rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.2", port), timeout=5):
        pass
    end(process)


def test_ctrl_c_is_the_usual_end(start: Start) -> None:
    process = start("serve")
    url_of(process)
    status, out, err = end(process, signal.SIGINT)
    assert (status, out) == (0, "")
    assert "Traceback" not in err


def test_a_port_that_is_taken(run: Run) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = run("serve", "--port", str(other.getsockname()[1]))
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.endswith(b"can't be used: Address already in use; choose another with --port\n")


@pytest.mark.parametrize(
    ("number", "way_out"),
    [
        (errno.EACCES, "choose one from 1024 on with --port"),
        (errno.EADDRNOTAVAIL, "name an address of this machine with --host"),
    ],
)
def test_a_port_that_can_not_be_had(
    store: Store,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    way_out: str,
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(graceful_shutdown, "bind", refuse)
    assert main(["serve", "--port", "80"]) == 1
    reason = f"127.0.0.1 port 80 can't be used: {os.strerror(number)}; {way_out}"
    assert capsys.readouterr().err == f"openrouter-toolkit: {reason}\n"


def test_behind_a_proxy_it_says_where_it_listens(start: Start) -> None:
    process = start("serve", "--url", "https://tools.example.com")
    assert url_of(process) == "https://tools.example.com"
    assert process.stderr is not None
    told = process.stderr.readline().decode()
    found = re.search(r"is at https://tools\.example\.com, listening on (127\.0\.0\.1:\d+); Ctrl-C stops it", told)
    assert found, told
    with urllib.request.urlopen(f"http://{found[1]}/healthz", timeout=10) as answer:
        assert answer.status == 200
    _, _, err = end(process)
    assert "can be read on the way" not in err


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        ((), False),
        (("--url", "http://localhost:8700"), False),
        (("--url", "http://127.0.0.2"), False),
        (("--url", "http://[::1]:8700"), False),
        (("--url", "https://tools.example.com"), False),
        (("--url", "http://tools.example.com"), True),
        (("--url", "http://10.1.2.3:8700"), True),
        (("--host", "0.0.0.0"), True),
        (("--host", "0.0.0.0", "--url", "http://localhost:8700"), True),
    ],
)
def test_keys_that_can_be_read_on_the_way_are_warned_of(
    store: Store,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    warned: bool,
) -> None:
    monkeypatch.setattr(graceful_shutdown.Server, "run", lambda server: server._on_start())
    assert main(["serve", *options]) == 0
    assert ("Keys and tokens can be read on the way here: put https" in capsys.readouterr().err) is warned


@pytest.mark.parametrize(
    "options",
    [
        ("--port", "70000"),
        ("--port", "x"),
        ("--url", "tools.example.com"),
        ("--url", "https://tools.example.com/path"),
        ("--url", ""),
        ("--calls-per-minute", "0"),
        ("--calls-per-minute", "9" * 5000),
        ("--port", "9" * 5000),
        ("--worker-threads", "0"),
        ("--worker-threads", "10001"),
        ("--worker-threads", "many"),
        ("--streams", "0"),
        ("--connections-per-address", "-1"),
        ("--client-timeout", "0"),
        ("--client-timeout", "nan"),
        ("--client-timeout", "inf"),
        ("--client-timeout", "soon"),
        ("--trusted-proxy", "proxy.example"),
        ("--trusted-proxy", "10.0.0.1/8"),
        ("--trusted-proxy", "0.0.0.0/0"),
        ("--trusted-proxy", "127.0.0.1", "--trusted-proxy", ""),
        ("--host", ""),
        ("--host", "é" * 80),
        ("somewhere",),
        ("--return-address", "javascript:alert(1)"),
        ("--return-address", "//evil.example"),
    ],
)
def test_a_wrong_command_line(run: Run, options: tuple[str, ...]) -> None:
    done = run("serve", *options)
    assert (done.returncode, done.stdout) == (2, b"")
    assert len(done.stderr.splitlines()) == 1


def test_a_wrong_manifest_is_told_with_file_and_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("toolkit:\n  slug: lower\n", "utf-8")
    done = run("serve", "--manifest", str(tmp_path / "wrong.yaml"))
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"wrong.yaml" in done.stderr
    assert b"Traceback" not in done.stderr


def test_the_same_toolkit_twice(run: Run) -> None:
    done = run("serve", "--manifest", str(ECHO), str(ECHO), PYTHONPATH=str(ECHO.parents[1]))
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"ECHO" in done.stderr


def test_a_store_that_was_filled_with_another_key(run: Run, store: Store) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": "sk-or-v1-sandbox"})
    done = run("serve", OPENROUTER_TOOLKIT_MASTER_KEY="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"key" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_store_that_can_only_be_read(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that another user may write; root may write everywhere, so SQLite itself is told to refuse."""
    settle = sqlite._configure

    def settle_for_reading(connection: sqlite3.Connection, record: object, **options: bool) -> None:
        settle(connection, record, **options)
        connection.execute("PRAGMA query_only=ON")

    monkeypatch.setattr(sqlite, "_configure", settle_for_reading)
    assert main(["serve"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == (
        f"openrouter-toolkit: The {store.name} can't be used: attempt to write a readonly database. See that whoever "
        "runs this owns the file and its folder, and may read and write both; or name another file in "
        "OPENROUTER_TOOLKIT_DATABASE.\n"
    )


def test_what_fails_when_it_has_started_is_told_in_a_line(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(serve, "print_line", full)
    assert main(["serve"]) == 1
    assert capsys.readouterr().err == f"openrouter-toolkit: {os.strerror(errno.ENOSPC)}\n"


def test_return_addresses_are_kept(start: Start, store: Store) -> None:
    process = start("serve", "--return-address", "https://squad.example/done", "https://squad.example/other")
    url_of(process)
    end(process)
    assert store.return_addresses.list() == ["https://squad.example/done", "https://squad.example/other"]


def test_a_new_login_link_works_at_the_server(start: Start, run: Run) -> None:
    process = start("serve")
    url = url_of(process)
    done = run("login-link", url)
    assert (done.returncode, done.stderr) == (0, b"")
    link = done.stdout.decode().strip()
    assert link.startswith(f"{url}/login/")
    with urllib.request.urlopen(link, timeout=10) as page:
        assert b"Log in" in page.read()
    end(process)


def test_a_login_link_of_another_database_is_told_as_such(start: Start, run: Run, tmp_path: Path) -> None:
    process = start("serve")
    url = url_of(process)
    link = run("login-link", url, OPENROUTER_TOOLKIT_DATABASE=f"sqlite:///{tmp_path / 'other.db'}").stdout.decode()
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(link.strip(), timeout=10)
    assert refused.value.code == 404
    page = html.unescape(refused.value.read().decode())
    assert "There is no such link. It may have been made for another server, or with another database" in page
    assert "OPENROUTER_TOOLKIT_DATABASE" in page
    end(process)


def test_a_login_link_for_nowhere(run: Run) -> None:
    for url in ("nowhere", "https://x/path"):
        done = run("login-link", url)
        assert (done.returncode, done.stdout) == (2, b"")


def test_all_logins_are_ended(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    sessions = [store.sessions.create(), store.sessions.create()]
    link, other = store.links.to_log_in(), store.links.to_connect("OPENROUTER", "alice")
    assert main(["logout-all"]) == 0
    assert capsys.readouterr().out == "All logins are ended, and so are links to log in.\n"
    assert [store.sessions.find(session) for session in sessions] == [None, None]
    assert store.links.find(link.secret) is None
    assert store.links.find(other.secret) is not None


def test_without_a_store_there_is_no_login(run: Run, tmp_path: Path) -> None:
    missing = tmp_path / "none" / "store.db"
    done = run("logout-all", OPENROUTER_TOOLKIT_DATABASE=f"sqlite:///{missing}")
    assert (done.returncode, done.stdout) == (0, b"All logins are ended, and so are links to log in.\n")
    assert not missing.exists()
