"""Draw the learning curves of the page on how much data one needs, in both languages.

``python tools/learning_curves_figure.py`` reads ``docs/figures/learning-curves.json``, which
``benchmarks/learning_curves.py`` writes, and writes ``docs/figures/learning-curves.{en,es}.svg``.
"""

import json
from itertools import groupby
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sentir.report.plot_style import COLORS, FONT_SIZE, GRAY

FOLDER = Path(__file__).parents[1] / "docs" / "figures"
TEXTS = {
    "en": {
        "meld-text": "MELD, 7 emotions, text\nweighted F1",
        "ravdess": "RAVDESS, 8 emotions, audio\nunweighted average recall",
        "bag of words": "bag of words",
        "acoustic": "SVM on functionals",
        "frozen": "frozen EfficientNet-Lite0",
        "minilm": "frozen MiniLM",
        "minilm + dialogue": "frozen MiniLM, dialogue",
        "x": "train utterances",
    },
    "es": {
        "meld-text": "MELD, 7 emociones, texto\nF1 ponderada",
        "ravdess": "RAVDESS, 8 emociones, audio\nrecall medio (UAR)",
        "bag of words": "bolsa de palabras",
        "acoustic": "SVM con funcionales",
        "frozen": "EfficientNet-Lite0 congelada",
        "minilm": "MiniLM congelado",
        "minilm + dialogue": "MiniLM congelado, diálogo",
        "x": "enunciados de train",
    },
}


def draw(rows: list[dict[str, Any]], language: str) -> Figure:
    """Draw a panel per recipe: a line per model, with the deviation over draws."""
    panels = [list(panel) for _recipe, panel in groupby(rows, key=lambda row: row["recipe"])]
    figure = Figure(figsize=(8.4, 3.4), layout="constrained")
    for panel, axes in zip(panels, figure.subplots(1, len(panels), squeeze=False)[0], strict=True):
        _draw_panel(axes, panel, language)
    return figure


def _draw_panel(axes: Axes, rows: list[dict[str, Any]], language: str) -> None:
    texts, names = TEXTS[language], list(dict.fromkeys(row["model"] for row in rows))
    for n, name in enumerate(names):
        own = [row for row in rows if row["model"] == name]
        sizes, values = [row["train"] for row in own], [row["value"] for row in own]
        deviations = [row["sd"] for row in own]
        color = GRAY if n == 0 else COLORS[n - 1]
        axes.errorbar(sizes, values, deviations, color=color, marker="o", ms=4, capsize=2, label=texts[name])
    axes.set_xscale("log")
    axes.set_xlabel(texts["x"], fontsize=FONT_SIZE)
    title, metric = texts[rows[0]["recipe"]].split("\n")
    axes.set_title(f"{title}\n{metric}", loc="left", fontsize=FONT_SIZE, fontweight="bold")
    axes.yaxis.set_major_formatter(lambda value, _position: _format(value, language))
    axes.xaxis.set_major_formatter(lambda value, _position: f"{value:g}")
    axes.grid(color="black", alpha=0.12, lw=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=8, frameon=False)


def _format(value: float, language: str) -> str:
    return f"{value:.2f}".replace(".", "," if language == "es" else ".")


def main() -> None:
    """Write both figures."""
    import matplotlib as mpl

    mpl.rcParams |= {"svg.hashsalt": "sentir", "svg.fonttype": "none"}
    rows = json.loads((FOLDER / "learning-curves.json").read_text(encoding="utf-8"))
    for language in TEXTS:
        path = FOLDER / f"learning-curves.{language}.svg"
        draw(rows, language).savefig(path, facecolor="white", metadata={"Date": None})


if __name__ == "__main__":
    main()
