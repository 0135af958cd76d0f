"""A bulk run: many calls of one action, sent as fast as limits and money allow, answered as they come."""

from __future__ import annotations

import contextvars
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from .. import answer as answers
from ..call import Call
from ..envelope import ActionError, Envelope
from ..execution.thread_queue import ThreadQueue
from ..http.retries import limited
from ..spending import SpendingLimit, Verdict
from .calls import Caller, Done, Execute, Gate, Job, WorstCase, nothing
from .concurrency import AdaptiveConcurrency
from .options import BulkOptions
from .ordering import AsTheyCome, InOrder
from .outcomes import cost_of, ends_run, parsed
from .output import Output, check_distinct
from .rows import GivenRow, Id, InvalidRows, Row, Source, rows_of
from .summary import Summary

# A limit that asks for a longer wait, in seconds, ends the run; a call that hits limits so often fails.
LONGEST_PAUSE = 600.0
MAX_ATTEMPTS = 12
_SHORT = 0.01  # seconds
_WINDOW = 2  # in order, at most this many times `concurrency` lines are ahead of the oldest without an answer


class BulkAnswer(NamedTuple):
    """The answer to one line."""

    id: Id
    envelope: Envelope


class _Ended(Exception):
    """There are no more answers."""


class BulkRun(Iterator[BulkAnswer], AsyncIterator[BulkAnswer]):
    """Iterates over the answers as they come, by `for` or `async for`; `finish` reads them all.

    Calls are made in threads of the run's own, and new ones are only begun while the answers are read, so neither lines
    nor answers pile up. Leaving a `with` or `async with` block, `close` and `aclose` cancel what is in flight; `stop`
    only sends nothing more. What was sent may be billed all the same.
    """

    def __init__(
        self,
        slug: str,
        given: Iterable[GivenRow] | str | Path,
        options: BulkOptions,
        *,
        execute: Execute,
        new_call: Callable[[], Call],
        worst_case: Callable[[], WorstCase],
    ) -> None:
        """Use `ToolRegistry.bulk`. Nothing is sent before the first answer is asked for.

        Args:
            slug: the action, for the summary.
            given: the lines; see `rows.rows_of`.
            options: see there.
            execute: makes a call.
            new_call: creates the call's deadline and cancellation.
            worst_case: reads the prices, if they are needed, and returns the worst case of a call's arguments.
        """
        self.summary = Summary(slug)
        self._rows: Iterator[Row] | None = None
        self._given = given if isinstance(given, Source) else rows_of(given)
        self._options = options
        self._execute = execute
        self._new_call = new_call
        self._worst_case = worst_case
        self._worst: WorstCase = nothing
        self._spending = SpendingLimit(options.max_cost)
        self._concurrency = AdaptiveConcurrency(options.concurrency)
        self._gate = Gate(self._concurrency)
        self._queue: ThreadQueue[Done | None] = ThreadQueue()
        self._running: set[Job] = set()
        self._again: deque[Job] = deque()
        self._ready = InOrder[BulkAnswer]() if options.ordered else AsTheyCome[BulkAnswer]()
        self._sequence = 0
        self._seen: set[Id] = set()
        self._output: Output | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._failure: BaseException | None = None
        self._exhausted = self._stopping = self._closed = False

    def __next__(self) -> BulkAnswer:
        try:
            self._begin()
            while (answer := self._step()) is None:
                with suppress(TimeoutError):
                    self._take(self._queue.get(self._longest_wait()))
        except _Ended:
            raise StopIteration from None
        return answer

    async def __anext__(self) -> BulkAnswer:
        import asyncio

        try:
            if self._rows is None:
                await asyncio.to_thread(self._begin)
            while (answer := self._step()) is None:
                with suppress(TimeoutError):
                    self._take(await self._queue.get_async(self._longest_wait()))
        except _Ended:
            raise StopAsyncIteration from None
        return answer

    def finish(self) -> Summary:
        """Make all calls and return the summary; for a run whose answers go to a file."""
        for _ in self:
            pass
        return self.summary

    async def finish_async(self) -> Summary:
        """`finish` for async code."""
        async for _ in self:
            pass
        return self.summary

    @property
    def spent(self) -> Decimal:
        """What counts against `max_cost`: the cost, or the worst case of calls that may have been billed unsaid."""
        return self._spending.spent

    def stop(self, why: str = "the run was stopped") -> None:
        """Send nothing more, from any thread; calls in flight are still answered."""
        self.summary.stopped = self.summary.stopped or why
        self._stopping = self._gate.closed = True
        self._queue.put(None)

    def close(self) -> None:
        """Cancel the calls in flight, and close the output."""
        if self._closed:
            return
        self._closed = self._gate.closed = True
        running, self._running = self._running, set()
        for job in running:
            job.cancel()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        begun = sum(job.call is not None for job in running)
        self.summary.unanswered += begun
        self.summary.not_sent["stopped"] += len(running) - begun
        self._count_unsent()
        self.summary.end()
        if self._output is not None:
            with suppress(OSError):
                for answer in self._ready.waiting() if self._options.ordered else ():
                    self._write(answer)  # it is paid for
            self._output.close(in_flight=bool(begun))

    async def aclose(self) -> None:
        """`close` for async code; it does not wait."""
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_closed"):
            self.close()

    def __repr__(self) -> str:
        return f"<BulkRun of {self.summary.slug}, {self.summary.answered} answers>"

    def _repr_html_(self) -> str:
        """The summary as it is now, for notebooks."""
        return self.summary._repr_html_()

    def _begin(self) -> None:
        """Check what can be checked, open the output, read the prices: once, and before anything is sent."""
        if self._rows is not None or self._closed:
            return
        options, summary, given = self._options, self.summary, self._given
        try:
            if isinstance(given, Source):
                summary.total = given.check()
                check_distinct(given.path, options.output)
            self._worst = self._worst_case()
            if options.output is not None:
                self._output = Output(options.output, retry_failed=options.retry_failed)
                summary.interrupted, summary.interrupted_cost = self._output.interrupted_calls()
        except BaseException:
            self.close()
            raise
        self._caller = Caller(self._execute, self._new_call, self._gate, self._queue, self._output)
        self._pool = ThreadPoolExecutor(options.concurrency, "openrouter-toolkit-bulk")
        summary.concurrency = options.concurrency
        summary.begin()
        self._rows = iter(given)

    def _step(self) -> BulkAnswer | None:
        """Begin what calls may begin; the next answer, or None while there is none yet."""
        if self._closed:
            raise _Ended
        try:
            self._send()
            answer = self._ready.pop()
            if answer is not None and self._options.ordered:
                self._write(answer)
        except BaseException:
            self.close()
            raise
        if answer is None and not self._running and not self._again and (self._exhausted or self._stopping):
            self.close()
            raise self._failure or _Ended
        return answer

    def _write(self, answer: BulkAnswer) -> None:
        if self._output is not None:
            self._output.write(answer.id, answer.envelope)

    def _longest_wait(self) -> float | None:
        """Seconds to wait for an answer at most: a pause after a limit, or without limit while calls run."""
        return self._concurrency.pause or (None if self._running else _SHORT)

    def _count_unsent(self) -> None:
        """At the end, count the lines that were not reached."""
        summary = self.summary
        summary.not_sent["stopped"] += len(self._again)
        self._again.clear()
        if not self._exhausted:
            summary.stopped = summary.stopped or "it was closed before its end"
        if summary.total is not None:
            counted = summary.answered + summary.written_before + summary.not_sent.total() + summary.unanswered
            summary.not_sent["stopped"] += max(0, summary.total - counted)
        summary.not_sent = +summary.not_sent

    def _send(self) -> None:
        if self._stopping:
            while self._again:
                self._leave_out(self._again.popleft(), "stopped")
            return
        while len(self._running) < self._most_running and not self._concurrency.pause:
            job = self._next_job()
            if job is None:
                return
            reserved = self._spending.reserve(job.worst)
            if reserved is Verdict.WAIT:
                self._again.appendleft(job)
                return
            if isinstance(reserved, Verdict):
                self._leave_out(job, reserved.value)
                continue
            job.reservation = reserved
            self._start(job)

    def _leave_out(self, job: Job, why: str) -> None:
        """Count a line that is not sent in this run."""
        self.summary.not_sent[why] += 1
        self._ready.leave_out(job.number)

    @property
    def _most_running(self) -> int:
        """How many calls the threads get. Without limits, some wait there, so that no thread waits for a line."""
        limit, threads = self._concurrency.limit, self._options.concurrency
        return limit if limit < threads else threads + threads // 2

    def _next_job(self) -> Job | None:
        """The next line to send; None if there is none, or none yet."""
        if self._again:
            return self._again.popleft()
        window = _WINDOW * self._options.concurrency
        while not self._exhausted and self._sequence - self._ready.oldest < window:
            row = self._next_row()
            if row is None:
                return None
            if not self._is_written(row.id):
                self._sequence += 1
                return Job(row, self._sequence, self._worst(row.arguments))
        return None

    def _next_row(self) -> Row | None:
        assert self._rows is not None
        try:
            row = next(self._rows)
            if not isinstance(self._given, Source):
                if row.id in self._seen:
                    raise InvalidRows([f"two rows have the id {row.id!r}"])  # noqa: TRY301 - as the lines' own errors
                self._seen.add(row.id)
        except StopIteration:
            self._exhausted = True
            return None
        except Exception as error:  # noqa: BLE001 - raised when the calls in flight have their answers
            self._failure = error
            self.stop(f"the lines can't be read ({type(error).__name__})")
            return None
        return row

    def _is_written(self, row_id: Id) -> bool:
        if self._output is None or row_id not in self._output.written:
            return False
        self.summary.written_before += 1
        self.summary.failed_before += row_id in self._output.failed
        return True

    def _start(self, job: Job) -> None:
        assert self._pool is not None
        self._running.add(job)
        self._pool.submit(contextvars.copy_context().run, self._caller.make, job)

    def _take(self, done: Done | None) -> None:
        """Count an answer, write it and make it ready; or send its line again later."""
        if done is None or done.job not in self._running:
            return
        self._running.discard(done.job)
        try:
            self._settle(done)
        except BaseException:
            self._running.add(done.job)  # its answer is lost
            self.close()
            raise

    def _settle(self, done: Done) -> None:
        job, envelope = done.job, done.envelope
        if isinstance(envelope, BaseException):
            raise envelope
        if envelope is None:
            self._spend(job, Decimal(0))
            self._send_later(job)
            return
        error = envelope.action_error
        if error is not None and self._is_put_off(job, error):
            self._spend(job, Decimal(0))
            return
        self._concurrency.succeeded()
        self.summary.concurrency = self._concurrency.limit
        data = parsed(envelope)
        self._spend(job, cost_of(data, error), answers.field_in(data, "model"))
        if error is not None and ends_run(error):
            self._leave_out(job, "stopped")
            self.stop(envelope.error or error.message)
            return
        self._count(error, done.ended_at - job.began_at)
        answer = BulkAnswer(job.row.id, envelope)
        if not self._options.ordered:
            self._write(answer)
        self._ready.add(job.number, answer)

    def _is_put_off(self, job: Job, error: ActionError) -> bool:
        """Whether a limit refused the call, and it is sent again later, or not in this run."""
        if not limited(error) or job.attempts >= MAX_ATTEMPTS:
            return False
        self.summary.limited += 1
        wait = error.retry_after
        if wait is not None and wait > LONGEST_PAUSE:
            self._leave_out(job, "stopped")
            self.stop(f"{error.explanation} The limit asks for a wait of {wait:,.0f} s.")
            return True
        self._concurrency.limited(job.began_at, wait)
        self.summary.concurrency = self._concurrency.limit
        self._send_later(job)
        return True

    def _send_later(self, job: Job) -> None:
        job.call = None
        self._again.append(job)

    def _spend(self, job: Job, cost: Decimal | None, model: str | None = None) -> None:
        assert job.reservation is not None
        self._spending.settle(job.reservation, cost)
        summary = self.summary
        if cost is None:
            summary.without_cost += 1
        else:
            summary.cost += cost
        if model is not None:
            summary.calls_by_model[model] += 1
            summary.cost_by_model[model] += cost or 0

    def _count(self, error: ActionError | None, seconds: float) -> None:
        self.summary.latencies.add(seconds)
        if error is None:
            self.summary.succeeded += 1
        else:
            self.summary.failures[error.type] += 1
