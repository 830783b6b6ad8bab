"""Colors of labels: fixed for the emotions of common corpora, else by position; text always names them too."""

from collections.abc import Sequence

KNOWN_COLORS = {
    "anger": "#c0392b",
    "calm": "#5b9aa0",
    "contempt": "#8e5a2b",
    "disgust": "#6b8e23",
    "fear": "#7d3c98",
    "joy": "#d99a00",
    "neutral": "#7f8c8d",
    "sadness": "#2e6da4",
    "surprise": "#d35f9b",
    "negative": "#c0392b",
    "positive": "#2e8b57",
}
OTHER_COLORS = ("#2e8b57", "#b5651d", "#4b5fa8", "#a83279", "#3f7f93", "#8a8a00", "#555555")


def label_color(label: str, labels: Sequence[str]) -> str:
    """Return the color of a label, ``#rrggbb``."""
    if label in KNOWN_COLORS:
        return KNOWN_COLORS[label]
    others = [name for name in labels if name not in KNOWN_COLORS]
    return OTHER_COLORS[others.index(label) % len(OTHER_COLORS)] if label in others else OTHER_COLORS[-1]
