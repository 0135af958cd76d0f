"""Delivers what is due: signed, to a network address that was checked, again and again for about a day."""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from random import uniform
from time import monotonic
from typing import NamedTuple
from urllib.parse import urlsplit

from standardwebhooks import Webhook as Signature

from .. import __version__
from ..call import Call
from ..envelope import ActionError
from ..http import pinned
from ..http.api import Api
from ..http.retry_after import retry_after
from ..jobs import Stop, for_each
from ..store import Store, StoreError
from ..store.columns import now
from ..store.webhooks import Delivery, Outcome, Target, UnknownWebhook
from ..text.redaction import redacted_traceback
from ..text.sanitize import short_name
from . import mail
from .mail import MailServer
from .messages import message, slack_body
from .network import AddressRefused, look_up

EVERY = 2.0
# The waits after each attempt: eight attempts within about a day.
WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=8),
    timedelta(hours=10),
)
_LONGEST_HINT = timedelta(hours=10)
_OFF_AFTER = timedelta(days=1)
_TIMEOUT = 15.0
_AT_ONCE = 8
_MAX_PER_RUN = 50
# How long a webhook that failed is left alone, so that a silent one does not keep a thread busy.
_PAUSE = 30.0
_GONE = 410
_API = Api("the webhook's host", "the webhook's address")
_log = logging.getLogger("openrouter_toolkit")


class _Sent(NamedTuple):
    """What came of sending: whether it was taken, the HTTP status, why not, and how long the receiver wants to rest."""

    taken: bool
    status: int | None = None
    error: str | None = None
    rest: float | None = None


