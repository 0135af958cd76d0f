"""The lines of a bulk run: ids and arguments, from any iterable or from a file of JSON lines, checked before use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from ..text.json_text import InvalidJson, parse_json

Id: TypeAlias = str | int
# Arguments alone, an id and arguments, or an object of both.
GivenRow: TypeAlias = Mapping[str, Any] | tuple[Id, Mapping[str, Any]]
_MAX_PROBLEMS = 10
_WRAPPED = {"id", "arguments"}


class Row(NamedTuple):
    """One line: its id, by default its number from 1 on, and the arguments of its call."""

    id: Id
    arguments: Mapping[str, Any]


class InvalidRows(ValueError):
    """Lines that can't be used; nothing was sent for them. `problems` has one sentence for each."""

    def __init__(self, problems: Sequence[str], source: str = "") -> None:
        self.problems = list(problems)
        more = f"; and {len(problems) - _MAX_PROBLEMS} more" if len(problems) > _MAX_PROBLEMS else ""
        super().__init__(f"{source}{'; '.join(problems[:_MAX_PROBLEMS])}{more}")


class Source:
    """Rows that can be read several times, as from a file. `read` gives them, and raises `InvalidRows` for one."""

    def __init__(self, read: Callable[[], Iterator[Row | InvalidRows]], path: Path | None = None) -> None:
        self._read = read
        self.path = path

    def __iter__(self) -> Iterator[Row]:
        for row in self._read():
            if isinstance(row, InvalidRows):
                raise row
            yield row

    def check(self) -> int:
        """Read all rows without keeping them, and return how many there are.

        Raises:
            InvalidRows: some can't be used, or several have the same id.
        """
        problems: list[str] = []
        ids: dict[Id, int] = {}
        count = 0
        for count, row in enumerate(self._read(), 1):
            if isinstance(row, InvalidRows):
                problems += row.problems
            elif (first := ids.setdefault(row.id, count)) != count:
                problems.append(f"row {count} has the id {row.id!r} of row {first}")
        if problems:
            raise InvalidRows(problems, f"{self.path}: " if self.path else "")
        return count


def json_lines(path: Path, defaults: Mapping[str, Any] | None = None) -> Source:
    """The rows of a file: on each line `{"id": …, "arguments": {…}}`, or the arguments alone.

    `defaults` are arguments of every row; a row's own come before them. Empty lines are skipped.
    """

    def read() -> Iterator[Row | InvalidRows]:
        for number, value in parsed_lines(path):
            try:
                row = _row(value if not isinstance(value, InvalidRows) else _fail(value), number)
            except InvalidRows as error:
                yield InvalidRows([f"line {number}: {problem}" for problem in error.problems])
            else:
                yield Row(row.id, {**defaults, **row.arguments}) if defaults else row

    return Source(read, path)


def parsed_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Each line that is not empty, with its number from 1 on: its JSON, or an `InvalidRows`."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            if text.strip():
                try:
                    yield number, parse_json(text.decode("utf-8"))
                except UnicodeDecodeError:
                    yield number, InvalidRows(["it is not in UTF-8"])
                except InvalidJson as error:
                    yield number, InvalidRows([f"it is not JSON: {error}"])


def rows_of(given: Iterable[GivenRow] | str | Path) -> Source | Iterator[Row]:
    """The rows of a file (JSON lines), of a list, which can be checked beforehand, or of any other iterable."""
    if isinstance(given, str | Path):
        return json_lines(Path(given))
    if isinstance(given, Mapping) or not isinstance(given, Iterable):
        raise TypeError(f"the arguments of many calls are a list of dicts or a path, not {type(given).__name__}")
    if not isinstance(given, Sequence):
        return (_numbered(row, number) for number, row in enumerate(given, 1))

    def read() -> Iterator[Row | InvalidRows]:
        for number, row in enumerate(given, 1):
            try:
                yield _numbered(row, number)
            except InvalidRows as error:
                yield error

    return Source(read)


def _numbered(given: Any, number: int) -> Row:
    try:
        if isinstance(given, tuple) and len(given) == 2:
            return _row({"id": given[0], "arguments": given[1]}, number)
        return _row(given, number)
    except InvalidRows as error:
        raise InvalidRows([f"row {number}: {problem}" for problem in error.problems]) from None


def _row(value: Any, number: int) -> Row:
    if not isinstance(value, Mapping):
        raise InvalidRows([f"it is no object, but {type(value).__name__}"])
    if "arguments" not in value:
        return Row(number, value)
    unknown = value.keys() - _WRAPPED
    if unknown:
        raise InvalidRows([f"beside id and arguments there is {', '.join(sorted(map(repr, unknown)))}"])
    if not isinstance(value["arguments"], Mapping):
        raise InvalidRows([f"its arguments are no object, but {type(value['arguments']).__name__}"])
    return Row(checked_id(value.get("id", number)), value["arguments"])


def checked_id(value: Any) -> Id:
    """The value if it can be an id, a text or a whole number. Raises `InvalidRows` otherwise."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise InvalidRows([f"its id is neither a text nor a whole number, but {value!r:.60}"])
    return value


def _fail(error: InvalidRows) -> Any:
    raise error
