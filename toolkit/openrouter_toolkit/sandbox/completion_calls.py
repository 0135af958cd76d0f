"""Handles POST requests for completions: parses the request, chooses the answer and writes it."""

import random
import threading
from collections.abc import Callable, Mapping
from typing import Any

from . import chat_completions, messages, text_completions
from .completions import Completion, complete, new_generation_id
from .connection import ClientGoneError, Connection
from .errors import ApiError
from .failures import FAILURES, Attempt, SeenKeys, failing_model, listed_model
from .fault_injection import EVENT_STREAM, FAULTS, TEXTS, Answer
from .formats import Format
from .generations import Generations
from .models import do_everything_model
from .prompts import Prompt
from .response_cache import ResponseCache
from .scripted_answers import Turn
from .scripts import Scripts

FORMATS: Mapping[str, Format] = {
    "/chat/completions": chat_completions,
    "/messages": messages,
    "/completions": text_completions,
}

FAILING_MODELS = frozenset({*FAILURES, *FAULTS, *TEXTS})

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

    def __init__(self, generations: Generations, random_failures: RandomFailures, chunk_delay: float) -> None:
        self.seen_keys = SeenKeys()
        self.scripts = Scripts()
        self.cache = ResponseCache()
        self._generations = generations
        self._random_failures = random_failures
        self._chunk_delay = chunk_delay

    def answer(self, connection: Connection, path: str, body: Any, key: str) -> None:
        """Answer one call.

        Raises:
            ApiError: an error before the answer begins.
            ClientGoneError: the client disconnected while the answer was written.
        """
        if not isinstance(body, dict):
            raise ApiError(400, "The body must be a JSON object")
        format_ = FORMATS[path]
        prompt = format_.parse(body)
        connection.answer_headers[_ID_HEADER] = new_generation_id()
        if self._random_failures.maybe_fail(connection):
            return
        cached, cache_key = self.cache.look_up(connection.headers, connection.answer_headers, path, body, key)
        if cached is None:
            answer, writer = self._first_answer(connection, format_, prompt, key)
        else:
            answer, writer = Answer(connection, format_, cached, prompt.stream, self._chunk_delay), None
        completion = answer.completion
        if writer is None:
            self.cache.keep(cache_key, connection.headers, completion)
        try:
            if writer is not None:
                writer(answer)
            elif prompt.stream:
                self._stream(answer, key)
                return
        except ClientGoneError:
            self.cache.drop(cache_key)
            self._generations.remember(completion, key, streamed=prompt.stream, cancelled=True)
            raise
        self._generations.remember(completion, key, streamed=prompt.stream, cancelled=False)
        if writer is None:
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
            turn = self.scripts.next(model_id)
            try:
                if turn is not None:
                    return self._scripted_answer(connection, format_, prompt, model_id, turn)
                completion = self._completion(Attempt(model_id, prompt, key, self.seen_keys), connection)
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

    def _completion(self, attempt: Attempt, connection: Connection) -> Completion:
        if attempt.model_id in FAILURES:
            model = failing_model(attempt)
        elif attempt.model_id in FAILING_MODELS:
            model = do_everything_model(attempt.model_id)
        else:
            model = listed_model(attempt)
        return complete(attempt.prompt, model, connection.answer_headers[_ID_HEADER], TEXTS.get(attempt.model_id))

    def _stream(self, answer: Answer, key: str) -> None:
        answer.connection.start(content_type=EVENT_STREAM)
        answer.write(answer.format.opening(answer.completion))
        # Stored before the end is written, so that a client that has read the end finds the statistics.
        self._generations.remember(answer.completion, key, streamed=True, cancelled=False)
        for frame in answer.format.ending(answer.completion):
            answer.connection.write(frame)
        answer.connection.finish_answer()