@dataclass(frozen=True)
class Deliverer:
    """Delivers a store's events. Safe for many threads and processes: each delivery is made by one at a time.

    Attributes:
        store: the store.
        host_name: the sender's name in chats and mails.
        private: whether http and addresses of private networks are allowed.
        mail_server: by which e-mails are sent; None if they can't be.
    """

    store: Store
    host_name: str = "OpenRouter Toolkit"
    private: bool = False
    mail_server: MailServer | None = None

    def job(self) -> Callable[[Stop], None]:
        """Return a function that makes the deliveries that are due, for a `Job`."""
        return partial(self._run, paused_until={})

    def deliver(self, delivery: Delivery, call: Call | None = None) -> Delivery:
        """Make one delivery now, and record what came of it.

        Raises:
            UnknownWebhook: its webhook was removed meanwhile.
            SealBroken: its address can't be decrypted.
            ActionError: the call was cancelled; nothing is recorded.
        """
        target = self.store.webhooks.target(delivery.webhook_id)
        begun = monotonic()
        sent = self._send(target, delivery, Call(timeout=_TIMEOUT) if call is None else call)
        outcome = self._outcome(delivery, sent, round((monotonic() - begun) * 1000))
        return self.store.webhooks.record(delivery, outcome)

    def test(self, webhook_id: str) -> Delivery:
        """Send a test event to a webhook, once, and return what came of it. Raises as `deliver`."""
        return self.deliver(self.store.webhooks.write_test(webhook_id, f"This webhook of {self.host_name} works."))

    def _run(self, stop: Stop, paused_until: dict[str, float]) -> None:
        due = [one for one in self.store.webhooks.due() if monotonic() >= paused_until.get(one, 0.0)]

        def deliver(webhook_id: str) -> None:
            works = self._deliver_due(webhook_id, stop)
            paused_until[webhook_id] = 0.0 if works else monotonic() + _PAUSE

        for_each(due, deliver, at_once=_AT_ONCE, name="webhook")

    def _deliver_due(self, webhook_id: str, stop: Stop) -> bool:
        """Deliver what is due to one webhook, until it fails. Returns whether it did not."""
        try:
            for _ in range(_MAX_PER_RUN):
                delivery = None if stop else self.store.webhooks.claim(webhook_id)
                if delivery is None:
                    return True
                with stop.call(_TIMEOUT) as call:
                    done = self.deliver(delivery, call)
                if done.error is not None:
                    return False
        except (UnknownWebhook, ActionError):  # it was removed, or the jobs stop: then it is due again soon
            return True
        except StoreError as error:
            _log.warning("deliveries to the webhook %s wait: %s", webhook_id, error)
            return False
        except Exception:  # noqa: BLE001 - one webhook must not hold up others
            _log.error("deliveries to the webhook %s failed\n%s", webhook_id, redacted_traceback())
            return False
        return True

    def _outcome(self, delivery: Delivery, sent: _Sent, milliseconds: int) -> Outcome:
        if sent.taken:
            return Outcome(True, sent.status, milliseconds)
        error = sent.error or f"It answered {sent.status}."
        if delivery.event == "webhook.test":
            return Outcome(False, sent.status, milliseconds, error)
        if sent.status == _GONE:
            return Outcome(False, sent.status, milliseconds, error, off="It answered 410 Gone.")
        if delivery.attempts < len(WAITS):
            wait = WAITS[delivery.attempts] * uniform(0.9, 1.1)  # noqa: S311 - spread, so that they don't come at once
            if sent.rest is not None:
                wait = max(wait, min(_LONGEST_HINT, timedelta(seconds=sent.rest)))
            return Outcome(False, sent.status, milliseconds, error, again_after=wait)
        failing_since = self.store.webhooks.get(delivery.webhook_id).failing_since
        long = failing_since is not None and now() - failing_since >= _OFF_AFTER
        off = f"No delivery was taken for a day; the last error: {error}" if long else None
        return Outcome(False, sent.status, milliseconds, error, off=off)

    def _send(self, target: Target, delivery: Delivery, call: Call) -> _Sent:
        try:
            if target.kind == "email":
                return self._send_mail(target, delivery)
            if target.kind == "slack":
                body, headers = slack_body(delivery.body, self.host_name), {}
            else:
                body, headers = delivery.body.encode(), _signed(target, delivery)
            return self._post(target.address, body, headers, call)
        except (AddressRefused, ActionError) as error:
            if isinstance(error, ActionError) and error.type == "cancelled":
                raise
            return _Sent(False, error=error.message if isinstance(error, ActionError) else str(error))

    def _send_mail(self, target: Target, delivery: Delivery) -> _Sent:
        if self.mail_server is None:
            return _Sent(False, error=f"E-mails can't be sent: {mail.VARIABLE} is not set.")
        try:
            mail.send(self.mail_server, target.address, message(delivery.body, self.host_name), delivery.event_id)
        except smtplib.SMTPRecipientsRefused as error:
            code, words = next(iter(error.recipients.values()), (0, b""))
            return _Sent(False, error=f"The mail server refused the address: {code} {_text(words)}")
        except smtplib.SMTPResponseException as error:
            return _Sent(False, error=f"The mail server answered {error.smtp_code}: {_text(error.smtp_error)}")
        except (smtplib.SMTPException, OSError) as error:
            return _Sent(False, error=f"The mail server did not take it: {error}")
        return _Sent(True)

    def _post(self, address: str, body: bytes, headers: Mapping[str, str], call: Call) -> _Sent:
        url = urlsplit(address)
        if url.scheme != "https" and not self.private:
            raise AddressRefused("The URL is not https. The operator of this server can allow it: --private-webhooks.")
        port = url.port or (443 if url.scheme == "https" else 80)
        sent = {
            "Content-Type": "application/json",
            "User-Agent": f"openrouter-toolkit/{__version__}",
            "Connection": "close",
            **headers,
        }
        addresses = look_up(url.hostname or "", port, private=self.private)
        for number, one in enumerate(addresses, 1):
            try:
                answer = pinned.post(url, one, sent, body, call, _API)
                break
            except ActionError as error:
                if error.details.get("sent") is not False or number == len(addresses) or call.ending():
                    raise
        if 200 <= answer.status < 300:
            return _Sent(True, answer.status)
        why = f"It answered {answer.status}"
        if 300 <= answer.status < 400:
            why += ", a redirect, which is not followed: give the address that it leads to"
        elif answer.text:
            why += f": {short_name(answer.text, 100)}"
        lower = {name.lower(): value for name, value in answer.headers.items()}
        return _Sent(False, answer.status, f"{why.rstrip('.')}.", retry_after({}, lower, own_limit=False))


def _signed(target: Target, delivery: Delivery) -> dict[str, str]:
    """Return the headers of Standard Webhooks for a delivery."""
    at = now().replace(microsecond=0)
    signatures = [Signature(secret).sign(delivery.event_id, at, delivery.body) for secret in target.secrets]
    return {
        "webhook-id": delivery.event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _text(words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return short_name(text, 150)
