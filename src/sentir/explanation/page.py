"""The pages of explanations, and their sentences, in English and in Spanish."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentir.errors import SentirError
from sentir.evaluation.results import gain, is_share, p_text
from sentir.explanation.figures import (
    MAP_NAMES,
    PARTS,
    importance_figure,
    sound_figure,
    sound_text,
    withheld_figure,
)
from sentir.explanation.results import Explanation, Importance, ModelExplanation, Randomized, Withheld, Word
from sentir.explanation.sanity_checks import ALIKE
from sentir.i18n import _, localized, mark
from sentir.io import write_text
from sentir.recognizer.card import model_card
from sentir.report.html import render_page
from sentir.report.words import named, word

if TYPE_CHECKING:
    from sentir.documents import Document
    from sentir.recognizer.recognizer import Recognizer

SHOWN = 12  # columns of numbers in a table
_LOUD, _HEARD = 0.5, 0.15  # of the largest value of a word: shown with its number, shown with a mark
_ABOUT = {
    "evidence": mark("Grad-CAM on the last feature map: regions that raise the score of the label."),
    "local_gate": mark("Values of the gate on the local feature map, whatever the label."),
    "global_gate": mark("Values of the gate on the last feature map, whatever the label."),
}
_HOW = {
    "missing": mark("Treated as missing, as in part of the training."),
    "train_mean": mark("Replaced by its mean over train."),
    "alone": mark("Each utterance as a dialogue of its own."),
}


def save_explanation(
    found: Explanation | ModelExplanation, path: Path, recognizer: Recognizer | None = None
) -> None:
    """Write the page of an explanation, into a folder that is there; see `sentir.report.audit_page.make_place`.

    Args:
        found: the explanation.
        path: of the page.
        recognizer: what is explained; its model card stands on the page.

    Raises:
        SentirError: if it cannot be written.
    """
    if isinstance(found, Explanation):
        page = render_explanation(found, recognizer)
    else:
        page = render_model_explanation(found, recognizer)
    try:
        write_text(path, page)
    except OSError as error:
        raise SentirError(_("{path} cannot be written: {why}.", path=path, why=error.strerror)) from error


def render_explanation(found: Explanation, recognizer: Recognizer | None = None) -> str:
    """Return the explanation of one answer as one self-contained page."""
    largest = 0.0 if found.words is None else float(abs(found.words.values).max())

    def content() -> dict[str, Any]:
        return {
            "title": _("Why {label}?", label=word(found.label)),
            "found": found,
            "card": card(recognizer),
            "summary": summary(found),
            "completeness": completeness(found),
            "strength": lambda one: strength(one, largest),
            "signed": signed,
            "ranked": ranked_words(found),
            "map_names": {name: _(text) for name, text in MAP_NAMES.items()},
            "about": {name: _(text) for name, text in _ABOUT.items()},
            "sound_figure": sound_figure,
            "sound_text": sound_text,
            "verdict": verdict,
        }

    return render_page("explanation.html", content)


def render_model_explanation(found: ModelExplanation, recognizer: Recognizer | None = None) -> str:
    """Return what a model's score hangs on as one self-contained page."""

    def content() -> dict[str, Any]:
        return {
            "title": _("Which inputs matter to {model}?", model=named(found.model)),
            "found": found,
            "card": card(recognizer),
            "shown": found.columns[:SHOWN],
            "amount": lambda value: amount(found.metric, value),
            "interval_text": interval_text,
            "parts": {name: _(text) for name, text in PARTS.items()},
            "how": {name: _(text) for name, text in _HOW.items()},
            "loss_sentence": lambda one: loss_sentence(found, one),
            "withheld_figure": withheld_figure,
            "importance_figure": importance_figure,
        }

    return render_page("model_explanation.html", content)


def card(recognizer: Recognizer | None) -> Document | None:
    """Return the model card of a recognizer in the current language; ``None`` without one."""
    if recognizer is None:
        return None
    return model_card(recognizer.recipe, recognizer.space, recognizer.facts)


