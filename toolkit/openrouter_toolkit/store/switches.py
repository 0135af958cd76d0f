"""Switches set by administrators: actions that are off, and toolkits without login that are active."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select

from . import names
from .clock import now
from .database import Database
from .tables import ActivationRow, SwitchRow


class Switches:
    """All switches. Safe for many threads and processes. Slugs may have any letter case."""

    def __init__(self, database: Database) -> None:
        """Created by `Store.open`."""
        self._database = database

    def turn_off(self, toolkit: str, action: str) -> None:
        """Switch an action off; no effect if it is off."""
        values = {"toolkit": names.slug(toolkit), "action": names.slug(action), "off_at": now()}
        with self._database.write() as session:
            self._database.add_missing(session, SwitchRow, **values)
            self._database.log_change(session, f"action {values['action']}: switched off")

    def turn_on(self, toolkit: str, action: str) -> None:
        """Switch an action on again; no effect if it is on."""
        with self._database.write() as session:
            session.execute(
                delete(SwitchRow).where(SwitchRow.toolkit == toolkit.upper(), SwitchRow.action == action.upper())
            )
            self._database.log_change(session, f"action {action.upper()}: switched on")

    def off(self, toolkit: str) -> dict[str, datetime]:
        """Return the slugs of a toolkit's actions that are off, with the time when each was switched off."""
        with self._database.read() as session:
            rows = session.scalars(select(SwitchRow).where(SwitchRow.toolkit == toolkit.upper()))
            return {row.action: row.off_at for row in rows}

    def activate(self, toolkit: str) -> None:
        """Activate a toolkit that needs no login; no effect if it is active."""
        with self._database.write() as session:
            self._database.add_missing(session, ActivationRow, toolkit=names.slug(toolkit), activated_at=now())
            self._database.log_change(session, f"toolkit {names.slug(toolkit)}: activated")

    def deactivate(self, toolkit: str) -> None:
        """Undo `activate`."""
        with self._database.write() as session:
            session.execute(delete(ActivationRow).where(ActivationRow.toolkit == toolkit.upper()))
            self._database.log_change(session, f"toolkit {toolkit.upper()}: deactivated")

    def activated(self) -> dict[str, datetime]:
        """Return the slugs of activated toolkits, with the time when each was activated."""
        with self._database.read() as session:
            return {row.toolkit: row.activated_at for row in session.scalars(select(ActivationRow))}
