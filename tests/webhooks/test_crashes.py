"""Whatever dies between a change and its delivery, each event is delivered at least once, with one id."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from openrouter_toolkit.jobs import Stop
from openrouter_toolkit.store import MasterKey, Store, columns
from openrouter_toolkit.store.tables import DeliveryRow
from openrouter_toolkit.store.webhooks import Webhooks
from openrouter_toolkit.webhooks import Deliverer, delivering

from ..scale import scaled
from .conftest import Receiver, add, happen

STEPS = ("claimed", "sent", "recorded")


class Killed(BaseException):
    """The process ends here: nothing behind it runs."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Receiver]]:
    url = f"sqlite:///{tmp_path_factory.mktemp('crashes') / 'store.db'}"
    with ExitStack() as stack:
        store = stack.enter_context(Store.open(url, master_keys=[MasterKey.fresh()]))
        receiver = Receiver(stack)
        add(store, receiver.address)
        yield store, receiver


def killed_at(step: str, patch: pytest.MonkeyPatch) -> None:
    """Let the next delivery's process be killed at a step."""

    def dying(method: Callable[..., Any]) -> Callable[..., Any]:
        def then_die(*arguments: Any) -> Any:
            method(*arguments)
            raise Killed

        return then_die

    where, name = {
        "claimed": (Webhooks, "claim"),
        "sent": (delivering.Deliverer, "_send"),
        "recorded": (Webhooks, "record"),
    }[step]
    patch.setattr(where, name, dying(getattr(where, name)))


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("happens"), st.booleans()),
            st.tuples(st.just("run"), st.sampled_from([None, None, *STEPS])),
            st.tuples(st.just("answers"), st.sampled_from([200, 200, 500, 429])),
        ),
        max_size=15,
    )
)
@settings(max_examples=scaled(8, full=500), suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.faults
def test_each_event_is_delivered_at_least_once_with_its_id(
    shared: tuple[Store, Receiver], steps: list[tuple[str, Any]]
) -> None:
    store, receiver = shared
    receiver.got.clear()
    receiver.status = 200
    with store.database.write() as session:
        session.execute(delete(DeliveryRow))
    committed: list[str] = []
    passed = timedelta()

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + passed

    def run(step: str | None) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(delivering, "for_each", lambda items, work, **_: [work(item) for item in items])
            if step is not None:
                killed_at(step, patch)
            with suppress(Killed):
                Deliverer(store, private=True).job()(Stop())  # a process that begins

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "datetime", Clock)
        for what, how in steps:
            if what == "answers":
                receiver.status = how
            elif what == "run":
                run(how)
                passed += timedelta(minutes=7)
            elif how:
                committed.append(happen(store))
            else:
                with suppress(ZeroDivisionError), store.transaction():
                    happen(store)
                    raise ZeroDivisionError
        receiver.status = 200
        for _ in range(10):
            passed += timedelta(hours=12)
            run(None)
    assert set(receiver.ids) == set(committed)
    assert len({(headers["webhook-id"], body) for _, headers, body in receiver.got}) == len(committed)
    assert {delivery.state for delivery in store.webhooks.deliveries()} <= {"delivered"}
