"""The page Webhooks: added with a secret that is shown once, tested, chosen, switched, sent again, removed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from standardwebhooks import Webhook

from openrouter_toolkit.server.pages.login import login_address
from openrouter_toolkit.store import MasterKey, Role, Store
from openrouter_toolkit.store.audit.log import AuditFilter

from ...timing import wait_until
from ...webhooks.conftest import Receiver, happen
from ..served import Served, serving
from .person import Page, Person

WEBHOOKS = "/admin/webhooks"
CHOSEN = ("event.account.refused", "event.call.failing")


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Store, Receiver]]:
    url = f"sqlite:///{tmp_path_factory.mktemp('webhooks') / 'store.db'}"
    with ExitStack() as stack:
        store = stack.enter_context(Store.open(url, master_keys=[MasterKey.fresh()]))
        served = stack.enter_context(serving(store, private_webhooks=True))
        yield served, store, Receiver(stack)


@pytest.fixture
def store(everything: tuple[Served, Store, Receiver]) -> Store:
    store = everything[1]
    for webhook in store.webhooks.list():
        store.webhooks.remove(webhook.id)
    return store


@pytest.fixture
def receiver(everything: tuple[Served, Store, Receiver]) -> Receiver:
    receiver = everything[2]
    receiver.got.clear()
    receiver.status = 200
    return receiver


@pytest.fixture
def admin(everything: tuple[Served, Store, Receiver]) -> Iterator[Person]:
    person = Person(everything[0]).log_in()
    yield person
    person.client.close()


def add(admin: Person, address: str, **fields: str) -> Page:
    return admin.send(admin.open(WEBHOOKS), "Add", target=address, **{"which": "all", **fields})


def secrets_on(page: Page) -> list[str]:
    return re.findall(r'value="(whsec_[^"]+)"', page.html)


def test_the_secret_is_shown_once_and_signs_what_is_told(admin: Person, store: Store, receiver: Receiver) -> None:
    page = add(admin, f"{receiver.address}/hook?token=unseen-1234")
    (secret,) = secrets_on(page)
    assert "shown this one time" in page.text
    (webhook,) = store.webhooks.list()
    page = admin.open(page.links["Done"])
    assert f"{receiver.address}/hook?…" in page.text
    assert secret not in page.html
    assert "unseen-1234" not in page.html
    page = admin.send(page, "Send a test")
    assert f"{receiver.address}/hook?… took the test." in page.text
    assert "webhook.test Delivered" in page.text
    ((_, headers, body),) = receiver.got
    assert Webhook(secret).verify(body, headers)["data"]["webhook_id"] == webhook.id
    receiver.status = 500
    page = admin.send(page, "Send a test")
    assert "did not take the test." in page.text
    assert "It answered 500: ok." in page.text
    assert admin.open(WEBHOOKS).text.count("Failing") == 1


def test_events_are_chosen_and_changed(admin: Person, store: Store) -> None:
    page = add(admin, "https://hooks.example.com/", which="chosen")
    assert page.status == 422
    assert "Choose one event or more." in page.text
    assert 'value="https://hooks.example.com/"' in page.html
    add(
        admin,
        "https://hooks.example.com/",
        which="chosen",
        **{"event.account.refused": "on", "event.call.failing": "on"},
    )
    (webhook,) = store.webhooks.list()
    assert webhook.events == ("account.refused", "call.failing")
    path = f"{WEBHOOKS}/{webhook.id}"
    page = admin.send(admin.open(path), "Save", which="all")
    assert "The events for https://hooks.example.com/ are saved." in page.text
    assert store.webhooks.get(webhook.id).events is None
    page = admin.open(path)
    form = page.form("Save")
    refused = admin.post(f"{path}/events", csrf=form.fields["csrf"], which="chosen")
    assert refused.status == 422
    assert "all events" in admin.open(WEBHOOKS).text


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("", "Give an https URL"),
        ("ftp://example.com", "Give an https URL"),
        ("ops@example.com", "E-mails can't be sent"),
        ("https://user:secret@example.com/", "The URL must have no user name"),
    ],
)
def test_what_can_not_be_added_is_explained(admin: Person, store: Store, address: str, why: str) -> None:
    page = add(admin, address)
    assert page.status == 422
    assert why in page.text
    assert store.webhooks.list() == []


def test_a_key_that_was_pasted_is_not_shown_again(admin: Person, store: Store) -> None:
    key = "sk-or-v1-0123456789abcdef0123456789abcdef"
    assert key not in add(admin, key).html


def test_slack_has_no_secret_and_its_address_is_not_shown(admin: Person, store: Store) -> None:
    page = add(admin, "https://hooks.slack.com/services/T0/B0/unseen-1234")
    assert "is added. A test shows whether it works." in page.text
    assert "Slack" in page.text
    assert "unseen-1234" not in page.html


def test_it_is_switched_off_and_on_and_what_failed_is_sent_again(
    admin: Person, store: Store, receiver: Receiver
) -> None:
    add(admin, receiver.address)
    (webhook,) = store.webhooks.list()
    page = admin.send(admin.open(f"{WEBHOOKS}/{webhook.id}"), "Switch off")
    assert "Somebody switched it off." in page.text
    page = admin.send(page, "Switch on")
    assert "is switched on" in page.text
    admin.send(page, "Send a test")
    (delivery,) = store.webhooks.deliveries(webhook.id)
    page = admin.send(admin.open(f"{WEBHOOKS}/{webhook.id}"), "Send again")
    assert f"It is sent to {receiver.address} again in a moment." in page.text
    assert store.webhooks.delivery(delivery.id).attempts in (0, 1)
    elsewhere = admin.post(
        f"{WEBHOOKS}/{webhook.id}/deliveries/dlv_unknown/resend", csrf=page.form("Save").fields["csrf"]
    )
    assert elsewhere.status == 404


def test_a_secret_is_replaced_and_both_sign_for_a_day(admin: Person, store: Store, receiver: Receiver) -> None:
    page = add(admin, receiver.address)
    (earlier,) = secrets_on(page)
    page = admin.send(admin.open(page.links["Done"]), "Replace the secret")
    (secret,) = secrets_on(page)
    assert "signed with the earlier one too" in page.text
    page = admin.send(admin.open(page.links["Done"]), "Send a test")
    ((_, headers, body),) = receiver.got
    for one in (earlier, secret):
        assert Webhook(one).verify(body, headers)
        assert one not in page.html
    add(admin, "https://hooks.slack.com/services/T0/B0/unseen-1234")
    slack = admin.open(f"{WEBHOOKS}/{store.webhooks.list()[1].id}")
    assert "Replace the secret" not in slack.text
    token = slack.form("Save").fields["csrf"]
    assert admin.post(f"{slack.answer.url.path}/secret", csrf=token).status == 409


def test_an_auditor_sees_them_and_a_member_does_not(
    everything: tuple[Served, Store, Receiver], admin: Person, store: Store
) -> None:
    add(admin, "https://hooks.example.com/")
    (webhook,) = store.webhooks.list()
    store.webhooks.write_test(webhook.id, "Hello")
    path = f"{WEBHOOKS}/{webhook.id}"
    people = {}
    for role, users in ((Role.AUDITOR, []), (Role.MEMBER, ["alice"])):
        link = store.links.to_log_in(store.people.add(role, role=role, users=users).id)
        people[role] = Person(everything[0])
        people[role].send(people[role].open(login_address(everything[0].state.settings, link.secret)), "Log in")
    auditor, member = people[Role.AUDITOR], people[Role.MEMBER]
    for page in (auditor.open(WEBHOOKS), auditor.open(path)):
        assert page.status == 200
        assert "https://hooks.example.com/" in page.text
        assert [form.action for form in page.forms] == ["/logout"]
    token = auditor.open(WEBHOOKS).forms[0].fields["csrf"]
    for to in (WEBHOOKS, f"{path}/test", f"{path}/off", f"{path}/secret", f"{path}/remove"):
        assert auditor.post(to, csrf=token).status == 403
    assert "Webhooks" not in member.open("/admin/tools").links
    for to in (WEBHOOKS, path):
        assert member.open(to).status == 403
    for one in people.values():
        one.client.close()
    assert [one.action for one in store.audit.list(AuditFilter(action="webhook"), limit=1)] == ["webhook.added"]


def test_removing_asks_first(admin: Person, store: Store) -> None:
    add(admin, "https://hooks.example.com/")
    (webhook,) = store.webhooks.list()
    page = admin.open(f"{WEBHOOKS}/{webhook.id}/remove")
    assert "Remove the webhook?" in page.text
    assert store.webhooks.list()
    assert "The webhook to https://hooks.example.com/ is removed." in admin.send(page, "Remove").text
    assert store.webhooks.list() == []
    assert admin.open(f"{WEBHOOKS}/{webhook.id}").status == 404
    token = admin.open(WEBHOOKS).form("Add").fields["csrf"]
    again = admin.post(f"{WEBHOOKS}/{webhook.id}/remove", csrf=token)
    assert (again.status, "That webhook was removed already." in again.text) == (200, True)
    assert admin.post(f"{WEBHOOKS}/{webhook.id}/test", csrf=token).status == 404


def test_what_happens_is_told_by_the_server_itself(admin: Person, store: Store, receiver: Receiver) -> None:
    add(admin, receiver.address)
    event_id = happen(store)
    wait_until(lambda: receiver.got)
    assert receiver.ids == [event_id]


def test_nothing_of_it_is_for_strangers(everything: tuple[Served, Store, Receiver], store: Store) -> None:
    stranger = Person(everything[0])
    for path in (WEBHOOKS, f"{WEBHOOKS}/wh_1", f"{WEBHOOKS}/wh_1/remove"):
        assert "log in" in stranger.open(path).text.lower()
    stranger.client.close()
