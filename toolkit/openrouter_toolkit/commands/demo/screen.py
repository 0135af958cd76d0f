"""How the demo looks: rules and panels on a terminal, plain paragraphs in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ...wording import clean, json_for_terminal, safe_for_terminal, shorten
from ..terminal import console

if TYPE_CHECKING:
    from ...envelope import Envelope
    from ...openrouter.stream_events import StreamEvent

_WIDEST = 110
_LONGEST_DATA = 180
_LONGEST_WORDS = 500


class Screen:
    """Everything that it shows passes `_text`, so nothing in an answer reaches the terminal as a command."""

    def __init__(self) -> None:
        self._console = console()
        self._console.width = min(self._console.width, _WIDEST)
        self._arrow = "→" if self._console.encoding.startswith("utf") else "->"
        self._steps = 0
        self._fresh = True
        self._streaming = False

    def opening(self, title: str, where: str) -> None:
        """The first lines."""
        self._console.print(_text(title, "bold"))
        self._console.print(_text(where))

    def step(self, title: str) -> None:
        """A new chapter."""
        self._steps += 1
        self._fresh = True
        self._console.print()
        self._console.rule(_text(f"{self._steps}. {title}", "bold cyan"), align="left", style="dim")

    def remark(self, text: str) -> None:
        """What the agent concludes."""
        self._indented(_text(text, "italic"))

    def call(self, wish: str, slug: str, arguments: dict[str, Any]) -> None:
        """What the agent wants, and its call."""
        if not self._fresh:
            self._console.print()
        self._fresh = False
        self._indented(_text(wish))
        self._indented(Text.assemble(_text(slug, "bold"), " ", _text(json_for_terminal(arguments), "dim")))

    def token(self, event: StreamEvent) -> None:
        """A piece of an answer, at once."""
        if event.kind not in ("text", "reasoning", "refusal") or not event.text:
            return
        if not self._streaming:
            self._streaming = True
            self._console.out(f"  tokens {self._arrow} ", end="", style="dim")
        style = "dim" if event.kind == "reasoning" else "bold"
        self._console.out(safe_for_terminal(event.text), end="", style=style, highlight=False)

    def envelope(self, envelope: Envelope, milliseconds: float, learnt: str) -> None:
        """The answer, and what the agent takes from it."""
        if self._streaming:
            self._console.out("")
            self._streaming = False
        colour = "green" if envelope.successful else "yellow"
        rows = [
            ("successful", _text(str(envelope.successful).lower(), colour)),
            ("error", _text(envelope.error or "null")),
            ("data", _text(_beginning(envelope.data, _LONGEST_DATA))),
        ]
        self._boxed("envelope", rows, colour, f"{milliseconds:.0f} ms")
        if learnt:
            self._conclusion(learnt)

    def round(self, number: int, what: str, words: str) -> None:
        """A model's turn in its own loop: its number, what the model does, and what it says."""
        self._console.print()
        self._indented(_text(f"Round {number}: {what}."))
        if words:
            self._conclusion(words)

    def tool_call(self, name: str, arguments: str, result: str) -> None:
        """A call as a model wrote it, and what it gets to read."""
        written = _text(_beginning(arguments, _LONGEST_WORDS), "dim")
        self._indented(Text.assemble(_text(_beginning(name, 80), "bold"), " ", written))
        self._boxed("what the model reads", [("reads", _text(_beginning(result, _LONGEST_WORDS)))], "blue")

    def closing(self, summary: str, hints: list[tuple[str, str]], *, good: bool = True) -> None:
        """The last lines."""
        self._console.print()
        self._console.rule(style="dim")
        self._console.print(_text(summary, "bold green" if good else "bold red"))
        rows = Table.grid(padding=(0, 2, 0, 0))
        for command, purpose in hints:
            rows.add_row(_text(f"  {command}", "cyan"), _text(purpose))
        if hints:
            self._console.print(_text("Where to go next:"))
            self._console.print(rows)

    def _boxed(self, title: str, named: list[tuple[str, Text]], colour: str, time: str = "") -> None:
        """Named values: a panel on a terminal, plain lines in a file."""
        rows = Table.grid(padding=(0, 2, 0, 0))
        rows.add_column(no_wrap=True)
        rows.add_column(overflow="fold")
        for name, value in named:
            rows.add_row(_text(name, "dim"), value)
        if self._console.is_terminal:
            subtitle = _text(time) if time else None
            panel = Panel(rows, title=_text(title), title_align="left", subtitle=subtitle, border_style=colour)
            self._indented(panel)
        else:
            if time:
                rows.add_row("time", time)
            self._indented(rows, 4)

    def _conclusion(self, text: str) -> None:
        self._indented(_text(f"{self._arrow} {_beginning(text, _LONGEST_WORDS)}", "bold"))

    def _indented(self, content: Text | Table | Panel, columns: int = 2) -> None:
        self._console.print(Padding(content, (0, 0, 0, columns), expand=False))


def _beginning(text: str, limit: int) -> str:
    """As much of a text as fits, on one line."""
    return shorten(clean(text[: 4 * limit]), limit)


def _text(text: str, style: str = "") -> Text:
    return Text(safe_for_terminal(text), style=style)
