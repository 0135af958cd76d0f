"""Evaluate a model's JMESPath expression within limits of length, depth, work, time and result size."""

from __future__ import annotations

from collections.abc import Callable
from time import thread_time
from typing import Any

import jmespath
from jmespath import functions
from jmespath.exceptions import ArityError, JMESPathError, JMESPathTypeError
from jmespath.visitor import TreeInterpreter

LONGEST = 2_000  # maximum length of an expression, in characters
_MAX_DEPTH = 100  # maximum nesting of an expression, in levels
# Each step, each entry of a list or object and each 16 characters of text count 1: at most about 100 MB and 2 s.
_MAX_WORK = 1_000_000
_MAX_SECONDS = 3.0  # CPU time of this thread, so that a busy machine does not matter
_CHARACTERS_PER_UNIT = 16
_LONG_TEXT = 200
_CHECK_EVERY = 1_000
# What JMESPath may raise besides its own errors. Its parser emits warnings, which a host may turn into errors.
_OTHER_ERRORS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, Warning)


class SelectionError(ValueError):
    """An expression can't be evaluated; the text says why."""


class _Functions(functions.Functions):
    """Functions for summaries, in addition to JMESPath's own."""

    @functions.signature({"types": ["string", "number", "null"]})
    def _func_per_million(self, price: Any) -> float | str | None:
        """Convert US dollars per token to US dollars per million tokens; "varies" for a negative price."""
        try:
            dollars = float(f"{float(price) * 1e6:.6g}")
        except (OverflowError, TypeError, ValueError):
            return None
        return "varies" if dollars < 0 else dollars

    @functions.signature({"types": ["number", "null"]})
    def _func_thousands(self, number: Any) -> int | None:
        """The number in thousands, rounded."""
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
        """The strings of a list, joined; other values are skipped."""
        return str(separator).join(part for part in parts or () if isinstance(part, str))


_FUNCTIONS = _Functions()
OPTIONS = jmespath.Options(custom_functions=_FUNCTIONS)


def select(expression: str, value: Any, checkpoint: Callable[[], None] | None = None) -> Any:
    """The result of a JMESPath expression on a value.

    Args:
        expression: JMESPath, as a model wrote it.
        value: JSON.
        checkpoint: called regularly; an exception that it raises ends the evaluation.

    Raises:
        SelectionError: it is not valid JMESPath, does not fit the value, or exceeds a limit.
    """
    if len(expression) > LONGEST:
        raise SelectionError(f"it is longer than {LONGEST} characters")
    work = _Work(checkpoint)
    try:
        found = _Interpreter(work).visit(_parse(expression), value)
    except SelectionError:
        raise
    except RecursionError:
        raise SelectionError("it, or what it finds, is nested too deeply") from None
    except JMESPathTypeError as error:  # its own message contains the whole value
        reason = f"{error.function_name}() takes {' or '.join(map(str, error.expected_types))}, not {error.actual_type}"
        raise SelectionError(reason) from None
    except JMESPathError as error:
        what = "" if isinstance(error, ArityError) else "it is no JMESPath expression: "
        raise SelectionError(what + str(error)) from None
    except _OTHER_ERRORS as error:
        raise SelectionError(f"it can't be applied to this answer ({type(error).__name__})") from None
    return found


def _parse(expression: str) -> Any:
    tree: Any = jmespath.compile(expression).parsed
    level = [tree]
    for _ in range(_MAX_DEPTH):
        level = [child for node in level for child in node.get("children", ()) if isinstance(child, dict)]
        if not level:
            return tree
    raise SelectionError("it is nested too deeply")


def _with_values(node: Any, *values: Any) -> Any:
    """A syntax tree node whose children are replaced by their values, already evaluated."""
    return {**node, "children": [{"type": "literal", "children": [], "value": value} for value in values]}


