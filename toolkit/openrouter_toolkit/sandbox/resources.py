"""Resources that are made, read, listed, changed and deleted, such as API keys: one mechanism, and a table of them.

The table is resources.yaml. What is special about one of them is a function in the table of routes.
"""

import copy
import hashlib
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from .accounts import MINTED
from .errors import ApiError, JsonObject
from .parameters import describe, validator

OPERATIONS = ("list", "create", "get", "update", "delete")
_DEFAULT_PAGE, _LARGEST_PAGE = 50, 100


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A row of the table; resources.yaml says what its fields mean."""

    path: str
    id: str
    words: str
    made: JsonObject
    key: str = "management"
    takes: JsonObject = field(default_factory=dict)
    required: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    unique: str | None = None
    also_by: str | None = None
    secret: str | None = None
    masked: str | None = None
    extra: JsonObject = field(default_factory=dict)
    only: tuple[str, ...] = OPERATIONS
    filters: Mapping[str, str] = field(default_factory=dict)
    hidden: Mapping[str, JsonObject] = field(default_factory=dict)
    there: tuple[JsonObject, ...] = ()

    def check(self, body: Any, *, new: bool, required: tuple[str, ...] | None = None) -> JsonObject:
        """What a request says of one. Raises ApiError 400, which names the place of a fault."""
        if not isinstance(body, dict):
            raise ApiError(400, "The body must be a JSON object")
        fixed = () if new else self.fixed
        properties = {name: schema for name, schema in self.takes.items() if name not in fixed}
        needed = list(required or (self.required if new else ()))
        for problem in validator({"properties": properties, "required": needed}).iter_errors(body):
            place, words = describe(problem)
            raise ApiError(400, f"{place}: {words}")
        return {name: value for name, value in body.items() if name in properties}

    def kept(self, given: JsonObject) -> JsonObject:
        """What is kept of it: secrets only as a label, or masked."""
        kept = {name: value for name, value in given.items() if name != self.secret}
        if self.secret in given:
            kept["label"] = f"{given[self.secret][:4]}...{given[self.secret][-3:]}"
        if self.masked in given:
            kept[self.masked] = {
                name: "****" if "key" in name.lower() or "secret" in name.lower() else value
                for name, value in given[self.masked].items()
            }
        return kept


_TABLE = yaml.safe_load(Path(__file__).with_name("resources.yaml").read_text(encoding="utf-8"))
KINDS = {name: Kind(**row) for name, row in _TABLE.items() if name != "types"}


class Resources:
    """All resources. Thread-safe; those of the table exist from the start."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.clear()

    def clear(self) -> None:
        """Forget what was made and changed."""
        with self._lock:
            self._number = 0
            self._kept: dict[str, dict[str, JsonObject]] = {name: {} for name in KINDS}
            self._keys: dict[str, str] = {}  # the keys that were made, with their hashes
            for name, kind in KINDS.items():
                for given in kind.there:
                    self._add(name, given)

    def all(self, name: str) -> list[JsonObject]:
        """All of a kind, in the order in which they were made."""
        with self._lock:
            return [dict(one) for one in self._kept[name].values()]

    def find(self, name: str, id_: str) -> JsonObject:
        """One of them. Raises ApiError 404."""
        kind = KINDS[name]
        with self._lock:
            found = self._kept[name].get(id_)
            if found is None and kind.also_by:
                found = next((one for one in self._kept[name].values() if one[kind.also_by] == id_), None)
        if found is None:
            raise ApiError(404, f"{kind.words} not found")
        return found

    def create(self, name: str, given: JsonObject) -> JsonObject:
        """Make one; the answer is the resource as `data`, and what is shown this one time. Raises ApiError 409."""
        kind = KINDS[name]
        with self._lock:
            if kind.unique and any(one[kind.unique] == given.get(kind.unique) for one in self._kept[name].values()):
                raise ApiError(409, f"{kind.unique}: {kind.words} with this {kind.unique} exists already")
            made, values = self._add(name, kind.kept(given))
            return {"data": dict(made), **_filled(kind.extra, values)}

    def update(self, name: str, id_: str, given: JsonObject) -> JsonObject:
        """Change one. Raises ApiError 404."""
        with self._lock:
            found = self.find(name, id_)
            found |= KINDS[name].kept(given)
            if "updated_at" in found:
                found["updated_at"] = _now()
            _settle(found)
            return {"data": dict(found)}

    def delete(self, name: str, id_: str) -> JsonObject:
        """Delete one; the answer. Raises ApiError 404."""
        with self._lock:
            del self._kept[name][self.find(name, id_)[KINDS[name].id]]
        return {"deleted": True}

    def listed(self, name: str, query: Mapping[str, str], found: Iterable[JsonObject] | None = None) -> JsonObject:
        """One page of a kind, or of what was found of it, filtered as the query says."""
        kind = KINDS[name]
        rows = self.all(name) if found is None else list(found)
        for parameter, compared in kind.filters.items():
            if parameter in query:
                rows = [row for row in rows if row.get(compared) == query[parameter]]
        for parameter, left_out in kind.hidden.items():
            if query.get(parameter) != "true":
                rows = [row for row in rows if not left_out.items() <= row.items()]
        return page(rows, query)

    def key_of(self, key: str) -> JsonObject | None:
        """The resource of a key that was made here, None for another key. Raises ApiError 401 for a deleted one."""
        if not key.startswith(MINTED):
            return None
        with self._lock:
            found = self._kept["keys"].get(self._keys.get(key, ""))
        if found is None:
            raise ApiError(401, "No account goes with this API key")
        if found["disabled"]:
            raise ApiError(401, "This API key is disabled")
        return found

    def _add(self, name: str, given: JsonObject) -> tuple[JsonObject, dict[str, str]]:
        self._number += 1
        digest = hashlib.sha256(f"{name} {self._number}".encode()).hexdigest()
        key = f"{MINTED}{digest[:12]}"
        values = {
            "$id": f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}",
            "$hash": digest,
            "$key": key,
            "$label": f"{key[:12]}...{key[-3:]}",
            "$now": _now(),
        }
        kind = KINDS[name]
        made = {**_filled(kind.made, values), **given}
        _settle(made)
        self._kept[name][made[kind.id]] = made
        if "$key" in kind.extra.values():
            self._keys[key] = made[kind.id]
        return made, values


def page(rows: list[Any], query: Mapping[str, str], *, largest: int = _LARGEST_PAGE) -> JsonObject:
    """One page of rows by `offset` and `limit`, with how many there are in all. Raises ApiError 400."""
    offset = _count(query, "offset", 0, 0, None)
    limit = _count(query, "limit", _DEFAULT_PAGE, 1, largest)
    return {"data": rows[offset : offset + limit], "total_count": len(rows)}


def _count(query: Mapping[str, str], name: str, default: int, low: int, high: int | None) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal() or not low <= int(text) <= (int(text) if high is None else high):
        raise ApiError(400, f"{name}: must be an integer of at least {low}" + (f" and at most {high}" if high else ""))
    return int(text)


def _settle(resource: JsonObject) -> None:
    """Bring a key's rest of its limit up to date."""
    if "limit_remaining" in resource:
        limit = resource["limit"]
        resource["limit_remaining"] = None if limit is None else limit - resource["usage"]


def _filled(template: JsonObject, values: Mapping[str, str]) -> JsonObject:
    return {
        name: values.get(value, value) if isinstance(value, str) else copy.deepcopy(value)
        for name, value in template.items()
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
