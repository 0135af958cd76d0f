"""composio-core, in its own environment, beside the toolkit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

OFFLINE = {
    "COMPOSIO_DISABLE_SENTRY": "true",
    "COMPOSIO_DISABLE_VERSION_CHECK": "true",
    "COMPOSIO_NO_CACHE_REFRESH": "true",
    "COMPOSIO_NO_REMOTE_ENUM_FETCHING": "true",
}
PROGRAM = """
import atexit, json, socket
def refuse(*_, **__): raise OSError("no network in this test")
socket.socket.connect = socket.getaddrinfo = refuse
import composio
from composio.utils import sentry
atexit.unregister(sentry.update_dsn)
import openrouter_toolkit
print(json.dumps([composio.__version__, len(openrouter_toolkit.ToolRegistry.from_manifest().actions)]))
"""


def test_composio_core_and_the_toolkit_import_in_one_environment(tmp_path: Path) -> None:
    environment = {**os.environ, **OFFLINE, "HOME": str(tmp_path), "COMPOSIO_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    composio_version, tools = json.loads(done.stdout)
    assert composio_version == version("composio-core")
    assert tools == len(list((Path(__file__).parents[2] / "schemas").glob("*.json")))
