"""Addresses that a browser may be sent back to. What is not registered, letter by letter, is none of them."""

from __future__ import annotations

from urllib.parse import urlsplit

from sqlalchemy import delete, select

from .clock import now
from .database import Database
from .tables import ReturnAddressRow

_LONGEST = 500


class ReturnAddresses:
    """All registered return addresses. Safe from many threads and processes."""

    def __init__(self, database: Database) -> None:
        """See `Store.open`, which is how it is made."""
        self._database = database

    def register(self, address: str) -> None:
        """Allow an address; nothing happens where it is.

        Raises:
            ValueError: it is no http(s) address, or one that browsers may read differently.
        """
        with self._database.write() as session:
            self._database.add_missing(session, ReturnAddressRow, address=_checked(address), created_at=now())
            self._database.log_change(session, f"return address {address}: registered")

    def remove(self, address: str) -> None:
        """Allow an address no longer; nothing happens where it isn't."""
        with self._database.write() as session:
            session.execute(delete(ReturnAddressRow).where(ReturnAddressRow.address == address))
            self._database.log_change(session, f"return address {address}: removed")

    def registered(self, address: str) -> bool:
        """Whether exactly this address is allowed."""
        try:
            _checked(address)
        except ValueError:
            return False
        with self._database.read() as session:
            return session.get(ReturnAddressRow, address) is not None

    def list(self) -> list[str]:
        """All of them, in alphabetical order."""
        with self._database.read() as session:
            return list(session.scalars(select(ReturnAddressRow.address).order_by(ReturnAddressRow.address)))


def _checked(address: str) -> str:
    wrong = ValueError("a return address is an http or https address in plain ASCII, without user name and fragment")
    if not (address.isascii() and address.isprintable() and len(address) <= _LONGEST):
        raise wrong
    if any(character in address for character in ' \\#"<>'):
        raise wrong
    parts = urlsplit(address)  # raises ValueError for a broken host
    if parts.scheme not in ("http", "https") or not address.startswith(f"{parts.scheme}://"):
        raise wrong
    if not parts.hostname or "@" in parts.netloc:
        raise wrong
    return address
