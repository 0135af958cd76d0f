"""`new-toolkit` writes a toolkit that loads and whose test passes, and overwrites nothing."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit.manifest import load

from .conftest import Run

FILES = ["README.md", "manifest.yaml", "test_open_meteo.py", "schemas/list_items.json"]


def test_it_runs_as_it_is_written(run: Run, tmp_path: Path) -> None:
    done = run("new-toolkit", "Open Meteo")
    assert done.returncode == 0, done.stderr.decode()
    folder = tmp_path / "open-meteo"
    assert sorted(done.stdout.decode().splitlines()) == sorted(f"open-meteo/{name}" for name in FILES)
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == sorted(FILES)
    loaded = load(folder)
    assert (loaded.toolkit.slug, loaded.toolkit.name) == ("OPEN_METEO", "Open Meteo")
    assert not [path for path in folder.rglob("*.*") if path.is_file() and re.search("@[A-Z]+@", path.read_text())]


def test_its_own_test_passes(run: Run, tmp_path: Path) -> None:
    assert run("new-toolkit", "weather", "--directory", "here").returncode == 0
    path = tmp_path / "here" / "test_weather.py"
    names: dict[str, Any] = {"__file__": str(path), "__name__": "test_weather"}
    exec(compile(path.read_text(), str(path), "exec"), names)
    tests = [test for name, test in names.items() if name.startswith("test_")]
    assert len(tests) == 3
    started = inspect.unwrap(names["registry"]._get_wrapped_function())()
    registry = next(started)
    for test in tests:
        test(registry)
    assert next(started, None) is None


def test_nothing_is_overwritten(run: Run, tmp_path: Path) -> None:
    kept = tmp_path / "weather" / "README.md"
    kept.parent.mkdir()
    kept.write_text("mine")
    done = run("new-toolkit", "Weather")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"weather/README.md exists already" in done.stderr
    assert [path.name for path in kept.parent.iterdir()] == ["README.md"]
    assert kept.read_text() == "mine"


@pytest.mark.parametrize("name", ["", "7 days", "a: b", "../x", "x" * 41, "OpenRouter", "Wetter für alle", "@SLUG@"])
def test_a_name_that_can_not_be(run: Run, tmp_path: Path, name: str) -> None:
    done = run("new-toolkit", name)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"NAME: " in done.stderr
    assert not list(tmp_path.glob("*/manifest.yaml"))
