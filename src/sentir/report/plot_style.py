"""Style that all figures share: colors, font sizes, axes and legends.

In a report (`sentir.report.svg`) black becomes the text color of the page; all other colors are mid-tones that
work on light and on dark backgrounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size

from sentir.safe_text import to_single_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = ("#3d85c6", "#d9822b", "#3aa06a", "#c75470", "#8a6fd1", "#a58a2a", "#2fa3b3", "#8b93a1")
GRAY = COLORS[-1]
LINE_STYLES = ("-", "--", ":", "-.")
FONT_SIZE = 9
SMALL_FONT_SIZE = 8
DYNAMIC_RANGE_DB = 80.0  # of a spectrogram, from the brightest color to the darkest
_WIDTH_INCHES = 4.2  # narrow, so that text stays legible on a phone
_MAX_LABEL_CELLS = 28  # terminal cells; a longer name would leave no room for the drawing and is shortened
_LEGEND_CELLS = 60  # terminal cells of a row of a legend


def make_axes(height: float) -> tuple[Figure, Axes]:
    """Return a figure of the common width and ``height`` inches, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH_INCHES, height), layout="constrained")
    axes = figure.subplots()
    axes.tick_params(labelsize=FONT_SIZE)
    return figure, axes


def line_style(index: int) -> dict[str, Any]:
    """Return the color, line style and line width of the ``index``-th of several lines."""
    return {
        "color": COLORS[index % len(COLORS)],
        "ls": LINE_STYLES[index // len(COLORS) % len(LINE_STYLES)],
        "lw": 1.5,
    }


def add_legend(figure: Figure) -> Figure:
    """Add a legend of three columns, or of as many as fit."""
    labels = figure.axes[0].get_legend_handles_labels()[1]
    columns = max(1, min(3, _LEGEND_CELLS // (max(map(cell_len, labels), default=0) + 4)))
    figure.set_figheight(figure.get_figheight() + 0.17 * (-(-len(labels) // columns) - -(-len(labels) // 3)))
    figure.legend(
        loc="outside lower center", ncols=columns, frameon=False, fontsize=SMALL_FONT_SIZE, columnspacing=1.2
    )
    return figure


def escape_label(text: str, max_cells: int = _MAX_LABEL_CELLS) -> str:
    """Return a user's name as Matplotlib shows it unchanged: on one line, with dollar signs escaped.

    A name that is wider than ``max_cells`` cells of a terminal is shortened in the middle.
    """
    name = to_single_line(text)
    if cell_len(name) > max_cells:
        end = set_cell_size(name[::-1], max_cells // 3)[::-1].strip()
        name = f"{set_cell_size(name, max_cells - 1 - max_cells // 3).strip()}…{end}"
    return name.replace("$", r"\$")
