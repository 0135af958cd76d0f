"""Administrators' settings: actions that are off, toolkits without login that are active, and return addresses."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import delete, select

from . import names
from .audit.record import Change
from .columns import now
from .database import Database
from .lookups import Lookups
from .tables import ActivationRow, ReturnAddressRow, SwitchRow

_MAX_ADDRESS_LENGTH = 500


class Switches:
    """All switches. Safe for many threads and processes. Slugs may have any letter case."""

    def __init__(self, database: Database, lookups: Lookups) -> None:
        self._database = database
        self._lookups = lookups

    def turn_off(self, toolkit: str, action: str) -> None:
        """Switch an action off; no effect if it is off."""
        toolkit, action = names.slug(toolkit), names.slug(action)
        statement = self._database.insert_missing(SwitchRow, toolkit=toolkit, action=action, off_at=now())
        self._database.change(statement, _of_switch("action.switched_off", action))

    def turn_on(self, toolkit: str, action: str) -> None:
        """Switch an action on again; no effect if it is on."""
        toolkit, action = toolkit.upper(), action.upper()
        statement = delete(SwitchRow).where(SwitchRow.toolkit == toolkit, SwitchRow.action == action)
        self._database.change(statement, _of_switch("action.switched_on", action))

    def off(self, toolkit: str) -> dict[str, datetime]:
        """Return the slugs of a toolkit's actions that are off, with the time when each was switched off."""

        def load() -> dict[str, datetime]:
            query = select(SwitchRow).where(SwitchRow.toolkit == toolkit.upper())
            return {row.action: row.off_at for row in self._database.read_all(query)}

        return dict(self._lookups.get(load, "switches", toolkit.upper()) or {})

    def activate(self, toolkit: str) -> None:
        """Activate a toolkit that needs no login; no effect if it is active."""
        toolkit = names.slug(toolkit)
        statement = self._database.insert_missing(ActivationRow, toolkit=toolkit, activated_at=now())
        self._database.change(statement, Change("toolkit.activated", toolkit, line=f"toolkit {toolkit}: activated"))

    def deactivate(self, toolkit: str) -> None:
        """Undo `activate`."""
        toolkit = toolkit.upper()
        statement = delete(ActivationRow).where(ActivationRow.toolkit == toolkit)
        self._database.change(statement, Change("toolkit.deactivated", toolkit, line=f"toolkit {toolkit}: deactivated"))

    def turn_on_toolset(self, toolkit: str, toolset: str) -> None:
        """Switch one of a toolkit's further toolsets on; no effect if it is on."""
        name = f"{names.slug(toolkit)}/{toolset}"
        statement = self._database.insert_missing(ActivationRow, toolkit=name, activated_at=now())
        self._database.change(statement, _of_switch("toolset.switched_on", name))

    def turn_off_toolset(self, toolkit: str, toolset: str) -> None:
        """Switch a toolset off again; no effect if it is off."""
        name = f"{toolkit.upper()}/{toolset}"
        statement = delete(ActivationRow).where(ActivationRow.toolkit == name)
        self._database.change(statement, _of_switch("toolset.switched_off", name))

    def toolsets(self, toolkit: str) -> dict[str, datetime]:
        """Return the names of a toolkit's toolsets that are on, with the time when each was switched on."""
        of_toolkit = f"{toolkit.upper()}/"
        return {
            name.removeprefix(of_toolkit): at for name, at in self.activated().items() if name.startswith(of_toolkit)
        }

    def activated(self) -> dict[str, datetime]:
        """Return the slugs of activated toolkits, with the time when each was activated."""

        def load() -> dict[str, datetime]:
            return {row.toolkit: row.activated_at for row in self._database.read_all(select(ActivationRow))}

        return dict(self._lookups.get(load, "activations") or {})


class ReturnAddresses:
    """The URLs that a browser may be redirected to. Only exact matches are allowed. Safe for many threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def register(self, address: str) -> None:
        """Allow an address; no effect if it is allowed already.

        Raises:
            ValueError: it is not an http(s) URL, or browsers may interpret it differently.
        """
        _validate(address)
        statement = self._database.insert_missing(ReturnAddressRow, address=address, created_at=now())
        line = f"return address {address}: registered"
        self._database.change(statement, Change("return_address.registered", address, line=line))

    def remove(self, address: str) -> None:
        """Remove an address; no effect if it is not registered."""
        statement = delete(ReturnAddressRow).where(ReturnAddressRow.address == address)
        line = f"return address {address}: removed"
        self._database.change(statement, Change("return_address.removed", address, line=line))

    def registered(self, address: str) -> bool:
        """Return whether exactly this address is allowed."""
        try:
            _validate(address)
        except ValueError:
            return False
        query = select(ReturnAddressRow).where(ReturnAddressRow.address == address)
        return self._database.read_first(query) is not None

    def list(self) -> list[str]:
        """Return all addresses in alphabetical order."""
        return self._database.read_all(select(ReturnAddressRow.address).order_by(ReturnAddressRow.address))


def _of_switch(what: str, name: str) -> Change:
    """Return the change of the switch of an action or a toolset."""
    of, _, done = what.partition(".")
    off = done == "switched_off"
    line = f"{of} {name}: {done.replace('_', ' ')}"
    return Change(what, name, before={"on": off}, after={"on": not off}, line=line)


def _validate(address: str) -> None:
    scheme, separator, _ = address.partition("://")
    if (
        scheme not in ("http", "https")
        or not separator
        or not (address.isascii() and address.isprintable() and len(address) <= _MAX_ADDRESS_LENGTH)
        or any(character in address for character in ' \\#"<>')
        or not urlsplit(address).hostname  # raises ValueError for an invalid host
        or "@" in urlsplit(address).netloc
    ):
        raise ValueError("a return address is an http or https address in plain ASCII, without user name and fragment")
