"""Programs of typescript/ under Node.js: their steps, and what the toolkit sent upstream in each of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openrouter_toolkit.sandbox import Sandbox

from ...npm import installed, path_with
from ..test_mcp_conformance import SUITE

FOLDER = Path(__file__).parent / "typescript"


@dataclass(frozen=True)
class Step:
    """What a step returned, or its error; what was asked upstream meanwhile by the toolkit, and by a model's client."""

    value: Any
    error: Mapping[str, Any] | None
    upstream: list[str]
    keys: set[str | None]
    of_model: list[str]


class Node:
    """Node.js, newer than that of some machines, with Composio's packages; nothing but loopback is reached."""

    def __init__(self, folder: Path) -> None:
        """Make a folder in which programs find their packages."""
        self._folder = folder
        self._path = path_with(*SUITE)
        (folder / "node_modules").symlink_to(installed(FOLDER))
        for file in FOLDER.glob("*.?js"):
            shutil.copy(file, folder)

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Start a program of the folder."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("COMPOSIO_", "NODE_"))}
        node = shutil.which("node", path=self._path)
        assert node is not None
        return subprocess.Popen(
            [node, "--require", "./loopback.cjs", *words],
            cwd=self._folder,
            env={**kept, "HOME": str(self._folder), "COMPOSIO_LOG_LEVEL": "error", **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def write(self, name: str, program: str) -> None:
        """Put a program into the folder."""
        (self._folder / name).write_text(program, encoding="utf-8")

    def run(self, program: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program to its end."""
        process = self.start(program, **environment)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def steps(
        self, programs: Iterable[str], sandbox: Sandbox, wishes: Mapping[str, Callable[..., Any]], **environment: str
    ) -> dict[str, Step]:
        """Run programs to their ends in one process, doing what they ask for; their steps by their names.

        Who asks the sandbox with its own key is a model's client; the toolkit has users' keys.
        """
        process = self.start("all.mjs", *programs, **environment)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        said: list[str] = []
        stderr = process.stderr
        reading = threading.Thread(target=lambda: said.extend(stderr), daemon=True)
        reading.start()
        found: dict[str, Step] = {}
        try:
            for text in process.stdout:
                line = json.loads(text)
                answer = None
                if "ask" in line:
                    answer = wishes[line.pop("ask")](**line)
                else:
                    toolkits = [request for request in sandbox.requests if request.key != sandbox.api_key]
                    found[line["step"]] = Step(
                        line.get("value"),
                        line.get("error"),
                        [request.path for request in toolkits],
                        {request.key for request in toolkits},
                        [request.path for request in sandbox.requests if request.key == sandbox.api_key],
                    )
                    sandbox.clear()
                process.stdin.write(f"{json.dumps(answer)}\n")
                process.stdin.flush()
            assert process.wait(30) == 0, "".join(said)
        finally:
            process.kill()
            process.wait()
            reading.join()
            for stream in (process.stdin, process.stdout, process.stderr):
                stream.close()
        assert not [line for line in said if line.startswith("REFUSED")]
        return found
