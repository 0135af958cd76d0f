"""The operations of an OpenAPI document, and which of them are chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..text.close_matches import close_matches
from .document import Document, Json, Unsupported, WrongDocument, listing, mapping, words

METHODS = ("get", "post", "put", "patch", "delete")


class UnknownOperation(Exception):
    """There is no such tag or operation; the message has those that resemble it."""


@dataclass(frozen=True)
class Operation:
    """One method of one path.

    Attributes:
        id: its `operationId`, or else method and path.
        has_id: whether the document gives the id.
        content, item: the operation and the path item that it stands in.
    """

    id: str
    has_id: bool
    method: str
    path: str
    tags: tuple[str, ...]
    content: Json
    item: Json

    @property
    def read_only(self) -> bool:
        """Whether it changes nothing."""
        return self.method == "GET"

    @property
    def line(self) -> str:
        """Its method and path."""
        return f"{self.method} {self.path}"


class TagRow(NamedTuple):
    """A tag, how many operations it has, how many of those only read, and its description."""

    name: str
    operations: int
    read_only: int
    description: str


def operations(document: Document) -> list[Operation]:
    """All operations that send or read something, in the document's order.

    Raises:
        WrongDocument: there is none, or a path's reference leaves the document.
    """
    found = []
    for path, raw in mapping(document.content.get("paths")).items():
        try:
            item = document.resolved(raw)
        except Unsupported:
            continue
        for method in METHODS:
            content = item.get(method)
            if isinstance(content, dict):
                found.append(_operation(method.upper(), str(path), content, item))
    if not found:
        raise WrongDocument("the document has no operations: paths with get, post, put, patch or delete")
    return found


def _operation(method: str, path: str, content: Json, item: Json) -> Operation:
    given = words(content.get("operationId")).strip()
    tags = tuple(tag for tag in listing(content.get("tags")) if isinstance(tag, str) and tag.strip())
    return Operation(given or f"{method} {path}", bool(given), method, path, tags, content, item)


def tags(document: Document, found: Sequence[Operation]) -> list[TagRow]:
    """The tags in the document's order, then those that only operations name; the last row is of those without one."""
    described = {
        words(tag.get("name")): words(tag.get("description"))
        for tag in listing(document.content.get("tags"))
        if isinstance(tag, dict)
    }
    names = dict.fromkeys([*described, *(tag for operation in found for tag in operation.tags)])
    rows = [_row(name, described.get(name, ""), [one for one in found if name in one.tags]) for name in names]
    rows.append(_row("", "operations without a tag", [one for one in found if not one.tags]))
    return [row for row in rows if row.operations]


def _row(name: str, description: str, of_tag: list[Operation]) -> TagRow:
    return TagRow(name, len(of_tag), sum(one.read_only for one in of_tag), description)


def choose(
    found: Sequence[Operation], *, tags: Sequence[str] = (), ids: Sequence[str] = (), read_only: bool = False
) -> list[Operation]:
    """The operations with one of these tags or ids, or all; of those, with `read_only`, the ones that only read.

    Raises:
        UnknownOperation: there is no such tag or operation, or nothing that only reads.
    """
    known_tags = list(dict.fromkeys(tag for operation in found for tag in operation.tags))
    wanted_tags = {name for tag in tags for name in _named("tag", tag, known_tags, "--list shows all")}
    known_ids = [operation.id for operation in found]
    wanted_ids = {name for one in ids for name in _named("operation", one, known_ids, "the document has operationId")}
    everything = not tags and not ids
    chosen = [
        operation
        for operation in found
        if (everything or operation.id in wanted_ids or not wanted_tags.isdisjoint(operation.tags))
        and (operation.read_only or not read_only)
    ]
    if not chosen:
        raise UnknownOperation("none of these operations only reads; leave --read-only out")
    return chosen


def _named(kind: str, given: str, known: Sequence[str], advice: str) -> Iterator[str]:
    """The known names that are meant: the same, or else the same but for upper and lower case."""
    exact = [name for name in known if name == given] or [name for name in known if name.lower() == given.lower()]
    if not exact:
        matches = close_matches(given, known, count=3, closeness=0.6)
        hint = f"did you mean {' or '.join(matches)}?" if matches else f"{advice}"
        raise UnknownOperation(f"there is no {kind} {given!r}; {hint}")
    yield from exact
