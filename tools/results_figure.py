"""Draw the figure of the README in both languages, from the test scores of its tables.

``python tools/results_figure.py`` reads ``docs/figures/results.json``, rows from the ``results.json`` of the
studies that the README names, and writes ``docs/figures/results.{en,es}.svg``.
"""

import json
from itertools import groupby
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sentir.report.plot_style import IntervalRow, draw_intervals

FOLDER = Path(__file__).parents[1] / "docs" / "figures"
SELECTED_COLOR, OTHER_COLOR = "#2f6fb0", "#8b93a1"
DISPLAY_NAMES = {
    "en": {
        "meld-text emotion": "MELD, 7 emotions, text\nweighted F1",
        "meld-text sentiment": "MELD, 3 sentiments, text\nweighted F1",
        "mosei-text emotion": "CMU-MOSEI, 6 emotions, text\nmacro F1",
        "mosei-text sentiment": "CMU-MOSEI, 3 sentiments, text\nweighted F1",
        "ravdess emotion": "RAVDESS, 8 emotions, audio, by actor\nunweighted average recall",
        "majority": "majority class",
        "bag of words": "bag of words",
        "acoustic": "SVM on acoustic functionals",
        "selected": "selected on dev",
    },
    "es": {
        "meld-text emotion": "MELD, 7 emociones, texto\nF1 ponderada",
        "meld-text sentiment": "MELD, 3 sentimientos, texto\nF1 ponderada",
        "mosei-text emotion": "CMU-MOSEI, 6 emociones, texto\nF1 macro",
        "mosei-text sentiment": "CMU-MOSEI, 3 sentimientos, texto\nF1 ponderada",
        "ravdess emotion": "RAVDESS, 8 emociones, audio, por actor\nrecall medio (UAR)",
        "majority": "clase mayoritaria",
        "bag of words": "bolsa de palabras",
        "acoustic": "SVM con funcionales acústicos",
        "selected": "seleccionado en dev",
    },
}


def draw(rows: list[dict[str, Any]], language: str) -> Figure:
    """Draw a panel per task: a dot per model, with its 95 % interval."""
    panels = [list(panel) for _key, panel in groupby(rows, key=_panel)]
    figure = Figure(figsize=(8.4, 0.95 + 0.36 * len(rows)), layout="constrained")
    all_axes = figure.subplots(
        len(panels), 1, sharex=True, gridspec_kw={"height_ratios": [len(panel) + 0.6 for panel in panels]}
    )
    for panel, axes in zip(panels, all_axes, strict=True):
        _draw_panel(axes, panel, language)
    all_axes[-1].set_xlim(0, 0.8)
    all_axes[-1].xaxis.set_major_formatter(lambda value, _position: _format(value, 1, language))
    return figure


def _panel(row: dict[str, Any]) -> str:
    return f"{row['recipe']} {row['task']}"


def _format(value: float, digits: int, language: str) -> str:
    text = f"{value:.{digits}f}"
    return text.replace(".", ",") if language == "es" else text


def _draw_panel(axes: Axes, rows: list[dict[str, Any]], language: str) -> None:
    display_names = DISPLAY_NAMES[language]
    rows = sorted(rows, key=lambda row: -row["value"])
    drawn: list[IntervalRow] = []
    for n, row in enumerate(rows):
        selected = row["role"] == "selected"
        color = SELECTED_COLOR if selected else OTHER_COLOR
        name = display_names["selected" if selected else row["model"]]
        drawn.append((name, row["value"], row["low"], row["high"], color))
        score = _format(row["value"], 3, language)
        axes.text(row["high"] + 0.012, n, score, va="center", fontsize=8, color=color)
    draw_intervals(axes, drawn)
    title, metric = display_names[_panel(rows[0])].split("\n")
    axes.set_title(f"{title} · {metric}", loc="left", fontsize=9, fontweight="bold")
    axes.tick_params(labelsize=8)


def main() -> None:
    """Write both figures."""
    import matplotlib as mpl

    mpl.rcParams |= {"svg.hashsalt": "sentir", "svg.fonttype": "none"}
    rows = json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))
    for language in DISPLAY_NAMES:
        draw(rows, language).savefig(
            FOLDER / f"results.{language}.svg", facecolor="white", metadata={"Date": None}
        )


if __name__ == "__main__":
    main()
