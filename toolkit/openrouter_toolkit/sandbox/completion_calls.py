"""Answers POST requests for completions: chooses the model's answer and writes it."""

import random
import threading
from collections.abc import Callable
from typing import Any

from .accounts import Generations
from .completions import Answer, Format, complete, new_generation_id
from .connection import ClientGoneError, Connection
from .errors import ApiError
from .failures import FAILING_MODELS, FAULTS, Attempt, scripted_failure
from .models import do_everything_model, listed_model
from .prompts import Prompt
from .response_cache import ResponseCache
from .scripts import Scripts, Turn

AnswerWriter = Callable[[Answer], None]  # writes an answer that its format alone does not produce
_ID_HEADER = "X-Generation-Id"


class CompletionCalls:
    """Answers completion requests, and stores their statistics for GET /generation."""

    def __init__(
        self, generations: Generations, scripts: Scripts, chunk_delay: float, failure_rate: float, seed: int | None
    ) -> None:
        self._cache = ResponseCache()
        self._first_calls: dict[str, object] = {}
        self._generations = generations
        self._scripts = scripts
        self._chunk_delay = chunk_delay
        self._failure_rate = failure_rate
        self._random = random.Random(seed)
        self._random_lock = threading.Lock()

    def clear(self) -> None:
        """Forget cached answers, and which keys were rate-limited once."""
        self._cache.clear()
        self._first_calls.clear()

    def answer(self, connection: Connection, format_: Format, path: str, body: Any, key: str) -> None:
        """Answer one call. Raises ApiError before the answer begins, ClientGoneError if the client disconnects."""
        if not isinstance(body, dict):
            raise ApiError(400, "The body must be a JSON object")
        prompt = format_.parse(body)
        connection.answer_headers[_ID_HEADER] = new_generation_id()
        if self._fails_at_random(connection):
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
        if writer is None:
            answer.end()

    def _fails_at_random(self, connection: Connection) -> bool:
        """Let the call fail at the given rate: half of the failures are 503, the others a closed connection (True)."""
        with self._random_lock:
            fails, closes = self._random.random() < self._failure_rate, self._random.random() < 0.5
        if fails and closes:
            connection.cut()
        elif fails:
            raise ApiError(503, "The sandbox failed at random, as it was asked to")
        return fails

    def _first_answer(
        self, connection: Connection, format_: Format, prompt: Prompt, key: str
    ) -> tuple[Answer, AnswerWriter | None]:
        """The answer of the first model that gives one, or else the last model's error."""
        problem = ApiError(400, "No models provided")
        for model_id in prompt.models:
            turn = self._scripts.next(model_id)
            try:
                turn = turn or scripted_failure(Attempt(model_id, prompt, key, self._is_first(key)))
                if turn is not None:
                    return self._scripted_answer(connection, format_, prompt, model_id, turn)
                model = do_everything_model(model_id) if model_id in FAILING_MODELS else listed_model(model_id)
                completion = complete(prompt, model, connection.answer_headers[_ID_HEADER])
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

    def _is_first(self, key: str) -> Callable[[], bool]:
        call = object()
        return lambda: self._first_calls.setdefault(key, call) is call
