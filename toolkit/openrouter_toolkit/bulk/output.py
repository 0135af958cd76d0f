"""The output of a bulk run: a line for each answer, which survives kills, and a journal of the calls in flight.

The journal stands beside the output (`answers.jsonl.journal`), is only appended to, and is removed when a run ends with
no call in flight. It is locked, so that two runs can't write the same output.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from pathlib import Path
from threading import Lock
from typing import Any

from ..envelope import Envelope
from ..text.json_text import json_or
from . import file_lock
from .rows import Id

_ENVELOPE = {"data", "error", "successful"}
_LINE_BEGINS = b'{"id":'


class OutputRefused(ValueError):
    """The output can't be used: another run writes it, or it holds something else. The message says what to do."""


class Output:
    """A file of answers that is open for one run.

    Attributes:
        written: the ids that have an answer.
        failed: those of them whose answer is a failure.
        interrupted: the calls that were in flight when an earlier run was killed, with what they cost at most.
        was_cut: whether the last line was incomplete; it was removed.
    """

    def __init__(self, path: Path, *, retry_failed: bool = False) -> None:
        """Lock the output and read what is there; `retry_failed` removes the failures, so that they are sent again.

        Raises:
            OutputRefused: see there.
            OSError: the file can't be read or written.
        """
        self.path = path
        self.written: set[Id] = set()
        self.failed: set[Id] = set()
        self.was_cut = False
        self._journal_path = path.with_name(f"{path.name}.journal")
        self._journal = _AppendedFile(_locked(self._journal_path, path))
        self._file: _AppendedFile | None = None
        try:
            self._read()
            if retry_failed and self.failed:
                self._remove_failed()
            self.interrupted = self._read_journal()
            self._file = _AppendedFile(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666))
        except BaseException:
            if not self._journal.size:  # it is of this run
                with suppress(OSError):
                    self._journal_path.unlink()
            self._journal.close()
            raise

    def sending(self, row_id: Id, worst: Decimal | None) -> None:
        """Note in the journal that a call is about to be sent."""
        entry = {"sending": row_id, "at_most": None if worst is None else str(worst)}
        self._journal.append(_line(entry))

    def write(self, row_id: Id, envelope: Envelope) -> None:
        """Append an answer. After an error, the file is as before."""
        assert self._file is not None
        self._file.append(_line({"id": row_id, "envelope": envelope}))

    def interrupted_calls(self) -> tuple[int, Decimal | None]:
        """How many calls were in flight when an earlier run was killed, and what they cost at most; None if unknown."""
        known = [most for most in self.interrupted.values() if most is not None]
        return len(self.interrupted), sum(known, Decimal(0)) if len(known) == len(self.interrupted) else None

    def close(self, *, in_flight: bool) -> None:
        """Close the files; without calls in flight, the journal is not needed any more."""
        if self._file is None:
            return
        self._file.close()
        self._file = None
        if not in_flight:
            with suppress(OSError):
                self._journal_path.unlink()
        self._journal.close()

    def _read(self) -> None:
        """Read the ids, and remove an incomplete last line."""
        end, line = 0, b"\n"
        for number, line, value in _answers(self.path):
            if not _is_answer(value):
                if line.endswith(b"\n") or not _may_be_cut(line):
                    raise OutputRefused(
                        f"{self.path}, line {number}, is no answer of a bulk run; name another output, or correct it"
                    )
                self.was_cut = True
                os.truncate(self.path, end)
                return
            end += len(line)
            self._add(value)
        if not line.endswith(b"\n"):
            with self.path.open("ab") as file:
                file.write(b"\n")

    def _add(self, value: Any) -> None:
        self.written.add(value["id"])
        if value["envelope"]["successful"]:
            self.failed.discard(value["id"])
        else:
            self.failed.add(value["id"])

    def _remove_failed(self) -> None:
        draft = self.path.with_name(f"{self.path.name}.draft")
        with draft.open("wb") as file:
            for _, line, value in _answers(self.path):
                if value["id"] not in self.failed:
                    file.write(line)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
        self.written -= self.failed
        self.failed.clear()

    def _read_journal(self) -> dict[Id, Decimal | None]:
        found: dict[Id, Decimal | None] = {}
        for line in self._journal_path.read_bytes().splitlines():
            entry = json_or(line.decode(errors="replace"))
            if isinstance(entry, dict) and isinstance(entry.get("sending"), str | int):
                found[entry["sending"]] = _amount(entry.get("at_most"))
        return {row_id: most for row_id, most in found.items() if row_id not in self.written}


def check_distinct(source: Path | None, output: Path | None) -> None:
    """Raise `ValueError` if the output is the file that the lines are read from."""
    if source is not None and output is not None and output.exists() and output.samefile(source):
        raise ValueError(f"{output} is the file that the lines are read from; name another output")


def written_answers(path: Path) -> Iterator[tuple[Id, Envelope]]:
    """The answers in an output, one after the other."""
    for _, _, value in _answers(path):
        if _is_answer(value):
            yield value["id"], Envelope(**value["envelope"])


def _answers(path: Path) -> Iterator[tuple[int, bytes, Any]]:
    """Each line with its number and its JSON, which is None where it is none; nothing if there is no file."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            yield number, line, json_or(line.decode(errors="replace"))


def _is_answer(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"id", "envelope"}
        and isinstance(value["id"], str | int)
        and isinstance(value["envelope"], dict)
        and value["envelope"].keys() == _ENVELOPE
    )


def _may_be_cut(line: bytes) -> bool:
    """Whether an incomplete line may be the beginning of an answer; another file's content must not be removed."""
    return line.startswith(_LINE_BEGINS) or _LINE_BEGINS.startswith(line)


def _locked(path: Path, output: Path) -> int:
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        if not file_lock.lock(file):
            os.close(file)
            raise OutputRefused(f"another bulk run is writing {output}; wait for its end, or name another output")
        if file_lock.is_at(file, path):
            return file
        os.close(file)  # the run that held it has ended and removed it meanwhile


class _AppendedFile:
    """An open file to which whole lines are appended, or nothing."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._lock = Lock()
        self.size = os.fstat(file).st_size

    def append(self, line: bytes) -> None:
        """Append a line; after an error, the file is as before."""
        with self._lock:
            try:
                written = 0
                while written < len(line):
                    written += os.write(self._file, line[written:])
            except OSError:
                with suppress(OSError):
                    os.ftruncate(self._file, self.size)
                raise
            self.size += len(line)

    def close(self) -> None:
        """Write everything to the disk and close the file."""
        with suppress(OSError):
            os.fsync(self._file)
        os.close(self._file)


def _line(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        return f"{text}\n".encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return f"{json.dumps(value, separators=(',', ':'))}\n".encode()


def _amount(value: Any) -> Decimal | None:
    try:
        return Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        return None
