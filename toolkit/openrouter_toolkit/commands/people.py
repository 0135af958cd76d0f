"""`people`: who may log in to the web application, invitations, roles, logins."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from . import records, terminal
from .store import open_existing_store, open_store
from .terminal import PROGRAM, CommandFailed, check_input, local_time, quote_input, usage_error

if TYPE_CHECKING:  # its packages may be missing
    from ..store import Person, Store


def list_people(options: argparse.Namespace) -> int:
    """List everybody."""
    with open_existing_store() as store:
        found = [] if store is None else store.people.list()
    nothing, remedy = "There is nobody", "login-link URL makes a link by which the first owner comes."
    return records.print_list(options, found, _print_table, nothing, remedy)


def invite(options: argparse.Namespace) -> int:
    """Add somebody, and print a link by which they log in."""
    from .serve import require_server, settings_of

    require_server()
    from ..server.pages.login import login_address

    settings = settings_of(options.url)
    with open_store() as store:
        from ..store import Role

        role = Role(options.role)
        with store.transaction():
            person = _change(lambda: store.people.add(_name(options.name), role, **_more(options)))
            link = store.links.to_log_in(person.id, lifetime=options.expires)
    address = login_address(settings, link.secret)
    if options.json:
        terminal.print_json(
            {**records.as_dict(person), "link": address, "expires_at": link.link.expires_at.isoformat()}
        )
    else:
        terminal.print_line(address)
        until = local_time(link.link.expires_at)
        terminal.print_message(f"{person.name} ({person.role}) logs in by this link, once, until {until}.")
    return 0


def role(options: argparse.Namespace) -> int:
    """Change somebody's role."""
    with open_store() as store:
        from ..store import Role

        person = find_person(store, options.name)
        changed = _change(lambda: store.people.change(person.id, role=Role(options.role)))
    return records.report(options, changed, f"{changed.name} is {_with_article(changed.role)}.")


def users(options: argparse.Namespace) -> int:
    """Change the user_ids that somebody stands for."""
    with open_store() as store:
        person = find_person(store, options.name)
        chosen = [] if options.nobody else options.users
        changed = _change(lambda: store.people.change(person.id, users=chosen))
    return records.report(options, changed, f"{changed.name} stands for {_users(changed) or 'nobody'}.")


def rename(options: argparse.Namespace) -> int:
    """Change somebody's name."""
    with open_store() as store:
        person = find_person(store, options.name)
        changed = _change(lambda: store.people.change(person.id, name=_name(options.to)))
    return records.report(options, changed, f"{person.name} is {changed.name} now.")


def disable(options: argparse.Namespace) -> int:
    """Log somebody out, and keep them out."""
    with open_store() as store:
        changed = store.people.disable(find_person(store, options.name).id)
    return records.report(options, changed, f"{changed.name} is logged out, and can't log in until enabled again.")


def enable(options: argparse.Namespace) -> int:
    """Undo `disable`."""
    with open_store() as store:
        changed = store.people.enable(find_person(store, options.name).id)
    return records.report(options, changed, f"{changed.name} can log in again.")


def remove(options: argparse.Namespace) -> int:
    """Remove somebody."""
    with open_store() as store:
        removed = store.people.remove(find_person(store, options.name).id)
    return records.report(options, removed, f"{removed.name} is removed.")


def logins(options: argparse.Namespace) -> int:
    """List somebody's logins, or end them."""
    with open_existing_store() as store:
        if store is None:
            raise _nobody(options.name)
        person = find_person(store, options.name)
        if options.end:
            store.sessions.end(person)
        found = store.sessions.of(person)
    if options.end and not options.json:
        terminal.print_line(f"All logins of {person.name} are ended.")
        return 0
    shown = [{name: value for name, value in records.as_dict(one).items() if name != "person"} for one in found]
    if options.json:
        terminal.print_json(shown)
    elif shown:
        terminal.print_table(
            [
                {
                    "id": one.id,
                    "from": one.address or "",
                    "logged in": local_time(one.created_at),
                    "last seen": local_time(one.last_seen_at),
                    "browser": one.browser or "",
                }
                for one in found
            ]
        )
    else:
        terminal.print_message(f"{person.name} is not logged in anywhere.")
    return 0


def find_person(store: Store, name: str) -> Person:
    """Return somebody by name or id. Raises `CommandFailed` if there is nobody."""
    from ..store import UnknownPerson

    try:
        return store.people.named(name)
    except UnknownPerson:
        raise _nobody(name) from None


def _change(change: Any) -> Person:
    """Return what a change returns. Raises `CommandFailed` for a name or user_id that can't be."""
    try:
        person: Person = change()
    except ValueError as error:
        raise usage_error(str(error).rstrip(".")) from None
    return person


def _nobody(name: str) -> CommandFailed:
    named = quote_input(name)
    return CommandFailed(f"there is nobody called {named or 'that'}; {PROGRAM} people lists everybody")


def _name(name: str) -> str:
    return check_input(str, "the name", name)


def _more(options: argparse.Namespace) -> dict[str, Any]:
    return {"email": options.email, "users": options.user_id or ()}


def _users(person: Person) -> str:
    return ", ".join(sorted(person.users))


def _with_article(role: str) -> str:
    return f"{'an' if role[0] in 'aeio' else 'a'} {role}"


def _print_table(people: Sequence[Person]) -> None:
    terminal.print_table(
        [
            {
                "name": person.name,
                "role": str(person.role),
                "state": "disabled" if person.disabled_at else "invited" if person.joined_at is None else "",
                "user_ids": _users(person),
                "e-mail": person.email or "",
                "added": local_time(person.created_at),
                "last seen": local_time(person.last_seen_at),
                "id": person.id,
            }
            for person in people
        ]
    )
