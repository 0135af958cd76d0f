"""Deliveries: signed, small, again and again for a day, each with one id; what ends them, and what is recorded."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from openrouter_toolkit.jobs import Job, Runner
from openrouter_toolkit.store import Store, StoreError
from openrouter_toolkit.store.event_types import EVENTS
from openrouter_toolkit.store.webhooks import UnknownWebhook
from openrouter_toolkit.webhooks import Deliverer
from openrouter_toolkit.webhooks.delivering import WAITS

from ..store.conftest import PassTime
from ..timing import wait_until
from .conftest import EVENT, Receiver, Run, add, both, happen

LONG = timedelta(hours=12)


@both
def test_an_event_arrives_signed(store: Store, receiver: Receiver, run: Run) -> None:
    webhook_id, secret = add(store, f"{receiver.address}/hook?a=1")
    event_id = happen(store)
    run()
    ((path, headers, body),) = receiver.got
    assert path == "/hook?a=1"
    told = Webhook(secret).verify(body, headers)
    assert (told["type"], told["data"]) == ("account.connected", EVENT)
    assert headers["webhook-id"] == event_id
    assert headers["content-type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace(b"alice", b"bobby"), headers)
    (delivery,) = store.webhooks.deliveries(webhook_id)
    assert (delivery.state, delivery.status, delivery.attempts, delivery.next_at) == ("delivered", 200, 1, None)
    assert delivery.milliseconds is not None
    assert delivery.error is None
    assert store.webhooks.get(webhook_id).delivered_at is not None
    run()
    assert len(receiver.got) == 1


@both
def test_only_chosen_events_are_told_and_only_while_it_is_on(store: Store, receiver: Receiver, run: Run) -> None:
    webhook_id, _ = add(store, receiver.address, "account.refused")
    happen(store)
    happen(store, "account.refused", why="Because.")
    run()
    assert [json.loads(body)["type"] for _, _, body in receiver.got] == ["account.refused"]
    store.webhooks.choose(webhook_id, None)
    store.webhooks.turn_off(webhook_id)
    happen(store)
    store.webhooks.turn_on(webhook_id)
    run()
    assert len(receiver.got) == 1
    happen(store)
    run()
    assert len(receiver.got) == 2


def test_two_webhooks_are_told_with_the_same_id(store: Store, receiver: Receiver, run: Run) -> None:
    for number in range(2):
        add(store, f"{receiver.address}/{number}")
    event_id = happen(store)
    run()
    assert sorted(path for path, _, _ in receiver.got) == ["/0", "/1"]
    assert receiver.ids == [event_id] * 2


def test_nothing_is_told_of_a_change_that_was_rolled_back(store: Store, receiver: Receiver, run: Run) -> None:
    add(store, receiver.address)
    with suppress(ZeroDivisionError), store.transaction():
        happen(store)
        raise ZeroDivisionError
    run()
    assert receiver.got == []


@both
def test_it_is_sent_again_for_about_a_day_with_the_same_id(
    store: Store, receiver: Receiver, run: Run, pass_time: PassTime
) -> None:
    webhook_id, secret = add(store, receiver.address)
    receiver.status, receiver.body = 503, b"<b>busy</b>\x1b[31m"
    event_id = happen(store)
    waited = timedelta()
    for number, wait in enumerate(WAITS, 1):
        run()
        (delivery,) = store.webhooks.deliveries()
        assert (delivery.state, delivery.attempts, delivery.status) == ("waiting", number, 503)
        assert (delivery.error or "").startswith("It answered 503: <b>busy</b>")
        assert "\x1b" not in (delivery.error or "")
        assert delivery.sent_at is not None
        assert delivery.next_at is not None
        planned = delivery.next_at - delivery.sent_at
        assert wait * 0.9 <= planned <= wait * 1.1
        pass_time(wait * 0.8)
        run()
        assert len(receiver.got) == number, "not too early"
        pass_time(wait * 0.3)
        waited += planned
    run()
    assert len(receiver.got) == len(WAITS) + 1
    assert set(receiver.ids) == {event_id}
    assert timedelta(hours=22) < waited < timedelta(hours=30)
    for _, headers, body in receiver.got[-1:]:
        with pytest.raises(WebhookVerificationError, match="too new"):  # by this machine's clock it is the future
            Webhook(secret).verify(body, headers)
    (delivery,) = store.webhooks.deliveries()
    assert (delivery.state, delivery.next_at) == ("failed", None)
    webhook = store.webhooks.get(webhook_id)
    assert webhook.off_at is not None
    assert webhook.off_reason is not None
    assert webhook.off_reason.startswith("No delivery was taken for a day; the last error: It answered 503")


def test_one_that_takes_others_meanwhile_is_not_switched_off(
    store: Store, receiver: Receiver, run: Run, pass_time: PassTime
) -> None:
    webhook_id, _ = add(store, receiver.address)
    poison = happen(store)
    for wait in WAITS:
        receiver.status = 500
        run()
        receiver.status = 200
        happen(store)
        run()
        pass_time(wait * 1.1)
    receiver.status = 500
    run()
    states = {delivery.event_id: delivery.state for delivery in store.webhooks.deliveries()}
    assert states.pop(poison) == "failed"
    assert set(states.values()) == {"delivered"}
    assert store.webhooks.get(webhook_id).off_at is None


def test_410_ends_it_at_once(store: Store, receiver: Receiver, run: Run, caplog: pytest.LogCaptureFixture) -> None:
    webhook_id, _ = add(store, receiver.address)
    for _ in range(3):
        happen(store)
    receiver.status = 410
    with caplog.at_level("INFO", "openrouter_toolkit"):
        run()
    webhook = store.webhooks.get(webhook_id)
    assert webhook.off_reason == "It answered 410 Gone."
    assert "switched off: It answered 410 Gone." in caplog.text
    run()
    assert len(receiver.got) == 1
    assert {delivery.state for delivery in store.webhooks.deliveries()} == {"failed"}
    receiver.status = 200
    with pytest.raises(StoreError, match="Switch it on first"):
        store.webhooks.resend(store.webhooks.deliveries()[0].id)
    store.webhooks.turn_on(webhook_id)
    again = store.webhooks.resend(store.webhooks.deliveries()[0].id)
    run()
    assert receiver.ids[1:] == [again.event_id]


def test_a_receiver_may_ask_for_more_time(store: Store, receiver: Receiver, run: Run, pass_time: PassTime) -> None:
    add(store, receiver.address)
    receiver.status, receiver.headers = 429, {"Retry_After": "3600"}
    happen(store)
    run()
    pass_time(timedelta(minutes=59))
    run()
    assert len(receiver.got) == 1
    pass_time(timedelta(minutes=2))
    run()
    assert len(receiver.got) == 2


def test_a_redirect_is_not_followed(store: Store, receiver: Receiver, run: Run) -> None:
    add(store, f"{receiver.address}/first")
    receiver.status, receiver.headers = 307, {"Location": f"{receiver.address}/second"}
    happen(store)
    run()
    assert [path for path, _, _ in receiver.got] == ["/first"]
    assert "redirect, which is not followed" in (store.webhooks.deliveries()[0].error or "")


def test_a_clock_that_was_ahead_delays_nothing(store: Store, receiver: Receiver, run: Run, pass_time: PassTime) -> None:
    add(store, receiver.address)
    receiver.status = 500
    pass_time(timedelta(days=3000))
    happen(store)
    run()
    pass_time(-timedelta(days=3000))
    receiver.status = 200
    run()
    assert len(receiver.got) == 2


class Raw:
    """A receiver that says what it is given, with a pause after each piece."""

    def __init__(self, *pieces: bytes, pause: float = 0.0) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(pieces, pause), daemon=True)
        self._thread.start()

    def _serve(self, pieces: tuple[bytes, ...], pause: float) -> None:
        with suppress(OSError), self._listening, self._listening.accept()[0] as connection:
            connection.recv(65536)
            for piece in pieces:
                connection.sendall(piece)
                self._over.wait(pause)
            if not pieces:
                self._over.wait(pause)

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with suppress(OSError):
            socket.create_connection(self._listening.getsockname(), timeout=1).close()
        self._thread.join()


@pytest.mark.parametrize(
    ("pieces", "status", "error"),
    [
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 9000000000\r\n\r\nok",), 200, None),
        ((b"HTTP/1.1 500 No\r\nContent-Length: 9000000000\r\n\r\n" + b"x" * 100_000,), 500, "It answered 500."),
        ((b"nonsense\r\n\r\n",), None, "broke"),
        ((), None, "kept silent|sent nothing|broke|deadline"),
    ],
)
def test_answers_of_any_kind_are_read_within_limits(
    store: Store,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    pieces: tuple[bytes, ...],
    status: int | None,
    error: str | None,
) -> None:
    monkeypatch.setattr("openrouter_toolkit.webhooks.delivering._TIMEOUT", 0.3)
    with Raw(*pieces, pause=1.0) as raw:
        add(store, raw.address)
        happen(store)
        began = time.monotonic()
        run()
    assert time.monotonic() - began < 5
    (delivery,) = store.webhooks.deliveries()
    assert delivery.status == status
    if error is None:
        assert delivery.state == "delivered"
    else:
        assert delivery.error is not None
        assert any(words in delivery.error for words in error.split("|"))


def test_one_that_drips_is_ended_in_time(store: Store, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openrouter_toolkit.webhooks.delivering._TIMEOUT", 0.3)
    with Raw(b"HTTP/1.1 200 OK\r\n", *[b"X-A: b\r\n"] * 200, pause=0.05) as raw:
        add(store, raw.address)
        happen(store)
        began = time.monotonic()
        run()
    assert time.monotonic() - began < 3
    assert store.webhooks.deliveries()[0].state == "waiting"


def test_a_silent_webhook_delays_no_other_and_the_jobs_stop_at_once(
    store: Store, receiver: Receiver, deliverer: Deliverer
) -> None:
    with Raw(pause=60) as silent:
        add(store, silent.address)
        add(store, receiver.address)
        happen(store)
        runner = Runner(store.database, [Job("deliveries", 0.01, deliverer.job())])
        runner.start()
        try:
            wait_until(lambda: receiver.got)
        finally:
            began = time.monotonic()
            runner.stop()
            assert time.monotonic() - began < 1.5
    waiting = [delivery for delivery in store.webhooks.deliveries() if delivery.state == "waiting"]
    assert [delivery.attempts for delivery in waiting] == [0], "it was not made, and will be"


def test_a_test_says_what_came_of_it_and_is_not_repeated(
    store: Store, receiver: Receiver, deliverer: Deliverer, run: Run, pass_time: PassTime
) -> None:
    webhook_id, secret = add(store, receiver.address, "account.refused")
    done = deliverer.test(webhook_id)
    assert (done.state, done.status) == ("delivered", 200)
    ((_, headers, body),) = receiver.got
    assert Webhook(secret).verify(body, headers)["data"]["message"] == "This webhook of Tools of Acme works."
    receiver.status = 410
    done = deliverer.test(webhook_id)
    assert (done.state, done.status, done.error) == ("failed", 410, "It answered 410: ok.")
    assert store.webhooks.get(webhook_id).off_at is None
    pass_time(LONG)
    run()
    assert len(receiver.got) == 2
    with pytest.raises(UnknownWebhook):
        deliverer.test("wh_unknown")


def test_slack_gets_a_sentence(store: Store, receiver: Receiver, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openrouter_toolkit.webhooks.targets.SLACK_HOST", "127.0.0.1")
    webhook_id, secret = add(store, f"{receiver.address}/services/T0/B0/secret-part-abcd")
    assert secret == ""
    webhook = store.webhooks.get(webhook_id)
    assert webhook.kind == "slack"
    assert "secret-part" not in webhook.address
    happen(store, "account.refused", why="<!channel> & more")
    run()
    ((path, headers, body),) = receiver.got
    assert path.endswith("secret-part-abcd")
    assert "webhook-signature" not in headers
    text = json.loads(body)["text"]
    assert text == (
        "Tools of Acme: The key of the account work of user alice (OPENROUTER) can't be used any more: "
        "&lt;!channel&gt; &amp; more."
    )


def test_a_removed_webhook_gets_nothing_more(store: Store, receiver: Receiver, run: Run) -> None:
    webhook_id, _ = add(store, receiver.address)
    happen(store)
    store.webhooks.remove(webhook_id)
    run()
    assert receiver.got == []
    assert store.webhooks.deliveries() == []


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.name)
def test_every_event_reads_well_and_is_small(event: Any) -> None:
    assert event.example.keys() == event.fields.keys()
    sentence = event.words(event.example)
    assert sentence.endswith(".")
    assert "None" not in sentence
    assert len(json.dumps(event.example)) < 1000
    anonymous = {name: None if name in ("user_id", "alias") else value for name, value in event.example.items()}
    assert "None" not in event.words(anonymous)
