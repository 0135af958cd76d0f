"""A model's JMESPath expression, evaluated within bounds: length, depth, work and results are counted on the way."""

from __future__ import annotations

from collections.abc import Callable
from time import thread_time
from typing import Any

import jmespath
from jmespath import functions
from jmespath.exceptions import ArityError, JMESPathError, JMESPathTypeError
from jmespath.visitor import TreeInterpreter

LONGEST = 2_000  # characters of an expression
DEEPEST = 100  # levels of an expression
# Steps, entries of lists and objects, and 16 characters of text count 1 each: some 100 MB and two seconds at the most.
_MOST_WORK = 1_000_000
_MOST_SECONDS = 3.0  # of CPU: a busy machine is no reason
_CHARACTERS = 16
_LONG = 200
_CLOCK_EVERY = 1_000
# What JMESPath may stumble over, beside its own errors. Its parser warns, which a host may turn into errors.
_STUMBLES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, Warning)


class SelectionError(ValueError):
    """An expression can't be evaluated; the text says why."""


class _Functions(functions.Functions):
    """What brief forms need beside JMESPath's own functions."""

    @functions.signature({"types": ["string", "number", "null"]})
    def _func_per_million(self, price: Any) -> float | str | None:
        """US dollars a token, as US dollars a million tokens; a negative price is not fixed."""
        try:
            dollars = float(f"{float(price) * 1e6:.6g}")
        except (OverflowError, TypeError, ValueError):
            return None
        return "varies" if dollars < 0 else dollars

    @functions.signature({"types": ["number", "null"]})
    def _func_thousands(self, number: Any) -> int | None:
        """Thousands, rounded."""
        try:
            rounded: int = round(number / 1000)
        except (OverflowError, TypeError, ValueError):
            return None
        return rounded

    @functions.signature({"types": ["array", "null"]}, {"types": ["object"]})
    def _func_letters(self, present: Any, letters: Any) -> str:
        """One letter for each name of the table that is present, in the table's order."""
        return "".join(str(letter) for name, letter in letters.items() if name in (present or ()))

    @functions.signature({"types": ["array", "null"]}, {"types": ["string"]})
    def _func_joined(self, parts: Any, separator: Any) -> str:
        """The texts of a list as one; what is no text is left out."""
        return str(separator).join(part for part in parts or () if isinstance(part, str))


_FUNCTIONS = _Functions()
OPTIONS = jmespath.Options(custom_functions=_FUNCTIONS)


def select(expression: str, value: Any, checkpoint: Callable[[], None] | None = None) -> Any:
    """What an expression finds in a value.

    Args:
        expression: JMESPath, as a model wrote it.
        value: JSON.
        checkpoint: called from time to time; what it raises ends the evaluation.

    Raises:
        SelectionError: it is no JMESPath expression, does not fit the value, or would take too much.
    """
    if len(expression) > LONGEST:
        raise SelectionError(f"it is longer than {LONGEST} characters")
    work = _Work(checkpoint)
    try:
        found = _Interpreter(work).visit(_parsed(expression), value)
    except SelectionError:
        raise
    except RecursionError:
        raise SelectionError("it, or what it finds, is nested too deeply") from None
    except JMESPathTypeError as error:  # its own text has the whole value
        reason = f"{error.function_name}() takes {' or '.join(map(str, error.expected_types))}, not {error.actual_type}"
        raise SelectionError(reason) from None
    except JMESPathError as error:
        what = "" if isinstance(error, ArityError) else "it is no JMESPath expression: "
        raise SelectionError(what + str(error)) from None
    except _STUMBLES as error:
        raise SelectionError(f"it can't be applied to this answer ({type(error).__name__})") from None
    return found


def _parsed(expression: str) -> Any:
    tree: Any = jmespath.compile(expression).parsed
    level = [tree]
    for _ in range(DEEPEST):
        level = [child for node in level for child in node.get("children", ()) if isinstance(child, dict)]
        if not level:
            return tree
    raise SelectionError("it is nested too deeply")


def _with(node: Any, *values: Any) -> Any:
    """A node of the tree with values, found already, in place of its children."""
    return {**node, "children": [{"type": "literal", "children": [], "value": value} for value in values]}


