"""Answers POST requests for completions: chooses the model's answer and writes it."""

import random
import threading
from collections.abc import Callable
from typing import Any

from .accounts import Generations
from .completions import Format, complete, new_generation_id
from .connection import ClientGoneError, Connection
from .errors import ApiError
from .failures import ERRORS, FAILING_MODELS, FAULTS, TEXTS, Answer, Attempt
from .models import Model, do_everything_model, listed_model
from .prompts import Prompt
from .response_cache import ResponseCache
from .scripts import Scripts, Turn

AnswerWriter = Callable[[Answer], None]  # writes an answer that its format alone does not produce
_ID_HEADER = "X-Generation-Id"


class RandomFailures:
    """Random failures of calls, the same ones for the same seed."""

    def __init__(self, rate: float, seed: int | None) -> None:
        self._rate = rate
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def maybe_fail(self, connection: Connection) -> bool:
        """Let the call fail at the given rate. Returns True if the connection was closed.

        Raises:
            ApiError: 503, for half of the failures.
        """
        with self._lock:
            fails, closes = self._random.random() < self._rate, self._random.random() < 0.5
        if fails and closes:
            connection.cut()
        elif fails:
            raise ApiError(503, "The sandbox failed at random, as it was asked to")
        return fails


class CompletionCalls:
    """Answers completion requests, and stores their statistics for GET /generation."""

    def __init__(
        self, generations: Generations, scripts: Scripts, random_failures: RandomFailures, chunk_delay: float
    ) -> None:
        self._cache = ResponseCache()
        self._first_calls: dict[str, object] = {}
        self._generations = generations
        self._scripts = scripts
        self._random_failures = random_failures
        self._chunk_delay = chunk_delay

    def clear(self) -> None:
        """Forget cached answers, and which keys were rate-limited once."""
        self._cache.clear()
        self._first_calls.clear()

    def answer(self, connection: Connection, format_: Format, path: str, body: Any, key: str) -> None:
        """Answer one call.

        Raises:
            ApiError: an error before the answer begins.
            ClientGoneError: the client disconnected while the answer was written.
        """
        if not isinstance(body, dict):
            raise ApiError(400, "The body must be a JSON object")
        prompt = format_.parse(body)
        connection.answer_headers[_ID_HEADER] = new_generation_id()
        if self._random_failures.maybe_fail(connection):
            return
        cached, cache_key = self._cache.look_up(connection.headers, connection.answer_headers, path, body, key)
        if cached is None:
            answer, writer = self._first_answer(connection, format_, prompt, key)
        else:
            answer, writer = Answer(connection, format_, cached, prompt.stream, self._chunk_delay), None
        completion = answer.completion
        if writer is None:
            self._cache.keep(cache_key, connection.headers, completion)
        try:
            if writer is not None:
                writer(answer)
            elif prompt.stream:
                answer.start()
        except ClientGoneError:
            self._cache.drop(cache_key)
            self._generations.remember(completion, key, streamed=prompt.stream, cancelled=True)
            raise
        # Stored before the end is written, so that a client that has read the end finds the statistics.
        self._generations.remember(completion, key, streamed=prompt.stream)
        if writer is None and prompt.stream:
            for event in format_.ending(completion):
                connection.write(event)
            connection.finish_answer()
        elif writer is None:
            connection.send_json(200, format_.result(completion))

    def _first_answer(
        self, connection: Connection, format_: Format, prompt: Prompt, key: str
    ) -> tuple[Answer, AnswerWriter | None]:
        """The answer of the first model that gives one, and a function to write it if the format alone does not.

        Raises:
            ApiError: the last model's error if all fail, also if its script has no answers left.
            ClientGoneError: the client disconnected before a scripted answer began.
        """
        problem = ApiError(400, "No models provided")
        for model_id in prompt.models:
            turn = self._scripts.next(model_id)
            try:
                if turn is not None:
                    return self._scripted_answer(connection, format_, prompt, model_id, turn)
                model = self._model(Attempt(model_id, prompt, key, self._is_first(key)))
                completion = complete(prompt, model, connection.answer_headers[_ID_HEADER], TEXTS.get(model_id))
                answer = Answer(connection, format_, completion, prompt.stream, self._chunk_delay)
                return answer, FAULTS.get(model_id)
            except ApiError as error:
                problem = error
        raise problem

    def _scripted_answer(
        self, connection: Connection, format_: Format, prompt: Prompt, model_id: str, turn: Turn
    ) -> tuple[Answer, AnswerWriter | None]:
        connection.wait(turn.delay)
        if (refusal := turn.refusal()) is not None:
            raise refusal
        completion = turn.completion(prompt, do_everything_model(model_id), connection.answer_headers[_ID_HEADER])
        connection.answer_headers.update(turn.headers)
        chunk_delay = self._chunk_delay if turn.chunk_delay is None else turn.chunk_delay
        answer = Answer(connection, format_, completion, prompt.stream, chunk_delay)
        return answer, None if turn.is_plain else turn.write

    def _model(self, attempt: Attempt) -> Model:
        """The model of an attempt. Raises ApiError if there is none, or if the model fails on purpose."""
        if attempt.model_id not in FAILING_MODELS:
            return listed_model(attempt.model_id)
        if attempt.model_id in ERRORS and (error := ERRORS[attempt.model_id](attempt)) is not None:
            raise error
        return do_everything_model(attempt.model_id)

    def _is_first(self, key: str) -> Callable[[], bool]:
        call = object()
        return lambda: self._first_calls.setdefault(key, call) is call
