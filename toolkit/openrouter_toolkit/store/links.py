"""One-time links to connect an account or to log in. Each works once, within ten minutes."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from .. import manifest
from ..text.sanitize import quoted
from . import names
from .account_query import LINK_LIFETIME
from .audit.record import Change
from .columns import damaged, now
from .connected_accounts import ConnectedAccounts
from .database import Database
from .encryption.key_check import lock_key
from .encryption.sealing import Sealer
from .errors import LinkRefused, UnknownToolkit
from .tables import LinkRow, PersonRow, convert

Kind = Literal["connect", "login"]
State = Literal["open", "used", "expired"]


@dataclass(frozen=True)
class Link:
    """A link, without its secret.

    Attributes:
        id: `link_` and random characters. Only the secret, not the id, finds a link.
        kind: its purpose.
        state: whether it can be used, at the time when it was read.
        account_id: the account that it connects. This and the next two are set for `connect` links only.
        toolkit: that account's toolkit.
        user_id: that account's user; None for the organisation.
        return_address: the URL to which the browser is redirected afterwards.
        bound: whether it belongs to one browser session.
        person_id: who logs in by it; None in a `login` link for the only owner, and in `connect` links.
    """

    id: str
    kind: Kind
    state: State
    account_id: str | None
    toolkit: str | None
    user_id: str | None
    return_address: str | None
    bound: bool
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    person_id: str | None

    @property
    def owner(self) -> str:
        """The owner of the account that it connects, as words for a sentence."""
        return names.owner_in_words(self.user_id)


@dataclass(frozen=True)
class NewLink:
    """A new link and its secret, which is available only here. The repr does not show the secret."""

    link: Link
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Pkce:
    """One OAuth PKCE login: `state`, which identifies the callback, and the code verifier. The repr shows neither."""

    state: str = field(repr=False)
    verifier: str = field(repr=False)


class Links:
    """All links. A `session` is a browser session's secret id, or any other random text that only one browser has.

    The methods that use a link raise `LinkRefused`: it is unknown, used, expired, or bound to another session.

    Attributes:
        toolkits: the slugs of the toolkits that links can connect; None means only OpenRouter.
    """

    def __init__(
        self, database: Database, sealer: Sealer, accounts: ConnectedAccounts, toolkits: Collection[str] | None = None
    ) -> None:
        self.toolkits = toolkits
        self._database = database
        self._sealer = sealer
        self._accounts = accounts

    def to_connect(
        self,
        toolkit: str,
        user_id: str | None,
        *,
        alias: str | None = None,
        users: Iterable[str] | None = None,
        return_address: str | None = None,
        session: str | None = None,
        auth_config: str | None = None,
    ) -> NewLink:
        """Create a link to connect a new account, which is INITIATED until then.

        Args:
            toolkit: the toolkit's slug.
            user_id: the user who will own the account; None for the organisation.
            alias: a name for the account.
            users: the users who may use an organisation's account; None for all users.
            return_address: the URL to which the browser is redirected. The caller checks that it is registered.
            session: the only browser session that may use the link; None for the first that calls `bind`.
            auth_config: the id of the account's auth config; by default the toolkit's fixed one.

        Raises:
            UnknownToolkit: there is no toolkit with this slug.
            AliasTaken: the owner has an account with this alias in the toolkit. One that was never connected is
                replaced, with its links.
        """
        self._check_toolkit(toolkit)
        with self._database.write():
            account = self._accounts.initiate(toolkit, user_id, alias=alias, users=users, auth_config=auth_config)
            return self.to_reconnect(account.id, return_address=return_address, session=session)

    def to_reconnect(
        self, account_id: str, *, return_address: str | None = None, session: str | None = None
    ) -> NewLink:
        """Create a link to store new credentials in an existing account. Its older open links are void from now on.

        Raises:
            UnknownAccount: there is no such account.
        """
        with self._database.write() as transaction:
            account = self._accounts.get(account_id)
            self._accounts.lock_accounts(transaction, account.toolkit, names.owner(account.user_id))
            account = self._accounts.hold(account_id)
            self._withdraw(transaction, LinkRow.account_id == account.id)
            owned: dict[str, Any] = {
                "account_id": account.id,
                "toolkit": account.toolkit,
                "owner": names.owner(account.user_id),
            }
            return self._create(session, kind="connect", return_address=return_address, **owned)

    def to_log_in(self, person_id: str | None = None, *, lifetime: timedelta = LINK_LIFETIME) -> NewLink:
        """Create a link that logs in as a person; without one as the only owner, or the first, who is added then."""
        return self._create(None, lifetime, kind="login", person_id=person_id)

    def end_logins(self) -> None:
        """Withdraw all unused login links."""
        with self._database.write() as transaction:
            self._withdraw(transaction, LinkRow.kind == "login")

    def to_person(self, person_id: str) -> list[Link]:
        """Return the open links by which a person can log in, the newest first."""
        at = now()
        query = select(LinkRow).where(LinkRow.person_id == person_id, LinkRow.used_at.is_(None))
        query = query.where(LinkRow.expires_at > at).order_by(LinkRow.created_at.desc())
        return [_to_link(row) for row in self._database.read_all(query)]

    def withdraw(self, link_id: str) -> bool:
        """Delete an open link by its id. Returns whether there was one."""
        if not names.possible_id(link_id):
            return False
        with self._database.write() as transaction:
            return self._withdraw(transaction, LinkRow.id == link_id)

    def find(self, secret: str) -> Link | None:
        """Return the link with this secret, also if used or expired, or None. This does not use the link."""
        row = self._database.read_first(select(LinkRow).where(LinkRow.secret_hash == names.hashed(secret)))
        return None if row is None else _to_link(row)

    def bind(self, secret: str, session: str) -> Link:
        """Bind a link to the browser session that opens it first."""
        with self._locked_row(LinkRow.secret_hash, secret, session, audited=False) as (_, row):
            row.session_hash = names.hashed(session)
            return _to_link(row)

    def consume(self, secret: str, session: str | None = None) -> Link:
        """Use a link. Of several concurrent callers, one succeeds. `Store.transaction` groups it with other writes."""
        with self._locked_row(LinkRow.secret_hash, secret, session) as (transaction, row):
            row.used_at = now()
            self._database.record(transaction, _change(transaction, row, "used"))
            return _to_link(row)

    def start_pkce(self, secret: str, session: str) -> Pkce:
        """Start a PKCE login, and bind the link to the session without using it. It may be started several times."""
        pkce = Pkce(state=secrets.token_urlsafe(32), verifier=secrets.token_urlsafe(48))
        with self._locked_row(LinkRow.secret_hash, secret, session, audited=False) as (transaction, row):
            lock_key(transaction, self._sealer)
            row.session_hash = names.hashed(session)
            row.state_hash = names.hashed(pkce.state)
            row.verifier = self._sealer.seal(pkce.verifier, *associated_data(row))
            return pkce

    def finish_pkce(self, state: str, session: str) -> tuple[Link, str]:
        """Use the link of a PKCE login after its callback. Returns the link, and the verifier to exchange the code."""
        with self._locked_row(LinkRow.state_hash, state, session) as (transaction, row):
            verifier = self._sealer.open(row.verifier or "", *associated_data(row))
            row.used_at, row.verifier = now(), None
            self._database.record(transaction, _change(transaction, row, "used"))
            return _to_link(row), verifier

    def _check_toolkit(self, toolkit: str) -> None:
        known = self.toolkits if self.toolkits is not None else [manifest.load().toolkit.slug]
        if not names.possible_slug(toolkit) or names.slug(toolkit) not in known:
            raise UnknownToolkit(f"There is no toolkit {quoted(str(toolkit), 80)} here; there are {', '.join(known)}.")

    def _withdraw(self, transaction: Session, condition: ColumnElement[bool]) -> bool:
        """Delete the open links that match, and record each. Returns whether there were any."""
        opened = select(LinkRow).where(condition, LinkRow.used_at.is_(None), LinkRow.expires_at > now())
        found = transaction.scalars(opened.with_for_update()).all()
        for row in found:
            transaction.delete(row)
            self._database.record(transaction, _change(transaction, row, "withdrawn"))
        return bool(found)

    def _create(self, session: str | None, lifetime: timedelta = LINK_LIFETIME, **values: str | None) -> NewLink:
        secret, at = secrets.token_urlsafe(32), now()
        row = LinkRow(
            id=names.new_id("link"),
            secret_hash=names.hashed(secret),
            session_hash=None if session is None else names.hashed(session),
            created_at=at,
            expires_at=at + lifetime,
            **values,
        )
        with self._database.write() as transaction:
            transaction.add(row)
            self._database.record(transaction, _change(transaction, row, "made"))
        return NewLink(_to_link(row), secret)

    @contextmanager
    def _locked_row(
        self, column: InstrumentedAttribute[Any], secret: str, session: str | None, *, audited: bool = True
    ) -> Iterator[tuple[Session, LinkRow]]:
        query = select(LinkRow).where(column == names.hashed(secret))
        with self._database.write(audited=audited) as transaction:
            found = transaction.scalar(query)
            if found is not None and found.account_id is not None:  # lock in the same order as `disconnect`
                self._accounts.lock_accounts(transaction, found.toolkit or "", found.owner or "")
            row = transaction.scalar(query.with_for_update().execution_options(populate_existing=True))
            if row is None:
                raise LinkRefused("unknown")
            if row.session_hash is not None and (session is None or names.hashed(session) != row.session_hash):
                raise LinkRefused("elsewhere")
            state = _state(row)
            if state != "open":
                raise LinkRefused(state)
            yield transaction, row


def associated_data(row: LinkRow) -> tuple[str, ...]:
    """Return the associated data of a link's encrypted verifier: its id."""
    return ("code verifier", row.id)


def _change(transaction: Session, row: LinkRow, what: str) -> Change:
    """Return the change of a link, which is named by its purpose."""
    if row.kind == "connect":
        purpose, about = f"connect the account {row.account_id}", {"account": row.account_id, "toolkit": row.toolkit}
    else:
        person = transaction.get(PersonRow, row.person_id or "")
        purpose, about = f"log in as {person.name if person else 'the owner'}", {"person": row.person_id}
    facts = {**about, "expires": row.expires_at}
    before, after = (None, facts) if what == "made" else (facts, None)
    return Change(f"link.{what}", row.id, purpose, row.owner or None, before, after)


def _state(row: LinkRow) -> State:
    if row.used_at is not None:
        return "used"
    return "open" if now() < row.expires_at else "expired"


def _to_link(row: LinkRow) -> Link:
    if row.kind not in get_args(Kind):
        raise damaged(f"{row.__tablename__}.kind")
    return convert(row, Link, state=_state(row), user_id=row.owner or None, bound=row.session_hash is not None)
