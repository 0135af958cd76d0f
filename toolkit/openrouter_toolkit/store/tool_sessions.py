"""Tool-router sessions: a user's limits on toolkits and tools, with each version of their configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select

from ..text.json_text import json_or
from . import names
from .columns import damaged, now
from .database import Database
from .tables import ToolSessionConfigRow, ToolSessionRow


@dataclass(frozen=True)
class ToolSession:
    """A session with its present configuration, whose meaning the store does not know.

    Attributes:
        id: `trs_` and random characters.
        user_id: the user for whom its calls are made.
        version: the number of its configuration, from 1.
    """

    id: str
    user_id: str
    version: int
    config: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True)
class ConfigVersion:
    """One version of a session's configuration."""

    number: int
    config: Mapping[str, Any]
    created_at: datetime


class ToolSessions:
    """All tool-router sessions. Safe for many threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, user_id: str, config: Mapping[str, Any]) -> ToolSession:
        """Create a session. `config` can be any JSON object without secrets."""
        row = ToolSessionRow(id=names.new_id("trs"), user_id=names.user(user_id), version=1, created_at=now())
        with self._database.write() as session:
            session.add(row)
            session.flush()
            session.add(_version(row, config))
            self._database.log_change(session, f"session {row.id} of user {row.user_id}: made")
            return ToolSession(row.id, row.user_id, 1, config, row.created_at)

    def get(self, session_id: str) -> ToolSession | None:
        """Return a session by its id, or None."""
        if not names.possible_id(session_id):
            return None
        both = (ToolSessionConfigRow.session_id == ToolSessionRow.id) & (
            ToolSessionConfigRow.version == ToolSessionRow.version
        )
        query = select(ToolSessionRow, ToolSessionConfigRow).join(ToolSessionConfigRow, both)
        with self._database.read() as session:
            found = session.execute(query.where(ToolSessionRow.id == session_id)).first()
        if found is None:
            return None
        row, version = found
        return ToolSession(row.id, row.user_id, row.version, _config(version), row.created_at)

    def update(self, session_id: str, config: Mapping[str, Any], *, expected: int) -> ToolSession | None:
        """Replace a session's configuration if it has the expected version still; None if not, or if it was deleted."""
        with self._database.write() as session:
            row = session.get(ToolSessionRow, session_id, with_for_update=True, populate_existing=True)
            if row is None or row.version != expected:
                return None
            row.version += 1
            session.add(_version(row, config))
            self._database.log_change(session, f"session {row.id} of user {row.user_id}: changed")
            return ToolSession(row.id, row.user_id, row.version, config, row.created_at)

    def delete(self, session_id: str) -> None:
        """Delete a session with its history; no effect if there is none."""
        with self._database.write() as session:
            session.execute(delete(ToolSessionRow).where(ToolSessionRow.id == session_id))
            self._database.log_change(session, f"session {session_id}: deleted")

    def history(self, session_id: str, *, limit: int, offset: int) -> tuple[list[ConfigVersion], int]:
        """Return versions of a session's configuration, the newest first, and how many there are."""
        of_session = ToolSessionConfigRow.session_id == session_id
        query = select(ToolSessionConfigRow).where(of_session).order_by(ToolSessionConfigRow.version.desc())
        with self._database.read() as session:
            total = session.scalar(select(func.count()).select_from(ToolSessionConfigRow).where(of_session)) or 0
            rows = session.scalars(query.limit(limit).offset(offset)).all()
        return [ConfigVersion(row.version, _config(row), row.created_at) for row in rows], total


def _version(row: ToolSessionRow, config: Mapping[str, Any]) -> ToolSessionConfigRow:
    text = json.dumps(config, separators=(",", ":"))
    return ToolSessionConfigRow(session_id=row.id, version=row.version, config=text, created_at=now())


def _config(row: ToolSessionConfigRow) -> dict[str, Any]:
    config = json_or(row.config)
    if not isinstance(config, dict):
        raise damaged(f"{row.__tablename__}.config")
    return config
