"""A POST for a completion, from the checked request to the written answer."""

import random
import threading
from collections.abc import Callable, Mapping
from typing import Any

from . import chat_completions, messages, text_completions
from .completions import Completion, complete, new_generation_id
from .connection import ClientGoneError, Connection
from .errors import ApiError
from .failures import FAILURES, Attempt, Visits, failing_model, listed_model
from .fault_injection import EVENT_STREAM, MISBEHAVIOURS, TEXTS, Answer
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

FAILING_MODELS = frozenset({*FAILURES, *MISBEHAVIOURS, *TEXTS})

Unusual = Callable[[Answer], None]  # writes an answer in a way of its own
_ID = "X-Generation-Id"


class Accidents:
    """Failures at random, the same ones for the same seed."""

    def __init__(self, rate: float, seed: int | None) -> None:
        self._rate = rate
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def strike(self, connection: Connection) -> bool:
        """Let the call fail in its share of cases; True when the connection was closed on it.

        Raises:
            ApiError: 503, in half of those cases.
        """
        with self._lock:
            fails, closes = self._random.random() < self._rate, self._random.random() < 0.5
        if fails and closes:
            connection.cut()
        elif fails:
            raise ApiError(503, "The sandbox failed at random, as it was asked to")
        return fails


class CompletionCalls:
    """Answers completions, and remembers them for GET /generation."""

    def __init__(self, generations: Generations, accidents: Accidents, chunk_delay: float) -> None:
        self.visits = Visits()
        self.scripts = Scripts()
        self.cache = ResponseCache()
        self._generations = generations
        self._accidents = accidents
        self._chunk_delay = chunk_delay

    def answer(self, connection: Connection, path: str, body: Any, key: str) -> None:
        """Answer one call.

        Raises:
            ApiError: whatever goes wrong before the answer begins.
            ClientGoneError: when the client left while it was written.
        """
        if not isinstance(body, dict):
            raise ApiError(400, "The body must be a JSON object")
        form = FORMATS[path]
        prompt = form.parse(body)
        connection.answer_headers[_ID] = new_generation_id()
        if self._accidents.strike(connection):
            return
        found, place = self.cache.look_up(connection.headers, connection.answer_headers, path, body, key)
        if found is None:
            answer, unusual = self._first_answer(connection, form, prompt, key)
        else:
            answer, unusual = Answer(connection, form, found, prompt.stream, self._chunk_delay), None
        completion = answer.completion
        if unusual is None:
            self.cache.keep(place, connection.headers, completion)
        try:
            if unusual is not None:
                unusual(answer)
            elif prompt.stream:
                self._stream(answer, key)
                return
        except ClientGoneError:
            self.cache.drop(place)
            self._generations.remember(completion, key, streamed=prompt.stream, cancelled=True)
            raise
        self._generations.remember(completion, key, streamed=prompt.stream, cancelled=False)
        if unusual is None:
            connection.send_json(200, form.result(completion))

    def _first_answer(
        self, connection: Connection, form: Format, prompt: Prompt, key: str
    ) -> tuple[Answer, Unusual | None]:
        """The answer of the first model that gives one, and what writes it where the format alone does not.

        Raises:
            ApiError: the last model's error, when none does; a script that is used up.
            ClientGoneError: when the client left before a scripted answer began.
        """
        problem = ApiError(400, "No models provided")
        for model_id in prompt.models:
            turn = self.scripts.next(model_id)
            try:
                if turn is not None:
                    return self._scripted(connection, form, prompt, model_id, turn)
                completion = self._completion(Attempt(model_id, prompt, key, self.visits), connection)
                answer = Answer(connection, form, completion, prompt.stream, self._chunk_delay)
                return answer, MISBEHAVIOURS.get(model_id)
            except ApiError as error:
                problem = error
        raise problem

    def _scripted(
        self, connection: Connection, form: Format, prompt: Prompt, model_id: str, turn: Turn
    ) -> tuple[Answer, Unusual | None]:
        connection.wait(turn.delay)
        if (refusal := turn.refusal()) is not None:
            raise refusal
        completion = turn.completion(prompt, do_everything_model(model_id), connection.answer_headers[_ID])
        connection.answer_headers.update(turn.headers)
        chunk_delay = self._chunk_delay if turn.chunk_delay is None else turn.chunk_delay
        answer = Answer(connection, form, completion, prompt.stream, chunk_delay)
        return answer, None if turn.is_plain else turn.write

    def _completion(self, attempt: Attempt, connection: Connection) -> Completion:
        if attempt.model_id in FAILURES:
            model = failing_model(attempt)
        elif attempt.model_id in FAILING_MODELS:
            model = do_everything_model(attempt.model_id)
        else:
            model = listed_model(attempt)
        return complete(attempt.prompt, model, connection.answer_headers[_ID], TEXTS.get(attempt.model_id))

    def _stream(self, answer: Answer, key: str) -> None:
        answer.connection.start(content_type=EVENT_STREAM)
        answer.write(answer.format.opening(answer.completion))
        # Remembered before the end is written, so that a client which read the end finds it.
        self._generations.remember(answer.completion, key, streamed=True, cancelled=False)
        for frame in answer.format.ending(answer.completion):
            answer.connection.write(frame)
        answer.connection.finish_answer()
