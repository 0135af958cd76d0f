"""A real PostgreSQL for tests: started from the machine's own server binaries, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

_PATIENCE = 30.0


class NoPostgreSQL(Exception):
    """There are no server binaries, or nobody to run them as."""


class PostgreSQL:
    """A server on a free port of 127.0.0.1, whose superuser is `postgres`, without password.

    It logs every statement with its parameters, so that a test can look for what must not be there.
    """

    def __init__(self, *, log_statements: bool = True) -> None:
        """Raises `NoPostgreSQL`."""
        self._log_statements = ("log_statement=all", "log_parameter_max_length=-1") if log_statements else ()
        self._binaries = _binaries()
        self._run_as = _run_as()
        self._folder = Path(tempfile.mkdtemp(prefix="openrouter-toolkit-postgresql-"))
        if self._run_as:
            os.chown(self._folder, self._run_as["user"], self._run_as["group"])
        self._server: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)
        self.port = _free_port()
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        self._call("initdb", "-D", str(self._folder / "data"), *options)
        self.start()

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        options = ("fsync=off", "max_connections=200", *self._log_statements)
        command = [str(self._binaries / "postgres"), "-D", str(self._folder / "data"), "-p", str(self.port)]
        command += ["-h", "127.0.0.1", "-k", str(self._folder)]
        with (self._folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [*command, *(part for option in options for part in ("-c", option))],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                **self._run_as,
            )
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                self._query("SELECT 1")
            except psycopg.OperationalError:
                if time.monotonic() > until or self._server.poll() is not None:
                    raise NoPostgreSQL(f"PostgreSQL did not start: {self.log()[-2000:]}") from None
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """Stop the server at once; its connections break."""
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            self._server.wait(_PATIENCE)
            self._server = None

    def close(self) -> None:
        """Stop it for good, and remove its folder."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def new_database(self) -> str:
        """The URL of a fresh, empty database."""
        name = f"test_{next(self._numbers)}"
        self._query(f"CREATE DATABASE {name}")
        return self.url(name)

    def url(self, database: str = "postgres", *, user: str = "postgres", password: str | None = None) -> str:
        """A SQLAlchemy URL."""
        who = user if password is None else f"{user}:{password}"
        return f"postgresql://{who}@127.0.0.1:{self.port}/{database}"

    def dump(self, url: str) -> str:
        """What `pg_dump` writes about a database, as statements that any client can run."""
        options = ["--no-owner", "--no-privileges", "--inserts", "-h", "127.0.0.1", "-p", str(self.port)]
        return self._call("pg_dump", *options, "-U", "postgres", url.rpartition("/")[2])

    def restore(self, dump: str) -> str:
        """The URL of a fresh database that was filled with a dump."""
        url = self.new_database()
        with psycopg.connect(url) as to:
            to.execute(dump.encode())
        return url

    def log(self) -> str:
        """What the server has logged so far."""
        return (self._folder / "log").read_text("utf-8", "replace")

    def _query(self, text: str) -> None:
        with psycopg.connect(f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres", autocommit=True) as to:
            to.execute(text.encode())

    def _call(self, program: str, *arguments: str) -> str:
        command = [str(self._binaries / program), *arguments]
        ended: subprocess.CompletedProcess[bytes]
        ended = subprocess.run(command, check=True, capture_output=True, cwd=self._folder, **self._run_as)
        return ended.stdout.decode()


def _binaries() -> Path:
    """The newest version's, as Debian installs them; else those on the path."""
    installed = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    if installed:
        return max(installed, key=lambda path: float(path.parent.name))
    found = shutil.which("postgres")
    if found is None:
        raise NoPostgreSQL("PostgreSQL's server is not installed (on Debian: apt-get install postgresql)")
    return Path(found).resolve().parent


def _run_as() -> dict[str, Any]:
    """How to start a process that is not root's, which PostgreSQL insists on."""
    if sys.platform == "win32" or os.getuid() != 0:
        return {}
    import pwd

    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        raise NoPostgreSQL("there is no user postgres, and root may not run PostgreSQL") from None
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port
