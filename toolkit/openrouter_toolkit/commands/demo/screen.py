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
        rows = Table.grid(padding=(0, 2, 0, 0))
        rows.add_column(no_wrap=True)
        rows.add_column(overflow="fold")
        rows.add_row(_text("successful", "dim"), _text(str(envelope.successful).lower(), colour))
        rows.add_row(_text("error", "dim"), _text(envelope.error or "null"))
        rows.add_row(_text("data", "dim"), _text(shorten(clean(envelope.data[: 4 * _LONGEST_DATA]), _LONGEST_DATA)))
        time = f"{milliseconds:.0f} ms"
        if self._console.is_terminal:
            panel = Panel(rows, title=_text("envelope"), title_align="left", subtitle=_text(time), border_style=colour)
            self._indented(panel)
        else:
            rows.add_row("time", time)
            self._indented(rows, 4)
        if learnt:
            self._indented(_text(f"{self._arrow} {shorten(clean(learnt), 300)}", "bold"))

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

    def _indented(self, content: Text | Table | Panel, columns: int = 2) -> None:
        self._console.print(Padding(content, (0, 0, 0, columns), expand=False))


def _text(text: str, style: str = "") -> Text:
    return Text(safe_for_terminal(text), style=style)
