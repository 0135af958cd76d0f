"""Scripts: the answers that a test sets for a model of its own, one for each call."""

import threading
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

from .catalogue import Model
from .errors import ApiError
from .models import do_everything_model
from .script_parsing import parse_answer
from .scripted_answers import ScriptedAnswer, Turn


@dataclass
class _Script:
    model: Model
    turns: list[Turn]
    repeat_last: bool
    calls: int = 0


class Scripts:
    """The scripts of all models. Thread-safe: no answer is given twice."""

    def __init__(self) -> None:
        self._scripts: dict[str, _Script] = {}
        self._lock = threading.Lock()

    def set(self, model_id: str, answers: Sequence[str | ScriptedAnswer], *, repeat_last: bool) -> None:
        """Set a model's next answers, in place of its previous ones.

        Raises:
            ValueError: an answer or the id is invalid; the message says why.
        """
        if not isinstance(model_id, str) or not model_id or model_id.split() != [model_id]:
            raise ValueError('script: the model\'s id must be a text without spaces, such as "my/model"')
        if isinstance(answers, (str, bytes, dict)) or not isinstance(answers, Sequence) or not answers:
            raise ValueError("script: answers must be a list with at least one answer")
        turns = [parse_answer(answer, f"answers.{position}") for position, answer in enumerate(deepcopy(answers))]
        model = do_everything_model(model_id, "Scripted", "Answers what a test wrote for it.")
        with self._lock:
            self._scripts[model_id] = _Script(model, turns, repeat_last)

    def models(self) -> list[Model]:
        """The models that have a script."""
        with self._lock:
            return [script.model for script in self._scripts.values()]

    def find(self, model_id: str) -> Model | None:
        """The scripted model with this id, or the one of which it is a variant (`:nitro`); None if there is none."""
        with self._lock:
            script = self._find(model_id)
        return None if script is None else script.model

    def next(self, model_id: str) -> Turn | None:
        """The model's next answer; None if it has no script.

        Raises:
            ApiError: 400 if the script has no answers left.
        """
        with self._lock:
            script = self._find(model_id)
            if script is None:
                return None
            position = script.calls
            script.calls += 1
        if position < len(script.turns):
            return script.turns[position]
        if script.repeat_last:
            return script.turns[-1]
        raise ApiError(
            400,
            f"The script of {model_id} is used up: this is call {position + 1}, and it has {len(script.turns)} "
            "answers. Write more of them, or give script(…, repeat_last=True)",
        )

    def clear(self) -> None:
        """Remove all scripts and their models."""
        with self._lock:
            self._scripts.clear()

    def _find(self, model_id: str) -> _Script | None:
        return self._scripts.get(model_id) or self._scripts.get(model_id.partition(":")[0])
