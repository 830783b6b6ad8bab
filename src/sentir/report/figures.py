"""Figures of a report, drawn as SVG that takes its ink from the page, so that it reads in light and dark.

Black is the page's own text color; every other color is a middle tone that stands on both backgrounds.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from sentir.evaluation.results import ModelScores
from sentir.i18n import _
from sentir.report.content import CorpusCard, Curve
from sentir.report.words import word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

COLORS = ("#3d85c6", "#d9822b", "#3aa06a", "#c75470", "#8a6fd1", "#a58a2a", "#2fa3b3", "#8b93a1")
DASHES = ("-", "--", ":", "-.")
_TEXT = 9
_SMALL = 8
_WIDTH = 4.2  # inches; narrow, so that text stays legible on a phone


def confusion_figure(scores: ModelScores) -> Figure:
    """Draw the confusion matrix: counts as text, the shade of a cell its share of the true label's row.

    Raises:
        ValueError: if the scores have no confusion matrix.
    """
    if scores.confusion is None:
        raise ValueError(f"{scores.model} has no confusion matrix")
    names = [word(row.label) for row in scores.per_label]
    figure, axes = _canvas(height=1.1 + 0.42 * len(names))
    for i, row in enumerate(scores.confusion):
        total = sum(row)
        for j, count in enumerate(row):
            _cell(axes, i, j, count, count / total if total else 0.0)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xticks(range(len(names)), [_plain(name) for name in names], rotation=40, ha="right")
    axes.set_yticks(range(len(names)), [_plain(name) for name in names])
    axes.set_xlabel(_("predicted"), fontsize=_TEXT)
    axes.set_ylabel(_("true"), fontsize=_TEXT)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return figure


def _cell(axes: Axes, i: int, j: int, count: float, share: float) -> None:
    """Draw one cell; translucent color keeps the text readable on light and on dark."""
    from matplotlib.patches import Rectangle

    color = COLORS[0] if i == j else COLORS[1]
    axes.add_patch(Rectangle((j - 0.48, i - 0.48), 0.96, 0.96, color=color, alpha=0.06 + 0.6 * share, lw=0))
    axes.text(j, i, f"{count:.0f}", ha="center", va="center", fontsize=_TEXT)


def curves_figure(
    curves: Sequence[Curve], metric: str, *, selected: str | None = None, beside: Sequence[Curve] = ()
) -> Figure:
    """Draw the dev score by epoch, a line per training, colored by model; a dot marks the epoch that was kept.

    Args:
        curves: trainings of one task.
        metric: the headline metric, for the axis.
        selected: the model chosen on dev, drawn stronger.
        beside: trainings of other drawings, whose scores share the vertical axis.
    """
    from matplotlib.ticker import MaxNLocator

    models = sorted({curve.model: None for curve in curves}, key=lambda model: model != selected)
    figure, axes = _canvas(height=2.9 + 0.19 * len(models))
    lines: dict[str, Line2D] = {}
    for curve in curves:
        strong = selected in (None, curve.model)
        lines[curve.model] = _line(axes, curve, models.index(curve.model), strong=strong)
    if beside:
        scores = [point["score"] for curve in beside for point in curve.points]
        axes.dataLim.update_from_data_y(scores, ignore=False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(_("epoch"), fontsize=_TEXT)
    axes.set_ylabel(_("{metric} on dev", metric=word(metric)), fontsize=_TEXT)
    axes.grid(color="black", alpha=0.12, lw=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    handles = [lines[model] for model in models]
    names = [_chosen(model) if model == selected else _plain(model) for model in models]
    figure.legend(handles, names, loc="outside lower left", frameon=False, fontsize=_SMALL, labelspacing=0.3)
    return figure


def _line(axes: Axes, curve: Curve, place: int, *, strong: bool) -> Line2D:
    """Draw one training in the color of its model and return the line."""
    points = sorted(curve.points, key=lambda point: point["epoch"])
    color, dash = COLORS[place % len(COLORS)], DASHES[place // len(COLORS) % len(DASHES)]
    alpha, width, size = (0.95, 1.8, 5.5) if strong else (0.65, 1.0, 3.5)
    look: dict[str, Any] = {"color": color, "alpha": alpha, "zorder": 2 + strong}
    epochs, scores = [p["epoch"] for p in points], [p["score"] for p in points]
    (line,) = axes.plot(epochs, scores, linestyle=dash, lw=width, **look)
    kept = [score for epoch, score in zip(epochs, scores, strict=True) if epoch == curve.best]
    axes.plot([curve.best] * len(kept), kept, marker="o", ms=size, lw=0, **look)
    return line


def _chosen(model: str) -> str:
    return _("{model} (chosen on dev)", model=_plain(model))


def label_figure(card: CorpusCard, task: str) -> Figure:
    """Draw how often each label occurs: bars are shares of a split's utterances, with the counts as text."""
    splits = [split for split in ("train", "dev") if split in card.labels[task]]
    names = list(dict.fromkeys(name for split in splits for name in card.labels[task][split]))
    figure, axes = _canvas(height=0.6 + 0.42 * len(names))
    for n, split in enumerate(splits):
        counts = [card.labels[task][split].get(name, 0) for name in names]
        total = card.splits.get(split, {}).get("utterances", 0) or sum(counts) or 1
        places = [row + (n - (len(splits) - 1) / 2) * 0.36 for row in range(len(names))]
        bars = axes.barh(places, [count / total for count in counts], 0.32, color=COLORS[n], label=word(split))
        axes.bar_label(bars, [thousands(count) for count in counts], padding=3, fontsize=_SMALL)
    axes.set_yticks(range(len(names)), [_plain(word(name)) for name in names])
    axes.set_xticks([])
    axes.margins(x=0.14)
    axes.invert_yaxis()
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    figure.legend(loc="outside upper right", ncols=2, frameon=False, fontsize=_SMALL)
    return figure


