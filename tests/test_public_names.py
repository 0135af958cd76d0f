"""The package's public names: each is imported from its place when it is first asked for."""

from __future__ import annotations

import subprocess
import sys


def test_every_public_name_can_be_imported_in_a_fresh_process() -> None:
    program = (
        "from openrouter_toolkit import *; import openrouter_toolkit as it; print(*map(repr, it.__all__), sep=',')"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 0, told.stderr
    assert "'Refused'" in told.stdout