class _Work:
    """Counts what an evaluation has done, and ends it when that is too much."""

    def __init__(self, checkpoint: Callable[[], None] | None) -> None:
        self._checkpoint = checkpoint
        self._left = _MOST_WORK
        self._next_look = _MOST_WORK
        self._end = thread_time() + _MOST_SECONDS

    def add(self, amount: int) -> None:
        """Count before it is done."""
        self._left -= amount
        if self._left <= self._next_look:
            self._look()

    def _look(self) -> None:
        if self._left < 0 or thread_time() > self._end:
            raise SelectionError("it does too much, or finds too much")
        if self._checkpoint is not None:
            self._checkpoint()
        self._next_look = self._left - _CLOCK_EVERY

    def shallow(self, value: Any) -> None:
        """Count a value's own length."""
        if isinstance(value, str):
            self.add(len(value) // _CHARACTERS)
        elif isinstance(value, list | dict):
            self.add(len(value))

    def whole(self, value: Any) -> None:
        """Count a value and all that is in it; what stands in it twice counts twice."""
        self.shallow(value)
        if isinstance(value, list | dict):
            for part in value.values() if isinstance(value, dict) else value:
                self.add(1)
                self.whole(part)


class _Interpreter(TreeInterpreter):
    """jmespath's interpreter, which counts each step and whatever a step makes."""

    def __init__(self, work: _Work) -> None:
        super().__init__(OPTIONS)
        self._work = work

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        """One step. A long text is compared or searched by the next one, which may happen for each of many."""
        self._work.add(1)
        found = super().visit(node, *args, **kwargs)
        if type(found) is str and len(found) > _LONG:
            self._work.add(len(found) // _LONG)
        return found

    def visit_comparator(self, node: Any, value: Any) -> Any:
        """Compare; lists and objects are compared in depth."""
        one, other = (self.visit(child, value) for child in node["children"])
        if isinstance(one, list | dict) and isinstance(other, list | dict):
            self._work.whole(one)
            self._work.whole(other)
        return super().visit_comparator(_with(node, one, other), value)

    def visit_flatten(self, node: Any, value: Any) -> Any:
        """Join the lists of a list."""
        base = self.visit(node["children"][0], value)
        if isinstance(base, list):
            self._work.add(sum(len(part) if isinstance(part, list) else 1 for part in base))
        return super().visit_flatten(_with(node, base), value)

    def visit_slice(self, node: Any, value: Any) -> Any:
        """Copy a part of a list."""
        self._work.shallow(value)
        return super().visit_slice(node, value)

    def visit_function_expression(self, node: Any, value: Any) -> Any:
        """Call a function, once it is known that its result is not too large."""
        arguments = [self.visit(child, value) for child in node["children"]]
        self._count_call(node["value"], arguments)
        result: Any = _FUNCTIONS.call_function(node["value"], arguments)
        self._work.shallow(result)
        return result

    def _count_call(self, name: str, arguments: list[Any]) -> None:
        for argument in arguments:
            self._work.shallow(argument)
        if name in ("to_string", "contains"):  # go through all that is in a value
            for argument in arguments:
                self._work.whole(argument)
        elif name in ("join", "joined"):
            lists = [argument for argument in arguments if isinstance(argument, list)]
            separators = [len(argument) for argument in arguments if isinstance(argument, str)]
            parts = [part for each in lists for part in each if isinstance(part, str)]
            self._work.add((sum(map(len, parts)) + len(parts) * max(separators, default=0)) // _CHARACTERS)
        elif name == "letters" and len(arguments) == 2 and all(isinstance(each, list | dict) for each in arguments):
            self._work.add(len(arguments[0]) * len(arguments[1]))
        elif name in ("sort", "sort_by", "max", "min", "max_by", "min_by"):
            lists = [argument for argument in arguments if isinstance(argument, list)]
            texts = [part for each in lists for part in each if isinstance(part, str)]
            self._work.add(sum(map(len, texts)) // _CHARACTERS + 10 * sum(map(len, lists)))
