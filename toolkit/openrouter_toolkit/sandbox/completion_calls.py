"""A POST for a completion, from the checked request to the written answer."""

import random
import threading
from collections.abc import Mapping
from typing import Any

from . import chat_completions, messages, text_completions
from .completions import Completion, complete, new_generation_id
from .connection import ClientGoneError, Connection
from .errors import ApiError
from .failures import FAILURES, Attempt, Visits, failing_model, listed_model
from .formats import Format
from .generations import Generations
from .misbehaviour import EVENT_STREAM, MISBEHAVIOURS, TEXTS, Answer
from .models import purposeful_model
from .prompts import Prompt
from .response_cache import ResponseCache

FORMATS: Mapping[str, Format] = {
    "/chat/completions": chat_completions,
    "/messages": messages,
    "/completions": text_completions,
}

FAILING_MODELS = frozenset({*FAILURES, *MISBEHAVIOURS, *TEXTS})


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
        connection.answer_headers["X-Generation-Id"] = new_generation_id()
        if self._accidents.strike(connection):
            return
        found, place = self.cache.look_up(connection.headers, connection.answer_headers, path, body, key)
        completion = found or self._completion(prompt, key, connection.answer_headers["X-Generation-Id"])
        misbehave = MISBEHAVIOURS.get(completion.model.id)
        if misbehave is None:
            self.cache.keep(place, connection.headers, completion)
        try:
            if misbehave is not None:
                misbehave(Answer(connection, form, completion, prompt.stream))
            elif prompt.stream:
                self._stream(connection, form, completion, key)
                return
        except ClientGoneError:
            self.cache.drop(place)
            self._generations.remember(completion, key, streamed=prompt.stream, cancelled=True)
            raise
        self._generations.remember(completion, key, streamed=prompt.stream, cancelled=False)
        if misbehave is None:
            connection.send_json(200, form.result(completion))

    def _completion(self, prompt: Prompt, key: str, generation_id: str) -> Completion:
        """The answer of the first model that gives one.

        Raises:
            ApiError: the last model's error, when none does.
        """
        problem = ApiError(400, "No models provided")
        for model_id in prompt.models:
            attempt = Attempt(model_id, prompt, key, self.visits)
            try:
                if model_id in FAILURES:
                    model = failing_model(attempt)
                elif model_id in FAILING_MODELS:
                    model = purposeful_model(model_id)
                else:
                    model = listed_model(attempt)
                return complete(prompt, model, generation_id, TEXTS.get(model_id))
            except ApiError as error:
                problem = error
        raise problem

    def _stream(self, connection: Connection, form: Format, completion: Completion, key: str) -> None:
        connection.start(content_type=EVENT_STREAM)
        for frame in form.opening(completion):
            connection.write(frame)
            connection.wait(self._chunk_delay)
        # Remembered before the end is written, so that a client which read the end finds it.
        self._generations.remember(completion, key, streamed=True, cancelled=False)
        for frame in form.ending(completion):
            connection.write(frame)
        connection.finish_answer()
