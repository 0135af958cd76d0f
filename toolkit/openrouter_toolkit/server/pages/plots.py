"""Plots as SVG elements without script or style of their own: the pages' sheet gives them colours, in light and dark.

pygal draws them. What it adds for scripts and as styles is taken away, since the pages' policy allows neither.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import floor, log10
from typing import Any

from markupsafe import Markup

# As wide as the content beside the menu, and as a phone: letters stay as large as those around the plot.
_SIZES = {"wide": (840, 260), "narrow": (330, 220)}
_SMALL_SIZES = {"wide": (405, 150), "narrow": (330, 150)}
_SPACE_OF_LABEL = {"wide": 70, "narrow": 75}
_FONT_SIZE = 12
_TICKS = 4
_UNWANTED = {"style", "script", "desc", "title", "defs"}
_UNWANTED_CLASSES = ("background", "text-overlay", "tooltip-overlay", "titles", "legends")


@dataclass(frozen=True)
class Series:
    """One series of a plot.

    Attributes:
        name: its name for tooltips.
        colour: the number of its colour.
        values: a value for each label; None where there is none.
    """

    name: str
    colour: int
    values: Sequence[float | None]


def plot(
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    says: str,
    words: Callable[[float], str],
    lines: bool = False,
    small: bool = False,
) -> Markup:
    """Return stacked bars or lines, as one SVG for wide screens and one for narrow ones.

    Args:
        labels: what is below the bars.
        series: what is stacked, from below.
        says: what the plot shows, for those who don't see it.
        words: formats a value.
        lines: whether it is lines.
        small: whether it is half as wide.
    """
    sizes = _SMALL_SIZES if small else _SIZES
    return Markup("").join(
        Markup(_drawn(labels, series, width, says, words, lines=lines, size=size))  # noqa: S704 - pygal escapes texts
        for width, size in sizes.items()
    )


def _drawn(
    labels: Sequence[str],
    series: Sequence[Series],
    width: str,
    says: str,
    words: Callable[[float], str],
    *,
    lines: bool,
    size: tuple[int, int],
) -> str:
    pygal = _pygal()
    every = -(-len(labels) * _SPACE_OF_LABEL[width] // size[0])
    options: dict[str, Any] = {
        "width": size[0],
        "height": size[1],
        "style": pygal.style.Style(label_font_size=_FONT_SIZE, major_label_font_size=_FONT_SIZE),
        "css": [],
        "js": [],
        "disable_xml_declaration": True,
        "show_legend": False,
        "margin": 6,
        "spacing": 4,
        "x_labels": list(labels),
        "x_labels_major_every": every,
        "show_minor_x_labels": False,
        "truncate_label": -1,
        "y_labels": _ticks(series, stacked=not lines),
        "formatter": words,
        "value_formatter": words,
    }
    chart = pygal.Line(**options, dots_size=2.5) if lines else pygal.StackedBar(**options)
    for one in series:
        named = [
            {"value": value, "label": _tip(one, label, value, words)}
            for label, value in zip(labels, one.values, strict=True)
        ]
        chart.add(one.name, [value if value["value"] is not None else None for value in named])
    colours = [one.colour for one in series]
    chart.add_xml_filter(lambda root: _cleaned(root, f"plot plot-{width}", says, colours))
    return str(chart.render(is_unicode=True))


@cache
def _pygal() -> Any:
    """Import the library, which only plots need."""
    import pygal

    # What it adds to find plugins by is of a kind that Python has given up, and warns at every later import.
    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != pygal.__name__]
    return pygal


def _tip(series: Series, label: str, value: float | None, words: Callable[[float], str]) -> str:
    return f"{label}, {series.name}: {'' if value is None else words(value)}"


def _ticks(series: Sequence[Series], *, stacked: bool) -> list[float]:
    """Return round values from nothing to the greatest, for the lines across."""
    columns = zip(*(one.values for one in series), strict=True)
    sums = [sum(filter(None, column)) if stacked else max(filter(None, column), default=0) for column in columns]
    greatest = max(sums, default=0)
    if greatest <= 0:
        return [0, 1]
    counted = all(isinstance(value, int) for value in sums)  # then the lines are at whole numbers
    rough = max(greatest / _TICKS, 1) if counted else greatest / _TICKS
    power = 10 ** floor(log10(rough))
    step = next(
        power * factor for factor in ((1, 2, 5, 10) if counted else (1, 2, 2.5, 5, 10)) if power * factor >= rough
    )
    return [step * number for number in range(int(-(-greatest // step)) + 1)]


def _cleaned(root: Any, classes: str, says: str, colours: Sequence[int]) -> Any:
    """Take away scripts, styles and what only they use; turn the labels of values into tooltips."""
    for parent in list(root.iter()):
        for name in ("style", "id"):
            parent.attrib.pop(name, None)
        _recolour(parent, colours)
        tip = next((child.text for child in parent if child.tag == "desc" and child.get("class") == "label"), None)
        for child in list(parent):
            if not isinstance(child.tag, str) or child.tag in _UNWANTED or _is_unwanted(child.get("class", "")):
                parent.remove(child)
        if tip is not None:
            title = root.makeelement("title", {})
            title.text = tip
            parent.insert(0, title)
    for parent in list(root.iter())[::-1]:
        for child in list(parent):
            if child.tag == "g" and not len(child):
                parent.remove(child)
    root.set("class", classes)
    root.set("role", "img")
    root.set("aria-label", says)
    return root


def _is_unwanted(classes: str) -> bool:
    return any(name in classes.split() for name in _UNWANTED_CLASSES)


def _recolour(element: Any, colours: Sequence[int]) -> None:
    """Give a series its own colour, not that of its place."""
    classes = element.get("class", "")
    if classes.startswith("series "):
        number = int(classes.split()[1].removeprefix("serie-"))
        element.set("class", f"series colour-{colours[number]}")
