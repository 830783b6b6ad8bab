"""Draw the figure of the README, in both languages, from the scores on test that its tables show.

``python tools/results_figure.py`` reads ``docs/figures/results.json``, rows taken from the ``results.json`` of
the studies that the README names, and writes ``docs/figures/results.{en,es}.svg``.
"""

import json
from itertools import groupby
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

FOLDER = Path(__file__).parents[1] / "docs" / "figures"
SELECTED_COLOR, OTHER_COLOR = "#2f6fb0", "#8b93a1"
DISPLAY_NAMES = {
    "en": {
        "meld-text emotion": "MELD, emotion of 7, text\nweighted F1",
        "meld-text sentiment": "MELD, sentiment of 3, text\nweighted F1",
        "mosei-text emotion": "CMU-MOSEI, 6 emotions, text\nmacro F1",
        "mosei-text sentiment": "CMU-MOSEI, sentiment of 3, text\nweighted F1",
        "ravdess emotion": "RAVDESS, emotion of 8, audio, by actor\nunweighted average recall",
        "majority": "majority class",
        "bag of words": "bag of words",
        "acoustic": "SVM on acoustic functionals",
        "selected": "chosen by Sentir on dev",
    },
    "es": {
        "meld-text emotion": "MELD, emoción de 7, texto\nF1 ponderada",
        "meld-text sentiment": "MELD, sentimiento de 3, texto\nF1 ponderada",
        "mosei-text emotion": "CMU-MOSEI, 6 emociones, texto\nF1 macro",
        "mosei-text sentiment": "CMU-MOSEI, sentimiento de 3, texto\nF1 ponderada",
        "ravdess emotion": "RAVDESS, emoción de 8, audio, por actor\nrecall medio (UAR)",
        "majority": "clase mayoritaria",
        "bag of words": "bolsa de palabras",
        "acoustic": "SVM con funcionales acústicos",
        "selected": "lo que Sentir eligió en dev",
    },
}


def draw(rows: list[dict[str, Any]], language: str) -> Figure:
    """Draw a panel per task: a dot per model, with its 95 % interval."""
    panels = [list(found) for _key, found in groupby(rows, key=_panel)]
    figure = Figure(figsize=(8.4, 0.95 + 0.36 * len(rows)), layout="constrained")
    axes = figure.subplots(
        len(panels), 1, sharex=True, gridspec_kw={"height_ratios": [len(panel) + 0.6 for panel in panels]}
    )
    for panel, place in zip(panels, axes, strict=True):
        _draw_panel(place, panel, DISPLAY_NAMES[language])
    axes[-1].set_xlim(0, 0.8)
    return figure


def _panel(row: dict[str, Any]) -> str:
    return f"{row['recipe']} {row['task']}"


def _draw_panel(axes: Axes, rows: list[dict[str, Any]], words: dict[str, str]) -> None:
    rows = sorted(rows, key=lambda row: row["value"])
    for n, row in enumerate(rows):
        color = SELECTED_COLOR if row["role"] == "selected" else OTHER_COLOR
        axes.plot([row["low"], row["high"]], [n, n], color=color, lw=4, alpha=0.45, solid_capstyle="round")
        axes.plot(row["value"], n, "o", ms=6, color=color)
        axes.text(row["high"] + 0.012, n, f"{row['value']:.3f}".lstrip("0"), va="center", fontsize=8, color=color)
    names = [words[row["role"] if row["role"] == "selected" else row["model"]] for row in rows]
    axes.set_yticks(range(len(rows)), names, fontsize=8)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    title, metric = words[_panel(rows[0])].split("\n")
    axes.set_title(f"{title} · {metric}", loc="left", fontsize=9, fontweight="bold")
    axes.grid(axis="x", color="black", alpha=0.12, lw=0.6)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=8)


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
