"""What the demo prints: panels and colours on a terminal, plain lines in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ..envelope import Envelope
from ..text.sanitize import clean, safe_for_terminal, shorten
from .terminal import console, text

if TYPE_CHECKING:  # commands know nothing of OpenRouter's API
    from ..openrouter.streams.events import StreamEvent

_MAX_WIDTH = 110
_MAX_DATA = 180  # characters of an envelope's data that are shown
_MAX_WORDS = 500


class DemoScreen:
    """Prints the demo's steps. All text is sanitized: no answer can control the terminal.

    Attributes:
        console: where it is printed.
    """

    def __init__(self) -> None:
        self.console = console()
        self.console.width = min(self.console.width, _MAX_WIDTH)
        self._arrow = "→" if self.console.encoding.startswith("utf") else "->"
        self._chapters = 0
        self._streaming = False

    def step(self, intention: str, *, title: str = "", style: str = "") -> None:
        """Print what the agent wants next, below the title of a chapter that begins with it."""
        self.console.print()
        if title:
            self._chapters += 1
            self.console.rule(text(f"{self._chapters}. {title}", "bold cyan"), align="left", style="dim")
        self._print(text(intention, style))

    def call(self, slug: str, arguments: str) -> None:
        """Print what is executed."""
        self._print(Text.assemble(text(slug, "bold"), " ", text(arguments, "dim")))

    def token(self, event: StreamEvent) -> None:
        """Print the text of a streamed event, as it comes."""
        if event.kind not in ("text", "reasoning", "refusal") or not event.text:
            return
        if not self._streaming:
            self._streaming = True
            self.console.out(f"  tokens {self._arrow} ", end="", style="dim")
        style = "dim" if event.kind == "reasoning" else "bold"
        self.console.out(safe_for_terminal(event.text), end="", style=style, highlight=False)

    def envelope(self, envelope: Envelope, milliseconds: float, conclusion: str) -> None:
        """Print an envelope, and what the agent learns from it."""
        if self._streaming:
            self.console.out("")
            self._streaming = False
        colour = "green" if envelope.successful else "yellow"
        rows = {
            "successful": text(str(envelope.successful).lower(), colour),
            "error": text(envelope.error or "null"),
            "data": text(_on_one_line(envelope.data, _MAX_DATA)),
        }
        self._box("envelope", rows, colour, f"{milliseconds:.0f} ms")
        self._conclusion(conclusion)

    def tool_call(self, function: dict[str, Any], result: str) -> None:
        """Print a tool call of the model's, and what it reads."""
        arguments = str(function.get("arguments") or "")
        self.call(_on_one_line(str(function.get("name")), 80), _on_one_line(arguments))
        self._box("what the model reads", {"reads": text(_on_one_line(result))}, "blue")

    def round(self, number: int, what: str, words: str) -> None:
        """Print what the model does in a round."""
        self.step(f"Round {number}: the model {what}.")
        self._conclusion(words)

    def _conclusion(self, words: str) -> None:
        if words:
            self._print(text(f"{self._arrow} {_on_one_line(words)}", "bold"))

    def _box(self, title: str, named: dict[str, Text], colour: str, time: str = "") -> None:
        rows = Table.grid(padding=(0, 2, 0, 0))
        rows.add_column(no_wrap=True)
        rows.add_column(overflow="fold")
        for name, value in named.items():
            rows.add_row(text(name, "dim"), value)
        if self.console.is_terminal:
            subtitle = text(time) if time else None
            self._print(Panel(rows, title=text(title), title_align="left", subtitle=subtitle, border_style=colour))
        else:
            if time:
                rows.add_row("time", time)
            self._print(rows, indent=4)

    def _print(self, content: RenderableType, indent: int = 2) -> None:
        self.console.print(Padding(content, (0, 0, 0, indent), expand=False))


def _on_one_line(words: str, limit: int = _MAX_WORDS) -> str:
    return shorten(clean(words[: 4 * limit]), limit)
