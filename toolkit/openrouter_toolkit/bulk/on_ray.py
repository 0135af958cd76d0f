"""Bulk runs on several machines: a Ray dataset of arguments becomes a dataset of envelopes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..envelope import ActionError, Envelope
from .run import BulkRun

if TYPE_CHECKING:
    from ray.data import Dataset

    from ..registry import ToolRegistry

_ARGUMENTS = "arguments"
_CPUS = 0.25  # a worker waits most of the time; with whole ones, nothing might be left to read the dataset by


def envelopes(
    dataset: Dataset,
    registry: ToolRegistry | Callable[[], ToolRegistry],
    slug: str,
    *,
    workers: int = 2,
    concurrency: int = 16,
    max_cost: Decimal | float | str | None = None,
    user_id: str = "default",
    timeout: float | None = None,
    **ray_options: Any,
) -> Dataset:
    """Execute an action for each row of a Ray dataset.

    Each worker has one registry. A registry is made again there, with the keys of the worker's environment; a function
    makes it in another way.

    Args:
        dataset: rows with a column `arguments`, JSON text or a struct; other columns are kept. Nulls in a struct are
            left out, since Arrow adds them where rows have different arguments.
        registry: the registry, or a function without parameters that makes it.
        slug: the action.
        workers: how many workers there are.
        concurrency: how many calls each worker makes at once.
        max_cost: what all workers together may cost in US dollars: each has its equal share, as long as it lives. A row
            that does not fit is answered by an envelope of type `refused_by_policy`.
        user_id: as in `ToolRegistry.execute`.
        timeout: seconds for each call.
        ray_options: further options of `Dataset.map_batches`, such as `num_cpus` (default 0.25) or `runtime_env`.

    Returns:
        The dataset with the columns `data`, `error` and `successful` in place of `arguments`.
    """
    from ray.data import ActorPoolStrategy

    settings = {
        "concurrency": concurrency,
        "max_cost": None if max_cost is None else Decimal(str(max_cost)) / workers,
        "user_id": user_id,
        "timeout": timeout,
    }
    return dataset.map_batches(
        _Worker,
        fn_constructor_args=(registry, slug, settings),
        compute=ActorPoolStrategy(size=workers),
        batch_size=4 * concurrency,
        batch_format="pyarrow",
        **{"num_cpus": _CPUS, **ray_options},
    )


class _Worker:
    """A worker with its registry, and what is left of its share of `max_cost`."""

    def __init__(self, registry: Any, slug: str, settings: Mapping[str, Any]) -> None:
        self._registry: ToolRegistry = registry() if callable(registry) else registry
        self._slug = slug
        self._settings = dict(settings)

    def __call__(self, batch: Any) -> Any:
        """The answers to a batch."""
        import pyarrow as pa

        rows = batch.to_pylist()
        answers = list(self._answers([_arguments(row) for row in rows]))
        kept = batch.drop_columns([_ARGUMENTS])
        columns = {"data": pa.string(), "error": pa.string(), "successful": pa.bool_()}
        for name, kind in columns.items():
            kept = kept.append_column(name, pa.array([envelope[name] for envelope in answers], kind))
        return kept

    def _answers(self, arguments: list[dict[str, Any]]) -> Iterator[Envelope]:
        run: BulkRun = self._registry.bulk(self._slug, arguments, **self._settings)
        found = dict(run)
        if self._settings["max_cost"] is not None:
            self._settings["max_cost"] = max(Decimal(0), self._settings["max_cost"] - run.spent)
        for number in range(1, len(arguments) + 1):
            yield found.get(number) or _not_sent(run)


def _arguments(row: Mapping[str, Any]) -> dict[str, Any]:
    if _ARGUMENTS not in row:
        raise ValueError(f"the dataset has no column {_ARGUMENTS!r}, but {', '.join(row)}")
    value = row[_ARGUMENTS]
    value = json.loads(value) if isinstance(value, str) else _without_nulls(value)
    if not isinstance(value, dict):
        raise TypeError(f"{_ARGUMENTS!r} holds {type(value).__name__} in place of an object")
    return value


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _not_sent(run: BulkRun) -> Envelope:
    why = run.summary.stopped or "What is left of max_cost does not cover the call's worst case."
    return Envelope.failure(ActionError("refused_by_policy", "The call was not sent.", f"The call was not sent. {why}"))