def summary(found: Explanation) -> str:
    """Say what was recognized and which score is explained."""
    if found.is_number:
        return _("The model predicts {score} for {label}; this number is explained.",
                 score=localized(f"{found.score:.2f}"), label=word(found.label))  # fmt: skip
    names = ", ".join(word(str(name)) for name in found.labels) or _("none of them")
    return _(
        "Predicted: {labels}. Explained: the log-odds of {label}, {score} (probability {p}).",
        labels=names, label=word(found.label), score=signed(found.score),
        p=localized(f"{found.probabilities[found.label]:.2f}"),
    )  # fmt: skip


def completeness(found: Explanation) -> str:
    """Say what the values of the words add up to, and by how much they miss; ``""`` without words."""
    words = found.words
    if words is None:
        return ""
    return _(
        "With every word replaced by {token} the score is {without}, with the words {score}. The attributions "
        "sum to the difference, {difference}, up to an error of {delta} (integrated gradients, {steps} steps).",
        token=words.token, without=signed(words.without), score=signed(found.score),
        difference=signed(found.score - words.without), delta=signed(words.delta, 3), steps=words.steps,
    )  # fmt: skip


def signed(value: float, digits: int = 2) -> str:
    """Write a number with its sign, the minus as wide as the plus."""
    text = f"{value:+.{digits}f}"
    return localized(text.replace("-", "−") if float(text) else text.strip("+-"))


def strength(one: Word, largest: float) -> str:
    """Return how a word is drawn: ``loud``, ``heard`` or ``""``, by its share of the largest value."""
    share = abs(one.value) / largest if largest else 0.0
    return "loud" if share >= _LOUD else "heard" if share >= _HEARD else ""


def ranked_words(found: Explanation) -> list[Word]:
    """Return the words, the strongest first."""
    passages = () if found.words is None else found.words.passages
    return sorted((one for passage in passages for one in passage.words), key=lambda one: -abs(one.value))


def verdict(check: Randomized) -> str:
    """Say what a correlation with the map of other weights means."""
    if abs(check.correlation) < ALIKE:
        return _("random weights give another map")
    return _("much the same with random weights: the map reflects the input rather than what was learned")


def amount(metric: str, value: float) -> str:
    """Write a loss in points, or in the metric's units."""
    return signed(100 * value, 1) if is_share(metric) else signed(value, 3)


def loss_sentence(found: ModelExplanation, one: Withheld) -> str:
    """Say what is lost without one kind of thing, and how sure that is."""
    c = one.comparison
    corrected = [_("corrected for {n} comparisons", n=c.among)] if c.among > 1 else []
    values = {
        "part": _(PARTS[one.part]),
        "metric": word(found.metric),
        "loss": amount(found.metric, gain(found.metric, c.difference)),
        "why": ", ".join([*_bounds(found.metric, c.low, c.high), p_text(c.p_holm), *corrected]),
        "score": localized(f"{one.score:.3f}"),
    }
    if is_share(found.metric):
        return _("Without {part}, {metric} is {score}: {loss} points lost ({why}).", **values)
    return _("Without {part}, {metric} is {score}: {loss} lost ({why}).", **values)


def _bounds(metric: str, *bounds: float | None) -> list[str]:
    """Say the interval of a loss, if there is one."""
    low_high = sorted(gain(metric, bound) for bound in bounds if bound is not None)
    ends = [amount(metric, bound) for bound in low_high]
    return [_("95 % interval {low} to {high}", low=ends[0], high=ends[1])] if ends else []


def interval_text(metric: str, one: Importance) -> str:
    """Write the interval of what is lost by permuting, for a table; a dash where there is none."""
    if one.low is None or one.high is None:
        return "–"
    return f"{amount(metric, one.low)} … {amount(metric, one.high)}"
