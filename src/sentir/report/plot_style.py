"""Style that all figures share: colors, font sizes, axes and legends.

In a report (`sentir.report.svg`) black becomes the text color of the page; all other colors are mid-tones that
work on light and on dark backgrounds.
"""

from __future__ import annotations

from collections.abc import Sequence
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

IntervalRow = tuple[str, float, float | None, float | None, str]
"""Name, value, low, high and color."""


def make_axes(height: float, width: float = _WIDTH_INCHES) -> tuple[Figure, Axes]:
    """Return a figure of ``height`` and ``width`` inches, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.tick_params(labelsize=FONT_SIZE)
    return figure, axes


def make_curve_axes(height: float, x_label: str, y_label: str) -> tuple[Figure, Axes]:
    """Return a figure for curves, with a grid and named axes."""
    figure, axes = make_axes(height)
    axes.grid(color="black", alpha=0.12, lw=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(x_label, fontsize=FONT_SIZE)
    axes.set_ylabel(y_label, fontsize=FONT_SIZE)
    return figure, axes


def make_square_axes(
    num_labels: int, x_label: str, y_label: str, *, diagonal: bool = True
) -> tuple[Figure, Axes]:
    """Return a figure for curves of two shares, with room for a legend of so many labels."""
    figure, axes = make_curve_axes(3.9 + 0.17 * -(-num_labels // 3), x_label, y_label)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.01)
    axes.set_aspect("equal")
    if diagonal:
        axes.plot([0, 1], [0, 1], color="black", alpha=0.3, lw=0.8, ls="--")
    return figure, axes


def draw_intervals(axes: Axes, rows: Sequence[IntervalRow], factor: float = 1) -> None:
    """Draw a dot for each row, the first on top, with a line over its interval; numbers are multiplied."""
    for n, (_name, value, low, high, color) in enumerate(rows):
        if low is not None and high is not None:
            ends = [factor * low, factor * high]
            axes.plot(ends, [n, n], color=color, lw=2.5, alpha=0.6, solid_capstyle="round")
        axes.plot(factor * value, n, "o", ms=5.5, color=color)
    max_cells = int(_MAX_LABEL_CELLS * axes.get_figure().get_figwidth() / _WIDTH_INCHES)  # type: ignore[union-attr]
    axes.set_yticks(range(len(rows)), [escape_label(row[0], max_cells) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(axis="x", color="black", alpha=0.12, lw=0.6)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def plot_intervals(
    rows: Sequence[IntervalRow],
    x_label: str,
    *,
    factor: float = 1,
    zero_line: bool = False,
    width: float = _WIDTH_INCHES,
) -> Figure:
    """Draw rows with intervals; see `draw_intervals`."""
    figure, axes = make_axes(0.8 + 0.3 * len(rows), width)
    draw_intervals(axes, rows, factor)
    if zero_line:
        axes.axvline(0, color="black", lw=0.8, alpha=0.5, ls="--")
    axes.set_xlabel(x_label, fontsize=FONT_SIZE)
    return figure


def name_bars(axes: Axes, names: Sequence[str], texts: Sequence[Sequence[str]]) -> None:
    """Finish a chart of horizontal bars: hide its axes, and write the names of its rows and the text of each bar.

    Args:
        axes: with a container of bars for each series.
        names: of the rows, the first on top.
        texts: of each series, one for each bar.
    """
    for bars, series in zip(axes.containers, texts, strict=True):
        axes.bar_label(bars, series, padding=3, fontsize=SMALL_FONT_SIZE)  # type: ignore[arg-type]
    axes.set_yticks(range(len(names)), [escape_label(name) for name in names])
    axes.set_xticks([])
    axes.margins(x=0.14)
    axes.invert_yaxis()
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


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
