"""Return addresses: the registered URLs that a browser may be redirected to. Only exact matches are allowed."""

from __future__ import annotations

from urllib.parse import urlsplit

from sqlalchemy import delete, select

from .clock import now
from .database import Database
from .tables import ReturnAddressRow

_MAX_LENGTH = 500


class ReturnAddresses:
    """All registered return addresses. Safe for many threads and processes."""

    def __init__(self, database: Database) -> None:
        """Created by `Store.open`."""
        self._database = database

    def register(self, address: str) -> None:
        """Allow an address; no effect if it is allowed already.

        Raises:
            ValueError: it is not an http(s) URL, or browsers may interpret it differently.
        """
        with self._database.write() as session:
            self._database.add_missing(session, ReturnAddressRow, address=_validate(address), created_at=now())
            self._database.log_change(session, f"return address {address}: registered")

    def remove(self, address: str) -> None:
        """Remove an address; no effect if it is not registered."""
        with self._database.write() as session:
            session.execute(delete(ReturnAddressRow).where(ReturnAddressRow.address == address))
            self._database.log_change(session, f"return address {address}: removed")

    def registered(self, address: str) -> bool:
        """Return whether exactly this address is allowed."""
        try:
            _validate(address)
        except ValueError:
            return False
        with self._database.read() as session:
            return session.get(ReturnAddressRow, address) is not None

    def list(self) -> list[str]:
        """Return all addresses in alphabetical order."""
        with self._database.read() as session:
            return list(session.scalars(select(ReturnAddressRow.address).order_by(ReturnAddressRow.address)))


def _validate(address: str) -> str:
    error = ValueError("a return address is an http or https address in plain ASCII, without user name and fragment")
    if not (address.isascii() and address.isprintable() and len(address) <= _MAX_LENGTH):
        raise error
    if any(character in address for character in ' \\#"<>'):
        raise error
    parts = urlsplit(address)  # raises ValueError for an invalid host
    if parts.scheme not in ("http", "https") or not address.startswith(f"{parts.scheme}://"):
        raise error
    if not parts.hostname or "@" in parts.netloc:
        raise error
    return address