def thousands(number: float) -> str:
    """Write a count with a thin space between thousands, which English and Spanish readers share."""
    return f"{number:,.0f}".replace(",", "\u202f")


def _canvas(height: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    axes = figure.subplots()
    axes.tick_params(labelsize=_TEXT)
    return figure, axes


def _plain(text: str) -> str:
    """Keep Matplotlib from reading dollar signs in a user's name as mathematics."""
    return text.replace("$", r"\$")


def fig_svg(figure: Figure, *, name: str, title: str) -> str:
    """Return a figure as an SVG element for an HTML page, without scripts, styles, links or fixed size.

    Args:
        figure: what to draw.
        name: unique in the page; goes before every id in the drawing.
        title: the text for those who cannot see it.
    """
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, metadata=metadata)
    root = ElementTree.fromstring(buffer.getvalue())
    _adopt(root, name)
    width = root.attrib.pop("width").removesuffix("pt")
    root.attrib.pop("height")
    root.attrib |= {
        "role": "img",
        "aria-label": title,
        "fill": "currentColor",
        "stroke-linejoin": "round",
        "style": f"max-width: {float(width) * 1.6:.0f}px",
    }
    heading = ElementTree.Element("title")
    heading.text = title
    root.insert(0, heading)
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=False)


def _adopt(root: ElementTree.Element, name: str) -> None:
    """Make Matplotlib's drawing a citizen of the page: own ids, the page's ink and letters, no namespaces."""
    text = ElementTree.tostring(root, encoding="unicode")
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', text))
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.endswith("}style"):
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = dict(_attributes(element, used, name))
        element.tail = None
        if element.tag != "text":
            element.text = None


def _attributes(element: ElementTree.Element, used: set[str], name: str) -> list[tuple[str, str]]:
    pairs = []
    for key, value in element.attrib.items():
        plain = key.rpartition("}")[2]
        if plain == "id" and value not in used:
            continue
        if plain == "id":
            value = f"{name}-{value}"
        if plain in ("href", "clip-path"):
            value = value.replace("#", f"#{name}-")
        if plain == "style":
            value = re.sub(r"\s*font-family:[^;]*;?", "", value).replace("#000000", "currentColor")
        pairs.append((plain, value))
    return pairs
