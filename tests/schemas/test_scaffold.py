"""`make action` in a copy of the tree: what it writes is enough for the tests that hold all actions."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ..scale import FULL
from . import scaffold
from .definitions import ROOT

NEW = {
    "list_things": ["--slug", "OPENROUTER_LIST_THINGS", "--request", "GET /things/{owner}"],
    "delete_thing": [
        "--slug",
        "OPENROUTER_DELETE_THING",
        "--handler",
        "openrouter_toolkit.handlers.things:delete_thing",
    ],
}
GENERATED = ["tests/cassettes", "tests/docs/test_generated.py"]
HELD = ["tests/schemas/test_form.py", "tests/schemas/test_arguments.py", "tests/handlers/test_requests.py"]


def run(copy: Path, *arguments: str, **environment: str) -> str:
    unset = ("OPENROUTER_", "PYTEST_", "COV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unset)}
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=copy,
        env={**kept, "PYTHONPATH": str(copy / "toolkit"), "OPENROUTER_OPENAPI": str(copy / "none"), **environment},
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    return done.stdout


@pytest.mark.timeout(300)  # it starts four processes
@pytest.mark.load
@pytest.mark.skipif(not FULL, reason="runs the tests of all actions: with `make load`")
def test_two_new_actions_pass_what_all_actions_pass(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__", "dist", "build", "images"))
    for action, arguments in NEW.items():
        told = run(copy, "tests.schemas.scaffold", *arguments)
        assert f"schemas/{action}.json" in told
        assert "make snapshots types docs" in told
    formats = next(copy.glob("tests/**/test_formats.py")).relative_to(copy).as_posix()
    quick = ("pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-p", "no:schemathesis")
    regenerated = {"UPDATE_SNAPSHOTS": "1", "UPDATE_DOCS": "1", "OPENROUTER_CASSETTES": "record"}
    generated = ("tests/cassettes", "tests/docs/test_generated.py", formats)
    run(copy, *quick, *generated, "-k", "list_things or delete_thing or actions", **regenerated)
    assert "OPENROUTER_LIST_THINGS" in (copy / "README.md").read_text(encoding="utf-8")
    run(copy, "tests.schemas.action_types")
    assert "class ListThingsArguments" in (copy / "toolkit/openrouter_toolkit/action_types.py").read_text(
        encoding="utf-8"
    )
    assert (copy / "cassettes/delete_thing/plain.yaml").is_file()
    assert len(list(copy.glob("tests/snapshots/*/OPENROUTER_DELETE_THING.json"))) > 5
    held = ("tests/schemas", "--ignore", "tests/schemas/test_scaffold.py", "tests/handlers", "tests/cassettes")
    assert "failed" not in run(copy, *quick, *held, "-k", "list_things or delete_thing")


@pytest.mark.parametrize(
    ("slug", "request_line", "handler", "why"),
    [
        ("list_things", "GET /things", "", "give a slug"),
        ("OPENROUTER_GET_CREDITS", "GET /things", "", "is there already"),
        ("OPENROUTER_LIST_THINGS", "", "", "give REQUEST="),
        ("OPENROUTER_LIST_THINGS", "/things", "", "a request is a method and a path"),
        ("OPENROUTER_LIST_THINGS", "", "things", "a handler is a module and a function"),
    ],
)
def test_what_can_t_be_begun_is_refused(
    slug: str, request_line: str, handler: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scaffold.main(["--slug", slug, "--request", request_line, "--handler", handler]) == 2
    assert why in capsys.readouterr().err
