"""/admin/webhooks: addresses that receive events: add, test, choose events, switch, remove; their deliveries."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from ...store.event_types import CHOSEN, EVENTS
from ...store.webhooks import Delivery, UnknownWebhook, Webhook, WebhookRefused
from ...text.redaction import redact_thoroughly
from ...webhooks import InvalidAddress, read_address
from ..error_responses import Problem
from ..state import hosted
from .cards import Badge
from .menu import WEBHOOKS
from .rendering import Form, redirect_after, render, sentence

_PREFIX = "event."
_DELIVERIES = 50
_KINDS = {"http": "Standard Webhooks", "slack": "Slack", "email": "E-mail"}
_STATES = {
    "waiting": Badge("Waiting", "warn"),
    "delivered": Badge("Delivered", "good"),
    "failed": Badge("Failed", "bad"),
}
router = APIRouter(prefix=WEBHOOKS)


@dataclass
class _NewWebhook:
    """The submitted form and its problems by field."""

    address: str = ""
    all_events: bool = True
    events: list[str] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)


def _webhook(request: Request, webhook_id: str) -> Webhook:
    return hosted(request).store.webhooks.get(webhook_id)


# The webhook in the path. The answer is 404 if there is none.
InPath = Annotated[Webhook, Depends(_webhook)]


@router.get("")
def webhooks(request: Request) -> Response:
    """Show all webhooks, and the form for another."""
    return _list(request, _NewWebhook())


@router.post("")
def add(request: Request, form: Form) -> Response:
    """Add a webhook, and show its secret, this one time."""
    state = hosted(request)
    submitted = _NewWebhook(form.get("target", "").strip(), form.get("which") != "chosen", _chosen(form))
    email = state.settings.mail_server is not None
    try:
        address = read_address(submitted.address, private=state.settings.private_webhooks, email=email)
    except InvalidAddress as error:
        submitted.problems["address"] = sentence(str(error))
        if redact_thoroughly(submitted.address, ()) != submitted.address:
            submitted.address = ""  # a key is not shown again
    if not submitted.all_events and not submitted.events:
        submitted.problems["events"] = "Choose one event or more."
    if submitted.problems:
        return _list(request, submitted, 422)
    try:
        webhook, secret = state.store.webhooks.add(*address, None if submitted.all_events else submitted.events)
    except WebhookRefused as error:
        submitted.problems["address"] = str(error)
        return _list(request, submitted, 422)
    if secret is None:
        return redirect_after(request, "webhook-added", webhook.address, _path(webhook))
    return _secret(request, webhook, secret)


@router.get("/{webhook_id}")
def one(request: Request, webhook: InPath) -> Response:
    """Show a webhook with its newest deliveries."""
    return _one(request, webhook)


@router.post("/{webhook_id}/test")
def test(request: Request, webhook: InPath) -> Response:
    """Send a test event now, and say what came of it."""
    sent = hosted(request).webhooks.test(webhook.id)
    done = "webhook-tested" if sent.error is None else "webhook-refused"
    return redirect_after(request, done, webhook.address, _path(webhook))


@router.post("/{webhook_id}/secret")
def replace_secret(request: Request, webhook: InPath) -> Response:
    """Replace the secret, and show the new one, this one time."""
    try:
        changed, secret = hosted(request).store.webhooks.replace_secret(webhook.id)
    except WebhookRefused as error:
        raise Problem(409, str(error)) from None
    return _secret(request, changed, secret, replaced=True)


@router.post("/{webhook_id}/events")
def choose(request: Request, webhook: InPath, form: Form) -> Response:
    """Change the events that it receives."""
    events = None if form.get("which") != "chosen" else _chosen(form)
    if events == []:
        return _one(request, webhook, "Choose one event or more.", 422)
    hosted(request).store.webhooks.choose(webhook.id, events)
    return redirect_after(request, "webhook-changed", webhook.address, _path(webhook))


@router.post("/{webhook_id}/on")
def turn_on(request: Request, webhook: InPath) -> Response:
    """Switch it on."""
    hosted(request).store.webhooks.turn_on(webhook.id)
    return redirect_after(request, "webhook-enabled", webhook.address, _path(webhook))


@router.post("/{webhook_id}/off")
def turn_off(request: Request, webhook: InPath) -> Response:
    """Switch it off."""
    hosted(request).store.webhooks.turn_off(webhook.id)
    return redirect_after(request, "webhook-disabled", webhook.address, _path(webhook))


@router.post("/{webhook_id}/deliveries/{delivery_id}/resend")
def resend(request: Request, webhook: InPath, delivery_id: str) -> Response:
    """Let a delivery be made again."""
    webhooks = hosted(request).store.webhooks
    with suppress(UnknownWebhook):
        if webhooks.delivery(delivery_id).webhook_id == webhook.id:
            try:
                webhooks.resend(delivery_id)
            except WebhookRefused as error:
                raise Problem(409, str(error)) from None
            return redirect_after(request, "delivery-repeated", webhook.address, _path(webhook), at="deliveries")
    raise Problem(404, "There is no such delivery. Old ones are deleted.")


@router.get("/{webhook_id}/remove")
def confirm_remove(request: Request, webhook: InPath) -> Response:
    """Show the confirmation page for a removal."""
    return render(
        request,
        "question.html",
        toolkit=None,
        heading="Remove the webhook?",
        text="It receives nothing any more, and the log of its deliveries is deleted.",
        facts={"icon": "webhook", "name": webhook.address, "text": _KINDS.get(webhook.kind, webhook.kind)},
        yes="Remove",
        bad=True,
        back=_path(webhook),
        hidden={},
    )


@router.post("/{webhook_id}/remove")
def remove(request: Request, webhook_id: str) -> Response:
    """Remove it after the confirmation."""
    try:
        removed = hosted(request).store.webhooks.remove(webhook_id)
    except UnknownWebhook:  # another request has just removed it, which is the wanted result
        return redirect_after(request, "webhook-removed-already", "", WEBHOOKS)
    return redirect_after(request, "webhook-removed", removed.address, WEBHOOKS)


def _list(request: Request, submitted: _NewWebhook, status: int = 200) -> Response:
    state = hosted(request)
    return render(
        request,
        "webhooks.html",
        status,
        webhooks=[_row(webhook) for webhook in state.store.webhooks.list()],
        given=submitted,
        events=_events(None if submitted.all_events else submitted.events),
        email=state.settings.mail_server is not None,
    )


def _one(request: Request, webhook: Webhook, problem: str | None = None, status: int = 200) -> Response:
    deliveries = hosted(request).store.webhooks.deliveries(webhook.id, limit=_DELIVERIES)
    return render(
        request,
        "webhook.html",
        status,
        webhook=_row(webhook),
        events=_events(webhook.events),
        problem=problem,
        deliveries=[_delivery_row(delivery) for delivery in deliveries],
    )


def _secret(request: Request, webhook: Webhook, secret: str, *, replaced: bool = False) -> Response:
    return render(
        request,
        "webhook_secret.html",
        webhook=webhook,
        secret=secret,
        heading="The webhook has a new secret" if replaced else "The webhook is added",
        replaced=replaced,
        path=_path(webhook),
    )


def _path(webhook: Webhook) -> str:
    return f"{WEBHOOKS}/{webhook.id}"


def _row(webhook: Webhook) -> dict[str, Any]:
    if webhook.off_at is not None:
        badge = Badge("Switched off", "bad" if webhook.failing_since else "warn")
    else:
        badge = Badge("Failing", "bad") if webhook.failing_since else Badge("On", "good")
    return {
        "path": _path(webhook),
        "id": webhook.id,
        "address": webhook.address,
        "kind": _KINDS.get(webhook.kind, webhook.kind),
        "signed": webhook.kind == "http",
        "badge": badge,
        "on": webhook.off_at is None,
        "all_events": webhook.events is None,
        "events": webhook.events or (),
        "why": webhook.off_reason,
        "off_at": webhook.off_at,
        "failing_since": webhook.failing_since,
        "delivered_at": webhook.delivered_at,
        "created_at": webhook.created_at,
    }


def _delivery_row(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "event": delivery.event,
        "event_id": delivery.event_id,
        "badge": _STATES.get(delivery.state, Badge(delivery.state, "")),
        "created_at": delivery.created_at,
        "next_at": delivery.next_at,
        "status": delivery.status,
        "milliseconds": delivery.milliseconds,
        "attempts": delivery.attempts,
        "error": delivery.error,
        "body": delivery.body,
    }


def _events(chosen: list[str] | tuple[str, ...] | None) -> list[dict[str, Any]]:
    """Return the types of events that can be chosen, each with whether it is."""
    return [
        {"name": name, "field": f"{_PREFIX}{name}", "when": EVENTS[name].when, "chosen": name in (chosen or ())}
        for name in CHOSEN
    ]


def _chosen(form: dict[str, str]) -> list[str]:
    return [name for name in CHOSEN if f"{_PREFIX}{name}" in form]
