"""What was confirmed is on the disk and not only on its way there: the system calls say so."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from openrouter_toolkit.store import MasterKey

_WRITES = ("write", "pwrite64", "ftruncate")
_CALL = re.compile(r"^\d+\s+(?P<name>\w+)\(\d+<(?P<path>[^>]*)>(?P<rest>.*)")
_SCRIPT = """
import sys
from openrouter_toolkit.store import MasterKey, Store, sqlite
from openrouter_toolkit.store.encryption import keys

url, key, mode = sys.argv[1:]
sqlite.journal_mode = lambda version: mode
with Store.open(url, master_keys=keys.read(key, "argument")) as store:
    for number in range(3):
        print("begun", flush=True)
        store.accounts.connect("OPENROUTER", f"user-{number}", {"api_key": "k" * 2000})
        print("confirmed", flush=True)
"""


def traced(path: Path, mode: str, trace: Path) -> list[tuple[str, str]]:
    """The system calls of a process that connects accounts: each call's name, and the file's or what was said."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    calls = ",".join(("fsync", "fdatasync", *_WRITES))
    command = [strace, "-f", "-y", "-qq", "-e", f"trace={calls}", "-e", "signal=none", "-o", str(trace)]
    script = [sys.executable, "-c", _SCRIPT, f"sqlite:///{path}", MasterKey.fresh().written(), mode]
    done = subprocess.run([*command, *script], capture_output=True, text=True)
    if "ptrace" in done.stderr:
        pytest.skip(f"strace is not allowed here: {done.stderr.splitlines()[0]}")
    assert done.returncode == 0, done.stderr
    found = []
    for call in filter(None, map(_CALL.match, trace.read_text("utf-8", "replace").splitlines())):
        said = re.search(r'"(begun|confirmed)(?:\\n)?"', call["rest"])
        found.append((call["name"], said[1] if said else Path(call["path"]).name))
    return found


@pytest.mark.parametrize("mode", ["wal", "truncate"])
def test_nothing_is_confirmed_before_it_is_synced(mode: str, tmp_path: Path) -> None:
    calls = traced(tmp_path / "store.db", mode, tmp_path / "trace")
    begun = [number for number, call in enumerate(calls) if call == ("write", "begun")]
    confirmed = [number for number, call in enumerate(calls) if call == ("write", "confirmed")]
    assert len(begun) == len(confirmed) == 3
    log = "store.db-wal" if mode == "wal" else "store.db-journal"
    for first, last in zip(begun, confirmed, strict=True):
        own = calls[first + 1 : last]
        written = [name for call, name in own if call in _WRITES]
        assert log in written
        for name in {log, "store.db"} & set(written):
            last_write = max(number for number, (call, to) in enumerate(own) if to == name and call in _WRITES)
            synced = [number for number, (call, to) in enumerate(own) if to == name and "sync" in call]
            assert synced, f"{name} was written and not synced"
            assert max(synced) > last_write, f"{name} was written again after it was synced"
