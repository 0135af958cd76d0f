"""The error of a manifest, or of a file it names."""

from __future__ import annotations


class ManifestError(ValueError):
    """A manifest, or a file it names, is invalid. `problems` lists all problems, one line each: file, line, reason."""

    def __init__(self, problems: list[str], *, clash: bool = False) -> None:
        """`clash`: each manifest is valid, but they can't stand side by side."""
        super().__init__("\n".join(problems))
        self.problems = problems
        self.clash = clash
