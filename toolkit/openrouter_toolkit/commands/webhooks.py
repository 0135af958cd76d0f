"""`webhooks`: addresses that receive events: added, tested, switched off, removed; and the deliveries to them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from . import records, terminal
from .store import open_existing_store, open_store
from .terminal import CommandFailed, local_time

if TYPE_CHECKING:  # its packages may be missing
    from ..store import Store
    from ..store.webhooks import Delivery, Webhook
    from ..webhooks import MailServer

_COLOURS = {"on": "green", "failing": "yellow", "off": "red", "delivered": "green", "failed": "red"}


def list_webhooks(options: argparse.Namespace) -> int:
    """List all webhooks."""
    with open_existing_store() as store:
        webhooks = [] if store is None else store.webhooks.list()
    return records.print_list(options, webhooks, _print_webhooks, "There is no webhook", "webhooks add adds one.")


def add(options: argparse.Namespace) -> int:
    """Add a webhook, and print its secret, this one time."""
    given = sys.stdin.readline() if options.address == "-" else options.address
    with open_store() as store:
        from ..webhooks import InvalidAddress, read_address

        try:
            address = read_address(given, private=options.private_webhooks, email=mail_server() is not None)
        except InvalidAddress as error:
            raise terminal.usage_error(f"ADDRESS: {error}") from None
        try:
            webhook, secret = store.webhooks.add(*address, options.event)
        except ValueError as error:
            raise terminal.usage_error(f"--event: {error}") from None
    if options.json:
        terminal.print_json({**records.as_dict(webhook), "secret": secret})
        return 0
    terminal.print_line(webhook.id if secret is None else secret)
    shown = "" if secret is None else " The secret is shown this one time."
    terminal.print_message(
        f"{webhook.id} to {terminal.redact_keys(webhook.address)} receives {_events(webhook)}.{shown}"
    )
    return 0


def test(options: argparse.Namespace) -> int:
    """Send a test event to a webhook, now. Returns 1 if it was not taken."""
    with _chosen(options) as (store, webhook):
        from ..webhooks import Deliverer

        deliverer = Deliverer(store, private=options.private_webhooks, mail_server=mail_server())
        done = deliverer.test(webhook.id)
    if options.json:
        terminal.print_json(_delivery_as_json(done))
    elif done.error is None:
        status = "" if done.status is None else f", with status {done.status}"
        terminal.print_line(f"{terminal.redact_keys(webhook.address)} took it in {done.milliseconds} ms{status}.")
    else:
        terminal.print_line(f"{terminal.redact_keys(webhook.address)} did not take it. {done.error}")
    return 0 if done.error is None else 1


def on(options: argparse.Namespace) -> int:
    """Switch a webhook on."""
    with _chosen(options) as (store, webhook):
        changed = store.webhooks.turn_on(webhook.id)
    return records.report(options, changed, f"{changed.id} is switched on.")


def off(options: argparse.Namespace) -> int:
    """Switch a webhook off."""
    with _chosen(options) as (store, webhook):
        changed = store.webhooks.turn_off(webhook.id)
    return records.report(options, changed, f"{changed.id} is switched off.")


def replace_secret(options: argparse.Namespace) -> int:
    """Replace a webhook's secret, and print the new one, this one time."""
    with _chosen(options) as (store, webhook):
        from ..store import StoreError

        try:
            changed, secret = store.webhooks.replace_secret(webhook.id)
        except StoreError as error:
            raise CommandFailed(str(error)) from None
    if options.json:
        terminal.print_json({**records.as_dict(changed), "secret": secret})
        return 0
    terminal.print_line(secret)
    terminal.print_message(
        f"{changed.id} to {terminal.redact_keys(changed.address)} has a new secret, which is shown this one time. "
        "For a day, deliveries are signed with the earlier one too."
    )
    return 0


def remove(options: argparse.Namespace) -> int:
    """Remove a webhook with its deliveries."""
    with _chosen(options) as (store, webhook):
        removed = store.webhooks.remove(webhook.id)
    return records.report(options, removed, f"{removed.id} to {terminal.redact_keys(removed.address)} is removed.")


def deliveries(options: argparse.Namespace) -> int:
    """List the newest deliveries, of one webhook or of all."""
    if options.id is None:
        with open_existing_store() as store:
            found = [] if store is None else store.webhooks.deliveries(limit=options.limit)
    else:
        with _chosen(options) as (store, webhook):
            found = store.webhooks.deliveries(webhook.id, limit=options.limit)
    if options.json:
        terminal.print_json([_delivery_as_json(delivery) for delivery in found])
        return 0
    return records.print_list(options, found, _print_deliveries, "Nothing was sent yet", "webhooks test tests one.")


def resend(options: argparse.Namespace) -> int:
    """Let a delivery be made again by the server."""
    with open_existing_store() as store:
        from ..store import StoreError

        newest = [] if store is None else store.webhooks.deliveries(limit=1000)
        found = records.find(newest, options.id, describe=lambda one: one.id)
        if store is None or found is None:
            raise records.no_such("delivery", options.id, store, "webhooks deliveries")
        try:
            changed = store.webhooks.resend(found.id)
        except StoreError as error:
            raise CommandFailed(str(error)) from None
    if options.json:
        terminal.print_json(_delivery_as_json(changed))
    else:
        terminal.print_line(f"{changed.id} is sent again, as soon as a server runs.")
    return 0


def mail_server() -> MailServer | None:
    """The mail server that the environment names."""
    from ..webhooks import MailServer

    try:
        return MailServer.from_environment()
    except ValueError as error:
        raise CommandFailed(str(error)) from None


@contextmanager
def _chosen(options: argparse.Namespace) -> Iterator[tuple[Store, Webhook]]:
    """The open store and the webhook that ID names."""
    with open_existing_store() as store:
        webhooks = [] if store is None else store.webhooks.list()
        found = records.find(
            webhooks, options.id, describe=lambda one: f"{one.id} to {terminal.redact_keys(one.address)}"
        )
        if store is None or found is None:
            raise records.no_such("webhook", options.id, store, "webhooks list")
        yield store, found


def _delivery_as_json(delivery: Delivery) -> dict[str, Any]:
    import json

    values = records.as_dict(delivery)
    return {**values, "body": json.loads(values["body"])}


def _print_webhooks(webhooks: Sequence[Webhook]) -> None:
    rows = [
        {
            "id": webhook.id,
            "address": terminal.redact_keys(webhook.address),
            "state": _state(webhook),
            "events": _events(webhook),
            "last delivered": local_time(webhook.delivered_at),
        }
        for webhook in webhooks
    ]
    terminal.print_table(rows, {"state": lambda state: _COLOURS[state.split(":")[0].split()[0]]})


def _state(webhook: Webhook) -> str:
    if webhook.off_at is not None:
        return f"off: {webhook.off_reason}"
    return "on" if webhook.failing_since is None else f"failing since {local_time(webhook.failing_since)}"


def _events(webhook: Webhook) -> str:
    return "all events" if webhook.events is None else ", ".join(webhook.events)


def _print_deliveries(found: Sequence[Delivery]) -> None:
    rows = [
        {
            "id": delivery.id,
            "event": delivery.event,
            "when": local_time(delivery.created_at),
            "state": delivery.state,
            "attempts": str(delivery.attempts),
            "status": str(delivery.status or ""),
            "ms": str(delivery.milliseconds or ""),
            "next try": local_time(delivery.next_at),
            "error": delivery.error or "",
            "webhook": delivery.webhook_id,
        }
        for delivery in found
    ]
    terminal.print_table(rows, {"state": lambda state: _COLOURS.get(state, "yellow")})