class _Work:
    """Counts the work of an evaluation, and raises `SelectionError` when it exceeds a limit."""

    def __init__(self, checkpoint: Callable[[], None] | None) -> None:
        self._checkpoint = checkpoint
        self._left = _MAX_WORK
        self._next_check = _MAX_WORK
        self._end = thread_time() + _MAX_SECONDS

    def add(self, amount: int) -> None:
        """Count an amount of work, before it is done."""
        self._left -= amount
        if self._left <= self._next_check:
            self._check_limits()

    def _check_limits(self) -> None:
        if self._left < 0 or thread_time() > self._end:
            raise SelectionError("it does too much, or finds too much")
        if self._checkpoint is not None:
            self._checkpoint()
        self._next_check = self._left - _CHECK_EVERY

    def add_length(self, value: Any) -> None:
        """Count a value's own length."""
        if isinstance(value, str):
            self.add(len(value) // _CHARACTERS_PER_UNIT)
        elif isinstance(value, list | dict):
            self.add(len(value))

    def add_recursively(self, value: Any) -> None:
        """Count a value and everything inside it; a value that occurs twice counts twice."""
        self.add_length(value)
        if isinstance(value, list | dict):
            for part in value.values() if isinstance(value, dict) else value:
                self.add(1)
                self.add_recursively(part)


class _Interpreter(TreeInterpreter):
    """jmespath's interpreter, which counts each step and the size of its result."""

    def __init__(self, work: _Work) -> None:
        super().__init__(OPTIONS)
        self._work = work

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        """Evaluate one node. A long text is counted too: the next step may compare or search it many times."""
        self._work.add(1)
        found = super().visit(node, *args, **kwargs)
        if type(found) is str and len(found) > _LONG_TEXT:
            self._work.add(len(found) // _LONG_TEXT)
        return found

    def visit_comparator(self, node: Any, value: Any) -> Any:
        """Compare two values; lists and objects are compared recursively."""
        one, other = (self.visit(child, value) for child in node["children"])
        if isinstance(one, list | dict) and isinstance(other, list | dict):
            self._work.add_recursively(one)
            self._work.add_recursively(other)
        return super().visit_comparator(_with_values(node, one, other), value)

    def visit_flatten(self, node: Any, value: Any) -> Any:
        """Flatten a list by one level."""
        nested = self.visit(node["children"][0], value)
        if isinstance(nested, list):
            self._work.add(sum(len(part) if isinstance(part, list) else 1 for part in nested))
        return super().visit_flatten(_with_values(node, nested), value)

    def visit_slice(self, node: Any, value: Any) -> Any:
        """Copy a part of a list."""
        self._work.add_length(value)
        return super().visit_slice(node, value)

    def visit_function_expression(self, node: Any, value: Any) -> Any:
        """Call a function, after checking that its result is not too large."""
        arguments = [self.visit(child, value) for child in node["children"]]
        self._count_call(node["value"], arguments)
        result: Any = _FUNCTIONS.call_function(node["value"], arguments)
        self._work.add_length(result)
        return result

    def _count_call(self, name: str, arguments: list[Any]) -> None:
        for argument in arguments:
            self._work.add_length(argument)
        if name in ("to_string", "contains"):  # these read everything inside a value
            for argument in arguments:
                self._work.add_recursively(argument)
        elif name in ("join", "joined"):
            lists = [argument for argument in arguments if isinstance(argument, list)]
            separators = [len(argument) for argument in arguments if isinstance(argument, str)]
            parts = [part for each in lists for part in each if isinstance(part, str)]
            self._work.add((sum(map(len, parts)) + len(parts) * max(separators, default=0)) // _CHARACTERS_PER_UNIT)
        elif name == "letters" and len(arguments) == 2 and all(isinstance(each, list | dict) for each in arguments):
            self._work.add(len(arguments[0]) * len(arguments[1]))
        elif name in ("sort", "sort_by", "max", "min", "max_by", "min_by"):
            lists = [argument for argument in arguments if isinstance(argument, list)]
            texts = [part for each in lists for part in each if isinstance(part, str)]
            self._work.add(sum(map(len, texts)) // _CHARACTERS_PER_UNIT + 10 * sum(map(len, lists)))
